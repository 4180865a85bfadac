# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._calls import Calls


def test_results_by_name():
    assert Calls({"a": lambda: 1, "b": lambda: 2}).results() == {"a": 1, "b": 2}


def test_an_error_is_not_lost():
    def fail():
        raise KeyError("Version")

    with pytest.raises(KeyError, match="Version"):
        Calls({"a": fail, "b": lambda: 2}).results()
