# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Knot server in memory that obeys the rules found with Knot 3.4."""

from __future__ import annotations

from ansible_collections.nixvegas.noc.plugins.module_utils.knot.control import ControlError, NoSuchZoneError, Row

SERIAL = 2


class FakeKnot:
    """Zones as sets of rows; a transaction works on a copy. C(refuse) names commands that fail, with Knot's text."""

    def __init__(self, zones: dict[str, list[Row]], refuse: dict[str, str] | None = None) -> None:
        self.zones = {zone: set(rows) for zone, rows in zones.items()}
        self.open: dict[str, set[Row]] = {}
        self.refuse = refuse or {}
        self.commands: list[str] = []

    def query(
        self,
        command: str,
        zone: str,
        *,
        owner: str | None = None,
        ttl: int | None = None,
        rtype: str | None = None,
        data: str | None = None,
    ) -> list[Row]:
        """Answer as Knot does."""
        self.commands.append(
            " ".join(str(part) for part in (command, zone, owner, ttl, rtype, data) if part is not None)
        )
        for refused, message in self.refuse.items():
            if self.commands[-1].startswith(refused):
                raise ControlError(message)
        if zone not in self.zones:
            raise NoSuchZoneError("no such zone found")
        if command == "zone-read":
            return sorted(self.zones[zone])
        if command == "zone-begin":
            self._begin(zone)
        elif command == "zone-get":
            return sorted(self.open[zone])
        elif command == "zone-set":
            assert owner and rtype and data and ttl is not None
            self._set(zone, (owner, ttl, rtype, data))
        elif command == "zone-unset":
            self._unset(zone, owner, rtype, data)
        elif command == "zone-commit":
            self._commit(zone)
        elif command == "zone-abort":
            del self.open[zone]
        return []

    def _begin(self, zone: str) -> None:
        if zone in self.open:
            raise ControlError("too many transactions")
        self.open[zone] = set(self.zones[zone])

    def _set(self, zone: str, row: Row) -> None:
        if row in self.open[zone]:
            raise ControlError("such record already exists in zone")
        if row[2] == "SOA":
            self.open[zone] = {other for other in self.open[zone] if other[2] != "SOA"}
        self.open[zone].add(row)

    def _unset(self, zone: str, owner: str | None, rtype: str | None, data: str | None) -> None:
        gone = {row for row in self.open[zone] if (row[0], row[2]) == (owner, rtype) and data in {None, row[3]}}
        if not gone:
            raise ControlError("no such record in zone found")
        self.open[zone] -= gone

    def _commit(self, zone: str) -> None:
        after = self.open[zone]
        if after != self.zones[zone]:
            before_serial, after_serial = _serial(self.zones[zone]), _serial(after)
            if before_serial is not None and after_serial == before_serial:
                if _soa(after) != _soa(self.zones[zone]):
                    raise ControlError("semantic check")
                after = _with_serial(after, before_serial + 1)
            self.zones[zone] = after
        del self.open[zone]


def _soa(rows: set[Row]) -> Row | None:
    return next((row for row in rows if row[2] == "SOA"), None)


def _serial(rows: set[Row]) -> int | None:
    soa = _soa(rows)
    return int(soa[3].split()[SERIAL]) if soa else None


def _with_serial(rows: set[Row], serial: int) -> set[Row]:
    soa = _soa(rows)
    assert soa
    fields = soa[3].split()
    fields[SERIAL] = str(serial)
    return (rows - {soa}) | {(*soa[:3], " ".join(fields))}
