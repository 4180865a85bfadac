# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Service addresses and routed prefixes of one host, as the plan knows them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network


class Store(t.NamedTuple):
    """Where a service address is written down: that is also the mark by which it is known to be ours."""

    backend: str  # "networkd", "networkmanager", "ifupdown" or "none": who sets it
    persistent: bool  # whether it is there after a reboot
    path: str = ""  # of the file


class ServiceAddress(t.NamedTuple):
    """A service address as it is wanted, or as an earlier call wrote it down."""

    address: IPv6Address
    length: int
    deprecated: bool  # never the source address of the host's own connections (DESIGN.md, fact 7)
    store: Store


class RoutedPrefix(t.NamedTuple):
    """A prefix that a router routes to the host, which answers on every address of it (DESIGN.md, fact 8)."""

    prefix: IPv6Network
    persistent: bool


@dataclass(frozen=True)
class Held:
    """An address on an interface, ours or not, as the kernel has it now."""

    address: IPv6Address
    length: int
    link: str
    tentative: bool = False  # nothing can bind to it yet (DESIGN.md, fact 1)
    duplicate: bool = False  # another host has it; it stays tentative
    deprecated: bool = False
