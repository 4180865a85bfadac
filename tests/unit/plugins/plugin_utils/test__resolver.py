# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import socket
import threading
import time
from ipaddress import IPv6Address

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from ansible_collections.ipv6.services.plugins.plugin_utils import _resolver
from ansible_collections.ipv6.services.plugins.plugin_utils._answers import Answer
from ansible_collections.ipv6.services.plugins.plugin_utils._resolver import (
    ResolverError,
    Server,
    parse_server,
    resolve,
)

from .nanonameserver import NanoNameServer, answer

WEB1 = IPv6Address("2001:db8::201")
WEB2 = IPv6Address("2001:db8::202")


def name_of(query):
    return query.question[0].name.to_text(omit_final_dot=True)


def ask(handler, *names, timeout=2.0, **options):
    """The answers, and the server that was asked."""
    with NanoNameServer(handler) as server:
        return resolve(names, [server.server], timeout, **options), server


def one(handler, name="web1.example.com", **options):
    return ask(handler, name, **options)[0][name]


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        pytest.param(
            lambda q, _transport: answer(q, f"{name_of(q)}. AAAA {WEB1}"), Answer("found", (WEB1,)), id="one address"
        ),
        pytest.param(
            lambda q, _transport: answer(q, *(f"{name_of(q)}. AAAA {a}" for a in ("2001:db8::203", WEB1, WEB2))),
            Answer("found", (WEB1, WEB2, IPv6Address("2001:db8::203"))),
            id="several addresses are sorted",
        ),
        pytest.param(
            lambda q, _transport: answer(q, f"{name_of(q)}. CNAME host.example.net.", f"host.example.net. AAAA {WEB1}"),
            Answer("found", (WEB1,)),
            id="an alias is followed within the answer",
        ),
        pytest.param(
            lambda q, _transport: answer(q, f"host.example.net. AAAA {WEB1}", f"{name_of(q)}. CNAME host.example.net."),
            Answer("found", (WEB1,)),
            id="an alias is followed whatever the order of the records",
        ),
        pytest.param(
            lambda q, _transport: answer(q, f"other.example.com. AAAA {WEB2}", f"{name_of(q)}. AAAA {WEB1}"),
            Answer("found", (WEB1,)),
            id="a record of another name is not taken",
        ),
        pytest.param(
            lambda q, _transport: answer(q, f"{name_of(q).upper()}. AAAA {WEB1}"),
            Answer("found", (WEB1,)),
            id="records in capitals",
        ),
    ],
)
def test_an_answer(handler, expected):
    assert one(handler) == expected


@pytest.mark.parametrize(
    ("handler", "status", "reason"),
    [
        pytest.param(
            lambda q, _transport: answer(q, rcode=dns.rcode.NXDOMAIN),
            "nxdomain",
            "NXDOMAIN, the name does not exist",
            id="NXDOMAIN",
        ),
        pytest.param(
            lambda q, _transport: answer(q, f"{name_of(q)}. CNAME gone.example.net.", rcode=dns.rcode.NXDOMAIN),
            "nxdomain",
            "NXDOMAIN, the name does not exist, an alias (CNAME) of gone.example.net",
            id="an alias of nothing",
        ),
        pytest.param(
            lambda q, _transport: answer(q), "nodata", "NODATA, the name exists, and has no AAAA record", id="NODATA"
        ),
        pytest.param(lambda q, _transport: answer(q, rcode=dns.rcode.SERVFAIL), "failed", "SERVFAIL", id="SERVFAIL"),
        pytest.param(lambda q, _transport: answer(q, rcode=dns.rcode.REFUSED), "failed", "REFUSED", id="REFUSED"),
        pytest.param(lambda q, _transport: answer(q, rcode=dns.rcode.NOTIMP), "failed", "NOTIMP", id="NOTIMP"),
        pytest.param(
            lambda q, _transport: q.to_wire()[:2] + b"\x80\x01" + bytes(8),
            "failed",
            "FORMERR",
            id="an error without a question",
        ),
        pytest.param(
            lambda q, _transport: answer(
                q, f"{name_of(q)}. CNAME b.example.com.", f"b.example.com. CNAME {name_of(q)}."
            ),
            "failed",
            "the chain of aliases (CNAME) is too long, or a circle",
            id="a circle of aliases in the answer",
        ),
    ],
)
def test_no_answer(handler, status, reason):
    answers, server = ask(handler, "web1.example.com")
    assert answers["web1.example.com"] == Answer(status, reason=f"{server.server}: {reason}")
    assert len(server.asked) == 1


