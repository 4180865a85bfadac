# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An entry of `ipv6_services` has one description and one argument spec, wherever it is written."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml

from ansible_collections.ipv6.services.plugins.module_utils._container_spec import CONTAINER_OPTIONS
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import INSTANCE_OPTIONS
from ansible_collections.ipv6.services.plugins.plugin_utils._kinds import GUARD_OPTIONS

TOP = pathlib.Path(__file__).resolve().parents[2]
ROLE = yaml.safe_load((TOP / "roles/deploy/meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]


def test_role_and_guide_are_made_from_the_modules_documentation():
    done = subprocess.run(
        [sys.executable, TOP / "tests/specs.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def described(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """An argument spec without its sentences, and without the module's no_log, which the role's spec hasn't."""
    kept = ("type", "elements", "choices", "default", "required")
    return {
        called: {key: option[key] for key in kept if option.get(key)}
        | ({"options": described(option["options"])} if "options" in option else {})
        for name, option in options.items()
        for called in (name, *option.get("aliases", ()))
    }


def united(one: dict[str, t.Any], other: dict[str, t.Any]) -> dict[str, t.Any]:
    """An option of containers and instances: what holds for both, and every choice."""
    if any(one.get(key) != other.get(key) for key in ("type", "elements", "options")):
        return {"type": "raw"}
    same = {key: value for key, value in one.items() if key != "choices" and value == other.get(key)}
    choices = [*one.get("choices", []), *(c for c in other.get("choices", []) if c not in one.get("choices", []))]
    return {**same, **({"choices": choices} if choices else {})}


def test_the_documentation_says_what_the_code_takes():
    wanted, instance = described(CONTAINER_OPTIONS), described(INSTANCE_OPTIONS)
    if (TOP / "plugins/modules/instance.py").exists():
        wanted = {
            name: united(wanted.get(name, option), instance.get(name, option))
            for name, option in {**wanted, **instance}.items()
        }
    wanted.update(described(GUARD_OPTIONS))
    assert described(ROLE["ipv6_services"]["options"]) == wanted


@pytest.mark.parametrize("role", ["deploy", "host"])
def test_every_default_of_a_role_is_in_its_spec(role):
    options = yaml.safe_load((TOP / f"roles/{role}/meta/argument_specs.yml").read_text())["argument_specs"]["main"][
        "options"
    ]
    defaults = yaml.safe_load((TOP / f"roles/{role}/defaults/main.yml").read_text())
    assert set(defaults) <= set(options)
    templated = {name for name, value in defaults.items() if isinstance(value, (str, dict)) and "{" in str(value)}
    stated = {name: value for name, value in defaults.items() if name not in templated}
    assert {name: options[name].get("default") for name in stated} == stated
