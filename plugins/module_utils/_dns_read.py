# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the name server has at the names of a call: their zones, and their records.

A zone is transferred where that is allowed and pays; else each name is asked for.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.ipv6.services.plugins.module_utils import _dns_messages as messages
from ansible_collections.ipv6.services.plugins.module_utils._dns_answer import Message
from ansible_collections.ipv6.services.plugins.module_utils._dns_names import (
    ancestors,
    closest,
    is_within,
    mark_name,
    parent,
)
from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import Rrset, mark_of
from ansible_collections.ipv6.services.plugins.module_utils._dns_server import (
    DnsError,
    NoTransferError,
    Question,
    Server,
)

FEW = 50  # names that are asked for one by one without a try at a transfer
RECORDS_A_NAME = 50  # a transfer with more records than that for each name costs more than to ask
LEAST_RECORDS = 10_000
EVERYTHING = 100_000_000
NOERROR, NXDOMAIN = 0, 3
KINDS = frozenset({"AAAA", "CNAME", "HTTPS", "PTR", "SVCB", "TXT"})

Names = t.Mapping[str, t.Collection[str]]  # name -> types that are asked for


@dataclass
class Found:
    """What was read so far."""

    state: dict[str, dict[str, Rrset]] = field(default_factory=dict)
    zones: dict[str, str] = field(default_factory=dict)  # name -> its zone
    errors: dict[str, str] = field(default_factory=dict)  # name -> why nothing is known of it
    how: dict[str, str] = field(default_factory=dict)  # zone -> transfer or queries


