# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of one host to what the plan needs of it, with everything that is wrong with them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError, parse_prefix
from ansible_collections.ipv6.services.plugins.module_utils._container_values import parse_host_user
from ansible_collections.ipv6.services.plugins.plugin_utils._allocation import Space, parse_space
from ansible_collections.ipv6.services.plugins.plugin_utils._kinds import ENGINES, Kind, kind_of
from ansible_collections.ipv6.services.plugins.plugin_utils._names import parse_domain
from ansible_collections.ipv6.services.plugins.plugin_utils._problem import Problem, from_error
from ansible_collections.ipv6.services.plugins.plugin_utils._service import (
    ROOT,
    UNREADABLE,
    Defaults,
    Service,
    parse_services,
)

# Without one of these an address would be another one.
DECIDING = frozenset(("ipv6_services_domain", "ipv6_services_prefix", "ipv6_services_prefix_exclude"))


@dataclass(frozen=True)
class Found:
    """A service that runs, or is there, on a host."""

    name: str  # as it was written
    engine: str
    podman_user: str | None = None
    project: str | None = None
    address: IPv6Address | None = None

    @property
    def kind(self) -> Kind:
        return kind_of(self.engine)


@dataclass(frozen=True)
class Facts:
    """What module host_info found on the host."""

    interface: str | None  # of the IPv6 default route
    default_route: bool
    links: frozenset[str]
    prefixes: tuple[tuple[IPv6Network, str], ...]  # on-link, each with its interface
    host_addresses: frozenset[IPv6Address]
    service_addresses: frozenset[IPv6Address] = frozenset()  # ours, on an interface
    found: tuple[Found, ...] = ()
    users: t.Mapping[str, bool] = field(default_factory=dict)  # whether each that was asked for is there
    macs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Host:
    """One host of the fleet. A variable that is wrong is as if it were not set."""

    name: str
    domain: str | None = None
    services: tuple[Service, ...] = ()
    space: Space | None = None  # from which services without an address get one
    interface: str | None = None  # that the inventory says
    routed: tuple[IPv6Network, ...] = ()
    facts: Facts | None = None  # None: they were not gathered
    decidable: bool = True  # False when what decides over addresses is wrong: then none is looked for
    own: frozenset[IPv6Address] = field(
        default_factory=frozenset
    )  # that the host has for itself, from inventory and facts


def parse_host(name: str, variables: t.Mapping[str, t.Any]) -> tuple[Host, list[Problem]]:
    """variables: those of the host, of which this takes the names that begin with ipv6_services, and ansible_host."""
    problems: list[Problem] = []
    wrong: set[str] = set()  # variables

    def get(variable: str, parse: t.Callable[[t.Any], t.Any], default: t.Any = None) -> t.Any:
        value = variables.get(variable)
        try:
            if value is not UNREADABLE:
                return default if value is None else parse(value)
        except RequestError as exc:
            problems.append(from_error(exc, name, None, variable, value))
        wrong.add(variable)
        return default

    domain = get("ipv6_services_domain", parse_domain)
    engine = get("ipv6_services_engine", _parse_engine, "docker")
    podman_user = get("ipv6_services_podman_user", _parse_user)
    routed = get("ipv6_services_routed_prefixes", _parse_prefixes, ())
    interface = get("ipv6_services_interface", _parse_interface)
    space = get("ipv6_services_prefix", lambda value: parse_space(value) if value else None)
    if space:
        excluded = get("ipv6_services_prefix_exclude", lambda value: parse_space(str(space.prefix), value).excluded, ())
        space = Space(space.prefix, excluded)
    services, of_services = parse_services(name, variables.get("ipv6_services"), Defaults(domain, engine, podman_user))
    facts = parse_facts(variables.get("ipv6_services_host"))
    own = (facts.host_addresses if facts else frozenset()) | _literal(variables.get("ansible_host"))
    decidable = not wrong & DECIDING
    return Host(name, domain, tuple(services), space, interface, routed, facts, decidable, own), problems + of_services


def parse_facts(value: object) -> Facts | None:
    """None where they were not gathered, or not by this module."""
    try:
        facts = t.cast("dict[str, t.Any]", value)
        return Facts(
            interface=facts["interface"],
            default_route=bool(facts["default_route"]),
            links=frozenset(facts["links"]),
            prefixes=tuple((IPv6Network(p["prefix"]), str(p["interface"])) for p in facts["prefixes"]),
            host_addresses=frozenset(IPv6Address(a["address"]) for a in facts["host_addresses"]),
            service_addresses=frozenset(IPv6Address(a["address"]) for a in facts.get("service_addresses", ())),
            found=tuple(_parse_found(item) for item in facts.get("services", ())),
            users={str(name): bool(user["exists"]) for name, user in facts.get("users", {}).items()},
            macs=tuple(str(mac) for mac in facts.get("macs", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _parse_found(item: t.Mapping[str, t.Any]) -> Found:
    return Found(
        name=str(item["name"]),
        engine=str(item["engine"]),
        podman_user=item.get("podman_user"),
        project=item.get("project"),
        address=next(iter(_literal(item.get("address"))), None),
    )


def _parse_engine(value: object) -> str:
    if value not in ENGINES:
        raise RequestError(f"{value!r} is no engine. Write one of {', '.join(ENGINES)}.")
    return str(value)


def _parse_user(value: object) -> str | None:
    if value == "":
        return None
    if not isinstance(value, str):
        raise RequestError(f"{value!r} is no user of a host. Write a user's name, as app.")
    user = parse_host_user(value)
    return None if user == ROOT else user


def _parse_prefixes(value: object) -> tuple[IPv6Network, ...]:
    if not isinstance(value, list):
        raise RequestError(f"{value!r} is no list. Write a list of prefixes, as [2001:db8:99::/64].")
    return tuple(parse_prefix(item) for item in value)


def _parse_interface(value: object) -> str | None:
    """Linux takes nearly anything as the name of a link; this is what files, units and commands can have in them."""
    if value == "":
        return None
    text = value if isinstance(value, str) else ""
    if not (0 < len(text) <= 15 and text.isascii() and all(c.isalnum() or c in "-_.@:" for c in text)):
        raise RequestError(f"{value!r} is no name of a network interface. Write it as 'ip link' shows it, as eth0.")
    return text


def _literal(value: object) -> frozenset[IPv6Address]:
    """The address by which Ansible reaches the host, where it is written as one."""
    try:
        return frozenset([IPv6Address(value)] if isinstance(value, str) else [])
    except ValueError:
        return frozenset()
