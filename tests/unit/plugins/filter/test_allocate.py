# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ipv6.services.plugins.filter.allocate import FilterModule

allocate = FilterModule().filters()["allocate"]
LAN = "2001:db8::/64"
WEB1 = "2001:db8::fdbd:f3bb:2479:1926"


def test_a_name_gives_text():
    assert allocate("web1.example.com", LAN) == WEB1


def test_a_list_gives_a_dictionary_by_the_names_as_written():
    assert allocate(["Web1.example.com", "web1.example.com."], LAN) == {
        "Web1.example.com": WEB1,
        "web1.example.com.": WEB1,
    }


@pytest.mark.parametrize("several", [("a", "b"), iter(["a", "b"]), {"a": 1, "b": 2}.keys()])
def test_whatever_gives_names_one_after_the_other_is_a_list(several):
    assert allocate(several, LAN).keys() == {"a", "b"}


def test_an_empty_list_gives_an_empty_dictionary():
    assert allocate([], LAN) == {}


def test_excluded_addresses_are_not_given():
    assert allocate("web1.example.com", LAN, exclude=[WEB1]) != WEB1


@pytest.mark.parametrize(
    "value, prefix, exclude, message",
    [
        ("web1", "2001:db8::/121", [], "allocate: 2001:db8::/121 has no room for services"),
        ("web_1", LAN, [], "allocate: 'web_1' is no DNS name"),
        (1, LAN, [], "allocate: 1 is of type int, not a name"),
        ({"a": 1}, LAN, [], "allocate: {'a': 1} is of type dict, not a name"),
        ([["a"]], LAN, [], "allocate: ['a'] is of type list, not a name"),
        (None, LAN, [], "allocate: None is nothing, not a name"),
        ("a", LAN, ["x"], "allocate: 'x' is no IPv6 address"),
        ("a", None, [], "allocate: None is nothing, not an IPv6 prefix"),
    ],
)
def test_a_wrong_value_is_named(value, prefix, exclude, message):
    with pytest.raises(AnsibleFilterError) as error:
        allocate(value, prefix, exclude)
    assert message in str(error.value)
