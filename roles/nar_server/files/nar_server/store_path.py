# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Store paths: ``<store directory>/<hash part>-<name>``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import base32

HASH_LENGTH = 32
# Nix's own rule for names (StorePath::MaxPathLen and checkName).
_BASE_NAME = re.compile(rf"([{base32.ALPHABET}]{{{HASH_LENGTH}}})-([0-9a-zA-Z+\-._?=]{{1,211}})")


@dataclass(frozen=True, order=True, slots=True)
class StorePath:
    """A store path, apart from the store's directory. Sorts as its base name does."""

    hash_part: str
    name: str

    def __str__(self) -> str:
        """The base name, as it stands in a narinfo's References."""
        return f"{self.hash_part}-{self.name}"

    @classmethod
    def parse(cls, base_name: str) -> StorePath:
        """The store path of a base name; ValueError when it is none."""
        found = _BASE_NAME.fullmatch(base_name)
        if found is None:
            raise ValueError(f"{base_name!r} is not the base name of a store path")
        return cls(found[1], found[2])

    @classmethod
    def parse_full(cls, path: str, store_dir: str) -> StorePath:
        """The store path of an absolute path right below ``store_dir``; ValueError when it is none."""
        prefix = f"{store_dir}/"
        if not path.startswith(prefix):
            raise ValueError(f"{path!r} is not in the store {store_dir}")
        return cls.parse(path.removeprefix(prefix))
