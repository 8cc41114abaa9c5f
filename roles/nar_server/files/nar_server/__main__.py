# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line: ``python3 -m nar_server serve --config FILE``, and ``check-config``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from .config import Config, load_config, load_signing_keys
from .keys import KeyFormatError
from .options import Address, ConfigError

LOGGER = logging.getLogger("nar_server")
# Answers under way when the server is told to stop have this long to finish.
_GRACE_SECONDS = 10
_BACKLOG = 1024


def _warnings(config: Config) -> list[str]:
    """What a configuration that works should still be told."""
    found = []
    for view in config.views:
        if view.policy == "all":
            text = "policy is 'all': paths are signed that came here unsigned and that nobody vouches for"
            found.append(f"view {view.name}: {text}")
        if view.policy != "none" and not view.signing_key_files:
            text = "no signing_key_files: nothing is signed, paths leave with the signatures they came with"
            found.append(f"view {view.name}: {text}")
        if view.paths == "upstream" and not view.trusted_public_keys and not view.upstreams:
            found.append(f"view {view.name}: paths is 'upstream' and no key is trusted: it has no paths")
    return found


def listening_sockets(address: Address) -> list[socket.socket]:
    """Sockets that listen on all addresses a host name has. Raises OSError."""
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [
        socket.create_server(target, family=family, backlog=_BACKLOG)
        for family, _type, _protocol, _name, target in dict.fromkeys(found)
    ]


def check_config(config: Config) -> int:
    """Check what can be checked without serving; the exit status."""
    keys = {key.public: key for view in config.views for key in load_signing_keys(view.signing_key_files)}
    try:
        from .signing import Signer  # noqa: PLC0415
    except ModuleNotFoundError as problem:
        # On a host where the server's packages are still to be installed, the rest has been checked.
        print(f"warning: the keys were not tried: {problem}", file=sys.stderr)
    else:
        for key in keys.values():
            Signer(key)
    for warning in _warnings(config):
        print(f"warning: {warning}", file=sys.stderr)
    for public in keys:
        print(f"signs as {public}")
    return 0


def _notify(state: str) -> None:
    """Tell systemd, when it started us and listens (sd_notify)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notifier:
            notifier.sendto(state.encode(), address.replace("@", "\0", 1) if address.startswith("@") else address)


async def _serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT."""
    # What check-config does not need is not loaded for it: it must run before the packages are there.
    from .app import NarServer  # noqa: PLC0415
    from .badges import without_length  # noqa: PLC0415
    from .database import DatabaseUnavailableError  # noqa: PLC0415
    from .http import HttpServer  # noqa: PLC0415
    from .views import Views  # noqa: PLC0415

    views = Views.of(config)
    for store in views.stores:
        with contextlib.suppress(DatabaseUnavailableError):
            # Opened now, its files stay (see database.py); when it cannot be, requests are told so.
            store.database.probe()
    app = NarServer(views)
    server = HttpServer(without_length(app.handle))
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listeners = [listener for address in config.listen for listener in listening_sockets(address)]
    server.listen(listeners)
    bound = [f"{name[0]}:{name[1]}" for name in (listener.getsockname() for listener in listeners)]
    served = ", ".join(f"{view.name} ({view.store.directory}, {view.priority})" for view in views)
    LOGGER.info("serving %s on %s", served, ", ".join(bound))
    _notify("READY=1")
    await stop.wait()
    _notify("STOPPING=1")
    for listener in listeners:
        listener.close()
    await server.shutdown(_GRACE_SECONDS)
    views.close()


def serve(config: Config) -> int:
    """Serve; the exit status."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for warning in _warnings(config):
        LOGGER.warning("%s", warning)
    asyncio.run(_serve(config))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    parser = argparse.ArgumentParser(prog="nar_server", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, function, text in (
        ("serve", serve, "serve the store"),
        ("check-config", check_config, "check the configuration and its keys"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--config", type=Path, required=True, metavar="FILE", help="the TOML file")
        command.set_defaults(function=function)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        status: int = options.function(load_config(options.config))
        return status
    except (ConfigError, KeyFormatError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
