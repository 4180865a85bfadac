# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plan: the plan of the whole fleet, on the controller. Its documentation is that of the module."""

from __future__ import annotations

import math
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.ipv6.services.plugins.plugin_utils._answers import Answer
from ansible_collections.ipv6.services.plugins.plugin_utils._fleet import Inventory
from ansible_collections.ipv6.services.plugins.plugin_utils._fleet_parts import describe, macs
from ansible_collections.ipv6.services.plugins.plugin_utils._fleet_plan import names_to_look_up, plan_fleet
from ansible_collections.ipv6.services.plugins.plugin_utils._host import Host, parse_host
from ansible_collections.ipv6.services.plugins.plugin_utils._moves import warn_of_unreached
from ansible_collections.ipv6.services.plugins.plugin_utils._problem import Problem, report

ARGUMENTS: dict[str, t.Any] = {
    "hosts": {"type": "list", "elements": "str"},
    "servers": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "float", "default": 5.0},
    "concurrency": {"type": "int", "default": 100},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {**super().run(tmp, task_vars), "changed": False}
        _validated, params = self.validate_argument_spec(argument_spec=ARGUMENTS)
        task_vars = task_vars or {}
        inventory = Inventory(task_vars["hostvars"], self._task, self._templar)
        hosts, problems = read_hosts(inventory, params["hosts"])
        answers, failure = look_up(names_to_look_up(hosts), params)
        plan = plan_fleet(hosts, answers, problems + failure)
        if plan.problems:
            return {**result, "failed": True, **report(plan.problems)}
        absent = unreached(inventory, hosts, task_vars)
        warnings = warn_of_unreached(hosts, plan.placed, absent)
        return {
            **result,
            **({"warnings": warnings} if warnings else {}),
            "hosts": describe(hosts, plan),
            "unreached": absent,
            "unchecked": [host.name for host in hosts if host.services and not host.facts],
            "macs": macs(hosts),
        }


def unreached(inventory: Inventory, hosts: t.Iterable[Host], task_vars: t.Mapping[str, t.Any]) -> list[str]:
    """Hosts of the play that have no facts, and whose turn is not still to come, as with `serial`."""
    absent = inventory.in_play() - {host.name for host in hosts if host.facts} - set(task_vars["ansible_play_hosts"])
    return sorted(absent)


def read_hosts(inventory: Inventory, wanted: t.Sequence[str] | None) -> tuple[list[Host], list[Problem]]:
    """The hosts, sorted, and what is wrong with their variables.

    wanted: names of hosts; None for all.
    """
    known = inventory.names()
    hosts, problems = [], []
    for name in sorted(set(wanted)) if wanted is not None else known:
        if name not in known:
            mend = "Correct 'hosts', or add it."
            problems.append(Problem(None, None, "hosts", name, f"{name!r} is no host of the inventory.", mend))
            continue
        variables, untemplated = inventory.read(name)
        host, wrong = parse_host(name, variables)
        hosts.append(host)
        problems += untemplated + wrong
    return hosts, problems


def look_up(names: t.Sequence[str], params: t.Mapping[str, t.Any]) -> tuple[t.Mapping[str, Answer], list[Problem]]:
    """The answers, or the problem that nothing can be asked. Loads dnspython only when there are names."""
    for option in ("timeout", "concurrency"):
        if not math.isfinite(params[option]) or params[option] <= 0:
            text = f"{option} is {params[option]}."
            return {}, [Problem(None, None, option, params[option], text, "Give a number above 0.")]
    if not names:
        return {}, []
    from ansible_collections.ipv6.services.plugins.plugin_utils import _resolver

    try:
        servers = [_resolver.parse_server(text) for text in params["servers"]]
        return _resolver.resolve(names, servers, params["timeout"], params["concurrency"]), []
    except _resolver.ResolverError as exc:
        mend = "Or give every service an address, or set ipv6_services_prefix."
        return {}, [Problem(None, None, "servers", None, str(exc), mend)]
