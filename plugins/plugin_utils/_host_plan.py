# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host lacks for its services: decided from its facts alone, so that nothing runs on a host that lacks nothing."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.ipv6.services.plugins.plugin_utils._host_drop_ins import drop_ins
from ansible_collections.ipv6.services.plugins.plugin_utils._host_watcher import HEADER, WATCHER, watcher

Json = t.Mapping[str, t.Any]
Services = t.Sequence[Json]
Packages = t.Mapping[str, t.Mapping[str, t.Sequence[str]]]

SYSCTL_FILE = "/etc/sysctl.d/ipv6-services.conf"
DOCKER_DROP_IN = "/etc/systemd/system/docker.service.d/ipv6-services.conf"

# Incus and LXD, with the bridge of the services' network on each; and Podman's.
BRIDGES = {"podman": "ipv6-services", "incus": "ipv6-incus", "lxd": "ipv6-lxd"}
INSTANCES = ("incus", "lxd")
# The comment by which our firewall rules are known.
MARK = "ipv6.services"

# These handle router advertisements themselves and set the kernel's accept_ra to 0 (DESIGN.md, fact 18).
HANDLE_ADVERTISEMENTS = ("networkd", "networkmanager")

# Above this many addresses the neighbour table's limit (1,024 by default) comes into sight (DESIGN.md, fact 20).
MANY_ADDRESSES = 256

# Below this port only root may listen, unless the kernel is told otherwise.
UNPRIVILEGED = "net.ipv4.ip_unprivileged_port_start"
UNPRIVILEGED_PORT = 1024


def host_plan(
    facts: Json,
    engines: t.Collection[str],
    services: Services,
    network: str,
    packages: Packages,
) -> dict[str, t.Any]:
    """Compare a host with what its services need.

    facts: `ipv6_services_host`, as module host_info returns it.
    engines: those that run the host's services.
    services: the host's, as the plan has them.
    network: name of the engines' network for containers.
    packages: family of distributions -> engine, `rootless`, `sdk` or `guard` -> package names.

    Returns, each empty where nothing is to be done: `unknown` (users of whom the facts say nothing), `packages` (names),
    `sysctls` (name -> value, what the kernel has otherwise or would forget), `sysctl_file` (content of the file that keeps
    them, always there), `daemon` (what daemon.json lacks), `units` (names to enable and start), `enable` (names to enable
    only), `users` (each with what rootless Podman lacks), `drop_ins` (path -> content, for the other engines' units), `repair`
    (engines whose own rules are gone), `drop_in` (content of Docker's), `forward` (ip6tables rules that are missing, each a
    list of arguments), `pools` and `root_disks` (engines without any), `networks` (engines that lack it), `watchers` (engine
    -> content of the unit that puts its rules back), and `problems` (sentences; nothing may be done while there are any).
    `lacks`: whether any of these has something.
    """
    # A host without services gets nothing; one that had some keeps its settings until they are retired.
    sysctls = _sysctls(facts, services) if engines or services or SYSCTL_FILE in facts["files"] else {}
    kept = not sysctls or _same(facts, SYSCTL_FILE, _sysctl_file(sysctls))
    rootless = rootless_users(services)
    shared = _shared(engines, services)
    plan = {
        "unknown": [user for user in rootless if user not in facts["users"]],
        "packages": _packages(facts, engines, rootless, packages),
        "sysctls": {k: v for k, v in sysctls.items() if not kept or facts["sysctls"].get(k) != v},
        "sysctl_file": _sysctl_file(sysctls),
        "daemon": _daemon(facts) if "docker" in engines else {},
        "units": _units(facts, shared),
        "enable": _enable(facts, shared),
        "users": list(_users(facts, rootless)),
        "drop_ins": drop_ins(facts, shared, rootless),
        "repair": [e for e in sorted(engines) if _engine(facts, e).get("rules") is False],
        **_forward(facts, shared, network),
        "pools": [e for e in _instances(engines) if not _engine(facts, e)["storage_pools"]],
        "root_disks": [e for e in _instances(engines) if _wants_root_disk(_engine(facts, e))],
        "networks": [e for e in sorted(shared) if _network(e, network) not in _engine(facts, e)["networks"]],
        "watchers": _watchers(facts, shared, network),
        "problems": [*_network_problems(facts, shared, network), *_user_problems(facts, rootless)],
    }
    return {**plan, "lacks": any(value for key, value in plan.items() if key != "sysctl_file")}


