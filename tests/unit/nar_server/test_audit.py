"""The report of what vouches for which path."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nar_server import audit as report
from nar_server import base32
from nar_server.commands import stats_url
from nar_server.config import ViewConfig
from nar_server.keys import SecretKey
from nar_server.options import Address
from nar_server.path_info import PathInfo
from nar_server.signing import Signer
from nar_server.store_path import StorePath

LIBRARY = Path(__file__).parents[3] / "roles/nar_server/files"


@pytest.fixture
def audit(store: Any, tmp_path: Path, make_key: Callable[[str], SecretKey]) -> Callable[..., Any]:
    """Runs the command over a store with a path of each kind."""
    upstream = make_key("upstream-1")
    store.add("built", ultimate=1)
    store.add("smuggled")
    store.add("broken", narSize=0)
    signed = store.add("signed")
    digest, size = base32.decode(signed.nar_hash, 32), len(signed.nar)
    info = PathInfo(StorePath(signed.hash_part, "signed"), digest, size)
    text = Signer(upstream).sign(info.fingerprint("/nix/store")).text
    store.execute("update ValidPaths set sigs = ? where path like '%-signed'", (text,))
    ours = make_key("ours-1")
    key = tmp_path / "key"
    key.write_text(f"ours-1:{base64.b64encode(ours.seed + ours.public.data).decode()}")
    config = tmp_path / "config.toml"
    config.write_text(
        f"""
        real_store_dir = "{store.directory}"
        trusted_public_keys = ["{upstream.public}"]
        signing_key_files = ["{key}"]
        [views.all]
        [views.built]
        prefix = "/built"
        paths = "built"
        [views.mirror]
        prefix = "/mirror"
        paths = "upstream"
        policy = "none"
        """
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "nar_server", "audit", "--config", str(config), *arguments]
        environment = os.environ | {"PYTHONPATH": str(LIBRARY)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)

    return run


def test_for_machines(audit: Any) -> None:
    done = audit("--json")
    assert (done.returncode, done.stderr) == (1, "")
    found = {}
    for line in done.stdout.splitlines():
        entry = json.loads(line)
        found[entry["view"], entry["path"].split("-", 1)[1]] = (entry["status"], entry["vouchers"])
    assert found == {
        ("all", "built"): ("signed", ["built here"]),
        ("all", "signed"): ("signed", ["signed by upstream-1"]),
        ("all", "smuggled"): ("withheld", []),
        ("all", "broken"): ("malformed", []),
        ("built", "built"): ("signed", ["built here"]),
        ("built", "signed"): ("elsewhere", []),
        ("built", "smuggled"): ("elsewhere", []),
        ("built", "broken"): ("malformed", []),
        ("mirror", "built"): ("elsewhere", ["built here"]),
        ("mirror", "signed"): ("passed on", ["signed by upstream-1"]),
        ("mirror", "smuggled"): ("elsewhere", []),
        ("mirror", "broken"): ("malformed", []),
    }


def test_for_people(audit: Any) -> None:
    lines = audit("all").stdout.splitlines()
    assert any(line.startswith("all: withheld: /nix/store/") and line.endswith("-smuggled") for line in lines)
    assert lines[-4:] == [
        "all: 1 malformed",
        "all: 1 signed (built here)",
        "all: 1 signed (signed by upstream-1)",
        "all: 1 withheld (nothing vouches for them)",
    ]


def test_an_empty_store_is_told(audit: Any, store: Any) -> None:
    store.execute("delete from ValidPaths")
    done = audit("mirror", "all")
    assert (done.returncode, done.stdout) == (0, "all: no paths\nmirror: no paths\n")


def test_a_short_lock_is_waited_for(store: Any, make_view: Any) -> None:
    store.add("x")
    with contextlib.closing(sqlite3.connect(store.database, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("pragma locking_mode = exclusive")
        writer.execute("begin exclusive")
        release = threading.Timer(0.3, writer.close)
        release.start()
        assert [entry.status for entry in report.audit(make_view())] == ["withheld"]
        release.join()


def test_an_unknown_view(audit: Any) -> None:
    done = audit("al")
    assert done.returncode == 1
    assert done.stderr.partition(": ")[2] == "there is no view al; there are: all, built, mirror\n"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (Address("0.0.0.0", 5000), "http://127.0.0.1:5000/x/stats.json"),
        (Address("::", 80), "http://[::1]:80/x/stats.json"),
        (Address("10.4.1.2", 80), "http://10.4.1.2:80/x/stats.json"),
    ],
)
def test_where_stats_are(address: Address, url: str) -> None:
    assert stats_url(address, ViewConfig(prefix="/x")) == url
