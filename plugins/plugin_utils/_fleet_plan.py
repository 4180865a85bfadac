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
from ansible_collections.ipv6.services.plugins.plugin_utils._host import Host
from ansible_collections.ipv6.services.plugins.plugin_utils._problem import Problem, from_error
from ansible_collections.ipv6.services.plugins.plugin_utils._service import Service

SCHEMES = {80: "http", 443: "https"}


@dataclass(frozen=True)
class Placed:
    """A service and its address."""

    service: Service
    address: IPv6Address | None  # None: absent, and it is not known; or there is a problem with it
    source: str  # address, allocated, dns or none
    on_link: bool
    bindings: tuple[tuple[Binding, bool], ...] = ()  # each with whether it comes from a range

    @property
    def stays(self) -> bool:
        return self.service.state != "absent"


@dataclass(frozen=True)
class Plan:
    """What is to be of the fleet."""

    placed: t.Mapping[str, tuple[Placed, ...]]  # by host, each in the order of its list
    problems: tuple[Problem, ...]  # by host, in the order of the lists


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
    found += _check_names(everyone)
    found += _check_addresses(everyone, _host_addresses(hosts))
    found += _check_ports(everyone)
    for host in hosts:
        found += check_host(host, placed[host.name])
    return Plan(placed, tuple(sorted(found, key=lambda problem: (problem.host or "", problem.place))))


def _wants_address(host: Host, service: Service) -> bool:
    """Whether it says none, and no error in what it says, or in what the host says, leaves open what is meant."""
    return service.address is None and service.decidable and host.decidable


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
    elif not _wants_address(host, service):
        address, source = None, "none"
    elif host.name in spaces:
        address, source = allocated.get((service.full_name, spaces[host.name])), "allocated"
    elif service.state == "absent" or service.full_name not in answers:
        address, source = None, "none"
    else:
        address, source = _from_answer(service, answers[service.full_name], problems), "dns"
    routed = address is not None and any(address in prefix for prefix in host.routed)
    return Placed(service, address, source, address is not None and not routed, _bindings(service, address))


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
    problems.append(_problem(service, "name", service.full_name, said, mend))
    return None


def _bindings(service: Service, address: IPv6Address | None) -> tuple[tuple[Binding, bool], ...]:
    """What it publishes, sorted. The ports are known to be valid."""
    if address is None or service.state == "absent":
        return ()
    parts = [parse_port(port, address) for port in service.ports]
    return tuple(sorted((binding, len(part) > 1) for part in parts for binding in part))


def _check_names(everyone: t.Iterable[Placed]) -> t.Iterator[Problem]:
    """A name of its own for each container of a host, and for each service of the fleet that stays."""
    containers: dict[tuple[str, str], Service] = {}
    names: dict[str, Service] = {}
    for item in everyone:
        service = item.service
        same = containers.setdefault((service.host, service.name.lower()), service)
        if same is not service:
            text = f"{service.host} has another service {same.name}, entry {same.index + 1} of its list."
            yield _problem(service, "name", service.name, text, "Take one of them out, or give it another name.")
            continue
        other = names.setdefault(service.full_name, service) if item.stays else service
        if other is not service:
            text = f"{service.full_name} is the name of {_who(other)}, too."
            mend = "Give one of them another name, or the state absent where it is to go away."
            yield _problem(service, "name", service.name, text, mend)


def _host_addresses(hosts: t.Iterable[Host]) -> dict[IPv6Address, str]:
    return {address: host.name for host in hosts for address in host.own}


def _check_addresses(everyone: t.Iterable[Placed], of_hosts: t.Mapping[IPv6Address, str]) -> t.Iterator[Problem]:
    """An address of its own for each service that stays, and none that a host has for itself."""
    taken: dict[IPv6Address, Service] = {}
    for item in everyone:
        service, address = item.service, item.address
        if address is None:
            continue
        field = "name" if item.source == "dns" else "address"
        if address in of_hosts:
            text = f"{address} is an address that {of_hosts[address]} has for itself."
            yield _problem(service, field, str(address), text, "Give the service an address of its own.")
        elif item.stays and taken.setdefault(address, service) is not service:
            other = taken[address]
            if other.full_name != service.full_name:  # then it is the name that is told
                text = f"{address} is the address of {_who(other)}, too."
                mend = "Give one of them another address, or the state absent where it is to go away."
                yield _problem(service, field, str(address), text, mend)


