# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A table of slots in which volunteers flash badges: who gets what, what was done, and the screen that tells it.

`python -m` this package runs it; the action `badge_table` does so for a playbook.
"""
