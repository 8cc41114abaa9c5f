"""The configuration of the containers that nobody manages."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.nixvegas.noc.rehearsal.event import Event
from ansible_collections.nixvegas.noc.rehearsal.internet import client_files, internet_files
from ansible_collections.nixvegas.noc.rehearsal.plan import plan_event


def test_files(event: Event, golden: Callable[[str, str], None]) -> None:
    plan = plan_event(event)
    assert plan.outside
    files = {**internet_files(plan.outside, plan.cables), **client_files()}
    for path, file in files.items():
        golden(f"rehearsal/alternative{path}", file.content if file.link is None else f"-> {file.link}\n")
