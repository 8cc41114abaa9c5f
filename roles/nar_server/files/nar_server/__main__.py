# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line: ``python3 -m nar_server serve --config FILE``, and ``check-config``."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from . import advice, commands
from .config import Config, load_config
from .journal import log_to_stderr
from .key_files import check_signing_keys
from .keys import KeyFormatError
from .options import Address, ConfigError

LOGGER = logging.getLogger("nar_server")
_BACKLOG = 1024
# What shells add to the number of the signal that ended a program.
_AS_IF_KILLED = 128


def listening_sockets(address: Address) -> list[socket.socket]:
    """Sockets that listen on all addresses a host name has. Raises ConfigError."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return [
            socket.create_server(target, family=family, backlog=_BACKLOG)
            for family, _type, _protocol, _name, target in dict.fromkeys(found)
        ]
    except OSError as problem:
        # gaierror has numbers of its own.
        reason = problem.strerror if isinstance(problem, socket.gaierror) else os.strerror(problem.errno or 0)
        hint = "; 'ss -ltnp' tells who listens there" if problem.errno == errno.EADDRINUSE else ""
        raise ConfigError(f"listen: {address}: {reason}{hint}") from problem


def check_config(config: Config, _path: Path) -> int:
    """Check what can be checked without serving; the exit status."""
    keys = check_signing_keys(config.views)
    # On a host where the server's packages are still to be installed, the rest is checked.
    warnings = advice.missing_modules(config)
    if not warnings:
        from .signing import Signer  # noqa: PLC0415
        from .site import make_encoders  # noqa: PLC0415

        make_encoders(config)
        for key in keys:
            Signer(key)
    stores = config.served_stores.values()
    warnings += advice.unreadable(stores) + advice.of_another_folder(stores)
    for warning in warnings + advice.warnings(config):
        print(f"warning: {warning}", file=sys.stderr)
    for key in keys:
        print(f"signs as {key.public}")
    return 0


def serve(config: Config, path: Path) -> int:
    """Serve; the exit status."""
    # What check-config does not need is not loaded for it: it must run before the packages are there.
    from .supervisor import Supervisor  # noqa: PLC0415
    from .systemd import passed_sockets  # noqa: PLC0415

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for warning in advice.warnings(config):
        LOGGER.warning("%s", warning)
    sockets = passed_sockets() or [each for address in config.listen for each in listening_sockets(address)]
    return Supervisor(path, config, sockets).run()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    parser = argparse.ArgumentParser(
        prog="nar-server", description="A Nix binary cache straight from the store. COMMAND --help tells more of each."
    )
    parsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, text: str, more: str) -> argparse.ArgumentParser:
        description = f"{text[0].upper()}{text[1:]}. {more}"
        command = parsers.add_parser(name, help=text, description=description)
        command.add_argument("--config", type=Path, required=True, metavar="FILE", help="the TOML file")
        return command

    for name, function, text, more in (
        ("serve", serve, "serve the store", "Ends with SIGTERM, and reads its configuration again with SIGHUP."),
        (
            "check-config",
            check_config,
            "check the configuration and its keys",
            "Names every mistake, and the keys it would sign with. The exit status is 1 with a mistake.",
        ),
    ):
        add(name, text, more).set_defaults(function=function)
    for name, look, text, more in (
        (
            "audit",
            commands.audit,
            "tell what vouches for each path, and which are withheld",
            "The exit status is 1 when clients that want signatures will not take one, be it withheld, hidden or"
            " malformed, and 2 when the database cannot be read.",
        ),
        ("stats", commands.stats, "tell the running server's counters", "Asks the first address of 'listen'."),
    ):
        command = add(name, text, more)
        command.add_argument("--json", action="store_true", help="for machines")
        command.add_argument("views", nargs="*", metavar="VIEW", help="only these views")
        command.set_defaults(look=look)
    command = add(
        "warm",
        "fill the hot tier",
        "Makes the packs of paths before they are asked for, beside a running server, as root or as its user. The exit"
        " status is 1 when a path is not in the tier at the end, such as when its budget is full.",
    )
    command.add_argument("--closure", action="store_true", help="and all that these paths need")
    command.add_argument("--view", action="append", default=[], help="only what this view serves; may be repeated")
    command.add_argument("paths", nargs="+", metavar="PATH", help="a store path, or a link to one; - for lines of them")
    command.set_defaults(warm=True)
    options = parser.parse_args(arguments)
    log_to_stderr()
    try:
        status = _run(options)
        # What is still to be written belongs to what may fail.
        sys.stdout.flush()
        return status
    except (ConfigError, KeyFormatError) as problem:
        # What is found out later than by reading the file is in it all the same.
        file = f"{options.config}: "
        print("\n".join(file + line.removeprefix(file) for line in str(problem).splitlines()), file=sys.stderr)
    except BrokenPipeError:
        # Whoever reads has enough, as "head" has; Python shall not complain of it once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _AS_IF_KILLED + signal.SIGPIPE
    except OSError as problem:
        print(problem, file=sys.stderr)
    except ModuleNotFoundError as problem:
        print(f"{options.config}: {advice.missing(problem.name or '')}", file=sys.stderr)
    return 1


def _run(options: argparse.Namespace) -> int:
    config = load_config(options.config)
    if "warm" in options:
        return commands.warm(config, options.view, options.paths, closure=options.closure)
    if "look" in options:
        status: int = options.look(config, options.views, as_json=options.json)
    else:
        status = options.function(config, options.config)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
