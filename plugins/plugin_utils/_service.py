# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One entry of `ipv6_services` to a service, with everything that is wrong with it.

YAML reads unquoted text as numbers, dates and dictionaries, and Ansible's argument spec makes text of them again: what
must be text is looked at before the spec comes to it.
"""

from __future__ import annotations

import difflib
import functools
import typing as t
from dataclasses import dataclass
from ipaddress import IPv6Address

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError, parse_address
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import (
    CONTAINER_OPTIONS,
    EntryError,
    parse_container,
)
from ansible_collections.ipv6.services.plugins.plugin_utils._names import parse_name
from ansible_collections.ipv6.services.plugins.plugin_utils._problem import Problem, from_error, shorten

# Options whose values may be secrets, or could not be told apart from them.
SECRET = frozenset(("env", "secret_env", "labels", "log_options", "log_opt"))
# Names that the same thing has elsewhere.
ELSEWHERE = {
    "published_ports": "ports",
    "port": "ports",
    "network_mode": "networks",
    "network": "networks",
    "ip": "address",
    "ipv6": "address",
    "ipv6_address": "address",
    "environment": "env",
    "mem_limit": "memory",
    "restart": "restart_policy",
    "etc_host": "etc_hosts",
    "extra_hosts": "etc_hosts",
}
# Stands for a variable or an entry whose template could not be resolved, and of which that has been told already.
UNREADABLE = object()
KNOWN: dict[str, str] = {  # as it may be written -> the option
    written: option for option, spec in CONTAINER_OPTIONS.items() for written in (option, *spec.get("aliases", ()))
}


@dataclass(frozen=True)
class Service:
    """One entry, as far as the plan needs it."""

    host: str
    index: int  # its place in the host's list
    name: str  # as written; the container's name
    full_name: str  # in lower case
    engine: str
    state: str
    address: IPv6Address | None  # that the entry says
    decidable: bool  # False when the entry says an address that is wrong: then no other is looked for
    ports: tuple[object, ...]  # valid, as written


def parse_services(
    host: str, entries: object, domain: str | None = None, engine: str = "docker"
) -> tuple[list[Service], list[Problem]]:
    """All entries of one host that can be understood, in their order, and all problems of all entries.

    entries: the variable `ipv6_services`.
    engine: of entries that name none.
    """
    if entries is None or entries is UNREADABLE:
        return [], []
    if not isinstance(entries, list):
        text = f"The variable is of type {_type(entries)}, not a list."
        return [], [
            Problem(
                host, None, "ipv6_services", None, text, "Write a list with an entry, '- name: ...', for each service."
            )
        ]
    services, problems = [], []
    for index, entry in enumerate(entries):
        if entry is UNREADABLE:
            continue
        service, wrong = parse_service(host, index, entry, domain, engine)
        services += [service] if service else []
        problems += wrong
    return services, problems


def parse_service(
    host: str, index: int, entry: object, domain: str | None, engine: str
) -> tuple[Service | None, list[Problem]]:
    """None where the name is wrong; a field that is wrong is left out of the service."""
    place = f"ipv6_services[{index}]"
    if not isinstance(entry, dict):
        text = f"The entry is of type {_type(entry)}, not a dictionary."
        mend = "Write '- name: web1' and its options below each other."
        return None, [Problem(host, None, place, None, text, mend, index + 1)]
    label = entry.get("name")
    if not (isinstance(label, str) and label and label.isprintable()):
        label = place
    check = _Checker(host, shorten(label, 80), index + 1)
    options = check.known(entry)
    name = check.text("name", entry.get("name"), lambda value: _parse_container_name(value, domain))
    address = check.text("address", options.get("address"), parse_address)
    options = check.types({**options, "address": str(address) if address else None})
    _parse_options(check, options, engine)
    if name is None:
        return None, check.problems
    service = Service(
        host=host,
        index=index,
        name=entry["name"],
        full_name=name,
        engine=options.get("engine") or engine,
        state=options.get("state") or "started",
        address=address,
        decidable=not check.has("address"),
        ports=() if check.has("ports") else tuple(options.get("ports") or ()),
    )
    if service.engine == "docker" and len(service.name) == 1:
        check.add("name", service.name, "Docker takes no name of one character.", "Give the service a longer name.")
    return service, check.problems


def _parse_container_name(value: object, domain: str | None) -> str:
    if isinstance(value, str) and value.endswith("."):
        raise RequestError(f"{value!r} ends in a dot. Leave it out: a name with a dot in it is a full name already.")
    return parse_name(value, domain)


def _parse_options(check: _Checker, options: t.Mapping[str, t.Any], engine: str) -> None:
    """What the module that makes the container would refuse, less what has been told already."""
    wrong = {problem.field.split("[")[0].split(".")[0] for problem in check.problems}
    # A name that is known to be good stands in for a wrong one, so that the rest is looked at.
    given = {key: value for key, value in options.items() if key not in wrong or key == "image"}
    try:
        parse_container({**given, "name": given.get("name") or "name"}, engine, address_known=False)
    except EntryError as exc:
        for field, value, problem, mend in exc.problems:
            if field.split("[")[0].split(".")[0] not in wrong:
                check.add(field, value, problem, mend)


class _Checker:
    """Collects what is wrong with one entry."""

    def __init__(self, host: str, service: str, place: int) -> None:
        self.host = host
        self.service = service
        self.place = place
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
            if not isinstance(key, str) or key not in KNOWN:
                self.add(shorten(str(key), 80), None, "There is no such option.", _nearest(key))
            elif KNOWN[key] in options:
                text = f"It is the same as {written[KNOWN[key]]}, which is there too."
                self.add(key, None, text, "Take one of them out.")
            elif value is not None:
                options[KNOWN[key]] = value
                written[KNOWN[key]] = key
        return options

    def types(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        """The options with the types of the argument spec; those that can't have it are left out."""
        options = {key: value for key, value in options.items() if value is not None and not self.has(key)}
        ports = options.get("ports")
        if isinstance(ports, int) and not isinstance(ports, bool):
            options["ports"] = [ports]  # the spec would make text of it, and hide 22:22 that YAML read as 1342
        for option in ("image", "state", "engine"):
            if option in options and not isinstance(options[option], str):
                text = f"{options.pop(option)!r} is not text."
                self.add(option, None, text, "Put it in quotes, so that YAML reads it as text.")
        for option in [option for option, value in options.items() if _has_odd_key(value)]:
            del options[option]
            self.add(
                option, None, "It has a key that is not text.", "Put the key in quotes, so that YAML reads it as text."
            )
        validated, errors = _validate(options)
        if not errors:
            return validated
        fine: dict[str, t.Any] = {}
        for option, value in options.items():
            validated, errors = _validate({option: value})
            if errors:
                self.add(option, value, *_explain(option, value, errors[0]))
            else:
                fine.update(validated)
        return fine


