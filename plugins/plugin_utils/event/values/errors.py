# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a reader of scalars raises."""

from __future__ import annotations


class WrongValueError(ValueError):
    """A scalar that cannot be what it should be. `secret`: it must not be shown."""

    def __init__(self, problem: str, remedy: str, *, secret: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.secret = secret
