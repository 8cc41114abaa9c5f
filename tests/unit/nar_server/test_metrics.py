"""Counters of several processes."""

from __future__ import annotations

import os

import pytest
from nar_server.metrics import Metrics, Shared


def in_child(work: object) -> None:
    """Run in a forked process, as workers are."""
    pid = os.fork()
    if pid == 0:
        work()  # type: ignore[operator]
        os._exit(0)
    os.waitpid(pid, 0)


def test_workers_add_up() -> None:
    shared = Shared(3)
    metrics = Metrics(shared)
    for worker in range(3):

        def work(worker: int = worker) -> None:
            shared.become(worker)
            # Each counts something else first.
            metrics.add("nar_server_responses_total", status=f"50{worker}")
            for _ in range(100):
                metrics.add("nar_server_responses_total", status="200")

        in_child(work)
    assert metrics.value("nar_server_responses_total", status="200") == 300
    assert metrics.value("nar_server_responses_total", status="404") == 0
    lines = metrics.render({}).splitlines()
    assert [f'nar_server_responses_total{{status="50{worker}"}} 1' in lines for worker in range(3)] == [True] * 3


def test_cells_and_texts_are_everybodys() -> None:
    shared = Shared(2)
    place = shared.place("x")

    def work() -> None:
        shared.become(1)
        shared.set(place, 7.5)
        assert shared.first("a path")

    in_child(work)
    assert shared.get(place) == 7.5
    assert not shared.first("a path")
    assert shared.first("another")


def test_texts_that_are_alike_are_found_at_once() -> None:
    shared = Shared()
    texts = [f"main withholds {number:032}-package" for number in range(20_000)]
    assert all(shared.first(text) for text in texts)
    assert not any(shared.first(text) for text in texts)


def test_too_many_texts_are_not_looked_for_long() -> None:
    shared = Shared()
    told = sum(shared.first(str(number)) for number in range(70_000))
    assert 60_000 < told < 65_536
    assert not shared.first("0")


def test_places_outlive_a_reload() -> None:
    shared = Shared()
    Metrics(shared).add("nar_server_cut_total", 2)
    assert Metrics(shared).value("nar_server_cut_total") == 2


def test_text_format() -> None:
    metrics = Metrics(Shared())
    metrics.add("nar_server_cut_total", 3)
    metrics.add("nar_server_requests_total", view='a"\\\n', kind="nar")
    assert metrics.render({"nar_server_spool_bytes": 2.0**40}).splitlines() == [
        "# HELP nar_server_requests_total Requests by view and by what was asked for.",
        "# TYPE nar_server_requests_total counter",
        'nar_server_requests_total{view="a\\"\\\\\\n",kind="nar"} 1',
        "# HELP nar_server_cut_total Connections cut since a NAR could not be finished.",
        "# TYPE nar_server_cut_total counter",
        "nar_server_cut_total 3",
        "# HELP nar_server_spool_bytes Bytes of NARs in the spool.",
        "# TYPE nar_server_spool_bytes gauge",
        "nar_server_spool_bytes 1099511627776",
    ]


def test_what_finds_no_place_is_told_once_and_read_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    shared = Shared(2)
    metrics = Metrics(shared)
    for number in range(1030):
        metrics.add("nar_server_sent_nars_total", view=f"v{number}")
    assert [metrics.value("nar_server_sent_nars_total", view=f"v{number}") for number in range(1030)] == [
        *[1] * 1023,
        *[0] * 7,
    ]
    assert metrics.render({}).count("nar_server_sent_nars_total{") == 1023
    Metrics(shared).counter("nar_server_cut_total").add()
    assert caplog.messages == [
        'nar_server_sent_nars_total{view="v1023"} is not counted: '
        "there are 1023 series of metrics since the server started, and no more"
    ]


def test_no_such_metric() -> None:
    with pytest.raises(KeyError):
        Metrics(Shared()).add("nar_server_x")
