# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done to each container, from what is wanted and what the engines report."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.ipv6.services.plugins.module_utils._container_body import (
    endpoints,
    engine_restart_policy,
    env_of,
    options_of,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_found import Listed, State
from ansible_collections.ipv6.services.plugins.module_utils._container_rootless import IPV6_PASTA, mode_of
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import Container, kind_of, user_of
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding

# A service name has no underscore, so no service can have such a name.
NEW_SUFFIX, OLD_SUFFIX = "_ipv6-services-new", "_ipv6-services-old"
# A container that was restarted, and has run for less than this many seconds, is in a restart loop.
RESTART_LOOP = 10
HIDDEN = "(hidden)"


class Change(t.NamedTuple):
    """One difference: an option, or a part of the state."""

    what: str
    before: t.Any
    after: t.Any

    def __str__(self) -> str:
        return f"{self.what}: {self.before} -> {self.after}"


@dataclass(frozen=True)
class Step:
    """What one service needs. `action`: created, replaced, updated, started, stopped, removed or none, as in the result."""

    name: str
    engine: str  # as Container has it
    action: str
    container: Container | None = None  # what is wanted; None for what is purged
    found: Listed | None = None  # the container there is now, perhaps on another engine
    state: State | None = None  # of `found`, where it was read
    changes: tuple[Change, ...] = ()
    update: tuple[str, ...] = ()  # options that are changed in place
    unknown: tuple[str, ...] = ()  # what check mode can't know
    leftovers: tuple[Listed, ...] = ()  # of an interrupted run: to remove
    rename_back: bool = False  # `found` still has the name it was put aside under
    stop_early: bool = False  # another service of the call takes over one of its ports

    @property
    def changed(self) -> bool:
        return self.action != "none" or bool(self.leftovers) or self.rename_back


@dataclass(frozen=True)
class Group:
    """The containers of one service on the engines: its own, and what an interrupted run left."""

    current: Listed | None = None
    leftovers: tuple[Listed, ...] = ()
    rename_back: bool = False


def group_of(name: str, listed: t.Iterable[Listed]) -> Group:
    """Which of the containers made for a service counts, when a replacement was interrupted.

    Its steps are: make NEW, stop the current one, rename that to OLD, rename NEW, start it, remove OLD.
    """
    mine = {c.name: c for c in listed if c.service == name}
    current, new, old = (mine.get(name + suffix) for suffix in ("", NEW_SUFFIX, OLD_SUFFIX))
    spare = [new] if new else []
    if current and old and current.state == "running":
        return Group(current, (*spare, old))
    if old:  # the one that had its name was never seen running
        spare += [current] if current else []
        return Group(old, tuple(spare), rename_back=True)
    return Group(current, tuple(spare))


def foreign(name: str, listed: t.Iterable[Listed]) -> Listed | None:
    """A container that has the name, and was not made for this service."""
    return next((c for c in listed if c.name == name and c.service != name), None)


def owner_text(found: Listed) -> str:
    """Whose a foreign container is, for the error."""
    labels = found.labels
    project = labels.get("com.docker.compose.project") or labels.get("io.podman.compose.project")
    unit, user = labels.get("PODMAN_SYSTEMD_UNIT"), user_of(found.engine)
    if found.service:
        owner = f"belongs to the service {found.service}, and was renamed"
    elif project:
        owner = f"belongs to the compose project {project}"
    elif unit:
        owner = f"belongs to the systemd unit {unit}"
    else:
        owner = "was not made by this collection"
    return (
        f"a container with this name is on {found.engine}, and {owner} (image {found.image}, {found.state})."
        f" It was left alone: give the service another name, or remove that container with"
        f" `{kind_of(found.engine)} rm {found.name}`{f' as {user}' if user else ''}."
    )


@dataclass(frozen=True)
class Host:
    """What the plan has to know beside the service's own container."""

    now: float  # seconds since the epoch, of the engine's clock
    networks: t.Mapping[str, str]  # engine -> default network
    images: t.Mapping[tuple[str, str], str]  # (engine, image) -> id, of the images that are there
    file_env: t.Mapping[str, t.Mapping[str, str]] = field(default_factory=dict)  # path of an env_file -> its variables


def plan_service(wanted: Container, group: Group, state: State | None, host: Host) -> Step:
    """One service. `state` is that of the group's current container, and None where there is none."""
    step = Step(
        name=wanted.name,
        engine=wanted.engine,
        action="none",
        container=wanted,
        found=group.current,
        state=state,
        leftovers=group.leftovers,
        rename_back=group.rename_back,
    )
    if wanted.state == "absent":
        return replace(step, action="removed" if group.current or group.leftovers else "none", rename_back=False)
    step = replace(step, unknown=_unknown(wanted, host))
    if not group.current or not state:
        return replace(step, action="created")
    changes = _replacing_changes(wanted, group.current, state, host)
    if wanted.state == "started" and not changes:
        changes = _effective_changes(wanted, state, host.now)
    if changes:
        return replace(step, action="replaced", changes=tuple(changes))
    changes = updating_changes(wanted, state)
    step = replace(step, changes=tuple(changes), update=tuple(c.what for c in changes))
    if wanted.state == "stopped" and state.running:
        return replace(step, action="stopped", changes=(*changes, Change("state", "running", "stopped")))
    if wanted.state == "started" and not state.up:
        before = "paused" if state.paused else group.current.state
        return replace(step, action="started", changes=(*changes, Change("state", before, "running")))
    return replace(step, action="updated" if changes else "none")


def _unknown(wanted: Container, host: Host) -> tuple[str, ...]:
    if (wanted.engine, wanted.image) not in host.images:
        return (f"{wanted.image} is not on {wanted.engine} yet, and what a pull brings is not known",)
    if wanted.pull == "always":
        return (f"pull is always, and may bring another {wanted.image}",)
    return ()


