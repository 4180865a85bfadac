# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What name servers say, to records.

A zone has many thousand records, and dnspython takes a tenth of a millisecond for each. It still reads the values that have
a syntax of their own, and checks signatures (see _dns_server).
"""

from __future__ import annotations

import re
import socket
import struct
import typing as t
from dataclasses import dataclass
from functools import lru_cache

from ansible_collections.ipv6.services.plugins.module_utils._dns_wire import IN, NUMBERS, value_text

try:
    import dns.exception
    import dns.name
    import dns.rcode
    import dns.rdata
except ImportError:
    pass  # _dns_server says so

TSIG = 250
LONGEST_NAME = 4 * 255  # each byte may be written as an escape
AUTHORITATIVE = 0x0400  # of the flags

_PLAIN = re.compile(rb"[A-Za-z0-9_*-]+")
_KIND_OF = {number: kind for kind, number in NUMBERS.items()}


class Record(t.NamedTuple):
    name: str  # in lower case, without the last dot
    kind: str  # one of NUMBERS
    ttl: int
    value: str  # as in a zone file; "" of a SOA and of what only its name counts of


class Signature(t.NamedTuple):
    owner: str
    place: int  # where its record begins
    data: bytes


@dataclass(frozen=True)
class Message:
    """What a server says. Records of types that are in no question here are left out."""

    code: int  # its rcode
    authoritative: bool
    question: tuple[str, int] | None  # name and number of the type
    answer: list[Record]
    authority: list[Record]
    answers: int  # records of any type in the answer
    signature: Signature | None

    @property
    def code_text(self) -> str:
        return dns.rcode.to_text(dns.rcode.Rcode.make(self.code))


def read_message(wire: bytes) -> Message:
    """Raises ValueError when it can't be read."""
    try:
        return _read_message(wire)
    except (IndexError, struct.error):
        raise ValueError("the message is cut off") from None
    except RecursionError:
        raise ValueError("a name leads to another too often") from None
    except dns.exception.DNSException as exc:
        raise ValueError(str(exc)) from None


def _read_message(wire: bytes) -> Message:
    _identity, flags, questions, answers, authorities, others = struct.unpack_from("!HHHHHH", wire)
    known: dict[int, str] = {}
    question = None
    place = 12
    for _question in range(questions):
        name, place = read_name(wire, place, known)
        question = (name, struct.unpack_from("!H", wire, place)[0])
        place += 4
    sections: tuple[list[Record], list[Record], list[Record]] = ([], [], [])
    signature = None
    for position in range(answers + authorities + others):
        start = place
        name, place = read_name(wire, place, known)
        number, rdclass, ttl, length = struct.unpack_from("!HHIH", wire, place)
        place += 10
        data = wire[place : place + length]
        if len(data) < length:
            raise IndexError
        section = sections[(position >= answers) + (position >= answers + authorities)]
        if number == TSIG:
            signature = Signature(name, start, data)
        elif section is not sections[2] and number in _KIND_OF and rdclass == IN:
            section.append(Record(name, _KIND_OF[number], ttl, _read_value(wire, place, number, data, known)))
        place += length
    return Message(flags & 0xF, bool(flags & AUTHORITATIVE), question, *sections[:2], answers, signature)


def read_name(wire: bytes, place: int, known: dict[int, str]) -> tuple[str, int]:
    """The name that begins there, and where it ends.

    known: names by the place where they begin, which grows. Raises ValueError and IndexError.
    """
    labels: list[tuple[int, bytes]] = []
    name, start = "", place
    while (size := wire[place]) and size < 64:
        label = wire[place + 1 : place + 1 + size]
        labels.append((place, label))
        place += size + 1
    end = place + 1
    if size >= 0xC0:
        target = (size & 0x3F) << 8 | wire[place + 1]
        end = place + 2
        if target >= start:
            raise ValueError("a name leads forward, or to itself")
        name = known[target] if target in known else read_name(wire, target, known)[0]
    elif size:
        raise ValueError("a label has an unknown kind")
    for begin, label in reversed(labels):
        text = label.decode("ascii").lower() if _PLAIN.fullmatch(label) else _escaped(label)
        name = f"{text}.{name}" if name else text
        known[begin] = name
    if len(name) > LONGEST_NAME:
        raise ValueError("a name is too long")
    return name, end


def _read_value(wire: bytes, place: int, number: int, data: bytes, known: dict[int, str]) -> str:
    kind = _KIND_OF[number]
    if kind == "AAAA":
        return socket.inet_ntop(socket.AF_INET6, data) if len(data) == 16 else ""
    if kind == "A":
        return socket.inet_ntop(socket.AF_INET, data) if len(data) == 4 else ""
    if kind in ("PTR", "CNAME", "NS"):
        return f"{read_name(wire, place, known)[0]}."
    return _rest(kind, data) if kind in ("TXT", "HTTPS", "SVCB") else ""


@lru_cache(maxsize=4096)
def _rest(kind: str, data: bytes) -> str:
    """A value without names that may be compressed. Many names have the same one."""
    return value_text(dns.rdata.from_wire("IN", kind, data, 0, len(data)))


def _escaped(label: bytes) -> str:
    return dns.name.Name((label, b"")).to_text(True).lower()
