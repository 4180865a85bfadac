# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of one entry: which there are, what type each has, and everything that is wrong with them.

YAML reads unquoted text as numbers, dates and dictionaries, and Ansible's argument spec makes text of them again: what
must be text is looked at before the spec comes to it.
"""

from __future__ import annotations

import difflib
import functools
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.plugin_utils._kinds import (
    CONTAINER,
    GUARD_OPTIONS,
    INSTANCE,
    Kind,
    other_kind,
)
from ansible_collections.ipv6.services.plugins.plugin_utils._problem import Problem, from_error, shorten

# Options whose values may be secrets, or could not be told apart from them.
SECRET = frozenset(("env", "secret_env", "labels", "log_options", "log_opt", "config", "user_data"))
# Options of which the argument spec would make text, whatever they are.
TEXTS = ("image", "state", "engine", "podman_user", "project", "parent", "image_server", "user_data")
# Names that the same thing has elsewhere; the first that the kind of service has is meant.
ELSEWHERE: dict[str, tuple[str, ...]] = {
    "published_ports": ("ports",),
    "port": ("ports",),
    "network_mode": ("networks", "addressing"),
    "network": ("networks", "parent"),
    "ip": ("address",),
    "ipv6": ("address",),
    "ipv6_address": ("address",),
    "environment": ("env",),
    "mem_limit": ("memory",),
    "restart": ("restart_policy",),
    "allow_from": ("allow",),
    "allowed": ("allow",),
    "etc_host": ("etc_hosts",),
    "extra_hosts": ("etc_hosts",),
    "become_user": ("podman_user",),
    "rootless": ("podman_user",),
    "rootless_user": ("podman_user",),
    "limits_cpu": ("cpus",),
    "limits_memory": ("memory",),
    "nic_type": ("nictype",),
    "interface": ("parent",),
    "source": ("image",),
    "alias": ("image",),
    "server": ("image_server",),
    "remote": ("image_server",),
    "cloud_init": ("user_data",),
    "userdata": ("user_data",),
}


class Checker:
    """Collects what is wrong with one entry."""

    def __init__(self, host: str, service: str, place: int, kind: Kind, engine: str) -> None:
        """engine: what the entry, or its host, says; for messages only."""
        self.host = host
        self.service = service
        self.place = place
        self.kind = kind
        self.engine = engine
        self.problems: list[Problem] = []

    def add(self, field: str, value: object, problem: str, mend: str) -> None:
        if field.split(".")[0] in SECRET:
            value = None
        self.problems.append(Problem(self.host, self.service, field, value, problem, mend, self.place))

    def has(self, option: str) -> bool:
        return any(problem.field.split("[")[0] == option for problem in self.problems)

    def text(self, field: str, value: object, parse: t.Callable[[object], t.Any]) -> t.Any:
        """What the parser makes of the value; None for no value, and where it is wrong."""
        if value is None:
            if field == "name":
                self.add(field, None, "It is missing.", "Give the service a name, as web1 or web1.example.com.")
            return None
        try:
            return parse(value)
        except RequestError as exc:
            self.problems.append(from_error(exc, self.host, self.service, field, value, self.place))
            return None

    def known(self, entry: t.Mapping[object, t.Any]) -> dict[str, t.Any]:
        """The options that there are, less those that are null."""
        options: dict[str, t.Any] = {}
        written: dict[str, str] = {}
        for key, value in entry.items():
            option = self.kind.known.get(key) if isinstance(key, str) else None
            if option is None:
                self.add(shorten(str(key), 80), None, *self._unknown(key))
            elif option in options:
                text = f"It is the same as {written[option]}, which is there too."
                self.add(str(key), None, text, "Take one of them out.")
            elif value is not None:
                options[option] = value
                written[option] = str(key)
        return options

    def _unknown(self, key: object) -> tuple[str, str]:
        """What is wrong with an option that services of this kind have not, and the mend."""
        other = other_kind(self.kind)
        if isinstance(key, str) and key in other.known:
            text = f"It is an option of {other.name}s, and the engine is {self.engine}."
            return text, f"Leave it out, or give the service `engine: {other.engines[0]}`."
        meant = [name for name in ELSEWHERE.get(str(key), ()) if name in self.kind.known]
        return "There is no such option.", f"Was {meant[0]} meant?" if meant else nearest(key, self.kind.known)

    def types(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        """The options with the types of the argument spec; those that can't have it are left out."""
        options = {key: value for key, value in options.items() if value is not None and not self.has(key)}
        ports = options.get("ports")
        if isinstance(ports, int) and not isinstance(ports, bool):
            options["ports"] = [ports]  # the spec would make text of it, and hide 22:22 that YAML read as 1342
        for option in [o for o in TEXTS if o in options and not isinstance(options[o], str)]:
            value = options.pop(option)
            text = f"{'It' if option in SECRET else shorten(repr(value), 80)} is not text."
            self.add(option, None, text, "Put it in quotes, so that YAML reads it as text.")
        for option in [o for o, value in options.items() if o not in GUARD_OPTIONS and _has_odd_key(value)]:
            del options[option]
            self.add(
                option, None, "It has a key that is not text.", "Put the key in quotes, so that YAML reads it as text."
            )
        validated, errors = _validate(self.kind, options)
        if not errors:
            return validated
        fine: dict[str, t.Any] = {}
        for option, value in options.items():
            validated, errors = _validate(self.kind, {option: value})
            if errors:
                self.add(option, value, *_explain(self.kind, option, value, errors[0]))
            else:
                fine.update(validated)
        return fine


