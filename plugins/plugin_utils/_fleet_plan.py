# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who of a fleet gets which address, and what can't be. Decided from the inventory, the facts and the name servers' answers."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError, parse_address
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding, parse_port
from ansible_collections.ipv6.services.plugins.plugin_utils._allocation import Space, allocate, union
from ansible_collections.ipv6.services.plugins.plugin_utils._answers import Answer, complaint
from ansible_collections.ipv6.services.plugins.plugin_utils._fleet_checks import (
    check_addresses,
    check_host,
    check_names,
    check_ports,
)
from ansible_collections.ipv6.services.plugins.plugin_utils._host import Host
from ansible_collections.ipv6.services.plugins.plugin_utils._moves import Move, find_moves
from ansible_collections.ipv6.services.plugins.plugin_utils._placed import Placed, problem_of
from ansible_collections.ipv6.services.plugins.plugin_utils._problem import Problem, from_error
from ansible_collections.ipv6.services.plugins.plugin_utils._service import NOWHERE, Service


@dataclass(frozen=True)
class Plan:
    """What is to be of the fleet."""

    placed: t.Mapping[str, tuple[Placed, ...]]  # by host, each in the order of its list
    problems: tuple[Problem, ...]  # by host, in the order of the lists
    moves: tuple[Move, ...] = ()


def names_to_look_up(hosts: t.Iterable[Host]) -> list[str]:
    """The full names whose AAAA records decide: services that stay, without an address, where there is no prefix."""
    wanting = [(host, service) for host in hosts for service in host.services if _wants_address(host, service)]
    return list(dict.fromkeys(s.full_name for host, s in wanting if not host.space and s.state != "absent"))


def plan_fleet(hosts: t.Sequence[Host], answers: t.Mapping[str, Answer], problems: t.Iterable[Problem] = ()) -> Plan:
    """The addresses of all services, and everything that is wrong.

    answers: by full name, for those of names_to_look_up. A name without one has a problem already.
    problems: that are known.
    """
    found = list(problems)
    spaces = _spaces(hosts)
    allocated = _allocate(hosts, spaces, found)
    placed = {
        host.name: tuple(_place(host, service, spaces, allocated, answers, found) for service in host.services)
        for host in hosts
    }
    everyone = [item for host in hosts for item in placed[host.name]]
    found += check_names(everyone)
    found += check_addresses(everyone, _host_addresses(hosts))
    found += check_ports(everyone)
    for host in hosts:
        found += check_host(host, placed[host.name])
    problems = sorted(found, key=lambda problem: (problem.host or "", problem.place))
    return Plan(placed, tuple(problems), find_moves(hosts))


def _wants_address(host: Host, service: Service) -> bool:
    """Whether it says none, and no error in what it says, or in what the host says, leaves open what is meant."""
    return service.address is None and not service.from_router and service.decidable and host.decidable


def _spaces(hosts: t.Iterable[Host]) -> dict[str, Space]:
    """By host, the space with the addresses left out that the inventory gives to somebody. Equal ones are one object."""
    given = sorted({int(s.address) for host in hosts for s in host.services if s.address})
    spaces: dict[tuple[IPv6Network, tuple[tuple[int, int], ...]], Space] = {}
    by_host = {}
    for host in hosts:
        if host.space:
            key = (host.space.prefix, host.space.excluded)
            if key not in spaces:
                taken = [(a, a) for a in given if IPv6Address(a) in host.space.prefix]
                spaces[key] = Space(host.space.prefix, union([*host.space.excluded, *taken]))
            by_host[host.name] = spaces[key]
    return by_host


def _allocate(
    hosts: t.Iterable[Host], spaces: t.Mapping[str, Space], problems: list[Problem]
) -> dict[tuple[str, Space], IPv6Address]:
    wanted = [
        (service.full_name, spaces[host.name])
        for host in hosts
        if host.name in spaces
        for service in host.services
        if _wants_address(host, service)
    ]
    try:
        return allocate(wanted)
    except RequestError as exc:
        host = next(host for host in hosts if host.space and str(host.space.prefix) in str(exc))
        value = str(host.space.prefix) if host.space else None
        problems.append(from_error(exc, host.name, None, "ipv6_services_prefix", value))
        return {}


def _place(
    host: Host,
    service: Service,
    spaces: t.Mapping[str, Space],
    allocated: t.Mapping[tuple[str, Space], IPv6Address],
    answers: t.Mapping[str, Answer],
    problems: list[Problem],
) -> Placed:
    if service.address:
        address, source = t.cast("IPv6Address | None", service.address), "address"
    elif service.from_router:
        address, source = None, "router"
    elif not _wants_address(host, service):
        address, source = None, "none"
    elif host.name in spaces:
        address, source = allocated.get((service.full_name, spaces[host.name])), "allocated"
    elif service.state == "absent" or service.full_name not in answers:
        address, source = None, "none"
    else:
        address, source = _from_answer(service, answers[service.full_name], problems), "dns"
    elsewhere = service.own or (address is not None and any(address in prefix for prefix in host.routed))
    return Placed(service, address, source, address is not None and not elsewhere, _bindings(service, address))


def _from_answer(service: Service, answer: Answer, problems: list[Problem]) -> IPv6Address | None:
    said = complaint(service.full_name, answer)
    try:
        if not said:
            return parse_address(str(answer.addresses[0]))
        mend = "Give it one AAAA record, or say 'address' in the entry, or set ipv6_services_prefix."
        if answer.status == "failed":
            mend = "See to the name server, name another, or say 'address' in the entry."
    except RequestError as exc:
        said, mend = f"The AAAA record of {service.full_name}: {exc}", "Correct the record."
    problems.append(problem_of(service, "name", service.full_name, said, mend))
    return None


def _bindings(service: Service, address: IPv6Address | None) -> tuple[tuple[Binding, bool], ...]:
    """What it publishes, sorted. The ports are known to be valid. With an address from the router they are NOWHERE yet."""
    if service.state == "absent" or (address is None and not service.from_router):
        return ()
    parts = [parse_port(port, address or NOWHERE) for port in service.ports]
    return tuple(sorted((binding, len(part) > 1) for part in parts for binding in part))


def _host_addresses(hosts: t.Iterable[Host]) -> dict[IPv6Address, str]:
    return {address: host.name for host in hosts for address in host.own}
