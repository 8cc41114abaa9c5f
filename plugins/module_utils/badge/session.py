# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One connection to a badge in download mode: a thin layer over esptool, which is not one to be quiet.

esptool's commands are used, not the classes below them, which its manual calls private. Known of esptool 5.3 to 5.6:
progress goes to one logger of the whole process; every packet is dumped as hexadecimal text though nobody reads it;
one incompressible region of a call switches compression off for those after it; after a lost connection a write goes on
with whatever badge is plugged in then.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import struct
import termios
import time
import traceback
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from .errors import (
    FaultyFlashError,
    OtherRevisionError,
    PortBusyError,
    PortError,
    PortForbiddenError,
    SecuredError,
    SmallFlashError,
    WrongChipError,
)
from .image import CHIP, SECTOR, Region, Role
from .plan import Reading

ESPTOOL_ERROR: str | None = None
"""Why esptool cannot be used, None if it can."""
try:
    import esptool.loader
    import serial
    from esptool.cmds import attach_flash, detect_chip, detect_flash_size, read_flash, reset_chip, run_stub, write_flash
    from esptool.logger import TemplateLogger, log
    from esptool.util import FatalError, flash_size_bytes
except ImportError:
    ESPTOOL_ERROR = traceback.format_exc()
    TemplateLogger = object
    GONE_ERRORS: tuple[type[Exception], ...] = ()
    PROTOCOL_ERRORS: tuple[type[Exception], ...] = ()
else:
    # A port that vanishes shows as any of these, whatever call notices it.
    GONE_ERRORS = (serial.SerialException, OSError, termios.error)
    # esptool does not check the lengths of answers before it takes them apart.
    PROTOCOL_ERRORS = (FatalError, struct.error, IndexError, ValueError)

CONNECT_BAUD = 115200
CONNECT_ATTEMPTS = 3
OPEN_SECONDS = 2.0
REPLY_SECONDS = 3.0
"""esptool sets it per command, but waits for the stub's first word as long as the port was opened with: for ever."""
_OPEN_PAUSE = 0.1
_OPEN_ERRORS: dict[int | None, type[PortError]] = {
    errno.EACCES: PortForbiddenError,
    errno.EPERM: PortForbiddenError,
    errno.EAGAIN: PortBusyError,
    errno.EBUSY: PortBusyError,
}

_on_sent: ContextVar[Callable[[int, int], None] | None] = ContextVar("_on_sent", default=None)


class _Listener(TemplateLogger):  # type: ignore[misc]
    """Prints nothing, and passes how many bytes of how many were sent to whoever writes in this thread."""

    # esptool 5.3 gives its own logger this class, and calls methods of the former one with it.
    _stage_active = False
    ansi_blue = ansi_yellow = ansi_red = ansi_normal = ""

    def print(self, *args: object, **kwargs: object) -> None: ...

    def note(self, message: str) -> None: ...

    def warning(self, message: str) -> None: ...

    def error(self, message: str) -> None: ...

    def stage(self, finish: bool = False) -> None: ...

    def set_verbosity(self, verbosity: str) -> None: ...

    def progress_bar(
        self, cur_iter: int, total_iters: int, prefix: str = "", suffix: str = "", bar_length: int = 30
    ) -> None:
        if (listener := _on_sent.get()) is not None:
            listener(cur_iter, total_iters)


class _NoDump:
    """In place of esptool's hexadecimal dump of a packet."""

    def __init__(self, *_args: object, **_kwargs: object) -> None: ...

    def __str__(self) -> str:
        return ""


@functools.cache
def _tame_esptool() -> None:
    """Once a process: esptool has one logger, and parts of it keep the one that was there when it was imported."""
    log.set_verbosity("silent")
    log.set_logger(_Listener())
    esptool.loader.HexFormatter = _NoDump


def open_port(port: str) -> Any:
    """The port, opened and locked. One that is in use or forbidden is tried for a moment more: udev and others look at
    a badge that was just plugged in. Raises PortError."""
    deadline = time.monotonic() + OPEN_SECONDS
    while True:
        try:
            return serial.Serial(port, CONNECT_BAUD, timeout=REPLY_SECONDS, exclusive=True)
        except GONE_ERRORS as error:
            number = getattr(error, "errno", None)
            kind = _OPEN_ERRORS.get(number, PortError)
            if kind is PortError or time.monotonic() > deadline:
                reason = errno.errorcode.get(number or 0, str(error))
                raise kind(f"{port}: cannot be opened ({reason})") from error
            time.sleep(_OPEN_PAUSE)


