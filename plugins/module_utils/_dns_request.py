# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of the module dns_record, from text to records."""

from __future__ import annotations

import math
import re
import typing as t
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError, parse_address
from ansible_collections.ipv6.services.plugins.module_utils._dns_key import Key, parse_key
from ansible_collections.ipv6.services.plugins.module_utils._dns_names import parse_name, parse_zone, reverse_name
from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import Rrset
from ansible_collections.ipv6.services.plugins.module_utils._dns_wire import canonical_value, text_value

LONGEST_TTL = (1 << 31) - 1  # RFC 2181, 8
LONGEST_WAIT = 86400

_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@:-]{0,99}")


@dataclass(frozen=True)
class Entry:
    """One name, and what is to be there."""

    name: str
    addresses: tuple[IPv6Address, ...]
    rrsets: t.Mapping[str, Rrset]  # at the name; empty: nothing is to be there
    pointers: t.Mapping[str, Rrset]  # the PTR, by reverse name


@dataclass(frozen=True)
class Request:
    server: str
    port: int
    key: Key
    owner: str
    entries: t.Mapping[int, Entry]  # by their place in the list; those that are right
    errors: t.Mapping[int, str]  # what is wrong with the others
    names: tuple[str, ...]  # as written, of all
    zones: tuple[str, ...]
    keep: frozenset[str]
    adopt: bool
    purge: bool
    timeout: float


def parse_request(params: t.Mapping[str, t.Any]) -> Request:
    """Raises RequestError when the call as a whole can't be meant."""
    zones = tuple(dict.fromkeys(parse_zone(zone) for zone in params["zones"]))
    entries, errors = parse_entries(params)
    if not 1 <= params["port"] <= 65535:
        raise RequestError(f"port is {params['port']}. Give one from 1 to 65535.")
    return Request(
        _server(params["server"]),
        params["port"],
        parse_key(params),
        _owner(params["owner"]),
        entries,
        errors,
        tuple(str(item["name"]) for item in params["records"]),
        zones,
        frozenset(parse_name(name) for name in params["keep"]),
        params["adopt"],
        params["purge"],
        seconds(params, "timeout"),
    )


def parse_entries(params: t.Mapping[str, t.Any]) -> tuple[dict[int, Entry], dict[int, str]]:
    """By their place in the list: what is right, and what is wrong with the rest."""
    seen = _Seen()
    entries: dict[int, Entry] = {}
    errors: dict[int, str] = {}
    for place, item in enumerate(params["records"]):
        parsed = _tried(item, params, seen)
        if isinstance(parsed, Entry):
            entries[place] = parsed
        else:
            errors[place] = parsed
    return entries, errors


def _tried(item: t.Mapping[str, t.Any], params: t.Mapping[str, t.Any], seen: _Seen) -> Entry | str:
    """The entry, or what is wrong with it."""
    try:
        entry = parse_entry(item, params)
        seen.check(entry)
    except RequestError as exc:
        return str(exc)
    return entry


def parse_entry(item: t.Mapping[str, t.Any], params: t.Mapping[str, t.Any]) -> Entry:
    """Raises RequestError."""
    name = parse_name(item["name"])
    addresses = tuple(dict.fromkeys(parse_address(value) for value in item["addresses"] or ()))
    if item["state"] == "absent":
        return Entry(name, addresses, {}, {})
    ttl = params["ttl"] if item["ttl"] is None else item["ttl"]
    if not 0 <= ttl <= LONGEST_TTL:
        raise RequestError(f"ttl is {ttl}. Give seconds from 0 to {LONGEST_TTL}, as 300.")
    values = {
        "AAAA": [str(address) for address in addresses],
        "HTTPS": [canonical_value("HTTPS", text) for text in item["https"] or ()],
        "SVCB": [canonical_value("SVCB", text) for text in item["svcb"] or ()],
        "TXT": [text_value(text) for text in item["txt"] or ()],
    }
    rrsets = {kind: Rrset(ttl, tuple(sorted(set(texts)))) for kind, texts in values.items() if texts}
    if not rrsets:
        raise RequestError(f"{name} has nothing to be published. Give its addresses, or `state: absent`.")
    ptr = params["ptr"] if item["ptr"] is None else item["ptr"]
    pointer = Rrset(ttl, (f"{name}.",))
    return Entry(name, addresses, rrsets, {reverse_name(a): pointer for a in addresses} if ptr else {})


@dataclass
class _Seen:
    """The names and the reverse names of the entries so far."""

    names: set[str] = field(default_factory=set)
    pointers: dict[str, str] = field(default_factory=dict)

    def check(self, entry: Entry) -> None:
        if entry.name in self.names:
            raise RequestError(f"{entry.name} is listed twice. Write all that it has in one item.")
        for reverse, address in zip(entry.pointers, entry.addresses):
            other = self.pointers.get(reverse)
            if other:
                raise RequestError(f"{address} would have two PTR, {other} and {entry.name}. Set `ptr: false` for one.")
        self.names.add(entry.name)
        self.pointers.update(dict.fromkeys(entry.pointers, entry.name))


def seconds(params: t.Mapping[str, t.Any], option: str) -> float:
    value = t.cast("float", params[option])
    if not (math.isfinite(value) and 0 < value <= LONGEST_WAIT):
        raise RequestError(f"{option} is {value}. Give seconds above 0, {LONGEST_WAIT} at most.")
    return value


def _server(value: str) -> str:
    host = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if not host or not host.isascii() or not host.isprintable() or any(c in host for c in " /[]"):
        raise RequestError(
            f"server {value!r} is no name server. Write its address or its name, and the port in `port`."
        )
    return host


def _owner(value: str) -> str:
    if not _OWNER.fullmatch(value):
        raise RequestError(
            f"owner {value!r} can't be the name of a fleet. Write letters, digits and . _ / @ : -, 100 characters at most."
        )
    return value
