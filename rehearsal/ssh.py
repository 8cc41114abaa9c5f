"""SSH into the containers: keys, and how Ansible connects."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .command import run
from .containers import File
from .namespaces import Holder
from .paths import State

USER = "debian"
CONNECT = Path(__file__).with_name("connect.py")
# How the user becomes root in a container, by the variables that may say otherwise of the event's own hosts.
BECOME: Mapping[str, Any] = {
    "ansible_become": True,
    "ansible_become_method": "sudo",
    **dict.fromkeys(("ansible_become_exe", "ansible_sudo_exe"), "sudo"),
    **dict.fromkeys(("ansible_become_flags", "ansible_sudo_flags"), "-H -S -n"),
    **dict.fromkeys(("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"), ""),
    **dict.fromkeys(("ansible_become_user", "ansible_sudo_user"), "root"),
}


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
    # Names without a container lead nowhere: ssh takes the first value that it finds.
    nowhere = {"ProxyCommand": "sh -c 'echo %h is no container of this rehearsal >&2; exit 1'"}
    (state.ssh / "config").write_text(
        entries + "Host *\n" + "".join(f"  {name} {value}\n" for name, value in (common | nowhere).items())
    )


def connection(state: State, host: str, own: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the variables by which Ansible logs in to a container and becomes root there.

    They cover whatever else may say how to log in (inventories, ansible.cfg, the environment): nothing of it may lead
    away from the container. How to become root is only said if `own`, the event's variables of the host, say it too:
    such variables are stronger than what a task asks for.
    """
    arguments = f"-F {state.ssh / 'config'}"
    return {
        "ansible_connection": "ssh",
        **dict.fromkeys(("ansible_host", "ansible_ssh_host"), host),
        **dict.fromkeys(("ansible_port", "ansible_ssh_port"), 22),
        **dict.fromkeys(("ansible_user", "ansible_ssh_user"), USER),
        **dict.fromkeys(("ansible_private_key_file", "ansible_ssh_private_key_file"), str(state.ssh / "login")),
        **dict.fromkeys(("ansible_private_key", "ansible_ssh_private_key", "ansible_ssh_pkcs11_provider"), ""),
        **dict.fromkeys(("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"), ""),
        "ansible_ssh_executable": "ssh",
        "ansible_ssh_args": "-C -o ControlMaster=auto -o ControlPersist=60s",
        "ansible_ssh_common_args": arguments,
        "ansible_ssh_extra_args": "",
        "ansible_control_path": "",
        "ansible_control_path_dir": str(state.sockets),
        "ansible_python_interpreter": "/usr/bin/python3",
        **{name: value for name, value in BECOME.items() if name in (own or {})},
    }
