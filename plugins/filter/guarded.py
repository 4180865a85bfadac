# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: guarded
short_description: The services of a host that its guard is for
version_added: 0.1.0
author:
  - ipv6.services maintainers (!UNKNOWN)
description:
  - Joins C(ipv6_services) of a host with its part of the plan of M(ipv6.services.plan), for
    O(ipv6.services.guard#module:services).
  - Leaves out what is absent, and instances with a NIC of their own, whose packets are not the host's.
positional: _input, planned, gone
options:
  _input:
    description: The services as the inventory lists them.
    type: list
    elements: dict
    required: true
  planned:
    description: The services of the host in the plan.
    type: list
    elements: dict
    required: true
  gone:
    description: Addresses that have no service any more. Those that have one again are left out.
    type: list
    elements: str
    default: []
seealso:
  - module: ipv6.services.plan
  - module: ipv6.services.guard
"""

EXAMPLES = r"""
- name: Only what is published answers
  ipv6.services.guard:
    services: "{{ ipv6_services | ipv6.services.guarded(fleet.hosts[inventory_hostname].services) }}"
  become: true
"""

RETURN = r"""
_value:
  description:
    - The C(name), C(address), C(ports) and C(allow) of each, in the order of the plan, and then the addresses that are gone.
  type: list
  elements: dict
  sample:
    - {name: web1, address: "2001:db8::201", ports: [443, 22], allow: {22: ["2001:db8:a::/48"]}}
    - {address: "2001:db8::202", state: absent}
"""

import typing as t

from ansible_collections.ipv6.services.plugins.plugin_utils import _guarded
from ansible_collections.ipv6.services.plugins.plugin_utils._filter import joined


def guarded(services: t.Any, planned: t.Any, gone: t.Any = ()) -> list[dict[str, t.Any]]:
    return joined("guarded", _guarded.guarded, services, planned, gone)


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"guarded": guarded}
