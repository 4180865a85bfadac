# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.modules.host_info import FILES
from ansible_collections.ipv6.services.plugins.plugin_utils._host_drop_ins import (
    DOCKER_RETRY_DROP_IN,
    INCUS_DROP_IN,
    LXD_DROP_IN,
    PODMAN_DROP_IN,
    RETRY_UNIT,
    TMPFILES,
    USER_DROP_IN,
    USER_MANAGER_DROP_IN,
    drop_ins,
)

HERE = {"installed": True}
SNAP = {"installed": True, "socket": "/var/snap/lxd/common/lxd/unix.socket"}
DEBIAN = {"installed": True, "socket": "/var/lib/lxd/unix.socket"}


@pytest.mark.parametrize(
    "found, engines, rootless, paths",
    [
        pytest.param(
            {"docker": HERE}, ["docker"], [], [DOCKER_RETRY_DROP_IN, RETRY_UNIT], id="a failed start is tried again"
        ),
        pytest.param({"docker": HERE}, ["podman"], [], [], id="a Docker that runs no services is left alone"),
        pytest.param({"podman": HERE}, ["podman"], [], [PODMAN_DROP_IN], id="root's containers outlive an upgrade"),
        pytest.param({"podman": HERE}, ["docker"], [], [], id="a Podman that runs no services is left alone"),
        pytest.param({}, ["podman"], [], [], id="what is not installed yet has no unit"),
        pytest.param(
            {"podman": {**HERE, "user_wait_unit": True}},
            [],
            ["app"],
            [USER_DROP_IN, USER_MANAGER_DROP_IN],
            id="users' containers wait",
        ),
        pytest.param({"podman": HERE}, [], ["app"], [], id="a Podman whose users have nothing to wait for"),
        pytest.param({"incus": HERE}, ["incus"], [], [INCUS_DROP_IN, TMPFILES], id="Incus starts after the others"),
        pytest.param({"lxd": DEBIAN}, ["lxd"], [], [LXD_DROP_IN, TMPFILES], id="LXD, too"),
        pytest.param({"lxd": SNAP}, ["lxd"], [], [TMPFILES], id="the snap's units are the snap's"),
    ],
)
def test_drop_ins(found, engines, rootless, paths):
    lacking = drop_ins({"engines": found, "files": {}}, engines, rootless)
    assert list(lacking) == paths
    assert drop_ins({"engines": found, "files": lacking}, engines, rootless) == {}
    older = dict.fromkeys(lacking, "[Unit]\n")
    assert drop_ins({"engines": found, "files": older}, engines, rootless) == lacking


def test_the_host_tells_of_every_drop_in():
    ours = {PODMAN_DROP_IN, USER_DROP_IN, USER_MANAGER_DROP_IN, INCUS_DROP_IN, LXD_DROP_IN, TMPFILES}
    assert ours | {DOCKER_RETRY_DROP_IN, RETRY_UNIT} <= set(FILES)


def test_ansible_sees_no_template_of_its_own():
    everything = {"docker": HERE, "podman": {**HERE, "user_wait_unit": True}, "incus": HERE, "lxd": DEBIAN}
    texts = drop_ins({"engines": everything, "files": {}}, list(everything), ["app"])
    assert [path for path, text in texts.items() if "{{" in text or "{%" in text] == []
