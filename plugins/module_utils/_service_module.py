# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An AnsibleModule with a list of services that keeps what may be secret in them to itself."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ipv6.services.plugins.module_utils._container_plan import HIDDEN


class ServiceModule(AnsibleModule):
    """Writes the names of the services into the host's log, and no value of a variable into the invocation of its result.

    AnsibleModule logs the text of the whole list. That text has a newline, a quote or a backslash of a secret in another
    spelling, so that the secret is not found in it and not masked; and of `env` it would mask nothing.
    """

    services: str  # the option that lists them

    @staticmethod
    def public_value(option: str, value: t.Any) -> t.Any:
        """The value of an option of a service without what may be secret."""
        raise NotImplementedError

    def _log_invocation(self) -> None:
        self.log(f"Invoked with {self.invocation_text(self.params)}")

    def exit_json(self, **kwargs: t.Any) -> t.NoReturn:
        super().exit_json(**{"invocation": {"module_args": self.public(self.params)}, **kwargs})
        raise SystemExit(0)  # not reached

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        super().fail_json(msg, **{"invocation": {"module_args": self.public(self.params)}, **kwargs})
        raise SystemExit(1)  # not reached

    @classmethod
    def invocation_text(cls, params: t.Mapping[str, t.Any]) -> str:
        """What the log has of a call: options that are no list, and the names of the services."""
        names = [str(entry.get("name")) for entry in cls._entries(params) or ()]
        options = [f"{o}={value}" for o, value in sorted(params.items()) if isinstance(value, (str, bool, int))]
        listed = f"{cls.services}="
        return " ".join([listed + ",".join(names), *(o for o in options if not o.startswith(listed))])

    @classmethod
    def public(cls, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The module's options without values that may be secrets, of which AnsibleModule hides those of `secret_env` alone."""
        entries = cls._entries(params)
        if entries is None:
            return {**params, cls.services: HIDDEN}
        return {**params, cls.services: [{o: cls.public_value(o, v) for o, v in entry.items()} for entry in entries]}

    @classmethod
    def _entries(cls, params: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]] | None:
        """The entries, or None when the options were refused before they had their types."""
        entries = params.get(cls.services, [])
        well_formed = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
        return entries if well_formed else None


def without_values(value: t.Any) -> t.Any:
    """A dictionary with its keys alone; anything else but None is hidden."""
    if isinstance(value, dict):
        return dict.fromkeys(value, HIDDEN)
    return HIDDEN if value is not None else None
