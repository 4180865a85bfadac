# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out what the plan of the module `address` says: files first, then the link, then the wait for all at once."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils import _address_marks, _duplicate_watch, _iproute, _kernel
from ansible_collections.ipv6.services.plugins.module_utils import _address_messages as messages
from ansible_collections.ipv6.services.plugins.module_utils._address_host import NONLOCAL_BIND
from ansible_collections.ipv6.services.plugins.module_utils._address_plan import (
    Link,
    Plan,
    by_path,
    contents,
    is_right,
)
from ansible_collections.ipv6.services.plugins.module_utils._address_request import Item
from ansible_collections.ipv6.services.plugins.module_utils._iproute import Iproute
from ansible_collections.ipv6.services.plugins.module_utils._networkd import Networkd
from ansible_collections.ipv6.services.plugins.module_utils._routed_plan import RoutedPlan, prefixes_after
from ansible_collections.ipv6.services.plugins.module_utils._service_address import Held, RoutedPrefix, ServiceAddress

_POLL = 0.015  # seconds; a look at /proc/net/if_inet6 takes 1 ms with 1,000 addresses
_NEIGHBOUR_ANSWERS = 1.0  # seconds; on a LAN it takes milliseconds


@contextlib.contextmanager
def alone() -> t.Iterator[None]:
    """Only one call changes a host's addresses at a time: each writes whole files. Only root does."""
    with _duplicate_watch.alone() if os.geteuid() == 0 else contextlib.nullcontext():
        yield


@dataclass
class Done:
    """What came of it."""

    failed: dict[Item, str] = field(default_factory=dict)  # item -> why it can't be used
    undone: set[Item] = field(default_factory=set)  # those of the failed that were taken back


class Applier:
    """Changes the service addresses of one link."""

    def __init__(self, link: Link, iproute: Iproute, networkd: Networkd) -> None:
        self._link = link
        self._iproute = iproute
        self._networkd = networkd

    def apply(self, plan: Plan, dad_timeout: float) -> Done:
        """All addresses of the plan that are not in what it returns are past DAD.

        dad_timeout: seconds in which nothing more happens until the rest is given up.
        Raises CommandError and OSError.
        """
        name = self._link.name
        with _kernel.quick_dad(name) if plan.add or plan.change else contextlib.nullcontext():
            refused = self._change(plan)
            awaited = [item for item in (*plan.add, *plan.change, *plan.keep) if item.address not in refused]
            held = self._settle(awaited, dad_timeout)
        duplicates = [item.address for item in awaited if item.address in held and held[item.address].duplicate]
        self._forget(plan, [*refused, *duplicates], held)
        done = Done(dict(refused.items()), {*refused, *duplicates})
        macs = self._ask_who_has(duplicates)
        done.failed.update({address: messages.duplicate(address, name, macs.get(address)) for address in duplicates})
        for item in awaited:
            if item.address not in duplicates and not _usable(item, held):
                done.failed[item.address] = why_unusable(item, name, item.address in held, dad_timeout)
        return done

    def _change(self, plan: Plan) -> dict[IPv6Address, str]:
        """Address -> what the kernel said against it."""
        self._take_off(plan.drop)
        if self._write(plan):
            self._networkd.reload()
        items = [item for item in (*plan.add, *plan.change) if item.store.backend != "networkd"]
        failures = self._iproute.batch([_iproute.address_line(item, self._link.name) for item in items])
        return {items[i].address: messages.refused(items[i].address, why) for i, why in failures.items()}

    def _write(self, plan: Plan) -> bool:
        """Bring the files up to date. Whether networkd has to read some again.

        A file that networkd is to set a lost address from is written anew even when it says the same: networkd
        does nothing for a file with the old inode. What is new is written before what is old is taken away.
        """
        anew = {item.store for item in (*plan.add, *plan.change)}
        before, after = by_path(self._link.marked), by_path(contents(plan, self._link))
        stale = [
            path
            for path in {*before, *after}
            if sorted(before.get(path, ())) != sorted(after.get(path, ())) or any(store.path == path for store in anew)
        ]
        for path in sorted(stale, key=lambda path: path not in after):
            if path in after:
                # A file that goes from one backend to another is the new one's, also with what stays of the old one.
                store = max((item.store for item in after[path]), key=lambda store: store in anew)
                _address_marks.write(path, _address_marks.render_addresses(self._link.name, store, after[path]))
            else:
                _address_marks.remove(path)
        return any(path.endswith(".conf") for path in stale)

    def _take_off(self, drop: t.Iterable[Held]) -> None:
        # An error here means that somebody else took it off.
        self._iproute.batch([f"addr del {held.address}/{held.length} dev {held.link}" for held in drop])

    def _forget(self, plan: Plan, failed: t.Sequence[IPv6Address], held: t.Mapping[IPv6Address, Held]) -> None:
        """Off the link and out of the files, or the next boot waits 120 s for it (DESIGN.md, fact 2)."""
        if not failed:
            return
        self._take_off(held[address] for address in failed if address in held)
        # What the files hold by now is what the plan made of them.
        rest = Applier(Link(self._link.name, contents(plan, self._link), ()), self._iproute, self._networkd)
        if rest._write(Plan(remove=tuple(sorted(failed)))):
            self._networkd.reload()

    def _settle(self, awaited: t.Sequence[ServiceAddress], dad_timeout: float) -> dict[IPv6Address, Held]:
        """Wait until each can be used or can't be. What the link has then."""
        left, deadline = 2 * len(awaited) + 1, time.monotonic()
        while True:
            held = {h.address: h for h in _kernel.read_held() if h.link == self._link.name}
            pending = [item for item in awaited if not _decided(item, held)]
            if not pending or not _kernel.has_carrier(self._link.name):
                return held
            unset = sum(item.address not in held for item in pending)
            if len(pending) + unset < left:
                left = len(pending) + unset
                deadline = time.monotonic() + dad_timeout
            if time.monotonic() >= deadline:
                return held
            time.sleep(_POLL)

    def _ask_who_has(self, duplicates: t.Collection[IPv6Address]) -> dict[IPv6Address, str]:
        """The MAC addresses that answer for these. Only after they are off the link does the kernel ask."""
        # What the table has from before may be the MAC address of a host that had the address then.
        self._iproute.batch([f"neigh flush to {address} dev {self._link.name}" for address in duplicates])
        found: dict[IPv6Address, str] = {}
        deadline = time.monotonic() + _NEIGHBOUR_ANSWERS
        while len(found) < len(duplicates) and time.monotonic() < deadline:
            for address in duplicates:
                if address not in found:
                    with contextlib.suppress(OSError):
                        _kernel.send_datagram(address)
            time.sleep(_POLL * 2)
            macs = self._iproute.neighbour_macs(self._link.name)
            found.update({address: macs[address] for address in duplicates if address in macs})
        return found


