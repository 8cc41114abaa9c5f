"""What the playbook of a badge table says of mistakes, before a badge is touched."""

from __future__ import annotations

import pytest
import yaml

from .badge_table import (
    PASSPHRASE,
    Table,
    badge,
)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"badge_settings": [{"router_passphrase": PASSPHRASE}]}, "settings (badge_settings): it is a list"),
        ({"badge_settings": PASSPHRASE}, "settings (badge_settings): it is no mapping"),
        ({"badge_settings": {"mode": PASSPHRASE}, "badge_settings_file": ""}, "settings: mode: it is no mode"),
        ({"badge_ledger": ""}, "ledger (badge_ledger): it is empty"),
        ({"badge_idle": "abc"}, "idle (badge_idle): 'abc' is no time"),
        ({"badge_idle": -5}, "idle (badge_idle): '-5' is no time"),
        ({"badge_firmware": "/nonexistent"}, "/nonexistent/flasher_args.json: it is not there; name the folder"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_error(table: Table, variables: dict[str, object], words: str) -> None:
    one = badge(0)
    table.slots[0].plug(one)
    told = yaml.safe_load(table.variables.read_text(encoding="utf-8"))
    table.variables.write_text(yaml.safe_dump(told | variables), encoding="utf-8")
    done = table.run()
    assert done.returncode == 2
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert (one.commands, table.ledger.exists()) == (0, False)


def test_mistakes_are_told_before_a_badge_is_touched(table: Table) -> None:
    table.slots[0].plug(badge(0))
    (table.folder / "names.csv").write_text("name,mode\nzoe,dark\n", encoding="utf-8")
    done = table.run()
    assert done.returncode == 2
    assert "line 2: mode: it is no mode" in done.stdout + done.stderr
    assert not table.ledger.exists()
