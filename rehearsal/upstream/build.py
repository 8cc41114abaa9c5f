"""Fills a binary cache with store paths made of Debian packages. Runs in the base image, as root, in this folder.

Usage: build.py CACHE KEY_NAME…; prints as JSON the root path, its closure, and the public key of each name.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAMS = ("hello", "curl", "less", "openssl", "patchelf", "procps", "xz-utils", "zstd")
NIX = ["--option", "sandbox", "false", "--option", "build-users-group", "", "--option", "substitute", "false"]


def output(*command: str | Path) -> str:
    """Run a command and return its standard output."""
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True).stdout


def library_folder() -> Path:
    """Return the folder of this architecture's libraries."""
    return next(Path("/usr/lib").glob("*-linux-gnu*"))


def target_of(file: Path, libraries: Path) -> str | None:
    """Return where a package's file goes in its store path, if it does."""
    for source, target in ((Path("/usr/bin"), "bin"), (libraries, "lib")):
        if file.is_relative_to(source):
            return f"{target}/{file.relative_to(source)}"
    return None


def needed_libraries(files: list[Path], libraries: Path) -> list[Path]:
    """Return the shared libraries that programs and libraries ask for."""
    names: set[str] = set()
    for file in files:
        if not file.is_symlink() and (os.access(file, os.X_OK) or ".so" in file.name):
            result = subprocess.run(
                ["patchelf", "--print-needed", str(file)], capture_output=True, text=True, check=False
            )
            names |= set(result.stdout.split())
    return [libraries / name for name in sorted(names) if (libraries / name).exists()]


def owners(files: list[Path]) -> set[str]:
    """Return the packages that own files."""
    lines = output("dpkg", "--search", *files).splitlines() if files else []
    return {line.split(":", 1)[0] for line in lines if not line.startswith("diversion")}


def describe(package: str, libraries: Path) -> dict[str, Any]:
    """Return what packages.nix needs to know of a package."""
    files = [Path(line) for line in output("dpkg", "--listfiles", package).splitlines()]
    wanted = {file: target for file in files if (target := target_of(file, libraries)) and not file.is_dir()}
    version = output("dpkg-query", "--show", "--showformat=${source:Upstream-Version}", package)
    return {
        "name": re.sub(r"[^A-Za-z0-9+._=-]", "_", f"{package}-{version}"),
        "manifest": "\n".join(f"{file} {target}" for file, target in wanted.items()),
        "needs": sorted(owners(needed_libraries(list(wanted), libraries)) - {package}),
    }


def main(cache: str, keys: list[str]) -> None:
    """Build, sign and copy."""
    libraries = library_folder()
    specifications: dict[str, dict[str, Any]] = {}
    waiting = list(PROGRAMS)
    while waiting:
        package = waiting.pop()
        if package not in specifications:
            specifications[package] = describe(package, libraries)
            waiting += specifications[package]["needs"]
    Path("packages.json").write_text(json.dumps(specifications))
    root = output("nix-build", *NIX, "--no-out-link", "packages.nix").strip()
    nix = ("nix", "--extra-experimental-features", "nix-command", *NIX)
    public: dict[str, str] = {}
    for number, name in enumerate(keys):
        secret, shown = Path(f"key{number}"), Path(f"key{number}.pub")
        output("nix-store", "--generate-binary-cache-key", name, secret, shown)
        public[name] = shown.read_text().strip()
        output(*nix, "store", "sign", "--recursive", "--key-file", secret, root)
    output(*nix, "copy", "--to", f"file://{cache}?compression=zstd", root)
    closure = output("nix-store", "--query", "--requisites", root).split()
    print(json.dumps({"root": root, "closure": closure, "public_keys": public}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
