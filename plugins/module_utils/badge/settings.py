# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a badge is told: checked values, and the entries of the NVS namespace `config` that its firmware reads.

Keys, types and lengths are those of the badge's firmware of 2025 (github.com/NixVegas/badge, `src/main`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum

from . import nvs, values
from .nvs import Entry, Type

NAMESPACE = "config"


class SettingsError(ValueError):
    """All that is wrong with a badge's settings, one mistake a line. No value is part of it: a passphrase may stand in
    the wrong place."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class Mode(Enum):
    """What a badge does after it is switched on."""

    LIGHTS = "lights"
    """Wi-Fi off. If its button is held while it starts, it does what CACHE does, until it is switched off."""
    CACHE = "cache"
    """Wi-Fi on; it serves what the event's cache has."""
    PEER = "peer"
    """Wi-Fi on; it asks the badge it is connected through, and only the last of a row the event's cache."""


# (boot_mesh, cache_p2p). With cache_p2p 0 the firmware asks the badge it is connected through, with 1 the upstream.
_SWITCHES = {Mode.LIGHTS: (0, 1), Mode.CACHE: (1, 1), Mode.PEER: (1, 0)}


@dataclass(frozen=True)
class Settings:
    """The settings of one badge. `parse` makes and checks them."""

    mode: Mode
    name: str | None = None
    """Whose badge it is; stored beside what the firmware reads."""
    router_ssid: str | None = None
    router_passphrase: str | None = field(default=None, repr=False)
    cache_upstream: str | None = None
    """Host name or IPv4 address of the cache."""
    cache_certificate: str | None = field(default=None, repr=False)
    """PEM of the authority that signed the cache's certificate. Without one, the badge asks over plain HTTP."""
    cache_priority: int = 40
    cache_store: str = "/nix/store"


NAMES = tuple(item.name for item in fields(Settings))
_CHECKS = {
    "name": values.name,
    "router_ssid": values.ssid,
    "router_passphrase": values.passphrase,
    "cache_upstream": values.host,
    "cache_certificate": values.certificate,
    "cache_priority": values.priority,
    "cache_store": values.store,
}
# With the Wi-Fi on, the firmware restarts over and over without one of these.
_NEEDED = ("router_ssid", "router_passphrase", "cache_upstream")


def parse(given: Mapping[str, object]) -> Settings:
    """Settings from plain values, of YAML or of a table's cells; None and "" are the same as left out.

    :raises SettingsError: with all mistakes: the field, what is wrong with it, and what would be right.
    """
    given = {key: value for key, value in given.items() if value is not None and value != ""}
    mistakes = [f"{key}: there is no such setting; {nearest(key, NAMES)}" for key in given if key not in NAMES]
    mode = _mode(given, mistakes)
    checked: dict[str, object] = {}
    for key in [key for key in _CHECKS if key in given]:
        try:
            checked[key] = _CHECKS[key](given[key])
        except values.Unsuitable as error:
            mistakes.append(f"{key}: it {error}")
    mistakes += _missing(given, mode)
    if mistakes or mode is None:
        raise SettingsError(mistakes)
    settings = Settings(mode, **checked)  # type: ignore[arg-type]  # each check returns its field's type
    _check_room(settings)
    return settings


def entries(settings: Settings) -> list[Entry]:
    """The whole namespace `config` for these settings."""
    boot_mesh, cache_p2p = _SWITCHES[settings.mode]
    table: dict[str, tuple[Type, int | str | None]] = {
        "boot_mesh": (Type.U8, boot_mesh),
        "cache_p2p": (Type.U8, cache_p2p),
        "cache_use_https": (Type.U8, int(settings.cache_certificate is not None)),
        "cache_priority": (Type.U32, settings.cache_priority),
        "cache_store": (Type.STRING, settings.cache_store),
        "cache_upstream": (Type.STRING, settings.cache_upstream),
        "cache_cert": (Type.STRING, settings.cache_certificate),
        "router_ssid": (Type.STRING, settings.router_ssid),
        "router_passwd": (Type.STRING, settings.router_passphrase),
        "name": (Type.STRING, settings.name),
    }
    return [Entry(NAMESPACE, key, kind, value) for key, (kind, value) in table.items() if value is not None]


def mode_of(config: Mapping[str, object]) -> Mode | None:
    """The mode in a namespace `config` as it was read; None when the firmware could not start with it."""
    switches = (config.get("boot_mesh"), config.get("cache_p2p"))
    return next((mode for mode, expected in _SWITCHES.items() if expected == switches), None)


def _mode(given: Mapping[str, object], mistakes: list[str]) -> Mode | None:
    choices = ", ".join(mode.value for mode in Mode)
    if "mode" not in given:
        mistakes.append(f"mode: it is missing; choose one of {choices}")
        return None
    try:
        return Mode(given["mode"])
    except ValueError:
        mistakes.append(f"mode: it is no mode; choose one of {choices}")
        return None


def _missing(given: Mapping[str, object], mode: Mode | None) -> list[str]:
    begun = [key for key in ("router_ssid", "router_passphrase") if key in given]
    if mode in (Mode.CACHE, Mode.PEER):
        why = f"in mode {mode.value} the badge would restart over and over without it"
    elif begun:
        why = f"beside {begun[0]}, the badge would restart over and over without it when its button is held"
    else:
        return []
    return [f"{key}: it is missing; {why}" for key in _NEEDED if key not in given]


def nearest(name: str, known: Sequence[str]) -> str:
    """What somebody who wrote an unknown name may have meant."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"is it {near[0]}?" if near else f"there are {', '.join(known)}"


def _check_room(settings: Settings) -> None:
    """The Wi-Fi driver, its calibration and the mesh store their own entries beside ours: one page is theirs."""
    roomy = nvs.build(entries(settings), 4 * nvs.PAGE_SIZE)
    if roomy[nvs.PAGE_SIZE :].strip(b"\xff"):
        raise SettingsError(
            [
                f"cache_certificate: it has {len(settings.cache_certificate or '')} bytes, and all settings must fit "
                "into 4096 bytes; give the authority's certificate alone, or one with an elliptic-curve key"
            ]
        )
