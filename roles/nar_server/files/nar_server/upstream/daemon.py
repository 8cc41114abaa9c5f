# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Handing a path to Nix's daemon, which verifies it and adds it to the store (the worker protocol, version 1.32).

Format: Nix's src/libstore/worker-protocol.md and daemon.cc. The daemon checks the path's signatures against its own
``trusted-public-keys``: nothing here needs to be trusted by it.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable
from pathlib import Path

from ..path_info import PathInfo
from ..store_path import StorePath

_CLIENT_MAGIC, _DAEMON_MAGIC = 0x6E697863, 0x6478696F
_VERSION = 1 << 8 | 32
_OLDEST_MINOR = 23
_IS_VALID_PATH, _ADD_TO_STORE_NAR = 1, 39
_LAST, _ERROR, _NEXT = 0x616C7473, 0x63787470, 0x6F6C6D67
_START_ACTIVITY, _STOP_ACTIVITY, _RESULT = 0x53545254, 0x53544F50, 0x52534C54
_FRAME = 256 * 1024
_LONGEST_STRING = 1024 * 1024
_ANSWER_SECONDS = 600
# Nix colours the paths in its messages, for terminals.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class DaemonError(Exception):
    """The daemon refused, or does not speak as expected."""


class Daemon:
    """One connection to Nix's daemon."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, socket: Path) -> Daemon:
        """Connect and greet. Raises DaemonError or OSError."""
        daemon = cls(*await asyncio.open_unix_connection(socket))
        try:
            await asyncio.wait_for(daemon._greet(), _ANSWER_SECONDS)
        except BaseException:
            daemon.close()
            raise
        return daemon

    async def _greet(self) -> None:
        self._numbers(_CLIENT_MAGIC)
        if await self._number() != _DAEMON_MAGIC:
            raise DaemonError("it is not Nix's daemon")
        version = await self._number()
        if version >> 8 != _VERSION >> 8 or version & 0xFF < _OLDEST_MINOR:
            raise DaemonError(f"it speaks version {version >> 8}.{version & 0xFF}, 1.{_OLDEST_MINOR} is needed")
        # The two zeros: no processor is asked for, no space reserved.
        self._numbers(_VERSION, 0, 0)
        await self._settle()

    async def is_valid(self, path: StorePath, store_dir: str) -> bool:
        """Whether the store has the path."""
        self._numbers(_IS_VALID_PATH)
        self._string(f"{store_dir}/{path}")
        await self._settle()
        return await self._number() == 1

    async def add(self, info: PathInfo, store_dir: str, nar: int) -> None:
        """Add a path whose references are there; ``nar`` is the descriptor of its NAR. Raises DaemonError."""
        self._numbers(_ADD_TO_STORE_NAR)
        self._string(f"{store_dir}/{info.path}")
        self._string(f"{store_dir}/{info.deriver}" if info.deriver else "")
        self._string(info.nar_hash.hex())
        self._strings([f"{store_dir}/{reference}" for reference in info.references])
        # Registration time (now), size, not ultimate.
        self._numbers(0, info.nar_size, 0)
        self._strings(info.signatures)
        self._string(info.content_address or "")
        # Neither repair nor without checking signatures.
        self._numbers(0, 0)
        sending = asyncio.ensure_future(self._send(nar, info.nar_size))
        try:
            # The daemon may refuse before it has read all.
            await asyncio.wait_for(self._settle(), _ANSWER_SECONDS)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(self, nar: int, size: int) -> None:
        """The NAR in frames, closed by an empty one."""
        offset = 0
        while offset < size:
            data = await asyncio.to_thread(os.pread, nar, min(_FRAME, size - offset), offset)
            if not data:
                raise DaemonError("the NAR became shorter")
            self._numbers(len(data))
            self._writer.write(data)
            await self._writer.drain()
            offset += len(data)
        self._numbers(0)
        await self._writer.drain()

    async def _settle(self) -> None:
        """Read what the daemon tells until it is done. Raises DaemonError with its message."""
        await self._writer.drain()
        while (kind := await self._number()) != _LAST:
            if kind == _NEXT:
                await self._read_string()
            elif kind == _START_ACTIVITY:
                for _each in range(3):
                    await self._number()
                await self._read_string()
                await self._fields()
                await self._number()
            elif kind == _STOP_ACTIVITY:
                await self._number()
            elif kind == _RESULT:
                await self._number()
                await self._number()
                await self._fields()
            elif kind == _ERROR:
                raise DaemonError(await self._error())
            else:
                raise DaemonError(f"it said {kind:#x}, which is not known here")

    async def _fields(self) -> None:
        for _each in range(await self._number()):
            if await self._number() == 0:
                await self._number()
            else:
                await self._read_string()

    async def _error(self) -> str:
        """An error with its traces (from 1.26)."""
        await self._read_string()
        await self._number()
        await self._read_string()
        message = await self._read_string()
        await self._number()
        for _each in range(await self._number()):
            await self._number()
            await self._read_string()
        return _COLOURS.sub("", message)

    def _numbers(self, *values: int) -> None:
        self._writer.write(b"".join(value.to_bytes(8, "little") for value in values))

    def _string(self, text: str) -> None:
        data = text.encode()
        self._numbers(len(data))
        self._writer.write(data + bytes(-len(data) % 8))

    def _strings(self, texts: Iterable[str]) -> None:
        listed = list(texts)
        self._numbers(len(listed))
        for text in listed:
            self._string(text)

    async def _number(self) -> int:
        return int.from_bytes(await self._exactly(8), "little")

    async def _exactly(self, size: int) -> bytes:
        try:
            return await self._reader.readexactly(size)
        except asyncio.IncompleteReadError:
            raise DaemonError("it closed the connection") from None

    async def _read_string(self) -> str:
        length = await self._number()
        if length > _LONGEST_STRING:
            raise DaemonError(f"it sent a text of {length} bytes")
        data = await self._exactly(length + -length % 8)
        return data[:length].decode("utf-8", "replace")

    def close(self) -> None:
        """Let go of the connection."""
        self._writer.close()
