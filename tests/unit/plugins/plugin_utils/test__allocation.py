# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import random
import time
from ipaddress import IPv6Address, IPv6Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.plugin_utils._allocation import (
    Space,
    allocate,
    parse_space,
    union,
)

LAN = "2001:db8::/64"

names_of_a_fleet = st.lists(
    st.integers(0, 10_000).map(lambda i: f"n{i}.example.com"), min_size=1, max_size=90, unique=True
)
# So small that names collide all the time: 127, 383 and 895 addresses.
small_prefixes = st.sampled_from(["2001:db8::/120", "2001:db8::ac00/119", "2001:db8:1::/118"])
seeds = st.integers(0, 2**32)


def addresses(names, space):
    """name -> address."""
    return {name: address for (name, _space), address in allocate((n, space) for n in names).items()}


def is_reserved(address: IPv6Address, prefix: IPv6Network) -> bool:
    """Written from the RFCs, not from the code: RFC 4291 2.6.1, RFC 2526 2, and IANA's registry of interface identifiers."""
    identifier = int(address) & 0xFFFF_FFFF_FFFF_FFFF
    return (
        address == prefix[0]
        or identifier == 0
        or address in [prefix[-n] for n in range(1, 129)]
        or 0x0200_5EFF_FE00_0000 <= identifier <= 0x0200_5EFF_FEFF_FFFF
        or 0xFDFF_FFFF_FFFF_FF80 <= identifier <= 0xFDFF_FFFF_FFFF_FFFF
        or identifier >= 0xFFFF_FFFF_FFFF_FF80
    )


@given(names=names_of_a_fleet, prefix=small_prefixes, seed=seeds)
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_names_does_not_matter(names, prefix, seed):
    space = parse_space(prefix)
    shuffled = random.Random(seed).sample(names, len(names))  # noqa: S311
    assert addresses(names, space) == addresses(shuffled, space)


@given(names=names_of_a_fleet, prefix=small_prefixes)
@settings(max_examples=60, deadline=None)
def test_every_name_has_an_address_of_its_own_in_the_prefix(names, prefix):
    given_out = addresses(names, parse_space(prefix))
    assert given_out.keys() == set(names)
    assert len(set(given_out.values())) == len(names)
    network = IPv6Network(prefix)
    assert all(address in network and not is_reserved(address, network) for address in given_out.values())


@given(names=names_of_a_fleet, new=st.integers(20_000, 30_000), prefix=small_prefixes)
@settings(max_examples=100, deadline=None)
def test_a_new_name_changes_no_other_unless_they_collide(names, new, prefix):
    space, new_name = parse_space(prefix), f"n{new}.example.com"
    before, after = addresses(names, space), addresses([*names, new_name], space)
    moved = {name for name in names if before[name] != after[name]}
    if addresses([new_name], space)[new_name] not in before.values():
        assert not moved  # its first choice was free
    # Whoever moved lost its address to the new name, or to one that moved too.
    assert {before[name] for name in moved} <= {after[name] for name in moved | {new_name}}


@given(names=names_of_a_fleet, seed=seeds)
@settings(max_examples=60, deadline=None)
def test_nothing_is_given_out_that_is_excluded(names, seed):
    draw = random.Random(seed)  # noqa: S311
    network = IPv6Network("2001:db8::/117")
    one, other = sorted(draw.sample(range(2, 1900), 2))
    exclude = [str(network[1]), f"{network[one]}-{network[min(other, one + 1500)]}", f"{network[0]}/124"]
    space = parse_space(str(network), exclude)
    taken = [a for a in network if a == network[1] or one <= int(a) - int(network[0]) <= min(other, one + 1500)]
    assert not set(taken) & set(addresses(names, space).values())
    assert not any(a in IPv6Network(f"{network[0]}/124") for a in addresses(names, space).values())


