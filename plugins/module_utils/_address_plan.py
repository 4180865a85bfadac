# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one call of the module `address` changes on one link: decided without touching a host."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils import _address_messages as messages
from ansible_collections.ipv6.services.plugins.module_utils._service_address import Held, ServiceAddress, Store


@dataclass(frozen=True)
class Plan:
    """No address is in two fields, except in `drop`."""

    add: tuple[ServiceAddress, ...] = ()  # not on the link, or failed there; in the caller's order
    change: tuple[ServiceAddress, ...] = ()  # ours, with another length, lifetime or store; in the caller's order
    keep: tuple[ServiceAddress, ...] = ()  # in the caller's order
    remove: tuple[IPv6Address, ...] = ()  # sorted
    absent: tuple[IPv6Address, ...] = ()  # to be removed, and not there; in the caller's order
    drop: tuple[Held, ...] = ()  # what has to go from the link before anything else; sorted by address
    errors: t.Mapping[IPv6Address, str] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        return bool(self.add or self.change or self.remove)

    def touched(self) -> set[IPv6Address]:
        """The addresses whose entries in the files go, or are written anew."""
        return {*self.remove, *(item.address for item in (*self.add, *self.change))}


@dataclass(frozen=True)
class Link:
    """What is on a link, and what is written down."""

    name: str
    marked: t.Collection[ServiceAddress]  # ours on this link; an address can stand in two stores
    held: t.Collection[Held]  # every global address of the host, whatever its link
    elsewhere: t.Mapping[IPv6Address, str] = field(default_factory=dict)  # ours on other links -> link
    carrier: bool = True

    def entries(self) -> dict[IPv6Address, list[ServiceAddress]]:
        found: dict[IPv6Address, list[ServiceAddress]] = {}
        for item in self.marked:
            found.setdefault(item.address, []).append(item)
        return found

    def here(self) -> dict[IPv6Address, Held]:
        return {held.address: held for held in self.held if held.link == self.name}

    def others(self) -> dict[IPv6Address, str]:
        return {held.address: held.link for held in self.held if held.link != self.name}


def is_right(item: ServiceAddress, held: Held | None) -> bool:
    """Whether the link has the address as it is wanted; it may still be tentative."""
    return held is not None and held.length == item.length and held.deprecated == item.deprecated and not held.duplicate


def plan_present(wanted: t.Sequence[ServiceAddress], link: Link, exclusive: t.Sequence[IPv6Network] = ()) -> Plan:
    """Compare what is wanted with what the link has.

    exclusive: prefixes in which only wanted service addresses stay; none removes nothing, and neither does a call with an
    error, since an address that is there may be what the wrong item was meant to be.

    Removes only what is written down as ours, so never a host address (DESIGN.md, facts 5 and 7).
    """
    entries, here, others = link.entries(), link.here(), link.others()
    add, change, keep, errors = [], [], [], {}
    for item in wanted:
        marks, held = entries.get(item.address, []), here.get(item.address)
        other = link.elsewhere.get(item.address)
        if other:
            errors[item.address] = messages.elsewhere(item.address, other)
        elif item.address in others and not marks:
            errors[item.address] = messages.not_ours(item.address, others[item.address])
        elif held and not marks:
            errors[item.address] = messages.not_ours(item.address, link.name)
        elif marks == [item] and (is_right(item, held) or (not held and not link.carrier)):
            # Without carrier networkd sets nothing yet.
            keep.append(item)
        elif not held or held.duplicate:
            add.append(item)
        else:
            change.append(item)
    listed = {item.address for item in wanted}
    within = () if errors else exclusive
    remove = sorted(a for a in entries if a not in listed and any(a in prefix for prefix in within))
    drop = {address: here[address] for address in remove if address in here}
    for item in (*add, *change):
        held = here.get(item.address)
        # The kernel can't change the length of an address, and never looks again at one that failed.
        if held and (held.duplicate or held.length != item.length):
            drop[item.address] = held
    return Plan(tuple(add), tuple(change), tuple(keep), tuple(remove), (), _sorted(drop), errors)


def plan_moves(
    link: Link, chosen: t.Mapping[bool, Store], asked: str, networkd: t.Collection[str]
) -> list[ServiceAddress]:
    """The service addresses that another network manager had in its files, as the chosen backend is to have them.

    chosen: where it keeps them, by whether they outlive a reboot. asked: the backend that the call names, or "auto".
    networkd: the paths of the drop-ins that systemd-networkd reads for the link. What a call put there by name stays there
    when another call names another backend, while the batch file of a link is that of one backend only.
    """

    def stays(store: Store) -> bool:
        if store in chosen.values():
            return True
        if asked == "auto":
            return False
        return store.path in networkd if store.backend == "networkd" else asked == "networkd"

    moved = [mark for mark in link.marked if not stays(mark.store)]
    return sorted({mark.address: mark._replace(store=chosen[mark.store.persistent]) for mark in moved}.values())


def plan_absent(unwanted: t.Sequence[IPv6Address], link: Link) -> Plan:
    """Remove what is ours; what is not ours, or is ours on another link, is an error."""
    entries, here, others = link.entries(), link.here(), link.others()
    remove, absent, errors = [], [], {}
    for address in unwanted:
        if address in entries:
            remove.append(address)
        elif address in link.elsewhere:
            errors[address] = messages.elsewhere(address, link.elsewhere[address])
        elif address in here or address in others:
            errors[address] = messages.not_ours(address, others.get(address, link.name))
        else:
            absent.append(address)
    drop = {address: here[address] for address in remove if address in here}
    return Plan(remove=tuple(sorted(remove)), absent=tuple(absent), drop=_sorted(drop), errors=errors)


def contents(plan: Plan, link: Link) -> list[ServiceAddress]:
    """What is written down for the link afterwards."""
    touched = plan.touched()
    return [mark for mark in link.marked if mark.address not in touched] + [*plan.add, *plan.change]


def by_path(items: t.Iterable[ServiceAddress]) -> dict[str, list[ServiceAddress]]:
    """The path of each file -> what is in it."""
    files: dict[str, list[ServiceAddress]] = {}
    for item in items:
        files.setdefault(item.store.path, []).append(item)
    return files


def rewrites(plan: Plan, link: Link, backend: str) -> bool:
    """Whether a file of that backend is written anew."""
    touched = plan.touched()
    items = [*plan.add, *plan.change, *(mark for mark in link.marked if mark.address in touched)]
    return any(item.store.backend == backend for item in items)


def without(plan: Plan, failed: t.Collection[IPv6Address]) -> Plan:
    """The same plan where these addresses go instead: they turned out to be another host's, or the kernel refused them."""
    if not failed:
        return plan
    add, change, keep = (
        tuple(item for item in items if item.address not in failed) for items in (plan.add, plan.change, plan.keep)
    )
    return replace(plan, add=add, change=change, keep=keep, remove=tuple(sorted({*plan.remove, *failed})))


def _sorted(drop: t.Mapping[IPv6Address, Held]) -> tuple[Held, ...]:
    return tuple(drop[address] for address in sorted(drop))
