# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers as an engine reports them, with the differences between Docker and Podman taken out (DESIGN.md, fact 14)."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._container_body import (
    LABEL_ADDRESS,
    LABEL_MODE,
    LABEL_NAME,
    LABEL_OPTIONS,
    LIMITS,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_rootless import mode_of
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding

Bindings = t.Optional[t.AbstractSet[Binding]]  # None: something is published on what is no IPv6 address


@dataclass(frozen=True)
class Listed:
    """A container as the engine's list has it."""

    engine: str  # as Container has it
    id: str
    name: str
    state: str  # created, running, restarting, paused, exited, dead ...
    image: str
    labels: t.Mapping[str, str]

    @property
    def service(self) -> str | None:
        """The service that this collection made it for."""
        return self.labels.get(LABEL_NAME)

    @property
    def address(self) -> str | None:
        return self.labels.get(LABEL_ADDRESS)


@dataclass(frozen=True)
class State:
    """A container as an inspection has it."""

    image_id: str
    running: bool
    paused: bool
    restarting: bool
    error: str
    exit_code: int
    restarts: int
    started_at: float  # seconds since the epoch; 0 when it never was
    health: str  # starting, healthy, unhealthy; empty where nothing is checked
    env: frozenset[str] = field(repr=False)
    configured: Bindings  # what it was made to publish
    effective: Bindings  # what it publishes now
    networks: frozenset[str]  # or what is in the place of one, as pasta
    restart_policy: tuple[str, int]
    limits: t.Mapping[str, t.Any]  # option -> value, 0 or "" for none
    options: t.Mapping[str, t.Any] | None  # the label with what was wanted; None when it can't be read
    stop_timeout: int = 10  # seconds after which it is killed
    mode: str = ""  # of its network with the options, where it is no network
    health_time: float = 0  # seconds after its start by which a check has decided; 0 where there is none

    @property
    def up(self) -> bool:
        return self.running and not self.restarting and not self.paused


def parse_list(engine: str, answer: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[Listed, ...]:
    """The answer to /containers/json."""
    return tuple(
        Listed(
            engine=engine,
            id=str(c["Id"]),
            name=str((c.get("Names") or [""])[0]).lstrip("/"),
            state=str(c.get("State") or ""),
            image=str(c.get("Image") or ""),
            labels={name: str(value) for name, value in (c.get("Labels") or {}).items()},
        )
        for c in answer
    )


def parse_inspection(answer: t.Mapping[str, t.Any]) -> State:
    """The answer to /containers/ID/json."""
    state, config, host = answer["State"], answer["Config"], answer["HostConfig"]
    labels = config.get("Labels") or {}
    network = answer.get("NetworkSettings") or {}
    mode = mode_of(host.get("NetworkMode") or "")
    policy = host.get("RestartPolicy") or {}
    return State(
        image_id=image_id(answer["Image"]),
        running=bool(state.get("Running")) or state.get("Status") == "stopping",
        paused=bool(state.get("Paused")),
        restarting=bool(state.get("Restarting")),
        error=state.get("Error") or "",
        exit_code=state.get("ExitCode") or 0,
        restarts=int(answer.get("RestartCount") or 0),
        started_at=parse_time(state.get("StartedAt") or ""),
        health=_health(state.get("Health")),
        stop_timeout=10 if config.get("StopTimeout") is None else int(config["StopTimeout"]),
        health_time=parse_health_time(config.get("Healthcheck")),
        env=frozenset(config.get("Env") or ()),
        configured=parse_bindings(host.get("PortBindings")),
        effective=parse_bindings(network.get("Ports")),
        # Podman lists the mode as a network as long as the container does not run.
        networks=frozenset([mode] if mode else network.get("Networks") or ()),
        mode=labels.get(LABEL_MODE, mode) if mode else "",
        restart_policy=(policy.get("Name") or "no", policy.get("MaximumRetryCount") or 0),
        limits={option: host.get(name) for option, name in LIMITS.items()},
        options=_options(labels.get(LABEL_OPTIONS)),
    )


def image_id(text: str) -> str:
    """An image id with the name of its hash, which old Podman leaves out."""
    return text if ":" in text else f"sha256:{text}"


def _health(health: t.Mapping[str, t.Any] | None) -> str:
    status = (health or {}).get("Status") or ""
    return "" if status == "none" else status


# Nobody waits longer for a check, whatever an engine says.
_LONGEST = 3600
# What both engines take for what a check does not say. They report its times in nanoseconds.
_CHECK_DEFAULTS = {"StartPeriod": 0, "Interval": 30 * 10**9, "Timeout": 30 * 10**9, "Retries": 3}


def parse_health_time(check: t.Mapping[str, t.Any] | None) -> float:
    """Seconds after the start by which the last of the failures that make it unhealthy is there, of an hour at most."""
    if not check or (check.get("Test") or ["NONE"])[0] == "NONE":
        return 0
    period, interval, timeout, retries = (check.get(name) or default for name, default in _CHECK_DEFAULTS.items())
    seconds: float = (period + retries * (interval + timeout)) / 10**9
    return min(seconds, _LONGEST)


def _options(label: str | None) -> t.Mapping[str, t.Any] | None:
    try:
        options = json.loads(label or "")
    except ValueError:
        return None
    return options if isinstance(options, dict) and isinstance(options.get("limits", []), list) else None


def parse_bindings(bindings: t.Mapping[str, t.Any] | None) -> Bindings:
    """What is published, or None when any of it is on something that is no IPv6 address, as Docker's 0.0.0.0 is.

    Podman returns an address as it was written, so they are compared as addresses (DESIGN.md, fact 14).
    """
    found = set()
    try:
        for place, published in (bindings or {}).items():
            port, _slash, protocol = place.partition("/")
            for one in published or ():
                address = IPv6Address((one.get("HostIp") or "").strip("[]"))
                found.add(Binding(address, int(one["HostPort"]), int(port), protocol or "tcp"))
    except ValueError:
        return None
    return frozenset(found)


_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))")


def parse_time(text: str) -> float:
    """Seconds since the epoch of an engine's time, which has nanoseconds; 0 for none and for the year 1."""
    match = _TIME.fullmatch(text)
    if not match or text.startswith("0001"):
        return 0
    moment = datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    ahead = timedelta(hours=int(match[4] or 0), minutes=int(match[5] or 0)) * (-1 if match[3] == "-" else 1)
    return (moment - ahead).timestamp() + float(match[2] or 0)
