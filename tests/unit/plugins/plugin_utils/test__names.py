# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.plugin_utils._names import parse_domain, parse_name


@pytest.mark.parametrize(
    "value, domain, expected",
    [
        ("web1", "example.com", "web1.example.com"),
        ("web1.example.org", "example.com", "web1.example.org"),
        ("web1.", "example.com", "web1"),
        ("WEB1.Example.Com.", None, "web1.example.com"),
        ("web1", None, "web1"),
        ("xn--b-eha", "example.com", "xn--b-eha.example.com"),
        ("1", "example.com", "1.example.com"),
        ("a" * 63, None, "a" * 63),
        (".".join(["a" * 49] * 5), None, ".".join(["a" * 49] * 5)),
    ],
)
def test_parse_name(value, domain, expected):
    assert parse_name(value, domain) == expected


@pytest.mark.parametrize(
    "value, message",
    [
        ("", "'' is no DNS name: a label is empty"),
        (".", "a label is empty"),
        ("web..example.com", "a label is empty"),
        (".example.com", "a label is empty"),
        ("-web", "'-web' can't be a label"),
        ("web-", "'web-' can't be a label"),
        ("web_1", "'web_1' can't be a label"),
        ("web 1", "'web 1' can't be a label"),
        ("web1\n", "can't be a label"),
        ("$(reboot)", "can't be a label"),
        ("a" * 64, "has 64 characters, 63 are the most"),
        (".".join(["a" * 50] * 5), "it has 254 characters, 253 are the most"),
        ("bücher", "Write it as DNS does: 'xn--bcher-kva'"),
        ("w\u0435b1", "is not ASCII"),  # a Cyrillic letter
        ("web\u200b1", "is not ASCII"),
        ("\u00fc" * 80, "Write it as DNS does: with ASCII characters only"),
        ("192.0.2.1", "ends in a number, as an IPv4 address does"),
        ("2001:db8::1", "can't be a label"),
        (80, "80 is of type int, not a name"),
        (None, "None is nothing, not a name"),
        (True, "True is of type bool, not a name"),
        (["web1"], "is of type list, not a name"),
    ],
)
def test_what_is_no_name_is_refused(value, message):
    with pytest.raises(RequestError) as error:
        parse_name(value)
    assert message in str(error.value)


def test_underscores_are_taken_where_they_may_be():
    assert parse_name("web_1", "example.com", underscore=True) == "web_1.example.com"


@pytest.mark.parametrize(
    "value, expected",
    [(None, None), ("", None), ("Example.com", "example.com"), (".example.com", "example.com"), ("lan.", "lan")],
)
def test_parse_domain(value, expected):
    assert parse_domain(value) == expected
