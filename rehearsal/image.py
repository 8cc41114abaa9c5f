"""The base image: an unpacked Debian, made once and shared by all containers below what each of them changes."""

from __future__ import annotations

from pathlib import Path

from . import debian
from .command import run
from .layers import change_root, make_layer

HERE = Path(__file__).parent
PACKAGES = HERE / "packages.txt"
CUSTOMIZE = HERE / "customize.sh"
APT = Path("/etc/apt")

# No service runs where packages are purged, so none can be stopped.
PURGE = """
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
DEBIAN_FRONTEND=noninteractive apt-get --yes --quiet purge --autoremove {services}
rm /usr/sbin/policy-rc.d
"""


def base_folder(cache: Path) -> Path:
    """Return where the base image is kept, made or not; the name follows from what it is made of."""
    makers = [file.read_text() for file in (CUSTOMIZE, Path(__file__))]
    return cache / "images" / f"debian-{debian.image_key(*all_packages(), *makers)}"


def all_packages() -> list[str]:
    """Return the packages of the base image."""
    sections = debian.parse_packages(PACKAGES.read_text())
    return sorted({package for section in sections.values() for package in section})


def base_layer(cache: Path) -> Path:
    """Return the folder of the base image; mmdebstrap makes it if there is none of this list of packages."""
    return make_layer(base_folder(cache), lambda partial: bootstrap(partial, all_packages()))


def bare_layer(base: Path) -> Path:
    """Return a layer over the base image in which the packages of all services are purged."""
    services = debian.parse_packages(PACKAGES.read_text())["services"]
    purge = PURGE.format(services=" ".join(services))
    folder = base.with_name(base.name.replace("debian", "bare"))
    return make_layer(folder, lambda partial: _purge(base, partial, purge))


def bootstrap(folder: Path, packages: list[str]) -> None:
    """Install Debian with these packages into a folder."""
    sources = [APT / "sources.list", *sorted((APT / "sources.list.d").glob("*"))]
    mirror = debian.find_mirror(source.read_text() for source in sources if source.is_file())
    options = ["--variant=minbase", "--skip=cleanup/apt/lists", f"--customize-hook={CUSTOMIZE}"]
    command = ["mmdebstrap", *options, f"--include={','.join(packages)}", debian.SUITE, str(folder), mirror]
    log = folder.with_name("mmdebstrap.log")
    run(command, log=log, hint=f"Does {mirror} answer? All of its output is in {log}.")
    # Else each container reads the lists anew, the first time Ansible asks for a package.
    run(["chroot", folder, "apt-cache", "gencaches"])


def _purge(base: Path, partial: Path, purge: str) -> None:
    change_root([base], partial, purge, partial.with_name("purge.log"))
