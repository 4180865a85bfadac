# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ipv6.services.plugins.module_utils._dns_answer import read_message

RECORDS = [
    "web1.example.com. 300 AAAA 2001:db8::201",
    "WEB2.example.com. 60 AAAA 2001:db8::1:0:0:1",
    "web2.example.com. 60 HTTPS 1 Web1.Example.com. alpn=h2,h3",
    'web2.example.com. 60 TXT "a b" "c\\"d"',
    "alias.example.com. 5 CNAME Web1.EXAMPLE.com.",
    "1.0.example.com. 5 PTR web1.example.com.",
    "sub.example.com. 5 NS ns.sub.example.com.",
    "v4.example.com. 5 A 192.0.2.1",
    "mail.example.com. 5 MX 10 mail.example.com.",
    "a\\.b\\032c.example.com. 5 AAAA 2001:db8::5",
]


def message(*lines, rcode=0, flags=dns.flags.QR | dns.flags.AA):
    response = dns.message.make_response(dns.message.make_query("web1.example.com", "AAAA"))
    response.flags = flags
    response.set_rcode(rcode)
    for line in lines:
        name, ttl, kind, data = line.split(" ", 3)
        response.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, data))
    return response


def test_records_are_read():
    read = read_message(message(*RECORDS).to_wire())
    assert [tuple(record) for record in read.answer] == [
        ("web1.example.com", "AAAA", 300, "2001:db8::201"),
        ("web2.example.com", "AAAA", 60, "2001:db8::1:0:0:1"),
        ("web2.example.com", "HTTPS", 60, '1 web1.example.com. alpn="h2,h3"'),
        ("web2.example.com", "TXT", 60, '"a b" "c\\"d"'),
        ("alias.example.com", "CNAME", 5, "web1.example.com."),
        ("1.0.example.com", "PTR", 5, "web1.example.com."),
        ("sub.example.com", "NS", 5, "ns.sub.example.com."),
        ("v4.example.com", "A", 5, "192.0.2.1"),
        ("a\\.b\\032c.example.com", "AAAA", 5, "2001:db8::5"),
    ]
    assert read.answers == 10
    assert read.question == ("web1.example.com", 28)
    assert read.authoritative
    assert read.signature is None


def test_code_and_flags():
    read = read_message(message(rcode=5, flags=dns.flags.QR).to_wire())
    assert (read.code, read.code_text, read.authoritative) == (5, "REFUSED", False)


def test_a_signature_is_found():
    query = dns.message.make_query("web1.example.com", "AAAA")
    query.use_tsig({dns.name.from_text("Lab"): b"0" * 32})
    wire = query.to_wire()
    signature = read_message(wire).signature
    assert signature is not None
    assert signature.owner == "lab"
    assert signature.place == len(wire) - len(signature.data) - 10 - len(dns.name.from_text("lab").to_wire())


@given(st.data())
def test_what_is_broken_is_an_error_and_nothing_else(data):
    """Cut off anywhere, and with any bytes changed: a message, or ValueError."""
    wire = bytearray(message(*RECORDS).to_wire())
    for _change in range(data.draw(st.integers(0, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_message(bytes(wire[: data.draw(st.integers(0, len(wire)))]))
    except ValueError as error:
        assert str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "name, message_part",
    [
        (b"\xc0\x0c", "a name leads forward"),
        (b"\xff\xff", "a name leads forward"),
        (b"\x80", "a label has an unknown kind"),
        (b"\x05ab", "cut off"),
    ],
)
def test_wrong_names(name, message_part):
    with pytest.raises(ValueError, match=message_part):
        read_message(b"\0\0\0\0\0\1\0\0\0\0\0\0" + name + b"\0\1\0\1")
