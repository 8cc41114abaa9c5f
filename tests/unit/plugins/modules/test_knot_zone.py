# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module against a Knot in memory: check mode, change, second run, and what it says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.nixvegas.noc.plugins.module_utils.knot.control import NotRunningError
from ansible_collections.nixvegas.noc.plugins.modules import knot_zone

from ..module_utils.knot.fake_knot import FakeKnot

ZONE = "dc.nixos.lv."
ARGUMENTS = {
    "zones": [{"name": "dc.nixos.lv", "records": [{"name": "saitama.build", "type": "A", "data": ["10.4.1.3"]}]}]
}


def run(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    knot: FakeKnot | None,
    arguments: dict[str, Any] = ARGUMENTS,
    *,
    check: bool = False,
) -> dict[str, Any]:
    """Run the module and return its result."""

    def connect(*_arguments: Any) -> FakeKnot:
        if knot is None:
            raise NotRunningError("not exists")
        return knot

    monkeypatch.setattr(knot_zone, "connect", connect)
    # In a process that has loaded Ansible's controller too, warnings go to the screen, not into the result.
    warnings: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, warning: warnings.append(warning))
    with (
        patch_module_args(arguments | {"_ansible_check_mode": check, "_ansible_diff": True}),
        pytest.raises(SystemExit),
    ):
        knot_zone.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result | {"warnings": warnings}


def test_check_change_and_second_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Check mode foretells what the run does; then there is nothing to do."""
    knot = FakeKnot({ZONE: []})
    foretold = run(capsys, monkeypatch, knot, check=True)
    assert foretold["changed"]
    assert knot.zones[ZONE] == set()
    assert knot.commands == [f"zone-read {ZONE}"]
    done = run(capsys, monkeypatch, knot)
    assert done["diff"] == foretold["diff"]
    assert done["diff"][0]["after"].splitlines() == [
        "@ 3600 SOA ns.dc.nixos.lv. hostmaster.dc.nixos.lv. 3600 600 604800 60",
        "@ 3600 NS ns.dc.nixos.lv.",
        "saitama.build 3600 A 10.4.1.3",
    ]
    (zone,) = done["zones"]
    assert (zone["serial_before"], zone["serial_after"], zone["changed"]) == (None, 1, True)
    knot.commands.clear()
    again = run(capsys, monkeypatch, knot)
    assert (again["changed"], again["diff"], again["zones"][0]["serial_after"]) == (False, [], 1)
    assert knot.commands == [f"zone-read {ZONE}"]


def test_change_moves_the_serial_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Knot counts; the module reports."""
    knot = FakeKnot({ZONE: []})
    run(capsys, monkeypatch, knot)
    (zone,) = run(capsys, monkeypatch, knot, {"zones": [{"name": "dc.nixos.lv"}]})["zones"]
    assert (zone["serial_before"], zone["serial_after"]) == (1, 2)
    assert (zone["added"], zone["removed"]) == ([], ["saitama.build 3600 A 10.4.1.3"])


@pytest.mark.parametrize(
    ("knot", "warning"),
    [
        (None, "no Knot DNS server answers at /run/knot/knot.sock (not exists): all records are shown as new"),
        (
            FakeKnot({}),
            "zone dc.nixos.lv. is not in Knot's configuration yet: all its records are shown as new",
        ),
    ],
)
def test_check_mode_before_knot_is_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, knot: FakeKnot | None, warning: str
) -> None:
    """Everything is shown as new, with a warning."""
    result = run(capsys, monkeypatch, knot, check=True)
    assert result["changed"]
    assert len(result["zones"][0]["added"]) == 3
    assert warning in json.dumps(result["warnings"])


@pytest.mark.parametrize(
    ("knot", "arguments", "message"),
    [
        (None, ARGUMENTS, "no Knot DNS server answers at /run/knot/knot.sock (not exists): start knot.service"),
        (
            FakeKnot({}),
            ARGUMENTS,
            "zone dc.nixos.lv. is not in Knot's configuration: add it to knot.conf and reload Knot",
        ),
        (
            FakeKnot({}),
            {"zones": [{"name": "a.lv"}, {"name": "A.lv."}]},
            "zone a.lv. is listed twice: put its records together",
        ),
        (
            FakeKnot({ZONE: []}, refuse={"zone-read": "operation timed out"}),
            ARGUMENTS,
            "operation timed out",
        ),
    ],
)
def test_errors(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    knot: FakeKnot | None,
    arguments: dict[str, Any],
    message: str,
) -> None:
    """Where, what, and what to do."""
    result = run(capsys, monkeypatch, knot, arguments)
    assert (result["failed"], result["msg"]) == (True, message)


def test_data_that_knot_prints_differently(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Data of a type that is not understood would change on every run: the warning tells how to write it."""

    class Canonical(FakeKnot):
        def query(self, command: str, zone: str, **options: Any) -> Any:
            if command == "zone-set" and options["rtype"] == "HTTPS":
                options["data"] = options["data"].replace('"', "")
            return super().query(command, zone, **options)

    records = [{"name": "x", "type": "HTTPS", "data": ['1 . alpn="h2"']}]
    result = run(capsys, monkeypatch, Canonical({ZONE: []}), {"zones": [{"name": "dc.nixos.lv", "records": records}]})
    assert "Knot prints these records differently, write them so: x 3600 HTTPS 1 . alpn=h2" in json.dumps(
        result["warnings"]
    )
