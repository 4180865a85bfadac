# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can't be in a fleet: clashes between services, and addresses that a host could not answer on."""

from __future__ import annotations

import typing as t
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils._instance_values import instance_name
from ansible_collections.ipv6.services.plugins.plugin_utils._host import Facts, Host
from ansible_collections.ipv6.services.plugins.plugin_utils._placed import Placed, problem_of, who
from ansible_collections.ipv6.services.plugins.plugin_utils._problem import Problem
from ansible_collections.ipv6.services.plugins.plugin_utils._service import Service


def check_names(everyone: t.Iterable[Placed]) -> t.Iterator[Problem]:
    """A name of its own for each service of a host, whatever runs it, and for each service of the fleet that stays."""
    containers: dict[tuple[str, str], Service] = {}
    instances: dict[tuple[str, ...], Service] = {}
    names: dict[str, Service] = {}
    for item in everyone:
        service = item.service
        same = containers.setdefault((service.host, service.name.lower()), service)
        if same is not service:
            text = f"{service.host} has another service {same.name}, entry {same.index + 1} of its list."
            yield problem_of(service, "name", service.name, text, "Take one of them out, or give it another name.")
            continue
        other = service
        if service.addressing:
            place = (service.host, service.engine, service.project or "", instance_name(service.name.lower()))
            other = instances.setdefault(place, service)
        if other is not service:
            text = f"Its instance would be named {instance_name(service.name)}, as that of {other.name} is."
            yield problem_of(service, "name", service.name, text, "Give one of them another name, or another project.")
            continue
        other = names.setdefault(service.full_name, service) if item.stays else service
        if other is not service:
            text = f"{service.full_name} is the name of {who(other)}, too."
            mend = "Give one of them another name, or the state absent where it is to go away."
            yield problem_of(service, "name", service.name, text, mend)


def _host_addresses(hosts: t.Iterable[Host]) -> dict[IPv6Address, str]:
    return {address: host.name for host in hosts for address in host.own}


def check_addresses(everyone: t.Iterable[Placed], of_hosts: t.Mapping[IPv6Address, str]) -> t.Iterator[Problem]:
    """An address of its own for each service that stays, and none that a host has for itself."""
    taken: dict[IPv6Address, Service] = {}
    for item in everyone:
        service, address = item.service, item.address
        if address is None:
            continue
        field = _field(item)
        if address in of_hosts:
            text = f"{address} is an address that {of_hosts[address]} has for itself."
            yield problem_of(service, field, str(address), text, "Give the service an address of its own.")
        elif item.stays and taken.setdefault(address, service) is not service:
            other = taken[address]
            if other.full_name != service.full_name:  # then it is the name that is told
                text = f"{address} is the address of {who(other)}, too."
                mend = "Give one of them another address, or the state absent where it is to go away."
                yield problem_of(service, field, str(address), text, mend)


def check_ports(everyone: t.Sequence[Placed]) -> t.Iterator[Problem]:
    """A port once on each address, and only on service addresses of the host."""
    own = {(item.service.host, item.address) for item in everyone if item.stays and not item.service.own}
    taken: dict[tuple[IPv6Address, int, str], Service] = {}
    for item in everyone:
        service = item.service
        if service.own:  # its ports are its own affair
            continue
        for binding, _in_range in item.bindings:
            shown = f"[{binding.address}]:{binding.port}/{binding.protocol}"
            if (service.host, binding.address) not in own:
                text = f"{shown} is on an address that no service of {service.host} has."
                yield problem_of(
                    service, "ports", shown, text, "Give the address to a service there, or leave it out of the port."
                )
                continue
            other = taken.setdefault((binding.address, binding.port, binding.protocol), service)
            # Services that share an address have been told so; this is about addresses in front of ports.
            if other is not service and binding.address != item.address:
                text = f"{shown} is published by {who(other)}, too."
                yield problem_of(service, "ports", shown, text, "Take it out of one of them.")


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
        yield from _check_user(item, facts)
        if item.service.own:
            yield from _check_own(host, item, facts)
        elif item.address is not None and item.source != "allocated":
            yield from _check_reach(host, item, item.address, prefixes, has)


def _check_user(item: Placed, facts: Facts) -> t.Iterator[Problem]:
    user = item.service.podman_user
    if user and facts.users.get(user) is False:
        text = f"{item.service.host} has no user {user}."
        yield problem_of(
            item.service, "podman_user", user, text, f"Make it there first (useradd -m {user}), or name another."
        )


def _check_own(host: Host, item: Placed, facts: Facts) -> t.Iterator[Problem]:
    """Whether a NIC on the LAN can have the address. Nothing is known of a link that the host has no address on."""
    parent = item.service.parent or host.interface or facts.interface
    if parent is not None and parent not in facts.links:
        text = f"{parent} is no network interface of {host.name}, which has {', '.join(sorted(facts.links)) or 'none'}."
        yield problem_of(item.service, "parent", parent, text, "Name one of those.")
        return
    address = item.address
    prefixes = [prefix for prefix, link in facts.prefixes if link == parent]
    if address is None or not prefixes:
        return
    if any(address in prefix for prefix in host.routed):
        text = f"{address} is in a prefix that is routed to the host, and a NIC of the instance's own is on the LAN."
        mend = f"Take an address of {', '.join(map(str, prefixes))}, or write addressing: publish."
        yield problem_of(item.service, _field(item), str(address), text, mend)
        return
    yield from _check_reach(host, item, address, prefixes, f"{parent} has {', '.join(map(str, prefixes))}")


def _check_reach(
    host: Host, item: Placed, address: IPv6Address, prefixes: t.Sequence[IPv6Network], has: str
) -> t.Iterator[Problem]:
    field = _field(item)
    if any(address == prefix.network_address and prefix.prefixlen < 127 for prefix in prefixes):
        text = f"{address} stands for the routers of its prefix (the subnet-router anycast address)."
        yield problem_of(item.service, field, str(address), text, "Give the service another address.")
    elif not any(address in prefix for prefix in (*prefixes, *host.routed)):
        text = f"{address} is in no prefix of the host: {has}."
        mend = "Take one of those, or list its prefix in ipv6_services_routed_prefixes where it is routed to the host."
        yield problem_of(item.service, field, str(address), text, mend)


def _field(item: Placed) -> str:
    """What of the entry has given the address."""
    return "name" if item.source == "dns" else "address"
