# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render a service's files on the controller and hand them to the module in one piece."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.template import generate_ansible_template_vars
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.arguments import ARGUMENT_SPEC
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import (
    Entry,
    Kind,
    Purge,
    ServiceConfigError,
    Wanted,
    build_request,
    check_path,
    parse_mode,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.payload import encode_payload

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core 2.18 renders any text

    def trust_as_template(value: Any) -> Any:
        """Return the value as it is."""
        return value


class ActionModule(ActionBase):
    """The controller's half of M(nixvegas.noc.service_config)."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Render, then run the module once."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        options = self._validated_options()
        variables = task_vars or {}
        try:
            wanted = [item for tree in options["trees"] for item in self._read_tree(tree)]
            wanted += [self._directory(item) for item in options["directories"]]
            wanted += [self._file(item, variables) for item in options["files"]]
            purges = _purges(options)
            build_request(options, wanted, purges)
        except ServiceConfigError as error:
            raise AnsibleActionFail(str(error)) from error
        arguments = {key: value for key, value in options.items() if key not in ("files", "directories", "trees")}
        # What was left out is None by now, which the module would refuse where there are choices.
        arguments["services"] = [
            {key: value for key, value in service.items() if value is not None} for service in options["services"]
        ]
        arguments["_payload"] = encode_payload(wanted, purges)
        result.update(self._execute_module("nixvegas.noc.service_config", arguments, task_vars=variables))
        return result

    def _validated_options(self) -> dict[str, Any]:
        validation = ArgumentSpecValidator(ARGUMENT_SPEC).validate(dict(self._task.args))
        if validation.error_messages:
            raise AnsibleActionFail("; ".join(validation.error_messages))
        options: dict[str, Any] = validation.validated_parameters
        return options

    def _file(self, item: dict[str, Any], variables: dict[str, Any]) -> Wanted:
        path = check_path(item["dest"], "files")
        sources = [key for key in ("template", "src", "content", "link") if item[key] is not None]
        if item["state"] == "absent":
            if sources:
                raise ServiceConfigError(f"{path}: state absent and {sources[0]} exclude each other")
            return Wanted(path, Entry(Kind.ABSENT), item["secret"])
        if not sources:
            raise ServiceConfigError(f"{path}: give one of template, src, content, link, or state: absent")
        if item["link"] is not None:
            return Wanted(path, Entry(Kind.LINK, target=item["link"]))
        if item["template"] is not None:
            content = self._render(item["template"], path, {**variables, **item["vars"]})
        elif item["src"] is not None:
            content = self._read(self._find("files", item["src"], path))
        else:
            content = item["content"].encode()
        mode = parse_mode(item["mode"] or ("0600" if item["secret"] else "0644"), path)
        return Wanted(path, Entry(Kind.FILE, content, "", item["owner"], item["group"], mode), item["secret"])

    def _directory(self, item: dict[str, Any]) -> Wanted:
        path = check_path(item["path"], "directories")
        mode = parse_mode(item["mode"], path)
        return Wanted(path, Entry(Kind.DIRECTORY, owner=item["owner"], group=item["group"], mode=mode))

    def _read_tree(self, item: dict[str, Any]) -> list[Wanted]:
        top = check_path(item["dest"], "trees")
        source = Path(self._find("files", item["src"], top))
        if not source.is_dir():
            raise ServiceConfigError(f"{top}: {source} is not a folder")
        folder = Entry(Kind.DIRECTORY, owner=item["owner"], group=item["group"], mode=0o755)
        wanted = [Wanted(top, folder)]
        for path in sorted(source.rglob("*")):
            relative = path.relative_to(source)
            if "__pycache__" in relative.parts or path.suffix == ".pyc":
                continue
            entry = folder
            if not path.is_dir():
                mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                entry = Entry(Kind.FILE, self._read(str(path)), "", item["owner"], item["group"], mode)
            wanted.append(Wanted(f"{top}/{relative}", entry))
        return wanted

    def _find(self, folder: str, name: str, path: str) -> str:
        try:
            return str(self._find_needle(folder, name))
        except AnsibleError as error:
            raise ServiceConfigError(f"{path}: {error}") from error

    def _read(self, source: str) -> bytes:
        """Read a file of the controller, decrypting it if it is a vault."""
        real = self._loader.get_real_file(source)
        try:
            return Path(real).read_bytes()
        finally:
            self._loader.cleanup_tmp_file(real)

    def _render(self, name: str, path: str, variables: dict[str, Any]) -> bytes:
        """Render a template as M(ansible.builtin.template) does."""
        source = self._find("templates", name, path)
        text = trust_as_template(self._read(source).decode())
        folders = [*variables.get("ansible_search_path", []), self._loader.get_basedir(), str(Path(source).parent)]
        searched = [place for folder in folders for place in (str(Path(folder, "templates")), folder)]
        own = generate_ansible_template_vars(name, source, path)
        templar = self._templar.copy_with_new_env(searchpath=searched, available_variables={**variables, **own})
        try:
            rendered = templar.template(
                text,
                preserve_trailing_newlines=True,
                escape_backslashes=False,
                overrides={"trim_blocks": True, "lstrip_blocks": False},
            )
        except AnsibleError as error:
            raise AnsibleActionFail(f"{path}: template {source}: {error}") from error
        if rendered is None:
            return b""
        # A template that is nothing but one expression yields a value of another type, without the end of its line.
        return (rendered if isinstance(rendered, str) else f"{rendered}\n").encode()


def _purges(options: dict[str, Any]) -> list[Purge]:
    purges = [Purge(item["path"], tuple(item["purge_patterns"])) for item in options["directories"] if item["purge"]]
    return purges + [Purge(item["dest"], recursive=True) for item in options["trees"] if item["purge"]]
