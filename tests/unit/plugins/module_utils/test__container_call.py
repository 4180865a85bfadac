# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A call against engines that are not there."""

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._container_call import Call, Request

ENTRY = {"name": "web1", "address": "2001:db8::201", "image": "a:1", "ports": [80]}


def call(tmp_path, check_mode, **entry):
    sockets = {engine: str(tmp_path / engine) for engine in ("docker", "podman")}
    request = Request([{**ENTRY, **entry}], "docker", sockets, "ipv6-services", 4, False, 60, 60, check_mode)
    done = Call(request)
    done.parse()
    done.read()
    done.pull()
    return done, done.apply(done.plan())


def test_an_engine_that_does_not_answer_is_an_error(tmp_path):
    done, outcomes = call(tmp_path, check_mode=False)
    assert outcomes == []
    assert done.errors["web1"].startswith(f"docker does not answer at {tmp_path}/docker")


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_in_check_mode_it_is_taken_for_one_that_role_host_will_start(tmp_path, engine):
    done, (outcome,) = call(tmp_path, check_mode=True, engine=engine)
    assert done.errors == {}
    assert outcome.step.action == "created"
    assert outcome.step.unknown == (
        f"{engine} does not answer at {tmp_path}/{engine} yet, so what it has is not known",
    )


def test_in_check_mode_nothing_is_gone_from_an_engine_that_does_not_answer(tmp_path):
    _done, (outcome,) = call(tmp_path, check_mode=True, state="absent")
    assert outcome.step.action == "none"
    assert outcome.step.unknown
