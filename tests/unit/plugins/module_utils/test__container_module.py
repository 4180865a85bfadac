# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a call leaves in the log of the host and in its result."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils import basic

from ansible_collections.ipv6.services.plugins.modules import container

# A secret with a newline, a quote or a backslash stands in the text of a list in another spelling than its own.
PEM = "-----BEGIN KEY-----\nxyzzy/first+line\nxyzzy/second+line\n-----END KEY-----\n"
WORD = "xyzzy\\ss'w\"ord"
ENTRY = {
    "name": "web1",
    "address": "2001:db8::201",
    "image": "a:1",
    "secret_env": {"KEY": PEM, "WORD": WORD},
    "env": {"PLAIN": "xyzzy-plain"},
    "log_driver": "splunk",
    "log_options": {"splunk-token": "xyzzy-token"},
}


@pytest.fixture
def call(monkeypatch, capsys):
    """Runs the module with these options, and returns what it printed and what it logged."""

    def run(**options):
        logged = []
        arguments = {**options, "_ansible_check_mode": True, "_ansible_diff": True}
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        monkeypatch.setattr(
            basic.AnsibleModule, "log", lambda _, msg, log_args=None: logged.append(f"{msg} {log_args}")
        )
        with pytest.raises(SystemExit):
            container.main()
        return json.loads(capsys.readouterr().out), " ".join(logged)

    return run


@pytest.fixture
def sockets(tmp_path):
    return {f"{engine}_socket": str(tmp_path / engine) for engine in ("docker", "podman")}


def test_the_log_names_the_services_and_has_no_value_of_a_variable(call, sockets):
    _result, logged = call(containers=[ENTRY, {"name": "web2", "state": "absent"}], **sockets)
    assert "containers=web1,web2" in logged
    assert "engine=docker" in logged
    assert "xyzzy" not in logged


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"containers": [ENTRY]}, id="good"),
        pytest.param({"containers": [{**ENTRY, "address": "::"}]}, id="a bad value"),
        pytest.param({"containers": [{**ENTRY, "restart_policy": "perhaps"}]}, id="refused by the argument spec"),
        pytest.param({"containers": [ENTRY], "threads": "many"}, id="refused before the entries"),
        pytest.param({"containers": [{**ENTRY, "env": "PLAIN=xyzzy"}], "threads": "many"}, id="variables as text"),
    ],
)
def test_no_value_of_a_variable_is_in_the_result(call, sockets, options):
    result, logged = call(**sockets, **options)
    assert "web1" in str(result["invocation"])
    assert "xyzzy" not in str(result) + logged
