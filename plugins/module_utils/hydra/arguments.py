# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options the hydra_* modules share, from the one table of fields."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule, env_fallback

from .client import Client, Connection
from .errors import HydraError
from .fields import CHOICE, DURATION, FLAG, NESTED, NUMBER, TEXT, Field
from .inputs import DECLARATIVE_KEYS
from .server import Server
from .values import WrongFieldError, duration

ARGUMENT_TYPES = {FLAG: "bool", NUMBER: "int", DURATION: "str", TEXT: "str", CHOICE: "str", NESTED: "dict"}

CONNECTION: dict[str, Any] = {
    "url": {"type": "str", "required": True, "fallback": (env_fallback, ["HYDRA_URL"])},
    "username": {"type": "str", "fallback": (env_fallback, ["HYDRA_USERNAME"])},
    "password": {"type": "str", "no_log": True, "fallback": (env_fallback, ["HYDRA_PASSWORD"])},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "request_timeout": {"type": "str", "default": "30s"},
}


def options_of(fields: tuple[Field, ...]) -> dict[str, Any]:
    """The module options of a project's or a jobset's fields. None has a default: what is not named stays as it is."""
    options: dict[str, Any] = {}
    for field in fields:
        options[field.name] = {"type": ARGUMENT_TYPES[field.kind]}
        if field.choices:
            options[field.name]["choices"] = list(field.choices)
        if field.name == "declarative":
            options[field.name]["options"] = {key: {"type": "str"} for key in DECLARATIVE_KEYS}
    return options


def jobset_options(fields: tuple[Field, ...]) -> dict[str, Any]:
    """The options of a jobset, whose state may be absent too."""
    options = {"name": {"type": "str", "required": True}} | options_of(fields)
    options["state"]["choices"].append("absent")
    return options


def seconds(module: AnsibleModule, option: str) -> int:
    """An option that is a duration. Raises HydraError."""
    try:
        return duration(module.params[option])
    except WrongFieldError as wrong:
        raise HydraError(str(wrong.under(option, module.params[option]))) from wrong


def connect(module: AnsibleModule) -> Server:
    """The server the module's options name. Raises HydraError; no request is sent yet."""
    return Server(
        Client(
            Connection(
                url=module.params["url"],
                username=module.params["username"],
                password=module.params["password"],
                validate_certs=module.params["validate_certs"],
                ca_path=module.params["ca_path"],
                timeout=seconds(module, "request_timeout"),
            )
        )
    )
