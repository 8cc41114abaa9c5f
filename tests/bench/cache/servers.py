"""The servers that are compared, on free ports of this machine: ours, nginx with one worker sending files, harmonia."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from closure import STORE_DIR

# With which the role's unit runs it.
PYTHON = "/usr/bin/python3"
LIBRARY = Path(__file__).resolve().parents[3] / "roles/nar_server/files"
_NGINX = """\
worker_processes 1;
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    open_file_cache max=4000 inactive=10m;
    default_type application/octet-stream;
    client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
    uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


@dataclass(frozen=True)
class Server:
    """A running server, and the folders it sends from."""

    name: str
    port: int
    process: int
    started_seconds: float
    folders: tuple[Path, ...] = ()

    def warm(self) -> None:
        """Have all that it sends in memory: some kernels let go of what was not read for half a minute."""
        command = ["find", *self.folders, "-type", "f", "-exec", "cat", "{}", "+"]
        # Packs may vanish meanwhile.
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def memory(self) -> int:
        """Bytes that all its processes together have resident now; what several of them share counts once."""
        return sum(_resident(process) for process in _tree(self.process))


def _tree(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(each for child in children for each in _tree(int(child)))]


def _resident(process: int) -> int:
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def _running(
    name: str, port: int, command: Sequence[str], environment: dict[str, str], folders: tuple[Path, ...]
) -> Iterator[Server]:
    started = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(b"GET /nix-cache-info HTTP/1.1\r\nHost: cache\r\nConnection: close\r\n\r\n")
                if connection.recv(12).startswith(b"HTTP/1.1 200"):
                    break
            if process.poll() is not None or time.perf_counter() - started > 60:
                raise RuntimeError(f"{name} did not start: {' '.join(command)}")
            time.sleep(0.005)
        yield Server(name, port, process.pid, time.perf_counter() - started, folders)
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def nginx(folder: Path, root: Path) -> Iterator[Server]:
    """nginx with one worker, sending the files below ``root``; ``folder`` for what it writes."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise RuntimeError("nginx is compared with: install nginx-light (packages-test.txt)")
    folder.mkdir()
    port = _free_port()
    user = "root" if os.getuid() == 0 else "nobody"
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port, user=user, root=root))
    command = [program, "-e", f"{folder}/nginx.log", "-c", f"{folder}/nginx.conf"]
    with _running("nginx", port, command, {}, (root,)) as server:
        yield server


@contextlib.contextmanager
def ours(
    store: Path, key: Path, file: Path, *, tier: Path | None = None, tier_size: int = 4 * 2**30, workers: int = 0
) -> Iterator[Server]:
    """Our server over a store; ``file`` is where its configuration goes. workers: 0 for its default."""
    port = _free_port()
    lines = [f'listen = ["127.0.0.1:{port}"]', f'real_store_dir = "{store}"', f'signing_key_files = ["{key}"]']
    if workers:
        lines.append(f"workers = {workers}")
    if tier is not None:
        lines += ["[hot_tier]", f'folder = "{tier}"', f"size = {tier_size}"]
    file.write_text("\n".join(lines))
    command = [PYTHON, "-P", "-m", "nar_server", "serve", "--config", str(file)]
    folders = (store,)
    if tier is not None:
        tier.mkdir(exist_ok=True)
        folders += (tier,)
    with _running("ours", port, command, {"PYTHONPATH": str(LIBRARY)}, folders) as server:
        yield server


@contextlib.contextmanager
def harmonia(program: Path, store: Path, key: Path, file: Path, *, workers: int = 0) -> Iterator[Server]:
    """Harmonia 3 over the same store, with as many workers as ours has; ``file``: its configuration.

    workers: 0 for one for each processor.
    """
    port = _free_port()
    settings = {
        "bind": f"127.0.0.1:{port}",
        "workers": workers or os.cpu_count() or 1,
        "virtual_nix_store": STORE_DIR,
        "real_nix_store": str(store),
        "sign_key_paths": [str(key)],
    }
    # Texts, numbers and lists of texts are the same in JSON and TOML.
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
    environment = {"CONFIG_FILE": str(file), "RUST_LOG": "error"}
    with _running("harmonia", port, [str(program)], environment, (store,)) as server:
        yield server
