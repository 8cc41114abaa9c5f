"""How many cases the tests with random ones try: few by default, as in CI; ``make soak`` tries more."""

from __future__ import annotations

import os


def many(cases: int) -> int:
    """So many cases, times what NAR_SERVER_SOAK says."""
    return cases * int(os.environ.get("NAR_SERVER_SOAK", "1"))