def _replacing_changes(wanted: Container, found: Listed, state: State, host: Host) -> list[Change]:
    """What only a new container can have."""
    if found.engine != wanted.engine:
        return [Change("engine", found.engine, wanted.engine)]
    file_env = host.file_env.get(wanted.env_file or "", {})
    changes = _option_changes(options_of(wanted, file_env), state.options, set(wanted.limits))
    changes += _env_changes(wanted, file_env, state)
    if found.address != str(wanted.address):
        changes.append(Change("address", found.address, str(wanted.address)))
    if state.configured != frozenset(wanted.ports):
        changes.append(Change("ports", _texts(state.configured), _texts(wanted.ports)))
    changes += _network_changes(wanted, state, host.networks[wanted.engine])
    image = host.images.get((wanted.engine, wanted.image), state.image_id)
    if image != state.image_id:
        changes.append(Change("image id", state.image_id, image))
    return changes


def _network_changes(wanted: Container, state: State, default: str) -> list[Change]:
    """Other networks, or pasta with other options.

    IPv4 that the host has by now is worth a new container. While it runs, it keeps IPv4 that the host has no more: it may
    only be late.
    """
    names = [name for name, _endpoint in endpoints(wanted, default)]
    plain = {mode_of(name) or name for name in names}
    if state.networks != plain:
        return [Change("networks", sorted(state.networks), sorted(plain))]
    if mode_of(names[0]) and state.mode != names[0] and not (state.up and names[0] == IPV6_PASTA):
        return [Change("networks", state.mode, names[0])]
    return []


def _option_changes(
    wanted: t.Mapping[str, t.Any], held: t.Mapping[str, t.Any] | None, limits: set[str]
) -> list[Change]:
    if held is None:
        return [Change("options", "(not readable)", "(as wanted)")]
    changes = [
        Change(option, held.get(option), wanted.get(option))
        for option in sorted({*wanted, *held} - {"limits"})
        if wanted.get(option) != held.get(option)
    ]
    # Engines can lower and raise a limit in place, and not take it away: they read 0 as "leave it".
    return changes + [
        Change(option, "limited", "no limit") for option in held.get("limits", ()) if option not in limits
    ]


def _env_changes(wanted: Container, file_env: t.Mapping[str, str], state: State) -> list[Change]:
    """Variables with another value; names that came or went are found by the label."""
    return [
        Change(f"env {name}", HIDDEN, HIDDEN)
        for name, value in sorted(env_of(wanted, file_env).items())
        if f"{name}={value}" not in state.env
    ]


def _effective_changes(wanted: Container, state: State, now: float) -> list[Change]:
    """What is wrong with a container that is made as wanted (DESIGN.md, fact 3)."""
    looping = state.restarting or (state.running and state.restarts > 0 and now - state.started_at < RESTART_LOOP)
    if looping:
        return [Change("state", f"restart loop ({state.restarts} restarts)", "running")]
    if state.running and state.effective != frozenset(wanted.ports):
        return [Change("effective ports", _texts(state.effective), _texts(wanted.ports))]
    if state.health == "unhealthy":
        return [Change("health", "unhealthy", "healthy")]
    return []


def updating_changes(wanted: Container, state: State) -> list[Change]:
    """What an engine can change in place."""
    changes = [
        Change(option, state.limits.get(option), value)
        for option, value in sorted(wanted.limits.items())
        if (state.limits.get(option) or None) != (value or None) and not (value == -1 and not state.limits.get(option))
    ]
    policy = engine_restart_policy(wanted)
    if state.restart_policy != policy:
        changes.append(Change("restart_policy", _policy(state.restart_policy), _policy(policy)))
    return changes


def _policy(policy: tuple[str, int]) -> str:
    name, retries = policy
    return f"{name}:{retries}" if retries else name


def _texts(bindings: t.Iterable[Binding] | None) -> list[str] | str:
    if bindings is None:
        return "(not on an IPv6 address)"
    return [binding_text(b) for b in sorted(bindings)]


def binding_text(binding: Binding) -> str:
    return f"[{binding.address}]:{binding.port}:{binding.container_port}/{binding.protocol}"


def plan_purge(wanted: t.Iterable[str], listed: t.Iterable[Listed]) -> list[Step]:
    """Removal of what this collection made for services that are not listed any more."""
    groups: dict[tuple[str, str], list[Listed]] = {}
    names = set(wanted)
    for container in listed:
        if container.service and container.service not in names:
            groups.setdefault((container.engine, container.service), []).append(container)
    steps = []
    for (engine, name), containers in sorted(groups.items()):
        current = next((c for c in containers if c.name == name), None)
        rest = tuple(c for c in containers if c is not current)
        steps.append(Step(name, engine, "removed", found=current, leftovers=rest))
    return steps


def order(steps: t.Sequence[Step]) -> list[Step]:
    """The steps in their order, those marked whose container holds a port that another service gets in this call."""
    gets: dict[tuple[str, int, str], str] = {}
    for step in steps:
        if step.container and step.action in ("created", "replaced", "started"):
            gets.update({_socket(b): step.name for b in step.container.ports})
    return [replace(s, stop_early=_gives_up(s, gets)) if s.action == "replaced" else s for s in steps]


def _gives_up(step: Step, gets: t.Mapping[tuple[str, int, str], str]) -> bool:
    held = (step.state and (step.state.configured or ())) or ()
    return any(gets.get(_socket(b), step.name) != step.name for b in held)


def _socket(binding: Binding) -> tuple[str, int, str]:
    return str(binding.address), binding.port, binding.protocol
