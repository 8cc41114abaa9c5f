"""A closure shaped like firefox's: 373 paths, 1.5 GiB, 132,676 files, most of them small, with references.

The same in every run: a store, the database Nix would keep for it, and the flat copy (narinfos and NARs as files) that
a web server without knowledge of Nix would serve.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from nar_server import base32
from nar_server.layout import BUFFER_SIZE
from nar_server.narinfo import render_narinfo
from nar_server.path_info import PathInfo
from nar_server.signing import Signer
from nar_server.store_path import StorePath
from nar_server.survey import survey

STORE_DIR = "/nix/store"
MIB = 2**20
SCHEMA = (Path(__file__).parents[2] / "nix_database.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Shape:
    """How many paths and files, and the bytes in files under and over 64 KiB."""

    paths: int = 373
    small_files: int = 129_469
    small_bytes: int = 590 * MIB
    large_files: int = 3_207
    large_bytes: int = 945 * MIB


@dataclass(frozen=True)
class Made:
    """A path of the closure: its NAR's address below the cache, and the NAR's bytes."""

    info: PathInfo
    url: str

    @property
    def narinfo(self) -> str:
        """The address of its narinfo."""
        return f"/{self.info.path.hash_part}.narinfo"


def _shares(chance: random.Random, total: int, count: int, spread: float) -> list[int]:
    """``count`` numbers of a log-normal distribution whose sum is ``total``."""
    weights = [chance.lognormvariate(0, spread) for _ in range(count)]
    scale = total / sum(weights)
    return [int(weight * scale) for weight in weights]


def _store_path(index: int) -> StorePath:
    digest = hashlib.sha256(b"%d" % index).digest()[:20]
    return StorePath(base32.encode(digest), f"package-{index}")


class Maker:
    """Makes the store and the database below ``root``."""

    def __init__(self, root: Path, shape: Shape) -> None:
        self.store = root / "nix/store"
        self.database = root / "nix/var/nix/db/db.sqlite"
        self._shape = shape
        self._chance = random.Random(33)
        self._noise = self._chance.randbytes(4 * MIB)

    def _content(self, size: int) -> bytes:
        start = self._chance.randrange(len(self._noise) // 2)
        piece = self._noise[start : start + min(size, MIB)]
        return (piece * (size // max(1, len(piece)) + 1))[:size]

    def _fill(self, root: Path, small: list[int], large: list[int]) -> None:
        sizes = small + large
        self._chance.shuffle(sizes)
        folders = [root / "share" / f"part{number}" / "lib" for number in range(len(sizes) // 60 + 1)]
        for folder in folders:
            folder.mkdir(parents=True)
        for number, size in enumerate(sizes):
            folder = folders[number // 60]
            file = folder / f"module_{number:05}.so"
            with file.open("wb", buffering=0) as opened:
                opened.write(self._content(size))
            if number % 7 == 0:
                file.chmod(0o555)
            if number % 11 == 0:
                (folder / f"link_{number}").symlink_to(file.name)

    def paths(self) -> Iterator[tuple[StorePath, Path, list[StorePath]]]:
        """Makes each path: it, its folder, and what it refers to."""
        shape, chance = self._shape, self._chance
        small = [min(size, 65_535) for size in _shares(chance, shape.small_bytes, shape.small_files, 1.4)]
        large = [max(size, 65_536) for size in _shares(chance, shape.large_bytes, shape.large_files, 1.2)]
        small_counts = _shares(chance, shape.small_files, shape.paths, 1.8)
        large_counts = _shares(chance, shape.large_files, shape.paths, 1.5)
        for counts, wanted in ((small_counts, shape.small_files), (large_counts, shape.large_files)):
            counts[0] += wanted - sum(counts)
        made: list[StorePath] = []
        for index in range(shape.paths):
            path = _store_path(index)
            folder = self.store / str(path)
            some, big = small[: small_counts[index]], large[: large_counts[index]]
            del small[: small_counts[index]], large[: large_counts[index]]
            self._fill(folder, some, big)
            references = [*made[max(0, index - 4) : index], *chance.sample(made, min(4, index)), path]
            yield path, folder, sorted(set(references))
            made.append(path)


def make(root: Path, flat: Path, signer: Signer, shape: Shape = Shape()) -> list[Made]:
    """Make the closure's store below ``root`` and its flat copy in ``flat``; its paths, each after what it refers to.

    The narinfos of the flat copy are signed; in the database, each path was built here.
    """
    maker = Maker(root, shape)
    maker.store.mkdir(parents=True)
    maker.database.parent.mkdir(parents=True)
    (flat / "nar").mkdir(parents=True)
    (flat / "nix-cache-info").write_text(f"StoreDir: {STORE_DIR}\nWantMassQuery: 1\nPriority: 30\n")
    made = []
    buffers = repeat(memoryview(bytearray(BUFFER_SIZE)))
    with contextlib.closing(sqlite3.connect(maker.database)) as connection:
        connection.executescript(SCHEMA)
        for path, folder, references in maker.paths():
            digest, size, partial = hashlib.sha256(), 0, flat / "nar/partial"
            with partial.open("wb") as nar:
                for part in survey(os.fsencode(folder), buffers):
                    large = (folder / os.fsdecode(part.large.name)).read_bytes() if part.large else b""
                    for data in (part.buffer[: part.run.size], large):
                        digest.update(data)
                        size += nar.write(data)
            info = PathInfo(path, digest.digest(), size, tuple(references), ultimate=True)
            name = f"{path.hash_part}-{info.nar_hash_base32}.nar"
            partial.rename(flat / "nar" / name)
            text = render_narinfo(info, STORE_DIR, [signer.sign(info.fingerprint(STORE_DIR)).text])
            url = f"nar/{info.nar_hash_base32}.nar?hash={path.hash_part}"
            (flat / f"{path.hash_part}.narinfo").write_text(text.replace(url, f"nar/{name}"))
            _register(connection, info)
            made.append(Made(info, f"/nar/{name}"))
        connection.commit()
    return made


def _register(connection: sqlite3.Connection, info: PathInfo) -> None:
    row = (f"{STORE_DIR}/{info.path}", f"sha256:{info.nar_hash.hex()}", 1, info.nar_size, 1)
    statement = "insert into ValidPaths (path, hash, registrationTime, narSize, ultimate) values (?, ?, ?, ?, ?)"
    connection.execute(statement, row)
    for reference in info.references:
        connection.execute(
            "insert into Refs select a.id, b.id from ValidPaths a, ValidPaths b where a.path = ? and b.path = ?",
            (row[0], f"{STORE_DIR}/{reference}"),
        )
