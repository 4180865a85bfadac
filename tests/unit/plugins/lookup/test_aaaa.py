# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dns.rcode
import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleError

from ansible_collections.ipv6.services.plugins.lookup import aaaa
from ansible_collections.ipv6.services.tests.unit.plugins.plugin_utils.nanonameserver import NanoNameServer, answer

WEB1, WEB2 = "2001:db8::201", "2001:db8::202"


def handler(query, _transport):
    name = query.question[0].name.to_text(omit_final_dot=True)
    addresses = {"web1.example.com": [WEB1], "two.example.com": [WEB2, WEB1], "web_2.example.com": [WEB2]}
    codes = {"gone.example.com": dns.rcode.NXDOMAIN, "broken.example.com": dns.rcode.SERVFAIL}
    records = [f"{name}. AAAA {address}" for address in addresses.get(name, [])]
    return answer(query, *records, rcode=codes.get(name, dns.rcode.NOERROR))


@pytest.fixture(name="warnings")
def fixture_warnings(monkeypatch):
    heard = []
    monkeypatch.setattr(aaaa.display, "warning", heard.append)
    return heard


@pytest.fixture(name="look_up")
def fixture_look_up():
    """The lookup with the options that its documentation gives it, and a name server for example.com."""
    options = yaml.safe_load(aaaa.DOCUMENTATION)["options"]
    constants.config.initialize_plugin_configuration_definitions("lookup", "ipv6.services.aaaa", options)

    def look_up(*terms, **options):
        plugin = aaaa.LookupModule()
        plugin._load_name = "ipv6.services.aaaa"
        return plugin.run(list(terms), {}, **{"servers": [str(server.server)], "domain": "example.com", **options})

    with NanoNameServer(handler) as server:
        yield look_up


@pytest.mark.parametrize(
    "terms, options, expected",
    [
        pytest.param(["web1"], {}, [WEB1], id="one name"),
        pytest.param(["web1.example.com."], {"domain": None}, [WEB1], id="a full name"),
        pytest.param(["web_2", "WEB1", "web_2"], {}, [WEB2, WEB1, WEB2], id="one result a term, in their order"),
        pytest.param([["web1", "web_2"]], {}, [WEB1, WEB2], id="a list as a term"),
        pytest.param(["web1", "none", "gone"], {"empty": "ignore"}, [WEB1, "", ""], id="without an address"),
        pytest.param(["broken", "web1"], {"error": "ignore"}, ["", WEB1], id="without an answer"),
        pytest.param(["two", "web1"], {"several": "first"}, [WEB1, WEB1], id="the lowest of several"),
        pytest.param(["two", "web1"], {"several": "all"}, [[WEB1, WEB2], [WEB1]], id="all of several"),
        pytest.param(
            ["none", "gone", "broken"],
            {"several": "all", "empty": "ignore", "error": "ignore"},
            [[], [], []],
            id="lists have nothing in them",
        ),
        pytest.param([], {}, [], id="no terms"),
    ],
)
def test_results(look_up, warnings, terms, options, expected):
    assert look_up(*terms, **options) == expected
    assert warnings == []


@pytest.mark.parametrize(
    "terms, options, messages",
    [
        pytest.param(["gone", "web1"], {}, ["gone.example.com has no IPv6 address. ", "NXDOMAIN"], id="NXDOMAIN"),
        pytest.param(["none"], {"error": "ignore"}, ["none.example.com has no IPv6 address. ", "NODATA"], id="NODATA"),
        pytest.param(
            ["broken"], {"empty": "ignore"}, ["broken.example.com can't be looked up: ", "SERVFAIL"], id="SERVFAIL"
        ),
        pytest.param(["two"], {}, [f"two.example.com has 2 IPv6 addresses, not one: {WEB1}, {WEB2}."], id="several"),
        pytest.param(
            ["gone", "none", "broken", "two"], {}, ["gone.", "none.", "broken.", "two."], id="all names at once"
        ),
        pytest.param(["web 1"], {}, ["'web 1' is no DNS name"], id="no name"),
        pytest.param([1], {}, ["1 is of type int, not a name"], id="a number"),
        pytest.param(["web1"], {"domain": "exa mple"}, ["'exa mple' is no DNS name"], id="no domain"),
        pytest.param(
            ["web1"], {"servers": ["dns.example.com"]}, ["'dns.example.com' is no name server"], id="no server"
        ),
        pytest.param(["web1"], {"timeout": 0}, ["timeout is 0.0. Give a number above 0."], id="no time"),
        pytest.param(["web1"], {"timeout": float("inf")}, ["timeout is inf. "], id="time without end"),
        pytest.param(["web1"], {"timeout": float("nan")}, ["timeout is nan. "], id="no number as the time"),
        pytest.param(["web1"], {"concurrency": -1}, ["concurrency is -1. Give a number above 0."], id="no concurrency"),
        pytest.param(["web1"], {"empty": "maybe"}, ["maybe"], id="no choice"),
    ],
)
def test_failures(look_up, terms, options, messages):
    with pytest.raises(AnsibleError) as error:
        look_up(*terms, **options)
    assert [m for m in messages if m not in str(error.value)] == []


def test_warnings(look_up, warnings):
    assert look_up("gone", "broken", "web1", empty="warn", error="warn") == ["", "", WEB1]
    assert [text.split(".")[0] for text in warnings] == ["gone", "broken"]
