# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.action.plan import look_up


@pytest.mark.parametrize(
    ("option", "value"),
    [("timeout", 0.0), ("timeout", float("nan")), ("timeout", float("inf")), ("concurrency", 0)],
)
def test_no_time_and_time_without_end_are_refused(option, value):
    answers, problems = look_up([], {"timeout": 5.0, "concurrency": 100, "servers": [], option: value})
    assert answers == {}
    assert [(problem.field, problem.mend) for problem in problems] == [(option, "Give a number above 0.")]
