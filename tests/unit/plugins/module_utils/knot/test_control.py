# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent to Knot and how its answers are read, by both ways."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.knot import control
from ansible_collections.nixvegas.noc.plugins.module_utils.knot.control import (
    ControlError,
    KnotcControl,
    NoSuchZoneError,
    NotRunningError,
    connect,
)

SOCKET = "/run/knot/knot.sock"


class Knotc:
    """Answers of knotc by command line."""

    def __init__(self, answers: dict[str, tuple[int, str, str]]) -> None:
        self.answers = {"status": (0, "Running\n", "")} | answers

    def __call__(self, command: list[str]) -> tuple[int, str, str]:
        """Answer one command."""
        assert command[:3] == ["knotc", "-s", SOCKET]
        return self.answers[" ".join(command[3:])]


def test_knotc_reads() -> None:
    """Each printed line is a record."""
    output = '[x.lv.] x.lv. 60 NS ns.x.lv.\n[x.lv.] t.x.lv. 5 TXT "a b" "c"\n'
    knotc = KnotcControl(SOCKET, Knotc({"zone-read x.lv.": (0, output, "")}))
    assert knotc.query("zone-read", "x.lv.") == [("x.lv.", 60, "NS", "ns.x.lv."), ("t.x.lv.", 5, "TXT", '"a b" "c"')]


def test_knotc_writes() -> None:
    """Values that are not given are left out."""
    knotc = KnotcControl(
        SOCKET,
        Knotc(
            {
                "zone-begin x.lv.": (0, "OK\n", ""),
                "zone-set x.lv. a.x.lv. 60 A 10.0.0.1": (0, "OK\n", ""),
                "zone-unset x.lv. a.x.lv. A": (1, "", "error: (no such node in zone found) [x.lv.] a A\n"),
                "zone-read y.lv.": (1, "", "error: (no such zone found) [y.lv.] \n"),
            }
        ),
    )
    assert knotc.query("zone-begin", "x.lv.") == []
    assert knotc.query("zone-set", "x.lv.", owner="a.x.lv.", ttl=60, rtype="A", data="10.0.0.1") == []
    with pytest.raises(ControlError, match=r"^\(no such node in zone found\) \[x\.lv\.\] a A$"):
        knotc.query("zone-unset", "x.lv.", owner="a.x.lv.", rtype="A")
    with pytest.raises(NoSuchZoneError):
        knotc.query("zone-read", "y.lv.")


def test_knotc_finds_nobody() -> None:
    """A server that does not run is told from one that refuses."""
    failed = {"status": (1, "", "error: failed to connect to socket '/run/knot/knot.sock' (not exists)\n")}
    with pytest.raises(NotRunningError, match="not exists"):
        connect_without_libknot(Knotc(failed), installed=True)
    with pytest.raises(NotRunningError, match="neither python3-libknot nor knotc is installed"):
        connect_without_libknot(Knotc({}), installed=False)


def connect_without_libknot(knotc: Knotc, *, installed: bool) -> control.Control:
    """Connect as on a host without python3-libknot."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control, "HAS_LIBKNOT", False)
        return connect(SOCKET, knotc, installed)


class FakeKnotCtl:
    """The part of libknot.control.KnotCtl that is used."""

    answer: dict[str, Any]
    error: Exception | None = None

    def __init__(self) -> None:
        self.blocks: list[dict[str, str | None]] = []

    def set_timeout(self, timeout: int) -> None:
        """Take seconds."""
        assert timeout > 0

    def connect(self, path: str) -> None:
        """Find the server or not."""
        if self.error:
            raise self.error

    def send_block(self, **block: str | None) -> None:
        """Take a command."""
        self.blocks.append(block)

    def receive_block(self) -> dict[str, Any]:
        """Answer or refuse."""
        if self.error:
            raise self.error
        return self.answer


class FakeError(Exception):
    """KnotCtlError: its text is with details, its message is not."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} (DATA = 'x')")
        self.message = message


class FakeConnectError(FakeError):
    """KnotCtlErrorConnect."""


@pytest.fixture
def libknot(monkeypatch: pytest.MonkeyPatch) -> type[FakeKnotCtl]:
    """A class in the place of libknot's."""

    class Knot(FakeKnotCtl):
        pass

    monkeypatch.setattr(control, "HAS_LIBKNOT", True)
    monkeypatch.setattr(control, "KnotCtl", Knot, raising=False)
    monkeypatch.setattr(control, "KnotCtlError", FakeError, raising=False)
    monkeypatch.setattr(control, "KnotCtlErrorConnect", FakeConnectError, raising=False)
    return Knot


def test_libknot(libknot: type[FakeKnotCtl]) -> None:
    """Structured answers become records; refusals keep Knot's words."""
    libknot.answer = {"x.lv.": {"x.lv.": {"NS": {"ttl": "60", "data": ["a.x.lv.", "b.x.lv."]}}}}
    connection = connect(SOCKET, Knotc({}), False)
    assert connection.query("zone-read", "x.lv.") == [("x.lv.", 60, "NS", "a.x.lv."), ("x.lv.", 60, "NS", "b.x.lv.")]
    assert connection.query("zone-set", "x.lv.", owner="a.x.lv.", ttl=5, rtype="A", data="10.0.0.1") == []
    libknot.error = FakeError("no such zone found")
    with pytest.raises(NoSuchZoneError, match=r"^no such zone found$"):
        connection.query("zone-read", "x.lv.")


def test_libknot_finds_nobody(libknot: type[FakeKnotCtl]) -> None:
    """A server that does not run is told from one that refuses."""
    libknot.error = FakeConnectError("not exists")
    with pytest.raises(NotRunningError):
        connect(SOCKET, Knotc({}), False)