@given(names=names_of_a_fleet, victim=st.integers(0, 89))
@settings(max_examples=60, deadline=None)
def test_to_exclude_an_address_moves_the_name_that_had_it_and_whom_that_one_displaces(names, victim):
    space = parse_space("2001:db8::/118")
    before = addresses(names, space)
    gone = before[names[victim % len(names)]]
    after = addresses(names, parse_space("2001:db8::/118", [str(gone)]))
    moved = {name for name in names if before[name] != after[name]}
    assert gone not in after.values()
    assert {before[name] for name in moved} - {gone} <= {after[name] for name in moved}


def test_a_name_gets_the_bits_of_its_hash():
    digest = hashlib.sha256(b"web1.example.com/0").digest()
    assert addresses(["web1.example.com"], parse_space(LAN))["web1.example.com"].packed[8:] == digest[-8:]


@pytest.mark.parametrize(
    "name, prefix, expected",
    [
        ("web1.example.com", "2001:db8::/64", "2001:db8::fdbd:f3bb:2479:1926"),
        ("web1", "2001:db8::/64", "2001:db8::10de:4c1d:a632:ec63"),
        ("WEB1.Example.Com", "2001:db8::/64", "2001:db8::fdbd:f3bb:2479:1926"),
        ("web1.example.com", "2001:db8::/112", "2001:db8::1926"),
        ("web1.example.com", "2001:db8::/96", "2001:db8::2479:1926"),
    ],
)
def test_addresses_never_change_from_one_release_to_the_next(name, prefix, expected):
    assert set(addresses([name], parse_space(prefix)).values()) == {IPv6Address(expected)}


def test_prefixes_that_overlap_never_give_one_address_twice():
    """100 names in a /119, 100 others in a /120 within it."""
    inner, outer = parse_space("2001:db8::/120"), parse_space("2001:db8::/119")
    given_out = allocate([*((f"a{i}", inner) for i in range(100)), *((f"b{i}", outer) for i in range(100))])
    assert len(set(given_out.values())) == len(given_out) == 200


def test_a_prefix_can_be_filled():
    space = parse_space("2001:db8::/120")
    assert (
        sorted(addresses([f"n{i}" for i in range(127)], space).values()) == list(IPv6Network("2001:db8::/120"))[1:128]
    )


@pytest.mark.parametrize("prefix", ["2001:db8::/64", "2001:db8::/32", "2001:db8::/48", "2000::/3", "2001:db8::/96"])
def test_ten_thousand_names_in_a_wide_prefix_take_no_time(prefix):
    started = time.monotonic()
    assert len(addresses([f"n{i}.example.com" for i in range(10_000)], parse_space(prefix))) == 10_000
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "prefix, exclude, room",
    [
        pytest.param("2001:db8::/120", [], 127, id="a /120 has 256, less one and 128"),
        pytest.param("2001:db8::/112", [], 65536 - 129, id="a /112"),
        pytest.param("2001:db8::200:5eff:fe00:0/112", [], 0, id="a /112 of IANA's identifiers has none"),
        pytest.param(
            "2001:db8::/120", ["2001:db8::1", "2001:db8::-2001:db8::4"], 123, id="what is excluded twice counts once"
        ),
        pytest.param("2001:db8::/120", ["2001:db8:1::/64"], 127, id="what is excluded elsewhere does not count"),
        pytest.param("2001:db8::/64", [], 2**64 - 1 - 2**24 - 128 - 128, id="a /64"),
        pytest.param("2001:db8::/63", [], 2 * (2**64 - 1 - 2**24 - 128 - 128), id="a /63 is two of them"),
    ],
)
def test_room(prefix, exclude, room):
    network = IPv6Network(prefix)
    assert Space(network, parse_exclude_freely(exclude)).room() == room


