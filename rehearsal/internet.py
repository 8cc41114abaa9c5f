"""Configures the containers that nobody manages: the stand-in internet, and the clients. Pure: paths and texts."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from .containers import File
from .outside import Outside, Segment, Site
from .plan import Cable, leg
from .world import CACHE_FOLDER

TLS_FOLDER = "/etc/nginx/tls"
CLIENT_SERVICES = ("systemd-networkd.service", "systemd-resolved.service")
INTERNET_SERVICES = (
    "systemd-networkd.service",
    "nftables.service",
    "kresd@1.service",
    "nginx.service",
    "chrony.service",
)

CLIENT_NETWORK = """\
[Match]
Name=eth0

[Network]
DHCP=ipv4
LinkLocalAddressing=no

[DHCPv4]
UseDomains=yes
UseNTP=yes
"""

TIME = """\
# Its clock is as good as any here, and is the machine's: chronyd is started with -x and does not set it.
local stratum 2
allow all
"""


def client_files() -> dict[str, File]:
    """Return the files of a client: what any laptop does, DHCP and the resolver it is told of."""
    return {
        "/etc/systemd/network/10-eth0.network": File(CLIENT_NETWORK),
        "/etc/resolv.conf": File(link="/run/systemd/resolve/stub-resolv.conf"),
    }


def internet_files(outside: Outside, cables: Iterable[Cable]) -> dict[str, File]:
    """Return the configuration of the stand-in internet; `cables` are those of all containers."""
    files = {
        "/etc/resolv.conf": File("".join(f"nameserver {address}\n" for address in outside.resolvers[:3])),
        "/etc/systemd/network/20-addresses.network": File(render_addresses(outside.addresses)),
        "/etc/sysctl.d/90-forward.conf": File("net.ipv4.ip_forward = 1\n"),
        "/etc/nftables.conf": File(render_translation(outside.segments), 0o755),
        "/etc/knot-resolver/kresd.conf": File(render_resolver(outside)),
        "/etc/nginx/sites-enabled/default": File(render_sites(outside.sites)),
        "/etc/chrony/chrony.conf": File(TIME),
        "/etc/default/chrony": File('DAEMON_OPTS="-F 1 -x"\n'),
    }
    macs = {cable.container: cable.mac for cable in cables}
    for index, segment in enumerate(outside.segments):
        files[f"/etc/systemd/network/10-{leg(index)}.network"] = File(render_leg(index, segment, macs))
    return files


def render_addresses(addresses: Iterable[str]) -> str:
    """Return the networkd configuration of the addresses at which the internet answers."""
    lines = "".join(f"Address={address}/32\n" for address in addresses)
    return f"[Match]\nName=lo\n\n[Network]\nKeepConfiguration=static\n{lines}"


def render_leg(index: int, segment: Segment, macs: dict[str, str]) -> str:
    """Return the networkd configuration of an uplink's gateway and DHCP server."""
    subnet = ipaddress.IPv4Network(segment.cidr)
    leases = "".join(
        f"\n[DHCPServerStaticLease]\nMACAddress={macs[host]}\nAddress={address}\n"
        for host, address in segment.leases.items()
    )
    return (
        f"[Match]\nName={leg(index)}\n\n[Network]\nAddress={segment.gateway}/{subnet.prefixlen}\nDHCPServer=yes\n"
        "IPv6AcceptRA=no\nLinkLocalAddressing=no\n\n"
        f"[DHCPServer]\nPoolOffset=100\nPoolSize=100\nEmitDNS=yes\nDNS={segment.gateway}\nEmitNTP=no\nEmitRouter=yes\n{leases}"
    )


def render_translation(segments: Iterable[Segment]) -> str:
    """Return the nftables ruleset that hides some uplinks, as hotels and modems do."""
    hidden = [(leg(index), segment) for index, segment in enumerate(segments) if segment.hidden]
    drops = "".join(f'    oifname "{device}" ct state new drop\n' for device, _unused in hidden)
    hides = "".join(f'    ip saddr {segment.cidr} oifname != "{device}" masquerade\n' for device, segment in hidden)
    return (
        "#!/usr/sbin/nft -f\nflush ruleset\n\ntable ip outside {\n"
        "  chain forward {\n    type filter hook forward priority filter;\n" + drops + "  }\n"
        "  chain postrouting {\n    type nat hook postrouting priority srcnat;\n" + hides + "  }\n}\n"
    )


def render_resolver(outside: Outside) -> str:
    """Return the configuration of the public resolver: it knows the names of the stand-in internet and no others."""
    listen = [*outside.resolvers, *(segment.gateway for segment in outside.segments)]
    listening = "".join(f"net.listen('{address}', 53, {{ kind = 'dns', freebind = true }})\n" for address in listen)
    hints = "".join(f"hints.set('{name}. {address}')\n" for name, address in outside.names.items())
    names = ", ".join(f"'{name}.'" for name in outside.names)
    return (
        f"{listening}modules = {{ 'hints > iterate' }}\nhints.use_nodata(true)\n{hints}"
        f"trust_anchors.remove('.')\ncache.size = 10 * MB\n"
        f"policy.add(policy.suffix(policy.PASS, policy.todnames({{ {names} }})))\npolicy.add(policy.all(policy.DENY))\n"
    )


def render_sites(sites: Iterable[Site]) -> str:
    """Return the nginx configuration of the web servers outside."""
    return "\n".join(_site(site) for site in sites)


def _site(site: Site) -> str:
    tls = ""
    if site.tls:
        tls = f"  ssl_certificate {TLS_FOLDER}/{site.name}.crt;\n  ssl_certificate_key {TLS_FOLDER}/{site.name}.key;\n"
    if site.path is None:
        location = '  location / { default_type text/plain; return 200 "$remote_addr\\n"; }\n'
    else:
        location = f"  location {site.path}/ {{ alias {CACHE_FOLDER}/; }}\n"
    listen = f"{site.address}:{site.port}{' ssl' if site.tls else ''}"
    return f"server {{\n  listen {listen};\n  server_name {site.name};\n{tls}{location}}}\n"