def _has_odd_key(value: object) -> bool:
    """Whether a dictionary in it, at any depth, has a key that YAML made something else of."""
    if isinstance(value, dict):
        return any(not isinstance(key, str) or _has_odd_key(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_odd_key(item) for item in value)


def _validate(options: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], list[str]]:
    """The options in the types of the argument spec, and what is wrong with them."""
    try:
        result = _validator(frozenset(options)).validate(dict(options))
    except (TypeError, ValueError, AttributeError, RecursionError) as exc:  # of keys that are no text, deep in a value
        return {}, [str(exc)]
    return result.validated_parameters, list(result.error_messages)


@functools.lru_cache(maxsize=256)
def _validator(options: frozenset[str]) -> ArgumentSpecValidator:
    """For these options only: a whole spec takes as long as all else, and a fleet has few sets of options."""
    spec = {option: {**CONTAINER_OPTIONS[option], "required": False} for option in options}
    for argument in spec.values():
        argument.pop("aliases", None)
        argument.pop("default", None)
    return ArgumentSpecValidator(spec)


def _explain(option: str, value: object, error: str) -> tuple[str, str]:
    """The argument spec's error as a problem and its mend."""
    spec = CONTAINER_OPTIONS[option]
    choices = spec.get("choices")
    if choices and isinstance(value, str):
        return f"{shorten(value, 80)!r} is none of {', '.join(choices)}.", f"Write one of {', '.join(choices)}."
    if "options" in spec and isinstance(value, (list, dict)):
        keys = {
            key for part in (value if isinstance(value, list) else [value]) if isinstance(part, dict) for key in part
        }
        unknown = sorted(str(key) for key in keys - spec["options"].keys())
        if unknown:
            return f"There is no such option: {shorten(unknown[0], 80)}.", _nearest(unknown[0], spec["options"])
        return f"{error.rstrip('.')}.", "See the documentation of the option."
    shown = "The value" if option in SECRET else shorten(repr(value), 80)
    kinds = {
        "list": "a list",
        "dict": "a dictionary",
        "int": "a whole number",
        "float": "a number",
        "bool": "yes or no",
    }
    kind = kinds.get(spec["type"], "text")
    return f"{shown} is of type {_type(value)}, not {kind}.", f"Write {kind}."


def _nearest(key: object, known: t.Iterable[str] = tuple(KNOWN)) -> str:
    text = str(key)
    near = [ELSEWHERE[text]] if text in ELSEWHERE else difflib.get_close_matches(text, known, 1, 0.7)
    return (
        f"Was {near[0]} meant?" if near else "Take it out; options have the names that they have in docker_container."
    )


def _type(value: object) -> str:
    for kind in (bool, int, float, str, list, dict):
        if isinstance(value, kind):
            return kind.__name__
    return "nothing" if value is None else type(value).__name__
