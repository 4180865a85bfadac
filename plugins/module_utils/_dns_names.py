# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names as the module dns_record uses them: in lower case, absolute, without the last dot."""

from __future__ import annotations

import re
import typing as t
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError

# The label below each name of ours that has the TXT record with its owner. A name below the name, and not the name itself,
# since no other record may stand beside a CNAME, and since a name with something below it exists: no wildcard answers
# for it any more. A label with an underscore is no host's (RFC 8552).
MARK_LABEL = "_ipv6-services"
LONGEST = 253 - len(MARK_LABEL) - 1

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")


def parse_name(value: object) -> str:
    """A name that can have records of ours. Raises RequestError."""
    name = value.removesuffix(".").lower() if isinstance(value, str) else ""
    if not name:
        raise RequestError(f"{value!r} is no name. Write the full name, as 'web1.example.com'.")
    if not name.isascii():
        raise RequestError(f"{value!r} is not ASCII. Write it as DNS does, in its xn-- form.")
    labels = name.split(".")
    if len(labels) == 1:
        raise RequestError(f"{value!r} has no domain. Write the full name, as 'web1.example.com'.")
    for label in labels:
        if len(label) > 63 or not _LABEL.fullmatch(label):
            raise RequestError(
                f"{value!r} is no DNS name: {label[:64]!r} can't be a label. A label has letters, digits and inner"
                " hyphens, 63 at most."
            )
    if len(name) > LONGEST:
        raise RequestError(
            f"{value!r} has {len(name)} characters. {LONGEST} are the most, since the owner's record stands below it."
        )
    if labels[0] == MARK_LABEL:
        raise RequestError(f"{value!r} would be the record of an owner. Give the name without {MARK_LABEL!r}.")
    return name


def parse_zone(value: object) -> str:
    """The name of a zone, forward or reverse. Raises RequestError."""
    name = value.removesuffix(".").lower() if isinstance(value, str) else ""
    if not name or not all(len(label) <= 63 and _LABEL.fullmatch(label) for label in name.split(".")):
        raise RequestError(f"{value!r} is no zone. Write its name, as 'example.com' or '8.b.d.0.1.0.0.2.ip6.arpa'.")
    return name


def mark_name(name: str) -> str:
    return f"{MARK_LABEL}.{name}"


def marked_name(name: str) -> str | None:
    """The name whose owner stands at `name`; None where that is no record of an owner."""
    label, dot, rest = name.partition(".")
    return rest if dot and label == MARK_LABEL else None


def reverse_name(address: IPv6Address) -> str:
    return address.reverse_pointer


def parent(name: str) -> str:
    """The name without its first label; "" is the root."""
    return name.partition(".")[2]


def is_within(name: str, zone: str) -> bool:
    """Whether the name is the zone's, or below it."""
    return name == zone or name.endswith(f".{zone}") or not zone


def ancestors(name: str, zone: str) -> list[str]:
    """From the parent of the name up to the zone's own name."""
    found = []
    while name != zone and is_within(name, zone):
        name = parent(name)
        found.append(name)
    return found


def closest(name: str, zones: t.Iterable[str]) -> str | None:
    """The longest of the zones that the name is in."""
    return max((zone for zone in zones if is_within(name, zone)), key=len, default=None)
