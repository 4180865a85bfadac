# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of one service that runs as a container: their argument spec, and the parsing of one entry.

The plan on the controller and the module on the host use both, so that they refuse the same. Where an option has a
namesake in community.docker.docker_container, it has the type and the meaning that it has there.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils import _container_options as options
from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError, parse_address
from ansible_collections.ipv6.services.plugins.module_utils._container_values import (
    from_request_error,
    parse_absolute,
    parse_host_user,
    parse_image,
    parse_service_name,
)
from ansible_collections.ipv6.services.plugins.module_utils._engine_gaps import options_podman_drops, security_refusals
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding, parse_ports

ENGINES = ("docker", "podman")
ROOT = "root"
STATES = ("started", "stopped", "absent")
DEFAULT_RESTART_POLICY = "unless-stopped"

_MOUNT_OPTIONS: dict[str, t.Any] = {
    "target": {"type": "str", "required": True},
    "source": {"type": "str"},
    "type": {"type": "str", "choices": ["bind", "tmpfs", "volume"], "default": "volume"},
    "read_only": {"type": "bool"},
    "consistency": {"type": "str", "choices": ["cached", "consistent", "default", "delegated"]},
    "propagation": {"type": "str", "choices": ["private", "rprivate", "shared", "rshared", "slave", "rslave"]},
    "create_mountpoint": {"type": "bool"},
    "non_recursive": {"type": "bool"},
    "no_copy": {"type": "bool"},
    "labels": {"type": "dict"},
    "volume_driver": {"type": "str"},
    "volume_options": {"type": "dict"},
    "subpath": {"type": "str"},
    "tmpfs_size": {"type": "str"},
    "tmpfs_mode": {"type": "str"},
}

_HEALTHCHECK_OPTIONS: dict[str, t.Any] = {
    "test": {"type": "raw"},
    "test_cli_compatible": {"type": "bool", "default": False},
    "interval": {"type": "str"},
    "timeout": {"type": "str"},
    "retries": {"type": "int"},
    "start_period": {"type": "str"},
    "start_interval": {"type": "str"},
}

# The argument spec of one entry.
CONTAINER_OPTIONS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "address": {"type": "str"},
    "engine": {"type": "str", "choices": list(ENGINES)},
    "podman_user": {"type": "str"},
    "ports": {"type": "list", "elements": "raw"},
    "state": {"type": "str", "choices": list(STATES), "default": "started"},
    "secret_env": {"type": "dict", "no_log": True},
    "image": {"type": "str"},
    "pull": {"type": "str", "choices": ["missing", "always", "never"], "default": "missing"},
    "capabilities": {"type": "list", "elements": "str", "aliases": ["cap_add"]},
    "cap_drop": {"type": "list", "elements": "str"},
    "command": {"type": "raw"},
    "cpu_shares": {"type": "int"},
    "cpus": {"type": "float"},
    "cpuset_cpus": {"type": "str"},
    "devices": {"type": "list", "elements": "str"},
    "dns_opts": {"type": "list", "elements": "str"},
    "dns_search_domains": {"type": "list", "elements": "str"},
    "dns_servers": {"type": "list", "elements": "str"},
    "domainname": {"type": "str"},
    "entrypoint": {"type": "list", "elements": "str"},
    "env": {"type": "dict"},
    "env_file": {"type": "path"},
    "etc_hosts": {"type": "dict"},
    "groups": {"type": "list", "elements": "str"},
    "healthcheck": {"type": "dict", "options": _HEALTHCHECK_OPTIONS},
    "hostname": {"type": "str"},
    "init": {"type": "bool"},
    "labels": {"type": "dict"},
    "log_driver": {"type": "str"},
    "log_options": {"type": "dict", "aliases": ["log_opt"]},
    "memory": {"type": "str"},
    "memory_reservation": {"type": "str"},
    "memory_swap": {"type": "str"},
    "mounts": {"type": "list", "elements": "dict", "options": _MOUNT_OPTIONS},
    "networks": {"type": "list", "elements": "raw"},
    "oom_score_adj": {"type": "int"},
    "pids_limit": {"type": "int"},
    "privileged": {"type": "bool"},
    "read_only": {"type": "bool"},
    "restart_policy": {
        "type": "str",
        "choices": ["no", "on-failure", "always", "unless-stopped"],
        "default": DEFAULT_RESTART_POLICY,
    },
    "restart_retries": {"type": "int"},
    "runtime": {"type": "str"},
    "security_opts": {"type": "list", "elements": "str"},
    "shm_size": {"type": "str"},
    "stop_signal": {"type": "str"},
    "stop_timeout": {"type": "int"},
    "sysctls": {"type": "dict"},
    "tmpfs": {"type": "list", "elements": "str"},
    "tty": {"type": "bool"},
    "ulimits": {"type": "list", "elements": "str"},
    "user": {"type": "str"},
    "volumes": {"type": "list", "elements": "str"},
    "working_dir": {"type": "str"},
}

# Ports are validated before the address is known; nothing is ever published there (RFC 6666).
_NO_ADDRESS_YET = IPv6Address("100::")


class Problem(t.NamedTuple):
    """One thing that is wrong with an entry. `value` is None where it could be a secret."""

    field: str  # as image, ports[1] or healthcheck.interval
    value: object
    problem: str
    mend: str


