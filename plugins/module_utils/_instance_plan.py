# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done to each instance, from what is wanted and what the engines report."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._container_plan import HIDDEN, Change
from ansible_collections.ipv6.services.plugins.module_utils._container_report import hide_secrets
from ansible_collections.ipv6.services.plugins.module_utils._instance_body import (
    NIC,
    Body,
    Link,
    Network,
    body_of,
    inside_address,
    nat_refusal,
    own_nic,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import (
    KEY_ADDRESS,
    KEY_NO_NAT,
    KEY_OPTIONS,
    KEY_RESTART,
    Found,
    Held,
    Listener,
    State,
    parse_static,
    ports_of,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import Image, Instance
from ansible_collections.ipv6.services.plugins.module_utils._instance_values import (
    DEVICE_PREFIX,
    FINGERPRINT,
    KEY_PREFIX,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_whose import Group, names_of

# Config keys whose values are shown; any other may hold a secret.
_SHOWN = ("limits.", "boot.", "security.", "snapshots.", KEY_ADDRESS)
# Config keys that are effective at once; what others say is read when the instance starts.
_LIVE = ("limits.", "boot.", "user.", "snapshots.", "cluster.", "security.protection.")


@dataclass(frozen=True)
class Host:
    """What the plan of one engine has to know beside the service's own instance."""

    network: Network
    link: t.Callable[[Instance], Link]  # the interface that an instance with a NIC of its own is beside
    taken: set[IPv6Address] = field(default_factory=set)  # static addresses of all instances in the engine's network
    images: t.Mapping[tuple[str, str], str | None] = field(default_factory=dict)  # (project, image) -> fingerprint
    profile_nics: t.Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)  # (project, profile)
    listeners: t.AbstractSet[Listener] = frozenset()
    chains: frozenset[str] | None = None  # of nftables; None: they can't be read


@dataclass(frozen=True)
class Step:
    """What one service needs. `action`: created, replaced, updated, started, stopped, removed or none, as in the result."""

    name: str
    engine: str
    project: str
    action: str
    wanted: Instance | None = None  # None for what is purged
    found: Found | None = None  # the instance there is now, perhaps on another engine or in another project
    state: State | None = None  # of `found`, where it was read
    body: Body | None = None
    without_nat: Body | None = None  # the same, for a host that refuses nat, where the entry leaves it open
    changes: tuple[Change, ...] = ()
    restart: bool = False  # what was changed is effective after a restart only
    reattach: tuple[str, ...] = ()  # proxy devices that are not effective
    leftovers: tuple[Found, ...] = ()  # of an interrupted run: to remove
    rename_back: bool = False  # `found` still has the name it was put aside under
    stop_early: bool = False  # another service of the call takes over one of its ports
    notes: tuple[str, ...] = ()  # what the result says beside the changes
    unknown: tuple[str, ...] = ()  # what check mode can't know

    @property
    def changed(self) -> bool:
        return self.action != "none" or bool(self.leftovers) or self.rename_back


def plan_service(wanted: Instance, group: Group, state: State | None, host: Host) -> Step:
    """One service. `state` is that of the group's current instance, and None where that does not run."""
    found = group.current
    step = Step(
        name=wanted.name,
        engine=wanted.engine,
        project=wanted.project,
        action="none",
        wanted=wanted,
        found=found,
        state=state,
        leftovers=group.leftovers,
        rename_back=group.rename_back,
    )
    if wanted.state == "absent":
        return replace(step, action="removed" if found or group.leftovers else "none", rename_back=False)
    step = _with_body(step, wanted, found, host)
    if not found:
        return replace(step, action="created")
    changes = _replacing_changes(wanted, found, host)
    if changes:
        # Two instances of one network can't have the same static address, and the old one is kept meanwhile.
        return replace(_with_body(step, wanted, None, host), action="replaced", changes=tuple(changes))
    changes = body_changes(t.cast("Body", step.body), wanted, found)
    restart = not found.down and needs_restart(t.cast("Body", step.body), wanted, found)
    step = replace(step, changes=tuple(changes), restart=restart)
    return _plan_state(step, wanted, found, state, host)


def _with_body(step: Step, wanted: Instance, found: Found | None, host: Host) -> Step:
    """The step with what the instance is to have, and what there is to say of it."""
    link = host.link(wanted)
    nics = [nic for p in wanted.profiles for nic in host.profile_nics.get((wanted.project, p), ())]
    nics += foreign_nics(found) if found else []
    if wanted.addressing == "own":
        return replace(step, body=body_of(wanted, host.network, link, None, None, nics))
    nat, why = plan_nat(wanted, found, host.network)
    inside = plan_inside(wanted, found, host) if own_nic(wanted) else None
    body = body_of(wanted, host.network, link, nat, inside, nics)
    spare = body_of(wanted, host.network, link, False, inside, nics) if nat and wanted.nat is None else None
    if spare and wanted.type == "virtual-machine":
        spare = None
    return replace(step, body=body, without_nat=spare, notes=(why,) if why else ())


def foreign_nics(found: Found) -> list[str]:
    """The NICs that others gave an instance."""
    mine = found.ours("devices")
    return [name for name, device in found.devices.items() if device.get("type") == "nic" and name not in mine]


def plan_nat(wanted: Instance, found: Found | None, network: Network) -> tuple[bool, str | None]:
    """Whether the ports are published by nat, and why not although nothing was said against it."""
    if not wanted.ports or wanted.proxy_protocol:
        return False, None
    if wanted.nat is not None:
        return wanted.nat, None
    refused = nat_refusal(wanted, network) or (found and found.config.get(KEY_NO_NAT))
    return not refused, no_nat_text(refused) if refused else None


def no_nat_text(why: str) -> str:
    return f"published without nat, which hides the client's address: {why}"


def plan_inside(wanted: Instance, found: Found | None, host: Host) -> IPv6Address | None:
    """The instance's static address in the engine's network: the one that it has, where that is in it."""
    subnet = host.network.subnet
    if not subnet:
        return None
    held = parse_static(found.devices.get(NIC, {}).get("ipv6.address")) if found else None
    if held and held in subnet:
        return held
    return inside_address(f"{wanted.project}/{wanted.name}", subnet, host.taken)


def _replacing_changes(wanted: Instance, found: Found, host: Host) -> list[Change]:
    """What only a new instance can have."""
    for what, before, after in (
        ("engine", found.engine, wanted.engine),
        ("project", found.project, wanted.project),
        ("type", found.type, wanted.type),
    ):
        if before != after:
            return [Change(what, before, after)]
    asked = found.options.get("image")
    asked = asked if isinstance(asked, list) and len(asked) == 3 else []
    image = wanted.image
    # Where nobody knows what was asked for, since the mark was taken away, no instance is thrown away for it.
    if not asked or asked == [image.name, image.server, image.protocol]:
        if image.server is None:  # an alias of the engine's own store may lead to another image by now
            now = host.images.get((wanted.project, image.name)) or found.image
            return [Change("image id", found.image, now)] if now != found.image else []
        return []
    if FINGERPRINT.fullmatch(image.name) and found.image.startswith(image.name):
        return []  # only the way to it is another
    return [Change("image", image_text(Image(*asked)), image_text(image))]


def image_text(image: Image) -> str:
    return f"{image.server}/{image.name}" if image.server else image.name


def body_changes(body: Body, wanted: Instance, found: Found) -> list[Change]:
    """What the instance has otherwise; all of it can be changed in place."""
    changes = []
    for key in sorted({*body.config, *found.ours("config")}):
        before, after = found.config.get(key), body.config.get(key)
        if before != after:
            changes.append(_config_change(key, before, after))
    for name in sorted({*body.devices, *found.ours("devices")}):
        had, gets = found.devices.get(name), body.devices.get(name)
        if had != gets:
            changes += _device_changes(name, had, gets)
    if found.profiles != wanted.profiles:
        changes.append(Change("profiles", list(found.profiles), list(wanted.profiles)))
    return changes


def _config_change(key: str, before: str | None, after: str | None) -> Change:
    if key == KEY_OPTIONS:
        return Change("options", "(as before)" if before else None, "(as wanted)")
    if key.startswith(_SHOWN):
        return Change(key[len(KEY_PREFIX) :] if key == KEY_ADDRESS else key, before, after)
    return Change(key, None if before is None else HIDDEN, None if after is None else HIDDEN)


def _device_changes(name: str, had: t.Mapping[str, str] | None, gets: t.Mapping[str, str] | None) -> list[Change]:
    """What is different of a device: all of it when it comes or goes, else option by option."""
    had, gets = _visible(had), _visible(gets)
    if not had or not gets:
        return [Change(f"device {name}", _device_text(had), _device_text(gets))]
    return [
        Change(f"device {name} {option}", had.get(option), gets.get(option))
        for option in sorted({*had, *gets})
        if had.get(option) != gets.get(option)
    ]


def _visible(device: t.Mapping[str, str] | None) -> dict[str, str] | None:
    return t.cast("dict[str, str]", hide_secrets(dict(device))) if device else None


def _device_text(device: t.Mapping[str, str] | None) -> str | None:
    return " ".join(f"{option}={value}" for option, value in sorted(device.items())) if device else None


def needs_restart(body: Body, wanted: Instance, found: Found) -> bool:
    """Whether something that a running instance is to have is effective only after it starts again."""
    if KEY_RESTART in found.config or found.profiles != wanted.profiles:
        return True
    keys = {*body.config, *found.ours("config")}
    if any(found.config.get(k) != body.config.get(k) and not k.startswith(_LIVE) for k in keys):
        return True
    names = {*body.devices, *found.ours("devices")}
    pairs = [(found.devices.get(n) or {}, body.devices.get(n) or {}) for n in names]
    # The program that gives addresses to NICs ran when the instance started.
    return any(had != gets and "nic" in (had.get("type"), gets.get("type")) for had, gets in pairs)


def _plan_state(step: Step, wanted: Instance, found: Found, state: State | None, host: Host) -> Step:
    """The same step with what its instance's state asks for."""
    changes = list(step.changes)
    if wanted.state == "stopped":
        if not found.down:
            changes.append(Change("state", found.status.lower(), "stopped"))
            return replace(step, action="stopped", changes=tuple(changes), restart=False)
        return replace(step, action="updated" if changes else "none", restart=False)
    if not found.running:
        changes.append(Change("state", found.status.lower(), "running"))
        return replace(step, action="started", changes=tuple(changes))
    if not step.restart and KEY_RESTART not in found.config:
        missing = missing_proxies(step.body, found, host)
        if missing:
            step = replace(step, reattach=missing)
            changes.append(Change("effective ports", "not there: " + ", ".join(missing), "there"))
    lack = missing_address(wanted, step.body, state) if state else None
    if lack:
        changes.append(lack)
        step = replace(step, restart=True)
    if KEY_RESTART in found.config:
        changes.append(Change("state", "changed without a restart", "restarted"))
    return replace(step, action="updated" if changes else "none", changes=tuple(changes))


def missing_proxies(body: Body | None, found: Found, host: Host) -> tuple[str, ...]:
    """Our proxy devices that are configured as wanted, and publish nothing."""
    missing = []
    for name, device in sorted(body.devices.items() if body else ()):
        if device["type"] != "proxy" or found.devices.get(name) != device or not name.startswith(DEVICE_PREFIX):
            continue
        if device.get("nat") == "true":
            there = host.chains is None or chain_name(found, name) in host.chains
        else:
            there = ports_of({name: device}) <= host.listeners
        if not there:
            missing.append(name)
    return tuple(missing)


def chain_name(found: Found, device: str) -> str:
    """The chain that the engines' nftables driver makes for a proxy with nat."""
    project = "" if found.project == "default" else f"{found.project}_"
    return f"prert.{project}{found.name}.{device}"


def missing_address(wanted: Instance, body: Body | None, state: State) -> Change | None:
    """The address that a running instance should have, and has not. A start brings none from the router."""
    held = held_by(wanted, state)
    address = static_address(wanted, body)
    if not address or any(h.address == address and not h.duplicate for h in held):
        return None
    return Change("effective address", [str(h.address) for h in held], str(address))


def static_address(wanted: Instance, body: Body | None) -> IPv6Address | None:
    """The address that an instance has to show. Of virtual machines in the engine's network nobody can see it early."""
    if wanted.addressing == "own":
        return wanted.address if own_nic(wanted) else None
    seen = own_nic(wanted) and wanted.type == "container"
    return body.inside if seen and body and body.nat else None


def of_router(wanted: Instance) -> bool:
    """Whether the router's advertisement decides the address."""
    return wanted.addressing == "own" and not wanted.address


def held_by(wanted: Instance, state: State) -> tuple[Held, ...]:
    """The addresses of the NIC that counts; virtual machines name theirs as they like."""
    if own_nic(wanted) and wanted.type == "container":
        return state.of(NIC)
    return tuple(h for name, held in state.addresses.items() if name != "lo" for h in held)


def plan_purge(names: t.Iterable[str], listed: t.Iterable[Found]) -> list[Step]:
    """Removal of what this collection made for services that are not listed any more."""
    known = set(names)
    groups: dict[str, list[Found]] = {}
    for found in listed:
        if found.service and found.service not in known and found.name in names_of(found.service):
            groups.setdefault(found.service, []).append(found)
    return [
        Step(name, items[0].engine, items[0].project, "removed", found=items[0], leftovers=tuple(items[1:]))
        for name, items in sorted(groups.items())
    ]
