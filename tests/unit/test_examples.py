# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation shows, the code accepts: EXAMPLES by the argument specs, inventories by the plan."""

from __future__ import annotations

import importlib
import pathlib
import re

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.ipv6.services.plugins.plugin_utils._host import parse_host

TOP = pathlib.Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (TOP / "plugins/modules").glob("*.py"))
INVENTORIES = ["README.md", *sorted(str(p.relative_to(TOP)) for p in (TOP / "examples").rglob("*.yml"))]


def arguments(module: str) -> dict:
    """The argument spec; that of plan is its action's."""
    place = "action" if module == "plan" else "modules"
    return importlib.import_module(f"ansible_collections.ipv6.services.plugins.{place}.{module}").ARGUMENTS


def examples(module: str) -> list:
    text = importlib.import_module(f"ansible_collections.ipv6.services.plugins.modules.{module}").EXAMPLES
    return yaml.safe_load(text)


def is_template(value: object) -> bool:
    return isinstance(value, str) and "{{" in value


@pytest.mark.parametrize("module", MODULES)
def test_every_example_is_accepted(module):
    name = f"ipv6.services.{module}"
    shown = [task for task in examples(module) if name in task]
    assert shown, "the module's EXAMPLES do not show it"
    for task in shown:
        given = {key: value for key, value in (task[name] or {}).items() if not is_template(value)}
        spec = {key: {**option, "required": False} for key, option in arguments(module).items()}
        result = ArgumentSpecValidator(spec).validate(given)
        assert result.error_messages == [], task["name"]


def service_lists(path: str) -> list:
    """Every `ipv6_services` in a file, wherever it stands."""
    text = (TOP / path).read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL) if path.endswith(".md") else [text]
    found = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if "ipv6_services" in node:
                found.append(node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    for block in blocks:
        walk(yaml.safe_load(block))
    return found


@pytest.mark.parametrize("path", INVENTORIES)
def test_every_inventory_that_is_shown_has_no_problem(path):
    for variables in service_lists(path):
        _host, problems = parse_host("example", {"ipv6_services_domain": "example.com", **variables})
        assert problems == []


def test_the_inventories_are_found():
    assert sum(len(service_lists(path)) for path in INVENTORIES) >= 5
