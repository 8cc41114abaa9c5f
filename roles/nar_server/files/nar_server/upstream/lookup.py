# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of upstream caches by their names."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from aiohttp.abc import AbstractResolver

if TYPE_CHECKING:
    # Debian 12's aiohttp has no name for it.
    from aiohttp.abc import ResolveResult

_THREADS = 4


class OwnThreads(AbstractResolver):
    """Looks names up in threads of its own: those of the loop read and unpack, and may all be busy for seconds.

    The time would count as the upstream's.
    """

    def __init__(self) -> None:
        """Threads are started when they are needed."""
        self._threads = ThreadPoolExecutor(_THREADS, "lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """What aiohttp connects to, as its own resolvers give it. Raises OSError."""
        flags = socket.AI_ADDRCONFIG
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=flags)
            )
        except UnicodeError as problem:
            # What no name can be, such as one with 64 letters and no dot.
            raise socket.gaierror(socket.EAI_NONAME, f"not a host name: {problem}") from problem
        return [
            {
                "hostname": host,
                "host": str(address[0]),
                "port": int(address[1]),
                "family": each,
                "proto": protocol,
                "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            }
            for each, _type, protocol, _name, address in found
        ]

    async def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False)
