#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of an action plugin: see plugins/action/badge_table.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: badge_table
short_description: Flash a table of Nix badges
version_added: 0.1.0
author:
  - The Nix Vegas NOC (@NixVegas)
description:
  - Waits for badges in the slots of a table, flashes each with the firmware and its own settings, and shows on the
    whole terminal what became of it. Badges that passed before with the same firmware and settings are left alone.
  - Each slot has its own process. A badge that fails, or a slot that hangs, stops no other.
  - Runs on the controller, which is the machine that the slots are on, and as the user who started it.
    The role P(nixvegas.noc.badge#role) prepares the machine.
  - Without a terminal it prints lines, and ends when the badges that are in have ended.
  - Fails if a badge of the run did not end right.
  - In check mode it opens the ports and reads, but writes neither to badges nor to the ledger.
extends_documentation_fragment:
  - nixvegas.noc.attributes
attributes:
  diff_mode:
    support: none
options:
  firmware:
    description: A build folder of ESP-IDF, with C(flasher_args.json) in it.
    type: path
    required: true
  ledger:
    description:
      - A CSV file with a line for everything that happened to a badge. It is made if it is not there.
      - It has no passphrases in it. A file of the same name with C(.key) at its end is kept beside it. The key
        names settings in the ledger without telling them; without it all badges are looked at again.
    type: path
    required: true
  settings:
    description:
      - What all badges share, as O(nixvegas.noc.badge_nvs#module:settings). A line of O(settings_file) is laid over it.
      - Without it and O(settings_file), badges keep the settings that they have.
    type: dict
    default: {}
  settings_file:
    description:
      - CSV (with a line of column names) or, with the ending C(.yml) or C(.yaml), a YAML list. The columns are C(mac)
        and the names of settings. Encrypted with C(ansible-vault), too.
      - A line with a C(mac) is for that badge. Lines without are given out in order, and what a badge was given is
        remembered in O(ledger) by the line's C(name), or by its place if it has none.
    type: path
  cache_upstream:
    description: The event's cache, which badges ask whose settings have no C(cache_upstream).
    type: str
    default: ''
  cache_certificate_file:
    description:
      - PEM file of the authority behind that cache, perhaps encrypted with C(ansible-vault). It is read only for badges
        that ask that cache and have no C(cache_certificate); an empty one in O(settings) makes them ask by plain HTTP.
    type: path
  slots:
    description: The names of the slots in the order of the screen. Badges in other slots are added behind.
    type: list
    elements: str
    default: []
  ports:
    description:
      - Serial ports to use in place of those on USB, a slot each, named by the path's last part without C(slot). A
        badge is in while the path is there.
    type: list
    elements: path
    default: []
  baud:
    description: Speed in bit/s, for badges behind a serial converter.
    type: int
    default: 460800
  idle:
    description:
      - Seconds without anything new, and with no badge in work, after which the run ends.
      - By default it goes on until B(q) or B(Ctrl-C) is pressed; without a terminal it is V(0).
    type: float
  release:
    description: MACs of badges that are lost. Their lines of O(settings_file) are given to other badges.
    type: list
    elements: str
    default: []
  screen:
    description: Whether to use the terminal, if there is one, as a screen.
    type: bool
    default: true
  title:
    description: The screen's title.
    type: str
    default: Nix badges
  python:
    description: A Python that has esptool.
    type: path
    default: /opt/nixvegas/badge/bin/python
"""

EXAMPLES = r"""
- name: Flash the badges
  nixvegas.noc.badge_table:
    firmware: ~/badge/build
    ledger: ~/badges.csv
    settings:
      mode: lights
      router_ssid: NixVegas
      router_passphrase: "{{ badge_router_passphrase }}"
      cache_upstream: cache.nixos.lv
    settings_file: ~/names.csv
"""

RETURN = r"""
passed:
  description: How many badges were flashed, or looked at and found right.
  returned: success or failure of badges
  type: int
  sample: 24
done_before:
  description: How many badges had passed before and were left alone.
  returned: success or failure of badges
  type: int
  sample: 2
failed_badges:
  description: How many badges did not end right.
  returned: success or failure of badges
  type: int
  sample: 1
failures:
  description: The badges that did not end right, why, and what to do.
  returned: success or failure of badges
  type: list
  elements: str
  sample: ["slot 3: FAIL 60:55:f9:00:00:07: the badge has secure boot on; this badge is locked: put it aside"]
planned:
  description: In check mode, what would be done with each badge.
  returned: success or failure of badges
  type: list
  elements: str
  sample: ["slot 3: 60:55:f9:00:00:07 Zoë (lights): would write app, nvs"]
"""
