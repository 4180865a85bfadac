# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call of the module `guard`: what is there, what is to be there, and the difference."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.ipv6.services.plugins.module_utils import _guard_files, _guard_messages
from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.module_utils._guard_elements import Elements
from ansible_collections.ipv6.services.plugins.module_utils._guard_host import read_host
from ansible_collections.ipv6.services.plugins.module_utils._guard_plan import Plan, plan
from ansible_collections.ipv6.services.plugins.module_utils._guard_request import Request
from ansible_collections.ipv6.services.plugins.module_utils._guard_rules import parse_text, render, structure
from ansible_collections.ipv6.services.plugins.module_utils._nft import Nft, Table


@dataclass(frozen=True)
class Call:
    """What the host has, and what it gets."""

    table: Table | None
    before: Elements  # of the table or, where it is gone, of its file
    plan: Plan
    text: str | None  # what nft is to load; None where there is to be no table
    differs: bool  # whether the table is another than that
    stale: t.Mapping[str, str | None]  # files to write, or with None to remove
    restored: bool  # whether the table was not as the file has it

    @property
    def changed(self) -> bool:
        return self.differs or bool(self.stale)


def read_call(request: Request, nft: Nft | None, path: str) -> Call:
    """nft: None where the host hasn't got it. path: where it is, or will be. Raises RequestError and CommandError."""
    if request.present and request.persistent and not os.path.isdir("/run/systemd/system"):
        raise RequestError(_guard_messages.no_systemd())
    return plan_call(request, nft.read() if nft else None, _guard_files.read(), path)


def plan_call(request: Request, table: Table | None, files: t.Mapping[str, str | None], path: str) -> Call:
    written = files[_guard_files.FILE]
    before = table.elements if table else parse_text(written or "")
    planned = plan(request, before, read_host())
    if not request.present or not planned.elements.addresses:
        planned = replace(planned, elements=Elements())
        stale = _guard_files.stale(_guard_files.wanted(None, path), files)
        return Call(table, before, planned, None, table is not None, stale, False)
    elements, settings = planned.elements, request.settings
    lasting = render(settings, elements, remark=_guard_files.HEADER)
    right = table is not None and table.elements == elements and table.structure == structure(settings)
    stale = _guard_files.stale(_guard_files.wanted(lasting if request.persistent else None, path), files)
    return Call(
        table=table,
        before=before,
        plan=planned,
        text=render(settings, elements, table.counts if table else None),
        differs=not right,
        stale=stale,
        restored=not right and written == lasting,
    )
