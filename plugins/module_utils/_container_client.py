# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a service sees the client's own address, or the same one for everybody: that of what relays to it."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._container_body import endpoints
from ansible_collections.ipv6.services.plugins.module_utils._container_rootless import PASTA, mode_of
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import Container, user_of
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError, EngineReader

KEPT, HIDDEN = "kept", "hidden"
DAEMON = "/etc/docker/daemon.json"


def client_addresses(
    containers: t.Iterable[Container], defaults: t.Mapping[str, str], docker: EngineReader | None
) -> dict[str, str | None]:
    """Of each container that is published: KEPT or HIDDEN, or None where it is not known.

    defaults: engine -> the network of its containers that name none; an engine that is not in it has not answered.
    docker: None where it has not answered.
    """
    published = [c for c in containers if c.ports and c.engine in defaults]
    networks: dict[str, t.Any] = {}
    translates = False
    if docker and any(c.engine == "docker" for c in published):
        try:
            networks = {network["Name"]: network for network in docker.get("/networks")}
            translates = docker_translates(docker.get("/version")["Version"], docker_settings())
        except EngineError:
            networks = {}
    names = {c.name: [name for name, _endpoint in endpoints(c, defaults[c.engine])] for c in published}
    return {c.name: client_address(c.engine, names[c.name], networks, translates) for c in published}


def client_address(
    engine: str, names: t.Sequence[str], networks: t.Mapping[str, t.Mapping[str, t.Any]], translates: bool
) -> str | None:
    """KEPT or HIDDEN; None where a network is not known.

    names: the container's networks.
    networks: of Docker, by name.
    translates: whether Docker has the kernel translate IPv6 addresses.
    """
    if user_of(engine) is not None:
        return KEPT if mode_of(names[0]) == PASTA else HIDDEN
    if engine == "podman":  # it has a service in IPv6 networks only
        return KEPT
    if not all(name in networks for name in names):
        return None
    return KEPT if translates and any(networks[name].get("EnableIPv6") for name in names) else HIDDEN


def docker_translates(version: str, daemon: str) -> bool:
    """Whether Docker leads IPv6 to its containers by the kernel, not by its relay (DESIGN.md, fact 10).

    version: of Docker.
    daemon: text of its daemon.json.
    """
    try:
        settings = json.loads(daemon)
    except ValueError:
        settings = None
    settings = settings if isinstance(settings, dict) else {}
    major = version.partition(".")[0]
    recent = major.isdigit() and int(major) >= 27
    asked = settings.get("ip6tables", recent) and settings.get("iptables", True)
    return bool(asked and (recent or settings.get("experimental")))


def docker_settings() -> str:
    """The text of its daemon.json here, empty without one."""
    try:
        with open(DAEMON, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""
