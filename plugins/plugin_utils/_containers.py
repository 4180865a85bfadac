# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's `ipv6_services` and its plan to what the modules container and instance are given."""

from __future__ import annotations

import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import AUTO
from ansible_collections.ipv6.services.plugins.plugin_utils._kinds import (
    CONTAINER,
    GUARD_OPTIONS,
    INSTANCE,
    Kind,
)

Entries = t.Iterable[t.Mapping[str, t.Any]]


def containers(services: Entries, planned: Entries) -> list[dict[str, t.Any]]:
    """The entries of services that run as containers, as the plan has them, and in its order.

    services: the variable `ipv6_services`.
    planned: the services of the host in the plan, or some of them; the other entries are left out. One that is absent
      need not be in the list any more.
    Raises KeyError with the name of a service that the plan has and the list hasn't.
    """
    return _join(services, planned, CONTAINER)


def instances(services: Entries, planned: Entries) -> list[dict[str, t.Any]]:
    """The same of services that run as instances."""
    return _join(services, planned, INSTANCE)


def _join(services: Entries, planned: Entries, kind: Kind) -> list[dict[str, t.Any]]:
    entries = {entry["name"]: entry for entry in services}
    wanted = [service for service in planned if service["engine"] in kind.engines]
    return [_planned(_entry(entries, service), service) for service in wanted]


def _entry(entries: t.Mapping[str, t.Mapping[str, t.Any]], service: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    gone = {"name": service["name"], "state": "absent"}
    if "to" in service:  # it moves: the list may have the name for something else
        return gone
    return entries.get(service["name"], gone) if service.get("state") == "absent" else entries[service["name"]]


def _planned(entry: t.Mapping[str, t.Any], service: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The entry with what the plan has decided; without what is null there."""
    decided = {option: service.get(option) for option in ("address", "engine", "podman_user", "project")}
    if service.get("source") == "router":
        decided["address"] = AUTO
    joined = {**{option: value for option, value in entry.items() if option not in GUARD_OPTIONS}, **decided}
    return {option: value for option, value in joined.items() if option not in decided or value is not None}


def addressed(planned: Entries, made: Entries) -> list[dict[str, t.Any]]:
    """The services of a plan, those with the addresses that their instances have taken from the router, where they have.

    made: `instances` of the results of module instance.
    """
    found = {item["name"]: item.get("address") for item in made}
    return [_addressed(service, found.get(service["name"])) for service in planned]


def _addressed(service: t.Mapping[str, t.Any], address: str | None) -> dict[str, t.Any]:
    if service["source"] != "router" or not address:
        return dict(service)
    return {**service, "address": address, "ports": [{**port, "address": address} for port in service["ports"]]}
