# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.module_utils._dns_key import Key, parse_key, parse_key_file

RAW = bytes(range(32))
SECRET = base64.b64encode(RAW).decode()
LAB = Key("lab", "hmac-sha256", RAW)


def options(**given_options):
    return {"key_file": None, "key_name": None, "key_secret": None, "key_algorithm": None, **given_options}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'key lab {{ algorithm hmac-sha256; secret "{SECRET}"; }};', id="on one line"),
        pytest.param(f'key "lab" {{\n\tsecret {SECRET};\n\talgorithm "HMAC-SHA256";\n}};\n', id="quotes the other way"),
        pytest.param(
            f'# key old {{ }};\n/* key old2 {{\n*/ key lab. {{ // one\n algorithm hmac-sha256.; secret "{SECRET}"; }};',
            id="comments",
        ),
        pytest.param(
            f'options {{ key x {{ a b; }}; }}; key lab {{ algorithm hmac-sha256; secret "{SECRET}"; }};'
            " server ::1 { keys lab; };",
            id="other statements",
        ),
    ],
)
def test_key_file(text):
    assert parse_key_file(text, "f") == {"lab": LAB}


@pytest.mark.parametrize(
    "text, message",
    [
        pytest.param("", "key_file f has no key in BIND's syntax.", id="empty"),
        pytest.param(f"lab:{SECRET}", "has no key in BIND's syntax.", id="another syntax"),
        pytest.param("key lab { algorithm hmac-sha256; };", "key 'lab': the secret is missing.", id="no secret"),
        pytest.param(f"key lab {{ secret {SECRET}; }};", "key 'lab': the algorithm is missing.", id="no algorithm"),
        pytest.param(
            f"key lab {{ algorithm hmac-md5.sig-alg.reg.int; secret {SECRET}; }};",
            "'hmac-md5.sig-alg.reg.int' is not safe any more. Make a key with 'tsig-keygen -a hmac-sha256'",
            id="md5",
        ),
        pytest.param(f"key lab {{ algorithm hmac-sha1; secret {SECRET}; }};", "is not safe any more.", id="sha1"),
        pytest.param(f"key lab {{ algorithm rot13; secret {SECRET}; }};", "'rot13' is not known.", id="unknown"),
        pytest.param("key lab { algorithm hmac-sha256; secret no!; };", "secret is not in base64.", id="no base64"),
        pytest.param("key lab { algorithm hmac-sha256; secret AAAA; };", "secret has 3 bytes, 16 are", id="too short"),
    ],
)
def test_wrong_key_files(text, message):
    with pytest.raises(RequestError) as error:
        parse_key_file(text, "f")
    assert message in str(error.value)
    assert SECRET not in str(error.value)


@given(st.text())
def test_any_text_is_a_file_with_keys_or_an_error(text):
    try:
        assert parse_key_file(text, "f")
    except RequestError as error:
        assert str(error)  # noqa: PT017


def test_a_file_with_several_keys_needs_a_name(tmp_path):
    path = tmp_path / "keys"
    path.write_text("".join(f"key {n} {{ algorithm hmac-sha512; secret {SECRET}; }};" for n in ("one", "two")))
    path.chmod(0o640)
    with pytest.raises(RequestError, match=r"has 2 keys. Say which in key_name: one, two\."):
        parse_key(options(key_file=str(path)))
    with pytest.raises(RequestError, match=r"has no key 'three'. It has one, two: name one of them\."):
        parse_key(options(key_file=str(path), key_name="three"))
    assert parse_key(options(key_file=str(path), key_name="TWO.")) == Key("two", "hmac-sha512", RAW)


@pytest.mark.parametrize("mode, what", [(0o644, "read"), (0o604, "read"), (0o620, "change"), (0o666, "change")])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode, what):
    path = tmp_path / "key"
    path.write_text(f"key lab {{ algorithm hmac-sha256; secret {SECRET}; }};")
    os.chmod(path, mode)
    with pytest.raises(RequestError, match=f"others than its owner can {what} the secret .mode 0{mode:o}.. Run 'chmod"):
        parse_key(options(key_file=str(path)))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(RequestError, match="can't be read where the module runs: No such file or directory"):
        parse_key(options(key_file=str(tmp_path / "none")))


def test_key_of_the_options():
    assert parse_key(options(key_name="lab", key_secret=SECRET)) == LAB
    assert parse_key(options(key_name="lab", key_secret=f" {SECRET}\n")) == LAB
    with pytest.raises(RequestError, match="key_secret is not in base64"):
        parse_key(options(key_name="lab", key_secret="geheim!"))
    with pytest.raises(RequestError, match="key_name 'a b' is no name of a key"):
        parse_key(options(key_name="a b", key_secret=SECRET))


def test_a_key_never_shows_its_secret():
    assert "secret" not in repr(LAB)
