# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Public keys."""

from __future__ import annotations

import base64
import binascii
import re

from .errors import WrongValueError
from .plain import text

NIX_KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
SSH_KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
ED25519_KEY_BYTES = 32
PRIVATE_KEY_SIGNS = ("PRIVATE KEY", base64.b64encode(b"openssh-key-v").decode()[:-2])


def _decoded(data: str) -> bytes | None:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None


def ssh_key(written: str) -> str:
    """A public SSH key: TYPE BASE64 [COMMENT], the type also inside the base64 (RFC 4253, 6.6)."""
    if any(sign in written for sign in PRIVATE_KEY_SIGNS):
        remedy = "write the line of the .pub file, and replace that key: it is no longer secret"
        raise WrongValueError("holds a private key", remedy, secret=True)
    kind, _unused, rest = text(written).partition(" ")
    if kind not in SSH_KEY_TYPES:
        shown = ", ".join(SSH_KEY_TYPES[:2])
        raise WrongValueError("is not a public SSH key", f"write TYPE BASE64 [COMMENT], of type {shown} …")
    blob = _decoded(rest.partition(" ")[0])
    length, start = len(kind) + 4, b"\0\0\0" + bytes([len(kind)]) + kind.encode()
    if blob is None or not blob.startswith(start) or len(blob) <= length + 4:
        remedy = f"copy the whole line of the .pub file; after {kind} comes its base64"
        raise WrongValueError("is a damaged SSH key", remedy)
    if kind == "ssh-ed25519" and len(blob) != length + 4 + ED25519_KEY_BYTES:
        raise WrongValueError("is an SSH key of the wrong length", "copy the whole line of the .pub file")
    return written


def nix_key(written: str) -> str:
    """The name of a cache's own key, or NAME:BASE64, the public key of a cache elsewhere."""
    name, colon, data = written.partition(":")
    if NIX_KEY_NAME.fullmatch(name) is None:
        raise WrongValueError("is not the name of a signing key", 'write one such as "gvh-a.dc.nixos.lv-1"')
    if colon:
        key = _decoded(data)
        if key is not None and len(key) == 2 * ED25519_KEY_BYTES:
            remedy = "write the public one, and replace that key: it is no longer secret"
            raise WrongValueError("holds a private signing key", remedy, secret=True)
        if key is None or len(key) != ED25519_KEY_BYTES:
            remedy = "write NAME:BASE64 as in trusted-public-keys of nix.conf"
            raise WrongValueError("is not a public signing key", remedy)
    return written
