# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose an instance is, and which of those made for one service counts."""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass

from ansible_collections.ipv6.services.plugins.module_utils._instance_found import Found
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import Instance
from ansible_collections.ipv6.services.plugins.module_utils._instance_values import instance_name


@dataclass(frozen=True)
class Group:
    """The instances of one service: its own, and what an interrupted run left."""

    current: Found | None = None
    leftovers: tuple[Found, ...] = ()
    rename_back: bool = False


def spare_name(service: str, kind: str) -> str:
    """The name of the instance that is made (`new`), or put aside (`old`), while a service is replaced."""
    return f"ipv6-services-{kind}-{hashlib.sha256(service.encode()).hexdigest()[:12]}"


def names_of(service: str) -> tuple[str, str, str]:
    """The names that instances of a service have: its own, one that was just made, one that was put aside."""
    return instance_name(service), spare_name(service, "new"), spare_name(service, "old")


def group_of(wanted: Instance, listed: t.Iterable[Found]) -> Group:
    """Which of the instances made for a service counts, when a replacement was interrupted.

    Its steps are: make NEW, stop the current one, rename that to OLD, rename NEW, start it, remove OLD.
    """
    names = names_of(wanted.name)
    # A copy that somebody made has the marks too, and another name.
    mine = [f for f in listed if f.service == wanted.name and f.name in names]
    here = {f.name: f for f in mine if (f.engine, f.project) == (wanted.engine, wanted.project)}
    elsewhere = [f for f in mine if (f.engine, f.project) != (wanted.engine, wanted.project)]
    current, new, old = (here.get(name) for name in names)
    spare = [new] if new else []
    if current and current.running:
        return Group(current, (*spare, *([old] if old else []), *elsewhere))
    if old:  # the one that has its name was never seen running
        spare += [current] if current else []
        return Group(old, (*spare, *elsewhere), rename_back=True)
    elsewhere.sort(key=lambda f: (not f.running, f.name != names[2]))
    if elsewhere and (not current or elsewhere[0].running or elsewhere[0].name == names[2]):
        spare += [current] if current else []
        return Group(elsewhere[0], (*spare, *elsewhere[1:]))
    return Group(current, (*spare, *elsewhere))


def foreign(wanted: Instance, listed: t.Iterable[Found]) -> Found | None:
    """An instance that has the name, and was not made for this service."""
    key = (wanted.engine, wanted.project, wanted.instance)
    return next((f for f in listed if f.key == key and f.service != wanted.name), None)


def owner_text(found: Found) -> str:
    """Whose a foreign instance is, for the error."""
    owner = f"was made for the service {found.service}" if found.service else "was not made by this collection"
    command = "lxc" if found.engine == "lxd" else "incus"
    return (
        f"an instance {found.name} is on {found.engine}, in the project {found.project}, and {owner} ({found.status})."
        " It was left alone: give the service another name, or remove that instance with"
        f" `{command} delete --project {found.project} {found.name}`."
    )
