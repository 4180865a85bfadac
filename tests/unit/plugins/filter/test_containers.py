# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ipv6.services.plugins.filter import addressed as of_addressed
from ansible_collections.ipv6.services.plugins.filter import containers as of_containers
from ansible_collections.ipv6.services.plugins.filter import instances as of_instances

addressed = of_addressed.FilterModule().filters()["addressed"]
containers = of_containers.FilterModule().filters()["containers"]
instances = of_instances.FilterModule().filters()["instances"]

SERVICES = [
    {"name": "web1", "image": "a"},
    {"name": "web2", "image": "b", "address": "2001:DB8::2", "podman_user": "root", "allow": ["::/0"]},
    {"name": "gone", "state": "absent", "stop_timeout": 5},
    {"name": "own1", "image": "c", "addressing": "own", "address": "auto"},
    {"name": "own2", "image": "c", "addressing": "own"},
]


def planned(name, engine, address, **options):
    base = {"podman_user": None, "project": None, "source": "address" if address else "none", "state": "started"}
    return {"name": name, "engine": engine, "address": address, "ports": [], "urls": [], **base, **options}


PLANNED = [
    planned("web1", "podman", "2001:db8::1", podman_user="app"),
    planned("web2", "docker", "2001:db8::2"),
    planned("gone", "docker", None, state="absent"),
    planned("own1", "incus", None, source="router", project="default", ports=[{"address": None, "port": 80}]),
    planned("own2", "lxd", "2001:db8::5", project="p"),
]
MOVED = planned("web1", "incus", "2001:db8::9", project="q", state="absent", to="h2")


def test_containers_get_what_the_plan_decides():
    assert containers(SERVICES, PLANNED) == [
        {"name": "web1", "image": "a", "address": "2001:db8::1", "engine": "podman", "podman_user": "app"},
        {"name": "web2", "image": "b", "address": "2001:db8::2", "engine": "docker"},
        {"name": "gone", "state": "absent", "stop_timeout": 5, "engine": "docker"},
    ]
    assert "address" not in SERVICES[0]


def test_instances_get_what_the_plan_decides():
    own = {"image": "c", "addressing": "own"}
    assert instances(SERVICES, PLANNED) == [
        {"name": "own1", **own, "address": "auto", "engine": "incus", "project": "default"},
        {"name": "own2", **own, "address": "2001:db8::5", "engine": "lxd", "project": "p"},
    ]


def test_what_moves_is_absent_in_its_old_place_whatever_the_list_has():
    absent = {"name": "web1", "state": "absent", "address": "2001:db8::9", "engine": "incus", "project": "q"}
    assert instances(SERVICES, [MOVED]) == [absent]
    assert instances([], [MOVED]) == [absent]
    assert containers(SERVICES, [MOVED]) == []


def test_services_that_are_not_in_the_plan_are_left_out():
    assert [c["name"] for c in containers(SERVICES, iter(PLANNED[1:2]))] == ["web2"]


@pytest.mark.parametrize("join", [containers, instances, addressed])
def test_nothing_gives_nothing(join):
    assert join([], []) == []


def test_services_get_the_addresses_that_their_instances_have():
    made = [{"name": "own1", "address": "2001:db8::ff:1"}, {"name": "own2", "address": "2001:db8::5"}]
    done = addressed(PLANNED, made)
    assert [s["address"] for s in done] == ["2001:db8::1", "2001:db8::2", None, "2001:db8::ff:1", "2001:db8::5"]
    assert done[3]["ports"] == [{"address": "2001:db8::ff:1", "port": 80}]
    assert PLANNED[3]["ports"] == [{"address": None, "port": 80}]


@pytest.mark.parametrize("made", [[], [{"name": "own1", "action": "failed"}], [{"name": "own1", "address": None}]])
def test_services_without_an_address_have_none(made):
    assert addressed(PLANNED, made) == PLANNED


@pytest.mark.parametrize(
    "services, planned, message",
    [
        (SERVICES[:1], PLANNED, "containers: 'web2' is in the plan and not in the list of services"),
        ("web1", PLANNED, "containers: both lists must be of dictionaries"),
        (SERVICES, None, "containers: both lists must be of dictionaries"),
    ],
)
def test_errors(services, planned, message):
    with pytest.raises(AnsibleFilterError) as error:
        containers(services, planned)
    assert message in str(error.value)
