# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An entry of `ipv6_services` is described once, in the modules container and instance; this makes the other two
descriptions from them.

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
MADE = "      # What follows is made by `make specs` from the documentation of the modules container and instance.\n"
# module -> its option that has the entries
MODULES = {"container": "containers", "instance": "instances", "guard": "services"}
ENGINES = {
    "container": ["docker", "podman"],
    "instance": ["incus", "lxd"],
    "guard": ["docker", "podman", "incus", "lxd"],
}
# Options of an entry that only the guard keeps; the others are described by who makes the service.
OF_GUARD = ("allow",)
ENTRY = r"\b([{}])\((?:(?:containers|instances)\[\]\.)?([^)]*)\)"  # markup, with a link to an option of a module in it

INTRODUCTION = """\
# The options of a service

An entry of `ipv6_services` may have these. `docker` and `podman` run containers, `incus` and `lxd` run instances; an option
without engines is one of all four. Where `community.docker.docker_container` has an option of the same name, it has the
same type and the same meaning. This page is made by `make specs` from the documentation of the modules `container` and
`instance`, which `ansible-doc -t module ipv6.services.container` shows.

| option | engines | type | what it does |
| --- | --- | --- | --- |
"""


class Indented(yaml.SafeDumper):
    """Lists stand deeper than their key, as yamllint and ansible-lint want it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def documented(module: str) -> dict[str, t.Any]:
    """The options of one entry, from the module's DOCUMENTATION; none where there is no such module."""
    path = TOP / f"plugins/modules/{module}.py"
    if not path.exists():
        return {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            options = yaml.safe_load(ast.literal_eval(node.value))["options"]
            return t.cast("dict[str, t.Any]", options[MODULES[module]]["suboptions"])
    raise SystemExit(f"module {module} has no DOCUMENTATION")


def entry() -> dict[str, t.Any]:
    """The options of an entry, whatever runs it, each with its `engines`."""
    options: dict[str, t.Any] = {}
    for module in MODULES:
        for name, option in documented(module).items():
            if module == "guard" and name not in OF_GUARD:
                continue
            new = {**option, "description": sentences(option), "engines": ENGINES[module]}
            options[name] = both(options[name], new) if name in options else new
    return options


def sentences(option: dict[str, t.Any]) -> list[str]:
    text = option["description"]
    return text if isinstance(text, list) else [text]


def both(one: dict[str, t.Any], other: dict[str, t.Any]) -> dict[str, t.Any]:
    """An option that containers and instances have. Its type is `raw` where it is not the same for both."""
    engines = {"engines": one["engines"] + other["engines"]}
    texts = one["description"]
    if other["description"] != texts:
        texts = [*of_kind(one), *of_kind(other)]
    same = {k: v for k, v in one.items() if k in ("aliases", "required", "default") and v == other.get(k)}
    kind = ("type", "elements", "suboptions")
    if any(one.get(k) != other.get(k) for k in kind):
        return {"description": texts, "type": "raw", **engines}
    choices = [*one.get("choices", []), *(c for c in other.get("choices", []) if c not in one.get("choices", []))]
    typed = {k: one[k] for k in kind if k in one} | ({"choices": choices} if choices else {})
    return {"description": texts, **typed, **same, **engines}


def of_kind(option: dict[str, t.Any]) -> list[str]:
    """The sentences, of which the first says for which engines they hold."""
    first, *rest = option["description"]
    return [f"{', '.join(f'C({engine})' for engine in option['engines'])}: {first}", *rest]


def plain(value: t.Any) -> t.Any:
    """The same without links to the module's own options, which mean nothing in a role."""
    if isinstance(value, str):
        return re.sub(ENTRY.format("O"), r"C(\2)", value)
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        left_out = ("version_added", "engines")
        return {("options" if k == "suboptions" else k): plain(v) for k, v in value.items() if k not in left_out}
    return value


def for_role(option: dict[str, t.Any]) -> dict[str, t.Any]:
    """The same, saying its engines where not all have it."""
    return option if len(option["engines"]) > 2 else {**option, "description": of_kind(option)}


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
    own = re.split(r"(?m)^ +# What follows is made by", SPEC.read_text())[0]
    options = without_aliases({name: plain(for_role(option)) for name, option in entry().items()})
    services = {
        "description": ["The host's services.", "An empty list is none."],
        "type": "list",
        "elements": "dict",
        "options": options,
        "default": [],
    }
    text = yaml.dump({"ipv6_services": services}, Dumper=Indented, sort_keys=False, width=140, allow_unicode=True)
    text = re.sub(r"(\s)'(no)'$", r'\1"\2"', text, flags=re.MULTILINE)
    return own + MADE + "".join(f"      {line}" for line in text.splitlines(keepends=True))


def guide() -> str:
    """One row an option."""
    rows = []
    for name, option in entry().items():
        kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        text = " ".join(option["description"])
        if "aliases" in option:
            text += f" Also called {', '.join(f'`{a}`' for a in option['aliases'])}."
        if "choices" in option:
            text += f" One of {', '.join(f'`{c}`' for c in option['choices'])}."
        if "default" in option:
            text += f" Default: `{option['default']}`."
        text = re.sub(ENTRY.format("OVCM"), r"`\2`", text).replace("|", "\\|")
        text = re.sub(r"\bP\(([^)#]*)(?:#[a-z]*)?\)", r"`\1`", text)
        text = re.sub(r"\b[BI]\(([^)]*)\)", r"*\1*", text)
        engines = "" if len(option["engines"]) > 2 else ", ".join(option["engines"])
        rows.append(f"| `{name}` | {engines} | {kind} | {text} |\n")
    return INTRODUCTION + "".join(rows)


def main(*arguments: str) -> None:
    wanted = {SPEC: spec(), GUIDE: guide()}
    if arguments == ("--check",):
        stale = [
            str(path.relative_to(TOP)) for path, text in wanted.items() if not path.exists() or path.read_text() != text
        ]
        if stale:
            raise SystemExit(f"run make specs: {', '.join(stale)} is not what the documentation of the modules says")
        return
    for path, text in wanted.items():
        path.write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
