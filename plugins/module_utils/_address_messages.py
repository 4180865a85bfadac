# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What went wrong with a service address or a routed prefix: what, where, why and the mend."""

from __future__ import annotations

import typing as t
from ipaddress import IPv4Address, IPv6Address, IPv6Network


def duplicate(address: IPv6Address, link: str, mac: str | None) -> str:
    """mac: of the other host, from the neighbour table; None when it is not there."""
    return (
        f"{address} was taken off {link} again: {mac or 'another host'} already answers for it."
        " Give the service another address, or take this one off that host."
    )


def no_carrier(address: IPv6Address, link: str, up: bool) -> str:
    """up: whether the link is switched on; without a cable, or a peer that is up, it still has no carrier."""
    return (
        f"{address} can't be used yet: {link} {'has no carrier' if up else 'is down'}. It is written down, and comes by itself"
        f" when the link does; until then nothing can bind to it."
    )


def late(address: IPv6Address, link: str, seconds: float) -> str:
    """Duplicate address detection should have ended by now."""
    return (
        f"{address} is still tentative on {link} after {seconds:g} s, and nothing can bind to it yet. It stays written down: run"
        f" this again, with a longer dad_timeout where duplicate address detection is slow (`ip -6 addr show dev {link}`)."
    )


def not_set(address: IPv6Address, link: str, seconds: float) -> str:
    """systemd-networkd has the address in its file and didn't set it."""
    return (
        f"systemd-networkd did not set {address} on {link} within {seconds:g} s. It stays written down; `journalctl -u"
        f" systemd-networkd` and `networkctl status {link}` say why."
    )


def refused(address: IPv6Address | IPv6Network, answer: str) -> str:
    """answer: of the program `ip`."""
    return f"The kernel refused {address}: {answer}"


def not_ours(address: IPv6Address, link: str) -> str:
    """An address that is wanted as a service address, or is to be removed, and that something else set."""
    return (
        f"{address} is on {link} and is not ours: something else set it, and nothing here changes or removes such an address."
        " Give the service another address, or take this one out of where it is set."
    )


def foreign(addresses: t.Sequence[IPv4Address | IPv6Address], link: str, file: str) -> str:
    """Addresses of a link that networkd manages and that it did not set (DESIGN.md, fact 5)."""
    return (
        f"systemd-networkd did not set {', '.join(map(str, addresses))} on {link}, and would take away what it did not set when"
        f" it reads its changed files. Put `KeepConfiguration=static` into section [Network] of {file} or of a drop-in of it, or"
        " have systemd-networkd set them. Nothing was changed."
    )


_MANAGERS = {"networkd": "systemd-networkd", "networkmanager": "NetworkManager", "none": "Nobody known here"}
_ASK = {"networkd": "networkctl status", "networkmanager": "nmcli device show", "ifupdown": "ifquery --state"}


def not_managed(backend: str, link: str, manager: str) -> str:
    """The backend that the call names is not that of the link. manager: who it is, or "none"."""
    return (
        f"{_MANAGERS.get(backend, backend)} doesn't manage {link} (`{_ASK[backend]} {link}`). {_MANAGERS.get(manager, manager)}"
        " does: leave `backend` out."
    )


def elsewhere(address: IPv6Address, other: str) -> str:
    """The address is ours, on another link than the one that this call is about."""
    return f"{address} is a service address on {other}. Remove it there first, with `interface: {other}` and `state: absent`."


def two_lengths(address: IPv6Address) -> str:
    return f"{address} is listed with two prefix lengths. List it once."


def not_nameable(link: str) -> str:
    return (
        f"The name of {link!r} can't be part of the name of a systemd unit, which would set its addresses at boot. Rename it, or"
        " set `persistent: false`."
    )


def not_writable(link: str) -> str:
    return (
        f"The name of {link!r} can't be written into a file for `ip -batch`, where quotes, `\\` and `#` mean something else"
        " and which is ASCII. Rename it."
    )


def no_systemd() -> str:
    return "systemd doesn't run on this host, and it is what would set them at boot. Set `persistent: false`."


def prefix_not_ours(prefix: IPv6Network) -> str:
    """A local route that something else made."""
    return (
        f"{prefix} is a local route of the host and is not ours: something else made it, and nothing here changes or removes it."
        f" Take it away there first (`ip -6 route del local {prefix} dev lo`)."
    )


def prefix_covers(prefix: IPv6Network, address: IPv6Address, length: int, link: str) -> str:
    """A local route would cut the host off from its neighbours."""
    return (
        f"{prefix} can't be a routed prefix: the host has {address}/{length} on {link}, and would take everything else in"
        f" {prefix} for itself too. Route a prefix to the host that is not the one of its own link."
    )


def prefix_no_unicast(prefix: IPv6Network) -> str:
    return (
        f"{prefix} can't be a routed prefix: it has more in it than global unicast addresses. Give one that a router routes"
        " to this host, as 2001:db8:99:1::/64."
    )


def prefix_unanswered(prefix: IPv6Network, address: IPv6Address, length: int, link: str) -> str:
    """A warning: it works only for those who don't have that prefix on-link."""
    return (
        f"{prefix} lies in the prefix of {address}/{length} on {link}. The neighbours there ask for its addresses by neighbour"
        " discovery, which a routed prefix does not answer. Give the services `addresses` there, or route another prefix."
    )


def sentence(errors: t.Sequence[str], total: int) -> str:
    """The module's own message. errors: in the caller's order. total: how many items the call was about."""
    head = f"{len(errors)} of {total} failed. " if total > 1 else ""
    return head + " ".join(errors)
