# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter file_per_item."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.nixvegas.noc.plugins.filter.file_per_item import FilterModule

file_per_item = FilterModule().filters()["file_per_item"]


def test_dictionaries_name_their_keys() -> None:
    assert file_per_item([{"name": "ada"}], "/keys/{name}", template="keys.j2", mode="0600") == [
        {"dest": "/keys/ada", "template": "keys.j2", "mode": "0600", "vars": {"item": {"name": "ada"}}}
    ]


def test_paths_have_a_stem() -> None:
    assert file_per_item(["/secrets/ca.crt"], "/certs/x-{stem}.crt", src="{item}", secret=True) == [
        {"dest": "/certs/x-ca.crt", "src": "/secrets/ca.crt", "secret": True}
    ]


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(AnsibleFilterError, match="names 'nam', which"):
        file_per_item([{"name": "ada"}], "/keys/{nam}")