def test_a_referral_is_no_answer():
    def handler(query, _transport):
        response = answer(query)
        response.authority.append(dns.rrset.from_text("com.", 300, "IN", "NS", "a.gtld-servers.net."))
        return response

    assert "it is no resolver for this name" in one(handler).reason


def test_an_alias_whose_target_is_not_in_the_answer_is_asked_for():
    def handler(query, _transport):
        if name_of(query) == "host.example.net":
            return answer(query, f"host.example.net. AAAA {WEB1}")
        return answer(query, f"{name_of(query)}. CNAME host.example.net.")

    answers, server = ask(handler, "web1.example.com")
    assert answers["web1.example.com"].addresses == (WEB1,)
    assert server.asked == [("web1.example.com", "udp"), ("host.example.net", "udp")]


def test_aliases_that_never_end_are_given_up():
    def handler(query, _transport):
        count = int(name_of(query).split(".")[0][1:])
        return answer(query, f"{name_of(query)}. CNAME n{count + 1}.example.com.")

    answers, server = ask(handler, "n0.example.com")
    assert answers["n0.example.com"].reason == "more than 8 aliases (CNAME), or a circle of them"
    assert len(server.asked) == 8


def test_silence_takes_the_timeout_and_is_asked_three_times():
    started = time.monotonic()
    answers, server = ask(lambda *_: None, "web1.example.com", timeout=0.7)
    assert answers["web1.example.com"] == Answer("failed", reason=f"no answer from {server.server} within 0.7 s")
    assert 0.65 < time.monotonic() - started < 1.5
    assert len(server.asked) == 3
    first, second, third = server.times
    assert third - second > 1.5 * (second - first)


def test_a_lost_packet_is_asked_again():
    lost = set()

    def handler(query, _transport):
        if name_of(query) not in lost:
            lost.add(name_of(query))
            return None
        return answer(query, f"{name_of(query)}. AAAA {WEB1}")

    assert one(handler, timeout=1.0).addresses == (WEB1,)


def test_an_answer_that_comes_after_the_second_question_counts():
    with NanoNameServer(lambda q, _transport: answer(q, f"{name_of(q)}. AAAA {WEB1}"), delay=0.3) as server:
        assert resolve(["web1.example.com"], [server.server], 1.0)["web1.example.com"].addresses == (WEB1,)


def test_a_thousand_silent_names_take_one_timeout():
    started = time.monotonic()
    answers, _server = ask(lambda *_: None, *(f"n{i}.example.com" for i in range(1000)), timeout=0.5, concurrency=10)
    assert {a.status for a in answers.values()} == {"failed"}
    assert time.monotonic() - started < 2


def test_names_that_are_silent_do_not_hold_up_the_others():
    """At most 10 wait at a time, and 100 of 200 get no answer: 10 time-outs one after the other would take 10 s."""

    def handler(query, _transport):
        return None if name_of(query).startswith("silent") else answer(query, f"{name_of(query)}. AAAA {WEB1}")

    names = [f"{kind}{i}.example.com" for i in range(100) for kind in ("silent", "web")]
    started = time.monotonic()
    answers, _server = ask(handler, *names, timeout=1.0, concurrency=10)
    assert [answers[n].status for n in names] == ["failed", "found"] * 100
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_the_second_server_is_asked_when_the_first_has_no_answer(code):
    with (
        NanoNameServer(lambda q, _transport: answer(q, rcode=code)) as first,
        NanoNameServer(lambda q, _transport: answer(q, f"{name_of(q)}. AAAA {WEB1}")) as second,
    ):
        started = time.monotonic()
        answers = resolve(["web1.example.com"], [first.server, second.server], 3.0)
    assert answers["web1.example.com"].addresses == (WEB1,)
    assert time.monotonic() - started < 0.5
    assert len(first.asked) == len(second.asked) == 1


