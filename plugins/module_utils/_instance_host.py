# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of the host matters to instances: interfaces, listening sockets, chains of nftables, addresses inside of instances."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import typing as t
from ipaddress import IPv6Address, IPv6Interface, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils._command import CommandError, Run, output
from ansible_collections.ipv6.services.plugins.module_utils._instance_body import Link, Network
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import Held, parse_links, parse_listeners
from ansible_collections.ipv6.services.plugins.module_utils._iproute import parse_default_link
from ansible_collections.ipv6.services.plugins.module_utils._neighbours import announce


class HostReader:
    """Reads through the programs `ip`, `nft` and `nsenter`, one at a time, and from /proc and /sys."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.RLock()
        self._links: dict[tuple[str | None, str], Link] = {}

    def link(self, name: str | None, nictype: str) -> Link:
        """The interface that instances are beside; the one of the default route, where none is named."""
        with self._lock:
            if (name, nictype) not in self._links:
                self._links[name, nictype] = self._read_link(name, nictype)
            return self._links[name, nictype]

    def _read_link(self, name: str | None, nictype: str) -> Link:
        try:
            routes = json.loads(output(self._run, ["ip", "-json", "-6", "route", "show", "default"]) or "[]")
            name = name or parse_default_link(routes)
            if not name:
                return Link("", error="The host has no IPv6 default route. Name the interface of the LAN as parent.")
            addresses = json.loads(output(self._run, ["ip", "-json", "-6", "addr", "show", "dev", name]) or "[]")
        except CommandError as exc:
            return Link(name or "", error=f"The interface {name} can't be read: {exc}. Name another one as parent.")
        if nictype == "bridged" and not os.path.isdir(f"/sys/class/net/{name}/bridge"):
            return Link(name, error=f"{name} is no bridge. Name a bridge as parent, or write `nictype: macvlan`.")
        return Link(name, parse_prefixes(addresses), parse_gateway(routes, name))

    def addresses_in(self, pid: int) -> dict[str, tuple[Held, ...]] | None:
        """Interface -> global addresses in the network namespace of a process, or None where that can't be read."""
        with self._lock:
            try:
                return parse_links(
                    output(self._run, ["nsenter", "-t", str(pid), "-n", "ip", "-json", "-6", "addr", "show"])
                )
            except (CommandError, ValueError):
                return None

    def addresses(self) -> frozenset[Held]:
        """The host's addresses; `usable` are its own, since service addresses are deprecated (DESIGN.md, fact 7)."""
        with self._lock:
            try:
                links = parse_links(output(self._run, ["ip", "-json", "-6", "addr", "show"]))
            except (CommandError, ValueError):
                return frozenset()
        return frozenset(h for held in links.values() for h in held)

    def listeners(self) -> set[tuple[str, IPv6Address, int]]:
        """Protocol, address and port of everything on the host that listens on an IPv6 address."""
        found = set()
        for protocol in ("tcp", "udp"):
            with contextlib.suppress(FileNotFoundError), open(f"/proc/net/{protocol}6", encoding="ascii") as file:
                found |= parse_listeners(protocol, file.read())
        return found

    def chains(self, table: str) -> frozenset[str] | None:
        """The names of the chains in a table of nftables, or None where they can't be read."""
        try:
            return parse_chains(table, output(self._run, ["nft", "--json", "list", "chains"]))
        except (CommandError, ValueError):
            return None

    def announce(self, link: str, address: IPv6Address, mac: str) -> None:
        """Tell the neighbours behind an interface at which MAC address an address is now."""
        announce(link, address, mac)


def parse_prefixes(answer: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[IPv6Network, ...]:
    """The prefixes on an interface, the longest first."""
    found = {
        IPv6Interface((a["local"], a["prefixlen"])).network
        for link in answer
        for a in link.get("addr_info") or ()
        if a.get("scope") == "global" and a["prefixlen"] < 128
    }
    return tuple(sorted(found, key=lambda p: (-p.prefixlen, p)))


def parse_gateway(routes: t.Iterable[t.Mapping[str, t.Any]], link: str) -> str | None:
    """The gateway of a default route that somebody configured; one that a router announced reaches instances as well."""
    found = [r for r in routes if r.get("dev") == link and r.get("gateway")]
    return None if any(r.get("protocol") == "ra" for r in found) else next((str(r["gateway"]) for r in found), None)


def parse_chains(table: str, text: str) -> frozenset[str]:
    items = [item["chain"] for item in json.loads(text)["nftables"] if "chain" in item]
    return frozenset(str(c["name"]) for c in items if c["table"] == table and c["family"] == "inet")


def parse_network(name: str, engine: str, answer: t.Mapping[str, t.Any] | None, check_mode: bool) -> Network:
    """The engine's network as GET /1.0/networks/NAME has it, or why no instance can be in it."""
    if answer is None:
        if check_mode:  # the role host makes it before a real run gets here
            return Network(name)
        text = f"network {name} is not on {engine}. Run the role ipv6.services.host, which makes it, or name another."
        return Network(name, error=text)
    if not answer.get("managed") or answer.get("type") != "bridge":
        return Network(name, error=f"network {name} is no bridge that {engine} manages. Name one that is.")
    config = answer.get("config") or {}
    address = config.get("ipv6.address") or "none"
    if config.get("ipv6.dhcp.stateful") != "true" or config.get("ipv6.dhcp") == "false":
        # The engines refuse the ipv6.address of a NIC then.
        return Network(name, no_static=f"network {name} has no stateful DHCPv6 (`ipv6.dhcp.stateful: true`)")
    try:
        return Network(name, IPv6Interface(address).network)
    except ValueError:
        text = f"network {name} of {engine} has no IPv6 (ipv6.address is {address}). Give it a prefix, as fd00::1/64."
        return Network(name, error=text)
