# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of every host of the fleet, as the plan wants them.

`hostvars` alone would not do: it leaves out the variables of the play, of its roles and of the task, and on ansible-core 2.16 it
gives back templates whose variables are undefined as they are written.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.ipv6.services.plugins.plugin_utils._entry import SECRET
from ansible_collections.ipv6.services.plugins.plugin_utils._problem import Problem, shorten
from ansible_collections.ipv6.services.plugins.plugin_utils._service import ROOT, UNREADABLE

VARIABLES = (
    "ipv6_services",
    "ipv6_services_domain",
    "ipv6_services_engine",
    "ipv6_services_interface",
    "ipv6_services_podman_user",
    "ipv6_services_prefix",
    "ipv6_services_prefix_exclude",
    "ipv6_services_routed_prefixes",
    "ansible_host",
)
FACTS = "ipv6_services_host"
_OMITTED = object()


class Inventory:
    """Reads what each host of the inventory has, in the play and task that run, or outside of the play by itself."""

    def __init__(self, hostvars: t.Any, task: t.Any, templar: t.Any) -> None:
        self.hostvars = hostvars
        self.task = task
        self.templar = templar
        self._in_play: frozenset[str] | None = None

    def names(self) -> list[str]:
        """All hosts but the implicit localhost, sorted."""
        return sorted(name for name in self.hostvars if not getattr(self._host(name), "implicit", False))

    def _host(self, name: str) -> t.Any:
        return self.hostvars._inventory.get_host(name)

    def in_play(self) -> frozenset[str]:
        """The hosts of the play, whatever the limit says."""
        if self._in_play is None:
            pattern = self.task.get_play().hosts
            hosts = self.hostvars._inventory.get_hosts(pattern, ignore_limits=True, ignore_restrictions=True)
            self._in_play = frozenset(host.name for host in hosts)
        return self._in_play

    def _raw(self, name: str) -> t.Mapping[str, t.Any]:
        """The variables as they are written. Those of the play hold for all its hosts, whatever the limit says."""
        play = self.task.get_play()
        if name not in self.in_play():
            return t.cast("t.Mapping[str, t.Any]", self.hostvars.raw_get(name))
        manager = self.hostvars._variable_manager
        return t.cast("t.Mapping[str, t.Any]", manager.get_vars(play=play, host=self._host(name), task=self.task))

    def read(self, name: str) -> tuple[dict[str, t.Any], list[Problem]]:
        """VARIABLES and FACTS of one host, as far as it has them, and what could not be made of their templates."""
        raw = self._raw(name)
        templar = self.templar.copy_with_new_env(available_variables=raw)
        omit = raw.get("omit", _OMITTED)
        variables: dict[str, t.Any] = {FACTS: raw.get(FACTS)}
        problems: list[Problem] = []
        for variable in VARIABLES:
            if variable not in raw:
                continue
            value = raw[variable]
            if variable == "ipv6_services" and isinstance(value, list):
                value = [without_secrets(entry) for entry in value]
            try:
                done = resolve(value, templar, omit)
            except Exception as exc:  # noqa: BLE001 - on ansible-core 2.16 whatever a template raises comes through
                if variable == "ansible_host":
                    continue  # only looked at for an address that a service may not have, and of hosts outside the fleet too
                if variable == "ipv6_services" and isinstance(value, list):
                    done, wrong = _entry_by_entry(name, value, templar, omit)
                    problems += wrong
                else:
                    done = UNREADABLE
                    problems.append(_untemplated(name, None, variable, exc))
            if done is not _OMITTED:
                variables[variable] = done
        return variables, problems


def _entry_by_entry(host: str, entries: list[t.Any], templar: t.Any, omit: object) -> tuple[list[t.Any], list[Problem]]:
    """The entries whose templates work, UNREADABLE in the place of each other one, and the problems of those."""
    done, problems = [], []
    for index, entry in enumerate(entries):
        place = f"ipv6_services[{index}]"
        label = entry.get("name") if isinstance(entry, dict) else None
        service = label if isinstance(label, str) and not is_template(label) else place
        fields = entry.items() if isinstance(entry, dict) else [(place, entry)]
        tried = (_try_template(host, service, str(f), v, templar, index + 1) for f, v in fields)
        wrong = [problem for problem in tried if problem]
        done.append(UNREADABLE if wrong else resolve(entry, templar, omit))
        problems += wrong
    return done, problems


