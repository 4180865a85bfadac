# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._dns_names import mark_name
from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import (
    Change,
    Mark,
    Rrset,
    SetChange,
    StrangerError,
    marked_names,
    parse_mark,
    plan_gone,
    plan_name,
)

WEB1 = "web1.example.com"
MARK = mark_name(WEB1)
ADDRESS = Rrset(300, ("2001:db8::201",))
OTHER = Rrset(300, ("2001:db8::202",))
HTTPS = Rrset(300, ("1 .",))
CNAME = Rrset(300, ("lb.example.com.",))
OURS = Mark("fleet", frozenset({"AAAA"})).rrset()
OURS_BOTH = Mark("fleet", frozenset({"AAAA", "HTTPS"})).rrset()
THEIRS = Mark("others", frozenset({"AAAA"})).rrset()
NO_CNAME = SetChange(WEB1, "CNAME", None, None)


def state(mark=None, **node):
    return {WEB1: node, MARK: {"TXT": mark}} if mark else {WEB1: node}


def changed(kind, before, after):
    return SetChange(WEB1, kind, before, after)


def marked(before, after):
    return SetChange(MARK, "TXT", before, after)


@pytest.mark.parametrize(
    "wanted, held, adopt, sets",
    [
        pytest.param(
            {"AAAA": ADDRESS},
            {},
            False,
            (changed("AAAA", None, ADDRESS), NO_CNAME, marked(None, OURS)),
            id="a new name gets its records and a mark, if it has none of them and is no alias",
        ),
        pytest.param({"AAAA": ADDRESS}, state(OURS, AAAA=ADDRESS), False, (), id="the second run changes nothing"),
        pytest.param(
            {"AAAA": ADDRESS},
            state(OURS, AAAA=Rrset(60, ADDRESS.values)),
            False,
            (changed("AAAA", Rrset(60, ADDRESS.values), ADDRESS), NO_CNAME, marked(OURS, OURS)),
            id="the time to live is compared",
        ),
        pytest.param(
            {"AAAA": OTHER},
            state(OURS, AAAA=ADDRESS),
            False,
            (changed("AAAA", ADDRESS, OTHER), NO_CNAME, marked(OURS, OURS)),
            id="what is ours is changed, if it and the mark are still as they were read",
        ),
        pytest.param(
            {"AAAA": ADDRESS},
            state(OURS_BOTH, AAAA=ADDRESS, HTTPS=HTTPS),
            False,
            (changed("HTTPS", HTTPS, None), NO_CNAME, marked(OURS_BOTH, OURS)),
            id="what of ours is not wanted any more goes",
        ),
        pytest.param(
            {"AAAA": ADDRESS},
            state(OURS, AAAA=ADDRESS, HTTPS=HTTPS, TXT=Rrset(60, ('"v=spf1"',))),
            False,
            (),
            id="a stranger's records of other types stay",
        ),
        pytest.param(
            {"AAAA": ADDRESS, "HTTPS": HTTPS},
            state(AAAA=ADDRESS),
            False,
            (
                changed("HTTPS", None, HTTPS),
                NO_CNAME,
                marked(None, Mark("fleet", frozenset({"HTTPS"})).rrset()),
            ),
            id="a stranger's record that is as wanted stays theirs, and is in no mark",
        ),
        pytest.param(
            {"AAAA": ADDRESS}, state(AAAA=ADDRESS), False, (), id="an unmarked name that is as wanted is left"
        ),
        pytest.param({"AAAA": ADDRESS}, state(THEIRS, AAAA=ADDRESS), False, (), id="and so is one of another fleet"),
        pytest.param(
            {"AAAA": ADDRESS}, state(AAAA=Rrset(5, ADDRESS.values)), False, (), id="whatever its time to live is"
        ),
        pytest.param(
            {"AAAA": ADDRESS},
            state(AAAA=ADDRESS),
            True,
            (NO_CNAME, marked(None, OURS)),
            id="adopt puts a mark at what is as wanted",
        ),
        pytest.param(
            {"AAAA": ADDRESS},
            state(THEIRS, AAAA=OTHER),
            True,
            (changed("AAAA", OTHER, ADDRESS), NO_CNAME, marked(THEIRS, OURS)),
            id="adopt changes another fleet's",
        ),
        pytest.param(
            {"AAAA": ADDRESS},
            state(CNAME=CNAME),
            True,
            (changed("AAAA", None, ADDRESS), changed("CNAME", CNAME, None), marked(None, OURS)),
            id="adopt replaces an alias",
        ),
        pytest.param(
            {},
            state(OURS_BOTH, AAAA=ADDRESS, HTTPS=HTTPS, TXT=Rrset(60, ('"x"',))),
            False,
            (changed("AAAA", ADDRESS, None), changed("HTTPS", HTTPS, None), marked(OURS_BOTH, None)),
            id="a name that goes loses what is ours, and its mark",
        ),
        pytest.param({}, {}, False, (), id="a name that is to go and is not there"),
        pytest.param({}, state(OURS), False, (marked(OURS, None),), id="a mark whose records somebody removed goes"),
        pytest.param(
            {}, state(AAAA=ADDRESS), True, (changed("AAAA", ADDRESS, None), marked(None, None)), id="adopt removes"
        ),
    ],
)
def test_plan(wanted, held, adopt, sets):
    assert plan_name(WEB1, wanted, held, "fleet", adopt=adopt, main_type="AAAA").sets == sets


