# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventories written as YAML text, loaded and templated by Ansible itself, and planned."""

from __future__ import annotations

import textwrap
import typing as t
from ipaddress import IPv6Address

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.ipv6.services.plugins.action.plan import read_hosts
from ansible_collections.ipv6.services.plugins.plugin_utils._answers import Answer
from ansible_collections.ipv6.services.plugins.plugin_utils._fleet import Inventory
from ansible_collections.ipv6.services.plugins.plugin_utils._fleet_plan import Plan, names_to_look_up, plan_fleet

LAN = "2001:db8::/64"


def facts(number: int, **different: t.Any) -> dict[str, t.Any]:
    """What module host_info says of host h1, h2, ... of the lab."""
    return {
        "interface": "eth0",
        "default_route": True,
        "links": {"eth0": {}, "lo": {}},
        "prefixes": [{"prefix": LAN, "interface": "eth0"}],
        "host_addresses": [{"address": f"2001:db8::1:{number}", "length": 64, "interface": "eth0"}],
        "service_addresses": [],
        **different,
    }


def load(
    tmp_path: t.Any, text: str, play_vars: t.Mapping[str, t.Any] | None = None, limit: str | None = None
) -> Inventory:
    """text: an inventory in YAML."""
    path = tmp_path / "hosts.yml"
    path.write_text(text, encoding="utf-8")
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(path)])
    if limit:
        inventory.subset(limit)
    manager = VariableManager(loader=loader, inventory=inventory)
    hostvars = HostVars(inventory, manager, loader)
    source = {"hosts": "all:!aside", "gather_facts": False, "vars": dict(play_vars or {})}
    play = Play.load(source, variable_manager=manager, loader=loader)
    return Inventory(hostvars, Task(block=Block(play=play)), Templar(loader=loader, variables={}))


def one_host(text: str) -> str:
    """The inventory of host h1, whose variables are `text`."""
    return f"all:\n  hosts:\n    h1:\n{textwrap.indent(textwrap.dedent(text), ' ' * 6)}"


def plan(inventory: Inventory, answers: t.Mapping[str, Answer] | None = None, known: bool = True) -> Plan:
    """answers: of names that do not just have an address of their own. known: whether there are facts of the hosts."""
    read = inventory.read

    def read_with_facts(name: str) -> tuple[dict[str, t.Any], list[t.Any]]:
        variables, problems = read(name)
        if known and not variables["ipv6_services_host"]:
            variables["ipv6_services_host"] = facts(int(name[1:]))
        return variables, problems

    inventory.read = read_with_facts  # type: ignore[method-assign]
    hosts, problems = read_hosts(inventory, None)
    found = {
        name: Answer("found", (IPv6Address(f"2001:db8::a:{number:x}"),))
        for number, name in enumerate(names_to_look_up(hosts), 1)
    }
    return plan_fleet(hosts, {**found, **(answers or {})}, problems)
