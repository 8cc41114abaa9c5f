"""The filters' errors, as the user reads them."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.nixvegas.noc.plugins.filter.verify import FilterModule

FILTERS = FilterModule().filters()


def test_an_inventory_without_event() -> None:
    """Nothing is promised there."""
    with pytest.raises(AnsibleFilterError, match="verify_networks is not set: have a host in the group 'clients'"):
        FILTERS["verify_probes"]({}, "host", host="saitama")


def test_a_client_without_network() -> None:
    """The variable is named."""
    with pytest.raises(AnsibleFilterError, match=r"verify_network: None is not a network of the event"):
        FILTERS["verify_probes"]({"verify_networks": {"arena": {}}}, "client")


def test_an_unknown_part() -> None:
    """The known ones are listed."""
    with pytest.raises(AnsibleFilterError, match="'all' is not a part of the proof: client, failover"):
        FILTERS["verify_probes"]({}, "all")
