# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's `ipv6_services` and its plan to what module guard is given."""

from __future__ import annotations

import typing as t

Entries = t.Iterable[t.Mapping[str, t.Any]]


def guarded(services: Entries, planned: Entries, gone: t.Iterable[str] = ()) -> list[dict[str, t.Any]]:
    """The services whose addresses are the host's, in the order of the plan, and then the addresses that are gone.

    services: the variable `ipv6_services`.
    planned: the services of the host in the plan. One with a NIC of its own is left out: its packets are not the host's.
    gone: addresses that have no service any more. Those that have one again are left out.
    Raises KeyError with the name of a service that the plan has and the list hasn't.
    """
    entries = {entry["name"]: entry for entry in services}
    there = [s for s in planned if s["state"] != "absent" and s["addressing"] != "own" and s["address"]]
    found = [_guarded(entries[service["name"]], service) for service in there]
    taken = {service["address"] for service in there}
    return found + [{"address": a, "state": "absent"} for a in dict.fromkeys(gone) if a and a not in taken]


def _guarded(entry: t.Mapping[str, t.Any], service: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    ports = entry.get("ports") or []
    ports = ports if isinstance(ports, list) else [ports]
    item = {"name": service["name"], "address": service["address"], "ports": ports}
    return {**item, "allow": entry["allow"]} if entry.get("allow") is not None else item
