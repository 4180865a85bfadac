# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One entry of `ipv6_services` to a service, with everything that is wrong with it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError, parse_address
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import EntryError
from ansible_collections.ipv6.services.plugins.module_utils._guard_request import parse_open_ports
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import AUTO
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding, parse_port
from ansible_collections.ipv6.services.plugins.plugin_utils._entry import Checker, type_name
from ansible_collections.ipv6.services.plugins.plugin_utils._kinds import (
    CONTAINER,
    ENGINES,
    INSTANCE,
    Kind,
    kind_of,
    parse_options,
)
from ansible_collections.ipv6.services.plugins.plugin_utils._names import parse_name
from ansible_collections.ipv6.services.plugins.plugin_utils._problem import Problem, shorten

# Stands for a variable or an entry whose template could not be resolved, and of which that has been told already.
UNREADABLE = object()
ROOT = "root"
# Where the ports are while the address is not known; nothing is ever published there (RFC 6666).
NOWHERE = IPv6Address("100::")


@dataclass(frozen=True)
class Defaults:
    """What the host says for entries that don't."""

    domain: str | None = None
    engine: str = "docker"
    podman_user: str | None = None


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
    podman_user: str | None = None  # who runs it rootless
    addressing: str | None = None  # of an instance: publish, or own, a NIC on the LAN
    project: str | None = None  # of an instance
    parent: str | None = None  # link of an own NIC, where the entry says it
    bridged: bool = False  # whether an own NIC is on a bridge; else on a macvlan
    from_router: bool = False  # whether it takes its address from the router's advertisement

    @property
    def own(self) -> bool:
        """Whether the address is on a NIC of the instance, and not on the host."""
        return self.addressing == "own"

    @property
    def kind(self) -> Kind:
        """A service that changes its engine within a kind is moved by the kind's module; to the other kind it is a move."""
        return INSTANCE if self.addressing else CONTAINER


def parse_services(host: str, entries: object, defaults: Defaults = Defaults()) -> tuple[list[Service], list[Problem]]:
    """All entries of one host that can be understood, in their order, and all problems of all entries.

    entries: the variable `ipv6_services`.
    """
    if entries is None or entries is UNREADABLE:
        return [], []
    if not isinstance(entries, list):
        text = f"The variable is of type {type_name(entries)}, not a list."
        return [], [
            Problem(
                host, None, "ipv6_services", None, text, "Write a list with an entry, '- name: ...', for each service."
            )
        ]
    services, problems = [], []
    for index, entry in enumerate(entries):
        if entry is UNREADABLE:
            continue
        service, wrong = parse_service(host, index, entry, defaults)
        services += [service] if service else []
        problems += wrong
    return services, problems


def parse_service(host: str, index: int, entry: object, defaults: Defaults) -> tuple[Service | None, list[Problem]]:
    """None where the name is wrong; a field that is wrong is left out of the service."""
    place = f"ipv6_services[{index}]"
    if not isinstance(entry, dict):
        text = f"The entry is of type {type_name(entry)}, not a dictionary."
        mend = "Write '- name: web1' and its options below each other."
        return None, [Problem(host, None, place, None, text, mend, index + 1)]
    label = entry.get("name")
    if not (isinstance(label, str) and label and label.isprintable()):
        label = place
    kind, engine = _engine(entry, defaults.engine)
    check = Checker(host, shorten(label, 80), index + 1, kind, engine)
    options = check.known(entry)
    if options.get("engine") != engine and isinstance(options.get("engine"), str):
        wrong = options.pop("engine")
        text = f"{shorten(wrong, 80)!r} is none of {', '.join(ENGINES)}."
        check.add("engine", wrong, text, "Write one of those.")
    name = check.text("name", entry.get("name"), lambda value: _parse_name(value, defaults.domain))
    address = check.text("address", options.get("address"), lambda value: _parse_address(value, options, kind))
    options = check.types({**options, "address": str(address) if address else None})
    if engine == "podman" and defaults.podman_user and not check.has("podman_user"):
        options.setdefault("podman_user", defaults.podman_user)
    _check_options(check, options, engine)
    if name is None:
        return None, check.problems
    service = _service(check, options, Service(host, index, entry["name"], name, engine, "started", None, True, ()))
    if service.engine == "docker" and len(service.name) == 1:
        check.add("name", service.name, "Docker takes no name of one character.", "Give the service a longer name.")
    return service, check.problems


