"""The package list and the mirror."""

from __future__ import annotations

import pytest
from ansible_collections.nixvegas.noc.rehearsal.debian import DEFAULT_MIRROR, find_mirror, image_key, parse_packages
from ansible_collections.nixvegas.noc.rehearsal.image import PACKAGES


def test_packages_are_read_by_section() -> None:
    assert parse_packages("# text\n[system]\nsudo # why\n\n[services]\nknot\nchrony\n") == {
        "system": ["sudo"],
        "services": ["knot", "chrony"],
    }


def test_a_package_without_section_is_refused() -> None:
    with pytest.raises(ValueError, match=r"line 2: package 'sudo' stands before the first \[section\]"):
        parse_packages("# text\nsudo\n")


def test_the_projects_own_list() -> None:
    sections = parse_packages(PACKAGES.read_text())
    assert list(sections) == ["system", "services", "proof"]
    packages = [package for section in sections.values() for package in section]
    assert len(packages) == len(set(packages))


@pytest.mark.parametrize(
    ("sources", "mirror"),
    [
        ([], DEFAULT_MIRROR),
        (["deb http://mirror.example/debian/ trixie main\n"], "http://mirror.example/debian"),
        (
            ["deb [signed-by=/x.gpg arch=amd64] https://mirror.example/debian trixie main\n"],
            "https://mirror.example/debian",
        ),
        (["Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie\n"], "http://mirror.example/debian"),
        (["deb http://mirror.example/debian-security trixie-security main\n"], DEFAULT_MIRROR),
        (
            ["deb https://packages.example/sdk stable main\n", "URIs: http://b.example/debian\n"],
            "http://b.example/debian",
        ),
        (["# deb http://mirror.example/debian trixie main\n"], DEFAULT_MIRROR),
    ],
)
def test_mirror(sources: list[str], mirror: str) -> None:
    assert find_mirror(sources) == mirror


def test_the_images_name_follows_from_what_it_is_made_of() -> None:
    assert image_key("a", "b") == image_key("a", "b")
    assert len({image_key("a", "b"), image_key("ab"), image_key("a", "c")}) == 3
