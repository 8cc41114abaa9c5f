# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text of nix.conf."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.nixvegas.noc.plugins.filter.nix_conf import FilterModule

nix_conf = FilterModule().filters()["nix_conf"]


def test_each_kind_of_value_has_its_form():
    settings = {
        "trusted-users": ["root", "crew"],
        "require-sigs": True,
        "sandbox": False,
        "cores": 4,
        "substituters": [],
    }
    assert nix_conf(settings).splitlines() == [
        "cores = 4",
        "require-sigs = true",
        "sandbox = false",
        "substituters =",
        "trusted-users = root crew",
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "nix_conf: [] is not a dictionary of settings"),
        ({"cores": 1.5}, "nix_conf: cores: 1.5 is a float; give a string, number, boolean or list of them"),
        ({"cores": None}, "nix_conf: cores: None is a NoneType; give a string, number, boolean or list of them"),
        ({"x": "a\nb"}, "nix_conf: x: 'a\\nb' has a line break or '#', which nix.conf cannot hold"),
        ({"x": ["a b"]}, "nix_conf: x: 'a b' in a list is empty or has spaces"),
        ({"x": [""]}, "nix_conf: x: '' in a list is empty or has spaces"),
    ],
)
def test_what_has_no_form_is_refused(settings, message):
    with pytest.raises(AnsibleFilterError) as caught:
        nix_conf(settings)
    assert str(caught.value) == message
