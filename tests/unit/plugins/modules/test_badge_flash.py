# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module around the flasher, with a simulated badge. Whatever it says, no passphrase is part of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.nixvegas.noc.plugins.modules import badge_flash
from ansible_collections.nixvegas.noc.tests.badge_simulator import Badge, Slot, Trouble, slots
from ansible_collections.nixvegas.noc.tests.badge_simulator.firmware import write_build

Run = Callable[..., dict[str, Any]]
PASSPHRASE = "correct horse battery staple"
SETTINGS = {"mode": "cache", "router_ssid": "NixVegas", "router_passphrase": PASSPHRASE, "cache_upstream": "10.0.0.1"}
CHECKOUT = Path(__file__).parents[4]


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[Slot]:
    with slots(tmp_path, 1) as (slot,):
        slot.plug(Badge())
        yield slot


@pytest.fixture
def build(tmp_path: Path) -> Path:
    return write_build(tmp_path / "build", app_size=6000)


@pytest.fixture
def run(slot: Slot, build: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    def call(check: bool = False, **options: Any) -> dict[str, Any]:
        given = {"port": slot.port, "build": str(build), "settings": SETTINGS, "patience": 0.2, **options}
        given |= {"_ansible_check_mode": check, "_ansible_diff": True}
        with (
            patch_module_args({key: value for key, value in given.items() if value is not None}),
            pytest.raises(SystemExit),
        ):
            badge_flash.main()
        captured = capfd.readouterr()
        assert PASSPHRASE not in captured.out + captured.err
        result: dict[str, Any] = json.loads(captured.out)
        return result

    return call


def test_a_badge_is_flashed_once(run: Run) -> None:
    first, second = run(), run()
    assert (first["changed"], first["written"]) == (True, ["app", "nvs", "partition-table", "bootloader"])
    assert first["bytes_written"] > 0x3000
    assert (second["changed"], second["written"], second["bytes_written"]) == (False, [], 0)
    assert second["diff"]["before"] == second["diff"]["after"] == ""


def test_check_mode_says_the_same_and_writes_nothing(run: Run, slot: Slot) -> None:
    foretold = run(check=True)
    assert slot.badge is not None
    assert slot.badge.flash.programmed_bytes == 0
    done = run()
    same = ("changed", "written", "kept", "settings_changed", "diff", "mac")
    assert {key: foretold[key] for key in same} == {key: done[key] for key in same}


def test_the_diff_names_regions_and_settings(run: Run) -> None:
    run()
    result = run(settings=SETTINGS | {"router_ssid": "Other", "router_passphrase": "RebuildTheWorld"}, check=True)
    assert set(result["settings_changed"]) == {
        "router_ssid: 'NixVegas' -> 'Other'",
        "router_passwd: (secret) -> (secret, differs)",
    }
    before, after = (result["diff"][side].splitlines() for side in ("before", "after"))
    assert set(before) - set(after) == {
        "nvs (0x9000 to 0xc000): other settings",
        "router_passwd: (secret)",
        "router_ssid: 'NixVegas'",
    }
    assert "router_ssid: 'Other'" in after


def test_regions_are_flashed_alone(run: Run, build: Path) -> None:
    run()
    regions = [{"offset": "0x10000", "path": str(write_build(build / "new", seed=9) / "nixbadge.bin")}]
    assert run(build=None, regions=regions, settings=None)["written"] == ["nixbadge"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"build": "/nonexistent"},
            "/nonexistent/flasher_args.json: it is not there; name the folder that `idf.py build` filled",
        ),
        ({"build": None, "regions": [{"offset": "64k", "path": "x"}]}, "regions[0].offset: '64k' is no number"),
        ({"build": None}, "one of the following is required: build, regions"),
        ({"settings": SETTINGS | {"router_ssid": "x" * 40}}, "router_ssid: it has 40 bytes; write 31 at most"),
        ({"mac": "60:55:f9:00:00:99"}, "badge 60:55:f9:00:00:01 is there in place of 60:55:f9:00:00:99"),
        ({"port": "/nonexistent"}, "/nonexistent: cannot be opened (ENOENT): plug the badge in again"),
    ],
)
def test_what_is_wrong_is_refused(run: Run, slot: Slot, options: dict[str, Any], words: str) -> None:
    result = run(**options)
    assert result["failed"]
    assert words in result["msg"]
    assert slot.badge is not None
    assert slot.badge.flash.programmed_bytes == 0


def test_a_locked_badge_is_refused_with_advice(run: Run, slot: Slot) -> None:
    slot.plug(Badge(trouble=Trouble(secure_boot=True)))
    assert run()["advice"] == "this badge is locked: put it aside"


def test_without_esptool_it_says_where_it_is(slot: Slot, tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden/esptool.py").write_text("raise ImportError('no esptool here')\n")
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {"port": slot.port, "build": str(tmp_path)}})
    result = subprocess.run(
        [sys.executable, "-m", "ansible_collections.nixvegas.noc.plugins.modules.badge_flash"],
        input=arguments,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{tmp_path / 'hidden'}:{CHECKOUT / '.cache/collections'}"},
    )
    answer = json.loads(result.stdout)
    assert "esptool (>=5.3,<6)" in answer["msg"]
    assert "ansible_python_interpreter to /opt/nixvegas/badge/bin/python" in answer["msg"]


@pytest.mark.parametrize(
    "settings",
    [
        [{"mode": "lights", "passphrase": PASSPHRASE}],
        [PASSPHRASE],
        PASSPHRASE,
        {"mode": PASSPHRASE},
        {"mode": "lights", "router_pasphrase": PASSPHRASE},
        {"mode": "lights", PASSPHRASE: 1},
        {"mode": "lights", "cache_priority": PASSPHRASE},
        {"mode": "lights", "router_passphrase": [PASSPHRASE]},
        {"mode": "lights", "router_ssid": PASSPHRASE * 3},
    ],
)
def test_refused_settings_are_not_shown(run: Run, settings: object) -> None:
    """Neither in the message nor in what -vvv shows of the invocation."""
    result = run(settings=settings)
    assert result["failed"]
    assert result["invocation"]["module_args"]["settings"] == "(not shown)"
    assert "correct" not in json.dumps(result)
