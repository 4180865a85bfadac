# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The config and the devices of the instance that a service is to have."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network

from ansible_collections.ipv6.services.plugins.module_utils._instance_found import KEY_ADDRESS, KEY_NAME, KEY_OPTIONS
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import AUTO, Instance
from ansible_collections.ipv6.services.plugins.module_utils._instance_values import (
    DEVICE_PREFIX,
    ENVIRONMENT,
    USER_DATA_KEY,
)
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding

# The interface of an instance, and the device that makes it. A profile's device of this name gives way.
NIC = "eth0"
NETWORK_CONFIG_KEY = "cloud-init.network-config"
# Before every file that an image has for the interface; the first that matches counts.
NETWORK_FILE = "/etc/systemd/network/05-ipv6-services.network"


@dataclass(frozen=True)
class Network:
    """The engine's network that published instances are in."""

    name: str
    subnet: IPv6Network | None = None
    error: str | None = None  # why no instance can be in it
    no_static: str | None = None  # why none can have a static address there


@dataclass(frozen=True)
class Link:
    """The interface of the host that instances with a NIC of their own are beside."""

    name: str
    prefixes: tuple[IPv6Network, ...] = ()
    gateway: str | None = None  # of a default route that no router announced
    error: str | None = None

    def length_of(self, address: IPv6Address) -> int:
        """The prefix length of an address on this LAN."""
        return next((p.prefixlen for p in self.prefixes if address in p), 64)


@dataclass(frozen=True)
class Body:
    """What an instance is to have. `config` and `devices` are all that this collection sets, and nothing else."""

    config: t.Mapping[str, str] = field(repr=False)
    devices: t.Mapping[str, t.Mapping[str, str]] = field(default_factory=dict)
    nat: bool | None = None  # None: nothing is published
    inside: IPv6Address | None = None  # the instance's own address in the engine's network
    network_file: str | None = None  # what systemd-networkd in the instance has to know of its static address


class Span(t.NamedTuple):
    """Ports that follow each other, on both sides: one proxy device."""

    address: IPv6Address
    protocol: str
    port: int
    inner: int
    size: int

    @property
    def ports(self) -> range:
        return range(self.port, self.port + self.size)


def spans_of(bindings: t.Iterable[Binding]) -> list[Span]:
    """The ports with those together that follow each other."""
    spans: list[Span] = []
    for b in sorted(bindings, key=lambda b: (b.address, b.protocol, b.port)):
        last = spans[-1] if spans else None
        ahead = last and (last.address, last.protocol, last.port + last.size, last.inner + last.size)
        if last and ahead == (b.address, b.protocol, b.port, b.container_port):
            spans[-1] = last._replace(size=last.size + 1)
            continue
        spans.append(Span(b.address, b.protocol, b.port, b.container_port, 1))
    return spans


def device_name(span: Span, address: IPv6Address | None) -> str:
    """The name of the proxy device: of an address that is not the service's own it has a hash."""
    other = "" if span.address == address else "-" + hashlib.sha256(span.address.packed).hexdigest()[:8]
    return f"{DEVICE_PREFIX}{span.protocol}-{span.port}{other}"


def proxies_of(wanted: Instance, nat: bool) -> dict[str, dict[str, str]]:
    """The proxy devices, by name.

    With nat the wildcard address stands for the static address of the NIC. Without it, 127.0.0.1 reaches servers that
    listen on IPv4 alone as well as those that listen on both.
    """
    proxies = {}
    for span in spans_of(wanted.ports):
        outer, inner = _ports_text(span.port, span.size), _ports_text(span.inner, span.size)
        device = {
            "type": "proxy",
            "listen": f"{span.protocol}:[{span.address}]:{outer}",
            "connect": f"{span.protocol}:{'[::]' if nat else '127.0.0.1'}:{inner}",
        }
        if nat:
            device["nat"] = "true"
        elif wanted.proxy_protocol:
            device["proxy_protocol"] = "true"
        proxies[device_name(span, wanted.address)] = device
    return proxies


def _ports_text(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}-{first + count - 1}"


def own_nic(wanted: Instance) -> bool:
    """Whether the NIC is this collection's; an entry that has a device of that name says what it is to be."""
    return NIC not in wanted.devices


def nat_refusal(wanted: Instance, network: Network) -> str | None:
    """Why the ports of a service can't be published by nat, which needs a static address of the instance, or None."""
    if own_nic(wanted):
        return network.no_static
    return None if wanted.devices[NIC].get("ipv6.address") else f"its device {NIC} has no ipv6.address"


class FullError(ValueError):
    """No address could be found in a network."""


def inside_address(name: str, subnet: IPv6Network, taken: t.Container[IPv6Address]) -> IPv6Address:
    """An address for an instance in the engine's network, always the same while it is free. Raises FullError."""
    for count in range(1000):
        digest = hashlib.sha256(f"{name}/{count}".encode()).digest()
        host = int.from_bytes(digest[:16], "big") & (int(subnet.hostmask))
        address = IPv6Address(int(subnet.network_address) | host)
        if host > 1 and address not in taken:
            return address
    raise FullError(f"no address is free in the engine's network {subnet}. Give it a larger prefix, as a /64.")


