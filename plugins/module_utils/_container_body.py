# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wanted, as the bodies of the engines' calls: create, connect to a network, update."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._addresses import parse_address
from ansible_collections.ipv6.services.plugins.module_utils._container_rootless import mode_of
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import Container, kind_of
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding

LABEL_NAME = "ipv6.services.name"
LABEL_ADDRESS = "ipv6.services.address"
LABEL_OPTIONS = "ipv6.services.options"
LABEL_MODE = "ipv6.services.network-mode"  # with its options, which Podman does not return

_Body = dict[str, t.Any]

# Option -> where it stands in the body, and in what an inspection returns.
_CONFIG = {
    "domainname": "Domainname",
    "healthcheck": "Healthcheck",
    "hostname": "Hostname",
    "stop_signal": "StopSignal",
    "stop_timeout": "StopTimeout",
    "tty": "Tty",
    "user": "User",
    "working_dir": "WorkingDir",
    "command": "Cmd",
    "entrypoint": "Entrypoint",
}
_HOST_CONFIG = {
    "capabilities": "CapAdd",
    "cap_drop": "CapDrop",
    "devices": "Devices",
    "dns_opts": "DnsOptions",
    "dns_search_domains": "DnsSearch",
    "dns_servers": "Dns",
    "groups": "GroupAdd",
    "init": "Init",
    "mounts": "Mounts",
    "oom_score_adj": "OomScoreAdj",
    "privileged": "Privileged",
    "read_only": "ReadonlyRootfs",
    "runtime": "Runtime",
    "security_opts": "SecurityOpt",
    "shm_size": "ShmSize",
    "sysctls": "Sysctls",
    "tmpfs": "Tmpfs",
    "ulimits": "Ulimits",
}
LIMITS = {
    "memory": "Memory",
    "memory_reservation": "MemoryReservation",
    "memory_swap": "MemorySwap",
    "cpus": "NanoCpus",
    "cpu_shares": "CpuShares",
    "cpuset_cpus": "CpusetCpus",
    "pids_limit": "PidsLimit",
}


def engine_restart_policy(container: Container) -> tuple[str, int]:
    """The policy that the engine gets: podman-restart starts `always` after a reboot, and nothing else (DESIGN.md, fact 9)."""
    policy, retries = container.restart_policy
    return ("always" if kind_of(container.engine) == "podman" and policy == "unless-stopped" else policy, retries)


def restart_body(container: Container) -> _Body:
    policy, retries = engine_restart_policy(container)
    return {"Name": policy, "MaximumRetryCount": retries}


def env_of(container: Container, file_env: t.Mapping[str, str]) -> dict[str, str]:
    """All variables of the container; what the entry says comes before what its file says."""
    return {**file_env, **container.env, **container.secret_env}


def options_of(container: Container, file_env: t.Mapping[str, str]) -> _Body:
    """What the label keeps of the wanted options, to compare the next run's with: of variables the names alone."""
    options = dict(container.fixed)
    names = {"env": container.env, "secret_env": container.secret_env, "env_file": file_env}
    options.update({option: sorted(env) for option, env in names.items() if env})
    networks = [dict(network) for network in container.networks]
    return {
        **options,
        "image": container.image,
        "limits": sorted(container.limits),
        **({"networks": networks} if networks else {}),
    }


def labels_of(container: Container, file_env: t.Mapping[str, str]) -> dict[str, str]:
    """The user's labels and ours."""
    return {
        **container.fixed.get("labels", {}),
        LABEL_NAME: container.name,
        LABEL_ADDRESS: str(container.address),
        LABEL_OPTIONS: json.dumps(options_of(container, file_env), sort_keys=True, separators=(",", ":")),
    }


def create_body(container: Container, network: str, file_env: t.Mapping[str, str]) -> _Body:
    """The body of the create call, with the first network; connect_bodies has the others.

    network: of a container that names none.
    Raises RequestError for an address that is none, which Docker would publish on every address (DESIGN.md, fact 12).
    """
    fixed = container.fixed
    host = {name: fixed[option] for option, name in _HOST_CONFIG.items() if option in fixed}
    host.update({name: container.limits[option] for option, name in LIMITS.items() if option in container.limits})
    host["RestartPolicy"] = restart_body(container)
    host["PortBindings"] = port_bindings(container.ports)
    binds = [v for v in fixed.get("volumes", []) if ":" in v]
    if binds:
        host["Binds"] = binds
    if "etc_hosts" in fixed:
        host["ExtraHosts"] = [f"{name}:{address}" for name, address in sorted(fixed["etc_hosts"].items())]
    if "log_driver" in fixed:
        host["LogConfig"] = {"Type": fixed["log_driver"], "Config": fixed.get("log_options", {})}
    first, body = endpoints(container, network)[0]
    host["NetworkMode"] = first
    rootless = mode_of(first) is not None
    config = {name: fixed[option] for option, name in _CONFIG.items() if option in fixed}
    return {
        **config,
        "Image": container.image,
        "Env": [f"{name}={value}" for name, value in env_of(container, file_env).items()],
        "Labels": {**labels_of(container, file_env), **({LABEL_MODE: first} if rootless else {})},
        "ExposedPorts": {f"{b.container_port}/{b.protocol}": {} for b in container.ports},
        "Volumes": {v: {} for v in fixed.get("volumes", []) if ":" not in v},
        "HostConfig": host,
        **({} if rootless else {"NetworkingConfig": {"EndpointsConfig": {first: body}}}),
    }


def endpoints(container: Container, network: str) -> list[tuple[str, _Body]]:
    """Each network and the container's part in it, the one that the container is created with first."""
    # Podman's API calls its default network `bridge`, and in a container `podman`.
    names = {"bridge": "podman"} if kind_of(container.engine) == "podman" else {}
    return [(names.get(n["name"], n["name"]), _endpoint(n)) for n in container.networks or ({"name": network},)]


def _endpoint(network: t.Mapping[str, t.Any]) -> _Body:
    ipam = {"IPv4Address": network.get("ipv4_address"), "IPv6Address": network.get("ipv6_address")}
    body = {
        "IPAMConfig": {name: address for name, address in ipam.items() if address},
        "Aliases": network.get("aliases"),
        "MacAddress": network.get("mac_address"),
    }
    return {name: value for name, value in body.items() if value}


def port_bindings(ports: t.Iterable[Binding]) -> _Body:
    """The bindings as both engines take them; every address is parsed once more (DESIGN.md, fact 12)."""
    bindings: dict[str, list[dict[str, str]]] = {}
    for binding in ports:
        address = parse_address(str(binding.address))
        place = bindings.setdefault(f"{binding.container_port}/{binding.protocol}", [])
        place.append({"HostIp": str(address), "HostPort": str(binding.port)})
    return bindings


def update_body(container: Container, options: t.Collection[str]) -> _Body:
    """The body that changes these limits of a container; the restart policy always, since Podman resets it without it."""
    limits = container.limits
    body = {name: limits[option] for option, name in LIMITS.items() if option in options}
    if "memory" in options and "memory_swap" not in limits:
        # Both engines set it to twice the memory at creation, and refuse more memory than that in an update.
        body["MemorySwap"] = 2 * limits["memory"]
    elif "memory" in options:
        body["MemorySwap"] = limits["memory_swap"]
    return {**body, "RestartPolicy": restart_body(container)}
