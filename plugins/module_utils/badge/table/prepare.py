# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to a table: firmware is read and all settings are checked before a badge is touched."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from .. import settings
from ..build import firmware_from_build
from ..errors import BadgeError
from ..image import Firmware
from ..nvs import NvsError, build
from .assignment import Row
from .ledger import digest
from .options import Options
from .record import History, Record, Result
from .slot import Slot
from .table import Prepared, Table

_NONE = Row("")
_LEFT_ALONE = Prepared(None, "", "")


class OptionsError(Exception):
    """Something of the options cannot be used; all mistakes, a line each."""


def firmware_of(options: Options) -> Firmware:
    """The firmware. Raises OptionsError."""
    try:
        return firmware_from_build(Path(options.firmware))
    except BadgeError as error:
        raise OptionsError(f"badge firmware: {error}") from error


def table_of(options: Options, firmware: Firmware, history: History, key: bytes) -> Table:
    """The table for these options, with nothing in its slots. Raises OptionsError.

    :param key: for the digests of settings.
    """
    default = options.default or (None if options.rows else _NONE)
    return Table(
        slots=[Slot(name) for name in (options.ports or dict.fromkeys(options.slots))],
        firmware=f"{firmware.name} {firmware.digest[:12]}",
        rows=options.rows,
        default=default,
        prepared=_prepared([*options.rows, *([default] if default else [])], firmware, key),
        history=history,
        clock=lambda: time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        check=options.check,
    )


def release(options: Options, table: Table, write: Callable[[Record], None]) -> None:
    """Take the settings of the badges that the crew named away from them."""
    for mac in options.release:
        if row := table.history.rows.get(mac):
            record = Record(table.clock(), mac, "", "", "", row, Result.RELEASED, "the crew said so")
            table.history.add(record)
            write(record)


def _prepared(rows: list[Row], firmware: Firmware, key: bytes) -> dict[str, Prepared]:
    made, mistakes = {}, []
    for row in rows:
        if row is _NONE:
            made[row.id] = _LEFT_ALONE
            continue
        try:
            parsed = settings.parse(row.settings)
            image = build(settings.entries(parsed), firmware.nvs_partition.size)
            made[row.id] = Prepared(image, f"{parsed.mode.value} {digest(key, image)}", parsed.mode.value)
        except (settings.SettingsError, NvsError, BadgeError) as error:
            mistakes += [f"settings {row.id or 'for all badges'}: {mistake}" for mistake in str(error).splitlines()]
    if mistakes:
        raise OptionsError("\n".join(mistakes))
    return made
