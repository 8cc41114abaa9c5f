"""SSH into the containers: keys, and how Ansible connects."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .command import run
from .containers import File
from .namespaces import Holder
from .paths import State

USER = "debian"
CONNECT = Path(__file__).with_name("connect.py")


def make_key(file: Path, comment: str) -> tuple[str, str]:
    """Return an Ed25519 key pair as OpenSSH writes it (private, public); made unless the file exists."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file])
    return file.read_text(), file.with_name(f"{file.name}.pub").read_text()


def login_files(state: State, host: str) -> dict[str, File]:
    """Return the files of a container that let the rehearsal log in, and the container prove who it is."""
    _unused, login = make_key(state.ssh / "login", "rehearsal")
    private, public = make_key(state.ssh / f"host-{host}", host)
    return {
        f"/home/{USER}/.ssh/authorized_keys": File(login),
        "/etc/ssh/ssh_host_ed25519_key": File(private, 0o600),
        "/etc/ssh/ssh_host_ed25519_key.pub": File(public),
    }


def write_client(state: State, holder: Holder, hosts: Iterable[str]) -> None:
    """Write what ssh needs to reach the containers: their host keys, and a configuration."""
    state.sockets.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = list(hosts)
    keys = {host: state.ssh.joinpath(f"host-{host}.pub").read_text() for host in names}
    (state.ssh / "known_hosts").write_text("".join(f"{host} {key}" for host, key in keys.items()))
    entries = "".join(
        f"Host {host}\n  ProxyCommand nsenter --net={holder.network(host)} {sys.executable} -I {CONNECT}\n"
        for host in names
    )
    common = {
        "User": USER,
        "IdentityFile": state.ssh / "login",
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": state.ssh / "known_hosts",
        "StrictHostKeyChecking": "yes",
        "ProxyUseFdpass": "yes",
    }
    (state.ssh / "config").write_text(
        entries + "Host *\n" + "".join(f"  {name} {value}\n" for name, value in common.items())
    )


def connection(state: State, host: str) -> dict[str, Any]:
    """Return the variables by which Ansible logs in to a container."""
    return {
        "ansible_connection": "ssh",
        "ansible_host": host,
        "ansible_port": 22,
        "ansible_user": USER,
        "ansible_ssh_private_key_file": str(state.ssh / "login"),
        "ansible_ssh_common_args": f"-F {state.ssh / 'config'}",
        "ansible_control_path_dir": str(state.sockets),
        "ansible_python_interpreter": "/usr/bin/python3",
    }
