"""What is answered besides narinfos and NARs."""

from __future__ import annotations

import asyncio
import bz2
import html
import json
import os
import shlex
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nar_server import files
from nar_server.endpoints import Endpoints
from nar_server.http import Body, Request, Sender
from nar_server.keys import PublicKey, SecretKey
from nar_server.metrics import Metrics, Shared
from nar_server.page import COUNTERS, Cache, render_landing, security_policy
from nar_server.path_info import PathInfo
from nar_server.places import BusyError, Places
from nar_server.policy import Decision, Mode, Paths, SigningPolicy
from nar_server.routes import parse_target
from nar_server.views import View

STORE = "/nix/store"


class Collected(Sender):
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.data = bytearray()

    async def write(self, data: Any) -> None:
        self.data += data

    async def write_parts(self, parts: Sequence[Any]) -> None:
        self.data += b"".join(parts)

    async def sendfile(self, descriptor: int, offset: int, count: int) -> None:
        self.data += os.pread(descriptor, count, offset)


def find(view: View, hash_part: str) -> tuple[PathInfo, Decision] | None:
    info = view.store.database.lookup(hash_part)
    decision = None if info is None else view.policy.decide(info)
    return None if info is None or decision is None or decision.hidden else (info, decision)


@dataclass
class Answered:
    """A response with its body."""

    status: int
    content_type: str
    headers: Any
    body: bytes
    length: int | None


@pytest.fixture
def ask(
    make_view: Callable[..., View], make_key: Callable[[str], SecretKey], tmp_path: Path
) -> Callable[..., Answered]:
    """Asks a view that has everything in its store."""
    view = make_view(sign_with=[make_key("ours-1")])
    view = replace(view, store=replace(view.store, logs=os.fsencode(tmp_path / "log")))

    def ask(target: str, headers: dict[str, str] | None = None, **changes: Any) -> Answered:
        changed = replace(view, **changes)

        async def work() -> Answered:
            endpoints = Endpoints("Cache of the <camp>", find, Metrics(Shared()), None)
            request = Request("GET", target, {"host": "cache.example:5000", **(headers or {})})
            response = await endpoints.answer(request, changed, parse_target(target))
            sender, body = Collected(), response.body
            length = body.length if isinstance(body, Body) else len(body)
            if isinstance(body, Body):
                await body.send(sender)
                body.close()
            else:
                await sender.write(body)
            return Answered(response.status, response.content_type, response.headers, bytes(sender.data), length)

        return asyncio.run(work())

    return ask


def website(path: Path) -> None:
    (path / "doc" / "empty").mkdir(parents=True)
    (path / "doc" / "index.html").write_text("<h1>a page</h1>")
    (path / "<b>&.txt").write_text("text")
    (path / "a:b").write_text("x")
    (path / "out").symlink_to("/etc/passwd")


def test_narinfo_as_json(store: Any, ask: Any) -> None:
    reference = store.add("r")
    path = store.add("x", references=[reference.base_name], ultimate=1, deriver=f"{STORE}/{'1' * 32}-x.drv")
    answer = ask(f"/{path.hash_part}.narinfo?json")
    document = json.loads(answer.body)
    assert answer.content_type == "application/json"
    assert document["narHash"].startswith("sha256-")
    assert [signature.partition(":")[0] for signature in document.pop("signatures")] == ["ours-1"]
    assert document == {
        "path": f"{STORE}/{path.base_name}",
        "url": path.url.removeprefix("/"),
        "compression": "none",
        "downloadHash": document["narHash"],
        "downloadSize": len(path.nar),
        "narHash": document["narHash"],
        "narSize": len(path.nar),
        "references": [f"{STORE}/{reference.base_name}"],
        "deriver": f"{STORE}/{'1' * 32}-x.drv",
        "ca": None,
    }


