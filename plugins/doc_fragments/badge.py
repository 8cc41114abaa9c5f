# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a badge, as modules take them."""

from __future__ import annotations


class ModuleDocFragment:
    """The option C(settings)."""

    DOCUMENTATION = r"""
options:
  settings:
    description: The settings of the badge.
    type: dict
    suboptions:
      mode:
        description:
          - What the badge does after it is switched on.
          - V(lights) leaves the Wi-Fi off; batteries last for days. If the button is held while it starts, it does what
            V(cache) does until it is switched off, for which it needs the network's settings. Without these it restarts
            for as long as the button is held.
          - V(cache) connects to the network and serves what the cache O(settings.cache_upstream) has. Batteries last
            for hours.
          - V(peer) asks the badge that it is connected through, which asks on in the same way; only the last of the row
            asks the cache.
        type: str
        choices: [lights, cache, peer]
        required: true
      name:
        description: Whose badge it is, in 31 bytes at most. It is stored in the badge; the firmware does not read it.
        type: str
      router_ssid:
        description:
          - The Wi-Fi network that the badge connects to, in 31 bytes at most.
          - Required for the modes V(cache) and V(peer), with O(settings.router_passphrase) and
            O(settings.cache_upstream).
          - The firmware wants the network to protect its management frames (PMF, 802.11w).
        type: str
      router_passphrase:
        description: The network's WPA passphrase, 8 to 63 printable ASCII characters.
        type: str
      cache_upstream:
        description: Name or IPv4 address of the event's cache, without scheme, port and path.
        type: str
      cache_certificate:
        description:
          - PEM text of the authority that signed the cache's certificate. The badge knows no other authorities.
          - Without it, the badge asks the cache over plain HTTP.
        type: str
      cache_priority:
        description: The priority that the badge as a cache tells its clients, who ask the lowest number first.
        type: int
        default: 40
      cache_store:
        description: The folder of the Nix store that the badge as a cache tells its clients.
        type: str
        default: /nix/store
"""
