# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Store paths, realised as a client's Nix does: substituted, signatures required, nothing built."""

from __future__ import annotations

import os
import re
import ssl
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import web
from .command import run
from .model import NotAskedError, Options, Seen

COPIED = re.compile(r"copying path '(?P<path>[^']+)' from '(?P<url>[^']+)'")
STORE_PATH = re.compile(r"/nix/store/(?P<hash>[0-9a-df-np-sv-z]{32})-[\w+.?=-]+")


def settings(substituters: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Options of Nix: just these substituters and keys, no memory of earlier misses, no building."""
    options = {
        "substituters": " ".join(substituters),
        "trusted-public-keys": " ".join(keys),
        "extra-substituters": "",
        "require-sigs": "true",
        "fallback": "false",
        "max-jobs": "0",
        "connect-timeout": "5",
        "narinfo-cache-negative-ttl": "0",
        "narinfo-cache-positive-ttl": "0",
    }
    return [word for name, value in options.items() for word in ("--option", name, value)]


@contextmanager
def environment(ca_certificates: str | None) -> Iterator[dict[str, str]]:
    """Nix's environment: an empty cache of its own, and ``ca_certificates`` (PEM) trusted besides the system's."""
    system = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    with tempfile.TemporaryDirectory(prefix="probe-") as folder:
        bundle = Path(folder, "authorities.pem")
        known = Path(system).read_text(encoding="utf-8") if Path(system).is_file() else ""
        bundle.write_text(f"{known}\n{ca_certificates or ''}\n", encoding="utf-8")
        yield os.environ | {"NIX_SSL_CERT_FILE": str(bundle), "XDG_CACHE_HOME": folder, "LC_ALL": "C.UTF-8"}


def sources(log: str) -> dict[str, str]:
    """Which URL served each path, from Nix's own log."""
    return {match["path"]: match["url"].rstrip("/") for match in COPIED.finditer(log)}


def complaint(text: str) -> str:
    """The first line that tells of an error, for later ones only follow from it; else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line), lines[-1] if lines else "no message")


def _delete(path: str, timeout: float) -> None:
    """Delete a closure from the store, except what the client itself uses."""
    closure = run(["nix-store", "--query", "--requisites", path], timeout)
    if closure.returncode != 0:
        return  # not valid: nothing to delete
    top = run(["nix-store", "--delete", path], timeout)
    if top.returncode != 0:
        raise NotAskedError(f"{path} cannot be deleted before it is fetched anew: {complaint(top.stderr)}")
    for dependency in reversed(closure.stdout.split()):  # listed before what refers to them
        run(["nix-store", "--delete", dependency], timeout)


def _program(command: str, output: str | None, timeout: float) -> Seen:
    """Run the program; right when it exits with 0 and prints ``output``, if that is given."""
    ran = run([command], timeout)
    if ran.returncode != 0:
        return Seen(f"its program fails ({ran.returncode}): {complaint(ran.stderr)}", False)
    if output is not None and ran.stdout.strip() != output.strip():
        return Seen(f"its program prints {ran.stdout.strip()[:60]!r}", False)
    return Seen("its program runs", True)


def _look_up(options: Options) -> Seen:
    """Only ask who has the path, as check mode may."""
    if not (match := STORE_PATH.fullmatch(options["path"])):
        raise NotAskedError(f"{options['path']} is not a store path")
    for substituter in options["substituters"]:
        url = f"{substituter.rstrip('/')}/{match['hash']}.narinfo"
        try:
            status, _unused = web.fetch(url, options["ca_certificates"], options["timeout"])
        except OSError:
            continue
        if status == 200:  # noqa: PLR2004
            return Seen(f"offered by {substituter}", not options["expected"] or substituter in options["expected"])
    return Seen("offered by nobody", False)


def judge(copied: Mapping[str, str], path: str, expected: Sequence[str]) -> Seen:
    """Whether the path was fetched, and everything from the expected URLs (from any when none is expected)."""
    urls = sorted(set(copied.values()))
    text = f"{len(copied)} paths from {', '.join(urls)}" if copied else "already there"
    right = set(urls) <= {url.rstrip("/") for url in expected} and path in copied if expected else True
    return Seen(text, right)


def nix_realise(options: Options, check_mode: bool = False) -> Seen:
    """Realise a store path from the given substituters and keys alone, then run its program."""
    if check_mode:
        return _look_up(options)
    path, timeout = options["path"], options["timeout"]
    if options["delete"]:
        _delete(path, timeout)
    with environment(options["ca_certificates"]) as variables:
        command = ["nix-store", "--realise", path, *settings(options["substituters"], options["trusted_public_keys"])]
        realised = run(command, timeout, variables)
    if realised.returncode != 0:
        return Seen(complaint(realised.stderr), False)
    fetched = judge(sources(realised.stderr), path, options["expected"])
    if not fetched.ok or not options["program"]:
        return fetched
    program = _program(options["program"], options["output"], timeout)
    return Seen(f"{fetched.text}; {program.text}", program.ok)
