# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module `address` has to know of a host: read once, before the plan."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils import (
    _address_marks,
    _duplicate_watch,
    _kernel,
    _manager_hooks,
    _networkd,
    _unit,
)
from ansible_collections.ipv6.services.plugins.module_utils import _address_messages as messages
from ansible_collections.ipv6.services.plugins.module_utils._address_plan import Link
from ansible_collections.ipv6.services.plugins.module_utils._address_request import Request
from ansible_collections.ipv6.services.plugins.module_utils._iproute import Iproute
from ansible_collections.ipv6.services.plugins.module_utils._link_managers import read_managers
from ansible_collections.ipv6.services.plugins.module_utils._networkd import Networkd
from ansible_collections.ipv6.services.plugins.module_utils._routed_plan import unanswered
from ansible_collections.ipv6.services.plugins.module_utils._service_address import Held, RoutedPrefix, Store

_DISPATCHER = "dbus-org.freedesktop.nm-dispatcher.service"
_UNIT_PATHS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
NONLOCAL_BIND = ("net", "ipv6", "ip_nonlocal_bind")


class HostError(Exception):
    """The host can't do what is asked of it. Nothing was changed."""


@dataclass(frozen=True)
class Host:
    """As it is before the call."""

    link: Link | None  # None when the call is about routed prefixes only
    network_file: str | None  # of the link, where networkd manages it
    backend: str  # "networkd", "networkmanager", "ifupdown" or "none"
    held: t.Collection[Held]
    ours: t.Collection[IPv6Address]  # the service addresses on all links
    prefixes: t.Collection[RoutedPrefix]  # written down
    routes: t.Collection[IPv6Network]  # the local routes there are
    nonlocal_bind: bool
    units: t.Mapping[str, str | None]
    systemd: bool  # whether it runs the host
    warnings: t.Sequence[str] = ()
    foreign: t.Sequence[IPv4Address | IPv6Address] = ()  # on the link, and networkd would take them away
    stores_elsewhere: t.Collection[Store] = ()  # of the service addresses on other links

    def stores(self) -> dict[bool, Store]:
        """Where the backend keeps the addresses of the link, by whether they outlive a reboot."""
        if self.link is None:
            return {}
        return {
            persistent: _address_marks.find_store(self.backend, persistent, self.link.name, self.network_file)
            for persistent in (True, False)
        }


def read_host(request: Request, iproute: Iproute, networkd: Networkd, units: _unit.Units) -> Host:
    """Raises HostError and CommandError."""
    listing = networkd.read()
    network_files = _networkd.parse_network_files(listing)
    name = (request.interface or _default_link(iproute)) if request.needs_link else None
    marked = _address_marks.read_all(network_files)
    held = _kernel.read_held()
    prefixes = _address_marks.read_prefixes()
    host = Host(
        link=None,
        network_file=network_files.get(name or ""),
        backend=request.backend,
        held=held,
        ours={item.address for items in marked.values() for item in items},
        prefixes=prefixes,
        routes=iproute.routed_prefixes() if prefixes or request.routed_prefixes.items else set(),
        nonlocal_bind=_kernel.read_sysctl(*NONLOCAL_BIND) == "1",
        units=units.read(_unit_names(name)),
        systemd=os.path.isdir("/run/systemd/system"),
        stores_elsewhere={item.store for link, items in marked.items() if link != name for item in items},
    )
    if request.present:
        host = replace(host, warnings=unanswered(request.routed_prefixes.prefixes, held))
    if name is None:
        return host
    elsewhere = {item.address: link for link, items in marked.items() if link != name for item in items}
    link = Link(name, marked.get(name, ()), held, elsewhere, _kernel.has_carrier(name))
    _check_link(link, request)
    check_decided(name, request, _networkd.parse_undecided(listing))
    backend = choose_backend(request.backend, name, network_files, read_managers([name]).get(name))
    if request.present and backend == "networkd":
        _check_alone(name, network_files)
    if name in network_files and not _networkd.keeps_foreign(listing, name):
        host = replace(host, foreign=[a for a in _networkd.parse_foreign(listing, name) if a not in host.ours])
    warnings = [*host.warnings, *(_warnings(name, backend, network_files) if request.present else [])]
    return replace(host, link=link, backend=backend, warnings=warnings)


