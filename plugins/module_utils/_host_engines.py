# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker and Podman on a host: how they stand to IPv6, and which services they run. No SDK is imported.

No daemon is started by a question. Podman, which has none, is only asked where it has containers.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import re
import sys
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _host_services, _host_units, _kernel
from ansible_collections.ipv6.services.plugins.module_utils._command import CommandError, Run, output
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError, EngineReader, read_as

Json = t.Mapping[str, t.Any]
_DISTRIBUTION = re.compile(r"^(docker|requests)-([0-9][^-]*)(?:-py[0-9.]+)?\.(?:dist-info|egg-info)$")
_ROOTLESS_NETWORK = re.compile(r"^[ \t]*default_rootless_network_cmd[ \t]*=[ \t]*\"(\w+)\"", re.MULTILINE)
_STORE = re.compile(r"^[ \t]*(?:graphroot|rootless_storage_path)[ \t]*=", re.MULTILINE)
# Seconds for a user's Podman to start and answer. What listens there may be anything.
_PATIENCE = 15
_USER_WAIT_UNIT = [f"{d}/systemd/user/podman-user-wait-network-online.service" for d in ("/etc", "/lib", "/usr/lib")]


def docker_ip6tables(settings: Json, version: str | None, arguments: str = "") -> bool | None:
    """Whether Docker does DNAT for IPv6, so that a service sees its client's own address (DESIGN.md, fact 10).

    settings: those of /etc/docker/daemon.json. The default depends on the version; None when nothing says it.
    arguments: the command line of dockerd, which counts more.
    """
    said = re.findall(r"--ip6tables(?:=(\w+))?", arguments)
    if said:
        return said[-1].lower() not in ("false", "0", "f")
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


def firewall_backend(settings: Json) -> str:
    """ "nftables" for a Docker that is told to do without iptables; it knows that from version 29 on."""
    return "nftables" if settings.get("firewall-backend") == "nftables" else "iptables"


def rootless_network(version: str | None, settings: t.Iterable[str], has: t.Callable[[str], bool]) -> str | None:
    """What publishes the ports of rootless Podman; None when it is not installed.

    settings: the texts of containers.conf and of its drop-ins, the last one to count last.
    has: whether a program is there.
    """
    said = [found for text in settings for found in _ROOTLESS_NETWORK.findall(text)]
    major = re.match(r"\d+", version or "")
    program = said[-1] if said else "pasta" if major and int(major.group()) >= 5 else "slirp4netns"
    return program if major and has(program) else None


def parse_version(text: str) -> str | None:
    """From `podman --version`: "podman version 5.4.2"."""
    found = re.search(r"version (\S+)", text)
    return found[1] if found else None


def may_have_containers(
    store: str, settings: t.Iterable[str], read: t.Callable[[str], str | None] = _kernel.read
) -> bool:
    """Whether Podman is worth the question: asking starts it for some seconds, which takes longer than all else here.

    store: where its storage is by default.
    settings: the texts of the storage.conf that may say otherwise.
    read: reads a file.
    """
    if any(_STORE.search(text) for text in settings):
        return True
    lists = (read(path) for path in glob.glob(f"{glob.escape(store)}/*-containers/*containers.json"))
    return any(text not in (None, "", "[]", "null") for text in lists)


class Reading(t.NamedTuple):
    """What was read of one engine."""

    facts: dict[str, t.Any]
    services: t.Sequence[Json] = ()
    publishes: bool = False  # whether a running container of ours has published ports


def read_docker(path: str) -> Reading:
    """path: of its socket. A Docker that waits for socket activation counts as not running: asking would start it."""
    pid = _kernel.read("/run/docker.pid")
    running = os.path.exists(path) and _alive(pid)
    version, networks = None, {}
    listing: list[Json] = []
    if running:
        reader = EngineReader(path, timeout=10)
        try:
            version = reader.get("/version")["Version"]
            networks = docker_networks(reader.get("/networks"))
            listing = reader.get(_host_services.CONTAINERS)
        except EngineError:
            running = False
    settings: Json = {}
    with contextlib.suppress(ValueError):
        settings = json.loads(_kernel.read("/etc/docker/daemon.json") or "{}")
    facts = {
        "installed": _host_units.installed("dockerd"),
        "running": running,
        "version": version,
        "networks": networks,
        "ip6tables": docker_ip6tables(settings, version, _kernel.read(f"/proc/{pid}/cmdline") or ""),
        "firewall_backend": firewall_backend(settings),
        "rules": None,
        "socket": path,
        "enabled": _host_units.enabled("docker.service"),
    }
    return Reading(facts, _host_services.of_containers("docker", listing), _host_services.publishes(listing))


def read_podman(path: str) -> Reading:
    """path: of its socket. Podman has no daemon: it is "running" when somebody listens there."""
    installed, running = _host_units.installed("podman"), _host_units.listens(path)
    version: str | None = None
    listing: list[Json] = []
    if running and may_have_containers("/var/lib/containers/storage", _read_all("/etc/containers/storage.conf")):
        version, listing, running = _ask_podman(path)
    facts = {
        "installed": installed,
        "running": running,
        "version": version,
        "networks": podman_networks(_read_all("/etc/containers/networks/*.json")) if installed else {},
        "ip6tables": True if installed else None,  # netavark always does DNAT
        "rules": None,
        "socket": path,
        "restart_unit_enabled": _host_units.enabled("podman-restart.service"),
        "socket_enabled": _host_units.enabled("podman.socket"),
        "user_wait_unit": any(map(os.path.exists, _USER_WAIT_UNIT)),
    }
    return Reading(facts, _host_services.of_containers("podman", listing), _host_services.publishes(listing))


def read_rootless(user: str, facts: Json) -> Reading:
    """facts: of the user, whose Podman listens, by _host_users."""
    home, read = facts["home"], _kernel.read_users_file
    settings = [*_read_all("/etc/containers/storage.conf"), read(f"{home}/.config/containers/storage.conf") or ""]
    services: t.Sequence[Json] = ()
    if may_have_containers(f"{home}/.local/share/containers/storage", settings, read):
        reader = EngineReader(facts["socket"], _PATIENCE, owner=facts["uid"])
        with contextlib.suppress(EngineError):
            services = read_as(
                reader, _host_services.CONTAINERS, lambda answer: _host_services.of_containers("podman", answer, user)
            )
    return Reading({}, services)


def add_podman_version(podman: dict[str, t.Any], run: Run) -> None:
    """The version, of a Podman that was not asked, and what depends on it."""
    if podman["installed"] and podman["version"] is None:
        with contextlib.suppress(CommandError):
            podman["version"] = parse_version(output(run, ["podman", "--version"]))
    settings = _read_all("/etc/containers/containers.conf", "/etc/containers/containers.conf.d/*.conf")
    podman["rootless_network"] = rootless_network(podman["version"], settings, _host_units.installed)
    podman["uidmap"] = _host_units.installed("newuidmap")


def _ask_podman(path: str) -> tuple[str | None, list[Json], bool]:
    """Version, containers of ours, and whether it answers."""
    reader = EngineReader(path, timeout=30)
    try:
        return (
            read_as(reader, "/version", lambda answer: str(answer["Version"])),
            reader.get(_host_services.CONTAINERS),
            True,
        )
    except EngineError:
        return None, [], False


def _read_all(*patterns: str) -> list[str]:
    """The texts of the files, each pattern's in their order."""
    return [_kernel.read(path) or "" for pattern in patterns for path in sorted(glob.glob(pattern))]


def _alive(pid: str | None) -> bool:
    return bool(pid) and os.path.isdir(f"/proc/{pid}")
