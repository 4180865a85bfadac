#!/usr/bin/python
# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: address
short_description: The service addresses of a host
version_added: "0.1.0"
description:
  - Gives a host the IPv6 addresses of its services, many in one call, and takes them away again.
  - Returns when duplicate address detection (DAD) is over for all of them, so that a container can bind to each at once. That
    takes about one second, however many addresses there are, and no time when there is nothing to do.
  - An address that another host has already is taken away again, and the error names that host's MAC address.
  - The addresses are there again after a reboot. They are marked as ours by the file that they are written down in; an address
    without such a mark is one that the host has for itself, and is never changed or removed.
  - Should another host have an address at a boot, or when duplicate address detection is done anew later, as after a cable was
    out, a unit of systemd takes it off the interface and out of the file, so that neither the boot nor the other services wait
    for it. What it did is in the journal (C(journalctl -t ipv6-services)), with the MAC address of the other host, and
    M(ipv6.services.host_info) returns it.
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
      - Only duplicate address detection can tell whether another host has an address; check mode doesn't know that.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  interface:
    description:
      - The interface for the O(addresses).
      - Without it, the interface of the IPv6 default route.
    type: str
  addresses:
    description:
      - Service addresses, as V(2001:db8::201) or with a prefix length, as V(2001:db8::201/64).
      - Without a length, an address is a /128. The host's own address makes the prefix on-link already.
      - With O(state=absent) the length is not looked at.
    type: list
    elements: raw
    default: []
  routed_prefixes:
    description:
      - Prefixes, as V(2001:db8:99:1::/64), that a router routes to this host. Containers can then be published on every address
        of them, with no address on any interface and no duplicate address detection.
      - A prefix gets one local route, and C(net.ipv6.ip_nonlocal_bind) is set to 1. It stays 1 when the last prefix goes, until
        the next boot.
      - They answer no neighbour discovery, so a prefix of the host's own link is of no use here.
    type: list
    elements: raw
    default: []
  state:
    description: Whether O(addresses) and O(routed_prefixes) are to be there.
    type: str
    choices: [present, absent]
    default: present
  exclusive:
    description:
      - Prefixes in which only the listed service addresses stay on the interface, as V(2001:db8::/64) or V(::/0).
      - Removes only service addresses, never one that the host has for itself. Routed prefixes are not looked at.
      - Removes nothing when an item of O(addresses) is wrong, since an address that is there may be the one that was meant.
    type: list
    elements: raw
    default: []
  persistent:
    description: Whether they are there again after a reboot.
    type: bool
    default: true
  backend:
    description:
      - Who sets the O(addresses).
      - V(networkd) is systemd-networkd, by a drop-in for the network file of the interface, also where netplan wrote that file.
        It takes away every address that it did not set itself, so that a call fails which would change something while there is
        such an address on the interface. C(KeepConfiguration=static) in the network file makes it keep them. The systemd of
        Debian 12 doesn't tell who set an address, and there it is not noticed.
      - V(networkmanager) sets them with C(ip), and has NetworkManager's dispatcher set them whenever a connection is activated or
        reapplied, also where netplan wrote the connection. No connection is changed, since NetworkManager keeps no address
        deprecated.
      - V(ifupdown) sets them with C(ip), and has C(ifup) set them by a script in C(/etc/network/if-up.d).
      - V(none) sets them with C(ip), and at boot by a unit of systemd.
      - V(auto) is the one that manages the interface. What other backends have in their files for the interface is moved to it,
        whether O(addresses) lists it or not, so that a host can change its network manager.
      - Routed prefixes are the same for every backend.
    type: str
    choices: [auto, networkd, networkmanager, ifupdown, none]
    default: auto
  deprecated:
    description:
      - Whether the addresses are deprecated (a preferred lifetime of 0), so that the host's own connections go on using its own
        address as their source. Connections to a deprecated address work as to any other.
    type: bool
    default: true
  dad_timeout:
    description:
      - Seconds to wait for duplicate address detection. They count anew with each address that is done.
      - On an interface without carrier it does not wait at all.
    type: float
    default: 5
  strict:
    description: Whether one wrong item stops the whole call before anything is touched. Else the others are done.
    type: bool
    default: false
notes:
  - While it waits, C(router_solicitation_delay) of the interface is 0, which halves the time for duplicate address detection, and
    C(ndisc_notify) is 1, so that the neighbours learn at once of an address that was on another host before. Both are put back.
  - For the backend V(networkd) the network file has to be that of one interface only.
seealso:
  - module: ipv6.services.host_info
  - module: ipv6.services.container
"""

EXAMPLES = r"""
- name: Give the host the addresses of its services
  ipv6.services.address:
    addresses:
      - 2001:db8::201
      - 2001:db8::202
  become: true

- name: Have these service addresses of the prefix and no others
  ipv6.services.address:
    interface: eth0
    addresses:
      - 2001:db8::201
    exclusive:
      - 2001:db8::/64
  become: true

- name: Answer on every address of a prefix that the router sends here
  ipv6.services.address:
    routed_prefixes:
      - 2001:db8:99:1::/64
  become: true

- name: Take a service address away
  ipv6.services.address:
    addresses:
      - 2001:db8::201
    state: absent
  become: true
"""

RETURN = r"""
interface:
  description: The interface; null when the call was about routed prefixes only.
  returned: always, unless the arguments could not be read
  type: str
  sample: eth0
backend:
  description: Who sets the addresses.
  returned: always, unless the arguments could not be read
  type: str
  sample: networkd
