# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._host_users import (
    asks_elsewhere,
    has_range,
    is_own,
    read_user,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("root:1000000:1000\napp:100000:65536\n", True, id="by name"),
        pytest.param("1000:100000:65536\n", True, id="by uid"),
        pytest.param("application:100000:65536\n", False, id="another user"),
        pytest.param("app:100000:0\n", False, id="an empty range"),
        pytest.param("app\n\n", False, id="half a line"),
        pytest.param("", False, id="no file"),
    ],
)
def test_has_range(text, expected):
    assert has_range(text, "app", 1000) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("passwd: files\nsubid: sss\n", True, id="from a directory server"),
        pytest.param("subid:\tfiles\n", False, id="from the files"),
        pytest.param("passwd: files systemd\n", False, id="not said"),
    ],
)
def test_asks_elsewhere(text, expected):
    assert asks_elsewhere(text) is expected


def test_a_user_who_is_not_there():
    user = read_user("no-such-user")
    assert not any(user.values())
    assert set(user) == set(read_user("root"))


def test_only_a_socket_of_the_users_own_counts(tmp_path):
    path, link = tmp_path / "own", tmp_path / "link"
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(str(path))
    link.symlink_to(path)
    (tmp_path / "file").touch()
    assert is_own(str(path), os.getuid())
    assert not is_own(str(path), os.getuid() + 1)
    assert not any(is_own(str(tmp_path / name), os.getuid()) for name in ("link", "file", "none"))


def test_a_name_that_no_user_can_have():
    assert not any(read_user("app\0").values())
