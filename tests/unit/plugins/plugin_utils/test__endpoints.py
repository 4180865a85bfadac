# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.plugin_utils._endpoints import endpoints


def port(number, protocol="tcp", address="2001:db8::201", in_range=False):
    return {"port": number, "container_port": 80, "protocol": protocol, "address": address, "range": in_range}


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        pytest.param(
            [port(80), port(443)],
            [{"name": "web1", "address": "2001:db8::201", "ports": [80, 443]}],
            id="the ports of a service are asked together",
        ),
        pytest.param([port(53, "udp"), port(5060, "sctp")], [], id="what need not answer is not asked"),
        pytest.param([port(8000, in_range=True)], [], id="a range is not asked"),
        pytest.param(
            [port(80), port(80, address="2001:db8::205")],
            [
                {"name": "web1", "address": "2001:db8::201", "ports": [80]},
                {"name": "web1", "address": "2001:db8::205", "ports": [80]},
            ],
            id="a port on another address is asked there",
        ),
    ],
)
def test_endpoints(ports, expected):
    assert endpoints([{"name": "web1", "ports": ports}]) == expected