addresses:
  description: What was done to each address, in the order of O(addresses), and then those that O(exclusive) removed or that were
    another backend's.
  returned: always, unless the arguments could not be read
  type: list
  elements: dict
  contains:
    address:
      description: The address without its length; as it was written when it is none.
      type: str
      sample: 2001:db8::201
    action:
      description:
        - V(added) when it was not on the interface, V(changed) when it was there with another length, lifetime or backend,
          V(kept), V(removed), V(absent) when it was to be removed and was not there, V(failed), or V(none) when O(strict)
          stopped the call because of another item.
      type: str
      sample: added
    error:
      description: What is wrong and how to mend it.
      returned: when RV(addresses[].action=failed)
      type: str
  sample:
    - {address: "2001:db8::201", action: added}
    - address: 2001:db8::202
      action: failed
      error: >-
        2001:db8::202 was taken off eth0 again: 02:00:00:00:00:02 already answers for it. Give the service another address, or
        take this one off that host.
routed_prefixes:
  description: The same for each routed prefix, with C(prefix) in place of C(address).
  returned: always, unless the arguments could not be read
  type: list
  elements: dict
  sample:
    - {prefix: "2001:db8:99:1::/64", action: kept}
"""

import contextlib
import os
import signal
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ipv6.services.plugins.module_utils import _address_apply, _address_report
from ansible_collections.ipv6.services.plugins.module_utils._address_host import Host, HostError, read_host
from ansible_collections.ipv6.services.plugins.module_utils._address_messages import sentence
from ansible_collections.ipv6.services.plugins.module_utils._address_request import Request, parse_request
from ansible_collections.ipv6.services.plugins.module_utils._address_work import (
    Work,
    check_foreign,
    plan_work,
    stale_units,
    wanted_units,
)
from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.module_utils._command import CommandError
from ansible_collections.ipv6.services.plugins.module_utils._iproute import Iproute
from ansible_collections.ipv6.services.plugins.module_utils._networkd import Networkd
from ansible_collections.ipv6.services.plugins.module_utils._unit import Units, ip_path

ARGUMENTS = {
    "interface": {"type": "str"},
    "addresses": {"type": "list", "elements": "raw", "default": []},
    "routed_prefixes": {"type": "list", "elements": "raw", "default": []},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "exclusive": {"type": "list", "elements": "raw", "default": []},
    "persistent": {"type": "bool", "default": True},
    "backend": {
        "type": "str",
        "choices": ["auto", "networkd", "networkmanager", "ifupdown", "none"],
        "default": "auto",
    },
    "deprecated": {"type": "bool", "default": True},
    "dad_timeout": {"type": "float", "default": 5},
    "strict": {"type": "bool", "default": False},
}


class Tools(t.NamedTuple):
    """The programs that the module runs."""

    iproute: Iproute
    networkd: Networkd
    units: Units


def apply(host: Host, planned: Work, tools: Tools, dad_timeout: float) -> Work:
    """Do what is planned; what it came to. Raises HostError, CommandError and OSError."""
    units = wanted_units(planned, host, ip_path())
    if os.geteuid() != 0 and (planned.changes or stale_units(units, host)):
        raise HostError("Only root can change addresses. Set `become: true`.")
    done = _address_apply.apply_prefixes(planned.prefixes, host.prefixes, tools.iproute)
    work = planned.after(done.failed, done.undone)
    if host.link is not None:
        applier = _address_apply.Applier(host.link, tools.iproute, tools.networkd)
        done = applier.apply(planned.addresses, dad_timeout)
        work = work.after(done.failed, done.undone)
    tools.units.write(stale_units(wanted_units(work, host, ip_path()), host))
    return work


def foresee(host: Host, planned: Work, dad_timeout: float) -> Work:
    """What `apply` would come to."""
    if host.link is None:
        return planned
    done = _address_apply.foresee(planned.addresses, host.link, dad_timeout)
    return planned.after(done.failed, done.undone)


def report(request: Request, host: Host, work: Work, with_diff: bool) -> dict[str, t.Any]:
    stale = stale_units(wanted_units(work, host, ip_path()), host)
    result: dict[str, t.Any] = {
        "changed": _address_report.changed(host, work, stale),
        "interface": host.link.name if host.link else None,
        "backend": host.backend,
        "addresses": _address_report.report_addresses(request, work),
        "routed_prefixes": _address_report.report_prefixes(request, work),
    }
    if with_diff:
        before, after = _address_report.before(host), _address_report.after(host, work)
        result["diff"] = {"before": "".join(before), "after": "".join(after)}
    return result


def exit_on_signals() -> None:
    """Let a call that is ended from outside put back the settings that it changed for a while."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, leave)


def main() -> None:
    exit_on_signals()
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.run_command_environ_update = {"LC_ALL": "C"}
    tools = Tools(Iproute(module.run_command), Networkd(module.run_command), Units(module.run_command))
    dad_timeout = module.params["dad_timeout"]
    try:
        request = parse_request(module.params)  # 1. validate
        with contextlib.nullcontext() if module.check_mode else _address_apply.alone():
            host = read_host(request, *tools)  # 2. read
            planned = plan_work(request, host)  # 3. plan
            if planned.errors and module.params["strict"]:
                planned = planned.stop()
            check_foreign(planned, host)
            if planned.stopped:
                work = planned
            elif module.check_mode:
                work = foresee(host, planned, dad_timeout)
            else:
                work = apply(host, planned, tools, dad_timeout)  # 4. apply, then wait once for DAD of all
        result = report(request, host, work, module._diff)  # 5. what was done to each
    except (RequestError, HostError, CommandError, OSError) as exc:
        module.fail_json(msg=str(exc))
    for warning in host.warnings:
        module.warn(warning)
    if work.errors:
        errors = [item["error"] for item in result["addresses"] + result["routed_prefixes"] if "error" in item]
        module.fail_json(msg=sentence(errors, len(request.items)), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
