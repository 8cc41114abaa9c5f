"""Nix itself as the client: a closure goes from one store into an empty one, signatures required."""

from __future__ import annotations

import base64
import bz2
import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nar_server import base32
from nar_server.database import Database
from nar_server.keys import SecretKey
from nar_server.path_info import PathInfo
from nar_server.signing import Signer
from nar_server.store_path import StorePath

STORE = "/nix/store"
CLOSURE = 500
# What `nix-store --export` writes between a path's NAR and what is known of it.
EXPORT_MAGIC = (0x4558494E).to_bytes(8, "little")


def number(value: int) -> bytes:
    return value.to_bytes(8, "little")


def text(value: bytes) -> bytes:
    return number(len(value)) + value + bytes(-len(value) % 8)


def make_closure(folder: Path, size: int) -> tuple[list[str], bytes]:
    """Names of ``size`` paths, each referring to itself and to some before it, and Nix's export of them all."""
    names: list[str] = []
    export = bytearray()
    nar_magic = text(b"nix-archive-1")
    for index in range(size):
        name = f"{base32.encode(hashlib.sha256(b'%d' % index).digest()[:20])}-path{index}"
        references = [*names[max(0, index - 3) : index], *names[: min(1, index)], name]
        content = b"\n".join(f"{STORE}/{reference}".encode() for reference in references)
        node = b"".join(map(text, (b"(", b"type", b"regular", b"contents", content, b")")))
        export += number(1) + nar_magic + node + EXPORT_MAGIC + text(f"{STORE}/{name}".encode())
        listed = sorted(set(references))
        export += number(len(listed)) + b"".join(text(f"{STORE}/{reference}".encode()) for reference in listed)
        export += text(b"") + number(0)
        names.append(name)
    return names, bytes(export + number(0))


class RealStore:
    """A store that Nix filled, laid out as the test server wants it."""

    def __init__(self, root: Path) -> None:
        self.directory = root / "nix/store"
        self.database = root / "nix/var/nix/db/db.sqlite"
        self.logs = root / "nix/var/log/nix"

    def execute(self, statement: str, arguments: tuple[object, ...] = ()) -> None:
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement, arguments)


def filled(nix: Any, root: Path, size: int) -> tuple[RealStore, list[str]]:
    """A store with a closure that came without signatures."""
    names, export = make_closure(root, size)
    nix("nix-store", "--store", f"local?root={root}", "--import", stdin=export)
    return RealStore(root), [f"{STORE}/{name}" for name in names]


def client(port: int, key: SecretKey) -> list[str]:
    """Options for a client that has this cache and trusts only this key."""
    options = {
        "substituters": f"http://127.0.0.1:{port}",
        "require-sigs": "true",
        "trusted-public-keys": str(key.public),
        # Else a client remembers for 30 days that a path was not signed.
        "narinfo-cache-positive-ttl": "0",
    }
    return [word for name, value in options.items() for word in ("--option", name, value)]


def test_copy_realise_and_verify(nix: Any, tmp_path: Path, serve: Any, make_key: Callable[[str], SecretKey]) -> None:
    store, paths = filled(nix, tmp_path / "server", CLOSURE)
    store.execute("update ValidPaths set ultimate = 1")
    ours = make_key("ours-1")
    with serve(store, sign_with=[ours]) as server:
        options, cache = client(server.port, ours), f"http://127.0.0.1:{server.port}"
        copied, realised = f"local?root={tmp_path / 'copied'}", f"local?root={tmp_path / 'realised'}"
        nix("nix", "copy", *options, "--from", cache, "--to", copied, paths[-1])
        nix("nix-store", "--store", realised, *options, "--realise", paths[-1])
        nix("nix", "store", "verify", *options, "--store", copied, "--sigs-needed", "1", "--recursive", paths[-1])
    for folder in ("copied", "realised"):
        there = {path.name for path in (tmp_path / folder / "nix/store").iterdir() if not path.name.startswith(".")}
        assert there == {Path(path).name for path in paths}


def test_without_a_signature_it_is_refused(
    nix: Any, tmp_path: Path, serve: Any, make_key: Callable[[str], SecretKey]
) -> None:
    store, paths = filled(nix, tmp_path / "server", 3)
    ours = make_key("ours-1")
    to = f"local?root={tmp_path / 'client'}"
    with serve(store, sign_with=[ours]) as server:
        cache = f"http://127.0.0.1:{server.port}"
        command = ("nix", "copy", *client(server.port, ours), "--from", cache, "--to", to, paths[-1])
        refusal = nix.run(*command, succeed=False)
        assert refusal.returncode != 0
        assert b"signature" in refusal.stderr
        store.execute("update ValidPaths set ultimate = 1")
        nix(*command)


