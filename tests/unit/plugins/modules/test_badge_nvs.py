# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module around a badge's image file. Whatever it says, no passphrase is part of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.nixvegas.noc.plugins.module_utils.badge import nvs
from ansible_collections.nixvegas.noc.plugins.modules import badge_nvs

Run = Callable[..., dict[str, Any]]
PASSPHRASE = "correct horse battery staple"
WIFI = {"router_ssid": "NixVegas", "router_passphrase": PASSPHRASE, "cache_upstream": "cache.nixos.lv"}
CACHE = {"mode": "cache", **WIFI}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return tmp_path / "badge.bin"


@pytest.fixture
def run(image: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    def call(settings: object = None, check: bool = False, **options: Any) -> dict[str, Any]:
        given = {"path": str(image), "_ansible_check_mode": check, "_ansible_diff": True, **options}
        if settings is not None:
            given["settings"] = settings
        with patch_module_args(given), pytest.raises(SystemExit):
            badge_nvs.main()
        output = capfd.readouterr().out
        assert PASSPHRASE not in output
        result: dict[str, Any] = json.loads(output)
        assert not result.get("exception")
        return result

    return call


def test_a_file_is_written_once(run: Run, image: Path) -> None:
    first, second = run(CACHE), run(CACHE)
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["config"] == second["config"]
    assert second["mode"] == "cache"
    assert image.stat().st_mode & 0o777 == 0o600
    assert nvs.read(image.read_bytes())["config"]["router_passwd"] == PASSPHRASE


def test_check_mode_says_the_same_and_writes_nothing(run: Run, image: Path) -> None:
    told = run(CACHE, check=True)
    assert list(image.parent.iterdir()) == []
    done = run(CACHE)
    assert {key: told[key] for key in ("changed", "config", "mode", "diff")} == {
        key: done[key] for key in ("changed", "config", "mode", "diff")
    }


def test_the_diff_is_readable_and_says_that_a_passphrase_differs(run: Run) -> None:
    run(CACHE | {"router_passphrase": "RebuildTheWorld"})
    diff = run(CACHE | {"name": "Zoë"}, check=True)["diff"]
    before, after = (set(diff[side].splitlines()) for side in ("before", "after"))
    assert before - after == {"router_passwd: (secret)"}
    assert after - before == {"router_passwd: (secret, differs)", "name: 'Zoë'"}


def test_a_file_that_others_can_read_is_closed(run: Run, image: Path) -> None:
    run(CACHE)
    image.chmod(0o644)
    assert run(CACHE, check=True)["changed"]
    assert image.stat().st_mode & 0o777 == 0o644
    assert "mode of the file is not 0600" in run(CACHE)["diff"]["before"]
    assert image.stat().st_mode & 0o777 == 0o600
    image.chmod(0o644)
    run({"mode": "lights"})
    assert image.stat().st_mode & 0o777 == 0o600


def test_an_image_is_read(run: Run) -> None:
    written = run({"mode": "peer", **WIFI})
    read = run()
    assert not read["changed"]
    assert (read["config"], read["mode"]) == (written["config"], "peer")
    assert read["config"]["router_passwd"] == "(secret)"


def test_an_empty_partition_has_no_mode(run: Run, image: Path) -> None:
    image.write_bytes(b"\xff" * nvs.PARTITION_SIZE)
    read = run()
    assert (read["config"], read["mode"]) == ({}, None)


def test_the_partition_has_the_wanted_size(run: Run, image: Path) -> None:
    run(CACHE, size=0x6000)
    assert image.stat().st_size == 0x6000
    assert "NVS takes multiples of 0x1000" in run(CACHE, size=100)["msg"]


def test_mistakes_are_said(run: Run, image: Path) -> None:
    refused = run({"mode": "cache", "router_passphrase": PASSPHRASE * 3})
    assert refused["failed"]
    assert [mistake.partition(":")[0] for mistake in refused["mistakes"]] == [
        "router_passphrase",
        "router_ssid",
        "cache_upstream",
    ]
    assert not image.exists()


def test_a_missing_file_or_folder_is_said(run: Run, image: Path) -> None:
    assert run()["msg"].startswith(f"{image}: there is no image; copy")
    folder = image.parent / "none"
    missing = run({"mode": "lights"}, path=str(folder / "badge.bin"))
    assert missing["msg"] == f"{folder}/badge.bin: its folder {folder} is not there; make it first"
    assert run({"mode": "lights"}, path=str(folder / "badge.bin"), check=True)["changed"]


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
