# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the text of a file to the nodes of its one YAML document, or to why it has none."""

from __future__ import annotations

import yaml
from yaml.reader import Reader

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
VAULT_HEADER = "$ANSIBLE_VAULT"


class NotYamlError(ValueError):
    """A text that is no YAML document; `line` is counted from 1."""

    def __init__(self, line: int, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem
        self.remedy = remedy


def parse_yaml(text: str) -> yaml.Node:
    """The root node of a text. Raises NotYamlError."""
    if text.startswith(VAULT_HEADER):
        raise NotYamlError(1, "is encrypted", "decrypt it with ansible-vault: no secret belongs in an event file")
    invisible = Reader.NON_PRINTABLE.search(text)
    if invisible:
        line = text.count("\n", 0, invisible.start()) + 1
        raise NotYamlError(line, f"has an invisible character, U+{ord(invisible.group()):04X}", "remove it")
    try:
        node = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        raise _explained(error, text) from error
    except RecursionError as error:
        raise NotYamlError(1, "nests too deeply", "describe the event as docs/event-file.md says") from error
    if node is None:
        raise NotYamlError(1, "is empty", "describe the event as docs/event-file.md says")
    return node


def _explained(error: yaml.MarkedYAMLError, text: str) -> NotYamlError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    written = text.splitlines()[line - 1] if mark and line <= len(text.splitlines()) else ""
    if isinstance(error, yaml.composer.ComposerError) and "another document" in str(error.problem):
        return NotYamlError(line, "holds a second YAML document", 'remove the line "---", or what follows it')
    if mark and written[mark.column : mark.column + 1] == "\t":
        return NotYamlError(line, "has a tab", "indent with spaces")
    return NotYamlError(line, f"is not YAML: {error.problem}", "check indentation, colons and quotes, there and above")
