# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host lacks for its services: decided from its facts alone, so that nothing runs on a host that lacks nothing."""

from __future__ import annotations

import re
import typing as t

SYSCTL_FILE = "/etc/sysctl.d/ipv6-services.conf"
DOCKER_DROP_IN = "/etc/systemd/system/docker.service.d/ipv6-services.conf"

# The bridge of Podman's network, and the comment by which our firewall rules are known.
PODMAN_BRIDGE = "ipv6-services"
MARK = "ipv6.services"

# These handle router advertisements themselves and set the kernel's accept_ra to 0 (DESIGN.md, fact 18).
HANDLE_ADVERTISEMENTS = ("networkd", "networkmanager")

# Above this many addresses the neighbour table's limit (1,024 by default) comes into sight (DESIGN.md, fact 20).
MANY_ADDRESSES = 256

HEADER = "# Made by the Ansible collection ipv6.services (role host).\n"


def host_plan(
    facts: t.Mapping[str, t.Any],
    engines: t.Collection[str],
    services: int,
    network: str,
    packages: t.Mapping[str, t.Mapping[str, t.Sequence[str]]],
) -> dict[str, t.Any]:
    """Compare a host with what its services need.

    facts: `ipv6_services_host`, as module host_info returns it.
    engines: those that run the host's services.
    services: how many addresses the host gets.
    network: name of the engines' network for the services.
    packages: family of distributions -> engine, or `sdk` -> package names.

    Returns, each empty where nothing is to be done: `packages` (names), `sysctls` (name -> value, what the kernel has
    otherwise or would forget), `sysctl_file` (content of the file that keeps them, always there), `daemon` (what daemon.json
    lacks), `units` (names to enable and start), `enable` (names to enable only), `drop_in` (content of Docker's),
    `forward` (ip6tables rules that are missing, each a list of arguments), `networks` (engines that lack it), and
    `problems` (sentences; nothing may be done while there are any). `lacks`: whether any of these has something.
    """
    # A host without services gets nothing; one that had some keeps its settings until they are retired.
    sysctls = _sysctls(facts, services) if engines or services or SYSCTL_FILE in facts["files"] else {}
    kept = not sysctls or _same(facts, SYSCTL_FILE, _sysctl_file(sysctls))
    # Also for containers of Podman that this run is not about: the network of ours says that there are some.
    beside = "podman" in engines or network in _engine(facts, "podman")["networks"]
    rules = _forward_rules(facts) if beside else []
    plan = {
        "packages": _packages(facts, engines, packages),
        "sysctls": {k: v for k, v in sysctls.items() if not kept or facts["sysctls"].get(k) != v},
        "sysctl_file": _sysctl_file(sysctls),
        "daemon": _daemon(facts) if "docker" in engines else {},
        "units": _units(facts, engines),
        "enable": _enable(facts, engines),
        "drop_in": "" if not rules or _same(facts, DOCKER_DROP_IN, _drop_in(rules)) else _drop_in(rules),
        "forward": [rule for rule in rules if not _in_force(rule, facts["forward_rules"])],
        "networks": [e for e in sorted(engines) if network not in _engine(facts, e)["networks"]],
        "problems": _problems(facts, engines, network),
    }
    return {**plan, "lacks": any(value for key, value in plan.items() if key != "sysctl_file")}


def _same(facts: t.Mapping[str, t.Any], path: str, text: str) -> bool:
    """Whether a file of ours has that content."""
    return t.cast("str", facts["files"].get(path, "")).strip() == text.strip()


def _engine(facts: t.Mapping[str, t.Any], engine: str) -> dict[str, t.Any]:
    """The engine's facts; of one that is not installed, the facts of nothing."""
    nothing: dict[str, t.Any] = {
        "installed": False,
        "running": False,
        "version": None,
        "networks": {},
        "ip6tables": None,
    }
    return {**nothing, **(facts["engines"].get(engine) or {})}


def _version(facts: t.Mapping[str, t.Any], engine: str) -> tuple[int, ...]:
    """(26, 1, 5); () when the engine does not say."""
    return tuple(int(n) for n in re.findall(r"\d+", (_engine(facts, engine)["version"] or "").split("+")[0]))


def _packages(
    facts: t.Mapping[str, t.Any],
    engines: t.Collection[str],
    packages: t.Mapping[str, t.Mapping[str, t.Sequence[str]]],
) -> list[str]:
    """Packages of the engines that are missing, and of the SDK. Nothing for a distribution that `packages` lacks."""
    family = next((f for f in _families(facts) if f in packages), None)
    if family is None:
        return []
    missing = [e for e in sorted(engines) if not _engine(facts, e)["installed"]]
    if engines and not facts["sdk"]["installed"]:
        missing.append("sdk")
    return sorted({name for kind in missing for name in packages[family][kind]})


def _families(facts: t.Mapping[str, t.Any]) -> list[str]:
    """The distribution, then what it is like, nearest first: ubuntu, debian."""
    like = facts["os"].get("id_like") or []
    return [facts["os"].get("id", ""), *(like.split() if isinstance(like, str) else like)]


