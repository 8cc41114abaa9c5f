"""What is said of a table's arguments that cannot be used."""

from __future__ import annotations

import pytest
from ansible_collections.nixvegas.noc.plugins.plugin_utils.badge_table.given import mistakes

SECRET = "correct horse"
GIVEN = {"firmware": "/build", "ledger": "~/badges.csv", "settings": {}}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("firmware", "", "firmware (badge_firmware): it is empty; name the folder"),
        ("ledger", "", "ledger (badge_ledger): it is empty; name a CSV file"),
        (
            "settings",
            [{"router_passphrase": SECRET}],
            "settings (badge_settings): it is a list; write names and values",
        ),
        ("settings", SECRET, "settings (badge_settings): it is no mapping; write names and values"),
        ("idle", "abc", "idle (badge_idle): 'abc' is no time; write seconds, 0 or more"),
        ("idle", -5, "idle (badge_idle): '-5' is no time"),
        ("idle", "nan", "idle (badge_idle): 'nan' is no time"),
        ("idle", True, "idle (badge_idle): 'True' is no time"),
    ],
)
def test_mistakes(name: str, value: object, words: str) -> None:
    (mistake,) = mistakes({**GIVEN, name: value})
    assert mistake.startswith(words)
    assert SECRET not in mistake


@pytest.mark.parametrize("idle", [0, "30", 1.5, None])
def test_what_is_right(idle: object) -> None:
    assert list(mistakes({**GIVEN, "idle": idle})) == []
