# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.plugin_utils._guarded import guarded
from ansible_collections.ipv6.services.plugins.plugin_utils._service import parse_services

A, B = "2001:db8::201", "2001:db8::202"


def planned(name, address, state="started", addressing=None):
    return {"name": name, "address": address, "state": state, "addressing": addressing}


@pytest.mark.parametrize(
    ("services", "plan", "gone", "expected"),
    [
        pytest.param(
            [{"name": "a", "ports": [80, "443:8443"], "image": "x"}],
            [planned("a", A)],
            [],
            [{"name": "a", "address": A, "ports": [80, "443:8443"]}],
            id="as the entry has it, where the plan has it",
        ),
        pytest.param(
            [{"name": "a", "ports": 80, "allow": {80: ["2001:db8::c"]}}],
            [planned("a", A, "stopped")],
            [],
            [{"name": "a", "address": A, "ports": [80], "allow": {80: ["2001:db8::c"]}}],
            id="one port and who may ask it",
        ),
        pytest.param([{"name": "a"}], [planned("a", A)], [], [{"name": "a", "address": A, "ports": []}], id="no ports"),
        pytest.param(
            [{"name": "a", "ports": [80]}], [planned("a", A, addressing="own")], [], [], id="a NIC of its own"
        ),
        pytest.param(
            [{"name": "a"}],
            [planned("a", A, addressing="publish")],
            [],
            [{"name": "a", "address": A, "ports": []}],
            id="an instance on a service address",
        ),
        pytest.param(
            [],
            [planned("a", A, "absent")],
            [A, B, None, A],
            [{"address": A, "state": "absent"}, {"address": B, "state": "absent"}],
            id="gone",
        ),
        pytest.param(
            [{"name": "b"}],
            [planned("a", A, "absent"), planned("b", A)],
            [A],
            [{"name": "b", "address": A, "ports": []}],
            id="the address of one that is gone goes to another",
        ),
        pytest.param([{"name": "a"}], [planned("a", None)], [], [], id="no address"),
    ],
)
def test_guarded(services, plan, gone, expected):
    assert guarded(services, plan, gone) == expected


def test_a_list_that_has_changed_since():
    with pytest.raises(KeyError, match="a"):
        guarded([], [planned("a", A)])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"allow": []}, "allow is an empty list", id="nobody"),
        pytest.param({"allow": {81: ["::/0"]}}, "port 81 of 81 is not published", id="no such port"),
        pytest.param({"allow": ["192.0.2.0/24"]}, "is no IPv6 prefix", id="IPv4"),
        pytest.param(
            {"engine": "incus", "addressing": "own", "allow": ["::/0"]}, "do not come by the host", id="own NIC"
        ),
        pytest.param({"allow_from": ["::/0"]}, "There is no such option.", id="another name"),
    ],
)
def test_what_the_plan_refuses(options, says):
    entry = {"name": "web1", "image": "x", "address": A, "ports": [80], **options}
    _services, problems = parse_services("h1", [entry])
    assert [says in problem.problem for problem in problems] == [True], problems


@pytest.mark.parametrize(
    "allow", [{80: ["2001:db8::c"]}, {"80/tcp": "2001:db8:a::/48"}, ["2001:db8:a::/48"], "2001:db8::c"]
)
@pytest.mark.parametrize("engine", ["docker", "incus"])
def test_what_the_plan_takes(allow, engine):
    entry = {"name": "web1", "image": "x", "address": A, "ports": [80], "engine": engine, "allow": allow}
    services, problems = parse_services("h1", [entry])
    assert (len(services), problems) == (1, [])
