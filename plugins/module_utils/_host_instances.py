# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Incus and LXD on a host. They are asked only while they run: the question would start one that waits for its socket."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _host_services, _host_units
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError, EngineReader

Json = t.Mapping[str, t.Any]

# Where each listens: as distributions package it, then as a snap.
SOCKETS = {
    "incus": ("/var/lib/incus/unix.socket",),
    "lxd": ("/var/lib/lxd/unix.socket", "/var/snap/lxd/common/lxd/unix.socket"),
}
# Ubuntu has a script /usr/sbin/lxd that is not LXD, but would install it.
_PROGRAMS = {
    "incus": ("incusd", "/usr/libexec/incus/incusd", "/usr/lib/incus/incusd", "/opt/incus/bin/incusd"),
    "lxd": ("/usr/bin/lxd", "/usr/local/bin/lxd", "/snap/bin/lxd"),
}
_SERVICES = {"incus": ("incus.service",), "lxd": ("lxd.service", "snap.lxd.daemon.service")}
# What a boot needs: the socket, and what starts the daemon where it has instances to start.
_AT_BOOT = {
    "incus": (("incus.socket", "incus-startup.service"),),
    "lxd": (("lxd.socket", "lxd-containers.service"), ("snap.lxd.daemon.unix.socket", "snap.lxd.activate.service")),
}


def networks(listing: t.Iterable[Json]) -> dict[str, Json]:
    """From GET /1.0/networks?recursion=1, those that the engine manages; it lists every link of the host."""
    return {
        n["name"]: {"ipv6": (n.get("config") or {}).get("ipv6.address", "none") not in ("", "none")}
        for n in listing
        if n.get("managed")
    }


def has_root(profile: Json) -> bool:
    """Whether instances with this profile get a root disk."""
    devices: t.Iterable[Json] = (profile.get("devices") or {}).values()
    return any(device.get("type") == "disk" and device.get("path") == "/" for device in devices)


def read(engine: str) -> tuple[dict[str, t.Any], list[Json]]:
    """What there is of the engine, and its services."""
    path = next((path for path in SOCKETS[engine] if os.path.exists(path)), SOCKETS[engine][0])
    facts: dict[str, t.Any] = {
        "installed": _host_units.installed(*_PROGRAMS[engine]),
        "running": False,
        "version": None,
        "networks": {},
        "storage_pools": [],
        "default_root": False,
        "socket": path,
        "enabled": any(all(map(_host_units.enabled, units)) for units in _AT_BOOT[engine]),
    }
    if not (_host_units.running(*_SERVICES[engine]) and _host_units.listens(path)):
        return facts, []
    try:
        answers, services = _ask(engine, path)
    except EngineError:
        return facts, []
    return {**facts, **answers}, services


def _ask(engine: str, path: str) -> tuple[dict[str, t.Any], list[Json]]:
    reader = EngineReader(path, timeout=10)

    def get(what: str) -> t.Any:
        return reader.get(what)["metadata"]

    answers = {
        "running": True,
        "version": get("/1.0")["environment"]["server_version"],
        "networks": networks(get("/1.0/networks?recursion=1") or ()),
        "storage_pools": sorted(url.rsplit("/", 1)[-1] for url in get("/1.0/storage-pools") or ()),
        "default_root": has_root(get("/1.0/profiles/default")),
    }
    return answers, _host_services.of_instances(engine, get(_host_services.INSTANCES) or ())
