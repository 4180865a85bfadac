# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _manager_hooks


@pytest.mark.parametrize(
    ("backends", "there"),
    [
        pytest.param([], [], id="nothing to set"),
        pytest.param(["networkd", "none"], [], id="others set them"),
        pytest.param(
            ["ifupdown"],
            [
                "/etc/network/if-up.d/ipv6-services",
                "/etc/systemd/system/networking.service.d/ipv6-services.conf",
                "/etc/systemd/system/ifup@.service.d/ipv6-services.conf",
            ],
            id="ifupdown",
        ),
        pytest.param(
            ["networkmanager"],
            [
                "/etc/NetworkManager/dispatcher.d/90-ipv6-services",
                "/etc/NetworkManager/dispatcher.d/pre-up.d/90-ipv6-services",
            ],
            id="NetworkManager",
        ),
    ],
)
def test_scripts(backends, there):
    scripts = _manager_hooks.render(backends, "/usr/sbin/ip")
    assert sorted(scripts) == sorted(_manager_hooks.paths())
    assert [path for path, text in scripts.items() if text] == there


def test_a_script_sets_the_files_of_its_link_and_waits():
    files = _manager_hooks.render(["networkmanager", "ifupdown"], "/usr/sbin/ip")
    for text in [text for path, text in files.items() if not path.endswith(".conf")]:
        assert text and text.startswith("#!/bin/sh\n# The module ipv6.services.address of Ansible wrote this file")
        assert '/etc/ipv6-services/addresses-"$link".batch /run/ipv6-services/addresses-"$link".batch;' in text
        assert '/usr/sbin/ip -6 -force -batch "$file"' in text
        assert "tentative -dadfailed" in text


def test_what_ifup_fails_to_run_is_run_by_its_unit():
    text = _manager_hooks.render(["ifupdown"], "/usr/sbin/ip")[
        "/etc/systemd/system/networking.service.d/ipv6-services.conf"
    ]
    assert text and '\n[Service]\nExecStopPost=-/bin/sh -c \'[ "$$SERVICE_RESULT" = success ] || for link in ' in text
    assert '\\\n    IFACE="$${link##*/}" /etc/network/if-up.d/ipv6-services; done\'\n' in text
