# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where firmware is read from: a build folder of ESP-IDF with its flasher_args.json, or a list of files and offsets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .errors import FirmwareError
from .image import CHIP, Firmware, firmware_of

ARGUMENTS_FILE = "flasher_args.json"


def firmware_from_build(folder: Path) -> Firmware:
    """The firmware that `idf.py build` left in a folder, named after its project's program. Raises FirmwareError."""
    file = folder / ARGUMENTS_FILE
    if not file.is_file():
        raise FirmwareError(f"{file}: it is not there; name the folder that `idf.py build` filled")
    try:
        arguments: Any = json.loads(_read(file))
        chip = arguments.get("extra_esptool_args", {}).get("chip", "esp32c6")
        files = {int(offset, 0): str(path) for offset, path in arguments["flash_files"].items()}
        parts = {int(part["offset"], 0): name for name, part in arguments.items() if _is_part(part)}
        encrypted = [name for name, part in arguments.items() if _is_part(part) and _is_true(part.get("encrypted"))]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FirmwareError(f"{file}: {_why(error)}; ESP-IDF writes it otherwise, build the firmware again") from error
    if chip.replace("-", "").lower() != CHIP.replace("-", "").lower():
        raise FirmwareError(f"{file}: the firmware was built for {chip}; badges have the {CHIP}")
    if encrypted:
        raise FirmwareError(f"{file}: {', '.join(encrypted)} is to be encrypted; badges take plain firmware")
    programs = [path for offset, path in files.items() if parts.get(offset) == "app"]
    name = Path(programs[0]).stem if programs else folder.name
    pieces = ((parts.get(offset, Path(path).stem), offset, _read(folder / path)) for offset, path in files.items())
    return firmware_of(name, pieces)


def _why(error: Exception) -> str:
    """What of a file that cannot be understood is not as expected."""
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON in line {error.lineno}"
    if isinstance(error, UnicodeDecodeError):
        return "it is no text"
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return "it has a list or text where a mapping belongs, or an offset that is no number"


def _is_part(value: object) -> bool:
    return isinstance(value, dict) and "offset" in value and "file" in value


def _is_true(value: object) -> bool:
    """ESP-IDF writes "true" and "false" as texts."""
    return str(value).lower() == "true"


def firmware_from_regions(regions: Iterable[tuple[int, Path]], name: str = "regions") -> Firmware:
    """Firmware from files and their offsets in the flash. Raises FirmwareError."""
    return firmware_of(name, ((path.stem, offset, _read(path)) for offset, path in regions))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FirmwareError(f"{path}: cannot be read: {error.strerror}") from error
