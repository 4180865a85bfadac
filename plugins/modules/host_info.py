#!/usr/bin/python
# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: What a host has for IPv6 service addresses
version_added: "0.1.0"
description:
  - Reads what decides whether and how a host can give services their own addresses - links, addresses, prefixes,
    settings of the kernel, and the container engines. Register it as C(ipv6_services_host), which is where
    M(ipv6.services.plan) looks for it.
  - Changes nothing, and starts no daemon that waits for its socket. One call takes well under a second, however many
    addresses and containers there are.
author:
  - ipv6.services maintainers (!UNKNOWN)
extends_documentation_fragment:
  - ipv6.services.attributes
  - ipv6.services.attributes.info_module
  - ipv6.services.attributes.host
  - ipv6.services.attributes.actiongroup_services
options:
  interface:
    description:
      - The interface that is to take the service addresses.
      - Without it, the interface of the IPv6 default route.
    type: str
  docker_socket:
    description: Where Docker listens.
    type: path
    default: /run/docker.sock
  podman_socket:
    description: Where rootful Podman listens.
    type: path
    default: /run/podman/podman.sock
  users:
    description:
      - Users who run containers without root, or are to. Those whose Podman listens are looked at anyway.
    type: list
    elements: str
    default: []
seealso:
  - module: ipv6.services.address
  - module: ansible.builtin.setup
notes:
  - Needs root to see NetworkManager's devices and to ask the engines; without it they are shown as not running.
"""

EXAMPLES = r"""
- name: Look at the host
  ipv6.services.host_info:
  become: true
  register: ipv6_services_host

- name: Show what is wrong with its service addresses
  ansible.builtin.debug:
    msg: "{{ ipv6_services_host.service_addresses | rejectattr('state', 'eq', 'ok') }}"
"""

RETURN = r"""
interface:
  description: The option O(interface), or the interface of the IPv6 default route; null without either.
  returned: success
  type: str
  sample: eth0
default_route:
  description: Whether there is an IPv6 default route.
  returned: success
  type: bool
  sample: true
ipv4_default_route:
  description: Whether there is an IPv4 default route.
  returned: success
  type: bool
  sample: false
links:
  description:
    - Each link by its name, without the ports of bridges and bonds - whether it has carrier, its C(mac), its C(manager)
      (V(networkd), V(networkmanager), V(ifupdown) or V(none)) and the C(network_file) where networkd manages it.
  returned: success
  type: dict
  sample:
    eth0: {carrier: true, mac: "02:00:00:00:00:01", manager: networkd, network_file: /etc/systemd/network/10-eth0.network}
host_addresses:
  description: The global IPv6 addresses that the host has for itself.
  returned: success
  type: list
  elements: dict
  sample:
    - {address: "2001:db8::1:1", length: 64, interface: eth0}
service_addresses:
  description:
    - The service addresses that M(ipv6.services.address) wrote down.
    - C(state) is V(ok), V(tentative), V(duplicate), or V(absent) when it is not on its interface.
  returned: success
  type: list
  elements: dict
  sample:
    - {address: "2001:db8::201", interface: eth0, state: ok}
duplicates:
  description:
    - The service addresses that were taken off the host at a boot or later since another host has them, with the C(mac) of that
      host (null when nobody answered) and the time. They are no longer among RV(service_addresses).
    - One stays here until M(ipv6.services.address) has set it again or is told that it goes.
  returned: success
  type: list
  elements: dict
  sample:
    - {address: "2001:db8::202", interface: eth0, mac: "02:00:00:00:00:02", time: "2026-01-31T12:00:00Z"}
prefixes:
  description: The on-link prefixes.
  returned: success
  type: list
  elements: dict
  sample:
    - {prefix: "2001:db8::/64", interface: eth0}
routed_prefixes:
  description: The routed prefixes that M(ipv6.services.address) wrote down.
  returned: success
  type: list
  elements: str
  sample: ["2001:db8:99:1::/64"]
macs:
  description: The MAC addresses of the links. An address that another host has is told by that host's MAC address.
  returned: success
  type: list
  elements: str
  sample: ["02:00:00:00:00:01"]
os:
  description: The distribution, from C(/etc/os-release).
  returned: success
  type: dict
  sample: {id: debian, id_like: [], version_id: "13", codename: trixie}
python:
  description: The version of Python that runs the modules.
  returned: success
  type: str
  sample: "3.13"
sysctls:
  description: Settings of the kernel that decide over service addresses. One that the kernel hasn't got is null.
  returned: success
  type: dict
  sample:
    net.ipv4.ip_unprivileged_port_start: "1024"
    net.ipv6.ip_nonlocal_bind: "1"
    net.ipv6.conf.all.forwarding: "0"
    net.ipv6.neigh.default.gc_thresh3: "1024"
    net.ipv6.conf.eth0.accept_ra: "0"
