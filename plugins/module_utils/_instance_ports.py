# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ports instances publish, which addresses they have, and whose those are."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._instance_found import Found, Listener, ports_of
from ansible_collections.ipv6.services.plugins.module_utils._instance_plan import Step
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import Instance

# An address, or a port of one.
Place = t.Union[IPv6Address, tuple[IPv6Address, int, str]]


def places_of(instance: Instance) -> dict[Place, bool]:
    """What a service is at -> whether it can share that with none: its ports, its address with a NIC of its own."""
    if instance.state == "absent":
        return {}
    if instance.addressing == "own":
        return {instance.address: True} if instance.address else {}
    ports: dict[Place, bool] = {(b.address, b.port, b.protocol): True for b in instance.ports}
    return {**ports, **{b.address: False for b in instance.ports}}


def place_text(place: Place) -> str:
    return f"Port {place[1]}/{place[2]} of {place[0]}" if isinstance(place, tuple) else f"The address {place}"


def clashes(
    steps: t.Sequence[Step],
    listed: t.Iterable[Found],
    listeners: t.AbstractSet[Listener],
    host_addresses: t.Container[IPv6Address],
) -> dict[str, str]:
    """Service -> why it can't publish, of those whose port somebody outside of this call has.

    With nat nothing fails, and who had the port gets no client any more, as the host's own sshd.
    """
    mine = {f.key for s in steps for f in (s.found, *s.leftovers) if f}
    held = {port: f.name for f in listed if f.key not in mine and f.running for port in ports_of(f.devices)}
    errors = {}
    for step in steps:
        if not step.body or step.action not in ("created", "replaced", "updated", "started") or _stopped(step):
            continue
        own = ports_of(step.found.devices) if step.found else set()
        given = {port for s in steps if s is not step and s.found for port in ports_of(s.found.devices)}
        for port in sorted(ports_of(step.body.devices), key=str):
            who = f"the instance {held[port]}" if port in held else ""
            if port in listeners and port not in own | given:
                who = who or "a program of the host (see `ss -lnp`)"
            elif port[1] in host_addresses and (port[0], IPv6Address("::"), port[2]) in listeners:
                who = who or "a program of the host that listens on all of the host's own addresses (see `ss -lnp`)"
            if who:
                errors[step.name] = (
                    f"port {port[2]}/{port[0]} of {port[1]} is taken by {who}. Give one of them another."
                )
                break
    return errors


def _stopped(step: Step) -> bool:
    """Whether a service is not to run, so that its ports may be somebody's until it does."""
    return step.wanted is not None and step.wanted.state == "stopped"


def order(steps: t.Sequence[Step]) -> list[Step]:
    """The steps in their order, those marked whose instance holds a port that another service gets in this call."""
    gets: dict[Listener, str] = {}
    for step in steps:
        if step.body and step.action not in ("none", "removed") and not _stopped(step):
            gets.update(dict.fromkeys(ports_of(step.body.devices), step.name))
    return [replace(s, stop_early=_gives_up(s, gets)) for s in steps]


def _gives_up(step: Step, gets: t.Mapping[Listener, str]) -> bool:
    held = ports_of(step.found.devices) if step.found and step.action not in ("none", "removed") else set()
    return any(gets.get(port, step.name) != step.name for port in held)
