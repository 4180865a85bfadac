# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one call of the module `guard` comes to: decided without touching a host.

A host address is never guarded: that would lock out whoever comes by it.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils import _guard_messages as messages
from ansible_collections.ipv6.services.plugins.module_utils._guard_elements import Elements, union, without_nested
from ansible_collections.ipv6.services.plugins.module_utils._guard_request import Guarded, Request
from ansible_collections.ipv6.services.plugins.module_utils._service_address import Held


@dataclass(frozen=True)
class Host:
    """What the plan has to know of the host."""

    held: t.Collection[Held]  # every global address
    ours: t.Collection[IPv6Address]  # those that are written down as service addresses
    prefixes: t.Collection[IPv6Network]  # the routed prefixes that are written down
    connection: tuple[IPv6Address, int] | None = None  # where this very call came in by ssh

    @functools.cached_property
    def own(self) -> list[Held]:
        """The host addresses."""
        return [held for held in self.held if held.address not in self.ours]

    def marked(self, network: IPv6Network) -> bool:
        """Whether it is a service address, as a /128, or lies in a routed prefix."""
        return network.network_address in self.ours or any(network.subnet_of(prefix) for prefix in self.prefixes)


@dataclass(frozen=True)
class Plan:
    """What the sets of the guard are to have."""

    elements: Elements
    services: tuple[Guarded, ...]  # in the caller's order, each with what is wrong with it
    prefix_errors: t.Mapping[t.Any, str] = field(default_factory=dict)

    @property
    def errors(self) -> list[str]:
        return [service.error for service in self.services if service.error] + list(self.prefix_errors.values())


def plan(request: Request, before: Elements, host: Host) -> Plan:
    """before: what the sets have now.

    What is not listed goes, with `purge`. It stays, as long as it is a service address, when an item is wrong, since it may
    be the one that was meant.
    """
    services = tuple(_checked(service, host) for service in request.services)
    right = [service for service in services if not service.error]
    prefix_errors = dict(request.routed_prefixes.errors)
    elements = union(service.elements for service in right if not service.absent)
    for prefix in request.routed_prefixes.prefixes:
        error = _refusal(prefix, elements, host)
        if error:
            prefix_errors[prefix] = error
        else:
            elements |= Elements(frozenset([prefix]))
    planned = Plan(elements, services, prefix_errors)
    if planned.errors or not request.purge:
        listed = {IPv6Network(service.address) for service in right if service.address}
        elements |= before.of(
            lambda network: network not in listed and host.marked(network) and not _refusal(network, before, host)
        )
    return replace(planned, elements=replace(elements, addresses=frozenset(without_nested(elements.addresses))))


def _checked(service: Guarded, host: Host) -> Guarded:
    if service.error or service.absent or service.address is None:
        return service
    return replace(service, error=_refusal(IPv6Network(service.address), service.elements, host))


def _refusal(network: IPv6Network, elements: Elements, host: Host) -> str | None:
    """Why an address, as a /128, or a prefix can't be guarded; None when it can."""
    own = next((h for h in host.own if h.address in network), None)
    if own:
        return messages.host_address(network, own.address, own.link)
    if host.connection and host.connection[0] in network and not _lets_in(elements, *host.connection):
        return messages.connection(network, *host.connection)
    return None


def _lets_in(elements: Elements, address: IPv6Address, port: int) -> bool:
    """Whether everybody can connect to the port by TCP."""
    return any(
        item.address == address and item.protocol == "tcp" and item.first <= port <= item.last
        for item in elements.published
    )


# ---------------------------------------------------------------- what was done to each


def actions(services: t.Iterable[Guarded], before: Elements, after: Elements) -> list[str]:
    """To each service; "failed" to one with an error."""
    had, has = _by_address(before), _by_address(after)
    prefixes = [network for network in before.addresses if network.prefixlen < 128]
    found = []
    for service in services:
        if service.error or service.address is None:
            found.append("failed")
            continue
        inside = any(service.address in prefix for prefix in prefixes)
        known = IPv6Network(service.address) in before.addresses
        old, new = had.get(service.address, set()), has.get(service.address, set())
        found.append(_action(service.absent, known or bool(old), inside, old, new))
    return found


def _action(absent: bool, known: bool, inside: bool, old: set[object], new: set[object]) -> str:
    """known: whether it was guarded for itself. inside: or with its prefix. old, new: what was, and is, let through."""
    if absent:
        return "removed" if known else "absent"
    if not known and (new or not inside):
        return "added"
    return "kept" if old == new else "changed"


def prefix_action(prefix: IPv6Network, before: Elements) -> str:
    return "kept" if prefix in before.addresses else "added"


def _by_address(elements: Elements) -> dict[IPv6Address, set[object]]:
    """What is let through to each address."""
    found: dict[IPv6Address, set[object]] = {}
    for port in elements.published:
        found.setdefault(port.address, set()).add(port)
    for item in elements.allowed:
        found.setdefault(item.port.address, set()).add(item)
    return found