engines:
  description:
    - C(docker), C(podman), C(incus) and C(lxd) - whether it is installed and answers, its version, and its networks and
      whether each has IPv6. One that waits for its socket is not running; Podman, which has no daemon, runs when its
      socket listens.
    - For C(docker) and C(podman) whether it does DNAT for IPv6 (C(ip6tables)), and whether its own C(rules) are in
      force, null where it publishes none of our services.
    - For C(docker) also whether its service is C(enabled), and its C(firewall_backend), V(iptables) or V(nftables).
    - For C(podman) whether C(podman-restart.service) and C(podman.socket) are enabled, whether there is a unit that
      lets a user's units wait for the network (C(user_wait_unit)), and C(uidmap). Its C(rootless_network) is what
      publishes ports without root, V(pasta) or V(slirp4netns), or null where that is not installed. These are of the
      host, not of a user.
    - For C(incus) and C(lxd) whether it is C(enabled), its C(storage_pools), and whether its profile C(default) has a root disk
      (C(default_root)). They are empty while it does not run.
  returned: success
  type: dict
  sample:
    docker:
      installed: true
      running: true
      version: 26.1.5+dfsg1
      networks: {bridge: {ipv6: false}}
      ip6tables: true
      firewall_backend: iptables
      rules: true
      socket: /run/docker.sock
      enabled: true
    podman:
      installed: true
      running: true
      version: 5.4.2
      networks: {podman: {ipv6: false}}
      ip6tables: true
      rules: null
      socket: /run/podman/podman.sock
      restart_unit_enabled: true
      socket_enabled: true
      user_wait_unit: true
      rootless_network: pasta
      uidmap: true
    incus:
      installed: true
      running: true
      version: 6.0.4
      networks: {ipv6-incus: {ipv6: true}}
      storage_pools: [default]
      default_root: true
      socket: /var/lib/incus/unix.socket
      enabled: true
    lxd:
      installed: false
      running: false
      version: null
      networks: {}
      storage_pools: []
      default_root: false
      socket: /var/lib/lxd/unix.socket
      enabled: false
users:
  description:
    - By name, those of O(users) and everyone whose Podman listens - whether the user C(exists), has ranges in C(subuid)
      and C(subgid), has units that run without a login (C(linger)), and where the user's Podman has its C(socket) and
      whether it listens (C(running)).
    - C(socket_enabled) and C(restart_unit_enabled) are of the user's units C(podman.socket) and C(podman-restart.service).
  returned: success
  type: dict
  sample:
    app:
      exists: true
      uid: 1000
      gid: 1000
      home: /home/app
      subuid: true
      subgid: true
      linger: true
      socket: /run/user/1000/podman/podman.sock
      running: true
      socket_enabled: true
      restart_unit_enabled: true
services:
  description:
    - The containers and instances of this collection on every engine that runs, by name.
    - C(podman_user) is null unless Podman is rootless, C(project) unless it is an instance.
    - C(state) is the engine's own word, in lower case.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: web1, engine: podman, podman_user: app, project: null, address: "2001:db8::201", state: running}
sdk:
  description: The docker SDK for Python, and the C(requests) that it uses.
  returned: success
  type: dict
  sample: {installed: true, version: 7.1.0, requests: 2.32.3}
nft:
  description: Whether the program C(nft) is there, which M(ipv6.services.guard) needs.
  returned: success
  type: bool
  sample: true
files:
  description: The collection's own files for the kernel, for engines and for systemd, by path, with their contents.
  returned: success
  type: dict
  sample:
    /etc/sysctl.d/ipv6-services.conf: |
      net.ipv6.ip_nonlocal_bind = 1
watchers:
  description: By engine, whether the unit that puts its rules back is enabled and runs.
  returned: success
  type: dict
  sample: {podman: true, incus: false, lxd: false}
forward_rules:
  description:
    - The rules of ip6tables' chain C(DOCKER-USER), or of C(FORWARD) where there is none, as C(ip6tables -S) prints them.
    - Empty without Docker.
  returned: success
  type: list
  elements: str
  sample: ["-N DOCKER-USER"]
