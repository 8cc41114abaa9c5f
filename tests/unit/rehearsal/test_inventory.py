"""A user's inventory in a rehearsal, as Ansible reads both: nothing in it leads away from the containers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.nixvegas.noc.rehearsal.inventory import ansible_environment, fingerprint
from ansible_collections.nixvegas.noc.rehearsal.paths import State
from ansible_collections.nixvegas.noc.rehearsal.rehearse import Rehearsal, open_rehearsal
from ansible_collections.nixvegas.noc.rehearsal.ssh import BECOME, connection

DC33 = Path(__file__).resolve().parents[3] / "inventories" / "dc33" / "event.yml"
KEY = "cache.nixos.org-1:UkVIRUFSU0FM"
REAL = "10.4.0.131"
HOSTS = {
    "clients": {
        "hosts": {"numinits-laptop": {"ansible_host": REAL, "verify_network": "noc"}, "crew": {"ansible_host": REAL}}
    },
    "cache": {"hosts": {"spare": {"ansible_host": REAL}}},
    "switches": {"hosts": {"switch1": {}}},
}
CONTROLLER = {"all": {"hosts": {"localhost": {"ansible_connection": "ssh", "ansible_host": REAL, "mine": "here"}}}}
VARIABLES = {
    "group_vars/all.yml": {"ansible_connection": "local", "ansible_ssh_extra_args": f"-J root@{REAL}"},
    "group_vars/clients.yml": {"verify_address_page": "https://ifconfig.example/", "verify_network": "arena"},
    "host_vars/saitama.yml": {"ansible_ssh_host": REAL, "ansible_become": False, "ansible_user": "root"},
    "host_vars/localhost.yml": {"ansible_connection": "ssh"},
}


@pytest.fixture
def rehearsal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    """The rehearsal of an event whose inventory has hosts and logins of its own."""
    monkeypatch.setenv("ANSIBLE_SSH_EXTRA_ARGS", f"-o ProxyCommand='nc {REAL} 22'")
    source = tmp_path / "mine"
    source.mkdir()
    shutil.copy(DC33, source)
    for name, content in {"controller.yml": CONTROLLER, "hosts.yml": HOSTS, **VARIABLES}.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(yaml.safe_dump(content))
    state = State(tmp_path / "cache", "mine")
    state.folder.mkdir(parents=True)
    state.upstream.write_text(json.dumps({"root": "/nix/store/x", "public_keys": {"cache.nixos.org-1": KEY}}))
    rehearsal = open_rehearsal(state, source)
    rehearsal.write_inventory(rehearsal.read_inventory())
    return rehearsal


def read(rehearsal: Rehearsal) -> dict[str, Any]:
    """Groups and variables, as Ansible reads them in a rehearsal."""
    sources = f"{rehearsal.source},{rehearsal.state.inventory}"
    done = subprocess.run(
        ["ansible-inventory", "--list"],
        env=ansible_environment(rehearsal.state) | {"ANSIBLE_INVENTORY": sources},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    tree: dict[str, Any] = json.loads(done.stdout)
    return tree


def test_only_containers_are_contacted(rehearsal: Rehearsal) -> None:
    tree = read(rehearsal)
    variables = tree.pop("_meta")["hostvars"]
    hosts = {host for group in tree.values() for host in group.get("hosts", ())}
    assert hosts == {container.name for container in rehearsal.plan.of_kind("host", "client")}
    assert set(tree["clients"]["hosts"]) == {"laptop", "laptop-build", "crew"}
    assert tree["cache"]["hosts"] == ["saitama", "bigzam"]
    for host in hosts:
        login = connection(rehearsal.state, host)
        assert {name: variables[host][name] for name in login} == login
        assert not [
            name for name, value in variables[host].items() if name.startswith("ansible_") and REAL in str(value)
        ]
    assert {name: variables["saitama"].get(name) for name in ("ansible_become", "ansible_become_user")} == {
        "ansible_become": BECOME["ansible_become"],
        "ansible_become_user": None,
    }


@pytest.mark.parametrize("explicit", [True, False])
def test_localhost_is_this_machine(rehearsal: Rehearsal, explicit: bool) -> None:
    if not explicit:
        (rehearsal.source / "controller.yml").unlink()
    message = "{{ ansible_connection }} {{ ansible_host }} {{ hydra_url }} {{ mine | default('none') }}"
    done = subprocess.run(
        ["ansible", "localhost", "-m", "ansible.builtin.debug", "-a", json.dumps({"msg": message})],
        env=ansible_environment(rehearsal.state)
        | {"ANSIBLE_INVENTORY": f"{rehearsal.source},{rehearsal.state.inventory}"},
        capture_output=True,
        text=True,
        check=False,
    )
    hydra = "http://saitama.build.dc.nixos.lv:3000"
    assert f"msg: local 127.0.0.1 {hydra} {'here' if explicit else 'none'}\n" in done.stdout, done.stdout + done.stderr


def test_every_client_asks_what_the_rehearsal_answers(rehearsal: Rehearsal) -> None:
    variables = read(rehearsal)["_meta"]["hostvars"]
    asked = {
        host: (own["verify_network"], own["verify_address_page"])
        for host, own in variables.items()
        if "verify_network" in own
    }
    page = "http://address.example/"
    assert asked == {"laptop": ("arena", page), "laptop-build": ("build", page), "crew": ("noc", page)}
    assert rehearsal.pages()["laptop-build"] == [page, "https://cache.nixos.lv/nix-cache-info"]


def test_what_was_dropped_is_listed(rehearsal: Rehearsal) -> None:
    listed = {(entry.host, entry.what) for entry in rehearsal.replacements()}
    assert {host for host, what in listed if what == "a client of your own"} == {"numinits-laptop", "crew"}
    assert {
        ("spare", "a host that is not in the event file"),
        ("switch1", "a host that is not in the event file"),
    } <= listed
    (logins,) = [what for _host, what in listed if what.startswith("logins")]
    assert "ansible_ssh_host" in logins
    assert "ansible_ssh_extra_args" in logins


def test_all_of_ssh_that_may_lead_elsewhere_is_said() -> None:
    """Options of Ansible's ssh connection that say where to, as whom, through what; by every name they have."""
    done = subprocess.run(["ansible-doc", "-t", "connection", "-j", "ssh"], capture_output=True, text=True, check=True)
    options = json.loads(done.stdout)["ssh"]["doc"]["options"]
    elsewhere = {"host", "port", "remote_user", "password", "private_key", "private_key_file", "pkcs11_provider"}
    elsewhere |= {"control_path", "control_path_dir", "ssh_args", "ssh_common_args", "ssh_extra_args", "ssh_executable"}
    names = {entry["name"] for option in elsewhere for entry in options[option]["vars"]}
    unset = {name for name in names if name.startswith("ansible_")} - connection(State(Path("/c"), "x"), "x").keys()
    assert unset == set()


