#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask a network what its clients would ask."""

from __future__ import annotations

DOCUMENTATION = r"""
module: probe
short_description: Ask a network what its clients would ask
version_added: 0.1.0
description:
  - Runs a list of probes on a client, side by side, in one module run, and returns what each saw.
  - The module does not fail when a probe sees something else than expected; its result says so.
    See C(playbooks/verify.yml) for a playbook that prints all results and fails.
  - Nothing is changed, except by O(probes[].kind=nix_realise), which deletes and fetches a store path. Between
    O(probes[].kind=watch) and O(probes[].kind=capture) a transient systemd unit runs.
extends_documentation_fragment:
  - nixvegas.noc.attributes
attributes:
  check_mode:
    details: In check mode O(probes[].kind=nix_realise) only asks which cache has the path.
  diff_mode:
    support: none
  idempotent:
    details: RV(ignore:changed) is always V(false).
options:
  probes:
    description: The questions.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description:
          - V(lease) is a field of the lease that systemd-networkd holds on O(probes[].network).
          - V(address) are the addresses of the interface with O(probes[].mac).
          - V(resolve) is the data of O(probes[].name), asked of O(probes[].server).
          - V(own_name) is what the DNS has for this client's lease, with O(probes[].type=PTR) its reverse name.
          - V(reach) tells whether something answers at O(probes[].address).
          - V(ntp) is the time that O(probes[].server) serves.
          - V(http) is the page at O(probes[].url).
          - V(nix_realise) fetches O(probes[].path) from O(probes[].substituters), and runs O(probes[].program).
          - V(watch) begins to watch all packets on a router, for at most O(probes[].seconds).
          - V(capture) ends that, and tells whether a packet of a client was on the router's O(probes[].uplinks).
        type: str
        choices: [address, capture, http, lease, nix_realise, ntp, own_name, reach, resolve, watch]
        required: true
      what:
        description: The question, for a person; returned with the answer.
        type: str
        required: true
      group:
        description: A title for questions that belong together; returned with the answer.
        type: str
      expect:
        description: The expectation, for a person; made of O(probes[].expected) unless given.
        type: str
      expected:
        description:
          - The right answer.
          - For O(probes[].field=address) the first and the last address of a range.
          - For O(probes[].kind=reach) V(open), or V(closed) (refused, unanswered or unreachable).
          - For O(probes[].kind=http) texts of the page.
          - For O(probes[].kind=nix_realise) the URLs that everything must come from; anything will do when empty.
          - For O(probes[].kind=resolve) the data, in any order; there must be none when empty.
        type: list
        elements: str
        default: []
      timeout:
        description: How long to wait for an answer, in seconds.
        type: float
        default: 3
      wait:
        description: For how many seconds to ask again while the answer is not right.
        type: float
        default: 0
      network:
        description: The network of the lease, as CIDR.
        type: str
      field:
        description: The lease's field.
        type: str
        choices: [address, router, dns, ntp, search]
      mac:
        description: The interface's MAC address.
        type: str
      name:
        description: A fully qualified name.
        type: str
      type:
        description: A type of DNS records.
        type: str
        choices: [A, PTR]
        default: A
      server:
        description: Address of the server to ask; names are asked of the system's resolvers without it.
        type: str
      domain:
        description: The domain of this client's own name.
        type: str
      address:
        description: An IPv4 address.
        type: str
      protocol:
        description: How to reach an address or a resolver.
        type: str
        choices: [icmp, tcp, udp]
      port:
        description: The port to reach by TCP or UDP.
        type: int
      tolerance:
        description: Seconds that a server's clock may differ from the client's.
        type: float
        default: 1
      url:
        description: The page's URL.
        type: str
      status:
        description: The page's HTTP status.
        type: int
        default: 200
      ca_certificates:
        description: Certificates of authorities to trust besides the system's, in PEM.
        type: str
      path:
        description: A store path.
        type: path
      substituters:
        description: URLs of the only binary caches to ask.
        type: list
        elements: str
        default: []
      trusted_public_keys:
        description: The only keys whose signatures are accepted.
        type: list
        elements: str
        default: []
      delete:
        description: Whether to delete the path and what it needs from the client's store first.
        type: bool
        default: true
      program:
        description: A program to run once the path is there; it must exit with 0.
        type: path
      output:
        description: What the program must print, white space at both ends aside.
        type: str
      uplinks:
        description: Interfaces that no packet of a client may leave by.
        type: list
        elements: str
        default: []
      clients:
        description: The clients' networks, as CIDR.
        type: list
        elements: str
        default: []
      targets:
        description: Networks (CIDR) that nobody but the clients sends to during the capture.
        type: list
        elements: str
        default: []
      marker:
        description: Text that nobody but the clients sends in DNS queries during the capture.
        type: str
        default: ""
      seconds:
        description: After how many seconds the watching ends, even if nobody asks what was seen.
        type: float
        default: 600
requirements:
  - "C(kdig) (Debian: knot-dnsutils) for names"
  - systemd-networkd for leases
  - "C(nix-store) (Debian: nix-bin) for store paths"
  - tcpdump and systemd for captures
author:
  - The Nix Vegas NOC (@NixVegas)
"""

