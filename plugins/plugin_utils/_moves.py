# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that are on another host, or on another kind of engine, than the list has them; decided from what hosts found.

Only hosts that were reached in this run have facts, so a service leaves a host only for one that can take it.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.plugin_utils._host import Found, Host
from ansible_collections.ipv6.services.plugins.plugin_utils._names import parse_name
from ansible_collections.ipv6.services.plugins.plugin_utils._placed import Placed
from ansible_collections.ipv6.services.plugins.plugin_utils._service import Service

MOST_NAMED = 5


@dataclass(frozen=True)
class Move:
    """A service that leaves a place, and what the list has instead: somewhere else, or absent there."""

    host: str  # where it is
    found: Found
    service: Service


def find_moves(hosts: t.Sequence[Host]) -> tuple[Move, ...]:
    """By host, in the order in which they were found."""
    staying = {s.full_name: s for host in hosts for s in reversed(host.services) if s.state != "absent"}
    reached = {host.name for host in hosts if host.facts}
    moves: dict[tuple[str, str, str], Move] = {}
    for host in hosts:
        here = {service.full_name: service for service in reversed(host.services)}
        for found in host.facts.found if host.facts else ():
            name = _full_name(found, host)
            service = _instead(found, here.get(name), staying.get(name), reached)
            if service:
                moves.setdefault((host.name, name, found.kind.name), Move(host.name, found, service))
    return tuple(moves.values())


def _full_name(found: Found, host: Host) -> str:
    """As that of a service; no name when a mark has none."""
    try:
        return parse_name(found.name, host.domain)
    except RequestError:
        return ""


def _instead(found: Found, here: Service | None, staying: Service | None, reached: t.Collection[str]) -> Service | None:
    """What the list has instead of a service that was found; None where it stays, or where that is left to the modules.

    here: what the list of the same host has of that name. staying: what the list of any host has, and is not absent.
    """
    if here and here.kind is found.kind:
        return None
    if staying:
        return staying if staying.host in reached else None
    return here


def leaving_addresses(
    host: Host, placed: t.Sequence[Placed], moves: t.Iterable[Move], given: t.Collection[IPv6Address | None]
) -> list[IPv6Address]:
    """Service addresses of the host's interfaces that go with the services that move, or that the plan gives elsewhere.

    placed, moves: of the host. given: the addresses of all services of the fleet that stay.
    One that a service has which is not listed any more stays: it is for `ipv6_services_purge`.
    """
    kept = {item.address for item in placed if item.stays and item.on_link}
    spare = host.facts.service_addresses - kept if host.facts else frozenset()
    if not host.facts or not spare:
        return []
    moved = {move.found for move in moves}
    listed = {item.service.full_name for item in placed}
    held = {f.address for f in host.facts.found if f not in moved and _full_name(f, host) not in listed}
    gone = {found.address for found in moved}
    return sorted(a for a in spare if a in gone or (a in given and a not in held))


def not_listed(
    host: Host, moves: t.Iterable[Move], staying: t.Collection[str]
) -> tuple[list[tuple[str, Found]], list[tuple[str, Found]]]:
    """What of ours is on the host, that its list has not and that does not move: each with its full name.

    moves: of the host. staying: full names of all services of the fleet that stay.
    The first are nowhere else in the list, either. The second are: on a host that was not reached, so they wait here for it.
    """
    moved = {move.found for move in moves}
    here = {service.full_name for service in host.services}
    rest = [
        (_full_name(found, host), found) for found in (host.facts.found if host.facts else ()) if found not in moved
    ]
    rest = [(name, found) for name, found in rest if name not in here]
    return [(n, f) for n, f in rest if n not in staying], [(n, f) for n, f in rest if n in staying]


def warn_of_unreached(
    hosts: t.Sequence[Host], placed: t.Mapping[str, t.Sequence[Placed]], unreached: t.Sequence[str]
) -> list[str]:
    """What would clash if a host that was not reached still had a service that comes to another one: one line, or none.

    unreached: hosts of the play, sorted.
    """
    new = [
        item
        for host in hosts
        if host.facts
        for item in placed[host.name]
        if item.stays and item.address and not _is_there(item, host)
    ]
    if not new or not unreached:
        return []
    services = _some([f"{i.service.name} ({i.address}, new on {i.service.host})" for i in new])
    were, one = ("were", "one of them") if len(unreached) > 1 else ("was", "it")
    return [
        f"{_some(unreached)} {were} not reached in this run. If {one} still has {services}, that address is a duplicate:"
        f" it is told, and not used. Then run again with {_some(unreached)}, which gives it up, or switch {one} off for good."
    ]


def _is_there(item: Placed, host: Host) -> bool:
    """Whether the host has the service's address, or no other host could have it."""
    facts = host.facts
    if not facts or not (item.on_link or item.service.own):
        return True
    names = {(found.name, found.kind.name) for found in facts.found}
    return item.address in facts.service_addresses or (item.service.name, item.service.kind.name) in names


def _some(names: t.Sequence[str]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join([*names[:MOST_NAMED], *([f"{rest} more"] if rest > 0 else [])])