class Reader:
    """Reads into `found`, which grows with each call."""

    def __init__(self, server: Server, zones: t.Sequence[str], whole: bool) -> None:
        """zones: those that the caller names. whole: only a transfer will do, since all of a zone has to be seen."""
        self.server, self.given, self.whole = server, zones, whole
        self.found = Found()

    def read(self, names: Names) -> None:
        """Raises DnsError."""
        names = {name: kinds for name, kinds in names.items() if name not in self.found.zones}
        self._find_zones(names)
        for _round in range(4):  # each goes one delegation down
            by_zone: dict[str, dict[str, t.Collection[str]]] = {}
            for name, kinds in names.items():
                if name not in self.found.errors:
                    by_zone.setdefault(self.found.zones[name], {})[name] = kinds
            names = {}
            for zone, inside in by_zone.items():
                lower = self._read_zone(zone, inside)
                names.update({name: inside[name] for name in lower})
            if not names:
                return
            self._find_lower_zones(names)

    def read_zone(self, zone: str) -> None:
        """All of it, where that was not read already. Raises DnsError."""
        self._read_zone(zone, {})

    # ---------------------------------------------------------------- zones

    def _find_zones(self, names: t.Iterable[str]) -> None:
        """By the SOA of what the names are in; and of the name itself, where that is no name of the server's."""
        asked: dict[str, str] = {}
        for name in names:
            zone = closest(name, self.given)
            if zone is not None:
                self.found.zones[name] = zone
            else:
                asked[name] = parent(name)
        answers = self.server.ask((above, "SOA") for above in asked.values())
        unknown = []
        for name, above in asked.items():
            zone = zone_in(answers[above, "SOA"], above)
            if zone is None:
                unknown.append(name)
            else:
                self.found.zones[name] = zone
        answers = self.server.ask((name, "SOA") for name in unknown)
        for name in unknown:
            self._zone_from(name, answers[name, "SOA"])

    def _find_lower_zones(self, names: t.Iterable[str]) -> None:
        """For names that are not in the zone that their parent is in."""
        answers = self.server.ask((name, "SOA") for name in names)
        for name in names:
            above = self.found.zones.pop(name)
            self._zone_from(name, answers[name, "SOA"])
            if self.found.zones.get(name) == above:
                self.found.errors[name] = messages.delegated(str(self.server), name, name)

    def _zone_from(self, name: str, message: Message) -> None:
        zone = zone_in(message, name)
        cut = cut_in(message)
        if zone is not None:
            self.found.zones[name] = zone
        elif cut is not None:
            self.found.errors[name] = messages.delegated(str(self.server), name, cut)
        else:
            said = message.code_text if message.code else "no authoritative answer"
            self.found.errors[name] = messages.not_authoritative(str(self.server), name, said)

    # ---------------------------------------------------------------- records

    def _read_zone(self, zone: str, names: Names) -> list[str]:
        """Gives the names that are not in the zone, but in one below it. Raises DnsError."""
        if self.found.how.get(zone) != "transfer" and (self.whole or len(names) > FEW):
            most = EVERYTHING if self.whole else max(LEAST_RECORDS, RECORDS_A_NAME * len(names))
            try:
                return self._transfer(zone, names, most)
            except NoTransferError as exc:
                if self.whole:
                    raise DnsError(messages.no_transfer(zone, str(self.server), str(exc))) from None
        elif self.found.how.get(zone) == "transfer":
            return []
        self.found.how[zone] = "queries"
        return self._query(zone, names)

    def _transfer(self, zone: str, names: Names, most: int) -> list[str]:
        records = Records()
        cuts: dict[str, str] = {}
        for part in self.server.transfer(zone, most):
            for record in part:
                if record.kind in KINDS:
                    records.add(*record)
                elif record.kind == "DNAME" or (record.kind == "NS" and record.name != zone):
                    cuts[record.name] = record.kind
        self.found.state.update(records.state())
        self.found.how[zone] = "transfer"
        lower = []
        for name in names if cuts else ():
            over = [cut for cut in (name, *ancestors(name, zone)) if cut in cuts]
            if any(cuts[cut] == "NS" for cut in over):
                lower.append(name)
            elif any(cut != name for cut in over):
                self.found.errors[name] = messages.below_dname(name, over[-1])
        return lower

    def _query(self, zone: str, names: Names) -> list[str]:
        questions = [(name, kind) for name, kinds in names.items() for kind in kinds]
        answers = self.server.ask([*questions, *((mark_name(name), "TXT") for name in names)])
        lower = self._take(zone, names, answers)
        more: list[Question] = []
        for name in names:
            mark = mark_of(name, self.found.state)
            more += [(name, kind) for kind in (mark.types if mark else ()) if kind in KINDS and kind not in names[name]]
        if more:
            self._take(zone, dict.fromkeys(name for name, _kind in more), self.server.ask(more))
        self._forget_wildcards(zone, names)
        return [name for name in lower if name not in self.found.errors]

    def _take(self, zone: str, names: t.Iterable[str], answers: t.Mapping[Question, Message]) -> list[str]:
        """Keep what the answers say. Gives the names that are in a zone below this one."""
        lower = {}
        of_mark = {mark_name(name): name for name in names}
        for (asked, _kind), message in answers.items():
            name = of_mark.get(asked, asked)
            inner = zone_in(message, asked)
            if message.code not in (NOERROR, NXDOMAIN):
                self.found.errors[name] = messages.not_authoritative(str(self.server), name, message.code_text)
            elif not message.authoritative or (inner is not None and inner != zone):
                lower[name] = True
        for name, node in records_of(answers).state().items():
            self.found.state.setdefault(name, {}).update(node)
        return list(lower)

    def _forget_wildcards(self, zone: str, names: t.Iterable[str]) -> None:
        """An answer may be made from a wildcard. Where it equals the wildcard's, the name is taken not to exist.

        A name with a mark exists. A wrong guess does no harm: the update's prerequisites fail then.
        """
        state = self.found.state
        suspects = [name for name in names if state.get(name) and not mark_of(name, state)]
        above = {name: [f"*.{place}" for place in ancestors(name, zone)] for name in suspects}
        questions = {(wildcard, kind) for name in suspects for wildcard in above[name] for kind in state[name]}
        answers = self.server.ask(sorted(questions))
        wildcards = records_of(answers).state()
        for name in suspects if wildcards else ():
            nodes = [wildcards.get(wildcard, {}) for wildcard in above[name]]
            made = [k for k, rrset in state[name].items() if any(rrset.same_values(node.get(k)) for node in nodes)]
            for kind in made:
                del state[name][kind]


class Records:
    """Records as they come, to RRsets."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, tuple[int, set[str]]]] = {}

    def add(self, name: str, kind: str, ttl: int, value: str) -> None:
        node = self.values.setdefault(name, {})
        node.setdefault(kind, (ttl, set()))[1].add(value)

    def state(self) -> dict[str, dict[str, Rrset]]:
        return {
            name: {kind: Rrset(ttl, tuple(sorted(values))) for kind, (ttl, values) in node.items()}
            for name, node in self.values.items()
        }


def records_of(answers: t.Mapping[Question, Message]) -> Records:
    """The records at the names that were asked for."""
    records = Records()
    for (asked, _kind), message in answers.items():
        for record in message.answer:
            if record.kind in KINDS and record.name == asked:
                records.add(*record)
    return records


def zone_in(message: Message, name: str) -> str | None:
    """The zone that an authoritative answer says the name is in; None where it does not say."""
    if not message.authoritative:
        return None
    found = (record.name for record in (*message.answer, *message.authority) if record.kind == "SOA")
    return next((zone for zone in found if is_within(name, zone)), None)


def cut_in(message: Message) -> str | None:
    """The name that is delegated, where the answer only sends elsewhere."""
    if message.authoritative or message.code:
        return None
    return next((record.name for record in message.authority if record.kind == "NS"), None)