def rootless_users(services: t.Iterable[Json]) -> list[str]:
    """Who runs services with Podman and without root, sorted."""
    return sorted({s["podman_user"] for s in services if s.get("podman_user") and s["state"] != "absent"})


def _shared(engines: t.Collection[str], services: Services) -> set[str]:
    """The engines that the host itself runs: without a Podman that only users run."""
    of_podman = [bool(s.get("podman_user")) for s in services if s["engine"] == "podman"]
    return {engine for engine in engines if engine != "podman" or not of_podman or not all(of_podman)}


def _instances(engines: t.Collection[str]) -> list[str]:
    return [engine for engine in INSTANCES if engine in engines]


def _network(engine: str, network: str) -> str:
    """The name of the services' network on an engine. That of Incus and LXD is a link's name, too."""
    return BRIDGES[engine] if engine in INSTANCES else network


def _same(facts: Json, path: str, text: str) -> bool:
    """Whether a file of ours has that content."""
    return t.cast("str", facts["files"].get(path, "")).strip() == text.strip()


def _engine(facts: Json, engine: str) -> dict[str, t.Any]:
    """The engine's facts; of one that is not installed, the facts of nothing."""
    nothing: dict[str, t.Any] = {
        "installed": False,
        "running": False,
        "version": None,
        "networks": {},
        "ip6tables": None,
        "storage_pools": [],
        "default_root": False,
    }
    return {**nothing, **(facts["engines"].get(engine) or {})}


def _version(facts: Json, engine: str) -> tuple[int, ...]:
    """(26, 1, 5); () when the engine does not say."""
    return tuple(int(n) for n in re.findall(r"\d+", (_engine(facts, engine)["version"] or "").split("+")[0]))


def _packages(
    facts: Json,
    engines: t.Collection[str],
    rootless: t.Collection[str],
    packages: Packages,
) -> list[str]:
    """Packages of the engines that are missing, of the SDK and of the guard. Nothing for a distribution that `packages` lacks."""
    family = next((f for f in _families(facts) if f in packages), None)
    if family is None:
        return []
    missing = [e for e in sorted(engines) if not _engine(facts, e)["installed"]]
    podman = _engine(facts, "podman")
    if rootless and not (podman.get("rootless_network") and podman.get("uidmap")):
        missing.append("rootless")
    if set(engines) - set(INSTANCES) and not facts["sdk"]["installed"]:
        missing.append("sdk")
    if engines and not facts["nft"]:
        missing.append("guard")
    return sorted({name for kind in missing for name in packages[family].get(kind, ())})


def _families(facts: Json) -> list[str]:
    """The distribution, then what it is like, nearest first: ubuntu, debian."""
    like = facts["os"].get("id_like") or []
    return [facts["os"].get("id", ""), *(like.split() if isinstance(like, str) else like)]


def _sysctls(facts: Json, services: Services) -> dict[str, str]:
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
    if len(services) > MANY_ADDRESSES and threshold is not None:
        needed = max(4096, 1 << (4 * len(services) - 1).bit_length())
        if int(threshold) <= needed:
            wanted["net.ipv6.neigh.default.gc_thresh3"] = str(needed)
    port = _lowest_port(services)
    held, ours = facts["sysctls"].get(UNPRIVILEGED), _our_lowest_port(facts)
    # Where somebody else lets users have the port already, that stays as it is. What we gave is taken back.
    if port < UNPRIVILEGED_PORT and (held is None or int(held) > port or held == ours):
        wanted[UNPRIVILEGED] = str(port)
    elif port >= UNPRIVILEGED_PORT and ours is not None and held == ours:
        wanted[UNPRIVILEGED] = str(UNPRIVILEGED_PORT)
    return wanted