class Session:
    """A badge with esptool's stub running on it. Use it as a context manager.

    Raises PortError, UnsuitableBadgeError, FaultyFlashError, and, when the connection breaks, one of GONE_ERRORS or
    PROTOCOL_ERRORS, also from every method.
    """

    def __init__(self, port: str, baud: int) -> None:
        if ESPTOOL_ERROR:
            raise PortError(f"esptool cannot be imported: {ESPTOOL_ERROR}")
        _tame_esptool()
        self.port = open_port(port)
        try:
            self._connect(baud)
        except BaseException:
            self.close()
            raise

    def _connect(self, baud: int) -> None:
        self.esp = detect_chip(self.port, CONNECT_BAUD, connect_attempts=CONNECT_ATTEMPTS)
        if self.esp.CHIP_NAME != CHIP:
            raise WrongChipError(f"{self.port.port}: it has the chip {self.esp.CHIP_NAME}; badges have the {CHIP}")
        self._refuse_secured()
        self.mac = ":".join(f"{byte:02x}" for byte in self.esp.read_mac("BASE_MAC"))
        self.chip = str(self.esp.get_chip_description())
        self.revision = int(self.esp.get_chip_revision())
        self.esp = run_stub(self.esp)
        # Its own way of going on after a lost connection does not look which badge came back.
        self.esp.WRITE_FLASH_ATTEMPTS = 1
        if baud != CONNECT_BAUD:
            self.esp.change_baud(baud)
        attach_flash(self.esp)
        size = detect_flash_size(self.esp)
        if size is None:
            raise FaultyFlashError(f"{self.port.port}: the flash of {self.mac} does not tell its size")
        self.flash_size = int(flash_size_bytes(size))

    def _refuse_secured(self) -> None:
        security = self.esp.get_security_info()
        flags = security["parsed_flags"]
        found = {
            "secure boot": flags["SECURE_BOOT_EN"],
            "secure download mode": flags["SECURE_DOWNLOAD_ENABLE"],
            "flash encryption": security["flash_crypt_cnt"].bit_count() % 2 == 1,
        }
        if any(found.values()):
            names = " and ".join(name for name, on in found.items() if on)
            raise SecuredError(f"{self.port.port}: the badge has {names} on; it would not start this firmware")

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the port; the badge stays as it is."""
        with contextlib.suppress(*GONE_ERRORS):
            self.port.close()

    def holds(self, region: Region) -> bool:
        """Whether the flash has the region byte for byte. A first sector that differs (a program's holds a digest of
        all of it) spares the badge to read the others."""
        first = region.data[:SECTOR]
        if str(self.esp.flash_md5sum(region.offset, len(first))) != hashlib.md5(first).hexdigest():
            return False
        return len(region.data) <= SECTOR or str(self.esp.flash_md5sum(region.offset, len(region.data))) == region.md5

    def _check_fit(self, region: Region) -> None:
        if region.end > self.flash_size:
            raise SmallFlashError(
                f"{self.port.port}: the flash of {self.mac} has {self.flash_size} bytes; {region} does not fit"
            )
        least, most = region.revisions
        if not least <= self.revision <= most:
            raise OtherRevisionError(
                f"{self.port.port}: the chip of {self.mac} has the revision {self.revision / 100:.2f};"
                f" {region} is for {least / 100:.2f} to {most / 100:.2f}"
            )

    def look(self, regions: Sequence[Region]) -> Reading:
        """What the badge holds of these regions. Raises SmallFlashError, OtherRevisionError."""
        equal, nvs = set(), b""
        for region in regions:
            self._check_fit(region)
        for region in regions:
            if self.holds(region):
                equal.add(region.offset)
            elif region.role is Role.NVS:
                nvs = read_flash(self.esp, region.offset, len(region.data), no_progress=True)
        return Reading(frozenset(equal), nvs)

    def write(self, region: Region, on_written: Callable[[int], None]) -> None:
        """Write a region and let the badge verify it. on_written gets the bytes written so far, about."""
        token = _on_sent.set(lambda sent, total: on_written(len(region.data) * sent // max(total, 1)))
        try:
            write_flash(self.esp, [(region.offset, region.data)])
        finally:
            _on_sent.reset(token)

    def reset(self) -> None:
        """Start the badge's firmware. A badge that is pulled off now has all it needs."""
        with contextlib.suppress(*GONE_ERRORS, *PROTOCOL_ERRORS):
            reset_chip(self.esp, "hard-reset")
