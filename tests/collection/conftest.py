"""The collection as a user has it: built, and installed from its tarball in a folder that is not the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

Command = Callable[[Sequence[str | Path]], str]


def run(command: Sequence[str | Path], folder: Path, **environment: str) -> str:
    """Run a command in a folder; its output, which is also the message when it fails."""
    ran = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"} | environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def away_from_the_checkout(folder: Path, collections: Path) -> dict[str, str]:
    """Variables under which Ansible does not see the checkout, whose ansible.cfg `make` exports."""
    configuration = folder / "ansible.cfg"
    configuration.touch()
    return {"ANSIBLE_CONFIG": str(configuration), "ANSIBLE_COLLECTIONS_PATH": str(collections)}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the installed collection."""
    source = tmp_path_factory.mktemp("source")
    files = run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], CHECKOUT).splitlines()
    for name in files:
        if (CHECKOUT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((CHECKOUT / name).read_bytes())
            (source / name).chmod((CHECKOUT / name).stat().st_mode)
    built = tmp_path_factory.mktemp("built")
    collections = tmp_path_factory.mktemp("collections")
    environment = away_from_the_checkout(built, collections)
    run(["ansible-galaxy", "collection", "build", "--output-path", built], source, **environment)
    (tarball,) = built.glob("nixvegas-noc-*.tar.gz")
    # The collections ours needs come with the PyPI package `ansible`.
    install = ["ansible-galaxy", "collection", "install", "--no-deps", "--offline", "-p", collections, tarball]
    run(install, built, **environment)
    return collections / "ansible_collections/nixvegas/noc"


@pytest.fixture
def elsewhere(tmp_path: Path, installed: Path) -> Command:
    """Runs a command in a folder that holds nothing but a user's inventory, with the installed collection."""
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    (inventory / "event.yml").write_bytes((CHECKOUT / "inventories/dc33/event.yml").read_bytes())
    environment = away_from_the_checkout(tmp_path, installed.parents[2])
    return lambda command: run(command, tmp_path, **environment)
