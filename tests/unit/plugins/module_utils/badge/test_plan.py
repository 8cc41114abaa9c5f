"""What is written to a badge and what stays, decided from what was read, without a badge."""

from __future__ import annotations

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge import nvs
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.image import Region, Role
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.plan import Reading, make_plan

MESH = nvs.Entry("config", "boot_mesh", nvs.Type.U8, 1)
PASSPHRASE = nvs.Entry("config", "router_passwd", nvs.Type.STRING, "hunter22")
WIFI = nvs.Entry("nvs.net80211", "opmode", nvs.Type.U8, 1)
WANTED = nvs.build([MESH, PASSPHRASE])

APP = Region("app", 0x10000, b"program!", Role.APP)
NVS = Region("nvs", 0x9000, WANTED, Role.NVS)
TABLE = Region("partition-table", 0x8000, b"table...", Role.PARTITION_TABLE)
BOOTLOADER = Region("bootloader", 0x0, b"boot", Role.BOOTLOADER)
ALL = (APP, NVS, TABLE, BOOTLOADER)


def names(regions: tuple[Region, ...]) -> list[str]:
    return [region.name for region in regions]


@pytest.mark.parametrize(
    ("equal", "written"),
    [
        (set(), ["app", "nvs", "partition-table", "bootloader"]),
        ({0x10000, 0x9000, 0x8000, 0x0}, []),
        ({0x0, 0x9000}, ["app", "partition-table"]),
        ({0x10000}, ["nvs", "partition-table", "bootloader"]),
    ],
)
def test_only_what_differs_is_written_in_the_order_given(equal: set[int], written: list[str]) -> None:
    plan = make_plan(ALL, Reading(frozenset(equal)))
    assert names(plan.write) == written
    assert sorted(names(plan.write + plan.keep)) == sorted(names(ALL))
    assert plan.size == sum(len(region.data) for region in plan.write)
    assert bool(plan.before) is bool(plan.after) is bool(written)


@pytest.mark.parametrize(
    ("found", "written"),
    [
        pytest.param([MESH, PASSPHRASE, WIFI], False, id="the driver's beside ours"),
        pytest.param([WIFI, PASSPHRASE, MESH], False, id="another order"),
        pytest.param([MESH], True, id="one is missing"),
        pytest.param([MESH, PASSPHRASE, nvs.Entry("config", "name", nvs.Type.STRING, "x")], True, id="one too many"),
        pytest.param([nvs.Entry("config", "boot_mesh", nvs.Type.U8, 0), PASSPHRASE], True, id="another value"),
        pytest.param([nvs.Entry("config", "boot_mesh", nvs.Type.U32, 1), PASSPHRASE], True, id="another type"),
        pytest.param([WIFI], True, id="none"),
    ],
)
def test_settings_are_compared_by_their_keys(found: list[nvs.Entry], written: bool) -> None:
    plan = make_plan([NVS], Reading(frozenset(), nvs.build(found)))
    assert bool(plan.write) is bool(plan.settings) is written


def test_settings_whose_write_was_begun_have_to_be_there_byte_for_byte() -> None:
    reading = Reading(frozenset(), nvs.build([MESH, PASSPHRASE, WIFI]))
    assert names(make_plan([NVS], reading, {"nvs"}).write) == ["nvs"]


def test_an_image_without_our_settings_has_to_be_there_byte_for_byte() -> None:
    image = Region("nvs", 0x9000, nvs.build([WIFI]), Role.NVS)
    assert names(make_plan([image], Reading(frozenset(), b"\xff" * 0x3000)).write) == ["nvs"]


def test_nothing_told_has_a_passphrase_or_a_digest_of_it() -> None:
    other = nvs.Entry("config", "router_passwd", nvs.Type.STRING, "swordfish")
    plan = make_plan(ALL, Reading(frozenset(), nvs.build([MESH, other])))
    told = f"{plan!r} {plan.before} {plan.after} {plan.settings} {Reading(frozenset(), WANTED)!r}"
    assert "router_passwd: (secret, differs)" in plan.after
    for secret in ("hunter22", "swordfish", NVS.md5):
        assert secret not in told
