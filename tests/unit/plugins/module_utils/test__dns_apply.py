# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dns.rcode
import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _dns_apply
from ansible_collections.ipv6.services.plugins.module_utils._dns_apply import apply_zone
from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import Change, Rrset, SetChange
from ansible_collections.ipv6.services.plugins.module_utils._dns_server import Server

from .primary import KEY, Primary

ZONE = "example.com"


def change(name):
    return Change(name, (SetChange(name, "AAAA", None, Rrset(300, ("2001:db8::201",))),))


CHANGES = [change(f"web{i}.example.com") for i in range(100)]
BAD = {"web7.example.com.", "web8.example.com.", "web93.example.com."}


def refusing(bad, code):
    def answer(update):
        return code if bad.intersection(rrset.name.to_text() for rrset in update.update) else dns.rcode.NOERROR

    return answer


def apply(primary, changes=CHANGES):
    return apply_zone(Server("::1", primary.port, KEY, 2.0), ZONE, changes)


def written(primary):
    """The names in updates that were done."""
    return {rrset.name.to_text() for update in primary.updates for rrset in update.update if primary.code(update) == 0}


def test_all_changes_of_a_zone_are_one_message():
    with Primary({}) as primary:
        assert apply(primary) == ({}, 1)
        assert len(primary.updates[0].update) == 100


@pytest.mark.parametrize(
    "code, error",
    [
        (dns.rcode.YXRRSET, "web7.example.com was changed by somebody else while this ran (YXRRSET), so nothing was"),
        (dns.rcode.NXRRSET, "web7.example.com was changed by somebody else while this ran (NXRRSET), so nothing was"),
        (dns.rcode.REFUSED, "did not update the zone example.com (REFUSED): the key lab may not change that. Allow it"),
    ],
)
def test_what_can_not_be_done_stops_nothing_else(code, error):
    with Primary({}, code=refusing(BAD, code)) as primary:
        errors, sent = apply(primary)
        assert {f"{name}." for name in errors} == BAD
        assert error in errors["web7.example.com"]
        assert written(primary) == {f"{c.name}." for c in CHANGES} - BAD
        assert sent == len(primary.updates) < 40


def test_a_key_that_may_change_nothing_is_told_after_some_tries():
    with Primary({}, code=dns.rcode.REFUSED) as primary:
        changes = [change(f"web{i}.example.com") for i in range(1000)]
        errors, sent = apply(primary, changes)
    assert len(errors) == 1000
    assert sent < 2 * _dns_apply.MOST_REFUSALS + 10


@pytest.mark.parametrize(
    "code, reason",
    [
        (dns.rcode.NOTAUTH, "(NOTAUTH): it is not the primary server of the zone. Name the primary server."),
        (
            dns.rcode.NOTIMP,
            "(NOTIMP): it does no dynamic updates (RFC 2136). Switch them on there, or name a server that",
        ),
        (dns.rcode.SERVFAIL, "(SERVFAIL): it could not. Its log says why; often it may not write the zone's file"),
        (dns.rcode.FORMERR, "(FORMERR): it could not read the message. Its log says why."),
        (dns.rcode.Rcode.make(11), "(DSOTYPENI): it did not say why. Its log may say more."),
    ],
)
def test_what_is_about_the_whole_zone_is_not_tried_in_parts(code, reason):
    with Primary({}, code=code) as primary:
        errors, sent = apply(primary)
    assert sent == 1
    assert len(errors) == 100
    assert reason in errors["web1.example.com"]


def test_a_server_that_stops_answering_fails_the_rest_and_says_so():
    with Primary({}, silent=True) as primary:
        errors, sent = apply_zone(Server("::1", primary.port, KEY, 0.2), ZONE, CHANGES)
    assert sent == 0
    assert len(errors) == 100
    assert "did not answer within 0.2 s" in errors["web1.example.com"]
