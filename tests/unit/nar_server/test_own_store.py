"""A client whose own store the server serves: it holds locks on what it asks for, and must not wait for itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nar_server.keys import SecretKey

from .test_nix_clients import STORE, client, filled


def tamper(real: Path) -> None:
    real.chmod(0o644)
    content = bytearray(real.read_bytes())
    content[0] ^= 1
    real.write_bytes(content)


def remove(real: Path) -> None:
    real.unlink()


@pytest.mark.parametrize("harm", [tamper, remove])
def test_a_repair_from_oneself_ends(
    nix: Any, tmp_path: Path, serve: Any, make_key: Callable[[str], SecretKey], harm: Callable[[Path], None]
) -> None:
    store, paths = filled(nix, tmp_path / "both", 3)
    store.execute("update ValidPaths set ultimate = 1")
    whole = store.directory / Path(paths[0]).name
    harmed = store.directory / Path(paths[-1]).name
    content = whole.read_bytes()
    harm(harmed)
    with serve(store, sign_with=[make_key("ours-1")]) as server:
        options = ("--store", f"local?root={tmp_path / 'both'}", *client(server.port, make_key("ours-1")))
        # Nix takes the path's lock and asks the server, which has only what is to be repaired. One that waited for
        # the lock would never answer.
        assert nix.run("nix-store", *options, "--repair-path", paths[-1], succeed=False).returncode != 0
        asked = server.ask("/metrics").body.decode()
        assert 'nar_server_requests_total{view="main",kind="narinfo"}' in asked
    assert whole.read_bytes() == content


def test_what_the_own_store_lacks_is_a_miss(
    nix: Any, tmp_path: Path, serve: Any, make_key: Callable[[str], SecretKey]
) -> None:
    store, paths = filled(nix, tmp_path / "both", 2)
    with serve(store, sign_with=[make_key("ours-1")]) as server:
        options = ("--store", f"local?root={tmp_path / 'both'}", *client(server.port, make_key("ours-1")))
        missing = nix.run("nix-store", *options, "--realise", f"{STORE}/{'0' * 32}-absent", succeed=False)
        assert missing.returncode != 0
        assert b"HTTP error" not in missing.stderr
        nix("nix-store", *options, "--realise", paths[-1])
