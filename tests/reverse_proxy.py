"""The role reverse_proxy's nginx as it is deployed, but for TLS and for where it listens and writes.

Tests and benchmarks run it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import yaml

ROLE = Path(__file__).resolve().parents[1] / "roles/reverse_proxy"
SITE = "cache"
"""The name clients ask for if nothing else is said."""


@dataclass(frozen=True)
class Front:
    """A running nginx."""

    port: int
    process: int
    folder: Path

    @property
    def errors(self) -> str:
        """What it has logged."""
        return (self.folder / "error.log").read_text(encoding="utf-8")


def render(sites: Sequence[dict[str, Any]], folder: Path, **variables: Any) -> tuple[str, str]:
    """The role's nginx.conf and reverse-proxy.conf, as Ansible renders them."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROLE / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    values: dict[str, Any] = yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8"))
    values |= {
        "ansible_managed": "Ansible managed",
        "reverse_proxy_sites": sites,
        "__reverse_proxy_folder": str(folder),
        "__reverse_proxy_cache": str(folder / "cache"),
    }
    values |= variables
    main, own = (environment.get_template(f"{name}.conf.j2").render(values) for name in ("nginx", "reverse-proxy"))
    return main, own


def without_tls(main: str, sites: str, folder: Path, port: int) -> tuple[str, str]:
    """Both texts for a process of this user's: HTTPS becomes HTTP on the port, and the rest is on no network."""
    user = f"user {'root' if os.getuid() == 0 else 'nobody'};"
    temporary = "".join(
        f"{kind}_temp_path {folder}/temp; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = re.sub(r"^user .*;", user, main, flags=re.MULTILINE)
    main = re.sub(r"^include /etc/nginx/modules.*\n", "", main, flags=re.MULTILINE)
    main = main.replace("http {", f"http {{\n    {temporary}", 1)
    main = main.replace("/etc/nginx/conf.d/*", f"{folder}/sites").replace(
        "    include /etc/nginx/sites-enabled/*;\n", ""
    )
    main = main.replace("/var/log/nginx", str(folder)).replace("/run/nginx.pid", f"{folder}/nginx.pid")
    sites = re.sub(r"^ *(listen \[::\]|http2|ssl_).*\n", "", sites, flags=re.MULTILINE)
    sites = sites.replace("listen 443 ssl", f"listen 127.0.0.1:{port}").replace("listen 80", f"listen unix:{folder}/80")
    return main, sites


@contextlib.contextmanager
def reverse_proxy(
    folder: Path, ports: Sequence[int], name: str = SITE, rate: str = "0", **variables: Any
) -> Iterator[Front]:
    """Run it in front of servers on ports of this machine, of which all but the first are backups.

    ``name`` is what clients ask for; ``rate`` the bytes a second of an answer in nginx's notation, 0 for all it can;
    ``variables`` are the role's. Raises RuntimeError when nginx is not there or does not start.
    """
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise RuntimeError("the role's nginx is run here: install nginx-light (packages-test.txt)")
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    backends = [{"address": "127.0.0.1", "port": backend, "backup": backend != ports[0]} for backend in ports]
    main, sites = without_tls(*render([{"name": name, "backends": backends}], folder, **variables), folder, port)
    (folder / "nginx.conf").write_text(main.replace("http {", f"http {{\n    limit_rate {rate};", 1), encoding="utf-8")
    (folder / "sites.conf").write_text(sites, encoding="utf-8")
    log = folder / "error.log"
    command = [program, "-e", str(log), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait(process, name, port, log)
        yield Front(port, process.pid, folder)
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], name: str, port: int, log: Path) -> None:
    end = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"GET /-/health HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            if connection.recv(12) == b"HTTP/1.1 200":
                return
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"nginx did not start: {log.read_text(encoding='utf-8') if log.exists() else 'no log'}")
        time.sleep(0.01)
