# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a call of dns_record changes at one name, decided from what the server has.

Each name of ours has a mark: a TXT record below it (see _dns_names) with the fleet that made its records, and their types.
What has no mark of ours is a stranger's, and stays as it is.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.ipv6.services.plugins.module_utils._dns_names import mark_name, marked_name

MARK_TTL = 3600

_MARK = re.compile(r'"owner=([^"\\]+)" "types=([A-Z,]+)"')


class StrangerError(Exception):
    """Records that are not ours stand in the way. The text says whose they are, and the mend."""


@dataclass(frozen=True)
class Rrset:
    """All records of one type at one name."""

    ttl: int
    values: tuple[str, ...]  # as in a zone file, sorted

    def same_values(self, other: Rrset | None) -> bool:
        return other is not None and self.values == other.values


Node = t.Mapping[str, Rrset]  # what one name has, by type
State = t.Mapping[str, Node]  # by name


@dataclass(frozen=True)
class Mark:
    owner: str | None  # None where the record can't be read
    types: frozenset[str] = frozenset()

    def rrset(self) -> Rrset:
        return Rrset(MARK_TTL, (f'"owner={self.owner}" "types={",".join(sorted(self.types))}"',))


@dataclass(frozen=True)
class SetChange:
    """One type at one name, before and after; None: it has none. Where both are the same it only has to be so still."""

    name: str
    type: str
    before: Rrset | None
    after: Rrset | None


@dataclass(frozen=True)
class Change:
    """What is done at one name, all of it or nothing."""

    name: str
    sets: tuple[SetChange, ...] = ()  # empty: nothing

    @property
    def adds(self) -> bool:
        """Whether the name had nothing of what it gets."""
        return any(s.after for s in self.sets) and not any(s.before for s in self.sets if not marked_name(s.name))


def parse_mark(rrset: Rrset | None) -> Mark | None:
    if rrset is None:
        return None
    found = _MARK.fullmatch(rrset.values[0]) if len(rrset.values) == 1 else None
    return Mark(found[1], frozenset(found[2].split(","))) if found else Mark(None)


def mark_of(name: str, state: State) -> Mark | None:
    """The mark that the name has. None: no fleet has made its records."""
    return parse_mark(state.get(mark_name(name), {}).get("TXT"))


def plan_name(name: str, wanted: Node, state: State, fleet: str, *, adopt: bool, main_type: str) -> Change:
    """What makes the name have `wanted`, and nothing else that the fleet made there.

    wanted: what is to be there. Empty: the fleet's records are to go.
    main_type: AAAA, or PTR of a reverse name: what has to be taken over for a name that is to go and has no mark.
    adopt: take over what strangers made.

    A stranger's record that is as it is wanted is left to them. Raises StrangerError.
    """
    held = state.get(name, {})
    mark = mark_of(name, state)
    if mark and mark.owner != fleet and not adopt:
        if wanted and all(rrset.same_values(held.get(kind)) for kind, rrset in wanted.items()):
            return Change(name)
        raise StrangerError(owned(name, mark))
    ours = mark.types if mark else frozenset()
    strange = {kind for kind in (*wanted, "CNAME" if wanted else main_type) if kind in held and kind not in ours}
    if not adopt:
        left = {kind for kind in strange if kind in wanted and wanted[kind].same_values(held[kind])}
        if strange - left:
            raise StrangerError(unowned(name, sorted(strange - left), held))
        wanted = {kind: rrset for kind, rrset in wanted.items() if kind not in left}
        strange = set()
    after = Mark(fleet, frozenset(wanted)) if wanted else None
    return _change(name, wanted, state, ours | strange, mark, after)


def plan_gone(name: str, state: State, fleet: str) -> Change:
    """What takes away all that the fleet made at the name, whatever else there is."""
    mark = mark_of(name, state)
    if mark is None or mark.owner != fleet:
        return Change(name)
    return _change(name, {}, state, mark.types, mark, None)


def marked_names(state: State, fleet: str) -> list[str]:
    """The names that have a mark of the fleet, sorted."""
    found = (marked_name(name) for name in state)
    return sorted(name for name in found if name is not None and _is_ours(mark_of(name, state), fleet))


def _is_ours(mark: Mark | None, fleet: str) -> bool:
    return mark is not None and mark.owner == fleet


def _change(
    name: str, wanted: Node, state: State, ours: t.AbstractSet[str], mark: Mark | None, after: Mark | None
) -> Change:
    """ours: the types that may be changed or removed."""
    held = state.get(name, {})
    sets = [
        SetChange(name, kind, held.get(kind), wanted.get(kind))
        for kind in sorted({*ours, *wanted})
        if held.get(kind) != wanted.get(kind)
    ]
    if mark == after and not sets:
        return Change(name)
    if wanted and "CNAME" not in ours:
        # A server passes over what is added beside a CNAME, without an error (RFC 2136, 3.4.2.2).
        sets.append(SetChange(name, "CNAME", None, None))
    marks = mark_name(name)
    before = state.get(marks, {}).get("TXT")
    sets.append(SetChange(marks, "TXT", before, before if mark == after else after.rrset() if after else None))
    return Change(name, tuple(sets))


def owned(name: str, mark: Mark) -> str:
    whose = (
        f"belongs to {mark.owner!r}" if mark.owner else f"has an owner's record at {mark_name(name)} that can't be read"
    )
    return (
        f"{name} {whose}, so nothing was changed there. Use another name, or take it over with `adopt: true`"
        f"{'' if mark.owner is None else ', or set `owner` where this is the same fleet'}."
    )


def unowned(name: str, kinds: t.Sequence[str], held: Node) -> str:
    records = "; ".join(f"{kind} {value.removesuffix('.')}" for kind in kinds for value in held[kind].values[:3])
    return (
        f"{name} has records that no fleet of this collection made: {records}. They were left as they are."
        " Remove them, or take them over with `adopt: true`."
    )