def test_upstreams_signature_passes(nix: Any, tmp_path: Path, serve: Any, make_key: Callable[[str], SecretKey]) -> None:
    store, paths = filled(nix, tmp_path / "server", 3)
    upstream, ours = make_key("cache.upstream.example-1"), make_key("ours-1")
    secret = tmp_path / "upstream.key"
    secret.write_text(secret_text(upstream))
    nix("nix", "store", "sign", "--store", f"local?root={tmp_path / 'server'}", "-r", "-k", str(secret), paths[-1])
    with serve(store, sign_with=[ours], trust=[upstream.public]) as server:
        for trusted in (upstream, ours):
            to = f"local?root={tmp_path / trusted.name}"
            nix("nix-store", "--store", to, *client(server.port, trusted), "--realise", paths[-1])
        narinfo = server.ask(f"/{Path(paths[-1]).name[:32]}.narinfo").body.decode()
        assert [line.split(":")[1] for line in narinfo.splitlines() if line.startswith("Sig: ")] == [
            f" {upstream.name}",
            f" {ours.name}",
        ]


def secret_text(key: SecretKey) -> str:
    """The text of a secret key file."""
    return f"{key.name}:{base64.b64encode(key.seed + key.public.data).decode()}"


def test_our_signature_is_nixs_own(nix: Any, tmp_path: Path, make_key: Callable[[str], SecretKey]) -> None:
    store, paths = filled(nix, tmp_path / "server", 12)
    key = make_key("ours-1")
    (tmp_path / "key").write_text(secret_text(key))
    nix(
        "nix",
        "store",
        "sign",
        "--store",
        f"local?root={tmp_path / 'server'}",
        "-r",
        "-k",
        str(tmp_path / "key"),
        paths[-1],
    )
    database = Database(store.database, STORE)
    infos: list[PathInfo | None] = [database.lookup(StorePath.parse_full(path, STORE).hash_part) for path in paths]
    database.close()
    for info in infos:
        assert info is not None
        assert len(info.references) > 0
        assert info.signatures == (Signer(key).sign(info.fingerprint(STORE)).text,)


@pytest.mark.parametrize("name", ["absent", "present"])
def test_a_miss_is_no_error(nix: Any, tmp_path: Path, serve: Any, name: str) -> None:
    store, paths = filled(nix, tmp_path / "server", 1)
    with serve(store) as server:
        wanted = paths[0] if name == "present" else f"{STORE}/{'0' * 32}-absent"
        done = nix.run("nix", "path-info", "--store", f"http://127.0.0.1:{server.port}", wanted, succeed=False)
        assert (done.returncode == 0) is (name == "present")
        assert b"HTTP error" not in done.stderr


def test_log_listing_and_path_info(nix: Any, tmp_path: Path, serve: Any, make_key: Callable[[str], SecretKey]) -> None:
    expression = 'derivation { name = "x"; system = "x"; builder = "/bin/sh"; }'
    drv = nix("nix-instantiate", "--store", f"local?root={tmp_path / 'server'}", "--expr", expression)
    store, paths = filled(nix, tmp_path / "server", 3)
    store.execute("update ValidPaths set ultimate = 1")
    store.execute("update ValidPaths set deriver = ? where path = ?", (drv, paths[-1]))
    log = tmp_path / "server/nix/var/log/nix/drvs" / Path(drv).name[:2] / f"{Path(drv).name[2:]}.bz2"
    log.parent.mkdir(parents=True)
    log.write_bytes(bz2.compress(b"building with care\n"))
    ours = make_key("ours-1")
    with serve(store, sign_with=[ours]) as server:
        cache = f"http://127.0.0.1:{server.port}"
        for path in (drv, paths[-1]):
            assert nix("nix", "log", "--store", cache, path) == "building with care"
        information = json.loads(nix("nix", "path-info", "--json", "--store", cache, paths[-1]))
        entry = next(iter(information.values())) if isinstance(information, dict) else information[0]
        assert set(entry["references"]) == set(paths)
        assert [signature.split(":")[0] for signature in entry["signatures"]] == ["ours-1"]
        assert nix("nix", "store", "cat", "--store", cache, paths[-1]).splitlines()[-1] == paths[-1]
        listed = json.loads(nix("nix", "store", "ls", "--json", "--store", cache, paths[-1]))
        assert (listed["type"], listed["size"]) == ("regular", (store.directory / Path(paths[-1]).name).stat().st_size)
        nix(
            "nix",
            "store",
            "verify",
            *client(server.port, ours),
            "--store",
            cache,
            "--sigs-needed",
            "1",
            "-r",
            paths[-1],
        )