@pytest.mark.parametrize(
    "prefix", ["2001:db8::/118", "2001:db8::200:5eff:feff:fe00/118", "2001:db8::fdff:ffff:ffff:fe00/118"]
)
def test_room_is_what_is_free(prefix):
    """Counted one by one, over the borders of reserved ranges."""
    network = IPv6Network(prefix, strict=False)
    space = Space(network)
    free = [a for a in network if space.is_free(int(a))]
    assert len(free) == space.room()
    assert free == [a for a in network if not is_reserved(a, network)]


def parse_exclude_freely(items):
    """As parse_exclude, and takes addresses that no service could have."""
    spans = (item.split("-") for item in items if "/" not in item)
    networks = [IPv6Network(item) for item in items if "/" in item]
    return union(
        [(int(IPv6Address(s[0])), int(IPv6Address(s[-1]))) for s in spans] + [(int(n[0]), int(n[-1])) for n in networks]
    )


@pytest.mark.parametrize(
    "names, prefix, exclude, message",
    [
        pytest.param(1, "2001:db8::/128", [], "2001:db8::/128 has no room for services", id="/128"),
        pytest.param(1, "2001:db8::/127", [], "2001:db8::/127 has no room for services", id="/127"),
        pytest.param(1, "2001:db8::/121", [], "Give a /120 or a shorter prefix", id="/121"),
        pytest.param(128, "2001:db8::/120", [], "2001:db8::/120 has room for 127 services, and 128 want", id="full"),
        pytest.param(
            3, "2001:db8::/120", ["2001:db8::3-2001:db8::ff"], "has room for 2 services, and 3 want", id="excluded"
        ),
        pytest.param(
            1, LAN, ["2001:db8::1:0-2001:db8::ffff:ffff:ffff:ffff"], "is all but excluded", id="all but excluded"
        ),
        pytest.param(1, "fe80::/64", [], "it is link-local", id="link-local"),
        pytest.param(1, "ff0e::/64", [], "it is a multicast address", id="multicast"),
        pytest.param(1, "192.0.2.0/24", [], "is no IPv6 prefix", id="IPv4"),
        pytest.param(
            1, "2001:db8::1/64", [], "has bits set behind its length. Write 2001:db8::/64", id="an address with length"
        ),
        pytest.param(1, "2001:db8::", [], "has no length", id="no length"),
        pytest.param(1, 64, [], "64 is of type int, not an IPv6 prefix", id="a number"),
        pytest.param(1, LAN, "2001:db8::1", "is no list", id="exclude is text"),
        pytest.param(1, LAN, ["2001:db8::9-2001:db8::1"], "Write 2001:db8::1-2001:db8::9", id="a range backwards"),
        pytest.param(1, LAN, ["2001:db8::1-9"], "'9' is no IPv6 address", id="half a range"),
        pytest.param(1, LAN, [None], "None is nothing, not an IPv6 address", id="nothing"),
        pytest.param(1, LAN, [{"a": 1}], "is of type dict, not an IPv6 address", id="a dictionary"),
    ],
)
def test_errors(names, prefix, exclude, message):
    with pytest.raises(RequestError) as error:
        addresses([f"n{i}" for i in range(names)], parse_space(prefix, exclude))
    assert message in str(error.value)


def test_overlapping_prefixes_that_are_full_together_end_with_an_error():
    one, other = parse_space("2001:db8::/120"), parse_space("2001:db8::/120", ["2001:db8::1"])
    with pytest.raises(RequestError, match="2001:db8::/120 has no room left for"):
        allocate([*((f"a{i}", one) for i in range(100)), *((f"b{i}", other) for i in range(100))])


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 30)).map(lambda t: (t[0], t[0] + t[1])), max_size=20),
    st.integers(0, 240),
)
def test_union_has_the_same_addresses(intervals, probe):
    merged = union(intervals)
    assert any(a <= probe <= b for a, b in intervals) == any(a <= probe <= b for a, b in merged)
    assert all(b + 1 < c for (_a, b), (c, _d) in zip(merged, merged[1:]))
