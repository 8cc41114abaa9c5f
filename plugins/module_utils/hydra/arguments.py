# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options the hydra_* modules share, from the one table of fields, and the module that takes them.

Texts are of type raw: Ansible would make a text of a number, a flag or a list, and Hydra would keep it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .client import Client, Connection
from .credentials import shown, without_credentials
from .errors import HydraError
from .fields import CHOICE, DURATION, FLAG, JOBSET, NESTED, NUMBER, TEXT, Field
from .inputs import DECLARATIVE_KEYS
from .server import Server
from .values import LARGEST_INTEGER, WrongFieldError, address, duration, read_field, shown_duration, shown_value

T = TypeVar("T")

ARGUMENT_TYPES = {FLAG: "bool", NUMBER: "int", DURATION: "str", TEXT: "raw", CHOICE: "str", NESTED: "dict"}

LONGEST_REQUEST = 24 * 60 * 60  # seconds
SECRET = ("username", "password")
WITHHELD = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"  # Ansible's own words

CONNECTION: dict[str, Any] = {
    "url": {"type": "str", "required": True, "fallback": (env_fallback, ["HYDRA_URL"])},
    "username": {"type": "str", "fallback": (env_fallback, ["HYDRA_USERNAME"])},
    "password": {"type": "str", "no_log": True, "fallback": (env_fallback, ["HYDRA_PASSWORD"])},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "request_timeout": {"type": "str", "default": "30s"},
}
NAME: dict[str, Any] = {"type": "raw", "required": True}


class HydraModule(AnsibleModule):  # type: ignore[misc]  # Ansible is untyped
    """An Ansible module that tells nobody who signs in, nor the credentials in its options: not the host's log, not
    what it returns, not even where its options are wrong."""

    def __init__(self, argument_spec: dict[str, Any]) -> None:
        super().__init__(argument_spec=argument_spec, supports_check_mode=True)

    def log(self, msg: str, log_args: dict[str, Any] | None = None) -> None:
        """Write nothing: Ansible would log the options. no_log of the constructor yields to the task's."""

    def exit_json(self, **result: Any) -> None:
        """Return a result."""
        super().exit_json(**result, invocation=self._invocation())

    def fail_json(self, msg: str, **result: Any) -> None:
        """Return a failure."""
        super().fail_json(msg=without_credentials(msg), **shown(result), invocation=self._invocation())

    def _invocation(self) -> dict[str, Any]:
        arguments = shown(self.params)
        return {"module_args": arguments | {name: WITHHELD for name in SECRET if arguments.get(name) is not None}}


def options_of(fields: tuple[Field, ...]) -> dict[str, Any]:
    """The module options of a project's or a jobset's fields. None has a default: what is not named stays as it is."""
    options: dict[str, Any] = {}
    for field in fields:
        options[field.name] = {"type": ARGUMENT_TYPES[field.kind]}
        if field.choices:
            options[field.name]["choices"] = list(field.choices)
        if field.name == "declarative":
            options[field.name]["options"] = {key: {"type": "raw"} for key in DECLARATIVE_KEYS}
    return options


def jobset_options(fields: tuple[Field, ...]) -> dict[str, Any]:
    """The options of a jobset, whose state may be absent too."""
    options = {"name": NAME} | options_of(fields)
    options["state"]["choices"].append("absent")
    return options


def checked_jobsets(project: object, written: list[Any]) -> list[dict[str, Any]]:
    """The jobsets of a project, their options read as Ansible reads them. Raises HydraError, which names the jobset:
    Ansible's own error about an option inside of a list would not."""
    validator = ArgumentSpecValidator(jobset_options(JOBSET))
    results = [validator.validate(jobset) for jobset in written]
    problems = [
        f"jobset {shown_value(project)}:{shown_value(jobset.get('name', '?'))}: {message}"
        for jobset, result in zip(written, results, strict=True)
        for message in result.error_messages
    ]
    if problems:
        raise HydraError("\n".join(problems))
    return [result.validated_parameters for result in results]


def checked(option: str, value: object, read: Callable[[Any], T]) -> T:
    """What a reader makes of an option. Raises HydraError."""
    try:
        return read_field(option, value, read)
    except WrongFieldError as wrong:
        raise HydraError(str(wrong)) from wrong


def seconds(module: HydraModule, option: str, most: int = LARGEST_INTEGER) -> int:
    """An option that is a duration of 1 second to ``most``. Raises HydraError."""

    def read(value: object) -> int:
        found = duration(value)
        if not 1 <= found <= most:
            raise WrongFieldError("is no time to wait", f"write one from 1s to {shown_duration(most)}")
        return found

    return checked(option, module.params[option], read)


def connect(module: HydraModule) -> Server:
    """The server the module's options name. Raises HydraError; no request is sent yet."""
    return Server(
        Client(
            Connection(
                url=checked("url", module.params["url"], address),
                username=module.params["username"],
                password=module.params["password"],
                validate_certs=module.params["validate_certs"],
                ca_path=module.params["ca_path"],
                timeout=seconds(module, "request_timeout", LONGEST_REQUEST),
            )
        )
    )
