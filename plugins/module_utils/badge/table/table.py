# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table: what each slot does next when badges come and go and workers answer. It is pure and returns actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..result import Phase, Progress
from .actions import Action, Answer, Failure, Job, Say, Success, Write
from .assignment import NoSettingsError, Row, assign, left
from .record import History, Record, Result
from .slot import ENDED, WORKING, Presence, Slot, State


@dataclass(frozen=True)
class Prepared:
    """A row's settings as they are flashed. image: None to leave a badge's; digest: what the ledger names them."""

    image: bytes | None = field(repr=False)
    digest: str
    mode: str


@dataclass(frozen=True)
class Ending:
    """How a badge ended. text: the line that was said of it; changed: whether something was written, or would be."""

    state: State
    text: str
    changed: bool = False


@dataclass
class Table:
    """All slots and what is known of the badges.

    :param slots: names, in their order on the table; more are added when a badge is found in another one.
    :param firmware: name and digest, as the ledger has them.
    :param prepared: the settings of each row by its id.
    :param clock: the time for a record, as ISO 8601.
    """

    slots: list[Slot]
    firmware: str
    rows: Sequence[Row]
    default: Row | None
    prepared: Mapping[str, Prepared]
    history: History
    clock: Callable[[], str]
    check: bool = False
    ending: bool = False
    """Whether no badge is begun with any more."""
    endings: dict[str, Ending] = field(default_factory=dict)
    """How each badge of this run ended last, by MAC; one that never told its MAC by its slot and time."""

    @property
    def is_busy(self) -> bool:
        """Whether any badge is in work or about to be."""
        return any(slot.state in (WORKING if self.ending else (*WORKING, State.WAITING)) for slot in self.slots)

    @property
    def failed(self) -> int:
        """How many badges of this run ended wrong."""
        return self.count(State.FAILED)

    @property
    def left(self) -> int | None:
        """How many settings in order no badge has; None without such a table."""
        return left(self.rows, self.history.rows) if any(not row.mac for row in self.rows) else None

    def slot(self, name: str) -> Slot:
        """The slot of that name."""
        return next(slot for slot in self.slots if slot.name == name)

    def see(self, found: Mapping[str, Presence], now: float) -> list[Action]:
        """Take in which slots have a badge."""
        known = {slot.name for slot in self.slots}
        self.slots += [Slot(name) for name in found if name not in known]
        actions: list[Action] = []
        for slot in self.slots:
            if slot.see(found.get(slot.name), now) and not self.ending:
                actions += self._begin(slot, now)
        return actions

    def answer(self, name: str, answer: Answer, found: Presence | None, now: float) -> list[Action]:
        """Take in what a slot's worker says. found: what is in the slot at this moment."""
        slot = self.slot(name)
        if isinstance(answer, Progress):
            slot.detail = (
                f"{answer.phase.value} {answer.region}".strip() if answer.phase is not Phase.DONE else "starting"
            )
            slot.detail += f" (attempt {answer.attempt})" if answer.attempt > 1 else ""
            slot.mac = slot.mac or answer.mac
            slot.percent = 100 * answer.done // answer.total if answer.total else 0
            return []
        if isinstance(answer, Failure):
            slot.mac = slot.mac or answer.mac
            return self._fail(slot, answer, found)
        if slot.state is State.LOOKING:
            slot.mac = answer.mac
            return self._go_on(slot, found, now)
        return self._pass(slot, answer, found)

    def _begin(self, slot: Slot, now: float) -> list[Action]:
        waits, mac = slot.state is State.WAITING, slot.mac
        slot.begin(State.LOOKING, now)
        if waits:
            slot.mac = mac
        if not slot.mac:
            return [Say(f"slot {slot.name}: a badge"), Job(slot.name, slot.presence.port if slot.presence else "")]
        actions = self._go_on(slot, slot.presence, now)
        return actions if waits else [Say(f"slot {slot.name}: badge {slot.mac}"), *actions]

    def _go_on(self, slot: Slot, found: Presence | None, now: float) -> list[Action]:
        """The MAC is known: choose settings and start."""
        if any(other is not slot and other.mac == slot.mac and other.state in WORKING for other in self.slots):
            slot.state, slot.presence = State.WAITING, found
            slot.detail = f"{slot.mac} is still awaited in another slot"
            return []
        try:
            row = assign(slot.mac, self.rows, self.default, self.history.rows)
        except NoSettingsError as error:
            return self._fail(slot, Failure(str(error), "put it aside and tell the crew: no settings are left"), found)
        prepared = self.prepared[row.id]
        slot.row, slot.mode, slot.digest = row.id, prepared.mode, prepared.digest
        if self.history.is_done(slot.mac, self.firmware, prepared.digest):
            if self.check:
                return self._plan(slot, "it passed before: nothing", False, found)
            slot.end(State.DONE, "it passed before", "swap now", found)
            text = f"slot {slot.name}: DONE {_who(slot)}: it passed before; swap now"
            self.endings.setdefault(slot.mac, Ending(State.DONE, text))
            return [Say(text)]
        if self.ending:
            slot.clear()
            return []
        actions: list[Action] = []
        if self.history.rows.get(slot.mac, "") != row.id:
            actions.append(self._record(slot, Result.ASSIGNED))
        slot.begin(State.FLASHING, now)
        port = slot.presence.port if slot.presence else ""
        return [*actions, Job(slot.name, port, slot.mac, prepared.image, self.check)]

    def _pass(self, slot: Slot, success: Success, found: Presence | None) -> list[Action]:
        parts, changed = ", ".join(success.written), bool(success.written)
        if self.check:
            changes = f" ({'; '.join(success.changes)})" if success.changes else ""
            return self._plan(slot, f"would write {parts}{changes}" if changed else "nothing differs", changed, found)
        what = f"{parts}: {success.bytes_written} bytes" if changed else "nothing differed"
        detail = f"{what}, {success.seconds:.1f} s"
        record = self._record(slot, Result.PASSED, detail)
        slot.end(State.PASSED, detail, "swap now", found)
        text = f"slot {slot.name}: PASS {_who(slot)}: {detail}; swap now"
        self.endings[slot.mac] = Ending(State.PASSED, text, changed)
        return [record, Say(text)]

    def _plan(self, slot: Slot, would: str, changed: bool, found: Presence | None) -> list[Action]:
        text = f"slot {slot.name}: {_who(slot)}: {would}"
        slot.end(State.DONE, would, "", found)
        self.endings[slot.mac] = Ending(State.DONE, text, changed)
        return [Say(text)]

    def _fail(self, slot: Slot, failure: Failure, found: Presence | None) -> list[Action]:
        record = self._record(slot, Result.REJECTED if failure.rejected else Result.FAILED, failure.message)
        slot.end(State.FAILED, failure.message, failure.advice, found)
        text = f"slot {slot.name}: FAIL {_who(slot)}: {failure.message}; {failure.advice}"
        self.endings[slot.mac or f"slot {slot.name}, {self.clock()}"] = Ending(State.FAILED, text)
        return [record, Say(text)]

    def _record(self, slot: Slot, result: Result, detail: str = "") -> Write:
        record = Record(self.clock(), slot.mac, slot.name, self.firmware, slot.digest, slot.row, result, detail)
        self.history.add(record)
        return Write(record)

    def count(self, state: State) -> int:
        """How many badges of this run ended so."""
        return sum(ending.state is state for ending in self.endings.values())


def swaps(slots: Iterable[Slot]) -> list[str]:
    """The slots whose badge can be taken out."""
    return [slot.name for slot in slots if slot.state in ENDED]


def _who(slot: Slot) -> str:
    """The badge and whose it is."""
    mac = slot.mac or "a badge that did not tell its MAC"
    row = f" {slot.row}" if slot.row else ""
    return f"{mac}{row}" + (f" ({slot.mode})" if slot.mode else "")
