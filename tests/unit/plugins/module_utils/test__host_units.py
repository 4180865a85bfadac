# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._host_units import enabled, installed, is_listening

# Lines of /proc/net/unix (kernel 6.18).
TABLE = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000000002c96439: 00000002 00000000 00010000 0001 01 3477021 /run/docker.sock
0000000060f86e1e: 00000003 00000000 00000000 0001 03 3521025 /run/podman/podman.sock
00000000894197c8: 00000002 00000000 00010000 0001 01 3523853 /run/user/1000/podman/podman.sock
0000000004c96439: 00000003 00000000 00000000 0001 03 3477022
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/run/docker.sock", True, id="somebody listens"),
        pytest.param("/run/podman/podman.sock", False, id="a connection is no listener"),
        pytest.param("/run/user/1000/podman/podman.sock", True, id="of a user"),
        pytest.param("/run/user/1001/podman/podman.sock", False, id="of another user"),
    ],
)
def test_is_listening(path, expected):
    assert is_listening(TABLE, path) is expected


def test_enabled(tmp_path):
    wants = tmp_path / "user" / "sockets.target.wants"
    wants.mkdir(parents=True)
    (wants / "podman.socket").symlink_to("/usr/lib/systemd/user/podman.socket")
    assert enabled("podman.socket", str(tmp_path), str(tmp_path / "user"))
    assert not enabled("podman-restart.service", str(tmp_path / "user"))


def test_installed():
    assert installed("no-such-program", "/bin/sh")
    assert not installed("no-such-program", "/no/such/path")