def choose_backend(asked: str, link: str, network_files: t.Mapping[str, str], other: str | None = None) -> str:
    """Who sets the addresses. Raises HostError when it is to be one that doesn't manage the link.

    other: "networkmanager" or "ifupdown" where one of these has set up the link.
    """
    manager = "networkd" if link in network_files else other or "none"
    if asked not in ("auto", "none", manager):
        raise HostError(messages.not_managed(asked, link, manager))
    return manager if asked == "auto" else asked


def _unit_names(link: str | None) -> list[str]:
    """What may be installed, for a call about this link."""
    names = [_unit.ROUTED_PREFIXES, _unit.DUPLICATES, _unit.WATCH, _duplicate_watch.NOTES, *_manager_hooks.paths()]
    return names + ([_unit.addresses_unit(link)] if link else [])


def _default_link(iproute: Iproute) -> str:
    link = iproute.default_link()
    if link is None:
        raise HostError("The host has no IPv6 default route that could tell the interface. Set `interface`.")
    return link


def _check_link(link: Link, request: Request) -> None:
    """What is written down for a link that is gone can still be removed."""
    if not _kernel.has_link(link.name):
        if not request.present and link.marked:
            return
        there = ", ".join(sorted(os.listdir("/sys/class/net")))
        raise HostError(f"The host has no interface {link.name!r}. It has: {there}.")
    check_name(link.name, request)
    if request.present and not _kernel.has_ipv6(link.name):
        raise HostError(f"IPv6 is switched off on {link.name}. Set net.ipv6.conf.{link.name}.disable_ipv6 to 0 first.")


def check_name(link: str, request: Request) -> None:
    """What is written down is read by `ip`, one line each."""
    if request.present and not (link.isascii() and not re.search(r"""[\s"'\\#]""", link)):
        raise HostError(messages.not_writable(link))


def check_decided(link: str, request: Request, undecided: t.Mapping[str, str]) -> None:
    """Until networkd has found its file for a link, nobody knows who manages it, nor what is written down for it."""
    if link in undecided and (request.backend != "none" or not request.present):
        raise HostError(
            f"systemd-networkd has not decided yet whether it manages {link} (`networkctl status {link}`: {undecided[link]})."
            " Run this again when it has."
        )


def _check_alone(link: str, network_files: t.Mapping[str, str]) -> None:
    """A drop-in is for a file, and so for every link that the file is for."""
    file = network_files[link]
    others = sorted(o for o, f in network_files.items() if o != link and os.path.basename(f) == os.path.basename(file))
    if others:
        raise HostError(
            f"The network file of {link}, {file}, is also that of {', '.join(others)}: systemd-networkd would give the service"
            f" addresses to each. Give {link} a file of its own, such as /etc/systemd/network/05-{link}.network."
        )


def _warnings(link: str, backend: str, network_files: t.Mapping[str, str]) -> list[str]:
    if backend == "networkmanager" and not any(os.path.lexists(f"{path}/{_DISPATCHER}") for path in _UNIT_PATHS):
        return [
            "NetworkManager's dispatcher is switched off, and it is what sets the addresses when a connection is activated. Run"
            " `systemctl enable NetworkManager-dispatcher`."
        ]
    if backend == "none" and link in network_files:
        return [f"systemd-networkd manages {link}, and takes away what it did not set itself. Leave `backend` out."]
    if backend == "none" and read_managers([link]).get(link) == "networkmanager":
        return [
            f"NetworkManager manages {link}, and takes away addresses that it did not set itself when it applies a connection"
            " anew. Leave `backend` out."
        ]
    return []
