# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: whose
short_description: Say of each MAC address in a text which host has it
version_added: 0.1.0
author:
  - ipv6.services maintainers (!UNKNOWN)
description:
  - M(ipv6.services.address) tells the MAC address of another host that has a service address already. This puts the host's
    name behind it, where it is one of the inventory.
positional: _input, macs
options:
  _input:
    description: The text.
    type: str
    required: true
  macs:
    description: MAC addresses, each with the name of its host, as M(ipv6.services.plan) returns them.
    type: dict
    required: true
seealso:
  - module: ipv6.services.plan
"""

EXAMPLES = r"""
- name: What went wrong is told
  ansible.builtin.fail:
    msg: "{{ done.msg | ipv6.services.whose(fleet.macs) }}"
"""

RETURN = r"""
_value:
  description: The text, with a host's name behind each MAC address that is known.
  type: str
  sample: "2001:db8::201 was taken off eth0 again: 02:00:00:00:00:02 (h2) already answers for it."
"""

import re
import typing as t

MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)


def whose(text: str, macs: t.Mapping[str, str]) -> str:
    known = {mac.lower(): host for mac, host in macs.items()}

    def name(match: re.Match[str]) -> str:
        host = known.get(match.group().lower())
        return f"{match.group()} ({host})" if host else match.group()

    return MAC.sub(name, text)


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"whose": whose}
