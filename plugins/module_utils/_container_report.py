# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was done to each container, as the module returns it."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils._container_apply import Outcome
from ansible_collections.ipv6.services.plugins.module_utils._container_plan import HIDDEN, Change, binding_text
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import Problem, kind_of, user_of

_SECRET_KEY = re.compile(r"token|secret|passw|credential|key", re.IGNORECASE)


def report(
    outcomes: t.Iterable[Outcome],
    errors: t.Mapping[str, str],
    engines: t.Mapping[str, str],
    clients: t.Mapping[str, str | None],
) -> list[dict[str, t.Any]]:
    """One dictionary a service: those with an outcome in their order, then those that were left alone.

    errors: service -> why it was left alone; engines: service -> its engine; clients: service -> whether it sees the
    client's address.
    """
    items = [{**_item(outcome), **_client(outcome, clients)} for outcome in outcomes]
    items += [
        {"name": name, **_engine(engines.get(name)), "action": "failed", "error": error}
        for name, error in errors.items()
    ]
    return items


def _engine(engine: str | None) -> dict[str, str | None]:
    return {"engine": engine and kind_of(engine), "podman_user": engine and user_of(engine)}


def _client(outcome: Outcome, clients: t.Mapping[str, str | None]) -> dict[str, str]:
    known = clients.get(outcome.step.name)
    return {"client_address": known} if known and not outcome.error else {}


def _item(outcome: Outcome) -> dict[str, t.Any]:
    step, wanted = outcome.step, outcome.step.container
    address = wanted.address if wanted and wanted.address else step.found.address if step.found else None
    item: dict[str, t.Any] = {
        "name": step.name,
        "address": str(address) if address else None,
        **_engine(step.found.engine if step.action == "removed" and step.found else step.engine),
        "id": outcome.id,
        "action": "failed" if outcome.error else step.action,
        "why": [str(change) for change in _hidden(step.changes)],
        "image": wanted.image if wanted and wanted.image else step.found.image if step.found else None,
        "ports": [binding_text(b) for b in sorted((outcome.state.effective if outcome.state else None) or ())],
    }
    if step.leftovers or step.rename_back:
        item["why"].append("an interrupted run left containers, which are cleaned up")
    if step.unknown:
        item["unknown"] = list(step.unknown)
    if outcome.error:
        item["error"] = outcome.error
    return item


def changed(outcomes: t.Iterable[Outcome]) -> bool:
    return any(o.step.changed and not o.error for o in outcomes)


def diff(outcomes: t.Iterable[Outcome]) -> dict[str, t.Any]:
    """What is different before and after, service by service; values of variables are not in it."""
    before: dict[str, t.Any] = {}
    after: dict[str, t.Any] = {}
    for outcome in outcomes:
        step = outcome.step
        if not step.changed or outcome.error:
            continue
        changes = _hidden(step.changes)
        before[step.name] = {c.what: c.before for c in changes}
        after[step.name] = {c.what: c.after for c in changes}
        if step.action in ("created", "removed"):
            before[step.name] = {"state": "absent"} if step.action == "created" else {"state": "present"}
            after[step.name] = {"state": step.action}
        if step.leftovers or step.rename_back:
            before[step.name]["leftovers"] = [c.name for c in step.leftovers]
            after[step.name]["leftovers"] = []
    return {"before": before, "after": after}


def _hidden(changes: t.Iterable[Change]) -> list[Change]:
    return [
        Change(c.what, hide_secrets(c.before), hide_secrets(c.after)) if c.what == "log_options" else c for c in changes
    ]


def hide_secrets(options: object) -> object:
    """Options of a log driver without what looks like a secret by its name."""
    if not isinstance(options, dict):
        return options
    return {key: HIDDEN if _SECRET_KEY.search(key) else value for key, value in options.items()}


def sentence(items: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """The message of a call in which services failed: every one of them by name, and each error once."""
    failed: dict[str, list[str]] = {}
    for item in items:
        if item["action"] == "failed":
            failed.setdefault(item["error"], []).append(item["name"])
    count = sum(len(names) for names in failed.values())
    texts = [f"{', '.join(names)}: {error}" for error, names in failed.items()]
    return f"{count} of {len(items)} services failed. " + " ".join(texts)


def problem_lines(problems: t.Iterable[tuple[str, Problem]]) -> list[dict[str, t.Any]]:
    """What is wrong with the entries, for the result."""
    return [
        {"service": service, "field": p.field, "value": p.value, "problem": p.problem, "mend": p.mend}
        for service, p in problems
    ]
