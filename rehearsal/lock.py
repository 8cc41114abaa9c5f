"""Keeps two commands from changing one rehearsal at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .command import RehearsalError
from .paths import State


@contextmanager
def locked(state: State) -> Iterator[None]:
    """Hold the rehearsal's lock; the kernel gives it back however this process ends.

    Raises RehearsalError if another command holds it.
    """
    state.lock.parent.mkdir(parents=True, exist_ok=True)
    with state.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise RehearsalError(
                f"process {file.read().strip()} is changing the rehearsal {state.name!r} just now; wait for it to end"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
