# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The firewall rules of the engines: whether they are there, and which of them decide over forwarded traffic."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._command import CommandError, Run, output
from ansible_collections.ipv6.services.plugins.module_utils._host_engines import Reading

Lines = t.Sequence[str]


def has_jump(chain: t.Iterable[str], target: str) -> bool:
    """chain: as `ip6tables -S` prints it. target: the begin of the names of the chains that are jumped to."""
    return any(f" -j {target}" in line for line in chain)


def docker_rules(docker: t.Mapping[str, t.Any], publishes: bool, forward: Lines, tables: Lines) -> bool | None:
    """Whether Docker's own rules for IPv6 are in force; None where it needs none.

    They go with a `nft flush ruleset` by somebody, and don't come back before Docker is started again.
    forward: ip6tables' chain FORWARD; empty where it can't be read.
    """
    if not publishes or not docker["ip6tables"]:
        return None
    if docker["firewall_backend"] == "nftables":
        return "table ip6 docker-bridges" in tables
    return has_jump(forward, "DOCKER") if forward else None


def podman_rules(publishes: bool, forward: Lines, tables: Lines) -> bool | None:
    """Whether the rules of rootful Podman's published ports are in force; None where it publishes none.

    netavark makes its rules with nftables or, in older releases, with ip6tables.
    """
    if not publishes:
        return None
    return "table inet netavark" in tables or has_jump(forward, "NETAVARK")


def read_rules(run: Run, docker: Reading, podman: Reading) -> list[str]:
    """Whether the engines' rules are there, as their facts `rules`.

    Returns what decides over forwarded traffic beside Docker: the rules of DOCKER-USER or, with a Docker before 23, which
    makes no such chain, of FORWARD. Empty without Docker.
    """
    running = docker.facts["running"]
    if not running and not podman.publishes:
        return []
    nftables = docker.facts["firewall_backend"] == "nftables"
    forward = _read(run, ["ip6tables", "-w", "-S", "FORWARD"])
    tables = _read(run, ["nft", "list", "tables"]) if podman.publishes or nftables else []
    docker.facts["rules"] = docker_rules(docker.facts, docker.publishes, forward, tables)
    podman.facts["rules"] = podman_rules(podman.publishes, forward, tables)
    if not running or nftables:
        return []
    return (_read(run, ["ip6tables", "-w", "-S", "DOCKER-USER"]) if has_jump(forward, "DOCKER-USER") else []) or forward


def _read(run: Run, argv: t.Sequence[str]) -> list[str]:
    with contextlib.suppress(CommandError):
        return output(run, argv).splitlines()
    return []
