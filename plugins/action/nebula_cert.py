# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of C(nebula_cert): decides whether to sign, and signs, where the CA's key is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError, AnsibleFileNotFound
from ansible.plugins.action import ActionBase
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.arguments import cert_arguments
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.plan import (
    HostState,
    bounded,
    plan_of,
    request_of,
    warnings_about,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.program import Certificate, NebulaCert, NebulaError

MODULE = "nixvegas.noc.nebula_cert"


class ActionModule(ActionBase):
    """Reads the host's state with one module run, plans, and only if something is to be done signs and installs."""

    _supports_check_mode = True
    _supports_diff = True
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See C(nebula_cert)'s documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        options = self._options()
        read = self._remote(options, task_vars or {})
        if read.get("failed"):
            return {**result, **read}
        try:
            return {**result, **self._converge(read["state"], options, task_vars or {})}
        except NebulaError as error:
            raise AnsibleActionFail(f"Nebula certificate of {options['name']}: {error}") from error

    def _options(self) -> dict[str, Any]:
        _result, options = self.validate_argument_spec(cert_arguments())
        if options.pop("signed") is not None:
            raise AnsibleActionFail("signed: this option is for the module's own use; remove it")
        return dict(options)

    def _remote(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(module_name=MODULE, module_args=options, task_vars=task_vars)
        return answer

    def _converge(self, read: dict[str, Any], options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC)
        renew_before = timedelta(days=options["renew_before"])
        request = request_of(
            options["name"],
            options["address"],
            options["groups"],
            options["subnets"],
            None if options["days"] is None else timedelta(days=options["days"]),
        )
        tool = NebulaCert()
        with self._plain_file(options["ca_certificate_file"]) as path:
            trusted = path.read_text(encoding="ascii")
        authorities = tool.read(trusted)
        state = _state(tool, read, trusted)
        plan = plan_of(request, state, authorities, now=now, renew_before=renew_before)

        after = plan.after
        if plan.changed and not self._task.check_mode:
            signed = read["certificate"]
            if plan.reasons:
                with (
                    self._plain_file(options["ca_certificate_file"]) as ca,
                    self._plain_file(options["ca_key_file"]) as key,
                ):
                    signed = tool.sign(bounded(request, authorities[0], now), read["public_key_pem"], ca, key)
                after = tool.read(signed)[0].fields()
            new_files = {"certificate": signed, "authorities": trusted}
            installed = self._remote({**options, "signed": new_files}, task_vars)
            if installed.get("failed"):
                return installed
        answer: dict[str, Any] = {
            "changed": plan.changed,
            "reasons": plan.reasons,
            "certificate": after,
            "ca_fingerprints": [authority.fingerprint for authority in authorities],
            "installed": not self._task.check_mode or (state.usable and bool(read["authorities"])),
        }
        if plan.changed:
            answer["diff"] = replace(plan, after=after).diff(options["directory"])
        if warnings := warnings_about(authorities[0], now, renew_before):
            answer["warnings"] = warnings
        return answer

    @contextmanager
    def _plain_file(self, path: str) -> Iterator[Path]:
        """The file, or when Ansible Vault encrypted it a private decrypted copy that is removed afterwards."""
        try:
            plain = self._loader.get_real_file(path)
        except AnsibleFileNotFound as error:
            raise NebulaError(f"{path} is not on the controller; make the CA with nebula_ca") from error
        except AnsibleError as error:
            raise NebulaError(f"{path} cannot be read: {error.message}") from error
        try:
            yield Path(plain)
        except OSError as error:
            raise NebulaError(f"{path} cannot be read: {error.strerror}") from error
        finally:
            self._loader.cleanup_tmp_file(plain)


def _state(tool: NebulaCert, read: dict[str, Any], trusted: str) -> HostState:
    """What the module found on the host, its certificate understood and verified."""
    certificate: Certificate | None = None
    problem = doubt = ""
    if not read["certificate"]:
        problem = "there is no certificate"
    else:
        try:
            certificate = tool.read(read["certificate"])[0]
            doubt = tool.check(read["certificate"], trusted)
        except NebulaError as error:
            problem = f"the certificate cannot be read: {error}"
    return HostState(
        public_key=read["public_key"],
        key_problem=read["key_problem"],
        certificate=certificate,
        certificate_problem=problem,
        doubt=doubt,
        trusts_authorities=read["authorities"] == trusted,
        wrong_modes=read["wrong_modes"],
    )
