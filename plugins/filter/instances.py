# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: instances
short_description: The services of a host that are instances, with their planned addresses
version_added: 0.1.0
author:
  - ipv6.services maintainers (!UNKNOWN)
description:
  - Joins C(ipv6_services) of a host with its part of the plan of M(ipv6.services.plan), for
    O(ipv6.services.instance#module:instances).
  - Leaves out what is for C(docker) and C(podman); P(ipv6.services.containers#filter) has those.
positional: _input, planned
options:
  _input:
    description: The services as the inventory lists them.
    type: list
    elements: dict
    required: true
  planned:
    description:
      - The services of the host in the plan, or some of them. Entries whose name is not among them are left out.
      - Those that it has as C(moved) are absent here, whatever the list has.
    type: list
    elements: dict
    required: true
seealso:
  - module: ipv6.services.plan
  - module: ipv6.services.instance
  - plugin: ipv6.services.containers
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Every instance runs, and has its address
  ipv6.services.instance:
    instances: "{{ ipv6_services | ipv6.services.instances(fleet.hosts[inventory_hostname].services) }}"
"""

RETURN = r"""
_value:
  description:
    - The entries, each with the C(address), the C(engine) and the C(project) of the plan, in the order of the plan.
    - The C(address) is V(auto) where the router's advertisement makes it.
  type: list
  elements: dict
  sample:
    - {name: web4, image: debian/13, ports: [80], address: "2001:db8::204", engine: incus, project: default}
"""

import typing as t

from ansible_collections.ipv6.services.plugins.plugin_utils import _containers
from ansible_collections.ipv6.services.plugins.plugin_utils._filter import joined


def instances(services: t.Any, planned: t.Any) -> list[dict[str, t.Any]]:
    return joined("instances", _containers.instances, services, planned)


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"instances": instances}
