# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module `guard` says that it has done."""

from __future__ import annotations

import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _listeners
from ansible_collections.ipv6.services.plugins.module_utils._guard_call import Call
from ansible_collections.ipv6.services.plugins.module_utils._guard_elements import Elements, show_prefix
from ansible_collections.ipv6.services.plugins.module_utils._guard_plan import actions, prefix_action
from ansible_collections.ipv6.services.plugins.module_utils._guard_request import Guarded, Request
from ansible_collections.ipv6.services.plugins.module_utils._guard_rules import FAMILY, TABLE


def report(request: Request, call: Call, stopped: bool, with_diff: bool) -> dict[str, t.Any]:
    """stopped: whether nothing was done, because of a wrong item."""
    todo = actions(call.plan.services, call.before, call.plan.elements)
    result: dict[str, t.Any] = {
        "changed": call.changed and not stopped,
        "services": [
            _service(service, written, "none" if stopped else done, call)
            for service, written, done in zip(call.plan.services, request.written, todo)
        ],
        "routed_prefixes": [_prefix(item, call, stopped) for item in request.routed_prefixes.items],
        "restored": call.restored and not stopped,
        "wildcards": _wildcards(call.before if stopped else call.plan.elements),
    }
    if call.text is not None and request.settings.counters:
        result["refused"] = call.table.counts.get("refused", (0, 0))[0] if call.table else 0
    if with_diff:
        result["diff"] = _diff(call, stopped)
    return result


def _diff(call: Call, stopped: bool) -> dict[str, str]:
    """One element a line, sorted, and then the files that change."""
    before, after = _lines(call.table.elements if call.table else Elements()), _lines(call.plan.elements)
    if stopped:
        return {"before": "".join(before), "after": "".join(before)}
    if call.differs and before == after:
        before.append(f"rules of table {FAMILY} {TABLE}: {'others' if call.table else 'none'}\n")
        after.append(f"rules of table {FAMILY} {TABLE}: {'none' if call.text is None else 'these'}\n")
    for path, text in call.stale.items():
        before += [f"{path}\n"] if text is None else []
        after += [f"{path}\n"] if text is not None else []
    return {"before": "".join(before), "after": "".join(after)}


def _service(service: Guarded, written: str, done: str, call: Call) -> dict[str, t.Any]:
    item: dict[str, t.Any] = {"address": str(service.address or written)}
    if service.name:
        item["name"] = service.name
    if service.error:
        return {**item, "action": "failed", "error": service.error}
    item["action"] = done
    counts = call.table.counts if call.table else {}
    counted = [counts[port][0] for port in service.elements.published if port in counts]
    return {**item, "connections": sum(counted)} if counted else item


def _prefix(prefix: t.Any, call: Call, stopped: bool) -> dict[str, t.Any]:
    error = call.plan.prefix_errors.get(prefix)
    if error:
        return {"prefix": str(prefix), "action": "failed", "error": error}
    return {"prefix": str(prefix), "action": "none" if stopped else prefix_action(prefix, call.before)}


def _wildcards(elements: Elements) -> list[dict[str, t.Any]]:
    if not elements.addresses:
        return []
    listeners = _listeners.read_listeners()
    return _listeners.report(listeners, _listeners.read_programs({item.inode for item in listeners}), elements)


def _lines(elements: Elements) -> list[str]:
    """One an element, sorted."""
    lines = [show_prefix(network) for network in sorted(elements.addresses)]
    lines += [str(item) for item in (*sorted(elements.published), *sorted(elements.allowed))]
    return [f"{line}\n" for line in lines]
