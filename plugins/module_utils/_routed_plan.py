# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one call of the module `address` changes about routed prefixes: decided without touching a host."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils import _address_messages as messages
from ansible_collections.ipv6.services.plugins.module_utils._service_address import Held, RoutedPrefix


@dataclass(frozen=True)
class RoutedPlan:
    """No prefix is in two fields."""

    add: tuple[RoutedPrefix, ...] = ()  # no route yet; in the caller's order
    change: tuple[RoutedPrefix, ...] = ()  # only whether it outlives a reboot; in the caller's order
    keep: tuple[RoutedPrefix, ...] = ()
    remove: tuple[IPv6Network, ...] = ()
    absent: tuple[IPv6Network, ...] = ()  # to be removed, and not there
    errors: t.Mapping[IPv6Network, str] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        return bool(self.add or self.change or self.remove)


def plan_routed(
    wanted: t.Sequence[RoutedPrefix],
    marked: t.Collection[RoutedPrefix],
    routes: t.Collection[IPv6Network],
    held: t.Collection[Held],
    ours: t.Collection[IPv6Address],
) -> RoutedPlan:
    """Compare the wanted prefixes with the local routes of the host.

    marked: those that earlier calls wrote down. routes: the local routes there are, whoever made them.
    held, ours: the addresses of the host, and which of them are service addresses.
    """
    known = {item.prefix for item in marked}
    add, change, keep, errors = [], [], [], {}
    for item in wanted:
        covered = _covered(item.prefix, held, ours)
        if covered:
            errors[item.prefix] = messages.prefix_covers(item.prefix, covered.address, covered.length, covered.link)
        elif item.prefix not in known and item.prefix in routes:
            errors[item.prefix] = messages.prefix_not_ours(item.prefix)
        elif item.prefix not in routes:
            add.append(item)
        elif [mark for mark in marked if mark.prefix == item.prefix] == [item]:
            keep.append(item)
        else:
            change.append(item)
    return RoutedPlan(tuple(add), tuple(change), tuple(keep), errors=errors)


def plan_unrouted(
    unwanted: t.Sequence[IPv6Network], marked: t.Collection[RoutedPrefix], routes: t.Collection[IPv6Network]
) -> RoutedPlan:
    """Remove what is ours; a route that is not is an error."""
    known = {item.prefix for item in marked}
    return RoutedPlan(
        remove=tuple(prefix for prefix in unwanted if prefix in known),
        absent=tuple(prefix for prefix in unwanted if prefix not in known and prefix not in routes),
        errors={p: messages.prefix_not_ours(p) for p in unwanted if p not in known and p in routes},
    )


def prefixes_after(plan: RoutedPlan, marked: t.Collection[RoutedPrefix]) -> list[RoutedPrefix]:
    """Those that are to be written down afterwards."""
    touched = {*plan.remove, *(item.prefix for item in (*plan.add, *plan.change))}
    return [mark for mark in marked if mark.prefix not in touched] + [*plan.add, *plan.change]


def without_prefixes(plan: RoutedPlan, failed: t.Collection[IPv6Network]) -> RoutedPlan:
    """The same plan where these prefixes go instead: the kernel refused them."""
    add = tuple(item for item in plan.add if item.prefix not in failed)
    return replace(plan, add=add, remove=(*plan.remove, *failed))


def unanswered(prefixes: t.Iterable[IPv6Network], held: t.Collection[Held]) -> list[str]:
    """A warning for each prefix that lies within one of the host's own links.

    The neighbours ask there by NDP, which a routed prefix doesn't answer (DESIGN.md, fact 8).
    """
    networks = [
        (IPv6Network((h.address, h.length), strict=False), h) for h in held if h.length < 128 and h.link != "lo"
    ]
    warnings = []
    for prefix in prefixes:
        holder = next((h for network, h in networks if prefix.subnet_of(network)), None)
        if holder:
            warnings.append(messages.prefix_unanswered(prefix, holder.address, holder.length, holder.link))
    return warnings


def _covered(prefix: IPv6Network, held: t.Collection[Held], ours: t.Collection[IPv6Address]) -> Held | None:
    """A host address in the prefix: with a local route the host would take its neighbours' addresses for its own."""
    return next((h for h in held if h.address in prefix and h.address not in ours), None)
