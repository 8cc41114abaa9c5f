# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking sources in strata: all of the first at once, the first answer wins; then those of the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Source = TypeVar("Source")
Answer = TypeVar("Answer")


async def ask_strata(
    strata: Sequence[Sequence[Source]], question: Callable[[Source], Awaitable[Answer | None]]
) -> Answer | None:
    """The first answer that is not None, of the lowest stratum that has one; None when nobody has.

    ``question`` must not raise. Those who have not answered when somebody has are cancelled.
    """
    for sources in strata:
        pending = {asyncio.ensure_future(question(source)) for source in sources}
        try:
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if (answer := task.result()) is not None:
                        return answer
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
    return None
