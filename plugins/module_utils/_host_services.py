# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services that run on a host, as its engines list them."""

from __future__ import annotations

import typing as t

Json = t.Mapping[str, t.Any]

# The marks of a container, as _container_body sets them, and of an instance: importing what sets them would take longer.
NAME, ADDRESS = "ipv6.services.name", "ipv6.services.address"
PREFIX = "user."  # of the same marks on an instance

CONTAINERS = "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22ipv6.services.name%22%5D%7D"
INSTANCES = "/1.0/instances?recursion=1&all-projects=true"


def of_containers(engine: str, answer: t.Iterable[Json], user: str | None = None) -> list[Json]:
    """answer: to GET `CONTAINERS`. user: who runs Podman, where it is rootless."""
    return [
        _service(engine, c.get("Labels") or {}, "", c.get("State"), user)
        for c in answer
        if NAME in (c.get("Labels") or {})
    ]


def of_instances(engine: str, answer: t.Iterable[Json]) -> list[Json]:
    """answer: the metadata of that to GET `INSTANCES`."""
    return [
        _service(engine, i["config"], PREFIX, i.get("status"), project=i.get("project") or "default")
        for i in answer
        if PREFIX + NAME in (i.get("config") or {})
    ]


def in_order(services: t.Iterable[Json]) -> list[Json]:
    """By name; the same service on two engines, as while it moves, by those."""
    return sorted(services, key=lambda s: (s["name"], s["engine"], s["podman_user"] or "", s["project"] or ""))


def publishes(answer: t.Iterable[Json]) -> bool:
    """Whether a running container of the list has published ports."""
    return any(c.get("State") == "running" and c.get("Ports") for c in answer)


def _service(
    engine: str, marks: Json, prefix: str, state: object, user: str | None = None, project: str | None = None
) -> Json:
    return {
        "name": str(marks[prefix + NAME]),
        "engine": engine,
        "podman_user": user,
        "project": project,
        "address": str(marks.get(prefix + ADDRESS) or "") or None,
        "state": str(state or "").lower(),
    }
