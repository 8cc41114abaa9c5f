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
    run(["ansible-galaxy", "collection", "build", "--output-path", built], source)
    (tarball,) = built.glob("nixvegas-noc-*.tar.gz")
    collections = tmp_path_factory.mktemp("collections")
    # The collections ours needs come with the PyPI package `ansible`.
    run(["ansible-galaxy", "collection", "install", "--no-deps", "--offline", "-p", collections, tarball], built)
    return collections / "ansible_collections/nixvegas/noc"


@pytest.fixture
def elsewhere(tmp_path: Path, installed: Path) -> Command:
    """Runs a command in a folder that holds nothing but a user's inventory, with the installed collection."""
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    (inventory / "event.yml").write_bytes((CHECKOUT / "inventories/dc33/event.yml").read_bytes())
    configuration = tmp_path / "ansible.cfg"
    configuration.touch()
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(installed.parents[2]), "ANSIBLE_CONFIG": str(configuration)}
    return lambda command: run(command, tmp_path, **environment)
