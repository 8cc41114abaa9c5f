# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module that publishes firmware: its manifest, and that a badge flashed by it holds what a table would write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.nixvegas.noc.plugins.module_utils.badge import nvs
from ansible_collections.nixvegas.noc.plugins.modules import badge_web
from ansible_collections.nixvegas.noc.tests.badge_simulator.firmware import APP, BOOTLOADER, TABLE, pieces, write_build

Run = Callable[..., dict[str, Any]]
SIZE = 6000


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "www"


@pytest.fixture
def run(tmp_path: Path, dest: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    write_build(tmp_path / "build", app_size=SIZE)

    def call(check: bool = False, **options: Any) -> dict[str, Any]:
        given = {"build": str(tmp_path / "build"), "dest": str(dest), "version": "1.0", **options}
        with patch_module_args(given | {"_ansible_check_mode": check}), pytest.raises(SystemExit):
            badge_web.main()
        result: dict[str, Any] = json.loads(capfd.readouterr().out)
        return result

    return call


def test_the_manifest_is_as_esp_web_tools_reads_it(run: Run, dest: Path) -> None:
    run()
    assert json.loads((dest / "manifest.json").read_text(encoding="utf-8")) == {
        "name": "Nix Badge",
        "version": "1.0",
        "new_install_prompt_erase": True,
        "new_install_improv_wait_time": 0,
        "builds": [
            {
                "chipFamily": "ESP32-C6",
                "parts": [
                    {"path": "bootloader.bin", "offset": 0},
                    {"path": "partition-table.bin", "offset": 0x8000},
                    {"path": "nvs.bin", "offset": 0x9000},
                    {"path": "app.bin", "offset": 0x10000},
                ],
            }
        ],
    }


def test_its_parts_make_a_badge_that_starts(run: Run, dest: Path) -> None:
    run()
    (build,) = json.loads((dest / "manifest.json").read_text(encoding="utf-8"))["builds"]
    flash = {part["offset"]: (dest / part["path"]).read_bytes() for part in build["parts"]}
    firmware = pieces(SIZE)
    assert all(flash[offset].startswith(firmware[offset]) for offset in (BOOTLOADER, TABLE, APP))
    config = nvs.read(flash[0x9000])["config"]
    assert config["boot_mesh"] == 0
    assert not {"router_ssid", "router_passwd"} & config.keys()


def test_only_what_differs_is_written(run: Run, dest: Path) -> None:
    foretold = run(check=True)
    assert not dest.exists()
    done, again = run(), run()
    assert (done["written"], done["diff"]) == (foretold["written"], foretold["diff"])
    assert done["written"][-1] == "manifest.json"
    assert (done["changed"], again["changed"], again["written"]) == (True, False, [])
    assert run(version="1.1")["written"] == ["manifest.json"]
    assert {file.stat().st_mode & 0o777 for file in dest.iterdir()} == {0o644}
    assert sorted(file.name for file in dest.iterdir()) == done["files"]


def test_mistakes_are_said(run: Run, tmp_path: Path) -> None:
    assert "flasher_args.json" in run(build=str(tmp_path))["msg"]
    missing = run(dest=str(tmp_path / "none/www"))
    assert missing["failed"]
    assert "none/www" in missing["msg"]
