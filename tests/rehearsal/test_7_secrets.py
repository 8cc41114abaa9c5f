"""No secret was printed or logged in all these runs: most had `--diff`, the first was verbose, the last refuse."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from .harness import HOSTS, Rehearsal

CANARY = b64encode(b"no program may say this aloud").decode()
BROKEN = f"{CANARY[:-4]}!!!!"  # not base64: programs quote what they cannot decode
NO_KEY = f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n"
LOGGED = "journalctl --no-pager --output=json; grep --recursive --text --no-filename . /var/log --exclude-dir=journal"
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


@dataclass(frozen=True)
class Refusal:
    """New files of a role, one of them wrong, one of them secret, that a program refuses."""

    tag: str
    program: str
    variable: str
    changes: Mapping[str, Any]  # of the variable, in its only or each of its items
    secret: str  # what the secret file has; changes name it as FILE

    def variables(self, given: Any, file: Path) -> str:
        """The variable's changed value, as an option of ansible-playbook; other variables come as they are."""
        changes = json.loads(json.dumps(self.changes).replace("FILE", str(file)))
        changed = given | changes if isinstance(given, dict) else [item | changes for item in given]
        return json.dumps({self.variable: changed})


REFUSALS = [
    Refusal("dns", "knotc", "dns_tsig_keys", {"secret_file": "FILE"}, BROKEN),
    Refusal("dns", "knotc", "dns_tsig_keys", {"secret_file": "FILE", "algorithm": "hmac-md0"}, CANARY),
    Refusal("dhcp", "kea-dhcp-ddns", "dhcp_ddns", {"key_file": "FILE"}, BROKEN),
    Refusal("dhcp", "kea_dhcp4_check", "dhcp_subnets", {"pool": "192.0.2.1-192.0.2.9"}, CANARY),
    Refusal("reverse_proxy", "nginx", "reverse_proxy_sites", {"key_file": "FILE"}, NO_KEY),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: f"{refusal.program} {refusal.variable}")
def test_a_refusal_tells_no_secret(rehearsal: Rehearsal, tmp_path: Path, refusal: Refusal) -> None:
    """Nor does it change anything; the program's complaint is shown."""
    (tmp_path / "secret").write_text(refusal.secret)
    options = ["-e", refusal.variables(rehearsal.variables("ghostgate")[refusal.variable], tmp_path / "secret")]
    if refusal.variable == "dhcp_subnets":  # its own files have no secret: one beside them is new as well
        ddns = rehearsal.variables("ghostgate")["dhcp_ddns"] | {"key_file": str(tmp_path / "secret")}
        options += ["-e", json.dumps({"dhcp_ddns": ddns})]
    run = rehearsal.playbook(
        "site", "--limit", "ghostgate", "--tags", refusal.tag, "-vvv", "--diff", *options, check=False
    )
    assert re.search(rf"^ +\S*{refusal.program} .*refuses the new files", run.output, re.MULTILINE)
    assert "Nothing was changed." in run.output
    assert CANARY[:SHORTEST] not in run.output
    assert CANARY[:SHORTEST] not in rehearsal.shell("ghostgate", LOGGED)


def test_refusals_changed_nothing(rehearsal: Rehearsal) -> None:
    """What was there before is there and runs."""
    assert rehearsal.playbook("site", "--limit", "ghostgate", "--tags", "dns,dhcp,reverse_proxy").changed == {}


def test_no_secret_was_printed_or_logged(rehearsal: Rehearsal) -> None:
    """Not one line of one private key, here or on a host."""
    private = [path for path in rehearsal.secrets.rglob("*") if path.suffix in (".key", ".secret")]
    assert len(private) > 3
    assert all(secret_lines(path) for path in private)
    printed = "\n".join(log.read_text() for log in sorted(rehearsal.records.glob("*.log")))
    printed += "\n".join(rehearsal.shell(host, LOGGED) for host in sorted(HOSTS))
    shown = [(path.name, word[:4] + "…") for path in private for word in secret_lines(path) if word in printed]
    assert shown == []
