"""Places for the answers to slow clients."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from nar_server.places import BusyError, Places

COUNT, TURN, PATIENCE = 2, 10, 30


class Scene:
    """Clients of places, and a clock that stands still but for ``at``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._places = Places(COUNT, TURN, PATIENCE)
        self._now = 0.0
        self._clients: dict[str, asyncio.Task[None]] = {}
        self.inside: list[str] = []
        self.most = 0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self._now)

    async def at(self, seconds: float) -> None:
        """Let it be so late, and all that is due happen."""
        self._now = seconds
        for _ in range(50):
            await asyncio.sleep(0)

    async def come(self, *names: str) -> None:
        """Clients come, and keep their places if they get one."""
        self._clients |= {name: asyncio.create_task(self._client(name)) for name in names}
        await self.at(self._now)

    async def leave(self, *names: str) -> None:
        """Clients leave."""
        for name in names:
            self._clients[name].cancel()
        await self.at(self._now)

    async def _client(self, name: str) -> None:
        await self._places.take()
        self.inside.append(name)
        self.most = max(self.most, len(self.inside))
        try:
            await asyncio.Event().wait()
        finally:
            self.inside.remove(name)

    def refused(self, name: str) -> bool:
        """Whether a client was told that there is no place."""
        client = self._clients[name]
        return client.done() and not client.cancelled() and isinstance(client.exception(), BusyError)

    async def end(self) -> None:
        """All leave."""
        await self.leave(*self._clients)
        assert (self.inside, self.most) == ([], COUNT)


def play(act: Callable[[Scene], Awaitable[None]]) -> None:
    async def work() -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            scene = Scene(monkeypatch)
            await act(scene)
            await scene.end()

    asyncio.run(work())


def test_a_place_that_is_given_back_is_the_next_ones() -> None:
    async def act(scene: Scene) -> None:
        await scene.come("a", "b", "c", "d")
        assert scene.inside == ["a", "b"]
        await scene.leave("b")
        assert scene.inside == ["a", "c"]
        await scene.leave("c", "a")
        assert scene.inside == ["d"]

    play(act)


def test_who_leaves_the_line_takes_no_place() -> None:
    async def act(scene: Scene) -> None:
        await scene.come("a", "b", "c", "d", "e")
        await scene.leave("c", "d")
        await scene.leave("a")
        assert scene.inside == ["b", "e"]

    play(act)


def test_a_turn_ends_when_somebody_waits() -> None:
    async def act(scene: Scene) -> None:
        await scene.come("a")
        await scene.at(5)
        await scene.come("b")
        await scene.at(1000)
        assert scene.inside == ["a", "b"]
        await scene.come("c")
        assert scene.inside == ["b", "c"]
        await scene.come("d")
        assert scene.inside == ["c", "d"]
        await scene.come("e")
        await scene.at(1000 + TURN - 1)
        assert scene.inside == ["c", "d"]
        await scene.at(1000 + TURN)
        assert scene.inside == ["d", "e"]

    play(act)


def test_who_waits_for_long_is_told() -> None:
    async def act(scene: Scene) -> None:
        names = [f"{number}" for number in range(10)]
        await scene.come(*names)
        for second in range(PATIENCE):
            await scene.at(second)
        # Two places, each for three turns until then.
        assert scene.inside == ["4", "5"]
        assert not any(map(scene.refused, names))
        await scene.at(PATIENCE)
        waiting = [name for name in names[6:] if name not in scene.inside]
        assert waiting
        assert all(map(scene.refused, waiting))

    play(act)
