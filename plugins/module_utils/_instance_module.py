# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An AnsibleModule that keeps the values of variables and config keys to itself, in the host's log too."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ipv6.services.plugins.module_utils._container_plan import HIDDEN
from ansible_collections.ipv6.services.plugins.module_utils._container_report import hide_secrets


class InstanceModule(AnsibleModule):
    """Writes the names of the services into the host's log, and no value of a variable into the invocation of its result."""

    def _log_invocation(self) -> None:
        self.log(f"Invoked with {invocation_text(self.params)}")

    def exit_json(self, **kwargs: t.Any) -> t.NoReturn:
        super().exit_json(**{"invocation": {"module_args": public(self.params)}, **kwargs})
        raise SystemExit(0)  # not reached

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        super().fail_json(msg, **{"invocation": {"module_args": public(self.params)}, **kwargs})
        raise SystemExit(1)  # not reached


def invocation_text(params: t.Mapping[str, t.Any]) -> str:
    """What the log has of a call: options that are no list, and the names of the services."""
    names = [str(entry.get("name")) for entry in _entries(params) or ()]
    options = [f"{option}={value}" for option, value in sorted(params.items()) if isinstance(value, (str, bool, int))]
    return " ".join([f"instances={','.join(names)}", *(o for o in options if not o.startswith("instances="))])


def public(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The module's options without values that may be secrets."""
    entries = _entries(params)
    return {**params, "instances": HIDDEN if entries is None else [_public_entry(entry) for entry in entries]}


def _entries(params: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]] | None:
    """The entries, or None when the options were refused before they had their types."""
    entries = params.get("instances", [])
    well_formed = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    return entries if well_formed else None


def _public_entry(entry: dict[str, t.Any]) -> dict[str, t.Any]:
    return {option: _public_value(option, value) for option, value in entry.items()}


def _public_value(option: str, value: t.Any) -> t.Any:
    if option in ("env", "secret_env", "config"):
        return dict.fromkeys(value, HIDDEN) if isinstance(value, dict) else HIDDEN if value is not None else None
    if option == "user_data" or (option == "image_server" and "@" in str(value)):  # it is refused with a user in it
        return HIDDEN if value is not None else None
    if option == "devices" and isinstance(value, dict):
        return {name: hide_secrets(device) for name, device in value.items()}
    return value
