# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names: of hosts, domains, zones of the firewall, interfaces; and what is found by a name."""

from __future__ import annotations

import re
from pathlib import PurePath
from urllib.parse import SplitResult, urlsplit

from .addresses import outside_address
from .errors import WrongValueError
from .plain import text

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
ZONE = re.compile(r"[a-z][a-z0-9-]{0,30}")  # part of the name of an nftables set
INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")
USER = re.compile(r"[a-z][a-z0-9-]{0,31}")
LONGEST_DOMAIN = 253
NOT_IN_DNS = frozenset({"arpa", "invalid", "local", "localhost", "onion"})  # RFC 6761, 6762 and 7686; reverse zones


def label(written: str) -> str:
    """A name that can be one label of a host name (RFC 1123), in lower case."""
    if LABEL.fullmatch(written):
        return written
    remedy = "use 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end"
    if LABEL.fullmatch(written.lower()):
        remedy = f"write {written.lower()}: names are in lower case"
    raise WrongValueError("is not a valid host name", remedy)


def zone(written: str) -> str:
    """A label that can also name a zone of the firewall."""
    if ZONE.fullmatch(label(written)) is None:
        raise WrongValueError("cannot name a firewall zone", "use at most 31 characters, a letter first")
    return written


def domain(written: str) -> str:
    """A domain name of two labels or more, in lower case, without final dot."""
    if _is_domain(written):
        return written
    remedy = 'write lower-case labels joined by dots, without a dot at the end, such as "dc.nixos.lv"'
    meant = written.lower().removesuffix(".")
    if _is_domain(meant):
        remedy = f"write {meant}: in lower case, without a dot at the end"
    raise WrongValueError("is not a domain name", remedy)


def site_domain(written: str) -> str:
    """A domain name that name servers of the site can answer for."""
    top = domain(written).rpartition(".")[2]
    if top in NOT_IN_DNS or top.isdigit():
        remedy = "choose one below a domain of yours, such as dc.nixos.lv"
        raise WrongValueError("is a domain that clients do not ask name servers about", remedy)
    return written


def secrets_folder(written: str) -> str:
    """A path of a folder; if it is in the inventory's folder, then of one that Ansible does not read."""
    path = PurePath(text(written))
    if path.is_absolute() or path.parts[:1] == ("~",) or path.parts[0].startswith("."):
        return written
    raise WrongValueError("is a folder that Ansible would read as inventory", f"begin its name with a dot: .{written}")


def user(written: str) -> str:
    """A name of a user that useradd takes."""
    if USER.fullmatch(written) is None:
        raise WrongValueError(
            "is not a user name", "use at most 32 lower-case letters, digits and hyphens, a letter first"
        )
    return written


def _is_domain(written: str) -> bool:
    labels = written.split(".")
    return len(written) <= LONGEST_DOMAIN and len(labels) > 1 and all(map(LABEL.fullmatch, labels))


def interface(written: str) -> str:
    """A name the kernel takes for a network interface."""
    if INTERFACE.fullmatch(written) is None:
        raise WrongValueError(
            "is not an interface name", "use at most 15 letters, digits, dots, hyphens and underscores"
        )
    return written


def server(written: str) -> str:
    """A host elsewhere, by domain name or IPv4 address."""
    return str(outside_address(written)) if re.fullmatch(r"[0-9.]+|.*:.*", written) else domain(written)


def url(written: str) -> str:
    """An http or https URL without a final slash."""
    parts = _split(written)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise WrongValueError("is not the URL of a binary cache", 'write one such as "https://cache.nixos.org"')
    if parts.username or parts.password:
        remedy = "remove them: every host of the event can read its list of caches"
        raise WrongValueError("holds a user name or password", remedy, secret=True)
    return written.rstrip("/")


def _split(written: str) -> SplitResult | None:
    """The parts of a URL; None if it is none: urlsplit itself drops blanks, and judges the port when it is read."""
    try:
        parts = urlsplit(written)
        return parts if re.fullmatch(r"[!-~]+", written) and parts.port != 0 else None
    except ValueError:
        return None
