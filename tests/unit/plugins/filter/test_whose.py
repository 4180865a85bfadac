# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.filter.whose import FilterModule

whose = FilterModule().filters()["whose"]
MACS = {"02:00:00:00:00:02": "h2", "02:AB:00:00:00:03": "h3"}


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("02:00:00:00:00:02 answers.", "02:00:00:00:00:02 (h2) answers.", id="known"),
        pytest.param(
            "02:00:00:00:00:02, 02:ab:00:00:00:03", "02:00:00:00:00:02 (h2), 02:ab:00:00:00:03 (h3)", id="two"
        ),
        pytest.param("02:00:00:00:00:09 answers.", "02:00:00:00:00:09 answers.", id="unknown"),
        pytest.param("2001:db8::201 is taken.", "2001:db8::201 is taken.", id="an address is none"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_whose(text, expected):
    assert whose(text, MACS) == expected