def test_a_silent_first_server_costs_the_first_names_only():
    with (
        NanoNameServer(lambda *_: None) as first,
        NanoNameServer(lambda q, _transport: answer(q, f"{name_of(q)}. AAAA {WEB1}")) as second,
    ):
        started = time.monotonic()
        answers = resolve([f"n{i}.example.com" for i in range(300)], [first.server, second.server], 3.0, 10)
    assert {a.addresses for a in answers.values()} == {(WEB1,)}
    assert time.monotonic() - started < 1.5
    assert len(first.asked) == 10


def test_nxdomain_is_an_answer_and_no_other_server_is_asked():
    with (
        NanoNameServer(lambda q, _transport: answer(q, rcode=dns.rcode.NXDOMAIN)) as first,
        NanoNameServer(lambda q, _transport: answer(q, f"{name_of(q)}. AAAA {WEB1}")) as second,
    ):
        answers = resolve(["web1.example.com"], [first.server, second.server], 3.0)
    assert answers["web1.example.com"].status == "nxdomain"
    assert second.asked == []


def test_what_each_server_said_is_in_the_reason():
    with (
        NanoNameServer(lambda q, _transport: answer(q, rcode=dns.rcode.SERVFAIL)) as first,
        NanoNameServer(lambda *_: None) as second,
    ):
        answers = resolve(["web1.example.com"], [first.server, second.server], 0.5)
    assert (
        answers["web1.example.com"].reason == f"{first.server}: SERVFAIL; no answer from {second.server} within 0.5 s"
    )


def test_nobody_listens():
    with NanoNameServer(lambda *_: None) as server:
        gone = server.server
    started = time.monotonic()
    answers = resolve(["web1.example.com"], [gone], 3.0)
    assert answers["web1.example.com"] == Answer("failed", reason=f"{gone}: Connection refused")
    assert time.monotonic() - started < 1


def test_a_truncated_answer_is_fetched_by_tcp():
    def handler(query, transport):
        if transport == "udp":
            response = answer(query)
            response.flags |= dns.flags.TC
            return response
        return answer(query, *(f"{name_of(query)}. AAAA 2001:db8::{i:x}" for i in range(1, 101)))

    answers, server = ask(handler, "web1.example.com")
    assert len(answers["web1.example.com"].addresses) == 100
    assert [transport for _name, transport in server.asked] == ["udp", "tcp"]


def test_a_truncated_answer_without_tcp_is_no_answer():
    def handler(query, transport):
        response = answer(query)
        response.flags |= dns.flags.TC
        return response if transport == "udp" else b""

    assert "the answer is too long for UDP, and by TCP there is none" in one(handler).reason


def forged(query, _transport):
    """Answers with another id, another name, another type, a question, and a broken one; then the true one."""
    wrong = f"{name_of(query)}. AAAA {WEB2}"
    other_id = answer(query, wrong)
    other_id.id ^= 1
    other_name = answer(
        dns.message.make_query("other.example.com.", "AAAA", id=query.id), f"other.example.com. AAAA {WEB2}"
    )
    other_type = answer(dns.message.make_query(query.question[0].name, "A", id=query.id), wrong)
    no_response = answer(query, wrong)
    no_response.flags &= ~dns.flags.QR
    broken = answer(query, wrong).to_wire()[:-3]
    true = answer(query, f"{name_of(query)}. AAAA {WEB1}")
    return [other_id, other_name, other_type, no_response, broken, b"", b"\x00", true]


def test_only_the_answer_to_the_question_is_taken():
    assert one(forged).addresses == (WEB1,)


