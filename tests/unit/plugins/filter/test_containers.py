# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ipv6.services.plugins.filter.containers import FilterModule

containers = FilterModule().filters()["containers"]
SERVICES = [
    {"name": "web1", "image": "a"},
    {"name": "web2", "image": "b", "address": "2001:DB8::2"},
    {"name": "gone", "state": "absent"},
]
PLANNED = [
    {"name": "web1", "address": "2001:db8::1", "engine": "podman", "ports": []},
    {"name": "web2", "address": "2001:db8::2", "engine": "docker", "ports": []},
    {"name": "gone", "address": None, "engine": "docker", "ports": []},
]


def test_entries_get_the_address_and_the_engine_of_the_plan():
    assert containers(SERVICES, PLANNED) == [
        {"name": "web1", "image": "a", "address": "2001:db8::1", "engine": "podman"},
        {"name": "web2", "image": "b", "address": "2001:db8::2", "engine": "docker"},
        {"name": "gone", "state": "absent", "engine": "docker"},
    ]
    assert "address" not in SERVICES[0]


def test_services_that_are_not_in_the_plan_are_left_out():
    assert [c["name"] for c in containers(SERVICES, iter(PLANNED[1:2]))] == ["web2"]


def test_nothing_gives_nothing():
    assert containers([], []) == []


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
