# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of the module `address`, from text to addresses and prefixes."""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Interface, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils import _address_messages as messages
from ansible_collections.ipv6.services.plugins.module_utils._addresses import (
    RequestError,
    parse_interface_address,
    parse_prefix,
)

Item = t.Union[IPv6Address, IPv6Network, str]  # the text, as it was written, of what is neither


_UNICAST = (IPv6Network("2000::/3"), IPv6Network("fc00::/7"))


@dataclass(frozen=True)
class Parsed:
    """What was listed, each once and in the caller's order, and what of it is wrong."""

    items: tuple[Item, ...]
    addresses: tuple[IPv6Interface, ...] = ()  # those of the items that are right
    prefixes: tuple[IPv6Network, ...] = ()
    errors: t.Mapping[Item, str] = field(default_factory=dict)


def parse_addresses(values: t.Sequence[object]) -> Parsed:
    """values: ADDRESS or ADDRESS/LEN."""
    found: dict[IPv6Address, IPv6Interface] = {}
    items: dict[Item, None] = {}
    errors: dict[Item, str] = {}
    for value in values:
        interface = _tried(parse_interface_address, value)
        if isinstance(interface, RequestError):
            items[str(value)] = None
            errors[str(value)] = str(interface)
            continue
        items[interface.ip] = None
        if found.setdefault(interface.ip, interface) != interface:
            errors[interface.ip] = messages.two_lengths(interface.ip)
    right = tuple(interface for address, interface in found.items() if address not in errors)
    return Parsed(tuple(items), addresses=right, errors=errors)


def parse_prefixes(values: t.Sequence[object]) -> Parsed:
    """values: PREFIX/LEN, of routed prefixes."""
    items: dict[Item, None] = {}
    errors: dict[Item, str] = {}
    for value in values:
        parsed = _tried(parse_routed_prefix, value)
        if isinstance(parsed, RequestError):
            items[str(value)] = None
            errors[str(value)] = str(parsed)
        else:
            items[parsed] = None
    return Parsed(tuple(items), prefixes=tuple(i for i in items if isinstance(i, IPv6Network)), errors=errors)


def parse_routed_prefix(value: object) -> IPv6Network:
    """A prefix of global or unique local unicast addresses. Raises RequestError.

    A local route for any other would take link-local or multicast addresses away from the kernel.
    """
    prefix = parse_prefix(value)
    if not any(prefix.subnet_of(unicast) for unicast in _UNICAST):
        raise RequestError(messages.prefix_no_unicast(prefix))
    return prefix


def parse_exclusive(values: t.Sequence[object]) -> tuple[IPv6Network, ...]:
    """The prefixes in which only listed addresses stay. Raises RequestError for the first that is none."""
    try:
        return tuple(parse_prefix(value) for value in values)
    except RequestError as exc:
        raise RequestError(f"exclusive: {exc}") from None


_T = t.TypeVar("_T")


def _tried(parse: t.Callable[[object], _T], value: object) -> _T | RequestError:
    try:
        return parse(value)
    except RequestError as exc:
        return exc


@dataclass(frozen=True)
class Request:
    """What one call asks for."""

    interface: str | None
    addresses: Parsed
    routed_prefixes: Parsed
    exclusive: tuple[IPv6Network, ...]
    present: bool
    persistent: bool
    backend: str  # "auto", "networkd" or "none"
    deprecated: bool

    @property
    def needs_link(self) -> bool:
        return bool(self.addresses.items or self.exclusive)

    @property
    def items(self) -> tuple[Item, ...]:
        return self.addresses.items + self.routed_prefixes.items

    @property
    def errors(self) -> dict[Item, str]:
        return {**self.addresses.errors, **self.routed_prefixes.errors}


def parse_request(params: t.Mapping[str, t.Any]) -> Request:
    """params: those of the module. Raises RequestError for what is wrong with the call as a whole."""
    present = params["state"] == "present"
    exclusive = parse_exclusive(params["exclusive"])
    if exclusive and not present:
        raise RequestError("exclusive says what else goes when addresses are added: it needs `state: present`.")
    if not math.isfinite(params["dad_timeout"]) or params["dad_timeout"] < 0:
        raise RequestError(f"dad_timeout is {params['dad_timeout']:g}: give it seconds from 0 up.")
    return Request(
        interface=params["interface"],
        addresses=parse_addresses(params["addresses"]),
        routed_prefixes=parse_prefixes(params["routed_prefixes"]),
        exclusive=exclusive,
        present=present,
        persistent=params["persistent"],
        backend=params["backend"],
        deprecated=params["deprecated"],
    )