def _check_ports(everyone: t.Sequence[Placed]) -> t.Iterator[Problem]:
    """A port once on each address, and only on service addresses of the host."""
    own = {(item.service.host, item.address) for item in everyone if item.stays}
    taken: dict[tuple[IPv6Address, int, str], Service] = {}
    for item in everyone:
        service = item.service
        for binding, _in_range in item.bindings:
            shown = f"[{binding.address}]:{binding.port}/{binding.protocol}"
            if (service.host, binding.address) not in own:
                text = f"{shown} is on an address that no service of {service.host} has."
                yield _problem(
                    service, "ports", shown, text, "Give the address to a service there, or leave it out of the port."
                )
                continue
            other = taken.setdefault((binding.address, binding.port, binding.protocol), service)
            # Services that share an address have been told so; this is about addresses in front of ports.
            if other is not service and binding.address != item.address:
                text = f"{shown} is published by {_who(other)}, too."
                yield _problem(service, "ports", shown, text, "Take it out of one of them.")


def check_host(host: Host, placed: t.Sequence[Placed]) -> t.Iterator[Problem]:
    """Whether the addresses can be reached on this host. Says nothing of a host without facts or services."""
    facts = host.facts
    staying = [item for item in placed if item.stays]
    if not facts or not staying:
        return
    if host.interface and host.interface not in facts.links:
        text = f"{host.interface} is no network interface of {host.name}, which has {', '.join(sorted(facts.links)) or 'none'}."
        yield Problem(host.name, None, "ipv6_services_interface", host.interface, text, "Name one of those.")
        return
    if not facts.prefixes and not facts.host_addresses:
        yield Problem(
            host.name, None, "host", None, "It has no IPv6.", "Give the host an IPv6 address before its services."
        )
        return
    if not facts.default_route:
        text = "It has no IPv6 default route, so its services could not answer beyond the LAN."
        mend = (
            "Set a gateway, or see to the router's advertisements: with forwarding on, the kernel ignores them unless"
            " net.ipv6.conf.INTERFACE.accept_ra is 2."
        )
        yield Problem(host.name, None, "host", None, text, mend)
    interface = host.interface or facts.interface
    prefixes = [prefix for prefix, link in facts.prefixes if interface in (None, link)]
    has = f"{host.name} has {', '.join(map(str, prefixes)) or 'none'} on {interface or 'its interfaces'}"
    reachable = [*prefixes, *host.routed]
    if host.space and not any(host.space.prefix.subnet_of(prefix) for prefix in reachable):
        text = f"{host.space.prefix} is no part of a prefix of the host: {has}."
        mend = (
            "Take a part of one of those, or list it in ipv6_services_routed_prefixes where it is routed to the host."
        )
        yield Problem(host.name, None, "ipv6_services_prefix", str(host.space.prefix), text, mend)
    for item in staying:
        if item.address is not None and item.source != "allocated":
            yield from _check_reach(host, item, item.address, prefixes, has)


def _check_reach(
    host: Host, item: Placed, address: IPv6Address, prefixes: t.Sequence[IPv6Network], has: str
) -> t.Iterator[Problem]:
    field = "name" if item.source == "dns" else "address"
    if any(address == prefix.network_address and prefix.prefixlen < 127 for prefix in prefixes):
        text = f"{address} stands for the routers of its prefix (the subnet-router anycast address)."
        yield _problem(item.service, field, str(address), text, "Give the service another address.")
    elif not any(address in prefix for prefix in (*prefixes, *host.routed)):
        text = f"{address} is in no prefix of the host: {has}."
        mend = "Take one of those, or list its prefix in ipv6_services_routed_prefixes where it is routed to the host."
        yield _problem(item.service, field, str(address), text, mend)


def _problem(service: Service, field: str, value: str, problem: str, mend: str) -> Problem:
    return Problem(service.host, service.name, field, value, problem, mend, service.index + 1)


def _who(service: Service) -> str:
    return f"{service.name} on {service.host}"


def describe(host: Host, placed: t.Iterable[Placed]) -> dict[str, t.Any]:
    """The host's part of the plan for its tasks: addresses, ports and names, and no other option of a service."""
    return {
        "interface": host.interface or (host.facts.interface if host.facts else None),
        "services": [_describe_service(item) for item in placed],
    }


def _describe_service(item: Placed) -> dict[str, t.Any]:
    service = item.service
    ports = [
        {
            "address": str(binding.address),
            "port": binding.port,
            "container_port": binding.container_port,
            "protocol": binding.protocol,
            "range": in_range,
        }
        for binding, in_range in item.bindings
    ]
    return {
        "name": service.name,
        "fqdn": service.full_name,
        "address": str(item.address) if item.address else None,
        "source": item.source,
        "on_link": item.on_link,
        "engine": service.engine,
        "state": service.state,
        "ports": ports,
        "urls": list(_urls(item)),
    }


def _urls(item: Placed) -> t.Iterator[str]:
    """Of the ports that tell their protocol. A name without a domain is none that others could look up."""
    where = item.service.full_name if "." in item.service.full_name else f"[{item.address}]"
    for binding, _in_range in item.bindings:
        if binding.address == item.address and binding.protocol == "tcp" and binding.port in SCHEMES:
            yield f"{SCHEMES[binding.port]}://{where}/"
