# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The TSIG key that signs what is sent: from the module's options, or from a file in BIND's syntax.

No error has any part of a secret, nor a line of the file.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
import typing as t
from dataclasses import dataclass, field

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError

ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha224")
DEFAULT_ALGORITHM = ALGORITHMS[0]
SHORTEST = 16  # bytes of a secret that are no joke
LONGEST_FILE = 1 << 20

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[{};]|[^\s{};"]+')
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|/\*.*?\*/|//[^\n]*|#[^\n]*', re.DOTALL)


@dataclass(frozen=True)
class Key:
    name: str
    algorithm: str
    secret: bytes = field(repr=False)


def parse_key(params: t.Mapping[str, t.Any]) -> Key:
    """The key of the options key_name, key_secret, key_algorithm and key_file. Raises RequestError."""
    if params["key_file"]:
        keys = parse_key_file(read_key_file(params["key_file"]), params["key_file"])
        return _choose(keys, params["key_name"], params["key_file"])
    algorithm = _algorithm(params["key_algorithm"] or DEFAULT_ALGORITHM, "key_algorithm")
    return Key(_key_name(params["key_name"]), algorithm, _secret(params["key_secret"], "key_secret"))


def read_key_file(path: str) -> str:
    """The text of a file that nobody but its owner and group can read. Raises RequestError."""
    try:
        with open(path, encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o027:
                raise RequestError(
                    f"key_file {path}: others than its owner can {'change' if mode & 0o022 else 'read'} the secret"
                    f" (mode {mode:04o}). Run 'chmod 600 {path}', and make a new key where it may have been read."
                )
            return file.read(LONGEST_FILE)
    except UnicodeDecodeError:
        raise RequestError(f"key_file {path} is no text. Give a file that tsig-keygen made.") from None
    except OSError as exc:
        raise RequestError(
            f"key_file {path} can't be read where the module runs: {exc.strerror or exc}. Give the path of a file there."
        ) from None


def parse_key_file(text: str, path: str) -> dict[str, Key]:
    """The keys of a file in BIND's syntax, by name: `key "lab" { algorithm hmac-sha256; secret "..."; };`

    Other statements are passed over. Raises RequestError.
    """
    words = _WORD.findall(_COMMENT.sub(lambda m: m[1] or " ", text))
    keys: dict[str, Key] = {}
    depth = 0
    for place, word in enumerate(words):
        if depth == 0 and word == "key" and words[place + 2 : place + 3] == ["{"]:
            key = _read_key(_unquoted(words[place + 1]), words[place + 3 :], path)
            keys[key.name] = key
        depth += (word == "{") - (word == "}")
    if not keys:
        raise RequestError(
            f'key_file {path} has no key in BIND\'s syntax. Write \'key "NAME" {{ algorithm hmac-sha256; secret "..."; }};\''
            " as tsig-keygen does."
        )
    return keys


def _read_key(name: str, words: t.Sequence[str], path: str) -> Key:
    """words: what stands behind the opening brace of the key."""
    values: dict[str, str] = {}
    statement: list[str] = []
    for word in words:
        if word == "}":
            break
        if word != ";":
            statement.append(word)
            continue
        if len(statement) == 2:
            values[statement[0]] = _unquoted(statement[1])
        statement = []
    place = f"key_file {path}, key {name!r}"
    for needed in ("algorithm", "secret"):
        if needed not in values:
            raise RequestError(f"{place}: the {needed} is missing. Write '{needed} ...;' as tsig-keygen does.")
    algorithm = _algorithm(values["algorithm"], f"{place}: algorithm")
    return Key(_key_name(name), algorithm, _secret(values["secret"], f"{place}: secret"))


def _choose(keys: t.Mapping[str, Key], name: str | None, path: str) -> Key:
    if name:
        if _key_name(name) in keys:
            return keys[_key_name(name)]
        raise RequestError(f"key_file {path} has no key {name!r}. It has {', '.join(sorted(keys))}: name one of them.")
    if len(keys) > 1:
        raise RequestError(f"key_file {path} has {len(keys)} keys. Say which in key_name: {', '.join(sorted(keys))}.")
    return next(iter(keys.values()))


def _key_name(value: str) -> str:
    name = value.removesuffix(".").lower()
    if not name or not name.isascii() or not name.isprintable() or " " in name or len(name) > 253:
        raise RequestError(f"key_name {value!r} is no name of a key. Write it as the name server has it.")
    return name


def _algorithm(value: str, place: str) -> str:
    name = value.lower().removesuffix(".")
    if name in ALGORITHMS:
        return name
    why = "is not safe any more" if name.startswith(("hmac-md5", "hmac-sha1")) else "is not known"
    raise RequestError(
        f"{place}: {value!r} {why}. Make a key with 'tsig-keygen -a hmac-sha256'; {', '.join(ALGORITHMS)} can be used."
    )


def _secret(value: str, place: str) -> bytes:
    try:
        secret = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise RequestError(f"{place} is not in base64. Give it as tsig-keygen prints it.") from None
    if len(secret) < SHORTEST:
        raise RequestError(
            f"{place} has {len(secret)} bytes, {SHORTEST} are the least. Make a key with 'tsig-keygen -a hmac-sha256'."
        )
    return secret


def _unquoted(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
