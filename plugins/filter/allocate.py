# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: allocate
short_description: The stable address of a name within a prefix
version_added: 0.1.0
author:
  - ipv6.services maintainers (!UNKNOWN)
description:
  - Gives a name an address in a prefix. The address comes from a hash of the name, so it is the same each time, on every
    controller, and nothing has to be stored.
  - Given a list of names, no two of them get the same address, and the order of the list does not matter.
  - Never gives the subnet-router anycast address (all host bits zero), the reserved anycast addresses of RFC 2526 (the last
    128 of the prefix, and their EUI-64 form), the interface identifiers that IANA reserves (RFC 5453), and what O(exclude) lists.
  - A new name changes the address of another one only if both want the same address, and then one of them, always the same,
    gets another. With 1,000 names in the prefix, the probability that a new name changes the address of an old one is
    3 in 10^17 in a /64, and 0.8 % in a /112. The probability that any two of 1,000 names want the same address is 3 in 10^14
    in a /64, and nearly 1 in a /112. So give a /64 where it can be had; in a small prefix write down the addresses of
    services that must never change.
positional: _input, prefix, exclude
options:
  _input:
    description:
      - A name, or a list of names. Case does not matter.
      - The names V(web1) and V(web1.example.com) get different addresses. M(ipv6.services.plan) allocates to full names.
    type: raw
    required: true
  prefix:
    description: The prefix, a V(/120) or shorter. A long or a short one takes the same time.
    type: str
    required: true
  exclude:
    description:
      - What is left out, a list of addresses, ranges V(ADDRESS-ADDRESS) and prefixes.
      - At least one in 256 addresses of O(prefix) must be left.
      - To exclude more changes the addresses of no names but those that were there.
    type: list
    elements: str
    default: []
notes:
  - A single name gets the address that it has when it collides with no other. Give all names of a prefix at once to be sure.
seealso:
  - module: ipv6.services.plan
"""

EXAMPLES = r"""
- name: The address of one name
  ansible.builtin.debug:
    msg: "{{ 'web1.example.com' | ipv6.services.allocate('2001:db8::/64') }}"

- name: The addresses of many names, none of them twice
  ansible.builtin.debug:
    msg: "{{ names | ipv6.services.allocate('2001:db8::/64', exclude=['2001:db8::/116', '2001:db8::5000-2001:db8::5fff']) }}"
  vars:
    names: [web1.example.com, web2.example.com]
"""

RETURN = r"""
_value:
  description:
    - The address of a name.
    - For a list, a dictionary from each name, as it was written, to its address.
  type: raw
  sample:
    web1.example.com: 2001:db8::fdbd:f3bb:2479:1926
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.plugin_utils._allocation import allocate as allocate_names
from ansible_collections.ipv6.services.plugins.plugin_utils._allocation import parse_space
from ansible_collections.ipv6.services.plugins.plugin_utils._names import parse_name


def allocate(value: t.Any, prefix: t.Any, exclude: t.Any = None) -> t.Any:
    alone = isinstance(value, (str, t.Mapping)) or not isinstance(value, t.Iterable)
    try:
        space = parse_space(prefix, exclude)
        names = [(text, parse_name(text)) for text in ([value] if alone else value)]
        addresses = allocate_names((name, space) for _text, name in names)
    except RequestError as exc:
        raise AnsibleFilterError(f"allocate: {exc}") from exc
    results = {str(text): str(addresses[name, space]) for text, name in names}
    return results[value] if alone else results


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"allocate": allocate}
