# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nftables: the program `nft`, and the guard's table as it says it."""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import dataclass, field

from ansible_collections.ipv6.services.plugins.module_utils._command import CommandError, Run, output, run_all
from ansible_collections.ipv6.services.plugins.module_utils._guard_elements import SETS, Count, Elements, Read
from ansible_collections.ipv6.services.plugins.module_utils._guard_rules import FAMILY, TABLE, parse_structure

_NFT = ("/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/bin/nft")


@dataclass(frozen=True)
class Table:
    """The guard's table as it is in the kernel."""

    elements: Elements
    structure: t.Mapping[str, t.Any]  # as _guard_rules.structure; empty where somebody has made something else of it
    counts: t.Mapping[t.Any, Count] = field(default_factory=dict)  # by counter, and by element of `published`


def parse_table(text: str) -> Table:
    """text: of `nft -j list table`."""
    read = Read()
    try:
        objects = json.loads(text)["nftables"]
        structure = parse_structure(objects)
        counts: dict[t.Any, Count] = {}
        for item in objects:
            ((kind, value),) = item.items()
            if kind == "counter":
                counts[value["name"]] = (value["packets"], value["bytes"])
            elif kind == "set" and value["name"] in SETS:
                for element in value.get("elem", ()):
                    read.add(value["name"], element)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Table(Elements(), {})
    return Table(read.done(), structure, {**counts, **read.counts})


def nft_path() -> str | None:
    """Where the program is: the same at each run, whatever PATH says."""
    return next((path for path in _NFT if os.path.exists(path)), None)


class Nft:
    """The program, through the module's run_command."""

    def __init__(self, run: Run, path: str) -> None:
        self._run = run
        self._path = path

    def read(self) -> Table | None:
        """None when there is no such table. Raises CommandError."""
        argv = [self._path, "-j", "list", "table", FAMILY, TABLE]
        status, out, err = run_all(self._run, argv)
        if status == 0:
            return parse_table(out)
        if "No such file or directory" in err:
            return None
        said = " ".join((err or out).split()) or "nothing"
        raise CommandError(f"`{' '.join(argv)}` ended with exit status {status} and said: {said}")

    def load(self, text: str) -> None:
        """All of it or, where it raises CommandError, nothing."""
        output(self._run, [self._path, "-f", "-"], text)

    def check(self, text: str) -> None:
        """Raises CommandError where `load` would."""
        output(self._run, [self._path, "-c", "-f", "-"], text)

    def delete(self) -> None:
        output(self._run, [self._path, "delete", "table", FAMILY, TABLE])
