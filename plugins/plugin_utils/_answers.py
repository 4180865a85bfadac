# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What name servers say of a name, apart from the asking, so that nobody loads dnspython who asks for nothing."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from ipaddress import IPv6Address


@dataclass(frozen=True)
class Answer:
    """What the name servers say of one name."""

    status: t.Literal["found", "nxdomain", "nodata", "failed"]
    addresses: tuple[IPv6Address, ...] = ()  # sorted, each once; empty unless found
    reason: str = ""  # who said what; empty when found


def complaint(name: str, answer: Answer, several_allowed: bool = False) -> str | None:
    """The sentence on a name that does not have exactly one address; None when it does.

    several_allowed: a name may have more than one.
    """
    if answer.status == "failed":
        return f"{name} can't be looked up: {answer.reason}."
    if not answer.addresses:
        return f"{name} has no IPv6 address. {answer.reason}."
    if len(answer.addresses) > 1 and not several_allowed:
        return f"{name} has {len(answer.addresses)} IPv6 addresses, not one: {', '.join(map(str, answer.addresses))}."
    return None