def _sysctls(facts: t.Mapping[str, t.Any], services: int) -> dict[str, str]:
    """Kernel settings that the host's services need."""
    # An engine starts its containers even when their addresses come later (DESIGN.md, fact 4).
    wanted = {"net.ipv6.ip_nonlocal_bind": "1"}
    interface = facts.get("interface")
    if interface:
        name = f"net.ipv6.conf.{interface}.accept_ra"  # in the file with slashes: a VLAN's name has a dot
        manager = (facts["links"].get(interface) or {}).get("manager")
        if manager not in HANDLE_ADVERTISEMENTS and facts["sysctls"].get(name) in ("1", "2"):
            # With forwarding on, which every engine sets, the kernel would drop its default route (DESIGN.md, fact 18).
            wanted[name] = "2"
    threshold = facts["sysctls"].get("net.ipv6.neigh.default.gc_thresh3")
    if services > MANY_ADDRESSES and threshold is not None:
        needed = max(4096, 1 << (4 * services - 1).bit_length())
        if int(threshold) <= needed:
            wanted["net.ipv6.neigh.default.gc_thresh3"] = str(needed)
    return wanted


def _sysctl_file(sysctls: t.Mapping[str, str]) -> str:
    """One line a setting. Where a slash comes first, the dots behind it are part of a name, as that of a VLAN."""
    return HEADER + "".join(f"{_with_slashes(name)} = {value}\n" for name, value in sorted(sysctls.items()))


def _with_slashes(name: str) -> str:
    """net.ipv6.conf.eth0.100.accept_ra as net/ipv6/conf/eth0.100/accept_ra; others as they are."""
    found = re.fullmatch(r"net\.ipv6\.conf\.(.+)\.([a-z_]+)", name)
    return f"net/ipv6/conf/{found[1]}/{found[2]}" if found else name


def _daemon(facts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Docker 27 and later forward IPv6 by themselves; before that the proxy hides the client (DESIGN.md, fact 10)."""
    docker = _engine(facts, "docker")
    version = _version(facts, "docker")
    if not docker["running"] or docker["ip6tables"] or not version or version >= (27,):
        return {}
    return {"experimental": True, "ip6tables": True}


def _units(facts: t.Mapping[str, t.Any], engines: t.Collection[str]) -> list[str]:
    """Units that must be enabled and running."""
    units = []
    docker, podman = _engine(facts, "docker"), _engine(facts, "podman")
    if "docker" in engines and docker["installed"] and not docker["running"]:
        units.append("docker.service")
    if "podman" in engines and podman["installed"] and not (podman.get("socket_enabled") and podman["running"]):
        units.append("podman.socket")
    return units


def _enable(facts: t.Mapping[str, t.Any], engines: t.Collection[str]) -> list[str]:
    """Units that must start at boot. What brings Podman's containers back need not run now."""
    docker, podman = _engine(facts, "docker"), _engine(facts, "podman")
    units = []
    if "docker" in engines and docker["installed"] and not docker.get("enabled"):
        units.append("docker.service")
    if "podman" in engines and podman["installed"] and not podman.get("restart_unit_enabled"):
        units.append("podman-restart.service")
    return units


def _forward_rules(facts: t.Mapping[str, t.Any]) -> list[list[str]]:
    """What lets Podman's traffic pass Docker's FORWARD policy of DROP (DESIGN.md, fact 11)."""
    docker, chains = _engine(facts, "docker"), facts["forward_rules"]
    if not docker["running"]:
        return []
    if "-N DOCKER-USER" in chains:
        chain = "DOCKER-USER"
    elif docker["ip6tables"] and chains:
        chain = "FORWARD"  # Docker before 23 makes no chain for users
    else:
        return []  # it leaves the forwarding of IPv6 alone
    mark = ["-m", "comment", "--comment", MARK, "-j", "ACCEPT"]
    return [
        [chain, "-m", "conntrack", "--ctstate", "DNAT", *mark],
        [chain, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", *mark],
        [chain, "-i", PODMAN_BRIDGE, *mark],
    ]


def _in_force(rule: t.Sequence[str], lines: t.Sequence[str]) -> bool:
    """lines: as `ip6tables -S` prints them, which may quote the comment."""
    return f"-A {' '.join(rule)}" in (line.replace('"', "") for line in lines)


def _drop_in(rules: t.Sequence[t.Sequence[str]]) -> str:
    """Docker makes its chains anew at every start: put the rules in again each time."""
    lines = [HEADER + "# Podman's containers answer although Docker's FORWARD policy is DROP.\n[Service]\n"]
    lines += [
        f"ExecStartPost=-/usr/sbin/ip6tables -w {verb} {' '.join(rule)}\n" for rule in rules for verb in ("-D", "-I")
    ]
    return "".join(lines)


def _problems(facts: t.Mapping[str, t.Any], engines: t.Collection[str], network: str) -> list[str]:
    """What the role can't mend by itself."""
    problems = []
    for engine in sorted(engines):
        held = _engine(facts, engine)["networks"].get(network)
        if held is not None and not held.get("ipv6"):
            problems.append(
                f"{engine} has a network {network} without IPv6, where containers would see no client's address or hang."
                " Remove it, or name another in ipv6_services_network."
            )
    return problems
