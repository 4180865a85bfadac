# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes to signed update messages, and which of them were done."""

from __future__ import annotations

import typing as t
from collections import deque

from ansible_collections.ipv6.services.plugins.module_utils import _dns_messages as messages
from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import Change
from ansible_collections.ipv6.services.plugins.module_utils._dns_server import DnsError, Server
from ansible_collections.ipv6.services.plugins.module_utils._dns_wire import update_messages

# What the server says when something is not as it was read (RFC 2136, 2.4).
CHANGED = ("NXRRSET", "YXRRSET", "NXDOMAIN", "YXDOMAIN")
# What may be said because of a single change. The server does all of a message or nothing, so the others are tried again.
OF_ONE = (*CHANGED, "REFUSED", "NOTZONE")
MOST_REFUSALS = 60  # messages without any that was done, after which no smaller ones are tried


class Applied(t.NamedTuple):
    errors: dict[str, str]  # by the name of the change
    messages: int  # that were sent


def apply_zone(server: Server, zone: str, changes: t.Sequence[Change]) -> Applied:
    """One message for all changes of a zone, more where they are too many for one, or where one of them can't be done."""
    key = server.key.name if server.key else ""
    errors: dict[str, str] = {}
    queue = deque(update_messages(zone, changes))
    sent = done = 0
    while queue:
        wire, part = queue.popleft()
        try:
            code = server.update(wire)
        except DnsError as exc:
            left = [change for _wire, others in queue for change in others]
            errors.update({change.name: str(exc) for change in (*part, *left)})
            break
        sent += 1
        if code == "NOERROR":
            done += 1
        elif len(part) > 1 and code in OF_ONE and (done or sent < MOST_REFUSALS):
            middle = len(part) // 2
            queue.extend(message for half in (part[:middle], part[middle:]) for message in update_messages(zone, half))
        else:
            errors.update({change.name: _sentence(server, zone, key, change, code) for change in part})
    return Applied(errors, sent)


def _sentence(server: Server, zone: str, key: str, change: Change, code: str) -> str:
    if code in CHANGED:
        return messages.concurrent(change.name, code)
    return messages.not_updated(str(server), zone, key, code)
