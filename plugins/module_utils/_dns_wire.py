# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records to bytes and back: what dnspython does for single records, and update messages for many.

An update message is written here, since dnspython's own takes most of a second for some thousand records.
"""

from __future__ import annotations

import socket
import struct
import typing as t
from functools import cache, lru_cache

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import Change, Rrset, SetChange

try:
    import dns.exception
    import dns.name
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype
except ImportError:
    pass  # _dns_server says so

UPDATE = 5  # the opcode
LARGEST = 65535 - 1024  # bytes of a message over TCP, less what its signature may take
IN, NONE, ANY = 1, 254, 255
NUMBERS = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "PTR": 12,
    "TXT": 16,
    "AAAA": 28,
    "DNAME": 39,
    "SVCB": 64,
    "HTTPS": 65,
    "AXFR": 252,
}


def canonical_value(kind: str, text: str) -> str:
    """A value as the server gives it back. Raises RequestError."""
    try:
        rdata = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text, dns.name.root, False)
        return value_text(rdata)
    except (dns.exception.DNSException, ValueError) as exc:
        example = {"HTTPS": "'1 . alpn=h2,h3'", "SVCB": "'1 . alpn=h2'"}[kind]
        raise RequestError(f"{text!r} is no {kind} record: {exc}. Write it as in a zone file, {example}.") from None


def text_value(text: str) -> str:
    """The text of a TXT record as in a zone file. Raises RequestError."""
    data = text.encode()
    parts = [data[i : i + 255] for i in range(0, len(data), 255)] or [b""]
    if len(data) > 16000:
        raise RequestError(f"A TXT record of {len(data)} bytes is too long: 16000 are the most. Shorten it.")
    wire = b"".join(bytes([len(part)]) + part for part in parts)
    return value_text(dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.TXT, wire, 0, len(wire)))


def value_text(rdata: dns.rdata.Rdata) -> str:
    """As in a zone file, names in lower case, so that equal values are equal texts."""
    text = rdata.to_text()
    if rdata.rdtype == dns.rdatatype.TXT:
        return text
    if rdata.rdtype not in (dns.rdatatype.SVCB, dns.rdatatype.HTTPS):
        return text.lower()
    priority, target, *parameters = text.split(" ", 2)
    return " ".join([priority, target.lower(), *parameters])


@cache
def name_wire(name: str) -> bytes:
    """The name, without its last dot, as in a message."""
    if "\\" in name or '"' in name:
        return dns.name.from_text(name).to_wire() or b""
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split(".") if label) + b"\0"


@lru_cache(maxsize=65536)
def value_wire(kind: str, text: str) -> bytes:
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, text)
    if kind in ("PTR", "CNAME"):
        return name_wire(text.removesuffix("."))
    rdata = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text, dns.name.root, False)
    return rdata.to_wire() or b""


def update_messages(zone: str, changes: t.Sequence[Change], largest: int = LARGEST) -> list[tuple[bytes, list[Change]]]:
    """The unsigned update messages, without an id, that make the changes, and which changes each has.

    One message, or as few as there must be because of the size. What is changed at a name is in one message.
    """
    wire = write_update(zone, changes)
    if len(wire) <= largest or len(changes) == 1:
        return [(wire, list(changes))]
    count = min(len(wire) // largest + 1, len(changes))
    size = -(-len(changes) // count)
    parts = [changes[i : i + size] for i in range(0, len(changes), size)]
    return [message for part in parts for message in update_messages(zone, part, largest)]


def write_update(zone: str, changes: t.Iterable[Change]) -> bytes:
    """RFC 2136: the zone, what must be so for anything to be done, and what is done then."""
    message = _Message()
    message.write_name(name_wire(zone))
    message.wire += struct.pack("!HH", NUMBERS["SOA"], IN)
    sets = [change_set for change in changes for change_set in change.sets]
    prerequisites = sum(_write_prerequisite(message, change_set) for change_set in sets)
    updates = sum(_write_change(message, change_set) for change_set in sets if change_set.before != change_set.after)
    message.wire[:12] = struct.pack("!HHHHHH", 0, UPDATE << 11, 1, prerequisites, updates, 0)
    return bytes(message.wire)


def _write_prerequisite(message: _Message, change_set: SetChange) -> int:
    """That the name still has what it had. The time to live is no part of that (RFC 2136, 2.4.2)."""
    name, kind = name_wire(change_set.name), NUMBERS[change_set.type]
    if change_set.before is None:
        return message.write_record(name, kind, NONE, 0, b"")
    return _write_values(message, change_set.name, change_set.type, Rrset(0, change_set.before.values))


def _write_change(message: _Message, change_set: SetChange) -> int:
    count = 0
    if change_set.before is not None:
        count += message.write_record(name_wire(change_set.name), NUMBERS[change_set.type], ANY, 0, b"")
    if change_set.after is not None:
        count += _write_values(message, change_set.name, change_set.type, change_set.after)
    return count


def _write_values(message: _Message, name: str, kind: str, rrset: Rrset) -> int:
    return sum(
        message.write_record(name_wire(name), NUMBERS[kind], IN, rrset.ttl, value_wire(kind, value))
        for value in rrset.values
    )


class _Message:
    """Bytes, and where in them which names begin, for compression."""

    def __init__(self) -> None:
        self.wire = bytearray(12)
        self.places: dict[bytes, int] = {}

    def write_name(self, name: bytes) -> None:
        start = 0
        while name[start]:
            rest = name[start:]
            place = self.places.get(rest)
            if place is not None:
                self.wire += struct.pack("!H", 0xC000 | place)
                return
            if len(self.wire) <= 0x3FFF:  # a pointer has 14 bits
                self.places[rest] = len(self.wire)
            end = start + 1 + name[start]
            self.wire += name[start:end]
            start = end
        self.wire += b"\0"

    def write_record(self, name: bytes, kind: int, rdclass: int, ttl: int, data: bytes) -> int:
        """Gives 1, for whoever counts."""
        self.write_name(name)
        self.wire += struct.pack("!HHIH", kind, rdclass, ttl, len(data))
        self.wire += data
        return 1
