# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the event promises its clients: the expectations `playbooks/verify.yml` proves.

Group variables of `clients` (the group exists even when no client does). A client's own network is its host variable
`verify_network`; everything below covers all networks, and a client looks up its own part. All addresses are text without
prefix length, all names are fully qualified without the final dot, all lists keep the order of the event file.

verify_networks: {NETWORK: {
    cidr: "10.33.0.0/24",
    pool: {first: "10.33.0.128", last: "10.33.0.254"} or null without DHCP pool,
    router: "10.33.0.1",                    the default gateway clients get
    resolvers: ["10.33.0.1"],               DHCP option 6
    ntp_servers: ["10.33.0.1"],             DHCP option 42
    domain: "arena.dc.nixos.lv",            DHCP option 15; CLIENT.arena.dc.nixos.lv appears after a lease (dynamic name)
    reverse_zone: "0.33.10.in-addr.arpa",   where the client's PTR appears
    search: ["arena.dc.nixos.lv", "dc.nixos.lv"],   DHCP option 119
    lease_seconds: 3600,
    reservations: [{host, mac, address, name}],   hosts that always get this address
    exit: "adamantia" or null}}             the egress host of this network's internet traffic

verify_names: [{name: "saitama.build.dc.nixos.lv", type: "A", data: ["10.4.1.3"]},
               {name: "3.1.4.10.in-addr.arpa", type: "PTR", data: ["saitama.build.dc.nixos.lv"]}]
    every static name; PTR data without the final dot like all names here.

verify_access: [{network: "arena", target: "saitama", address: "10.4.1.3", protocol: "tcp", port: 22,
                 expected: "open" or "closed", why: "access.arena does not list build"}]
    what a client of `network` meets at address:port of host `target`. `open`: the connection is accepted; `closed`: refused
    or unanswered. Ports are ones something listens on (22 everywhere, 443 of published names, 5000 of cache hosts), so that
    `closed` proves the firewall and not an idle port.

verify_caches: [{name: "cache.nixos.lv", url: "https://cache.nixos.lv", address: "10.33.0.1", networks: ["arena", ...],
                 backends: [{cache: "gvh-a", host: "saitama", url: "http://saitama.build.dc.nixos.lv:5000"}, ...],
                 upstream: ["https://cache.nixos.org"], trusted_public_keys: ["cache.nixos.org-1:..."]}]
    published names that serve caches; backends in failover order; trusted_public_keys are upstream's only.

verify_egress: {NETWORK: "203.0.113.66"}    the address the internet sees; networks without exit are absent.

verify_uplinks: [{host: "ghostgate", interface: "eth0", uplink: "venue"}]   the router's ways out, best metric first; not one
    packet of a client may be seen on them.

verify_router: "ghostgate"                  inventory name of the router.
verify_foreign_resolvers: ["9.9.9.9", ...]  resolvers outside; a client's query to them is answered by the router.
verify_time_servers: ["time.cloudflare.com"]  the outside's time servers.
"""

from __future__ import annotations
