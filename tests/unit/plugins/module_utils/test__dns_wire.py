# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dns.message
import dns.name
import dns.rdatatype
import dns.update
import pytest

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import Change, Rrset, SetChange
from ansible_collections.ipv6.services.plugins.module_utils._dns_wire import (
    canonical_value,
    text_value,
    update_messages,
    value_wire,
    write_update,
)

ADDRESS = Rrset(300, ("2001:db8::201", "2001:db8::202"))
OTHER = Rrset(60, ("2001:db8::203",))


def lines(section):
    return sorted(line for rrset in section for line in rrset.to_text().splitlines())


def test_an_update_says_what_must_be_so_and_what_is_done():
    change = Change(
        "web1.example.com",
        (
            SetChange("web1.example.com", "AAAA", ADDRESS, OTHER),
            SetChange("web1.example.com", "HTTPS", None, Rrset(300, ('1 . alpn="h2"',))),
            SetChange("web1.example.com", "CNAME", None, None),
            SetChange("_ipv6-services.web1.example.com", "TXT", OTHER_MARK, OTHER_MARK),
        ),
    )
    expected = dns.update.UpdateMessage("example.com")
    expected.present("web1", "AAAA", *ADDRESS.values)
    expected.absent("web1", "HTTPS")
    expected.absent("web1", "CNAME")
    expected.present("_ipv6-services.web1", "TXT", *OTHER_MARK.values)
    expected.delete("web1", "AAAA")
    expected.add("web1", 60, "AAAA", *OTHER.values)
    expected.add("web1", 300, "HTTPS", '1 . alpn="h2"')
    expected = dns.message.from_wire(expected.to_wire())
    written = dns.message.from_wire(write_update("example.com", [change]))
    assert isinstance(written, dns.update.UpdateMessage)
    assert written.zone == expected.zone
    assert lines(written.prerequisite) == lines(expected.prerequisite)
    assert lines(written.update) == lines(expected.update)


OTHER_MARK = Rrset(3600, ('"owner=x" "types=AAAA"',))


def many(count):
    return [
        Change(f"web{i}.example.com", (SetChange(f"web{i}.example.com", "AAAA", None, ADDRESS),)) for i in range(count)
    ]


@pytest.mark.parametrize("count, messages", [(1, 1), (10, 1), (50, 4), (1000, 83)])
def test_messages_are_split_by_size_only(count, messages):
    changes = many(count)
    written = update_messages("example.com", changes, largest=1232)
    assert [change for _wire, part in written for change in part] == changes
    assert all(len(wire) <= 1232 for wire, _part in written)
    assert len(written) <= messages
    for wire, part in written:
        assert len(dns.message.from_wire(wire).update) == 2 * len(part)  # two addresses each


def test_a_change_that_is_too_large_alone_is_not_split():
    assert len(update_messages("example.com", many(2), largest=20)) == 2


def test_names_beyond_the_reach_of_a_pointer():
    written = dns.message.from_wire(write_update("example.com", many(2000)))
    assert {rrset.name.to_text() for rrset in written.update} == {f"web{i}.example.com." for i in range(2000)}


@pytest.mark.parametrize(
    "kind, text, value",
    [
        ("HTTPS", "1 . alpn=h2,h3", '1 . alpn="h2,h3"'),
        ("HTTPS", "1 Web.Example.COM. port=8443", '1 web.example.com. port="8443"'),
        ("SVCB", "0 other.example.com.", "0 other.example.com."),
    ],
)
def test_values_are_as_the_server_gives_them_back(kind, text, value):
    assert canonical_value(kind, text) == value
    assert canonical_value(kind, value) == value


def test_a_wrong_value_says_how_it_is_written():
    with pytest.raises(
        RequestError, match=r"'alpn=h2' is no HTTPS record: .* Write it as in a zone file, '1 . alpn=h2,h3'"
    ):
        canonical_value("HTTPS", "alpn=h2")


@pytest.mark.parametrize("text", ["", "plain", 'a "quoted" \\ text', "v=spf1 ~all", "ä", "x" * 600, "a;b"])
def test_a_text_is_written_as_it_is(text):
    wire = value_wire("TXT", text_value(text))
    parts = []
    while wire:
        parts.append(wire[1 : 1 + wire[0]])
        wire = wire[1 + wire[0] :]
    assert b"".join(parts) == text.encode()