def _lowest_port(services: t.Iterable[Json]) -> int:
    """The lowest port that is published without root."""
    ports = [p["port"] for s in services if s.get("podman_user") and s["state"] != "absent" for p in s["ports"]]
    return min(ports, default=UNPRIVILEGED_PORT)


def _our_lowest_port(facts: Json) -> str | None:
    """What our file says, or None."""
    ours = re.search(rf"^{re.escape(UNPRIVILEGED)} = (\d+)$", facts["files"].get(SYSCTL_FILE, ""), re.MULTILINE)
    return ours and ours[1]


def _sysctl_file(sysctls: t.Mapping[str, str]) -> str:
    """One line a setting. Where a slash comes first, the dots behind it are part of a name, as that of a VLAN."""
    return HEADER + "".join(f"{_with_slashes(name)} = {value}\n" for name, value in sorted(sysctls.items()))


def _with_slashes(name: str) -> str:
    """net.ipv6.conf.eth0.100.accept_ra as net/ipv6/conf/eth0.100/accept_ra; others as they are."""
    found = re.fullmatch(r"net\.ipv6\.conf\.(.+)\.([a-z_]+)", name)
    return f"net/ipv6/conf/{found[1]}/{found[2]}" if found else name


def _daemon(facts: Json) -> dict[str, t.Any]:
    """Docker 27 and later forward IPv6 by themselves; before that the proxy hides the client (DESIGN.md, fact 10)."""
    docker = _engine(facts, "docker")
    version = _version(facts, "docker")
    if not docker["running"] or docker["ip6tables"] or not version or version >= (27,):
        return {}
    return {"experimental": True, "ip6tables": True}


def _units(facts: Json, engines: t.Collection[str]) -> list[str]:
    """Units that must be enabled and running."""
    units = []
    docker, podman = _engine(facts, "docker"), _engine(facts, "podman")
    if "docker" in engines and docker["installed"] and not docker["running"]:
        units.append("docker.service")
    if "podman" in engines and podman["installed"] and not (podman.get("socket_enabled") and podman["running"]):
        units.append("podman.socket")
    for engine in _instances(engines):
        held = _engine(facts, engine)
        if held["installed"] and not (held["running"] and held.get("enabled")):
            units += _instance_units(engine, held)
    return units


def _instance_units(engine: str, held: Json) -> list[str]:
    """The daemon, and what starts the instances at boot and stops them before the end."""
    if held["socket"].startswith("/var/snap/"):
        return ["snap.lxd.daemon.unix.socket", "snap.lxd.daemon.service", "snap.lxd.activate.service"]
    return (
        ["incus.service", "incus-startup.service"] if engine == "incus" else ["lxd.service", "lxd-containers.service"]
    )


def _enable(facts: Json, engines: t.Collection[str]) -> list[str]:
    """Units that must start at boot. What brings Podman's containers back need not run now."""
    docker, podman = _engine(facts, "docker"), _engine(facts, "podman")
    units = []
    if "docker" in engines and docker["installed"] and not docker.get("enabled"):
        units.append("docker.service")
    if "podman" in engines and podman["installed"] and not podman.get("restart_unit_enabled"):
        units.append("podman-restart.service")
    return units


def _users(facts: Json, rootless: t.Iterable[str]) -> t.Iterator[dict[str, t.Any]]:
    """What the users lack: to linger, units to enable, and units to start."""
    installed = _engine(facts, "podman")["installed"]
    for name in rootless:
        user = facts["users"].get(name) or {}
        if not user.get("exists"):
            continue  # not known yet, or a problem
        enabled = {"podman.socket": "socket_enabled", "podman-restart.service": "restart_unit_enabled"}
        todo = {
            "linger": not user["linger"],
            "enable": [unit for unit, fact in enabled.items() if installed and not user[fact]],
            "start": ["podman.socket"] if installed and not user["running"] else [],
        }
        if any(todo.values()):
            yield {"name": name, "uid": user["uid"], **todo}


