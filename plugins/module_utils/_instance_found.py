# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instances as an engine reports them."""

from __future__ import annotations

import json
import re
import sys
import typing as t
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils._instance_values import KEY_PREFIX

KEY_NAME, KEY_ADDRESS, KEY_OPTIONS = (KEY_PREFIX + key for key in ("name", "address", "options"))
# Why nat is not used although it could be asked for: it failed here before.
KEY_NO_NAT = KEY_PREFIX + "no-nat"
# Something that was changed takes effect at the next start only.
KEY_RESTART = KEY_PREFIX + "restart"
KEY_PROTECTED = "security.protection.delete"
# What an instance is that can be changed and started.
DOWN = ("Stopped", "Error")
Listener = tuple[str, IPv6Address, int]  # protocol, address, port
# Unique local addresses; a router may announce some beside those that the world reaches.
_ULA = IPv6Network("fc00::/7")


@dataclass(frozen=True)
class Found:
    """An instance as the engine's list has it."""

    engine: str
    project: str
    name: str
    status: str  # Running, Stopped, Frozen, Error ...
    type: str
    config: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    devices: t.Mapping[str, t.Mapping[str, str]] = field(default_factory=dict)
    expanded_devices: t.Mapping[str, t.Mapping[str, str]] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()
    protected: bool = False  # from being deleted

    @property
    def service(self) -> str | None:
        """The service that this collection made it for."""
        return self.config.get(KEY_NAME)

    @property
    def address(self) -> str | None:
        return self.config.get(KEY_ADDRESS)

    @property
    def running(self) -> bool:
        return self.status == "Running"

    @property
    def down(self) -> bool:
        """Whether nothing of it runs; of a frozen one all does."""
        return self.status in DOWN

    @property
    def image(self) -> str:
        """The fingerprint of the image that it was made of."""
        return self.config.get("volatile.base_image", "")

    @property
    def options(self) -> t.Mapping[str, t.Any]:
        """What an earlier call wrote down: the image that was asked for, and which keys and devices it set."""
        try:
            options = json.loads(self.config.get(KEY_OPTIONS, "{}"))
        except ValueError:
            return {}
        return options if isinstance(options, dict) else {}

    def ours(self, what: str) -> frozenset[str]:
        """The keys (`config`) or the `devices` that an earlier call set."""
        names = self.options.get(what)
        return frozenset(n for n in names if isinstance(n, str)) if isinstance(names, list) else frozenset()

    @property
    def key(self) -> tuple[str, str, str]:
        return self.engine, self.project, self.name


class Held(t.NamedTuple):
    """An address in an instance."""

    address: IPv6Address
    usable: bool  # neither tentative nor deprecated nor temporary
    duplicate: bool


@dataclass(frozen=True)
class State:
    """What is effective."""

    status: str
    pid: int = 0
    addresses: t.Mapping[str, tuple[Held, ...]] = field(default_factory=dict)  # interface -> its global addresses

    @property
    def running(self) -> bool:
        return self.status == "Running"

    def of(self, interface: str) -> tuple[Held, ...]:
        return self.addresses.get(interface, ())


def is_true(text: str | None) -> bool:
    """A config key's value, as the engines read it."""
    return (text or "").lower() in ("true", "1", "yes", "on")


def parse_instances(engine: str, answer: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[Found, ...]:
    """The answer to GET /1.0/instances?recursion=1."""
    return tuple(
        Found(
            engine=engine,
            project=item.get("project") or "default",
            name=item["name"],
            status=item["status"],
            type=item.get("type") or "container",
            config=item.get("config") or {},
            devices=item.get("devices") or {},
            expanded_devices=item.get("expanded_devices") or {},
            profiles=tuple(item.get("profiles") or ()),
            protected=is_true((item.get("expanded_config") or item.get("config") or {}).get(KEY_PROTECTED)),
        )
        for item in answer
    )


def parse_state(answer: t.Mapping[str, t.Any]) -> State:
    """The answer to GET /1.0/instances/NAME/state, which can't tell a tentative address from another."""
    addresses = {}
    for name, link in (answer.get("network") or {}).items():
        found = [a for a in link.get("addresses") or () if a["family"] == "inet6" and a["scope"] == "global"]
        addresses[name] = tuple(Held(IPv6Address(a["address"]), usable=True, duplicate=False) for a in found)
    return State(answer["status"], int(answer.get("pid") or 0), addresses)


def parse_links(text: str) -> dict[str, tuple[Held, ...]]:
    """The answer to `ip -json -6 addr show` in the network namespace of an instance."""
    links = {}
    for link in json.loads(text or "[]"):
        held = [a for a in link.get("addr_info") or () if a.get("scope") == "global" and a.get("family") == "inet6"]
        links[link["ifname"]] = tuple(
            Held(
                IPv6Address(a["local"]),
                usable=not (a.get("tentative") or a.get("deprecated") or a.get("temporary") or a.get("dadfailed")),
                duplicate=bool(a.get("dadfailed")),
            )
            for a in held
        )
    return links


def main_address(held: t.Iterable[Held]) -> IPv6Address | None:
    """The address that clients reach an instance at: one that is global for the world comes before a unique local one."""
    usable = sorted((h.address in _ULA, h.address) for h in held if h.usable)
    return usable[0][1] if usable else None


def parse_listeners(protocol: str, text: str) -> set[tuple[str, IPv6Address, int]]:
    """Protocol, address and port of each line of /proc/net/tcp6 or udp6 that listens."""
    listeners = set()
    for line in text.splitlines()[1:]:
        columns = line.split()
        if len(columns) < 4 or (protocol == "tcp" and columns[3] != "0A"):
            continue
        address, port = columns[1].split(":")
        # Four words of 32 bits, each in the byte order of the host.
        packed = b"".join(int(address[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, 32, 8))
        listeners.add((protocol, IPv6Address(packed), int(port, 16)))
    return listeners


def parse_static(text: str | None) -> IPv6Address | None:
    """The ipv6.address of a NIC device; `none` and an IPv4 address there are no address."""
    try:
        return IPv6Address(text or "")
    except ValueError:
        return None


def taken_addresses(listed: t.Iterable[Found]) -> set[IPv6Address]:
    """The static addresses that instances have in networks of the engine."""
    devices = [d for found in listed for d in {**found.expanded_devices, **found.devices}.values()]
    return {a for a in (parse_static(device.get("ipv6.address")) for device in devices) if a}


_LISTEN = re.compile(r"(?P<protocol>tcp|udp):\[(?P<address>[^]]+)\]:(?P<first>\d+)(?:-(?P<last>\d+))?", re.ASCII)


def ports_of(devices: t.Mapping[str, t.Mapping[str, str]]) -> set[Listener]:
    """Protocol, address and port of everything that the proxy devices publish on IPv6 addresses."""
    ports: set[Listener] = set()
    for device in devices.values():
        match = _LISTEN.fullmatch(device.get("listen", "")) if device.get("type") == "proxy" else None
        address = parse_static(match["address"]) if match else None
        if match and address:
            last = int(match["last"] or match["first"])
            ports.update((match["protocol"], address, port) for port in range(int(match["first"]), last + 1))
    return ports
