#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Zones and records of a Knot DNS server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: knot_zone
short_description: Keep the zones of a Knot DNS server as listed
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Brings all zones of a server to the listed records, by Knot's own transactions. All zones are prepared before the
    first is committed.
  - The zones must be in Knot's configuration; they may be empty. With C(journal-content=all), C(zonefile-load=none) and
    C(zonefile-sync=-1) there, Knot's journal is the only place where a zone lives, and neither listed nor dynamic
    records are lost when Knot restarts.
  - The serial moves only when something changes. Knot moves it, by C(serial-policy); a changed SOA record brings the
    next number.
  - A name that carries a C(DHCID) record belongs to a DHCP server and is left alone, unless it is listed or
    O(purge_dynamic=true). All other records that are not listed are removed. Records that DNSSEC signing makes are
    ignored.
  - Records are compared in canonical form. Names are lower-case and absolute, and a name without a final dot is
    relative to the zone (targets of PTR records must end with a dot). Addresses and numbers have their shortest form.
    A text that does not begin with a quote is one string, cut into pieces of 255 bytes. Data of types other than A,
    AAAA, CAA, CNAME, DNAME, DS, MX, NS, PTR, SOA, SRV, SSHFP, TLSA and TXT must be written as Knot prints it.
requirements:
  - Knot DNS 3.2 or later on the host, and there python3-libknot (Debian), or else knotc
extends_documentation_fragment: [nixvegas.noc.attributes]
attributes:
  check_mode:
    details:
      - Only reads. Where Knot is not installed or does not run, all records are shown as new, with a warning.
options:
  zones:
    description: The zones.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The zone, such as V(dc.nixos.lv) or V(1.4.10.in-addr.arpa).
        type: str
        required: true
      records:
        description: All records but the SOA record and, unless listed, the NS records of the zone itself.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Owner, relative to the zone or with a final dot; V(@) is the zone itself.
            type: str
            required: true
          type:
            description: Record type.
            type: str
            required: true
          data:
            description: Data of each record in zone-file notation.
            type: list
            elements: str
            required: true
          ttl:
            description: Time to live in seconds, by default O(zones[].default_ttl).
            type: int
      default_ttl:
        description: Time to live in seconds of records that tell none.
        type: int
        default: 3600
      ns:
        description: Name servers of the zone; by default the primary one of the SOA record.
        type: list
        elements: str
        default: []
      soa:
        description: Fields of the SOA record.
        type: dict
        default: {}
        suboptions:
          mname:
            description: Primary server; by default the first of O(zones[].ns), or else C(ns) in the zone.
            type: str
          rname:
            description: Mail address of who is responsible, as a name; by default C(hostmaster) in the zone.
            type: str
          refresh:
            description: Seconds after which secondary servers ask again.
            type: int
            default: 3600
          retry:
            description: Seconds after which secondary servers ask again after a failure.
            type: int
            default: 600
          expire:
            description: Seconds after which secondary servers give up.
            type: int
            default: 604800
          minimum:
            description: Seconds for which the absence of a name is remembered.
            type: int
            default: 60
          ttl:
            description: Time to live in seconds, by default O(zones[].default_ttl).
            type: int
  socket:
    description: Path of Knot's control socket.
    type: path
    default: /run/knot/knot.sock
  purge_dynamic:
    description: Remove the names of a DHCP server too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Serve the names of the site
  nixvegas.noc.knot_zone:
    zones:
      - name: dc.nixos.lv
        ns: [ghostgate.noc]
        records:
          - {name: ghostgate.noc, type: A, data: [10.4.0.1]}
          - {name: saitama.build, type: A, data: [10.4.1.3], ttl: 300}
          - {name: cache, type: CNAME, data: [saitama.build]}
      - name: 1.4.10.in-addr.arpa
        ns: [ghostgate.noc.dc.nixos.lv.]
        records:
          - {name: "3", type: PTR, data: [saitama.build.dc.nixos.lv.]}
"""

RETURN = r"""
zones:
  description: What happened in each zone, in the order given. In check mode what would happen.
  type: list
  elements: dict
  returned: success
  contains:
    name: {description: The zone with its final dot., type: str, returned: always}
    changed: {description: Whether the zone changed., type: bool, returned: always}
    serial_before: {description: Serial of the zone before; null when it had no content., type: int, returned: always}
    serial_after: {description: Serial of the zone now; in check mode as before., type: int, returned: always}
    added: {description: Lines that came., type: list, elements: str, returned: always}
    removed: {description: Lines that went., type: list, elements: str, returned: always}
  sample:
    - name: dc.nixos.lv.
      changed: true
      serial_before: 4
      serial_after: 5
      added: [saitama.build 300 A 10.4.1.3]
      removed: []
