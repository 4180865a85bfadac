# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which container engines a host has, and how they stand to IPv6. Nothing is started, and no SDK is imported."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import re
import shutil
import sys
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _kernel
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError, EngineReader

Json = t.Mapping[str, t.Any]
_DISTRIBUTION = re.compile(r"^(docker|requests)-([0-9][^-]*)(?:-py[0-9.]+)?\.(?:dist-info|egg-info)$")


def docker_ip6tables(settings: Json, version: str | None) -> bool | None:
    """Whether Docker does DNAT for IPv6, so that a service sees its client's own address (DESIGN.md, fact 10).

    settings: those of /etc/docker/daemon.json. The default depends on the version; None when neither says it.
    """
    if "ip6tables" in settings:
        return bool(settings["ip6tables"])
    major = re.match(r"\d+", version or "")
    return int(major.group()) >= 27 if major else None


def docker_networks(listing: t.Sequence[Json]) -> dict[str, Json]:
    """From GET /networks; "host" and "none" are not networks that one could publish from."""
    return {n["Name"]: {"ipv6": bool(n.get("EnableIPv6"))} for n in listing if n.get("Driver") not in ("host", "null")}


def podman_networks(files: t.Iterable[str]) -> dict[str, Json]:
    """From the texts of /etc/containers/networks/*.json. Podman has a network `podman`, without IPv6, in no file."""
    networks: dict[str, Json] = {"podman": {"ipv6": False}}
    for text in files:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            network = json.loads(text)
            networks[network["name"]] = {"ipv6": bool(network.get("ipv6_enabled"))}
    return networks


def parse_distributions(names: t.Iterable[str]) -> dict[str, str]:
    """Python distribution to its version, for `docker` and `requests`, from the names in a directory of sys.path."""
    matches = (_DISTRIBUTION.match(name) for name in names)
    return {match.group(1): match.group(2) for match in matches if match}


def read_sdk() -> Json:
    """The docker SDK for Python that this interpreter would import.

    By the names of the directories: importlib.metadata takes longer to import than all else in these facts.
    """
    found: dict[str, str] = {}
    for directory in sys.path:
        with contextlib.suppress(OSError):
            found = {**parse_distributions(os.listdir(directory)), **found}
    return {"installed": "docker" in found, "version": found.get("docker"), "requests": found.get("requests")}


def read_docker(path: str) -> Json:
    """path: of its socket. A Docker that waits for socket activation counts as not running: asking would start it."""
    running = os.path.exists(path) and _alive(_kernel.read("/run/docker.pid"))
    version, networks = None, {}
    if running:
        reader = EngineReader(path, timeout=10)
        try:
            version = reader.get("/version")["Version"]
            networks = docker_networks(reader.get("/networks"))
        except EngineError:
            running = False
    settings: Json = {}
    with contextlib.suppress(ValueError):
        settings = json.loads(_kernel.read("/etc/docker/daemon.json") or "{}")
    return {
        "installed": _installed("dockerd"),
        "running": running,
        "version": version,
        "networks": networks,
        "ip6tables": docker_ip6tables(settings, version),
        "socket": path,
        "enabled": _enabled("docker.service"),
    }


def read_podman(path: str) -> Json:
    """path: of its socket. Podman has no daemon: it is "running" when its socket answers."""
    version = None
    if os.path.exists(path):
        with contextlib.suppress(EngineError):
            version = EngineReader(path, timeout=10).get("/version")["Version"]
    texts = (_kernel.read(name) or "" for name in sorted(glob.glob("/etc/containers/networks/*.json")))
    installed = _installed("podman")
    return {
        "installed": installed,
        "running": version is not None,
        "version": version,
        "networks": podman_networks(texts) if installed else {},
        "ip6tables": True if installed else None,  # netavark always does DNAT
        "socket": path,
        "restart_unit_enabled": _enabled("podman-restart.service"),
        "socket_enabled": _enabled("podman.socket"),
    }


def _installed(program: str) -> bool:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"])
    return shutil.which(program, path=path) is not None


def _enabled(unit: str) -> bool:
    return bool(glob.glob(f"/etc/systemd/system/*.wants/{unit}"))


def _alive(pid: str | None) -> bool:
    return bool(pid) and os.path.isdir(f"/proc/{pid}")