def body_of(
    wanted: Instance,
    network: Network,
    link: Link,
    nat: bool | None,
    inside: IPv6Address | None,
    profile_nics: t.Iterable[str] = (),
) -> Body:
    """All config keys and devices that a service's instance is to have.

    nat, inside: as the plan decided; None for a service with a NIC of its own.
    profile_nics: the names of the NICs that the profiles bring, and those that others gave the instance.
    """
    devices = {name: dict(device) for name, device in wanted.devices.items()}
    static, length, gateway = inside, 64, None
    if wanted.addressing == "own":
        static, length, gateway = wanted.address, 64, link.gateway
        if own_nic(wanted):
            devices[NIC] = {"type": "nic", "name": NIC, "nictype": wanted.nictype, "parent": link.name}
        if static:
            length = link.length_of(static)
    else:
        if own_nic(wanted):
            devices[NIC] = {"type": "nic", "name": NIC, "network": network.name}
            if inside:
                devices[NIC]["ipv6.address"] = str(inside)
        devices.update(proxies_of(wanted, bool(nat)))
    config = _config(wanted)
    if static and own_nic(wanted):
        if wanted.type == "container":
            # A device masks that of a profile, as one of type `none` does with a NIC.
            nics = {name for name in profile_nics if name not in devices}
            nics |= {name for name, device in devices.items() if device["type"] == "nic"}
            number = sorted(nics).index(NIC)
            config["raw.lxc"] = _raw_lxc(config.get("raw.lxc"), number, f"{static}/{length}", gateway)
        if wanted.addressing == "own":
            config.setdefault(NETWORK_CONFIG_KEY, _network_config(static, length, gateway))
    config[KEY_NAME] = wanted.name
    config[KEY_ADDRESS] = str(wanted.address) if wanted.address else AUTO
    config[KEY_OPTIONS] = _options(wanted, config, devices)
    network_file = None
    if static and wanted.addressing == "own" and wanted.type == "container" and own_nic(wanted):
        network_file = _network_file(static, length, gateway)
    return Body(config, devices, nat if wanted.ports else None, inside, network_file)


def _config(wanted: Instance) -> dict[str, str]:
    config = {"boot.autostart": "true" if wanted.state == "started" else "false", **wanted.config}
    config.update({f"{ENVIRONMENT}{name}": value for name, value in {**wanted.env, **wanted.secret_env}.items()})
    if wanted.user_data is not None:
        config[USER_DATA_KEY] = wanted.user_data
    if wanted.memory:
        config["limits.memory"] = str(wanted.memory)
    if wanted.cpus and wanted.cpus == int(wanted.cpus):
        config["limits.cpu"] = str(int(wanted.cpus))
    elif wanted.cpus:
        config["limits.cpu.allowance"] = f"{max(1, round(wanted.cpus * 100))}ms/100ms"
    return config


def _raw_lxc(given: str | None, number: int, address: str, gateway: str | None) -> str:
    """LXC gives the address before the first program of the instance runs, so it needs nothing in the image.

    number: of the NIC among all of the instance, which the engines count in the order of their names.
    """
    lines = [line for line in (given or "").splitlines() if line.strip()]
    lines.append(f"lxc.net.{number}.ipv6.address={address}")
    if gateway:
        lines.append(f"lxc.net.{number}.ipv6.gateway={gateway}")
    return "\n".join(lines)


def _network_config(address: IPv6Address, length: int, gateway: str | None) -> str:
    """For images with cloud-init, whose network manager would take away what LXC gave."""
    lines = [
        "network:",
        "  version: 2",
        "  ethernets:",
        f"    {NIC}:",
        f'      addresses: ["{address}/{length}"]',
        "      accept-ra: true",
        "      dhcp4: true",
    ]
    if gateway:
        lines.append(f'      routes: [{{to: "::/0", via: "{gateway}", on-link: true}}]')
    return "\n".join(lines) + "\n"


def _network_file(address: IPv6Address, length: int, gateway: str | None) -> str:
    """For images with systemd-networkd, which takes away what LXC gave when it starts (DESIGN.md, fact 5)."""
    lines = [
        "# Written by the Ansible collection ipv6.services.",
        "[Match]",
        f"Name={NIC}",
        "",
        "[Network]",
        "DHCP=yes",
        "IPv6AcceptRA=yes",
        f"Address={address}/{length}",
    ]
    if gateway:
        lines += ["", "[Route]", f"Gateway={gateway}", "GatewayOnLink=yes"]
    return "\n".join(lines) + "\n"


def _options(wanted: Instance, config: t.Iterable[str], devices: t.Iterable[str]) -> str:
    """What was asked for, so far as the instance itself does not show it; no value of a key is in it."""
    image = wanted.image
    options = {
        "image": [image.name, image.server, image.protocol],
        "config": sorted(k for k in config if k != KEY_OPTIONS),
        "devices": sorted(devices),
        "addressing": wanted.addressing,
    }
    return json.dumps(options, sort_keys=True, separators=(",", ":"))
