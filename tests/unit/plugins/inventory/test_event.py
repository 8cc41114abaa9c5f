"""The inventory plugin as Ansible runs it: who overrides what, and what happens with a wrong file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[4]
EVENT = (CHECKOUT / "inventories/dc33/event.yml").read_text(encoding="utf-8")
Run = Callable[..., subprocess.CompletedProcess[str]]

FILES = {
    "event.yml": EVENT,
    "hosts.yml": """
clients: {hosts: {laptop: {verify_network: arena}}}
router: {vars: {ntp_control_clock: false}}
all: {hosts: {vivec: {nebula_mtu: 1200}}}
""",
    "group_vars/all.yml": "base_timezone: Etc/UTC\nntp_servers: [time.example.org]\n",
    "group_vars/cache.yml": "nar_server_priority: 33\nntp_servers: [caches.example.org]\n",
    "group_vars/clients.yml": "verify_router: overridden\n",
    "host_vars/bigzam.yml": "ntp_servers: [bigzam.example.org]\nansible_host: 192.0.2.1\n",
    "host_vars/localhost.yml": "hydra_url: https://hydra.example.org\n",
    ".secrets/tsig/dhcp.secret": "c2VjcmV0\n",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A function that runs ansible-inventory in an empty folder, with the defaults of a user who has no ansible.cfg."""
    folder = tmp_path_factory.mktemp("cwd")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "NIXVEGAS_"))}
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".cache/collections"), "HOME": str(folder)}
    program = str(Path(sys.executable).parent / "ansible-inventory")

    def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        command = [program, *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment | extra, capture_output=True, text=True, check=False, timeout=60
        )

    return run


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory with an event and everything that overrides it."""
    folder = tmp_path_factory.mktemp("inventory")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def listed(run: Run, inventory: Path) -> dict[str, Any]:
    """What ansible-inventory --list says of it."""
    result = run("-i", str(inventory), "--list")
    assert (result.returncode, result.stderr) == (0, "")
    data: dict[str, Any] = json.loads(result.stdout, object_hook=plain)
    return data


def plain(data: dict[str, Any]) -> Any:
    """Ansible marks texts that are not templates as "unsafe"; all of ours are."""
    return data.get("__ansible_unsafe", data)


@pytest.fixture(scope="module")
def hosts(listed: dict[str, Any]) -> dict[str, Any]:
    """The variables of each host."""
    data: dict[str, Any] = listed["_meta"]["hostvars"]
    return data


@pytest.mark.parametrize(
    ("host", "variable", "value", "why"),
    [
        ("genos", "nebula_port", 5000, "compiled"),
        ("genos", "ansible_host", "10.4.1.4", "compiled"),
        ("adamantia", "ansible_host", "203.0.113.66", "compiled"),
        ("ghostgate", "ansible_host", "10.4.0.1", "compiled"),
        ("genos", "base_timezone", "Etc/UTC", "group_vars/all.yml"),
        ("genos", "ntp_servers", ["time.example.org"], "group_vars/all.yml"),
        ("saitama", "ntp_servers", ["caches.example.org"], "group_vars/cache.yml"),
        ("saitama", "nar_server_priority", 33, "group_vars/cache.yml"),
        ("bigzam", "ntp_servers", ["bigzam.example.org"], "host_vars/bigzam.yml"),
        ("bigzam", "ansible_host", "192.0.2.1", "host_vars/bigzam.yml"),
        ("vivec", "nebula_mtu", 1200, "a host's variables in another inventory file"),
        ("ghostgate", "ntp_control_clock", False, "a class's variables in another inventory file"),
        ("saitama", "ntp_control_clock", True, "compiled"),
        ("laptop", "verify_router", "overridden", "group_vars/clients.yml"),
        ("laptop", "verify_egress", dict.fromkeys(("noc", "build", "arena"), "203.0.113.66"), "compiled"),
    ],
)
def test_precedence(hosts: dict[str, Any], host: str, variable: str, value: object, why: str) -> None:
    assert hosts[host][variable] == value, f"{variable} of {host} should come from: {why}"


def test_clients_get_no_role_variables(hosts: dict[str, Any]) -> None:
    subjects = {name.split("_")[0] for name in hosts["laptop"]} - {"ansible"}
    assert subjects == {"verify", "secrets", "badges", "base", "ntp"}
    assert "base_hostname" not in hosts["laptop"]  # base_timezone and ntp_servers are from group_vars/all.yml


def test_hydra_is_known_to_localhost_only(run: Run, inventory: Path, listed: dict[str, Any]) -> None:
    """To the localhost Ansible has anyway, which is no host of the event: not in the group all."""
    assert "hydra_" not in json.dumps(listed)
    assert "localhost" not in json.dumps(listed)
    found = json.loads(run("-i", str(inventory), "--host", "localhost").stdout, object_hook=plain)
    assert [project["name"] for project in found["hydra_projects"]] == ["nixpkgs"]
    assert (found["hydra_url"], found["ansible_connection"]) == ("https://hydra.example.org", "local")


def test_secrets_are_no_inventory(hosts: dict[str, Any]) -> None:
    """Ansible reads all of a folder as inventory files, but for those with a dot in front."""
    assert sorted(hosts) == sorted(
        ["adamantia", "bigzam", "genos", "ghostgate", "laptop", "saitama", "tatsumaki", "vivec"]
    )


def test_groups(listed: dict[str, Any]) -> None:
    assert listed["cache"]["hosts"] == ["saitama", "bigzam"]
    assert listed["builder"]["hosts"] == ["bigzam", "genos", "tatsumaki"]
    assert listed["clients"]["hosts"] == ["laptop"]
    assert sorted(listed["managed"]["hosts"]) == sorted(set(listed["_meta"]["hostvars"]) - {"laptop"})


@pytest.mark.parametrize(
    ("environment", "key", "expected"),
    [
        ({}, "", "{inventory}/.secrets"),
        ({}, "secrets_dir: ../vault", "{inventory}/../vault"),
        ({"NIXVEGAS_NOC_SECRETS": "/elsewhere"}, "secrets_dir: .vault", "/elsewhere"),
    ],
)
def test_secrets_dir(run: Run, tmp_path: Path, environment: dict[str, str], key: str, expected: str) -> None:
    (tmp_path / "event.yaml").write_text(f"{EVENT}\n{key}\n", encoding="utf-8")
    result = run("-i", str(tmp_path), "--host", "genos", **environment)
    assert json.loads(result.stdout, object_hook=plain)["secrets_dir"] == expected.format(inventory=tmp_path)


def test_wrong_file_stops_everything(run: Run, tmp_path: Path) -> None:
    """No plays over no hosts: an exit status, and nothing but our own mistakes."""
    file = tmp_path / "event.yml"
    file.write_text(EVENT.replace("class: router", "class: ruter").replace("10.4.0.8,", "10.4.9.8,"), encoding="utf-8")
    result = run("-i", str(tmp_path), "--list")
    assert result.returncode == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert [line.partition(": ")[2].partition(":")[0] for line in lines[:2]] == [
        "hosts.ghostgate.class",
        "hosts.vivec.interfaces.eth0.address",
    ]
    assert lines[2:] == [f"2 mistakes in {file}"]


def test_two_events(run: Run, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "event.yml").write_text(EVENT, encoding="utf-8")
    result = run("-i", str(tmp_path), "--list")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"{tmp_path}/two/event.yml: a second event; a run is about one: name its folder with -i\n"


def test_variables_of_all_hosts_may_come_first(run: Run, tmp_path: Path) -> None:
    """Ansible reads the files of a folder in the order of their names."""
    (tmp_path / "all.yml").write_text("managed: {vars: {base_timezone: Etc/UTC}}\n", encoding="utf-8")
    (tmp_path / "event.yml").write_text(EVENT, encoding="utf-8")
    result = run("-i", str(tmp_path), "--host", "genos")
    assert json.loads(result.stdout, object_hook=plain)["base_timezone"] == "Etc/UTC"


def test_other_files_are_left_alone(run: Run, tmp_path: Path) -> None:
    """A file of another name is none of ours, whatever is in it."""
    (tmp_path / "other.yml").write_text(EVENT, encoding="utf-8")
    assert "could not be verified by inventory plugin" in run("-i", str(tmp_path / "other.yml"), "--list").stderr
