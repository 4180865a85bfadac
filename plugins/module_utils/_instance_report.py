# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was done to each instance, as the module returns it."""

from __future__ import annotations

import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._instance_apply import Outcome
from ansible_collections.ipv6.services.plugins.module_utils._instance_found import main_address
from ansible_collections.ipv6.services.plugins.module_utils._instance_plan import held_by, image_text


def report(
    outcomes: t.Iterable[Outcome], errors: t.Mapping[str, str], engines: t.Mapping[str, str]
) -> list[dict[str, t.Any]]:
    """One dictionary a service: those with an outcome in their order, then those that were left alone.

    errors: service -> why it was left alone; engines: service -> its engine.
    """
    items = [_item(outcome) for outcome in outcomes]
    items += [
        {"name": name, "engine": engines.get(name), "action": "failed", "error": error}
        for name, error in errors.items()
    ]
    return items


def _item(outcome: Outcome) -> dict[str, t.Any]:
    step, wanted = outcome.step, outcome.step.wanted
    addresses = _addresses(outcome)
    item: dict[str, t.Any] = {
        "name": step.name,
        "instance": wanted.instance if wanted else step.found.name if step.found else None,
        "engine": step.engine,
        "project": step.project,
        "action": "failed" if outcome.error else step.action,
        "address": _address(outcome),
        "addresses": addresses,
        "addressing": wanted.addressing if wanted else None,
        "nat": step.body.nat if step.body and wanted and wanted.addressing == "publish" else None,
        "image": image_text(wanted.image) if wanted and wanted.image.name else None,
        "why": [*(str(change) for change in step.changes), *step.notes],
    }
    if step.leftovers or step.rename_back:
        item["why"].append("an interrupted run left instances, which are cleaned up")
    if step.unknown:
        item["unknown"] = list(step.unknown)
    if outcome.error:
        item["error"] = outcome.error
    return item


def _addresses(outcome: Outcome) -> list[str]:
    """The addresses that clients reach the service at."""
    wanted, state = outcome.step.wanted, outcome.state
    if not wanted or wanted.state == "absent":
        return []
    if wanted.addressing == "publish":
        return [str(wanted.address)] if wanted.address else []
    return [str(h.address) for h in (held_by(wanted, state) if state else ()) if not h.duplicate]


def _address(outcome: Outcome) -> str | None:
    step, wanted, state = outcome.step, outcome.step.wanted, outcome.state
    if wanted and wanted.address:
        return str(wanted.address)
    if wanted and wanted.state != "absent":
        found = main_address(held_by(wanted, state)) if state else None
        return str(found) if found else None
    mark = step.found.address if step.found else None
    return mark if mark != "auto" else None


def changed(outcomes: t.Iterable[Outcome]) -> bool:
    return any(o.step.changed and not o.error for o in outcomes)


def diff(outcomes: t.Iterable[Outcome]) -> dict[str, t.Any]:
    """What is different before and after, service by service; values that may be secrets are not in it."""
    before: dict[str, t.Any] = {}
    after: dict[str, t.Any] = {}
    for outcome in outcomes:
        step = outcome.step
        if not step.changed or outcome.error:
            continue
        before[step.name] = {c.what: c.before for c in step.changes}
        after[step.name] = {c.what: c.after for c in step.changes}
        if step.action in ("created", "removed"):
            before[step.name] = {"state": "absent" if step.action == "created" else "present"}
            after[step.name] = {"state": step.action}
        if step.leftovers or step.rename_back:
            before[step.name]["leftovers"] = [f.name for f in step.leftovers]
            after[step.name]["leftovers"] = []
    return {"before": before, "after": after}
