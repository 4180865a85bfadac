# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of one service that runs as an instance of Incus or LXD: their argument spec, and the parsing of one entry.

The plan on the controller and the module on the host use both, so that they refuse the same. What containers have too
has the same name, type and meaning there.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils import _instance_values as values
from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError, parse_address
from ansible_collections.ipv6.services.plugins.module_utils._container_options import Checker, parse_env
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import EntryError, Problem
from ansible_collections.ipv6.services.plugins.module_utils._container_values import (
    OptionError,
    from_request_error,
    parse_memory,
)
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding, parse_ports

INSTANCE_ENGINES = ("incus", "lxd")
INSTANCE_STATES = ("started", "stopped", "absent")
ADDRESSINGS = ("publish", "own")
NICTYPES = ("macvlan", "bridged")
TYPES = ("container", "virtual-machine")
IMAGE_PROTOCOLS = ("simplestreams", "lxd", "incus")
# What `address` is of a service that takes its address from the router's advertisement.
AUTO = "auto"

# The argument spec of one entry.
INSTANCE_OPTIONS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "address": {"type": "str"},
    "engine": {"type": "str", "choices": list(INSTANCE_ENGINES)},
    "addressing": {"type": "str", "choices": list(ADDRESSINGS), "default": "publish"},
    "ports": {"type": "list", "elements": "raw"},
    "nat": {"type": "bool"},
    "proxy_protocol": {"type": "bool", "default": False},
    "nictype": {"type": "str", "choices": list(NICTYPES), "default": "macvlan"},
    "parent": {"type": "str"},
    "state": {"type": "str", "choices": list(INSTANCE_STATES), "default": "started"},
    "image": {"type": "str"},
    "image_server": {"type": "str"},
    "image_protocol": {"type": "str", "choices": list(IMAGE_PROTOCOLS), "default": "simplestreams"},
    "type": {"type": "str", "choices": list(TYPES), "default": "container"},
    "profiles": {"type": "list", "elements": "str", "default": ["default"]},
    "config": {"type": "dict"},
    "devices": {"type": "dict"},
    "user_data": {"type": "str", "no_log": True},
    "env": {"type": "dict"},
    "secret_env": {"type": "dict", "no_log": True},
    "memory": {"type": "str"},
    "cpus": {"type": "float"},
    "project": {"type": "str", "default": "default"},
}

# Ports are validated before the address is known; nothing is ever published there (RFC 6666).
_NO_ADDRESS_YET = IPv6Address("100::")


@dataclass(frozen=True)
class Image:
    """Where an instance comes from: an alias or a fingerprint, in the engine's own store or on a server."""

    name: str = ""
    server: str | None = None
    protocol: str = "simplestreams"


@dataclass(frozen=True)
class Instance:
    """One service as it is wanted, every value in the form that the engines take."""

    name: str  # of the service
    engine: str
    state: str
    project: str = "default"
    addressing: str = "publish"
    address: IPv6Address | None = None  # None with `own`: the router's advertisement decides
    image: Image = field(default_factory=Image)
    type: str = "container"
    ports: tuple[Binding, ...] = ()
    nat: bool | None = None  # None: where it can be had
    proxy_protocol: bool = False
    nictype: str = "macvlan"
    parent: str | None = None  # None: the module's default
    profiles: tuple[str, ...] = ("default",)
    config: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    devices: t.Mapping[str, t.Mapping[str, str]] = field(default_factory=dict)
    user_data: str | None = field(default=None, repr=False)
    env: t.Mapping[str, str] = field(default_factory=dict)
    secret_env: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    memory: int | None = None  # bytes
    cpus: float | None = None

    @property
    def instance(self) -> str:
        """The name of the service's instance, which can't have the dots that a service's name may have."""
        return values.instance_name(self.name)


def parse_instance(entry: t.Mapping[str, t.Any], engine: str = "incus", address_known: bool = True) -> Instance:
    """One entry that INSTANCE_OPTIONS has validated, as what is wanted.

    engine: of entries that name none.
    address_known: False before the plan has decided the address; then an entry needs none, and gets no ports.
    Raises EntryError with everything that can be told without the host; no value of env, secret_env, config or
    user_data is in it.
    """
    check = Checker()
    name = check.value("name", entry.get("name"), values.parse_instance_service)
    project = check.value("project", entry.get("project") or "default", values.parse_project)
    state, engine = entry.get("state") or "started", entry.get("engine") or engine
    values.check_name(check, name, engine)
    addressing = entry.get("addressing") or "publish"
    address = _address(check, entry, addressing)
    if state == "absent":
        check.raise_problems(EntryError, Problem)
        return Instance(name, engine, state, project, addressing, address)
    if address_known and entry.get("address") is None:
        mend = "Give the service an address, as 2001:db8::201" + (", or auto." if addressing == "own" else ".")
        check.add("address", None, "It is missing.", mend)
    instance = Instance(
        name=name,
        engine=engine,
        state=state,
        project=project,
        addressing=addressing,
        address=address,
        image=_image(check, entry),
        type=entry.get("type") or "container",
        ports=_ports(check, entry.get("ports") or [], address, addressing),
        nat=entry.get("nat"),
        proxy_protocol=bool(entry.get("proxy_protocol")),
        nictype=entry.get("nictype") or "macvlan",
        parent=check.value("parent", entry.get("parent"), values.parse_interface_name),
        profiles=_profiles(check, entry),
        config=values.parse_config(check, entry.get("config") or {}),
        devices=values.parse_devices(check, entry.get("devices") or {}),
        user_data=_user_data(check, entry.get("user_data")),
        env=parse_env(check, "env", entry.get("env") or {}),
        secret_env=parse_env(check, "secret_env", entry.get("secret_env") or {}),
        memory=check.value("memory", entry.get("memory"), parse_memory),
        cpus=check.value("cpus", entry.get("cpus"), values.parse_cpus),
    )
    _check_together(check, instance)
    check.raise_problems(EntryError, Problem)
    return instance


