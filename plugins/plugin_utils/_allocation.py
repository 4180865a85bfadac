# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names to addresses within prefixes: stable, without any state, and the same whatever the order of the names.

A name has a row of candidates in its prefix, each a hash of the name and of how often it was tried. It takes the first one
that is free. Two names that want one address are settled by the address: the name that got there with fewer tries stays,
then the one with the smaller hash. The other goes on to its next candidate. That is the deferred acceptance of Gale
and Shapley, whose outcome does not depend on the order in which the names come.

So a new name changes the address of another one only where they collide. With n names in a prefix with h host bits a new name
does that with a probability of about n / 2^(h+1): for 1,000 names 3 in 10^17 in a /64, and 0.8 % in a /112.
"""

from __future__ import annotations

import bisect
import hashlib
import typing as t
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError, parse_address, parse_prefix

Interval = tuple[int, int]  # first and last address, both in it

# Interface identifiers that stand for something else in every subnet: the routers (RFC 4291, 2.6.1), what IANA keeps of its
# Ethernet block (RFC 5453), and the anycast identifiers of RFC 2526 in both their forms.
RESERVED_IDENTIFIERS: t.Sequence[Interval] = (
    (0, 0),
    (0x0200_5EFF_FE00_0000, 0x0200_5EFF_FEFF_FFFF),
    (0xFDFF_FFFF_FFFF_FF80, 0xFDFF_FFFF_FFFF_FFFF),
    (0xFFFF_FFFF_FFFF_FF80, 0xFFFF_FFFF_FFFF_FFFF),
)
IDENTIFIER_BITS = 64
ANYCAST = 128  # the last ones of a subnet of any length (RFC 2526)
MOST_TRIES = 64  # of a name for each address of its prefix; the last free one is found in fewer
LEAST_SHARE = 256  # where less than one address of so many is free, the row of candidates gets too long


@dataclass(frozen=True, eq=False)  # compared by identity: what is excluded may be long
class Space:
    """Where a name gets its address. Names that share a prefix share the object."""

    prefix: IPv6Network
    excluded: tuple[Interval, ...] = ()  # sorted, without overlaps

    def is_free(self, address: int) -> bool:
        if _is_in(address, self.excluded) or _is_in(address % (1 << IDENTIFIER_BITS), RESERVED_IDENTIFIERS):
            return False
        host = address - int(self.prefix.network_address)
        return 0 < host < self.prefix.num_addresses - ANYCAST

    def room(self) -> int:
        """How many addresses are free. In prefixes shorter than /64 what is reserved and excluded too counts twice."""
        first, last = int(self.prefix.network_address), int(self.prefix.broadcast_address)
        if self.prefix.prefixlen < IDENTIFIER_BITS:
            subnets = 1 << (IDENTIFIER_BITS - self.prefix.prefixlen)
            reserved = subnets * sum(b - a + 1 for a, b in RESERVED_IDENTIFIERS)
            taken = self.excluded
        else:
            base = first >> IDENTIFIER_BITS << IDENTIFIER_BITS
            reserved = 0
            taken = union(
                [
                    *self.excluded,
                    *((base + a, base + b) for a, b in RESERVED_IDENTIFIERS),
                    (first, first),
                    (last - ANYCAST + 1, last),
                ]
            )
        covered = sum(max(0, min(b, last) - max(a, first) + 1) for a, b in taken)
        return max(0, self.prefix.num_addresses - reserved - covered)


@dataclass(frozen=True)
class _Claim:
    """A name at one of its candidates. The smaller one keeps the address."""

    rank: tuple[int, bytes]
    key: tuple[str, Space]


def parse_space(prefix: object, exclude: object = None) -> Space:
    """prefix: PREFIX/LEN. exclude: a list of ADDRESS, ADDRESS-ADDRESS and PREFIX/LEN.

    Raises RequestError.
    """
    network = parse_prefix(prefix)
    if network.prefixlen > 120:
        raise RequestError(
            f"{network} has no room for services: its {network.num_addresses} addresses are reserved for routers and"
            " anycast (RFC 4291, RFC 2526). Give a /120 or a shorter prefix; a /64 is usual."
        )
    parse_address(str(network.network_address + 1))  # a prefix of link-local, multicast or such addresses
    return Space(network, parse_exclude(exclude))


def parse_exclude(value: object) -> tuple[Interval, ...]:
    """A list of ADDRESS, ADDRESS-ADDRESS and PREFIX/LEN to what is left out, sorted and without overlaps.

    Raises RequestError.
    """
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise RequestError(f"{value!r} is no list. Give a list of addresses, ranges (ADDRESS-ADDRESS) and prefixes.")
    return union([_parse_interval(item) for item in value])


def union(intervals: t.Iterable[Interval]) -> tuple[Interval, ...]:
    """The same addresses, sorted and without overlaps."""
    merged: list[Interval] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def allocate(wanted: t.Iterable[tuple[str, Space]]) -> dict[tuple[str, Space], IPv6Address]:
    """The address of each name in its space; no address is given twice, whatever the prefixes.

    wanted: names, compared without regard to case, and spaces.
    Raises RequestError when a space has not enough room.
    """
    waiting = list(dict.fromkeys((name.lower(), space) for name, space in wanted))
    _check_room(waiting)
    rows = {key: _candidates(*key) for key in waiting}
    held: dict[int, _Claim] = {}
    while waiting:
        key = waiting.pop()
        address, rank = next(rows[key], (None, None))
        if address is None or rank is None:
            raise RequestError(f"{key[1].prefix} has no room left for {key[0]}. Give a shorter prefix.")
        claim = _Claim(rank, key)
        holder = held.get(address)
        if holder is None or claim.rank < holder.rank:
            held[address] = claim
            claim, holder = t.cast("_Claim", holder), claim
        if claim:
            waiting.append(claim.key)
    return {claim.key: IPv6Address(address) for address, claim in held.items()}


def _candidates(name: str, space: Space) -> t.Iterator[tuple[int, tuple[int, bytes]]]:
    """The free addresses in the order in which the name tries them, each with its rank there."""
    first, mask = int(space.prefix.network_address), space.prefix.num_addresses - 1
    text = name.encode()
    for tries in range(MOST_TRIES * space.prefix.num_addresses):
        digest = hashlib.sha256(b"%s/%d" % (text, tries)).digest()
        address = first + (int.from_bytes(digest, "big") & mask)
        if space.is_free(address):
            yield address, (tries, digest)


def _check_room(wanted: t.Iterable[tuple[str, Space]]) -> None:
    names: dict[Space, int] = {}
    for _name, space in wanted:
        names[space] = names.get(space, 0) + 1
    for space, count in names.items():
        room = space.room()
        if room < count:
            raise RequestError(
                f"{space.prefix} has room for {room} services, and {count} want an address there."
                " Give a shorter prefix, or exclude less of it."
            )
        if room * LEAST_SHARE < space.prefix.num_addresses:
            raise RequestError(
                f"{space.prefix} is all but excluded: less than one address of {LEAST_SHARE} is left."
                " Give as prefix the part that services may have."
            )


def _parse_interval(item: object) -> Interval:
    if isinstance(item, str) and "/" in item:
        network = parse_prefix(item)
        return int(network.network_address), int(network.broadcast_address)
    if isinstance(item, str) and "-" in item:
        first, last = (parse_address(part.strip()) for part in item.split("-", 1))
        if last < first:
            raise RequestError(f"{item!r} is a range that runs backwards. Write {last}-{first}.")
        return int(first), int(last)
    address = parse_address(item)
    return int(address), int(address)


def _is_in(value: int, intervals: t.Sequence[Interval]) -> bool:
    index = bisect.bisect_right(intervals, (value, (1 << 128)))
    return index > 0 and intervals[index - 1][0] <= value <= intervals[index - 1][1]
