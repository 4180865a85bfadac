# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a call of dns_record returns."""

from __future__ import annotations

import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import Rrset, SetChange
from ansible_collections.ipv6.services.plugins.module_utils._dns_read import Found
from ansible_collections.ipv6.services.plugins.module_utils._dns_request import Request
from ansible_collections.ipv6.services.plugins.module_utils._dns_wait import Watched
from ansible_collections.ipv6.services.plugins.module_utils._dns_work import Item, Task, Work

MOST_TOLD = 20


def report_records(request: Request, work: Work, found: Found, done: t.Sequence[Task]) -> list[dict[str, t.Any]]:
    """One a listed name, in their order, and then those that `purge` removed, sorted."""
    by_item: dict[Item, list[Task]] = {}
    for task in done:
        by_item.setdefault(task.item, []).append(task)
    records: list[dict[str, t.Any]] = []
    for place, written in enumerate(request.names):
        entry = request.entries.get(place)
        item: dict[str, t.Any] = {"name": entry.name if entry else written}
        if entry:
            item.update(zone=found.zones.get(entry.name), addresses=[str(address) for address in entry.addresses])
        tasks = by_item.get(place, [])
        item["action"] = _action(tasks, bool(entry and entry.rrsets), work.stopped)
        if place in work.left and not work.stopped:
            item.update(action="left", why=work.left[place])
        records.append(_with_error(item, work.errors.get(place)))
    purged = {task.item: task.zone for task in reversed(work.tasks) if isinstance(task.item, str)}
    for name in sorted(purged):
        action = _action(by_item.get(name, []), False, work.stopped)
        item = {"name": name, "zone": purged[name], "addresses": [], "action": action}
        records.append(_with_error(item, work.errors.get(name)))
    return records


def _action(tasks: t.Sequence[Task], present: bool, stopped: bool) -> str:
    if stopped:
        return "none"
    if not present:
        return "removed" if tasks else "absent"
    if not tasks:
        return "kept"
    return "added" if all(task.change.adds for task in tasks) else "changed"


def _with_error(item: dict[str, t.Any], errors: t.Sequence[str] | None) -> dict[str, t.Any]:
    if errors:
        item.update(action="failed", error=" ".join(errors))
    return item


def report_zones(found: Found, sent: t.Mapping[str, int]) -> list[dict[str, t.Any]]:
    return [{"name": zone, "read": how, "messages": sent.get(zone, 0)} for zone, how in sorted(found.how.items())]


def report_name_servers(watched: t.Iterable[Watched]) -> list[dict[str, t.Any]]:
    items = []
    for one in watched:
        item: dict[str, t.Any] = {
            "zone": one.zone,
            "name": one.name,
            "address": one.address,
            "ok": one.error is None,
            "seconds": one.seconds,
        }
        if one.error is not None:
            item["error"] = one.error
        items.append(item)
    return items


def diff(done: t.Iterable[Task]) -> dict[str, str]:
    """Lines as in a zone file, sorted, of what was or would be changed."""
    sets = [change_set for task in done for change_set in task.change.sets if change_set.before != change_set.after]
    return {
        "before": "".join(sorted(line for s in sets for line in _lines(s, s.before))),
        "after": "".join(sorted(line for s in sets for line in _lines(s, s.after))),
    }


def _lines(change_set: SetChange, rrset: Rrset | None) -> list[str]:
    if rrset is None:
        return []
    return [f"{change_set.name}. {rrset.ttl} IN {change_set.type} {value}\n" for value in rrset.values]


def sentence(records: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """What a person reads when names failed."""
    failed = [item for item in records if "error" in item]
    # Names that failed for the same reason are told together.
    reasons: dict[str, list[str]] = {}
    for item in failed:
        reasons.setdefault(item["error"], []).append(item["name"])
    lines = []
    for error, names in list(reasons.items())[:MOST_TOLD]:
        known = all(name in error for name in names)
        lines.append(error if known else f"{_listed(names)}: {error}")
    if len(reasons) > MOST_TOLD:
        lines.append(f"And {len(reasons) - MOST_TOLD} more reasons.")
    return f"{len(failed)} of {len(records)} names could not be done. " + " ".join(lines)


def _listed(names: t.Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def still_old(watched: t.Iterable[Watched]) -> str:
    """What a person reads when name servers did not take over what was written in time."""
    told = (f"{one.name} ({one.address or 'no address'}): {one.error.rstrip('.')}" for one in watched if one.error)
    late = dict.fromkeys(told)  # a server of two zones once
    return (
        "The records are written, and not all name servers of the zone have them yet: "
        + "; ".join(late)
        + ". See that the primary notifies them and allows them the transfer, or raise `wait_timeout`."
    )
