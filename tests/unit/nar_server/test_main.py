"""The command line, as systemd and the role run it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from nar_server.keys import SecretKey

LIBRARY = Path(__file__).parents[3] / "roles/nar_server/files"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "nar_server", *arguments]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {"PYTHONPATH": str(LIBRARY)} | environment
    return subprocess.run(command(*arguments), env=variables, capture_output=True, text=True, check=False, timeout=30)


@pytest.fixture
def config(store: Any, tmp_path: Path) -> Callable[..., Path]:
    """Writes a configuration of a store on a free port; returns its file."""

    def write(*lines: str) -> Path:
        file = tmp_path / "config.toml"
        first = ['listen = ["127.0.0.1:0"]', f'real_store_dir = "{store.directory}"']
        file.write_text("\n".join([*first, *lines]))
        return file

    return write


def test_check_config(config: Any, tmp_path: Path, make_key: Callable[[str], SecretKey], nix: Any) -> None:
    nix("nix-store", "--generate-binary-cache-key", "cache-1", str(tmp_path / "key"), str(tmp_path / "public"))
    done = run("check-config", "--config", str(config(f'signing_key_files = ["{tmp_path / "key"}"]')))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"signs as {(tmp_path / 'public').read_text().strip()}\n"


def test_check_config_warns(config: Any) -> None:
    done = run("check-config", "--config", str(config('policy = "all"')))
    assert done.returncode == 0
    assert "view main: policy is 'all': paths are signed that came here unsigned" in done.stderr
    assert "view main: no signing_key_files: nothing is signed" in done.stderr


def test_check_config_works_before_the_packages_are_installed(config: Any, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("cache-1:" + "A" * 86 + "==")
    for package in ("aiohttp", "cryptography"):
        (tmp_path / "hide" / package).mkdir(parents=True)
        (tmp_path / "hide" / package / "__init__.py").write_text(f"raise ModuleNotFoundError('no {package}')")
    file = config(f'signing_key_files = ["{key}"]')
    done = run("check-config", "--config", str(file), PYTHONPATH=f"{tmp_path / 'hide'}:{LIBRARY}")
    assert (done.returncode, done.stderr) == (0, "warning: the keys were not tried: no cryptography\n")


@pytest.mark.parametrize("name", ["serve", "check-config"])
def test_mistakes(name: str, config: Any, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("cache-1:" + "A" * 86 + "==")
    for line, reason in (
        ("colour = 1", "colour: there is no such option"),
        (f'signing_key_files = ["{key}"]', "the public half inside the secret key 'cache-1' belongs to another"),
        (None, "No such file"),
    ):
        file = config(line) if line else tmp_path / "absent.toml"
        done = run(name, "--config", str(file))
        assert done.returncode == 1
        assert reason in done.stderr
        assert "Traceback" not in done.stderr


@pytest.fixture
def running(config: Any, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that said it was ready, and its address."""
    notify = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(notify))
        listener.settimeout(20)
        variables = os.environ | {"PYTHONPATH": str(LIBRARY), "NOTIFY_SOCKET": str(notify)}
        process = subprocess.Popen(
            command("serve", "--config", str(config())), env=variables, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        try:
            assert listener.recv(100) == b"READY=1"
            lines = [process.stderr.readline(), process.stderr.readline()]
            yield process, lines[1].split(" on ")[1].split(",")[0].strip()
        finally:
            process.kill()
            process.wait()
            process.stderr.close()


def test_serve_and_stop(running: tuple[subprocess.Popen[str], str], store: Any) -> None:
    process, address = running
    with urlopen(f"http://{address}/health") as answer:
        assert answer.read() == b"ok\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_an_answer_under_way_is_finished(running: tuple[subprocess.Popen[str], str], store: Any) -> None:
    process, address = running
    path = store.add("x", b"content" * 2_000_000)
    with urlopen(f"http://{address}{path.url}") as answer:
        process.send_signal(signal.SIGTERM)
        assert answer.read() == path.nar
    assert process.wait(10) == 0
