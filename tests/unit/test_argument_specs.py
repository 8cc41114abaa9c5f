"""Every role's argument specs against its defaults and its tasks: complete, of one prefix, and saying the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).parents[2] / "roles").iterdir() if path.is_dir())
PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "path": (str,),
    "raw": (object,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}


def load(path: Path) -> Any:
    """A YAML file's content; an empty dictionary for a file that is empty or absent."""
    return (yaml.safe_load(path.read_text()) if path.exists() else None) or {}


def options(role: Path) -> dict[str, dict[str, Any]]:
    """The options of a role's main entry point."""
    specs: dict[str, dict[str, Any]] = load(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return specs


@pytest.fixture(params=ROLES, ids=lambda role: role.name)
def role(request: pytest.FixtureRequest) -> Path:
    """One role's folder."""
    path: Path = request.param
    return path


def test_shape(role: Path) -> None:
    """A reader learns the roles once: all have the same files."""
    for name in ("README.md", "defaults/main.yml", "meta/main.yml", "meta/argument_specs.yml", "tasks/main.yml"):
        assert (role / name).is_file(), f"roles/{role.name}/{name} is missing"


def test_names(role: Path) -> None:
    """An option's name begins with the role's name."""
    assert [name for name in options(role) if not name.startswith(f"{role.name}_")] == []


def test_defaults_and_specs_agree(role: Path) -> None:
    """A default stands in defaults/main.yml and, the same, in the specs; what has none is required."""
    defaults = load(role / "defaults/main.yml")
    specs = options(role)
    optional = {name: spec["default"] for name, spec in specs.items() if "default" in spec}
    assert optional == {name: value for name, value in defaults.items() if not name.startswith("__")}
    without = [name for name, spec in specs.items() if "default" not in spec and not spec.get("required")]
    assert without == [], "neither required nor with a default"


def test_defaults_are_of_their_type(role: Path) -> None:
    """A default is of the type its spec names."""
    wrong = [
        name
        for name, spec in options(role).items()
        if spec.get("default") is not None and not isinstance(spec["default"], PYTHON_TYPES[spec.get("type", "str")])
    ]
    assert wrong == []


def test_descriptions(role: Path) -> None:
    """Every option, at every depth, has a description and a type."""

    def undescribed(prefix: str, specs: dict[str, dict[str, Any]]) -> list[str]:
        return [
            found
            for name, spec in specs.items()
            for found in (
                ([] if spec.get("description") and spec.get("type") else [prefix + name])
                + undescribed(f"{prefix}{name}.", spec.get("options", {}))
            )
        ]

    assert undescribed("", options(role)) == []


def test_used_variables_are_specified(role: Path) -> None:
    """A variable with the role's prefix in its tasks or templates is an option of the role."""
    files = [path for folder in ("tasks", "templates", "handlers") for path in (role / folder).rglob("*.*")]
    expressions = "\n".join(re.findall(r"\{[{%].*?[%}]\}", "\n".join(path.read_text() for path in files), re.DOTALL))
    used = set(re.findall(rf"(?<![\w.'\"/-]){role.name}_\w+\b(?!\s*\()", expressions))
    assert used - set(options(role)) == set()
