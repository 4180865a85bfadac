# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: containers
short_description: The services of a host that are containers, with their planned addresses
version_added: 0.1.0
author:
  - ipv6.services maintainers (!UNKNOWN)
description:
  - Joins C(ipv6_services) of a host with its part of the plan of M(ipv6.services.plan), for
    O(ipv6.services.container#module:containers).
  - Leaves out what is for C(incus) and C(lxd); P(ipv6.services.instances#filter) has those.
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
  - module: ipv6.services.container
  - plugin: ipv6.services.instances
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Every service runs, published on its address
  ipv6.services.container:
    containers: "{{ ipv6_services | ipv6.services.containers(fleet.hosts[inventory_hostname].services) }}"
"""

RETURN = r"""
_value:
  description:
    - The entries, each with the C(address), the C(engine) and the C(podman_user) of the plan, in the order of the plan.
  type: list
  elements: dict
  sample:
    - {name: web1, image: "docker.io/traefik/whoami:v1.11", ports: [80], address: "2001:db8::201", engine: docker}
"""

import typing as t

from ansible_collections.ipv6.services.plugins.plugin_utils import _containers
from ansible_collections.ipv6.services.plugins.plugin_utils._filter import joined


def containers(services: t.Any, planned: t.Any) -> list[dict[str, t.Any]]:
    return joined("containers", _containers.containers, services, planned)


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"containers": containers}