def _has_odd_key(value: object) -> bool:
    """Whether a dictionary in it, at any depth, has a key that YAML made something else of."""
    if isinstance(value, dict):
        return any(not isinstance(key, str) or _has_odd_key(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_odd_key(item) for item in value)


def _validate(kind: Kind, options: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], list[str]]:
    """The options in the types of the argument spec, and what is wrong with them."""
    try:
        result = _validator(kind.name, frozenset(options)).validate(dict(options))
    except (TypeError, ValueError, AttributeError, RecursionError) as exc:  # of keys that are no text, deep in a value
        return {}, [str(exc)]
    return result.validated_parameters, list(result.error_messages)


@functools.lru_cache(maxsize=256)
def _validator(kind: str, options: frozenset[str]) -> ArgumentSpecValidator:
    """For these options only: a whole spec takes as long as all else, and a fleet has few sets of options."""
    known = (INSTANCE if kind == INSTANCE.name else CONTAINER).options
    spec = {option: {**known[option], "required": False} for option in options}
    for argument in spec.values():
        argument.pop("aliases", None)
        argument.pop("default", None)
    return ArgumentSpecValidator(spec)


def _explain(kind: Kind, option: str, value: object, error: str) -> tuple[str, str]:
    """The argument spec's error as a problem and its mend."""
    spec = kind.options[option]
    choices = spec.get("choices")
    if choices and isinstance(value, str):
        return f"{shorten(value, 80)!r} is none of {', '.join(choices)}.", f"Write one of {', '.join(choices)}."
    if "options" in spec and isinstance(value, (list, dict)):
        keys = {
            key for part in (value if isinstance(value, list) else [value]) if isinstance(part, dict) for key in part
        }
        unknown = sorted(str(key) for key in keys - spec["options"].keys())
        if unknown:
            return f"There is no such option: {shorten(unknown[0], 80)}.", nearest(unknown[0], spec["options"])
        return f"{error.rstrip('.')}.", "See the documentation of the option."
    shown = "The value" if option in SECRET else shorten(repr(value), 80)
    names = {
        "list": "a list",
        "dict": "a dictionary",
        "int": "a whole number",
        "float": "a number",
        "bool": "yes or no",
    }
    wanted = names.get(spec["type"], "text")
    return f"{shown} is of type {type_name(value)}, not {wanted}.", f"Write {wanted}."


def nearest(key: object, known: t.Iterable[str]) -> str:
    near = difflib.get_close_matches(str(key), known, 1, 0.7)
    if near:
        return f"Was {near[0]} meant?"
    return "Take it out; docs/services.md has the options, with the names that they have in docker_container."


def type_name(value: object) -> str:
    for kind in (bool, int, float, str, list, dict):
        if isinstance(value, kind):
            return kind.__name__
    return "nothing" if value is None else type(value).__name__