"""

import functools
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ipv6.services.plugins.module_utils import (
    _address_marks,
    _duplicate_watch,
    _host_engines,
    _host_facts,
    _host_instances,
    _host_rules,
    _host_services,
    _host_units,
    _host_users,
    _kernel,
)
from ansible_collections.ipv6.services.plugins.module_utils._calls import Calls
from ansible_collections.ipv6.services.plugins.module_utils._command import CommandError, Run
from ansible_collections.ipv6.services.plugins.module_utils._host_engines import Reading
from ansible_collections.ipv6.services.plugins.module_utils._iproute import Iproute, parse_default_link
from ansible_collections.ipv6.services.plugins.module_utils._link_managers import read_managers
from ansible_collections.ipv6.services.plugins.module_utils._networkd import Networkd

ARGUMENTS = {
    "interface": {"type": "str"},
    "docker_socket": {"type": "path", "default": "/run/docker.sock"},
    "podman_socket": {"type": "path", "default": "/run/podman/podman.sock"},
    "users": {"type": "list", "elements": "str", "default": []},
}
SYSCTLS = (
    ("net", "ipv4", "ip_unprivileged_port_start"),
    ("net", "ipv6", "ip_nonlocal_bind"),
    ("net", "ipv6", "neigh", "default", "gc_thresh3"),
    *(("net", "ipv6", "conf", "all", name) for name in ("disable_ipv6", "forwarding")),
)
# What role host writes; its contents tell whether there is anything to do.
WATCHERS = {engine: f"ipv6-services-rules-{engine}.service" for engine in ("podman", "incus", "lxd")}
FILES = (
    "/etc/sysctl.d/ipv6-services.conf",
    *(
        f"/etc/systemd/system/{unit}.service.d/ipv6-services.conf"
        for unit in ("docker", "podman-restart", "incus", "lxd")
    ),
    "/etc/systemd/system/docker.service.d/ipv6-services-retry.conf",
    "/etc/systemd/system/ipv6-services-retry.service",
    "/etc/systemd/system/user@.service.d/ipv6-services.conf",
    "/etc/systemd/user/podman-restart.service.d/ipv6-services.conf",
    "/etc/tmpfiles.d/ipv6-services.conf",
    *(f"/etc/systemd/system/{unit}" for unit in WATCHERS.values()),
)
LINK_SYSCTLS = ("accept_ra", "accept_dad", "disable_ipv6", "forwarding", "proxy_ndp")


def read_network(run: Run, interface: str | None) -> dict[str, t.Any]:
    iproute = Iproute(run)
    listing = iproute.read("addr", "show")
    routes = iproute.read("-6", "route", "show")
    network_files = Networkd(run).network_files()
    names = [link["ifname"] for link in listing]
    marked = _address_marks.read_all(network_files)
    default_link = parse_default_link([route for route in routes if route.get("dst") == "default"])
    return {
        "interface": interface or default_link,
        "default_route": default_link is not None,
        "ipv4_default_route": _host_facts.has_ipv4_default(_kernel.read("/proc/net/route") or ""),
        "links": _host_facts.links(listing, network_files, read_managers(names)),
        "macs": _host_facts.macs(listing),
        "host_addresses": _host_facts.host_addresses(
            listing, {(link, item.address) for link, items in marked.items() for item in items}
        ),
        "service_addresses": _host_facts.service_addresses(marked, _kernel.read_held()),
        "duplicates": _duplicate_watch.parse_notes(_kernel.read(_duplicate_watch.NOTES) or ""),
        "prefixes": _host_facts.prefixes(routes, listing),
        "routed_prefixes": sorted({str(item.prefix) for item in _address_marks.read_prefixes()}),
    }


def read_sysctls(interface: str | None) -> dict[str, str | None]:
    names = [*SYSCTLS, *(("net", "ipv6", "conf", interface, name) for name in LINK_SYSCTLS if interface)]
    return {".".join(name): _kernel.read_sysctl(*name) for name in names}


def ask_engines(params: t.Mapping[str, t.Any], users: t.Mapping[str, t.Mapping[str, t.Any]]) -> Calls[Reading]:
    """By engine, and by user where Podman is rootless. What is waited for is them, so all at the same time."""
    calls: dict[str, t.Callable[[], Reading]] = {
        "docker": lambda: _host_engines.read_docker(params["docker_socket"]),
        "podman": lambda: _host_engines.read_podman(params["podman_socket"]),
        "incus": lambda: Reading(*_host_instances.read("incus")),
        "lxd": lambda: Reading(*_host_instances.read("lxd")),
    }
    for name, user in users.items():
        if user["running"]:
            calls[f"podman:{name}"] = functools.partial(_host_engines.read_rootless, name, user)
    return Calls(calls)


def describe_engines(run: Run, readings: t.Mapping[str, Reading]) -> dict[str, t.Any]:
    """The facts of the engines, and what is only known from several of them."""
    docker, podman = readings["docker"], readings["podman"]
    _host_engines.add_podman_version(podman.facts, run)
    forward_rules = _host_rules.read_rules(run, docker, podman)
    return {
        "engines": {name: readings[name].facts for name in ("docker", "podman", "incus", "lxd")},
        "services": _host_services.in_order([s for reading in readings.values() for s in reading.services]),
        "forward_rules": forward_rules,
    }


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params, run = module.params, module.run_command
    users = _host_users.read_users(params["users"])
    calls = ask_engines(params, users)
    try:
        facts = read_network(run, params["interface"])
    except CommandError as exc:
        module.fail_json(msg=str(exc))
    facts["os"] = _host_facts.os_release(_kernel.read("/etc/os-release") or "")
    facts["python"] = f"{sys.version_info.major}.{sys.version_info.minor}"
    facts["sysctls"] = read_sysctls(facts["interface"])
    facts["users"] = users
    facts["sdk"] = _host_engines.read_sdk()
    facts["nft"] = _host_units.installed("nft")
    facts["files"] = {path: text for path in FILES if (text := _kernel.read(path)) is not None}
    facts["watchers"] = {
        engine: _host_units.enabled(unit) and _host_units.running(unit) for engine, unit in WATCHERS.items()
    }
    facts.update(describe_engines(run, calls.results()))
    module.exit_json(changed=False, **facts)


if __name__ == "__main__":
    main()
