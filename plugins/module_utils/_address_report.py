# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a call of the module `address` returns."""

from __future__ import annotations

import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._address_host import Host
from ansible_collections.ipv6.services.plugins.module_utils._address_plan import contents
from ansible_collections.ipv6.services.plugins.module_utils._address_request import Item, Request
from ansible_collections.ipv6.services.plugins.module_utils._address_work import Work
from ansible_collections.ipv6.services.plugins.module_utils._routed_plan import prefixes_after
from ansible_collections.ipv6.services.plugins.module_utils._service_address import RoutedPrefix, ServiceAddress

Report = list[dict[str, str]]
_NONLOCAL_BIND = "net.ipv6.ip_nonlocal_bind = 1\n"


def report_addresses(request: Request, work: Work) -> Report:
    """The listed ones in the caller's order, and then those that `exclusive` removed or that another backend had; sorted."""
    plan = work.addresses
    actions: dict[Item, str] = {
        **{item.address: "added" for item in plan.add},
        **{item.address: "changed" for item in plan.change},
        **{item.address: "kept" for item in plan.keep},
        **dict.fromkeys(plan.remove, "removed"),
        **dict.fromkeys(plan.absent, "absent"),
    }
    listed = request.addresses.items
    moved = [item.address for item in (*plan.add, *plan.change)]
    others = sorted(address for address in {*plan.remove, *moved} if address not in listed)
    return _report("address", [*listed, *others], actions, work.errors)


def report_prefixes(request: Request, work: Work) -> Report:
    """In the caller's order."""
    plan = work.prefixes
    actions: dict[Item, str] = {
        **{item.prefix: "added" for item in plan.add},
        **{item.prefix: "changed" for item in plan.change},
        **{item.prefix: "kept" for item in plan.keep},
        **dict.fromkeys(plan.remove, "removed"),
        **dict.fromkeys(plan.absent, "absent"),
    }
    return _report("prefix", request.routed_prefixes.items, actions, work.errors)


def before(host: Host) -> list[str]:
    """The service addresses and routed prefixes that the host had: sorted, one a line.

    What was written down and lost is not among them. Without carrier nothing is lost: it comes when the carrier does.
    """
    lines = []
    if host.link:
        here = host.link.here()
        addresses = [item for item in host.link.marked if item.address in here or not host.link.carrier]
        lines += _address_lines(addresses, host.link.name)
    lines += _prefix_lines([item for item in host.prefixes if item.prefix in host.routes])
    return lines + [_NONLOCAL_BIND] * host.nonlocal_bind


def after(host: Host, done: Work) -> list[str]:
    """Those that it has now."""
    if done.stopped:
        return before(host)
    lines = []
    if host.link:
        lines += _address_lines(contents(done.addresses, host.link), host.link.name)
    prefixes = prefixes_after(done.prefixes, host.prefixes)
    return lines + _prefix_lines(prefixes) + [_NONLOCAL_BIND] * (host.nonlocal_bind or bool(prefixes))


def changed(host: Host, done: Work, stale_units: t.Collection[str]) -> bool:
    """stale_units: those that had to be written or removed."""
    if done.stopped:
        return False
    redone = (done.addresses.add, done.addresses.change, done.prefixes.add, done.prefixes.change)
    # What is gone from the link already is not in `before`, and still has to go from the files.
    marked = {item.address for item in host.link.marked} if host.link else set()
    unmarked = (marked.intersection(done.addresses.remove), {i.prefix for i in host.prefixes} & {*done.prefixes.remove})
    return any(redone) or any(unmarked) or before(host) != after(host, done) or bool(stale_units)


def _report(key: str, items: t.Sequence[Item], actions: t.Mapping[Item, str], errors: t.Mapping[Item, str]) -> Report:
    return [
        {key: str(item), "action": "failed", "error": errors[item]}
        if item in errors
        else {key: str(item), "action": actions.get(item, "none")}
        for item in items
    ]


def _address_lines(addresses: t.Iterable[ServiceAddress], link: str) -> list[str]:
    lines = []
    for item in sorted(addresses):
        marks = [item.store.backend, *(["deprecated"] if item.deprecated else []), *_until(item.store.persistent)]
        lines.append(f"{item.address}/{item.length} on {link} ({', '.join(marks)})\n")
    return lines


def _prefix_lines(prefixes: t.Iterable[RoutedPrefix]) -> list[str]:
    return [f"{item.prefix} ({', '.join(['routed', *_until(item.persistent)])})\n" for item in sorted(prefixes)]


def _until(persistent: bool) -> list[str]:
    return [] if persistent else ["until the next boot"]
