# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import time

import dns.rcode
import dns.tsig
import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _dns_server
from ansible_collections.ipv6.services.plugins.module_utils._dns_key import Key
from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import Change, Rrset, SetChange
from ansible_collections.ipv6.services.plugins.module_utils._dns_server import DnsError, NoTransferError, Server
from ansible_collections.ipv6.services.plugins.module_utils._dns_wire import write_update

from .primary import KEY, Primary

ADDRESS = Rrset(300, ("2001:db8::201",))
UPDATE = write_update(
    "example.com", [Change("web1.example.com", (SetChange("web1.example.com", "AAAA", None, ADDRESS),))]
)
ZONES = {"example.com": ["web1.example.com 300 AAAA 2001:db8::201", "web2.example.com 60 TXT text"]}


def server(primary, key=KEY, timeout=2.0):
    return Server("::1", primary.port, key, timeout)


def test_many_questions_over_one_connection():
    with Primary(ZONES) as primary:
        names = [f"web{i}.example.com" for i in range(500)]
        answers = server(primary).ask((name, "AAAA") for name in names)
    assert [name for name, kind in answers if answers[name, kind].answer] == ["web1.example.com"]
    assert len(answers) == 500


def test_a_server_that_closes_after_some_answers_is_connected_to_again():
    with Primary(ZONES, answers_a_connection=7) as primary:
        answers = server(primary).ask((f"web{i}.example.com", "AAAA") for i in range(50))
    assert len(answers) == 50


def test_a_server_that_signs_no_answers_gets_no_signed_questions_any_more():
    with Primary(ZONES, signs=False) as primary:
        asking = server(primary)
        asking.ask([("web1.example.com", "AAAA")])
        assert not asking.signs_questions
        assert asking.update(UPDATE) == "NOERROR"


def test_transfer():
    with Primary(ZONES) as primary:
        records = [record for part in server(primary).transfer("example.com", 100) for record in part]
    assert [(r.name, r.kind) for r in records] == [
        ("example.com", "SOA"),
        ("web1.example.com", "AAAA"),
        ("web2.example.com", "TXT"),
        ("example.com", "SOA"),
    ]


def test_no_transfer():
    with Primary(ZONES, transfers=False) as primary, pytest.raises(NoTransferError, match="REFUSED"):
        list(server(primary).transfer("example.com", 100))


def test_a_zone_that_is_too_large():
    with Primary(ZONES) as primary, pytest.raises(NoTransferError, match="it has more than 3 records"):
        list(server(primary).transfer("example.com", 3))


def test_update():
    with Primary(ZONES) as primary:
        assert server(primary).update(UPDATE) == "NOERROR"
        assert [rrset.to_text() for rrset in primary.updates[0].update] == [
            "web1.example.com. 300 IN AAAA 2001:db8::201"
        ]


@pytest.mark.parametrize("code", [dns.rcode.REFUSED, dns.rcode.NXRRSET, dns.rcode.SERVFAIL])
def test_what_the_server_says_of_an_update(code):
    with Primary(ZONES, code=code) as primary:
        assert server(primary).update(UPDATE) == dns.rcode.to_text(code)


def test_an_update_goes_over_a_new_connection_where_the_old_one_was_closed():
    with Primary(ZONES, answers_a_connection=1) as primary:
        asking = server(primary)
        for _update in range(3):
            assert asking.update(UPDATE) == "NOERROR"


@pytest.mark.parametrize(
    "raised, message",
    [
        (dns.tsig.PeerBadKey(), "does not know the key lab with hmac-sha256 (BADKEY). Give it that key"),
        (dns.tsig.PeerBadSignature(), "The secret of the key lab is not the one that the name server"),
        (dns.tsig.BadSignature(), "(BADSIG). Give both the same secret."),
    ],
)
def test_signatures_that_are_refused(raised, message):
    with pytest.raises(DnsError) as error, Server("::1", 53, KEY, 2.0)._explained(b""):
        raise raised
    assert message in str(error.value)


def test_a_clock_that_is_wrong(monkeypatch):
    now = time.time()
    monkeypatch.setattr(_dns_server.time, "time", lambda: now + 4000)
    answer = b"\0" * 20 + int(now).to_bytes(6, "big")
    with pytest.raises(DnsError) as error, Server("::1", 53, KEY, 2.0)._explained(answer):
        raise dns.tsig.PeerBadTime
    assert "The clocks differ by 4000 s: the one here is ahead. Set the clock that is wrong; 300 s" in str(error.value)


def test_an_update_that_is_answered_without_a_signature(monkeypatch):
    with Primary(ZONES) as primary:
        asking = server(primary)
        monkeypatch.setattr(asking, "_sign", lambda wire: (wire, b""))
        with pytest.raises(DnsError, match=r"did not sign its answer, though the question was signed with lab"):
            asking.update(UPDATE)


def test_a_server_that_is_silent():
    with Primary(ZONES, silent=True) as primary, pytest.raises(DnsError) as error:
        server(primary, timeout=0.2).ask([("example.com", "SOA")])
    assert f"The name server [::1]:{primary.port} did not answer within 0.2 s. See to the server, or raise" in str(
        error.value
    )


def test_a_server_that_closes_at_once():
    with Primary(ZONES, answers_a_connection=0) as primary, pytest.raises(DnsError, match="can't be reached by TCP"):
        server(primary).ask([("example.com", "SOA")])


def test_nobody_listens():
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as free:
        port = free.getsockname()[1]
    with pytest.raises(DnsError, match=r"can't be reached by TCP: Connection refused. See that it listens there"):
        Server("::1", port, KEY, 1).ask([("example.com", "SOA")])


def test_a_name_that_has_no_address():
    with pytest.raises(DnsError, match=r"The name server ns.invalid has no address: .*. Give its IPv6 address."):
        Server("ns.invalid", 53, KEY, 1).ask([("example.com", "SOA")])


def test_no_error_has_the_secret():
    with (
        Primary(ZONES, key=Key("lab", "hmac-sha256", b"another secret..")) as primary,
        pytest.raises(DnsError) as error,
    ):
        server(primary).ask([("example.com", "SOA")])
    assert repr(KEY.secret) not in str(error.value)
