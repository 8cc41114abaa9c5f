"""Nix of several Debian releases side by side, from Debian's packages, without installing them."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

from ansible_collections.nixvegas.noc.rehearsal import debian
from ansible_collections.nixvegas.noc.rehearsal.command import run
from ansible_collections.nixvegas.noc.rehearsal.layers import make_layer

CHECKOUT = Path(__file__).resolve().parents[1]
APT = Path("/etc/apt")
# Testing and unstable have lists that expire, and mirrors that stand still; they are signed all the same.
OPTIONS = ("--variant=extract", "--include=nix-bin", '--aptopt=Acquire::Check-Valid-Until "false"')
WRAPPER = """#!/bin/sh
exec {loader} --argv0 {name} --library-path {libraries} {program} "$@"
"""


def nix_of(suite: str) -> Path:
    """A folder with the programs of the Nix in a Debian suite, fetched on first use (about 7 s, 170 MB).

    Raises RehearsalError when it cannot be fetched.
    """
    key = hashlib.sha256("\0".join([*OPTIONS, Path(__file__).read_text()]).encode()).hexdigest()[:8]
    folder = CHECKOUT / ".cache" / "nix" / f"{suite}-{key}"
    return make_layer(folder, lambda partial: _fetch(suite, partial, folder)) / "programs"


def _fetch(suite: str, partial: Path, folder: Path) -> None:
    sources = [APT / "sources.list", *sorted((APT / "sources.list.d").glob("*"))]
    mirror = debian.find_mirror(source.read_text() for source in sources if source.is_file())
    root = partial / "root"
    run(["mmdebstrap", *OPTIONS, suite, str(root), mirror], hint=f"Does {mirror} answer?")
    loader = next(path for path in root.glob("**/ld-linux-*.so.*") if path.is_file())
    libraries = {str(path.parent) for path in root.glob("**/libc.so.6")} | {str(p) for p in root.glob("usr/lib/*-gnu*")}

    def at_last(path: Path | str) -> str:
        return shlex.quote(str(path).replace(str(partial), str(folder)))

    programs = partial / "programs"
    programs.mkdir()
    for program in sorted((root / "usr/bin").glob("nix*")):
        wrapper = programs / program.name
        # One program under many names: it goes by the name it was called by.
        text = WRAPPER.format(
            loader=at_last(loader),
            name=program.name,
            libraries=at_last(":".join(sorted(libraries))),
            program=at_last(root / "usr/bin/nix"),
        )
        wrapper.write_text(text)
        wrapper.chmod(0o755)
