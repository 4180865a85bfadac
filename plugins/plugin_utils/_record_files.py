# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records as files: fragments of zones, and a hosts file. Lines of names that are not decided in this run stay as they are."""

from __future__ import annotations

import re
import typing as t
from ipaddress import IPv6Address

Record = t.Mapping[str, t.Any]
Lines = dict[str, list[str]]  # by the name that they are about, in lower case, without the last dot

HEADER = "Made by role ipv6.services.dns. What is changed here is lost."
DEFAULT_TTL = 300

_ZONE_LINE = re.compile(r"(\S+)\.\s+\d+\s+IN\s+(\w+)\s+(.+)")
_HOSTS_LINE = re.compile(r"[0-9a-f:]+\s+(\S+)", re.IGNORECASE)


def zone_file(old: str, records: t.Mapping[str, t.Any], ttl: int = DEFAULT_TTL, purge: bool = False) -> str:
    """The AAAA, HTTPS, SVCB and TXT records of the services, with full names, to be included by a zone.

    old: the file as it is; "" where there is none.
    records: as filter records gives them. purge: whether names that the fleet does not list go.
    """
    lines = {record["name"]: _zone_lines(record, ttl) for record in records["present"]}
    return _text(";", _merged(_by_owner(old), lines, records, purge))


def reverse_file(old: str, records: t.Mapping[str, t.Any], ttl: int = DEFAULT_TTL, purge: bool = False) -> str:
    """The PTR records of the services, with full names, to be included by a reverse zone. As zone_file."""
    lines = {
        record["name"]: [
            f"{IPv6Address(address).reverse_pointer}. {record.get('ttl', ttl)} IN PTR {record['name']}."
            for address in record["addresses"]
            if record.get("ptr", True)
        ]
        for record in records["present"]
    }
    return _text(";", _merged(_by_pointer(old), lines, records, purge))


def hosts_file(old: str, records: t.Mapping[str, t.Any], purge: bool = False) -> str:
    """A line for each address, as in /etc/hosts; dnsmasq reads such files too (addn-hosts). As zone_file."""
    held: Lines = {}
    for line in old.splitlines():
        found = _HOSTS_LINE.fullmatch(line.strip())
        if found:
            held.setdefault(found[1].lower(), []).append(line.strip())
    lines = {
        record["name"]: [f"{address} {record['name']}" for address in record["addresses"]]
        for record in records["present"]
    }
    return _text("#", _merged(held, lines, records, purge))


def _zone_lines(record: Record, ttl: int) -> list[str]:
    head = f"{record['name']}. {record.get('ttl', ttl)} IN"
    values = [("AAAA", value) for value in record["addresses"]]
    values += [(kind.upper(), value) for kind in ("https", "svcb") for value in record.get(kind) or ()]
    values += [("TXT", _quoted(value)) for value in record.get("txt") or ()]
    return [f"{head} {kind} {value}" for kind, value in values]


def _quoted(text: str) -> str:
    """As strings of at most 255 bytes; what is not plain as an escape of each byte."""
    data = text.encode()
    parts = [data[i : i + 255] for i in range(0, len(data), 255)] or [b""]
    return " ".join('"' + "".join(map(_escaped, part)) + '"' for part in parts)


def _escaped(byte: int) -> str:
    character = chr(byte)
    if character in '"\\':
        return f"\\{character}"
    return character if 0x20 <= byte < 0x7F else f"\\{byte:03d}"


def _by_owner(text: str) -> Lines:
    found: Lines = {}
    for line in text.splitlines():
        match = _ZONE_LINE.fullmatch(line.strip())
        if match:
            found.setdefault(match[1].lower(), []).append(line.strip())
    return found


def _by_pointer(text: str) -> Lines:
    found: Lines = {}
    for line in text.splitlines():
        match = _ZONE_LINE.fullmatch(line.strip())
        if match and match[2] == "PTR":
            found.setdefault(match[3].lower().removesuffix("."), []).append(line.strip())
    return found


def _merged(held: Lines, lines: Lines, records: t.Mapping[str, t.Any], purge: bool) -> list[str]:
    """Sorted by name: the new lines, and the old ones of names that stay."""
    gone = {record["name"] for record in records["absent"]}
    kept = {
        name: old
        for name, old in held.items()
        if name not in lines and name not in gone and (not purge or name in records["keep"])
    }
    return [line for _name, those in sorted({**kept, **lines}.items()) for line in those]


def _text(comment: str, lines: t.Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in (f"{comment} {HEADER}", *lines))
