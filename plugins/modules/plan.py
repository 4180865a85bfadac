#!/usr/bin/python
# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Decide the address of every service of the fleet, and refuse what can't be
version_added: 0.1.0
author:
  - ipv6.services maintainers (!UNKNOWN)
description:
  - Reads C(ipv6_services) of all hosts of the inventory, decides the address of each service, and gives every host its part.
  - A service runs as a container on C(docker) or C(podman), or as an instance on C(incus) or C(lxd), and its entry has the
    options of M(ipv6.services.container) or of M(ipv6.services.instance).
  - A service has the C(address) of its entry. Else, where the host has C(ipv6_services_prefix), it has the address in that
    prefix that P(ipv6.services.allocate#filter) gives its full name, with all addresses of the inventory left out. Else it
    has the address of its AAAA record. All names of the fleet are looked up at once.
  - Fails before anything is touched, with all problems of all hosts, when an entry is wrong in itself, or wrong with the
    others. Two services must not have one name or one address, wherever they are; none has the address of a
    host; a port is published once on an address; a name has exactly one AAAA record; an address lies in a prefix that
    the host has, or that is routed to it; and the host has IPv6, a default route and the users who run Podman without root.
  - A service with C(state=absent) clashes with none, and neither do addresses that the collection gave to a host before.
  - A service moves when its entry goes from one host's list to another's, or when its C(engine) changes. What is found on
    another host than the one that lists it, or as a container where an instance is listed, is in the plan as C(moved), with the
    addresses that go with it. That needs the facts of both hosts, so nothing leaves a host for one that was not reached.
  - Warns where a host of the play was not reached, with C(--limit) or since it is down, and a service is new on another host.
    Should it still run on the first, its address is a duplicate.
  - It changes nothing. It runs on the controller, for all hosts at once, so set C(run_once) on its task.
  - The whole inventory is read, also with C(--limit) and C(serial), so that allocated addresses and clashes are the same.
    What the host itself must tell, its prefixes and host addresses, is checked for hosts with the result of
    M(ipv6.services.host_info) in C(ipv6_services_host).
  - Values of C(env), C(secret_env), C(labels), C(log_options), C(config) and C(user_data) that are templates or encrypted are not
    resolved, unless the entry or the whole list is a template itself. No value of these options is in the result.
extends_documentation_fragment:
  - ipv6.services.attributes
  - ipv6.services.attributes.info_module
  - ipv6.services.attributes.actiongroup_services
  - ipv6.services.attributes.controller
options:
  hosts:
    description:
      - Names of the hosts to plan. By default all hosts of the inventory.
      - With fewer hosts the clashes with all others go unseen.
    type: list
    elements: str
  servers:
    description:
      - The name servers, in the order in which they are asked, each V(ADDRESS), V([IPV6_ADDRESS]:PORT) or
        V(IPV4_ADDRESS:PORT).
      - By default those of the controller, from C(/etc/resolv.conf).
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds for one name, with all its name servers, repetitions and aliases.
    type: float
    default: 5
  concurrency:
    description: How many names are asked for at a time.
    type: int
    default: 100
requirements:
  - dnspython 2.1 or later on the controller, or in the execution environment of AWX; only where addresses come from DNS
seealso:
  - module: ipv6.services.address
  - module: ipv6.services.container
  - module: ipv6.services.instance
  - module: ipv6.services.host_info
  - plugin: ipv6.services.aaaa
    plugin_type: lookup
  - plugin: ipv6.services.allocate
    plugin_type: filter
  - plugin: ipv6.services.containers
    plugin_type: filter
  - plugin: ipv6.services.instances
    plugin_type: filter
  - plugin: ipv6.services.addressed
    plugin_type: filter
notes:
  - The variables it reads are C(ipv6_services), C(ipv6_services_domain), C(ipv6_services_engine), C(ipv6_services_interface),
    C(ipv6_services_podman_user), C(ipv6_services_prefix), C(ipv6_services_prefix_exclude), C(ipv6_services_routed_prefixes)
    and C(ipv6_services_host). Variables of the play, its roles and the task hold for the hosts of the play only.
"""

EXAMPLES = r"""
- name: What the hosts have is known
  ipv6.services.host_info:
  become: true
  register: ipv6_services_host

- name: Every service of the fleet has its address
  ipv6.services.plan:
  run_once: true
  register: fleet

- name: The addresses of this host's services
  ansible.builtin.debug:
    msg: "{{ fleet.hosts[inventory_hostname].services | map(attribute='address') }}"

- name: Names are looked up at a name server of their own
  ipv6.services.plan:
    servers: ["[2001:db8::53]:5353"]
  run_once: true
"""

RETURN = r"""
hosts:
  description: The plan of each host, by the host's name.
  returned: success
  type: dict
  contains:
    interface:
      description: C(ipv6_services_interface), or the interface of the IPv6 default route; null where neither is known.
      type: str
    routed_prefixes:
      description: C(ipv6_services_routed_prefixes), each in its shortest form.
      type: list
      elements: str
    services:
      description: The services in the order of C(ipv6_services).
      type: list
      elements: dict
      contains:
        name:
          description: The name as written.
          type: str
        fqdn:
          description: The full name, in lower case.
          type: str
        address:
          description:
            - The service address; null for a service that is absent and whose address is not known, and for one that takes it
              from the router. P(ipv6.services.addressed#filter) puts in what it took.
          type: str
        source:
          description: What decided it, V(address) (of the entry), V(allocated), V(dns), V(router) or V(none).
          type: str
        on_link:
          description:
            - Whether the address goes on an interface of the host. One in a routed prefix, or on an instance's own NIC, does not.
          type: bool
        engine:
          description: The engine.
          type: str
        podman_user:
          description: Who runs it with Podman without root; null for root's engines.
          type: str
        addressing:
          description: V(publish) or V(own) of an instance; null for a container.
          type: str
        project:
          description: The engine's project of an instance; null for a container.
          type: str
        host_reaches:
          description: Whether the host itself reaches it, as it does not an instance on a macvlan of its own.
          type: bool
        state:
          description: The state that is wanted.
          type: str
        ports:
          description:
            - What it publishes, sorted, each with C(address), C(port), C(container_port), C(protocol), and C(range), whether
              the port is one of a range in the inventory.
          type: list
          elements: dict
        urls:
          description: The URLs of ports 80 and 443, which tell their protocol.
          type: list
          elements: str
    moved:
      description:
        - What was found on the host, and is listed on another one or for the other kind of engine. Each has C(name), C(fqdn),
          C(address), C(engine), C(podman_user) and C(project) as it was found, C(state) V(absent), and C(to), the host that
          lists it; null where it is listed as absent.
        - P(ipv6.services.containers#filter) and P(ipv6.services.instances#filter) make of them what the modules remove.
      type: list
      elements: dict
    moved_addresses:
      description: Service addresses that leave the host's interfaces with them, or that the plan gives elsewhere.
      type: list
      elements: str
    arriving:
      description: The services that come here, each with C(name), C(fqdn) and C(from), the host that has it.
      type: list
      elements: dict
    unlisted:
      description: What was found on the host, and is not listed anywhere, each with C(name), C(fqdn) and C(address).
      type: list
      elements: dict
    waiting:
      description:
        - What was found on the host, and is listed on another one that has no C(ipv6_services_host), as C(unlisted). It stays
          until it can move.
      type: list
      elements: dict
  sample:
    web-1.example.com:
      interface: eth0
      services:
        - name: web1
          fqdn: web1.example.com
          address: 2001:db8::201
          source: dns
          on_link: true
          engine: docker
          podman_user: null
          addressing: null
          project: null
          host_reaches: true
          state: started
          ports:
            - {address: "2001:db8::201", port: 80, container_port: 80, protocol: tcp, range: false}
          urls: ["http://web1.example.com/"]
      moved:
        - name: web2
          fqdn: web2.example.com
          address: 2001:db8::202
          engine: docker
          podman_user: null
          project: null
          state: absent
          to: web-2.example.com
      moved_addresses: ["2001:db8::202"]
      arriving: []
      unlisted: []
      waiting: []
unchecked:
  description:
    - Hosts with services and without C(ipv6_services_host), so that it is not known whether they have the prefixes of their
      services.
  returned: success
  type: list
  elements: str
  sample: []
unreached:
  description: Hosts of the play without C(ipv6_services_host), as those outside of C(--limit), but for those whose turn comes.
  returned: success
  type: list
  elements: str
  sample: []
macs:
  description: The MAC addresses of the hosts with C(ipv6_services_host), each with the name of its host.
  returned: success
  type: dict
  sample: {"02:00:00:00:00:01": web-1.example.com}
problems:
  description: What is wrong, by host and in the order of the lists; the first 100. C(msg) has a line for each.
  returned: failure
  type: list
  elements: dict
  sample:
    - host: web-1.example.com
      service: web2
      field: address
      value: 2001:db8::201
      problem: 2001:db8::201 is the address of web1 on web-1.example.com, too.
      mend: Give one of them another address, or the state absent where it is to go away.
problem_count:
  description: How many problems there are.
  returned: failure
  type: int
  sample: 1
"""