"""

import shutil
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nixvegas.noc.plugins.module_utils.knot.control import (
    Control,
    ControlError,
    NoSuchZoneError,
    NotRunningError,
    connect,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.knot.transaction import apply_plans, read_zone
from ansible_collections.nixvegas.noc.plugins.module_utils.knot.zone import (
    Plan,
    Records,
    ZoneError,
    make_plan,
    wanted_records,
)

ARGUMENTS: dict[str, Any] = {
    "zones": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "records": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "type": {"type": "str", "required": True},
                    "data": {"type": "list", "elements": "str", "required": True},
                    "ttl": {"type": "int"},
                },
            },
            "default_ttl": {"type": "int", "default": 3600},
            "ns": {"type": "list", "elements": "str", "default": []},
            "soa": {
                "type": "dict",
                "default": {},
                "apply_defaults": True,
                "options": {
                    "mname": {"type": "str"},
                    "rname": {"type": "str"},
                    "refresh": {"type": "int", "default": 3600},
                    "retry": {"type": "int", "default": 600},
                    "expire": {"type": "int", "default": 604800},
                    "minimum": {"type": "int", "default": 60},
                    "ttl": {"type": "int"},
                },
            },
        },
    },
    "socket": {"type": "path", "default": "/run/knot/knot.sock"},
    "purge_dynamic": {"type": "bool", "default": False},
}


def all_wanted(zones: list[dict[str, Any]]) -> dict[str, Records]:
    """Return the wanted record sets by zone. Raises ZoneError."""
    wanted: dict[str, Records] = {}
    for parameters in zones:
        zone, records = wanted_records(parameters)
        if zone in wanted:
            raise ZoneError(f"zone {zone} is listed twice: put its records together")
        wanted[zone] = records
    return wanted


def read_all(module: AnsibleModule, control: Control | None, zones: list[str]) -> dict[str, Records]:
    """Return what the server holds. In check mode a zone that is not configured yet counts as empty, with a warning."""
    live: dict[str, Records] = {}
    for zone in zones:
        try:
            live[zone] = read_zone(control, zone) if control else {}
        except NoSuchZoneError as error:
            if not module.check_mode:
                raise ZoneError(
                    f"zone {zone} is not in Knot's configuration: add it to knot.conf and reload Knot"
                ) from error
            module.warn(f"zone {zone} is not in Knot's configuration yet: all its records are shown as new")
            live[zone] = {}
    return live


def open_control(module: AnsibleModule) -> Control | None:
    """Return a connection to Knot; in check mode nothing, with a warning, where it does not run."""
    socket: str = module.params["socket"]
    try:
        return connect(socket, module.run_command, shutil.which("knotc") is not None)
    except NotRunningError as error:
        if not module.check_mode:
            raise ZoneError(f"no Knot DNS server answers at {socket} ({error}): start knot.service") from error
        module.warn(f"no Knot DNS server answers at {socket} ({error}): all records are shown as new")
        return None


def run(module: AnsibleModule) -> dict[str, Any]:
    """Read, plan, apply unless in check mode, read again; return the result. Raises ZoneError, ControlError."""
    purge: bool = module.params["purge_dynamic"]
    wanted = all_wanted(module.params["zones"])
    control = open_control(module)
    live = read_all(module, control, list(wanted))
    plans = {zone: make_plan(zone, wanted[zone], live[zone], purge) for zone in wanted}
    serials = {zone: plan.serial for zone, plan in plans.items()}
    changing = {zone: wanted[zone] for zone, plan in plans.items() if plan.steps}
    if control and changing and not module.check_mode:
        plans.update(apply_plans(control, changing, purge))
        for zone in changing:
            left = make_plan(zone, wanted[zone], read_zone(control, zone), purge)
            serials[zone] = left.serial
            if left.steps:
                module.warn(
                    f"zone {zone}: Knot prints these records differently, write them so: {'; '.join(left.removed)}"
                )
    return {
        "changed": any(plan.steps for plan in plans.values()),
        "zones": [report(plan, serials[zone]) for zone, plan in plans.items()],
        "diff": [difference(plan) for plan in plans.values() if plan.steps],
    }


def report(plan: Plan, serial: int | None) -> dict[str, Any]:
    """Return the result of one zone, which has C(serial) now."""
    return {
        "name": plan.zone,
        "changed": bool(plan.steps),
        "serial_before": plan.serial,
        "serial_after": serial,
        "added": plan.added,
        "removed": plan.removed,
    }


def difference(plan: Plan) -> dict[str, str]:
    """Return the zone before and after, for Ansible's unified diff."""
    return {
        "before_header": f"zone {plan.zone}",
        "after_header": f"zone {plan.zone}",
        "before": "".join(f"{line}\n" for line in plan.before),
        "after": "".join(f"{line}\n" for line in plan.after),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        result = run(module)
    except (ZoneError, ControlError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
