"""No secret was printed in all these runs, most of them with `--diff`, the first also verbose."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from .harness import Rehearsal

SHORTEST = 20  # characters; what is shorter is no key


def public_half(text: str) -> bytes:
    """The public key in a file with a private one in a standard form, else nothing."""
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except ValueError:
        return b""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def secret_lines(file: Path) -> set[str]:
    """The lines of a key file that must not be seen: the last ones of some files are the public key, encoded alike."""
    text = file.read_text()
    words = [
        line.split(":")[-1] for line in text.splitlines() if len(line) >= SHORTEST and not line.startswith("-----")
    ]
    return {word for word in words if b64decode(word) not in public_half(text)}


def test_no_secret_was_printed(rehearsal: Rehearsal) -> None:
    """Not one line of one private key."""
    private = [path for path in rehearsal.secrets.rglob("*") if path.suffix in (".key", ".secret")]
    assert len(private) > 3
    assert all(secret_lines(path) for path in private)
    printed = "\n".join(log.read_text() for log in sorted(rehearsal.records.glob("*.log")))
    shown = [(path.name, word[:4] + "…") for path in private for word in secret_lines(path) if word in printed]
    assert shown == []
