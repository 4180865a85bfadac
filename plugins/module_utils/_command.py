# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that the host has, run one at a time and without a shell."""

from __future__ import annotations

import typing as t

# AnsibleModule.run_command, or what stands in for it in a test: (argv, data=...) -> (exit status, stdout, stderr)
Run = t.Callable[..., "tuple[int, str, str]"]


class CommandError(Exception):
    """A program that failed. The text names the command, its exit status and what it said."""


def run_all(run: Run, argv: t.Sequence[str], data: str | None = None) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command that may fail.

    data: what it reads from its standard input.
    Raises CommandError when there is no such program.
    """
    try:
        return run(list(argv), data=data, handle_exceptions=False)
    except OSError as exc:
        raise CommandError(f"`{' '.join(argv)}` can't be run: {exc}") from None


def output(run: Run, argv: t.Sequence[str], data: str | None = None) -> str:
    """Its stdout. Raises CommandError when its exit status isn't 0."""
    status, out, err = run_all(run, argv, data)
    if status != 0:
        said = " ".join((err or out).split()) or "nothing"
        raise CommandError(f"`{' '.join(argv)}` ended with exit status {status} and said: {said}")
    return out