def _engine(entry: t.Mapping[object, t.Any], default: str) -> tuple[Kind, str]:
    """Which kind of service an entry is, and its engine. Where it names a wrong one, its options tell the kind."""
    engine = entry.get("engine")
    if engine in (None, *ENGINES):
        return kind_of(engine or default), engine or default
    of_instance = any(key in INSTANCE.known and key not in CONTAINER.known for key in entry)
    kind = INSTANCE if of_instance else CONTAINER
    return kind, kind.engines[0]


def _service(check: Checker, options: t.Mapping[str, t.Any], service: Service) -> Service:
    """The service with the options of its entry that are valid."""
    user = None if check.has("podman_user") else options.get("podman_user")
    service = replace(
        service,
        state=options.get("state") or "started",
        address=None if options.get("address") == AUTO else _address(options),
        decidable=not check.has("address"),
        ports=() if check.has("ports") else tuple(options.get("ports") or ()),
        podman_user=None if user == ROOT else user,
    )
    _check_allow(check, service, options)
    if check.kind is CONTAINER:
        _check_rootless(check, service)
        return service
    return replace(
        service,
        addressing=options.get("addressing") or "publish",
        project=options.get("project") or "default",
        parent=None if check.has("parent") else options.get("parent"),
        bridged=options.get("nictype") == "bridged",
        from_router=options.get("address") == AUTO,
    )


def _address(options: t.Mapping[str, t.Any]) -> IPv6Address | None:
    return IPv6Address(options["address"]) if options.get("address") else None


def _check_allow(check: Checker, service: Service, options: t.Mapping[str, t.Any]) -> None:
    """What only the guard of the host keeps."""
    allow = options.get("allow")
    if not check.has("ports"):
        check.text("allow", allow, lambda value: parse_open_ports(NOWHERE, service.ports, value))
    if allow is not None and options.get("addressing") == "own":
        text = "The host's guard keeps it, and packets to a NIC of the instance's own do not come by the host."
        check.add("allow", None, text, "Leave it out, or write addressing: publish.")


def _check_rootless(check: Checker, service: Service) -> None:
    if service.podman_user and any(binding.protocol == "sctp" for binding in _bindings(service)):
        text = "Rootless Podman forwards tcp and udp only."
        check.add("ports", None, text, "Publish no sctp, or run the service as `podman_user: root`.")


def _bindings(service: Service) -> list[Binding]:
    return [binding for port in service.ports for binding in parse_port(port, NOWHERE)]


def _parse_address(value: object, options: t.Mapping[str, t.Any], kind: Kind) -> IPv6Address | str:
    """The address, or AUTO for the one that the router's advertisement makes."""
    if value != AUTO:
        return parse_address(value)
    if kind is CONTAINER:
        mend = "Say an address, or leave it out, and the prefix or DNS decides."
        raise RequestError(f"{value!r} is for instances with a NIC of their own. {mend}")
    if options.get("addressing") != "own" and options.get("state") != "absent":
        mend = "Add `addressing: own`, or say an address."
        raise RequestError(f"Only a service with a NIC of its own takes its address from the router. {mend}")
    return AUTO


def _parse_name(value: object, domain: str | None) -> str:
    if isinstance(value, str) and value.endswith("."):
        raise RequestError(f"{value!r} ends in a dot. Leave it out: a name with a dot in it is a full name already.")
    return parse_name(value, domain)


def _check_options(check: Checker, options: t.Mapping[str, t.Any], engine: str) -> None:
    """What the module that makes the service would refuse, less what has been told already."""
    wrong = {problem.field.split("[")[0].split(".")[0] for problem in check.problems}
    # A name that is known to be good stands in for a wrong one, so that the rest is looked at.
    given = {key: value for key, value in options.items() if key not in wrong or key == "image"}
    try:
        parse_options({**given, "name": given.get("name") or "name"}, engine)
    except EntryError as exc:
        for field, value, problem, mend in exc.problems:
            if field.split("[")[0].split(".")[0] not in wrong:
                check.add(field, value, problem, mend)