def test_an_answer_from_another_socket_is_not_taken():
    """The one asked is silent; the other knows id and question, and answers from its own port."""
    with (
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asked,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other,
    ):
        asked.bind(("::1", 0))
        other.bind(("::1", 0))

        def forge():
            data, peer = asked.recvfrom(512)
            other.sendto(answer(dns.message.from_wire(data), f"web1.example.com. AAAA {WEB2}").to_wire(), peer)

        thread = threading.Thread(target=forge, daemon=True)
        thread.start()
        answers = resolve(["web1.example.com"], [Server("::1", asked.getsockname()[1])], 0.4)
        thread.join(2)
    assert answers["web1.example.com"].status == "failed"


def test_ids_are_not_in_a_row():
    ids = []

    def handler(query, _transport):
        ids.append(query.id)
        return answer(query, f"{name_of(query)}. AAAA {WEB1}")

    ask(handler, *(f"n{i}.example.com" for i in range(50)))
    assert len(set(ids)) == 50
    assert len({b - a for a, b in zip(ids, ids[1:])}) > 40


def test_a_thousand_names_each_with_its_own_address():
    def handler(query, _transport):
        return answer(query, f"{name_of(query)}. AAAA 2001:db8::{int(name_of(query).split('.')[0][1:]):x}")

    names = [f"n{i}.example.com" for i in range(1000)]
    answers, server = ask(handler, *names, *names, timeout=5.0)
    assert [answers[n].addresses for n in names] == [(IPv6Address(f"2001:db8::{i:x}"),) for i in range(1000)]
    assert len(server.asked) == 1000


def test_the_question_that_is_sent_is_one_that_dnspython_reads():
    seen = []

    def handler(query, _transport):
        seen.append(query)
        return answer(query)

    one(handler, "Web1.Example.com")
    assert seen[0].question[0].to_text() == "Web1.Example.com. IN AAAA"
    assert dns.flags.to_text(seen[0].flags) == "RD"


def test_no_names_ask_nothing():
    assert resolve([], [Server("::1", 1)]) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2001:db8::53", Server("2001:db8::53")),
        ("[2001:db8::53]", Server("2001:db8::53")),
        ("[2001:db8::53]:5353", Server("2001:db8::53", 5353)),
        ("192.0.2.53", Server("192.0.2.53")),
        ("192.0.2.53:5353", Server("192.0.2.53", 5353)),
        ("fe80::1%eth0", Server("fe80::1%eth0")),
        ("[fe80::1%eth0]:5353", Server("fe80::1%eth0", 5353)),
    ],
)
def test_parse_server(text, expected):
    assert parse_server(text) == expected
    assert parse_server(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dns.example.com",
        "[2001:db8::53",
        "[2001:db8::53]53",
        "192.0.2.53:",
        "192.0.2.53:0",
        "[::1]:65536",
        "[::1]:x",
        "1.2.3",
    ],
)
def test_what_is_no_server_is_refused(text):
    with pytest.raises(ResolverError, match="is no name server"):
        parse_server(text)


def test_the_servers_of_the_system(monkeypatch):
    monkeypatch.setattr(
        dns.resolver.Resolver, "__init__", init_with("nameserver 2001:db8::53\nnameserver 192.0.2.53\n")
    )
    assert _resolver.system_servers() == [Server("2001:db8::53"), Server("192.0.2.53")]


def test_a_system_without_servers(monkeypatch):
    monkeypatch.setattr(dns.resolver.Resolver, "__init__", init_with(""))
    with pytest.raises(ResolverError, match=r"names no name server.*Give one in 'servers'"):
        _resolver.system_servers()


def init_with(text):
    original = dns.resolver.Resolver.__init__
    return lambda self: original(self, io.StringIO(text))


def test_without_dnspython(monkeypatch):
    monkeypatch.setattr(_resolver, "MISSING", ImportError("No module named 'dns'"))
    with pytest.raises(ResolverError, match=r"dnspython .*No module named 'dns'.*execution environment of AWX"):
        resolve(["web1.example.com"])