def test_changes_are_noticed(rehearsal: Rehearsal) -> None:
    source = rehearsal.source
    seen = [fingerprint(source)]
    assert seen == [fingerprint(source)]
    (source / "event.yml").write_text((source / "event.yml").read_text() + "\n")
    seen.append(fingerprint(source))
    (source / "host_vars" / "saitama.yml").unlink()
    seen.append(fingerprint(source))
    os.utime(source / "hosts.yml", (0, 0))
    seen.append(fingerprint(source))
    assert len(set(seen)) == len(seen)


def test_other_wiring_is_noticed(rehearsal: Rehearsal) -> None:
    rehearsal.state.wiring.write_text(rehearsal.plan.digest)
    file = rehearsal.source / "event.yml"
    text = file.read_text()
    file.write_text(text.replace("title: Nix Vegas", "title: Nix City"))
    assert not open_rehearsal(rehearsal.state, rehearsal.source).is_rewired
    lan = "  guests: {cidr: 10.34.0.0/24, pool: 10.34.0.128-10.34.0.254}\n"
    text = text.replace("\nmesh:", f"{lan}\nmesh:").replace(
        "  eth2: {network", "  eth3: {network: guests}\n      eth2: {network"
    )
    file.write_text(text)
    assert open_rehearsal(rehearsal.state, rehearsal.source).is_rewired


def test_without_a_pool_nobody_can_ask(rehearsal: Rehearsal, capsys: pytest.CaptureFixture[str]) -> None:
    hosts = tuple(rehearsal.plan.of_kind("host"))
    replace(rehearsal, plan=replace(rehearsal.plan, containers=hosts)).prove()
    assert capsys.readouterr().out.startswith("No network has a pool, so there is no client that could ask")
