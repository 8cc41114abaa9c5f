# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that obeys nft and systemd as far as the module asks them."""

from __future__ import annotations

import json
from pathlib import Path

RECORDED = Path(__file__).parent / "recorded"
SMALL = (RECORDED / "small.nft").read_text()


class FakeHost:
    """Holds tables as objects of nft's JSON; knows what nft makes of the texts it is taught."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kernel: dict[tuple[str, str], list[dict[str, object]]] = {}
        self.meaning: dict[str, list[dict[str, object]]] = {}
        self.unit = {"UnitFileState": "disabled", "ActiveState": "inactive", "NeedDaemonReload": "no"}
        self.conffiles = ""
        self.fails: dict[str, str] = {}
        self.done: list[str] = []
        self.teach(SMALL, (RECORDED / "small.fresh.json").read_text())

    def teach(self, text: str, listing: str) -> None:
        """Say what nft makes of a text."""
        self.meaning[text.strip()] = [item for item in json.loads(listing)["nftables"] if "metainfo" not in item]

    def run(self, command: list[str], text: str | None) -> tuple[int, str, str]:
        """A runner, as Host and Unconfirmed want it."""
        line = " ".join(command)
        for part, errors in self.fails.items():
            if part in line:
                return 1, "", errors
        if command[0] == "unshare":
            assert text is not None
            objects = self.meaning[text.strip()]
            return 0, json.dumps({"nftables": objects}) + "\n" + _text(objects), ""
        if command[0] == "nft":
            return 0, self._nft(command[1:], text or ""), ""
        if command[0] == "dpkg-query":
            return 0, self.conffiles, ""
        if command[0] == "sh":
            self._undo(Path(command[4]))
        if command[:2] == ["systemctl", "show"]:
            return 0, "".join(f"{key}={value}\n" for key, value in self.unit.items()), ""
        if command[:2] == ["systemctl", "enable"]:
            self.unit |= {"UnitFileState": "enabled", "ActiveState": "active"}
        self.done.append(line)
        return 0, "", ""

    def _nft(self, arguments: list[str], text: str) -> str:
        if arguments == ["-f", "-"]:
            self._apply(text)
        if arguments[-2:] == ["list", "tables"]:
            tables = [{"table": {"family": family, "name": name}} for family, name in self.kernel]
            return json.dumps({"nftables": tables})
        if "table" in arguments:
            objects = self.kernel[arguments[-2], arguments[-1]]
            self.meaning[_text(objects).strip()] = objects
            return json.dumps({"nftables": objects}) if "-j" in arguments else _text(objects)
        return ""

    def _apply(self, text: str) -> None:
        lines = text.splitlines(keepends=True)
        rest = ""
        for index, line in enumerate(lines):
            words = line.split()
            if words[:2] == ["delete", "table"]:
                self.kernel.pop((words[2], words[3]), None)
            elif words[:1] != ["table"] or "{" in words:
                rest = "".join(lines[index:])
                break
        self.done.append("apply")
        for item in self._meant(rest):
            kind, body = next(iter(item.items()))
            assert isinstance(body, dict)
            name = body["name"] if kind == "table" else body["table"]
            self.kernel.setdefault((body["family"], name), []).append(item)

    def _meant(self, text: str) -> list[dict[str, object]]:
        if text.strip() in self.meaning:
            return self.meaning[text.strip()]
        blocks = [block + "}" for block in text.split("\n}") if block.strip()]
        return [item for block in blocks for item in self.meaning[block.replace("}", "\n}").strip()]]

    def _undo(self, file: Path) -> None:
        self._apply(file.read_text())
        file.unlink()


def _text(objects: list[dict[str, object]]) -> str:
    result = ""
    for item in objects:
        if "table" in item:
            body = item["table"]
            assert isinstance(body, dict)
            rules = sum(1 for other in objects if "rule" in other and other["rule"]["table"] == body["name"])  # type: ignore[index]
            result += f"table {body['family']} {body['name']} {{\n\t{rules} rules\n}}\n"
    return result
