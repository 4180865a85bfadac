# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An entry of `ipv6_services` is described once, in module container; this makes the other two descriptions from it.

specs.py           write the argument spec of role deploy, and docs/services.md
specs.py --check   say whether both are as this would write them
"""

from __future__ import annotations

import ast
import pathlib
import re
import sys
import typing as t

import yaml

TOP = pathlib.Path(__file__).resolve().parent.parent
SPEC = TOP / "roles/deploy/meta/argument_specs.yml"
GUIDE = TOP / "docs/services.md"
MADE = "      # What follows is made by `make specs` from the documentation of module container.\n"

INTRODUCTION = """\
# The options of a service

An entry of `ipv6_services` may have these. Where `community.docker.docker_container` has an option of the same name,
it has the same type and the same meaning. This page is made by `make specs` from the documentation of module
`container`, which `ansible-doc -t module ipv6.services.container` shows.

| option | type | what it does |
| --- | --- | --- |
"""


class Indented(yaml.SafeDumper):
    """Lists stand deeper than their key, as yamllint and ansible-lint want it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def documented() -> dict[str, t.Any]:
    """The options of one entry, from the module's DOCUMENTATION."""
    tree = ast.parse((TOP / "plugins/modules/container.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            return t.cast("dict[str, t.Any]", yaml.safe_load(ast.literal_eval(node.value))["options"]["containers"])
    raise SystemExit("module container has no DOCUMENTATION")


def plain(value: t.Any) -> t.Any:
    """The same without links to the module's own options, which mean nothing in a role."""
    if isinstance(value, str):
        return re.sub(r"\bO\((?:containers\[\]\.)?([^)]*)\)", r"C(\1)", value)
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {("options" if k == "suboptions" else k): plain(v) for k, v in value.items() if k != "version_added"}
    return value


def without_aliases(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """The same with an option of its own for each alias, since ansible-lint knows no alias in a role's spec."""
    expanded = {}
    for name, option in options.items():
        expanded[name] = {key: value for key, value in option.items() if key != "aliases"}
        for alias in option.get("aliases", ()):
            expanded[alias] = {**expanded[name], "description": f"Another name of C({name})."}
    return expanded


def spec() -> str:
    """The role's argument spec: its own part as it stands in the file, and the entry's."""
    own = SPEC.read_text().partition(MADE)[0]
    entry = {**plain(documented()), "description": ["The host's services.", "An empty list is none."], "default": []}
    entry.pop("required", None)
    entry["options"] = without_aliases(entry["options"])
    text = yaml.dump({"ipv6_services": entry}, Dumper=Indented, sort_keys=False, width=140, allow_unicode=True)
    text = re.sub(r"(\s)'(no)'$", r'\1"\2"', text, flags=re.MULTILINE)
    return own + MADE + "".join(f"      {line}" for line in text.splitlines(keepends=True))


def guide() -> str:
    """One row an option."""
    rows = []
    for name, option in documented()["suboptions"].items():
        kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        text = option["description"]
        text = " ".join(text) if isinstance(text, list) else text
        if "aliases" in option:
            text += f" Also called {', '.join(f'`{a}`' for a in option['aliases'])}."
        if "choices" in option:
            text += f" One of {', '.join(f'`{c}`' for c in option['choices'])}."
        if "default" in option:
            text += f" Default: `{option['default']}`."
        text = re.sub(r"\b[OVCM]\((?:containers\[\]\.)?([^)]*)\)", r"`\1`", text).replace("|", "\\|")
        text = re.sub(r"\b[BI]\(([^)]*)\)", r"*\1*", text)
        rows.append(f"| `{name}` | {kind} | {text} |\n")
    return INTRODUCTION + "".join(rows)


def main(*arguments: str) -> None:
    wanted = {SPEC: spec(), GUIDE: guide()}
    if arguments == ("--check",):
        stale = [
            str(path.relative_to(TOP)) for path, text in wanted.items() if not path.exists() or path.read_text() != text
        ]
        if stale:
            raise SystemExit(
                f"run make specs: {', '.join(stale)} is not what the documentation of module container says"
            )
        return
    for path, text in wanted.items():
        path.write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
