# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.plugin_utils._host_watcher import HEADER, watcher


@pytest.mark.parametrize(
    ("engine", "parts"),
    [
        pytest.param(
            "podman",
            ["rules of Podman along", "-S NETAVARK_FORWARD", "podman network reload --all"],
            id="podman is told",
        ),
        pytest.param("incus", ["rules of Incus along", "table inet incus >new", "nft -f rules"], id="a copy is loaded"),
        pytest.param("lxd", ["rules of LXD along", "table inet lxd >new", '" chain inet lxd "'], id="the same for lxd"),
    ],
)
def test_watcher(engine, parts):
    text = watcher(engine)
    assert text.startswith(HEADER)
    assert [part for part in parts if part not in text] == []
    # In a unit a dollar sign is written twice.
    assert "$" not in text.replace("$$", "")