class EntryError(RequestError):
    """Everything that is wrong with one entry."""

    def __init__(self, problems: t.Sequence[Problem]) -> None:
        super().__init__(" ".join(f"{p.field}: {p.problem} {p.mend}" for p in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Container:
    """One service as it is wanted, every value in the form that the engines take."""

    name: str
    engine: str  # docker, podman, or podman:USER for the rootless Podman of that user
    state: str
    address: IPv6Address | None = None
    image: str = ""
    pull: str = "missing"
    ports: tuple[Binding, ...] = ()
    networks: tuple[t.Mapping[str, t.Any], ...] = ()  # empty: the default network
    env: t.Mapping[str, str] = field(default_factory=dict)
    secret_env: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    env_file: str | None = None
    restart_policy: tuple[str, int] = (DEFAULT_RESTART_POLICY, 0)  # and how often at most, 0 for ever
    limits: t.Mapping[str, t.Any] = field(default_factory=dict)  # option -> value; what an engine can change in place
    fixed: t.Mapping[str, t.Any] = field(default_factory=dict)  # option -> value; what only a new container can have


def engine_of(kind: str, user: str | None) -> str:
    """An engine as Container has it."""
    return kind if user in (None, ROOT) else f"{kind}:{user}"


def kind_of(engine: str) -> str:
    """docker or podman."""
    return engine.partition(":")[0]


def user_of(engine: str) -> str | None:
    """The user whose rootless Podman it is; None for an engine of root's."""
    return engine.partition(":")[2] or None


def parse_container(entry: t.Mapping[str, t.Any], engine: str = "docker", address_known: bool = True) -> Container:
    """One entry that CONTAINER_OPTIONS has validated, as what is wanted.

    engine: of entries that name none.
    address_known: False before the plan has decided the address; then an entry needs none, and gets no ports.
    Raises EntryError with everything that can be told without the host; no value of env or secret_env is in it.
    """
    check = options.Checker()
    name = check.value("name", entry.get("name"), parse_service_name)
    state = entry.get("state") or "started"
    engine = _engine(check, entry.get("engine") or engine, entry.get("podman_user"))
    address = check.value("address", entry.get("address"), parse_address)
    if state == "absent":
        check.raise_problems(EntryError, Problem)
        return Container(name, engine, state, address)
    if address_known and entry.get("address") is None:
        check.add("address", None, "It is missing.", "Give the service an address, as 2001:db8::201.")
    if entry.get("image") is None:
        check.add("image", None, "It is missing.", "Name the image, as docker.io/library/nginx:1.29.")
    container = Container(
        name=name,
        engine=engine,
        state=state,
        address=address,
        image=check.value("image", entry.get("image"), parse_image) or "",
        pull=entry.get("pull") or "missing",
        ports=_ports(check, entry.get("ports") or [], address),
        networks=options.parse_networks(check, entry.get("networks") or []),
        env=options.parse_env(check, "env", entry.get("env") or {}),
        secret_env=options.parse_env(check, "secret_env", entry.get("secret_env") or {}),
        env_file=check.value("env_file", entry.get("env_file"), parse_absolute),
        restart_policy=options.parse_restart_policy(check, entry, DEFAULT_RESTART_POLICY),
        limits=options.parse_limits(check, entry),
        fixed=options.parse_fixed(check, entry),
    )
    twice = sorted(set(container.env) & set(container.secret_env))
    if twice:
        check.add("secret_env", None, f"{twice[0]} is in env too.", "Take it out of env.")
    for option in options_podman_drops(container.fixed, container.limits) if kind_of(engine) == "podman" else ():
        check.add(
            option,
            None,
            "Podman's API leaves it out without a word.",
            "Leave it out, or give the service `engine: docker`.",
        )
    given = [option for option in container.fixed.get("security_opts", ()) if option]
    for refusal in security_refusals(kind_of(engine), given):
        check.add("security_opts", refusal.option, refusal.problem, refusal.mend)
    check.raise_problems(EntryError, Problem)
    return container


def _engine(check: options.Checker, engine: str, podman_user: str | None) -> str:
    """The engine with the user who runs it, as Container has it."""
    user = check.value("podman_user", podman_user, parse_host_user)
    if user is not None and engine != "podman":
        text = f"It is for podman, and the engine is {engine}."
        check.add("podman_user", user, text, "Leave it out, or give the service `engine: podman`.")
    return engine_of(engine, user)


def _ports(check: options.Checker, values: t.Sequence[object], address: IPv6Address | None) -> tuple[Binding, ...]:
    """The ports, or none while the address is not known."""
    for index, value in enumerate(values):
        check.value(f"ports[{index}]", value, lambda v: parse_ports([v], address or _NO_ADDRESS_YET))
    if any(problem[0].startswith("ports[") for problem in check.problems):
        return ()
    try:
        bindings = parse_ports(values, address or _NO_ADDRESS_YET)
    except RequestError as exc:  # published twice
        error = from_request_error(exc)
        check.add("ports", list(values), error.problem.replace(f" of {_NO_ADDRESS_YET}", ""), error.mend)
        return ()
    return bindings if address else ()
