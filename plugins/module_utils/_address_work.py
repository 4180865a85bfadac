# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that one call of the module `address` is to do, and what it did: addresses, routed prefixes, units."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils import _address_messages as messages
from ansible_collections.ipv6.services.plugins.module_utils import _duplicate_watch, _manager_hooks, _unit
from ansible_collections.ipv6.services.plugins.module_utils._address_host import Host, HostError
from ansible_collections.ipv6.services.plugins.module_utils._address_plan import (
    Plan,
    contents,
    plan_absent,
    plan_moves,
    plan_present,
    rewrites,
    without,
)
from ansible_collections.ipv6.services.plugins.module_utils._address_request import Item, Request
from ansible_collections.ipv6.services.plugins.module_utils._networkd import drop_in
from ansible_collections.ipv6.services.plugins.module_utils._routed_plan import (
    RoutedPlan,
    plan_routed,
    plan_unrouted,
    prefixes_after,
    without_prefixes,
)
from ansible_collections.ipv6.services.plugins.module_utils._service_address import (
    RoutedPrefix,
    ServiceAddress,
)


@dataclass(frozen=True)
class Work:
    """The plans for the two kinds of item. `errors` has what is wrong with any item, before or after it was tried."""

    addresses: Plan
    prefixes: RoutedPlan
    errors: t.Mapping[Item, str]
    stopped: bool = False  # nothing is to be done, since one wrong item stops all
    asked_again: frozenset[IPv6Address] = frozenset()  # those taken away as duplicates that this call is about

    @property
    def changes(self) -> bool:
        return self.addresses.changes or self.prefixes.changes

    def stop(self) -> Work:
        return Work(Plan(), RoutedPlan(), self.errors, stopped=True)

    def after(self, failed: t.Mapping[Item, str], undone: t.Collection[Item]) -> Work:
        """What it came to, with why items failed, and which of these were taken back."""
        return replace(
            self,
            addresses=without(self.addresses, [item for item in undone if isinstance(item, IPv6Address)]),
            prefixes=without_prefixes(self.prefixes, [item for item in undone if isinstance(item, IPv6Network)]),
            errors={**self.errors, **failed},
        )


def plan_work(request: Request, host: Host) -> Work:
    """Compare what is asked for with the host."""
    addresses = plan_addresses(request, host)
    prefixes = plan_prefixes(request, host)
    found = (request.errors, addresses.errors, prefixes.errors)
    errors = {item: error for errors in found for item, error in errors.items()}
    noted = {address for address, _note in _notes(host)}
    listed = noted.intersection(interface.ip for interface in request.addresses.addresses)
    excluded = set() if errors else {a for a in noted if any(a in prefix for prefix in request.exclusive)}
    return Work(addresses, prefixes, errors, asked_again=frozenset(listed | excluded))


def _notes(host: Host) -> list[tuple[IPv6Address, _duplicate_watch.Note]]:
    """What was taken away from the host since another host had it."""
    notes = _duplicate_watch.parse_notes(host.units.get(_duplicate_watch.NOTES) or "")
    return [(IPv6Address(str(note["address"])), note) for note in notes]


def check_foreign(work: Work, host: Host) -> None:
    """Raises HostError when networkd has to read a changed drop-in, and would take away what is not ours."""
    if host.foreign and host.link is not None and rewrites(work.addresses, host.link, "networkd"):
        raise HostError(messages.foreign(host.foreign, host.link.name, str(host.network_file)))


def plan_addresses(request: Request, host: Host) -> Plan:
    if host.link is None:
        return Plan()
    if not request.present:
        return plan_absent([interface.ip for interface in request.addresses.addresses], host.link)
    stores = host.stores()
    wanted = [
        ServiceAddress(interface.ip, interface.network.prefixlen, request.deprecated, stores[request.persistent])
        for interface in request.addresses.addresses
    ]
    # An address that is there may be what a wrong item was meant to be.
    exclusive = () if request.addresses.errors else request.exclusive
    listed = {*request.addresses.items}
    in_use = [drop_in(host.network_file, p) for p in (True, False)] if host.network_file else []
    moved = [
        item
        for item in plan_moves(host.link, stores, request.backend, in_use)
        if item.address not in listed and not any(item.address in prefix for prefix in exclusive)
    ]
    return plan_present([*wanted, *moved], host.link, exclusive)


def plan_prefixes(request: Request, host: Host) -> RoutedPlan:
    asked = request.routed_prefixes.prefixes
    if not request.present:
        return plan_unrouted(asked, host.prefixes, host.routes)
    wanted = [RoutedPrefix(prefix, request.persistent) for prefix in asked]
    return plan_routed(wanted, host.prefixes, host.routes, host.held, host.ours)


def wanted_units(work: Work, host: Host, ip: str) -> dict[str, str | None]:
    """Unit, or path of a script -> its text, or None when there is nothing for it to do. ip: the path of that program.

    Raises HostError when there is no systemd, or a link's name can't be that of a unit.
    """
    persistent = any(item.persistent for item in prefixes_after(work.prefixes, host.prefixes))
    units: dict[str, str | None] = {_unit.ROUTED_PREFIXES: _unit.render_prefixes(ip) if persistent else None}
    here = {item.store for item in contents(work.addresses, host.link)} if host.link else set()
    if host.link is not None:
        name = host.link.name
        needed = any(store.backend == "none" and store.persistent for store in here)
        if needed and not _unit.nameable(name):
            raise HostError(messages.not_nameable(name))
        units[_unit.addresses_unit(name)] = _unit.render_addresses(name, ip) if needed else None
    if any(units.values()) and not host.systemd:
        raise HostError(messages.no_systemd())
    stores = {*here, *host.stores_elsewhere}
    watched = host.systemd and any(store.persistent for store in stores)
    units[_duplicate_watch.NOTES] = _duplicate_watch.render_notes(_notes_after(work, host, bool(stores))) or None
    units[_unit.WATCH] = _unit.render_watch() if watched else None
    units[_unit.DUPLICATES] = _unit.render_duplicates() if watched else None
    return {**units, **_manager_hooks.render({store.backend for store in stores}, ip)}


def _notes_after(work: Work, host: Host, in_use: bool) -> list[_duplicate_watch.Note]:
    """What stays known. in_use: whether the host has a service address still; with the last one all is forgotten."""
    return [
        note for address, note in _notes(host) if address in work.errors or (in_use and address not in work.asked_again)
    ]


def stale_units(wanted: t.Mapping[str, str | None], host: Host) -> dict[str, str | None]:
    """The units that are not as they should be."""
    return {name: text for name, text in wanted.items() if host.units.get(name) != text}
