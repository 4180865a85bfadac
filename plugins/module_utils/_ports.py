# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The `ports` of a service: what is published on its address, and which container port each reaches."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError, parse_address

PROTOCOLS = ("tcp", "udp", "sctp")
_FORMS = 'Write 443, "443:8443", "443:8443/tcp" or "8000-8010:9000-9010/udp"'
_PORTS = re.compile(r"(?P<first>[0-9]+)(?:-(?P<last>[0-9]+))?", re.ASCII)


@dataclass(frozen=True, order=True)
class Binding:
    """One published port: clients reach `port` of `address`, which leads to `container_port`."""

    address: IPv6Address
    port: int
    container_port: int
    protocol: str  # of PROTOCOLS


def parse_ports(values: t.Iterable[object], address: IPv6Address) -> tuple[Binding, ...]:
    """All ports of one service, sorted.

    values: each a port (80), "PORT", "PORT:CONTAINER_PORT", either as ranges, with "/PROTOCOL" at the end and
      "[ADDRESS]:" in front, which then stands in the place of `address`.
    Raises RequestError for the first one that can't be meant.
    """
    seen: dict[tuple[IPv6Address, int, str], object] = {}
    bindings: list[Binding] = []
    for value in values:
        for binding in parse_port(value, address):
            key = (binding.address, binding.port, binding.protocol)
            if key in seen:
                raise RequestError(
                    f"port {binding.port}/{binding.protocol} of {binding.address} is published twice, by {seen[key]!r}"
                    f" and {value!r}. Take one of them out."
                )
            seen[key] = value
            bindings.append(binding)
    return tuple(sorted(bindings))


def parse_port(value: object, address: IPv6Address) -> tuple[Binding, ...]:
    """One entry of `ports`. Raises RequestError."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise RequestError(f"{value!r} is no port. {_FORMS}.")
    text = _of_integer(value) if isinstance(value, int) else value
    rest, slash, protocol = text.partition("/")
    if slash and protocol not in PROTOCOLS:
        raise RequestError(f"{value!r} names the protocol {protocol!r}. Write one of {', '.join(PROTOCOLS)}.")
    published, rest = _split_address(value, rest, address)
    outside, colon, inside = rest.partition(":")
    ports = _range(value, outside)
    container_ports = _range(value, inside) if colon else ports
    if len(ports) != len(container_ports):
        raise RequestError(
            f"{value!r} publishes {len(ports)} ports to {len(container_ports)} of the container."
            " Give both ranges the same length."
        )
    return tuple(Binding(published, p, c, protocol or "tcp") for p, c in zip(ports, container_ports))


def _of_integer(value: int) -> str:
    """A port given as a number. YAML 1.1 reads HH:MM as a number of base 60, so 22:22 arrives as 1342."""
    minutes, rest = divmod(value, 60)
    pair = f"{minutes}:{rest:02}"
    if value > 65535:
        raise RequestError(
            f"{value} is above 65535, the last port. Was {pair} meant? Put it in quotes: YAML reads it as base 60."
        )
    # A port that leads to itself (22:22) gives only these numbers; the few real ports among them are quoted.
    if 0 < rest == minutes:
        raise RequestError(
            f'{value} is what YAML reads from {pair}, as a number of base 60. Put it in quotes: "{pair}", or "{value}".'
        )
    return str(value)


def _split_address(value: object, text: str, address: IPv6Address) -> tuple[IPv6Address, str]:
    """The address in brackets in front, or the service's; and what is behind it."""
    if not text.startswith("["):
        if text.count(":") == 2 and text.count(".") == 3:
            raise RequestError(
                f"{value!r} has an IPv4 address. A service is published on its IPv6 address only. {_FORMS}."
            )
        return address, text
    inside, bracket, rest = text[1:].partition("]")
    if not bracket or not rest.startswith(":"):
        raise RequestError(f'{value!r} has no port behind its address. Write it as "[2001:db8::205]:443:8443".')
    return parse_address(inside), rest[1:]


def _range(value: object, text: str) -> range:
    match = _PORTS.fullmatch(text)
    if not match:
        raise RequestError(f"{value!r} is no port: {text!r} is neither a number nor a range. {_FORMS}.")
    first, last = int(match["first"]), int(match["last"] or match["first"])
    for port in (first, last):
        if not 1 <= port <= 65535:
            raise RequestError(f"{value!r} has the port {port}. Ports are from 1 to 65535.")
    if last < first:
        raise RequestError(f"{value!r} has a range that runs backwards. Write {last}-{first}.")
    return range(first, last + 1)