def test_listing(store: Any, ask: Any) -> None:
    path = store.add("x", website)
    answer = ask(f"/{path.hash_part}.ls")
    assert answer.content_type == "application/json"
    entries = json.loads(answer.body)["root"]["entries"]
    assert set(entries) == {"doc", "<b>&.txt", "a:b", "out"}
    assert entries["out"] == {"type": "symlink", "target": "/etc/passwd"}


def test_a_large_listing_is_whole(store: Any, ask: Any) -> None:
    def many(path: Path) -> None:
        path.mkdir()
        for number in range(3000):
            (path / f"file-{number}").touch()

    path = store.add("x", many)
    assert len(json.loads(ask(f"/{path.hash_part}.ls").body)["root"]["entries"]) == 3000


def test_no_place_for_another(store: Any, ask: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def take(_places: Places) -> None:
        raise BusyError

    monkeypatch.setattr(Places, "take", take)
    path = store.add("x", website)
    log = tmp_path / "log/drvs/11" / f"{'1' * 30}-x.drv"
    log.parent.mkdir(parents=True)
    log.touch()
    for target in (f"/{path.hash_part}.ls", f"/serve/{path.hash_part}/", f"/log/{'1' * 32}-x.drv"):
        answer = ask(target)
        assert (answer.status, answer.headers) == (429, {"Retry-After": "5", "Cache-Control": "no-store"})
    assert ask(f"/serve/{path.hash_part}/doc/").status == 200


def test_files(store: Any, ask: Any) -> None:
    path = store.add("x", website)
    base = f"/serve/{path.hash_part}"
    answer = ask(f"{base}/%3Cb%3E&.txt")
    assert (answer.status, answer.body, answer.length) == (200, b"text", 4)
    assert answer.content_type == "text/plain; charset=utf-8"
    page = ask(f"{base}/doc/?query")
    assert (page.body, page.content_type) == (b"<h1>a page</h1>", "text/html; charset=utf-8")
    for each in (answer, page, ask(f"{base}/")):
        assert each.headers == {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}


def test_a_client_that_leaves_leaves_no_file_open(
    store: Any, make_view: Callable[..., View], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store.add("x", website)
    view = make_view()
    opened, left = threading.Event(), threading.Event()

    def guess_type(_name: str) -> tuple[None, None]:
        opened.set()
        assert left.wait(10)
        return None, None

    monkeypatch.setattr(files, "_TYPES", SimpleNamespace(guess_type=guess_type))

    async def leave() -> None:
        target = f"/serve/{path.hash_part}/a:b"
        answer = Endpoints("", find, Metrics(Shared()), None).answer(
            Request("GET", target, {}), view, parse_target(target)
        )
        task = asyncio.ensure_future(answer)
        assert await asyncio.to_thread(opened.wait, 10)
        task.cancel()
        await asyncio.wait([task])
        left.set()

    asyncio.run(leave())
    assert opened.is_set()
    assert path.real / "a:b" not in [each.resolve() for each in Path("/proc/self/fd").iterdir()]


def test_directories_are_escaped_pages(store: Any, ask: Any) -> None:
    path = store.add("x", website)
    page = ask(f"/serve/{path.hash_part}/").body.decode()
    assert '<a href="./%3Cb%3E%26.txt">&lt;b&gt;&amp;.txt</a>' in page
    assert '<a href="./a%3Ab">a:b</a>' in page
    assert '<a href="./doc/">doc/</a>' in page
    assert "<b>" not in page
    # Above the path itself there is no page.
    assert 'href="../"' not in page
    assert '<a href="../">../</a>' in ask(f"/serve/{path.hash_part}/doc/empty/").body.decode()


@pytest.mark.parametrize("inner", ["", "/doc", "/doc/empty"])
def test_directories_have_a_slash(store: Any, ask: Any, inner: str) -> None:
    path = store.add("x", website)
    for prefix in ("", "/hydra"):
        answer = ask(f"/serve/{path.hash_part}{inner}", prefix=prefix)
        assert (answer.status, answer.headers["Location"]) == (302, f"{prefix}/serve/{path.hash_part}{inner}/")


def test_links_to_other_paths_are_told(store: Any, ask: Any) -> None:
    other = store.add("other", website)
    path = store.add("x", lambda real: real.symlink_to(f"{STORE}/{other.base_name}/doc"))
    answer = ask(f"/serve/{path.hash_part}")
    assert (answer.status, answer.headers["Location"]) == (302, f"/serve/{other.hash_part}/doc")


@pytest.mark.parametrize("inner", ["/out", "/../x", "/%2e%2e/x", "/doc/../../x", "/absent", "//etc/passwd", "/%00"])
def test_nothing_outside_the_path(store: Any, ask: Any, inner: str) -> None:
    path = store.add("x", website)
    answer = ask(f"/serve/{path.hash_part}{inner}")
    assert (answer.status, answer.body) == (404, b"not found\n")


def test_misses(store: Any, ask: Any, tmp_path: Path) -> None:
    gone = store.add("gone")
    gone.real.unlink()
    drv = f"{'0' * 32}-x.drv"
    for target in (
        f"/{'0' * 32}.narinfo?json",
        f"/{'0' * 32}.ls",
        f"/{gone.hash_part}.ls",
        f"/serve/{'0' * 32}/",
        f"/serve/{gone.hash_part}/",
        f"/log/{drv}",
        f"/log/{gone.base_name}",
        f"/build-trace-v2/{drv}/out.doi",
        f"/realisations/sha256:{'ab' * 32}!out.doi",
        f"/realisations/sha256%3A{'ab' * 32}%21out.doi",
        "/absent",
    ):
        answer = ask(target)
        assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store"), target
        assert str(tmp_path).encode() not in answer.body


def test_logs_of_derivations_and_outputs(store: Any, ask: Any, tmp_path: Path) -> None:
    text = b"building\n" * 30_000
    drv = f"{'1' * 32}-x.drv"
    log = tmp_path / "log/drvs/11" / f"{drv[2:]}.bz2"
    log.parent.mkdir(parents=True)
    log.write_bytes(bz2.compress(text))
    path = store.add("x", deriver=f"{STORE}/{drv}")
    for name in (drv, path.base_name):
        answer = ask(f"/log/{name}")
        assert (answer.status, answer.body, answer.content_type) == (200, text, "text/plain; charset=utf-8")
    assert ask(f"/log/{path.hash_part}-other").status == 404
    policy = SigningPolicy(Mode.VOUCHED, STORE, [], [], Paths.UPSTREAM)
    assert ask(f"/log/{drv}", policy=policy).status == 404


def test_logs_of_what_is_not_served(store: Any, ask: Any, tmp_path: Path) -> None:
    def add(name: str, **columns: Any) -> str:
        drv = store.add(f"{name}.drv", **columns).base_name
        keep_log(drv)
        return str(drv)

    def keep_log(drv: str) -> None:
        log = tmp_path / "log/drvs" / drv[:2] / drv[2:]
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(drv)

    vouched, foreign, collected = add("vouched", ultimate=1), add("foreign"), f"{'1' * 32}-collected.drv"
    keep_log(collected)
    output = store.add("output", deriver=f"{STORE}/{collected}", ultimate=1).base_name
    unvouched = store.add("unvouched", deriver=f"{STORE}/{vouched}").base_name
    hide = SigningPolicy(Mode.HIDE, STORE, [], [])
    for name, drv, shown in (
        (vouched, vouched, True),
        (foreign, foreign, False),
        (collected, collected, False),
        (output, collected, True),
        (unvouched, vouched, False),
        (f"{vouched[:32]}-other.drv", "", False),
    ):
        answer = ask(f"/log/{name}", policy=hide)
        assert (answer.status, answer.body) == ((200, drv.encode()) if shown else (404, b"not found\n")), name
    for policy in (SigningPolicy(Mode.VOUCHED, STORE, [], []), SigningPolicy(Mode.NONE, STORE, [], [], Paths.BUILT)):
        for drv in (vouched, foreign, collected):
            assert ask(f"/log/{drv}", policy=policy).body == drv.encode()


def test_a_damaged_log_is_cut(store: Any, ask: Any, tmp_path: Path) -> None:
    drv = f"{'1' * 32}-x.drv"
    log = tmp_path / "log/drvs/11" / f"{drv[2:]}.bz2"
    log.parent.mkdir(parents=True)
    packed = bz2.compress(os.urandom(2_000_000))
    log.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(EOFError):
        ask(f"/log/{drv}")
    log.write_bytes(b"")
    assert ask(f"/log/{drv}").status == 404


def test_traces_of_served_paths_only(store: Any, ask: Any) -> None:
    path = store.add("x")
    drv = f"{'1' * 32}-x.drv"
    store.execute(
        "create table BuildTraceV3 (id integer, drvPath text, outputName text, outputPath text, signatures text)"
    )
    for output, name in (("out", path.base_name), ("dev", f"{'2' * 32}-absent"), ("doc", f"{path.hash_part}-other")):
        store.execute("insert into BuildTraceV3 values (1, ?, ?, ?, null)", (drv, output, f"{STORE}/{name}"))
    answer = ask(f"/build-trace-v2/{drv}/out.doi")
    assert json.loads(answer.body) == {"outPath": path.base_name, "signatures": []}
    assert ask(f"/build-trace-v2/{drv}/dev.doi").status == 404
    assert ask(f"/build-trace-v2/{drv}/doc.doi").status == 404


def test_landing(store: Any, ask: Any, make_key: Any) -> None:
    store.add("x")
    answer = ask("/", {"x-forwarded-proto": "https"}, prefix="/hydra")
    page = answer.body.decode()
    assert answer.content_type == "text/html; charset=utf-8"
    assert "<title>Cache of the &lt;camp&gt;</title>" in page
    assert "extra-substituters = https://cache.example:5000/hydra\n" in page
    assert f"extra-trusted-public-keys = {make_key('ours-1').public}\n" in page
    assert '<dd data-name="paths">1</dd>' in page
    assert 'data-stats="/hydra/stats.json"' in page
    assert "$" not in page.replace("$HOME", "")
    # The names that an event publishes answer 404 to it.
    assert "/metrics" not in page
    assert answer.headers["Content-Security-Policy"] == security_policy()


def test_landing_quotes_odd_names_of_keys() -> None:
    key = PublicKey("a';b\"${c}", bytes(32))
    page = html.unescape(
        render_landing(Cache("", "/nix/store", "", 30, [key], [], ""), "http://h", dict.fromkeys(COUNTERS, 0))
    )
    assert f"""--extra-trusted-public-keys {shlex.quote(str(key))}""" in page
    assert r"""[ "a';b\"\${c}:AAAA""" in page


@pytest.mark.parametrize("host", ["", "<script>", "a b", "a/b", 'x"y', "a\\b"])
def test_landing_believes_no_odd_host(store: Any, ask: Any, host: str) -> None:
    page = ask("/", {"host": host, "x-forwarded-proto": "javascript"}).body.decode()
    assert "extra-substituters = http://THIS-HOST\n" in page


def test_stats_metrics_and_version(store: Any, ask: Any) -> None:
    store.add("x")
    document = json.loads(ask("/stats.json").body)
    assert document["counters"] == {"paths": 1, "narinfos": 0, "nars": 0, "bytes": 0}
    assert document["texts"] == {"paths": "1", "narinfos": "0", "nars": "0", "bytes": "0 B"}
    assert ask("/metrics").content_type.startswith("text/plain; version=0.0.4")
    galaxy = (Path(__file__).parents[3] / "galaxy.yml").read_text()
    version = ask("/version").body.decode().split()[1]
    assert f"version: {version}\n" in galaxy