def _address(check: Checker, entry: t.Mapping[str, t.Any], addressing: str) -> IPv6Address | None:
    """The address, or None for `auto`, which only an instance with a NIC of its own can have."""
    value = entry.get("address")
    if value != AUTO:
        return t.cast("IPv6Address | None", check.value("address", value, parse_address))
    if addressing != "own" and entry.get("state") != "absent":
        check.add(
            "address",
            value,
            "Only a service with a NIC of its own takes its address from the router.",
            "Add `addressing: own`, or give it an address, as 2001:db8::201.",
        )
    return None


def _image(check: Checker, entry: t.Mapping[str, t.Any]) -> Image:
    name = check.value("image", entry.get("image"), values.parse_image_name)
    if entry.get("image") is None:
        check.add("image", None, "It is missing.", "Name the image by its alias, as debian/13, or its fingerprint.")
    server = _server(check, entry.get("image_server"))
    return Image(name or "", server, entry.get("image_protocol") or "simplestreams")


def _server(check: Checker, url: str | None) -> str | None:
    """The URL; a wrong one is not repeated, since it may have a password in it."""
    try:
        return None if url is None else values.parse_server(url)
    except OptionError as exc:
        check.add("image_server", None, exc.problem, exc.mend)
        return None


def _profiles(check: Checker, entry: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    given = entry.get("profiles")
    names = check.each("profiles", ["default"] if given is None else given, values.parse_profile) or []
    if len(set(names)) != len(names):
        check.add("profiles", list(names), "A profile is in the list twice.", "Take one of them out.")
    return tuple(name for name in names if name)


def _user_data(check: Checker, text: str | None) -> str | None:
    """Text for cloud-init, which ignores what does not begin as one of its formats."""
    if text is not None and not text.lstrip().startswith(values.USER_DATA_BEGINS):
        check.add(
            "user_data",
            None,
            "cloud-init would ignore it, since it begins with none of its headers.",
            "Begin it with #cloud-config, or with #! for a script.",
        )
    return text


def _ports(
    check: Checker, ports: t.Sequence[object], address: IPv6Address | None, addressing: str
) -> tuple[Binding, ...]:
    """The ports, or none while the address is not known."""
    for index, value in enumerate(ports):
        check.value(f"ports[{index}]", value, lambda v: parse_ports([v], address or _NO_ADDRESS_YET))
    if any(problem[0].startswith("ports[") for problem in check.problems):
        return ()
    try:
        bindings = parse_ports(ports, address or _NO_ADDRESS_YET)
    except RequestError as exc:  # published twice
        error = from_request_error(exc)
        check.add("ports", list(ports), error.problem.replace(f" of {_NO_ADDRESS_YET}", ""), error.mend)
        return ()
    if any(binding.protocol == "sctp" for binding in bindings):
        check.add("ports", list(ports), "Incus and LXD can't publish sctp.", "Publish tcp or udp.")
    if addressing == "own":
        _check_own_ports(check, bindings, address or _NO_ADDRESS_YET)
    return bindings if address else ()


def _check_own_ports(check: Checker, bindings: t.Iterable[Binding], address: IPv6Address) -> None:
    """Nothing stands between the clients and an instance with a NIC of its own."""
    for binding in bindings:
        shown = f"{binding.port}:{binding.container_port}"
        if binding.port != binding.container_port:
            text = f"{shown} leads to another port, and in front of a NIC of its own there is nobody to do so."
            check.add("ports", None, text, f"Write {binding.container_port}, or addressing: publish.")
        elif binding.address != address:
            text = f"[{binding.address}]:{shown} is on another address than that of the service's own NIC."
            check.add("ports", None, text, "Leave the address out, or write addressing: publish.")


def _check_together(check: Checker, wanted: Instance) -> None:
    """What options say against each other."""
    values.check_lines(check, {"env": wanted.env, "secret_env": wanted.secret_env}, wanted.config)
    twice = sorted(set(wanted.env) & set(wanted.secret_env))
    if twice:
        check.add("secret_env", None, f"{twice[0]} is in env too.", "Take it out of env.")
    for key, option in values.config_keys_of(wanted).items():
        if key in wanted.config:
            check.add("config", None, f"{key} is what {option} sets.", f"Take it out of config, or leave out {option}.")
    if wanted.type == "virtual-machine" and wanted.cpus and wanted.cpus != int(wanted.cpus):
        check.add("cpus", wanted.cpus, "A virtual machine has whole CPUs.", "Give a whole number.")
    if wanted.addressing == "own":
        for option in ("nat", "proxy_protocol"):
            if getattr(wanted, option):
                check.add(
                    option,
                    True,
                    "A service with a NIC of its own has nothing published by the engine.",
                    "Leave it out, or write `addressing: publish`.",
                )
        return
    if wanted.nat and wanted.proxy_protocol:
        check.add("proxy_protocol", True, "It can't be had with nat.", "The client's address is kept by nat alone.")
    if wanted.proxy_protocol and any(b.protocol == "udp" for b in wanted.ports):
        check.add("proxy_protocol", True, "It is for tcp, and a port is udp.", "Leave it out, or publish tcp only.")
    if wanted.type == "virtual-machine" and (wanted.nat is False or wanted.proxy_protocol) and wanted.ports:
        check.add("nat", wanted.nat, "Ports of a virtual machine are published by nat only.", "Leave it out.")
