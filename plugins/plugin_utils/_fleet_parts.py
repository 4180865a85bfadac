# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each host's part of the plan, as its tasks get it."""

from __future__ import annotations

import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding
from ansible_collections.ipv6.services.plugins.plugin_utils._fleet_plan import Plan
from ansible_collections.ipv6.services.plugins.plugin_utils._host import Found, Host
from ansible_collections.ipv6.services.plugins.plugin_utils._moves import Move, leaving_addresses, not_listed
from ansible_collections.ipv6.services.plugins.plugin_utils._placed import Placed
from ansible_collections.ipv6.services.plugins.plugin_utils._service import NOWHERE

SCHEMES = {80: "http", 443: "https"}


def describe(hosts: t.Iterable[Host], plan: Plan) -> dict[str, t.Any]:
    """By host, its part of the plan: addresses, ports and names, and no other option of a service."""
    leaving: dict[str, list[Move]] = {}
    arriving: dict[str, list[Move]] = {}
    for move in plan.moves:
        leaving.setdefault(move.host, []).append(move)
        arriving.setdefault(move.service.host, []).append(move)
    staying = [item for items in plan.placed.values() for item in items if item.stays]
    given = {item.address for item in staying}
    names = {item.service.full_name for item in staying}
    parts = {}
    for host in hosts:
        placed, moves = plan.placed[host.name], leaving.get(host.name, [])
        unlisted, waiting = not_listed(host, moves, names)
        parts[host.name] = {
            "interface": host.interface or (host.facts.interface if host.facts else None),
            "routed_prefixes": [str(prefix) for prefix in host.routed],
            "services": [_describe_service(item) for item in placed],
            "moved": [_describe_move(move) for move in moves],
            "moved_addresses": [str(a) for a in leaving_addresses(host, placed, moves, given)],
            "arriving": [
                {"name": move.service.name, "fqdn": move.service.full_name, "from": move.host}
                for move in arriving.get(host.name, ())
                if move.service.state != "absent"
            ],
            "unlisted": [_describe_found(name, found) for name, found in unlisted],
            "waiting": [_describe_found(name, found) for name, found in waiting],
        }
    return parts


def _describe_move(move: Move) -> dict[str, t.Any]:
    """As an absent service of the place that it leaves."""
    stays = move.service.state != "absent"
    return {
        "name": move.found.name,
        "fqdn": move.service.full_name,
        "address": str(move.found.address) if move.found.address else None,
        "engine": move.found.engine,
        "podman_user": move.found.podman_user,
        "project": move.found.project,
        "state": "absent",
        "to": move.service.host if stays else None,
    }


def _describe_found(name: str, found: Found) -> dict[str, t.Any]:
    return {"name": found.name, "fqdn": name, "address": str(found.address) if found.address else None}


def _describe_service(item: Placed) -> dict[str, t.Any]:
    service = item.service
    return {
        "name": service.name,
        "fqdn": service.full_name,
        "address": str(item.address) if item.address else None,
        "source": item.source,
        "on_link": item.on_link,
        "engine": service.engine,
        "podman_user": service.podman_user,
        "addressing": service.addressing,
        "project": service.project,
        "host_reaches": not service.own or service.bridged,
        "state": service.state,
        "ports": [_describe_port(item, binding, in_range) for binding, in_range in item.bindings],
        "urls": list(_urls(item)),
    }


def _describe_port(item: Placed, binding: Binding, in_range: bool) -> dict[str, t.Any]:
    return {
        "address": str(binding.address) if item.address else None,
        "port": binding.port,
        "container_port": binding.container_port,
        "protocol": binding.protocol,
        "range": in_range,
    }


def macs(hosts: t.Iterable[Host]) -> dict[str, str]:
    """Whose each MAC address is, of the hosts that were reached."""
    return {mac: host.name for host in hosts for mac in (host.facts.macs if host.facts else ())}


def _urls(item: Placed) -> t.Iterator[str]:
    """Of the ports that tell their protocol. A name without a domain is none that others could look up."""
    named = "." in item.service.full_name
    if not named and item.address is None:
        return
    where = item.service.full_name if named else f"[{item.address}]"
    for binding, _in_range in item.bindings:
        if binding.address == (item.address or NOWHERE) and binding.protocol == "tcp" and binding.port in SCHEMES:
            yield f"{SCHEMES[binding.port]}://{where}/"
