# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: podman_users
short_description: Who runs containers of a host without root
version_added: 0.1.0
author:
  - ipv6.services maintainers (!UNKNOWN)
description:
  - The users whom the host's C(ipv6_services) and C(ipv6_services_podman_user) name, for
    O(ipv6.services.host_info#module:users).
  - It reads nothing else of the list, and leaves out what can't be read. What is wrong with the list is for
    M(ipv6.services.plan) to say.
options:
  _terms:
    description: There are none.
    type: list
    elements: str
seealso:
  - module: ipv6.services.host_info
"""

EXAMPLES = r"""
- name: The host is known
  ipv6.services.host_info:
    users: "{{ lookup('ipv6.services.podman_users', wantlist=true) }}"
  become: true
"""

RETURN = r"""
_raw:
  description: Names of users, sorted.
  type: list
  elements: str
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ansible_collections.ipv6.services.plugins.plugin_utils._fleet import podman_users


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:  # noqa: ARG002
        self.set_options(var_options=variables, direct=kwargs)
        return podman_users(variables or {}, self._templar)