def _wants_root_disk(held: Json) -> bool:
    """Whether its instances would get no disk. Somebody who has made pools of other names has a way of their own."""
    return not held["default_root"] and set(held["storage_pools"]) <= {"default"}


def _forward(facts: Json, engines: t.Collection[str], network: str) -> dict[str, t.Any]:
    """What lets others' traffic pass beside Docker, in force and in Docker's unit."""
    rules = _forward_rules(facts, [BRIDGES[e] for e in _forwarding(facts, engines, network)])
    text = _drop_in(rules)
    return {
        "drop_in": "" if not rules or _same(facts, DOCKER_DROP_IN, text) else text,
        "forward": [rule for rule in rules if not _in_force(rule, facts["forward_rules"])],
    }


def _forwarding(facts: Json, engines: t.Collection[str], network: str) -> list[str]:
    """Engines beside Docker whose traffic is forwarded. The network tells of services that this run is not about."""
    return [e for e in BRIDGES if e in engines or _network(e, network) in _engine(facts, e)["networks"]]


def _forward_rules(facts: Json, bridges: t.Sequence[str]) -> list[list[str]]:
    """What lets the bridges' traffic pass Docker's FORWARD policy of DROP (DESIGN.md, fact 11)."""
    docker, chains = _engine(facts, "docker"), facts["forward_rules"]
    if not docker["running"] or not bridges:
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
        *([chain, "-i", bridge, *mark] for bridge in bridges),
    ]


def _in_force(rule: t.Sequence[str], lines: t.Sequence[str]) -> bool:
    """lines: as `ip6tables -S` prints them, which may quote the comment."""
    return f"-A {' '.join(rule)}" in (line.replace('"', "") for line in lines)


def _drop_in(rules: t.Sequence[t.Sequence[str]]) -> str:
    """Docker makes its chains anew at every start: put the rules in again each time."""
    lines = [HEADER + "# What runs beside Docker answers although Docker's FORWARD policy is DROP.\n[Service]\n"]
    lines += [
        f"ExecStartPost=-/usr/sbin/ip6tables -w {verb} {' '.join(rule)}\n" for rule in rules for verb in ("-D", "-I")
    ]
    return "".join(lines)


def _watchers(facts: Json, engines: t.Collection[str], network: str) -> dict[str, str]:
    """By engine, what is not there or does not run."""
    units = {engine: watcher(engine) for engine in _forwarding(facts, engines, network)}
    return {
        engine: text
        for engine, text in units.items()
        if not (facts["watchers"].get(engine) and _same(facts, WATCHER.format(engine), text))
    }


def _network_problems(facts: Json, engines: t.Collection[str], network: str) -> t.Iterator[str]:
    """What the role can't mend by itself."""
    for engine in sorted(engines):
        name = _network(engine, network)
        held = _engine(facts, engine)["networks"].get(name)
        if held is not None and not held.get("ipv6"):
            mend = "Remove it." if engine in INSTANCES else "Remove it, or name another in ipv6_services_network."
            yield f"{engine} has a network {name} without IPv6, where services would see no client's address or hang. {mend}"


def _user_problems(facts: Json, rootless: t.Iterable[str]) -> t.Iterator[str]:
    for name in rootless:
        user = facts["users"].get(name)
        if user is None:
            continue
        if not user["exists"]:
            yield f"There is no user {name}, who is to run services with Podman. Create the user, or name another in podman_user."
            continue
        files = [f"/etc/{kind}" for kind in ("subuid", "subgid") if not user[kind]]
        if files:
            options = " ".join(f"--add-{path[5:]}s FIRST-LAST" for path in files)
            yield (
                f"{name} has no range of ids in {' and '.join(files)}, without which Podman runs nothing for {name}. Give"
                f" one of 65536 ids that nobody else has: usermod {options} {name}."
            )
