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
  - Reads what decides whether and how a host can give services their own addresses - links, addresses, prefixes, settings of the
    kernel, and the container engines. Register it as C(ipv6_services_host), which is where M(ipv6.services.plan) looks for it.
  - Changes nothing and starts nothing. One call takes well under a second, however many addresses and containers there are.
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
    net.ipv6.ip_nonlocal_bind: "1"
    net.ipv6.conf.all.forwarding: "0"
    net.ipv6.neigh.default.gc_thresh3: "1024"
    net.ipv6.conf.eth0.accept_ra: "0"
engines:
  description:
    - C(docker) and C(podman) - whether it is installed and answers, its version, its networks and whether each has
      IPv6, and whether it does DNAT for IPv6 (C(ip6tables)).
    - For C(docker) also whether its service is C(enabled), for C(podman) whether C(podman-restart.service) and
      C(podman.socket) are.
  returned: success
  type: dict
  sample:
    docker:
      installed: true
      running: true
      version: 26.1.5+dfsg1
      networks: {bridge: {ipv6: false}}
      ip6tables: false
      socket: /run/docker.sock
      enabled: true
    podman:
      installed: true
      running: true
      version: 5.4.2
      networks: {podman: {ipv6: false}}
      ip6tables: true
      socket: /run/podman/podman.sock
      restart_unit_enabled: true
      socket_enabled: true
sdk:
  description: The docker SDK for Python, and the C(requests) that it uses.
  returned: success
  type: dict
  sample: {installed: true, version: 7.1.0, requests: 2.32.3}
files:
  description: The collection's own files for the kernel and for Docker, by path, with their contents.
  returned: success
  type: dict
  sample:
    /etc/sysctl.d/ipv6-services.conf: |
      net.ipv6.ip_nonlocal_bind = 1
forward_rules:
  description:
    - The rules of ip6tables' chain C(DOCKER-USER), or of C(FORWARD) where there is none, as C(ip6tables -S) prints them.
    - Empty without Docker.
  returned: success
  type: list
  elements: str
  sample: ["-N DOCKER-USER"]
"""

import contextlib
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ipv6.services.plugins.module_utils import (
    _address_marks,
    _host_engines,
    _host_facts,
    _kernel,
)
from ansible_collections.ipv6.services.plugins.module_utils._command import CommandError, Run, output
from ansible_collections.ipv6.services.plugins.module_utils._iproute import Iproute, parse_default_link
from ansible_collections.ipv6.services.plugins.module_utils._link_managers import read_managers
from ansible_collections.ipv6.services.plugins.module_utils._networkd import Networkd

ARGUMENTS = {
    "interface": {"type": "str"},
    "docker_socket": {"type": "path", "default": "/run/docker.sock"},
    "podman_socket": {"type": "path", "default": "/run/podman/podman.sock"},
}
SYSCTLS = (
    ("net", "ipv4", "ip_unprivileged_port_start"),
    ("net", "ipv6", "ip_nonlocal_bind"),
    ("net", "ipv6", "neigh", "default", "gc_thresh3"),
    *(("net", "ipv6", "conf", "all", name) for name in ("disable_ipv6", "forwarding")),
)
# What role host writes; its contents tell whether there is anything to do.
FILES = ("/etc/sysctl.d/ipv6-services.conf", "/etc/systemd/system/docker.service.d/ipv6-services.conf")
LINK_SYSCTLS = ("accept_ra", "accept_dad", "disable_ipv6", "forwarding", "proxy_ndp")


def read_network(run: Run, interface: str | None) -> dict[str, t.Any]:
    iproute = Iproute(run)
    listing = iproute.read("addr", "show")
    routes = iproute.read("-6", "route", "show")
    network_files = Networkd(run).network_files()
    names = [link["ifname"] for link in listing]
    marked = _address_marks.read_all(names, network_files)
    default_link = parse_default_link([route for route in routes if route.get("dst") == "default"])
    return {
        "interface": interface or default_link,
        "default_route": default_link is not None,
        "links": _host_facts.links(listing, network_files, read_managers(names)),
        "macs": _host_facts.macs(listing),
        "host_addresses": _host_facts.host_addresses(
            listing, {(link, item.address) for link, items in marked.items() for item in items}
        ),
        "service_addresses": _host_facts.service_addresses(marked, _kernel.read_held()),
        "prefixes": _host_facts.prefixes(routes, listing),
        "routed_prefixes": sorted({str(item.prefix) for item in _address_marks.read_prefixes()}),
    }


def read_sysctls(interface: str | None) -> dict[str, str | None]:
    names = [*SYSCTLS, *(("net", "ipv6", "conf", interface, name) for name in LINK_SYSCTLS if interface)]
    return {".".join(name): _kernel.read_sysctl(*name) for name in names}


def read_forward_rules(run: Run) -> list[str]:
    """As `ip6tables -S` prints them: of DOCKER-USER, or of FORWARD with a Docker before 23, which makes no such chain."""
    for chain in ("DOCKER-USER", "FORWARD"):
        with contextlib.suppress(CommandError):
            return output(run, ["ip6tables", "-w", "-S", chain]).splitlines()
    return []


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    try:
        facts = read_network(module.run_command, params["interface"])
    except CommandError as exc:
        module.fail_json(msg=str(exc))
    facts["os"] = _host_facts.os_release(_kernel.read("/etc/os-release") or "")
    facts["python"] = f"{sys.version_info.major}.{sys.version_info.minor}"
    facts["sysctls"] = read_sysctls(facts["interface"])
    facts["engines"] = {
        "docker": _host_engines.read_docker(params["docker_socket"]),
        "podman": _host_engines.read_podman(params["podman_socket"]),
    }
    facts["sdk"] = _host_engines.read_sdk()
    facts["files"] = {path: text for path in FILES if (text := _kernel.read(path)) is not None}
    facts["forward_rules"] = read_forward_rules(module.run_command) if facts["engines"]["docker"]["running"] else []
    module.exit_json(changed=False, **facts)


if __name__ == "__main__":
    main()