def why_unusable(item: ServiceAddress, link: str, present: bool, dad_timeout: float) -> str:
    """The error for an address that is wanted and written down, and that nothing can bind to."""
    if not _kernel.has_carrier(link):
        return messages.no_carrier(item.address, link, _kernel.is_up(link))
    if present:
        return messages.late(item.address, link, dad_timeout)
    return messages.not_set(item.address, link, dad_timeout)


def apply_prefixes(plan: RoutedPlan, marked: t.Collection[RoutedPrefix], iproute: Iproute) -> Done:
    """Set and take away local routes. Raises CommandError and OSError."""
    if prefixes_after(plan, marked) and _kernel.read_sysctl(*NONLOCAL_BIND) != "1":
        _kernel.write_sysctl("1", *NONLOCAL_BIND)
    if not plan.changes:
        return Done()
    # A route without its mark is nobody's: none may be left so, wherever the call ends.
    if plan.add or plan.change:
        _write_prefixes(prefixes_after(replace(plan, remove=()), marked))
    # An error here means that somebody else took it away.
    iproute.batch([f"route del local {prefix} dev lo" for prefix in plan.remove])
    failures = iproute.batch([_iproute.route_line(item.prefix) for item in plan.add])
    failed: dict[Item, str] = {
        plan.add[i].prefix: messages.refused(plan.add[i].prefix, why) for i, why in failures.items()
    }
    if plan.remove or failed:
        _write_prefixes([item for item in prefixes_after(plan, marked) if item.prefix not in failed])
    return Done(failed, set(failed))


def _write_prefixes(prefixes: t.Sequence[RoutedPrefix]) -> None:
    for persistent in (True, False):
        path = _address_marks.prefix_file(persistent)
        items = [item for item in prefixes if item.persistent == persistent]
        if items:
            _address_marks.write(path, _address_marks.render_prefixes(items))
        else:
            _address_marks.remove(path)


def foresee(plan: Plan, link: Link, dad_timeout: float) -> Done:
    """What a run would return, without one: of all that only a run can tell, a missing carrier is known before."""
    if link.carrier:
        return Done()
    here = link.here()
    items = [item for item in (*plan.add, *plan.change, *plan.keep) if not _usable(item, here)]
    return Done({item.address: why_unusable(item, link.name, True, dad_timeout) for item in items})


def _decided(item: ServiceAddress, held: t.Mapping[IPv6Address, Held]) -> bool:
    found = held.get(item.address)
    return found is not None and (found.duplicate or _usable(item, held))


def _usable(item: ServiceAddress, held: t.Mapping[IPv6Address, Held]) -> bool:
    found = held.get(item.address)
    return is_right(item, found) and found is not None and not found.tentative
