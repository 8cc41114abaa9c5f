# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the YAML of an event file against its schema.

What is wrong with the shape (unknown, missing or duplicate keys, wrong types, malformed scalars) is noted as mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

import yaml

from .document import Cell, Document, Kind, ListOf, Named, Record, Scalar
from .mistakes import Mistakes, nearest
from .values import WrongValueError
from .yaml_text import NotYamlError, parse_yaml

MERGE_KEY = "<<"


def read_document(text: str, schema: Record) -> Document:
    """Read `text` against `schema`. Never raises for what the text says: see `Document.mistakes`."""
    mistakes = Mistakes()
    document = Document(Cell(1, ""), mistakes)
    try:
        node = parse_yaml(text)
    except NotYamlError as wrong:
        mistakes.add(wrong.line, "", "", wrong.problem, wrong.remedy)
        return document
    document.root = _Reader(document).read(node, schema, "")
    return document


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.add = document.mistakes.add

    def read(self, node: yaml.Node, kind: Kind, path: str) -> Cell:
        match kind:
            case Scalar():
                return self.scalar(node, kind, path)
            case ListOf():
                return self.sequence(node, kind, path)
            case Named():
                return self.named(node, kind, path)
            case Record():
                return self.record(node, kind, path)

    def scalar(self, node: yaml.Node, kind: Scalar, path: str) -> Cell:
        cell = Cell(node.start_mark.line + 1, path)
        if not isinstance(node, yaml.ScalarNode):
            self.add(cell.line, path, "", f"is {_shape(node)}, not a single value", "write one value")
            return cell
        cell.text = node.value
        if node.tag == "tag:yaml.org,2002:null":
            self.add(cell.line, path, "", "has no value", "write one, or remove the key")
            return cell
        try:
            cell.value = kind.read(node.value)
        except WrongValueError as found:
            wrong = _blanks(node.value, kind) or found
            self.add(cell.line, path, "" if found.secret else node.value, wrong.problem, wrong.remedy)
        else:
            if kind.of:
                self.document.references.append((kind.of, cell))
        return cell

    def sequence(self, node: yaml.Node, kind: ListOf, path: str, required: bool = False) -> Cell:
        cell = Cell(node.start_mark.line + 1, path)
        if kind.or_one and isinstance(node, yaml.ScalarNode):
            cell.value = [self.scalar(node, kind.item, path)]
            return cell
        if not isinstance(node, yaml.SequenceNode):
            self.add(cell.line, path, _text(node), f"is {_shape(node)}, not a list", "write a list: [ONE, TWO]")
            return cell
        if not node.value:
            remedy = "write at least one item" if required else "write at least one item, or remove the key"
            self.add(cell.line, path, "", "is an empty list", remedy)
            return cell
        seen: set[str] = set()
        cell.value = items = []
        for index, child in enumerate(node.value):
            item = self.scalar(child, kind.item, f"{path}[{index}]")
            if item.text and item.text in seen:
                self.add(item.line, item.path, item.text, "stands in this list already", "remove one of the two")
                continue
            seen.add(item.text)
            items.append(item)
        return cell

    def named(self, node: yaml.Node, kind: Named, path: str) -> Cell:
        cell = Cell(node.start_mark.line + 1, path)
        cells: dict[str, Cell] = {}
        for key, value in self.pairs(node, path):
            name = key.value
            child = f"{path}.{name}"
            try:
                kind.name.read(name)
            except WrongValueError as wrong:
                self.add(key.start_mark.line + 1, child, name, wrong.problem, wrong.remedy)
                name = _meant(name, kind.name)
            item = self.read(value, kind.item, child)
            item.line = key.start_mark.line + 1
            cells.setdefault(name, item)
        if isinstance(node, yaml.MappingNode):
            cell.value = cells
            if kind.some and not node.value:
                self.add(cell.line, path, "", f"has no {kind.what}", "describe at least one")
        return cell

    def record(self, node: yaml.Node, kind: Record, path: str) -> Cell:
        cell = Cell(node.start_mark.line + 1, path)
        cells: dict[str, Cell] = {}
        for key, value in self.pairs(node, path):
            child = f"{path}.{key.value}" if path else key.value
            known = kind.keys.get(key.value)
            if known is None:
                remedy = nearest(key.value, kind.keys, "keys")
                if key.value == MERGE_KEY:
                    remedy = "write the keys out: mappings are not merged here"
                self.add(key.start_mark.line + 1, child, key.value, "is not a key here", remedy)
                cells[key.value] = Cell(key.start_mark.line + 1, child)
                continue
            if isinstance(known, ListOf):
                item = self.sequence(value, known, child, required=key.value in kind.required)
            else:
                item = self.read(value, known, child)
            item.line = key.start_mark.line + 1
            cells[key.value] = item
        if isinstance(node, yaml.MappingNode):
            cell.value = cells
            self.missing(cell, kind, cells)
        return cell

    def missing(self, cell: Cell, kind: Record, cells: dict[str, Cell]) -> None:
        """Required keys that are absent, unless as many unknown keys stand there, which may be what they became."""
        unknown = [name for name in cells if name not in kind.keys]
        missing = [name for name in kind.keys if name in kind.required and name not in cells]
        missing = [name for name in missing if not any(get_close_matches(word, [name]) for word in unknown)]
        unexplained = [word for word in unknown if not get_close_matches(word, kind.keys)]
        for name in missing if len(missing) > len(unexplained) else ():
            remedy = "add it; docs/event-file.md describes every key"
            self.add(cell.line, cell.path, "", f'lacks the key "{name}"', remedy)

    def pairs(self, node: yaml.Node, path: str) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            line = node.start_mark.line + 1
            self.add(line, path, _text(node), f"is {_shape(node)}, not a mapping", "write KEY: VALUE pairs, indented")
            return
        first: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.add(line, path, "", f"has a key that is {_shape(key)}", "write a name as key")
            elif key.value in first:
                where = f"{path}.{key.value}" if path else key.value
                self.add(
                    line,
                    where,
                    key.value,
                    f"stands here already, on line {first[key.value]}",
                    "remove or rename one of the two",
                )
            else:
                first[key.value] = line
                yield key, value


def _meant(name: str, kind: Scalar) -> str:
    """The name a wrong one was meant to be, where that is plain: others may refer to it by that name."""
    meant = name.lower().removesuffix(".")
    try:
        kind.read(meant)
    except WrongValueError:
        return name
    return meant


def _blanks(written: str, kind: Scalar) -> WrongValueError | None:
    """What is wrong with a text that would be right without the blanks around it."""
    if written == written.strip():
        return None
    try:
        kind.read(written.strip())
    except WrongValueError:
        return None
    return WrongValueError("has blanks at an end", "remove them")


def _shape(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "empty" if node.tag == "tag:yaml.org,2002:null" else "a single value"


def _text(node: yaml.Node) -> str:
    return node.value if isinstance(node, yaml.ScalarNode) else ""
