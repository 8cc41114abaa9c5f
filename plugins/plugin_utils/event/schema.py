# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of an event file and what each may hold. docs/event-file.md explains them; a test keeps the two equal."""

from __future__ import annotations

from . import values
from .document import ListOf, Named, Record, Scalar
from .mistakes import nearest
from .reserved import SYSTEM_USERS
from .schema_hydra import HYDRA
from .values import WrongValueError

CLASSES = ("router", "mesh", "cache", "builder", "egress")
OVERLAY = "overlay"
INTERNET = "internet"
# Zones and groups of the compiler's own: a network of such a name would be mistaken for them.
RESERVED_NETWORKS = frozenset({OVERLAY, INTERNET, "uplink", "mesh"})
MANAGED = "managed"  # the group of all hosts of the event
RESERVED_HOSTS = frozenset({*CLASSES, MANAGED, "all", "ungrouped", "clients", "localhost"})
BOND_MODES = ("active-backup", "802.3ad", "balance-rr", "balance-xor", "broadcast", "balance-tlb", "balance-alb")
NEBULA_DEVICE = "nebula1"
# What hosts use over UDP themselves: DNS, DHCP, time, chronyd's commands, Knot behind the resolver, Kea's name changes.
RESERVED_PORTS = frozenset({53, 67, 68, 123, 323, 5353, 53001})
RESERVED_INTERFACES = frozenset({NEBULA_DEVICE, "lo", "all", "default"})  # the last two: directories of sysctls


def _one_of(choices: tuple[str, ...], what: str, plural: str) -> Scalar:
    def read(written: str) -> str:
        if written not in choices:
            raise WrongValueError(f"is not {what}", nearest(written, choices, plural))
        return written

    return Scalar(read)


def _but(scalar: Scalar, reserved: frozenset[object], why: str, remedy: str = "choose another name") -> Scalar:
    def read(written: str) -> object:
        value = scalar.read(written)
        if value in reserved:
            raise WrongValueError(f"is {why}", remedy)
        return value

    return Scalar(read)


TEXT = Scalar(values.text)
LABEL = Scalar(values.label)
ZONE = Scalar(values.zone)
ADMIN = _but(
    _but(Scalar(values.user), frozenset({"root"}), "a user who may not log in by SSH", "name the person"),
    SYSTEM_USERS,
    "a user or group of the system",
    "name the person",
)
ADDRESS = Scalar(values.address)
CIDR = Scalar(values.cidr)
SERVER = Scalar(values.server)
BOOLEAN = Scalar(values.boolean)
MAC = Scalar(values.mac)
METRIC = Scalar(values.whole(1, 65535, "a metric"))
PORT = _but(
    Scalar(values.whole(1, 65535, "a port")),
    RESERVED_PORTS,
    "a UDP port that hosts of the event need themselves",
    "choose another port",
)
VLAN = Scalar(values.whole(1, 4094, "a VLAN id"))
PRIORITY = Scalar(values.whole(0, 1000000, "a priority"))
LEASE = Scalar(values.whole(60, 604800, "a lease time in seconds"))
INTERFACE_NAME = _but(Scalar(values.interface), RESERVED_INTERFACES, "an interface that the system makes itself")

# A reference is any text; whether the name exists is looked up when the whole file is read.
NETWORK_REF = Scalar(values.text, of="network")
UPLINK_REF = Scalar(values.text, of="uplink")
HOST_REF = Scalar(values.text, of="host")
CACHE_REF = Scalar(values.text, of="cache")
SOURCE_REF = Scalar(values.text, of="source zone")
ZONE_REF = Scalar(values.text, of="zone")

NETWORK = Record(
    {"cidr": CIDR, "vlan": VLAN, "pool": Scalar(values.pool), "exit": HOST_REF, "lease": LEASE},
    frozenset({"cidr"}),
)
INTERFACE = Record(
    {
        "network": NETWORK_REF,
        "uplink": UPLINK_REF,
        "address": ADDRESS,
        "mac": MAC,
        "bond": ListOf(Scalar(values.interface)),
        "mode": _one_of(BOND_MODES, "a bonding mode", "modes"),
        "bridge": ListOf(Scalar(values.interface)),
        "parent": Scalar(values.interface),
        "vlan": VLAN,
    }
)
HOST = Record(
    {
        "class": ListOf(_one_of(CLASSES, "a host class", "classes"), or_one=True),
        "overlay": Record({"address": ADDRESS, "lighthouse": BOOLEAN, "relay": BOOLEAN}, frozenset({"address"})),
        "interfaces": Named("interface", INTERFACE_NAME, INTERFACE),
    },
    frozenset({"class", "overlay", "interfaces"}),
)
CACHE = Record(
    {"host": HOST_REF, "url": Scalar(values.url), "priority": PRIORITY, "key": Scalar(values.nix_key)},
    frozenset({"priority", "key"}),
)
EVENT = Record(
    {
        "plugin": _one_of(("nixvegas.noc.event",), "this plugin", "plugins"),
        "secrets_dir": Scalar(values.secrets_folder),
        "name": LABEL,
        "title": TEXT,
        "domain": Scalar(values.site_domain),
        "timezone": Scalar(values.timezone),
        "resolvers": ListOf(Scalar(values.outside_address)),
        "time_servers": ListOf(SERVER),
        "admins": Named("admin", ADMIN, ListOf(Scalar(values.ssh_key), or_one=True), some=True),
        "manage": ListOf(SOURCE_REF),
        "networks": Named(
            "network", _but(ZONE, RESERVED_NETWORKS, "a name with a meaning of its own"), NETWORK, some=True
        ),
        "mesh": Record({"cidr": CIDR}, frozenset({"cidr"})),
        "overlay": Record(
            {"cidr": CIDR, "port": PORT, "mtu": Scalar(values.whole(576, 9000, "an MTU"))}, frozenset({"cidr"})
        ),
        "uplinks": Named("uplink", ZONE, Record({"metric": METRIC}, frozenset({"metric"})), some=True),
        "access": Named("source", TEXT, ListOf(ZONE_REF)),
        "hosts": Named(
            "host", _but(LABEL, RESERVED_HOSTS, "a name Ansible or the compiler uses for a group"), HOST, some=True
        ),
        "caches": Named("cache", LABEL, CACHE),
        "publish": Named(
            "published name",
            Scalar(values.domain),
            Record({"caches": ListOf(CACHE_REF), "to": ListOf(NETWORK_REF)}, frozenset({"caches", "to"})),
        ),
        "hydra": HYDRA,
    },
    frozenset(
        {"plugin", "name", "domain", "timezone", "resolvers", "time_servers", "admins", "manage", "networks", "overlay"}
        | {"uplinks", "access", "hosts"}
    ),
)