def _try_template(host: str, service: str, field: str, value: t.Any, templar: t.Any, place: int) -> Problem | None:
    try:
        resolve(value, templar)
    except Exception as exc:  # noqa: BLE001 - see above
        return _untemplated(host, service, field, exc, place)
    return None


def without_secrets(entry: t.Any) -> t.Any:
    """The entry with the values of env and its like emptied where they are templates or encrypted.

    They are for the host that runs the service: a plan of the whole fleet must not fetch every secret there is.
    """
    if not isinstance(entry, dict):
        return entry
    return {key: _emptied(key, value) if key in SECRET else value for key, value in entry.items()}


def _emptied(option: str, value: t.Any) -> t.Any:
    if option == "user_data":
        return "#cloud-config" if is_template(value) else value
    if isinstance(value, dict):
        return {k: "" if is_template(v) else v for k, v in value.items() if not is_template(k)}
    return {} if is_template(value) else value


def resolve(value: t.Any, templar: t.Any, omit: object = _OMITTED) -> t.Any:
    """The value with its templates resolved, what was omitted left out, and plain types in the place of Ansible's own.

    Only what is a template goes to the templar, which takes about as long for text as for a template.
    """
    if isinstance(value, t.Mapping):
        pairs = ((plain(key), resolve(item, templar, omit)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not _OMITTED}
    if isinstance(value, (list, tuple)):
        return [item for item in (resolve(item, templar, omit) for item in value) if item is not _OMITTED]
    if is_template(value):
        # In a list, since ansible-core 2.19 and later refuses to resolve what is omitted by itself.
        value = next(iter(templar.template([value])), _OMITTED)
    return plain(value, omit)


def podman_users(variables: t.Mapping[str, t.Any], templar: t.Any) -> list[str]:
    """Who runs containers of a host without root, as far as its variables can be read; sorted.

    variables: of the host, as they are written.
    """
    entries = _readable(variables.get("ipv6_services"), templar)
    named = [entry.get("podman_user") for entry in entries if isinstance(entry, t.Mapping)] if _is_list(entries) else []
    users = [_readable(user, templar) for user in (variables.get("ipv6_services_podman_user"), *named)]
    return sorted({user for user in users if isinstance(user, str) and user not in ("", ROOT)})


def _is_list(value: object) -> bool:
    return isinstance(value, t.Sequence) and not isinstance(value, str)


def _readable(value: t.Any, templar: t.Any) -> t.Any:
    """The value with its own template resolved, and none of those in it; None where that can't be done."""
    try:
        return resolve(value, templar) if is_template(value) else value
    except Exception:  # noqa: BLE001 - the plan says what is wrong with it
        return None


def is_template(value: object) -> bool:
    if isinstance(value, str):
        return "{{" in value or "{%" in value or "{#" in value
    return hasattr(value, "_ciphertext")


def plain(value: t.Any, omit: object = _OMITTED) -> t.Any:
    """The same in plain types, without what was omitted. Ansible's text, with its tags, takes long to copy."""
    if isinstance(value, str):
        return _OMITTED if value == omit else "".join((value,))
    if isinstance(value, bool) or value is None:
        return value
    if value is omit or value is _OMITTED:
        return _OMITTED
    if isinstance(value, (int, float)):
        return value.real
    for kind in (datetime.datetime, datetime.date):  # YAML makes them, and then they should have been text
        if isinstance(value, kind):
            return kind.fromisoformat(value.isoformat())
    if isinstance(value, t.Mapping):
        pairs = ((plain(key), plain(item, omit)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not _OMITTED}
    if isinstance(value, (list, tuple)):
        return [item for item in (plain(item, omit) for item in value) if item is not _OMITTED]
    return str(value) if hasattr(value, "_ciphertext") else value


def _untemplated(host: str, service: str | None, field: str, error: Exception, place: int = 0) -> Problem:
    text = shorten(" ".join((str(error) or type(error).__name__).split()), 300).rstrip(".")
    return Problem(
        host, service, field, None, f"The template can't be resolved: {text}.", "Correct the template.", place
    )