EXAMPLES = r"""
- name: Ask the network two things
  nixvegas.noc.probe:
    probes:
      - kind: resolve
        what: the cache's name
        name: cache.nixos.lv
        expected: [10.33.0.1]
      - kind: reach
        what: SSH of the cache host
        address: 10.4.1.3
        protocol: tcp
        port: 22
        expected: [closed]
  register: asked

- name: Insist on the answers
  ansible.builtin.assert:
    that: asked.results | rejectattr('ok') | length == 0
"""

RETURN = r"""
results:
  description: The answers, in the order of O(probes).
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: The question.
      type: str
      sample: the cache's name
    group:
      description: The title of the questions it belongs to.
      type: str
      sample: names
    expected:
      description: The right answer.
      type: str
      sample: 10.33.0.1
    seen:
      description: The answer, or why there is none.
      type: str
      sample: no answer
    ok:
      description: Whether the answer is right.
      type: bool
      sample: false
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nixvegas.noc.plugins.module_utils.probe.run import ask_all

TEXT = {"type": "str"}
TEXTS = {"type": "list", "elements": "str", "default": []}
PROBE = {
    "kind": {
        "type": "str",
        "required": True,
        "choices": [
            "address",
            "capture",
            "http",
            "lease",
            "nix_realise",
            "ntp",
            "own_name",
            "reach",
            "resolve",
            "watch",
        ],
    },
    "what": {"type": "str", "required": True},
    "group": TEXT,
    "expect": TEXT,
    "expected": TEXTS,
    "timeout": {"type": "float", "default": 3},
    "wait": {"type": "float", "default": 0},
    "network": TEXT,
    "field": {"type": "str", "choices": ["address", "router", "dns", "ntp", "search"]},
    "mac": TEXT,
    "name": TEXT,
    "type": {"type": "str", "choices": ["A", "PTR"], "default": "A"},
    "server": TEXT,
    "domain": TEXT,
    "address": TEXT,
    "protocol": {"type": "str", "choices": ["icmp", "tcp", "udp"]},
    "port": {"type": "int"},
    "tolerance": {"type": "float", "default": 1},
    "url": TEXT,
    "status": {"type": "int", "default": 200},
    "ca_certificates": TEXT,
    "path": {"type": "path"},
    "substituters": TEXTS,
    "trusted_public_keys": TEXTS,
    "delete": {"type": "bool", "default": True},
    "program": {"type": "path"},
    "output": TEXT,
    "uplinks": TEXTS,
    "clients": TEXTS,
    "targets": TEXTS,
    "marker": {"type": "str", "default": ""},
    "seconds": {"type": "float", "default": 600},
}
NEEDED = [
    ["kind", "address", ["mac", "expected"]],
    ["kind", "capture", ["uplinks", "clients"]],
    ["kind", "http", ["url"]],
    ["kind", "lease", ["network", "field", "expected"]],
    ["kind", "nix_realise", ["path", "substituters", "trusted_public_keys"]],
    ["kind", "ntp", ["server"]],
    ["kind", "own_name", ["network", "domain"]],
    ["kind", "reach", ["address", "protocol", "expected"]],
    ["kind", "resolve", ["name"]],
]


def main() -> None:
    """Ask and report."""
    module = AnsibleModule(
        argument_spec={
            "probes": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": PROBE,
                "required_if": NEEDED,
            }
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, results=ask_all(module.params["probes"], module.check_mode))


if __name__ == "__main__":
    main()
