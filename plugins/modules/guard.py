#!/usr/bin/python
# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: guard
short_description: Only published ports answer on the service addresses of a host
version_added: "0.1.0"
description:
  - A program that listens on the wildcard address, as sshd does, answers on every service address too. This module has
    nftables let only what is published through to the service addresses, whoever answers in the end - a proxy of the engine,
    its DNAT, or a program of the host.
  - All of a host in one call. There is one table, C(inet ipv6_services), which is replaced in one transaction, so that no packet
    ever finds half of it. Packets to other addresses, and other tables, are not touched.
  - A host address is never guarded, so nobody is locked out. An address that the host has, and that is not written down as a
    service address by M(ipv6.services.address), is refused; so is the address that this very connection came in by.
  - ICMPv6 that IPv6 needs always passes, as do the answers to connections that the host or its containers have made.
  - The guard is in force before the first address at each boot, comes back when C(nftables.service) is started, restarted,
    reloaded or stopped, and when another program flushes the firewall - a small unit of systemd (C(ipv6-services-guard-watch))
    hears of that from the kernel.
author:
  - ipv6.services maintainers (!UNKNOWN)
extends_documentation_fragment:
  - ipv6.services.attributes
  - ipv6.services.attributes.host
  - ipv6.services.attributes.actiongroup_services
