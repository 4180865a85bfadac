# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: addressed
short_description: Planned services with the addresses that their instances have
version_added: 0.1.0
author:
  - ipv6.services maintainers (!UNKNOWN)
description:
  - An instance with C(address=auto) takes its address from the router's advertisement, so M(ipv6.services.plan) does not know
    it. M(ipv6.services.instance) returns it, and this puts it into the services of the plan and into their ports.
positional: _input, made
options:
  _input:
    description: Services of one host in the plan.
    type: list
    elements: dict
    required: true
  made:
    description: The C(instances) that M(ipv6.services.instance) returned.
    type: list
    elements: dict
    required: true
seealso:
  - module: ipv6.services.plan
  - module: ipv6.services.instance
"""

EXAMPLES = r"""
- name: Every instance answers
  ipv6.services.probe:
    services: "{{ planned | ipv6.services.addressed(done.instances) | ipv6.services.endpoints }}"
"""

RETURN = r"""
_value:
  description: The same services, in the same order.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.ipv6.services.plugins.plugin_utils import _containers
from ansible_collections.ipv6.services.plugins.plugin_utils._filter import joined


def addressed(planned: t.Any, made: t.Any) -> list[dict[str, t.Any]]:
    return joined("addressed", _containers.addressed, planned, made)


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"addressed": addressed}