@pytest.mark.parametrize(
    "wanted, held, message",
    [
        pytest.param(
            {"AAAA": ADDRESS},
            state(THEIRS, AAAA=OTHER),
            "web1.example.com belongs to 'others', so nothing was changed there. Use another name, or take it over with"
            " `adopt: true`, or set `owner` where this is the same fleet.",
            id="another fleet's name",
        ),
        pytest.param({}, state(THEIRS, AAAA=OTHER), "web1.example.com belongs to 'others'", id="also to remove"),
        pytest.param(
            {"AAAA": ADDRESS},
            state(Rrset(60, ('"x"',))),
            "web1.example.com has an owner's record at _ipv6-services.web1.example.com that can't be read, so nothing",
            id="a mark that nobody can read",
        ),
        pytest.param(
            {"AAAA": ADDRESS},
            state(AAAA=OTHER),
            "web1.example.com has records that no fleet of this collection made: AAAA 2001:db8::202. They were left as"
            " they are. Remove them, or take them over with `adopt: true`.",
            id="an unmarked address",
        ),
        pytest.param({}, state(AAAA=OTHER), "no fleet of this collection made: AAAA 2001:db8::202.", id="to remove"),
        pytest.param(
            {"AAAA": ADDRESS}, state(CNAME=CNAME), "collection made: CNAME lb.example.com. They", id="an unmarked alias"
        ),
        pytest.param(
            {"AAAA": ADDRESS, "TXT": Rrset(300, ('"a"',))},
            state(OURS, AAAA=ADDRESS, TXT=Rrset(300, ('"b"',))),
            'collection made: TXT "b".',
            id="a type at our own name that is not in the mark",
        ),
    ],
)
def test_strangers(wanted, held, message):
    with pytest.raises(StrangerError) as error:
        plan_name(WEB1, wanted, held, "fleet", adopt=False, main_type="AAAA")
    assert message in str(error.value)


def test_gone_is_only_for_what_is_ours():
    assert plan_gone(WEB1, state(THEIRS, AAAA=ADDRESS), "fleet") == Change(WEB1)
    assert plan_gone(WEB1, state(AAAA=ADDRESS), "fleet") == Change(WEB1)
    assert plan_gone(WEB1, state(OURS, AAAA=ADDRESS), "fleet").sets == (
        changed("AAAA", ADDRESS, None),
        marked(OURS, None),
    )


@pytest.mark.parametrize(
    "values, mark",
    [
        pytest.param(OURS.values, Mark("fleet", frozenset({"AAAA"})), id="ours"),
        pytest.param(('"heritage=external-dns"',), Mark(None), id="of another program"),
        pytest.param((*OURS.values, *THEIRS.values), Mark(None), id="two of them"),
        pytest.param(('"owner=a\\"b" "types=AAAA"',), Mark(None), id="a quote in the name"),
    ],
)
def test_parse_mark(values, mark):
    assert parse_mark(Rrset(60, values)) == mark


def test_names_are_found_by_their_marks():
    held = {mark_name(name): {"TXT": mark} for name, mark in (("b", OURS), ("a", OURS_BOTH), ("c", THEIRS))}
    assert marked_names(held, "fleet") == ["a", "b"]


def test_adds_tells_a_new_name_from_a_changed_one():
    assert plan_name(WEB1, {"AAAA": ADDRESS}, {}, "fleet", adopt=False, main_type="AAAA").adds
    assert not plan_name(WEB1, {"AAAA": OTHER}, state(OURS, AAAA=ADDRESS), "fleet", adopt=False, main_type="AAAA").adds