attributes:
  check_mode:
    support: full
    details:
      - Has C(nft) check what it would load.
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - nftables 1.0 or later, and a kernel of 5.10 or later
options:
  services:
    description: The services of the host whose addresses are guarded.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The service's name, for the result.
        type: str
      address:
        description: The service address.
        type: raw
        required: true
      ports:
        description:
          - What is published there, as O(ipv6.services.container#module:containers[].ports) has it. What it leads to in the
            container is not looked at.
        type: list
        elements: raw
        default: []
      allow:
        description:
          - Who may ask the published ports, as a list of IPv6 prefixes and addresses. Without it everybody may.
          - Or a dictionary of ports, as C(9000), V(9000/udp) or V(9000-9010), with such a list for each. Everybody may ask the
            ports that are not in it. Ports are those of the clients.
          - The host itself may always ask. A container of the host counts with the address that it has in its engine's network.
        type: raw
      state:
        description: With V(absent) the address is not guarded any more, also without O(purge).
        type: str
        choices: [present, absent]
        default: present
  routed_prefixes:
    description: Prefixes that a router routes to this host, of which every address is guarded.
    type: list
    elements: raw
    default: []
  echo:
    description: Whether service addresses answer to ping.
    type: bool
    default: true
  refuse:
    description:
      - What becomes of the rest. With V(drop) the client waits in vain; with V(reject) it hears at once, by a TCP reset or an
        ICMPv6 error, that there is nothing.
    type: str
    choices: [drop, reject]
    default: drop
  rate:
    description:
      - How many new connections a client may make to the services of the host, as V(50/second) or V(600/minute), and twice as
        many at once. Those beyond are dropped. Without it there is no limit.
      - A client is a /64, since it may change its address in that at will.
    type: str
  counters:
    description: Whether packets that were refused, and new connections to each port, are counted.
    type: bool
    default: true
  purge:
    description:
      - Whether what is not listed is not guarded any more. Else it stays as it is, for as long as it is a service address.
      - Nothing goes when an item is wrong, since it may be the one that was meant.
    type: bool
    default: true
  persistent:
    description: Whether the guard is in force after a reboot, and comes back when somebody flushes the firewall.
    type: bool
    default: true
  strict:
    description: Whether one wrong item stops the whole call before anything is touched. Else the others are done.
    type: bool
    default: false
  state:
    description: With V(absent) the table goes, with its file and units.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Works beside firewalld, ufw and rules of your own. What the guard lets through still has to pass those.
  - An instance with a NIC of its own on the LAN is not guarded, since its packets are not the host's.
seealso:
  - module: ipv6.services.address
  - module: ipv6.services.container
"""

EXAMPLES = r"""
- name: Only these ports answer
  ipv6.services.guard:
    services:
      - name: web1
        address: 2001:db8::201
        ports: [80, "443:8443"]
      - name: git
        address: 2001:db8::202
        ports: [443, 22]
        allow: {22: ["2001:db8:a::/48"]}
  become: true

- name: Every address of a routed prefix is guarded, and who is refused hears it
  ipv6.services.guard:
    services:
      - address: 2001:db8:99:1::1
        ports: [443]
    routed_prefixes: ["2001:db8:99:1::/64"]
    refuse: reject
    rate: 50/second
  become: true

- name: There is no guard
  ipv6.services.guard:
    state: absent
  become: true
"""

RETURN = r"""
services:
  description: What was done to each service, in the order of O(services).
  returned: always, unless the arguments or the host could not be read
  type: list
  elements: dict
  contains:
    name:
      description: Its name, where it was given one.
      type: str
      sample: web1
    address:
      description: Its address, as it was written when it is none.
      type: str
      sample: 2001:db8::201
    action:
      description:
        - V(added), V(changed) when other ports or sources were let through, V(kept), V(removed), V(absent) when it was to be
          removed and was not there, V(failed), or V(none) when O(strict) stopped the call because of another item.
      type: str
      sample: added
    connections:
      description: Packets that have opened a connection to one of its ports. They count from 0 again when the table was gone.
      returned: with O(counters), for a service without O(services[].allow)
      type: int
      sample: 12
    error:
      description: What is wrong and how to mend it.
      returned: when RV(services[].action=failed)
      type: str
routed_prefixes:
  description: The same for each routed prefix, with C(prefix) in place of C(address).
  returned: always, unless the arguments or the host could not be read
  type: list
  elements: dict
  sample: [{"prefix": "2001:db8:99:1::/64", "action": "kept"}]
restored:
  description: Whether somebody had flushed or changed the table since the last call. Then there is a warning, too.
  returned: success
  type: bool
  sample: false
refused:
  description: Packets that were refused.
  returned: with O(counters)
  type: int
  sample: 4711
wildcards:
  description:
    - What listens on the wildcard address of the host, and so would answer on every service address but for the guard.
    - C(published_on) has the service addresses that publish its port, where the engine's rules, or this program, answer.
  returned: success
  type: list
  elements: dict
  sample:
    - {protocol: tcp, port: 22, program: sshd, published_on: []}
"""

import contextlib
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ipv6.services.plugins.module_utils import _duplicate_watch, _guard_files, _guard_messages
from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.module_utils._command import CommandError
from ansible_collections.ipv6.services.plugins.module_utils._guard_call import Call, read_call
from ansible_collections.ipv6.services.plugins.module_utils._guard_report import report
from ansible_collections.ipv6.services.plugins.module_utils._guard_request import parse_request
from ansible_collections.ipv6.services.plugins.module_utils._nft import Nft, nft_path

ARGUMENTS: dict[str, t.Any] = {
    "services": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str"},
            "address": {"type": "raw", "required": True},
            "ports": {"type": "list", "elements": "raw", "default": []},
            "allow": {"type": "raw"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
    },
    "routed_prefixes": {"type": "list", "elements": "raw", "default": []},
    "echo": {"type": "bool", "default": True},
    "refuse": {"type": "str", "choices": ["drop", "reject"], "default": "drop"},
    "rate": {"type": "str"},
    "counters": {"type": "bool", "default": True},
    "purge": {"type": "bool", "default": True},
    "persistent": {"type": "bool", "default": True},
    "strict": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def apply(call: Call, nft: Nft, keeper: _guard_files.Keeper) -> None:
    """Raises CommandError and OSError. The table comes before the files, since nft is what refuses."""
    going = {path: text for path, text in call.stale.items() if text is None}
    coming = {path: text for path, text in call.stale.items() if text is not None}
    if going:
        keeper.disarm(going)
    if call.text is None:
        if call.table is not None:
            nft.delete()
    elif call.differs:
        nft.load(call.text)
    if coming:
        keeper.arm(coming)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.run_command_environ_update = {"LC_ALL": "C"}
    path = nft_path()
    nft = Nft(module.run_command, path) if path else None
    try:
        request = parse_request(module.params)  # 1. validate
        if os.geteuid() != 0:
            module.fail_json(msg=_guard_messages.not_root())
        with contextlib.nullcontext() if module.check_mode else _duplicate_watch.alone():
            call = read_call(request, nft, path or "/usr/sbin/nft")  # 2. read, 3. plan
            stopped = bool(call.plan.errors and module.params["strict"])
            if nft is None and not stopped and call.changed:
                if not module.check_mode:
                    module.fail_json(msg=_guard_messages.no_nft())
                module.warn(_guard_messages.no_nft())
            elif nft and module.check_mode and call.text is not None and call.differs and not stopped:
                nft.check(call.text)
            elif nft and not module.check_mode and not stopped:
                apply(call, nft, _guard_files.Keeper(module.run_command))  # 4. apply
        result = report(request, call, stopped, module._diff)  # 5. what was done to each
    except (RequestError, CommandError, OSError) as exc:
        module.fail_json(msg=str(exc))
    if result["restored"]:
        module.warn(_guard_messages.restored())
    if call.plan.errors:
        total = len(request.services) + len(request.routed_prefixes.items)
        module.fail_json(msg=_guard_messages.sentence(call.plan.errors, total), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
