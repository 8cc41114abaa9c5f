# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A zone as it is wanted, a zone as it is, and the steps from one to the other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .rdata import DataError, canonical_data, canonical_name, canonical_zone

MAX_TTL = 2**31 - 1
SERIAL_FIELD = 2
MADE_BY_DNSSEC = frozenset({"CDNSKEY", "CDS", "DNSKEY", "NSEC", "NSEC3", "NSEC3PARAM", "RRSIG"})


class ZoneError(ValueError):
    """A zone that cannot be made as it is wanted: names zone and record, what is wrong and what would be right."""


@dataclass(frozen=True)
class RecordSet:
    """All records of one name and type, in canonical text; C(ttl) in seconds."""

    name: str
    rtype: str
    ttl: int
    data: frozenset[str]


Records = Mapping[tuple[str, str], RecordSet]
"""Record sets by name and type."""


@dataclass(frozen=True)
class Step:
    """One command of a transaction: C(unset) without C(data) removes the whole record set."""

    action: str
    name: str
    rtype: str
    ttl: int | None = None
    data: str | None = None


@dataclass(frozen=True)
class Plan:
    """What has to be done in a zone; texts are zone-file lines relative to the zone."""

    zone: str
    steps: tuple[Step, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    serial: int | None

    @property
    def removed(self) -> list[str]:
        """Lines that go."""
        return sorted(set(self.before) - set(self.after))

    @property
    def added(self) -> list[str]:
        """Lines that come."""
        return sorted(set(self.after) - set(self.before))


def wanted_records(parameters: Mapping[str, Any]) -> tuple[str, Records]:
    """Return the name and the record sets of one item of the module's C(zones).

    Raises ZoneError, naming zone and record.
    """
    try:
        zone = canonical_zone(parameters["name"])
    except DataError as error:
        raise ZoneError(f"zone {parameters['name']}: {error}") from error
    default_ttl: int = parameters["default_ttl"]
    found: dict[tuple[str, str], RecordSet] = {}
    for record in [*_authority(zone, parameters), *parameters["records"]]:
        entry = _record_set(zone, record, default_ttl)
        key = (entry.name, entry.rtype)
        before = found.get(key)
        if before and before.ttl != entry.ttl:
            clash = f"TTL {entry.ttl} differs from {before.ttl} of the same name and type"
            raise ZoneError(f"zone {zone}: record {_title(record)}: {clash}")
        found[key] = RecordSet(*key, entry.ttl, entry.data | (before.data if before else frozenset()))
    _refuse_alias_beside_others(zone, found)
    return zone, found


def live_records(zone: str, rows: Iterable[tuple[str, int, str, str]]) -> Records:
    """Return the record sets of C(rows) (name, TTL, type, data) as Knot prints them, less what DNSSEC signing makes."""
    found: dict[tuple[str, str], RecordSet] = {}
    for name, ttl, rtype, data in rows:
        if rtype not in MADE_BY_DNSSEC:
            key = (name.lower(), rtype)
            before = found[key].data if key in found else frozenset()
            found[key] = RecordSet(*key, ttl, before | {_printed_data(rtype, data, zone)})
    return found


def make_plan(zone: str, wanted: Records, live: Records, purge_dynamic: bool) -> Plan:
    """Return the steps that turn C(live) into C(wanted).

    Names that carry a DHCID record belong to the DHCP server and stay as they are, unless listed or C(purge_dynamic).
    The serial is not part of the comparison.
    """
    listed = {name for name, _rtype in wanted}
    dynamic = {name for name, rtype in live if rtype == "DHCID"} - listed
    ours = {key: entry for key, entry in live.items() if purge_dynamic or key[0] not in dynamic}
    steps: list[Step] = []
    for key in sorted(ours.keys() - wanted.keys()):
        steps.append(Step("unset", *key))
    for key in sorted(wanted):
        steps += _set_steps(wanted[key], ours.get(key))
    serial = _serial(live.get((zone, "SOA")))
    return Plan(zone, tuple(steps), _lines(zone, ours), _lines(zone, wanted), serial)


def _authority(zone: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """SOA and NS records from the parameters; NS records listed for the zone itself replace C(ns)."""
    soa: Mapping[str, Any] = parameters["soa"]
    primary = soa["mname"] or (parameters["ns"] or [f"ns.{zone}"])[0]
    contact = soa["rname"] or f"hostmaster.{zone}"
    numbers = " ".join(str(soa[field]) for field in ("refresh", "retry", "expire", "minimum"))
    records = [{"name": "@", "type": "SOA", "ttl": soa["ttl"], "data": [f"{primary} {contact} 1 {numbers}"]}]
    apex = {"@", zone}
    if not any(record["type"].upper() == "NS" and record["name"].lower() in apex for record in parameters["records"]):
        records.append({"name": "@", "type": "NS", "ttl": None, "data": parameters["ns"] or [primary]})
    return records


def _record_set(zone: str, record: Mapping[str, Any], default_ttl: int) -> RecordSet:
    rtype = record["type"].upper()
    ttl = default_ttl if record["ttl"] is None else record["ttl"]
    try:
        if rtype in MADE_BY_DNSSEC or rtype == "DHCID":
            raise DataError("records of this type are made by the server, not listed")
        if not 0 <= ttl <= MAX_TTL:
            raise DataError(f"TTL {ttl} is not between 0 and {MAX_TTL} seconds")
        if not record["data"]:
            raise DataError("has no data")
        name = canonical_name(record["name"], zone)
        if name != zone and not name.endswith(f".{zone}"):
            raise DataError(f"{name!r} is not in the zone")
        data = frozenset(canonical_data(rtype, item, zone) for item in record["data"])
    except DataError as error:
        raise ZoneError(f"zone {zone}: record {_title(record)}: {error}") from error
    return RecordSet(name, rtype, ttl, data)


def _title(record: Mapping[str, Any]) -> str:
    return f"{record['name']} {record['type']}"


def _refuse_alias_beside_others(zone: str, records: Records) -> None:
    types_of: dict[str, set[str]] = {}
    for name, rtype in records:
        types_of.setdefault(name, set()).add(rtype)
    for name, types in types_of.items():
        others = ", ".join(sorted(types - {"CNAME"}))
        if "CNAME" in types and (others or len(records[name, "CNAME"].data) > 1):
            wrong = f"stands beside {others}" if others else "has several targets"
            raise ZoneError(f"zone {zone}: record {name} CNAME {wrong}: an alias must be the only record of its name")


def _printed_data(rtype: str, data: str, zone: str) -> str:
    try:
        return canonical_data(rtype, data, zone)
    except DataError:  # a name that only a dynamic update may hold, such as one with an escaped blank
        return data


def _set_steps(wanted: RecordSet, live: RecordSet | None) -> list[Step]:
    name, rtype = wanted.name, wanted.rtype
    if rtype == "SOA":
        return _soa_steps(wanted, live)
    if live is None or live.ttl != wanted.ttl:
        gone = [Step("unset", name, rtype)] if live else []
        return [*gone, *(Step("set", name, rtype, wanted.ttl, data) for data in sorted(wanted.data))]
    return [
        *(Step("unset", name, rtype, None, data) for data in sorted(live.data - wanted.data)),
        *(Step("set", name, rtype, wanted.ttl, data) for data in sorted(wanted.data - live.data)),
    ]


def _soa_steps(wanted: RecordSet, live: RecordSet | None) -> list[Step]:
    """Knot drops or refuses a new SOA record that does not raise the serial: a changed one brings the next number."""
    (data,) = wanted.data
    if live is None:
        return [Step("set", wanted.name, "SOA", wanted.ttl, data)]
    if (live.ttl, _without_serial(live)) == (wanted.ttl, _without_serial(wanted)):
        return []
    serial = _serial(live)
    fields = data.split()
    fields[SERIAL_FIELD] = str(((serial or 0) + 1) % 2**32)
    return [Step("set", wanted.name, "SOA", wanted.ttl, " ".join(fields))]


def _serial(soa: RecordSet | None) -> int | None:
    return int(next(iter(soa.data)).split()[SERIAL_FIELD]) if soa else None


def _without_serial(soa: RecordSet) -> list[str]:
    fields = next(iter(soa.data)).split()
    return fields[:SERIAL_FIELD] + fields[SERIAL_FIELD + 1 :]


def _lines(zone: str, records: Records) -> tuple[str, ...]:
    """Zone-file lines, the zone itself first; the serial, which is Knot's, is left out."""
    lines: list[str] = []
    for (name, rtype), entry in sorted(
        records.items(), key=lambda item: (item[0][0] != zone, item[0][1] != "SOA", item[0])
    ):
        texts = [" ".join(_without_serial(entry))] if rtype == "SOA" else sorted(entry.data)
        lines += [f"{_relative(name, zone)} {entry.ttl} {rtype} {text}" for text in texts]
    return tuple(lines)


def _relative(name: str, zone: str) -> str:
    return "@" if name == zone else name.removesuffix(f".{zone}")
