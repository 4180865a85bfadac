# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a whole call of dns_record reads and changes: names, and the PTR of their addresses."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils import _dns_messages as messages
from ansible_collections.ipv6.services.plugins.module_utils._dns_names import is_within, reverse_name
from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import (
    Change,
    Rrset,
    State,
    StrangerError,
    mark_of,
    marked_names,
    plan_gone,
    plan_name,
)
from ansible_collections.ipv6.services.plugins.module_utils._dns_read import Found, Reader
from ansible_collections.ipv6.services.plugins.module_utils._dns_request import Entry, Request

REVERSE = "ip6.arpa"

Item = t.Union[int, str]  # the place in the list, or the name that `purge` removes


@dataclass(frozen=True)
class Task:
    """A change at one name, and for which item."""

    item: Item
    zone: str
    change: Change


@dataclass
class Work:
    """What one call does."""

    tasks: list[Task] = field(default_factory=list)  # without those that change nothing
    errors: dict[Item, list[str]] = field(default_factory=dict)
    left: dict[Item, str] = field(default_factory=dict)  # names that are to go, and are not ours: whose they are
    stopped: bool = False  # one wrong item stops all

    def fail(self, item: Item, error: str) -> None:
        """Once for each reason, since a name and its PTR may fail for the same one."""
        if error not in self.errors.setdefault(item, []):
            self.errors[item].append(error)


def read_call(request: Request, reader: Reader) -> list[str]:
    """Read all that the call is about. Gives the names that `purge` removes. Raises DnsError."""
    names: dict[str, t.Collection[str]] = {e.name: {"AAAA", *e.rrsets} for e in request.entries.values()}
    if request.purge:
        names.update({name: ("AAAA",) for name in request.keep if name not in names})
    reader.read(names)
    for zone in request.zones if request.purge else ():
        reader.read_zone(zone)
    purged = names_to_purge(request, reader.found.state)
    wanted = [reverse for e in request.entries.values() for reverse in e.pointers]
    gone = [reverse for reverse, _item, _name in pointers_to_leave(request, purged, reader.found.state)]
    reader.read(dict.fromkeys((*wanted, *gone), ("PTR",)))
    return purged


def plan_call(request: Request, purged: t.Sequence[str], found: Found) -> Work:
    """Compare what is asked for with what was read."""
    work = Work(errors={place: [error] for place, error in request.errors.items()})
    for place, entry in request.entries.items():
        _plan_entry(place, entry, request, found, work)
    for name in purged:
        _add(work, name, plan_gone(name, found.state, request.owner), found)
    wanted = {reverse for entry in request.entries.values() for reverse in entry.pointers}
    left = pointers_to_leave(request, purged, found.state)
    for reverse, item, name in left:
        if reverse not in wanted and leads_to(reverse, name, found.state):
            _add(work, item, plan_gone(reverse, found.state, request.owner), found)
    _purge_pointers(request, wanted | {reverse for reverse, _item, _name in left}, found, work)
    return work


def names_to_purge(request: Request, state: State) -> list[str]:
    """Names of the fleet's that the call does not name. None, where an item is wrong, since it may mean one of them."""
    if not request.purge or request.errors:
        return []
    named = request.keep.union(entry.name for entry in request.entries.values())
    return [name for name in marked_names(state, request.owner) if name not in named and not is_within(name, REVERSE)]


def pointers_to_leave(request: Request, purged: t.Iterable[str], state: State) -> list[tuple[str, Item, str]]:
    """Reverse names, with their item and its name, of addresses that names of ours have, and are to lose.

    And of those that an item, whose name is to be gone, lists.
    """
    found: list[tuple[str, Item, str]] = []
    items: list[tuple[Item, str, tuple[IPv6Address, ...]]] = [
        (place, entry.name, () if entry.rrsets else entry.addresses) for place, entry in request.entries.items()
    ]
    kept = {entry.name: entry.pointers for entry in request.entries.values()}
    for item, name, listed in (*items, *((name, name, ()) for name in purged)):
        addresses = dict.fromkeys((*listed, *_addresses_of_ours(name, state, request.owner)))
        reverses = (reverse_name(address) for address in addresses)
        found += [(reverse, item, name) for reverse in reverses if reverse not in kept.get(name, {})]
    return found


def leads_to(reverse: str, name: str, state: State) -> bool:
    return state.get(reverse, {}).get("PTR", Rrset(0, ())).values == (f"{name}.",)


def _addresses_of_ours(name: str, state: State, fleet: str) -> list[IPv6Address]:
    mark = mark_of(name, state)
    if mark is None or mark.owner != fleet or "AAAA" not in mark.types:
        return []
    rrset = state.get(name, {}).get("AAAA")
    return [IPv6Address(value) for value in rrset.values] if rrset else []


def _plan_entry(place: int, entry: Entry, request: Request, found: Found, work: Work) -> None:
    wanted = [
        (entry.name, entry.rrsets, "AAAA"),
        *((name, {"PTR": rrset}, "PTR") for name, rrset in entry.pointers.items()),
    ]
    for name, rrsets, main_type in wanted:
        error = found.errors.get(name)
        if error:
            work.fail(place, messages.no_pointer_zone(error) if main_type == "PTR" else error)
            continue
        try:
            change = plan_name(name, rrsets, found.state, request.owner, adopt=request.adopt, main_type=main_type)
        except StrangerError as exc:
            if not entry.rrsets:
                work.left[place] = str(exc)
                return
            work.fail(place, str(exc))
            if main_type == "AAAA":
                return  # where the name is somebody else's, so is what leads to it
            continue
        _add(work, place, change, found)


def _purge_pointers(request: Request, known: t.AbstractSet[str], found: Found, work: Work) -> None:
    """PTR of the fleet's that nothing in the call is about, and that do not lead to a name that is kept."""
    if not request.purge or request.errors:
        return
    kept = {f"{name}." for name in request.keep}
    for reverse in marked_names(found.state, request.owner):
        if is_within(reverse, REVERSE) and reverse not in known:
            pointer = found.state.get(reverse, {}).get("PTR")
            if pointer is None or not kept.intersection(pointer.values):
                _add(work, reverse, plan_gone(reverse, found.state, request.owner), found)


def _add(work: Work, item: Item, change: Change, found: Found) -> None:
    if not change.sets:
        return
    zone = found.zones.get(change.name) or _zone_of_transferred(change.name, found)
    work.tasks.append(Task(item, zone, change))


def _zone_of_transferred(name: str, found: Found) -> str:
    """Of a name that no item is about: it came with a transfer."""
    return max((zone for zone in found.how if is_within(name, zone)), key=len)
