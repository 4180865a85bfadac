# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps the guard in force: its file, the unit that loads it at boot, a drop-in for nftables.service, and a watcher."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.ipv6.services.plugins.module_utils import _address_marks, _kernel
from ansible_collections.ipv6.services.plugins.module_utils._command import Run, output
from ansible_collections.ipv6.services.plugins.module_utils._guard_rules import FAMILY, TABLE

_UNITS = "/etc/systemd/system"
FILE = "/etc/ipv6-services/guard.nft"
GUARD = "ipv6-services-guard.service"
WATCH = "ipv6-services-guard-watch.service"
DROP_IN = f"{_UNITS}/nftables.service.d/ipv6-services.conf"
_LINKS = {
    f"{_UNITS}/{GUARD}": f"{_UNITS}/sysinit.target.wants/{GUARD}",
    f"{_UNITS}/{WATCH}": f"{_UNITS}/multi-user.target.wants/{WATCH}",
}
HEADER = "# The module ipv6.services.guard of Ansible wrote this file, and removes it with `state: absent`.\n"
# Before any link is up, and so before the first address. nftables.service flushes all tables when it starts.
_GUARD = """\
[Unit]
Description=Guard of the IPv6 service addresses
DefaultDependencies=no
After=local-fs.target nftables.service
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={nft} -f {file}
ExecReload={nft} -f {file}

[Install]
WantedBy=sysinit.target
"""
# Its file begins with `flush ruleset` (DESIGN.md, fact 13).
_DROP_IN = """\
[Service]
ExecStartPost=-{nft} -f {file}
ExecReload=-{nft} -f {file}
ExecStopPost=-{nft} -f {file}
"""
# Whoever flushes the firewall deletes the rules, and the kernel says so at once. Of news that came too fast nft says only that
# there were some.
_WATCH = """\
[Unit]
Description=Puts the guard of the IPv6 service addresses back when the firewall is flushed
After={unit} nftables.service

[Service]
ExecStart=/bin/bash -c '\\
    there() {{ [[ $$({nft} list chain {table} prerouting 2>&1) = *@addresses* \\
        && $$({nft} list chain {table} guard 2>&1) = *@published* ]]; }}; \\
    mend() {{ there || {{ echo "The guard is gone, and put back."; {nft} -f {file}; }}; }}; \\
    {nft} monitor rules | {{ sleep 0.3; mend; while read -r line; do \\
        [[ $$line = "delete rule {table} "* || $$line = "# ERROR"* ]] && mend; \\
    done; }}'
Restart=always
RestartSec=2
SyslogIdentifier=ipv6-services

[Install]
WantedBy=multi-user.target
"""


def wanted(guard: str | None, nft: str) -> dict[str, str | None]:
    """Path of each file -> its text. guard: that of FILE; None where nothing is to be there."""
    names = {"nft": nft, "file": FILE, "unit": GUARD, "table": f"{FAMILY} {TABLE}"}
    texts = {f"{_UNITS}/{GUARD}": _GUARD, DROP_IN: _DROP_IN, f"{_UNITS}/{WATCH}": _WATCH}
    if guard is None:
        return dict.fromkeys([FILE, *texts])
    return {FILE: guard, **{path: HEADER + text.format(**names) for path, text in texts.items()}}


def read() -> dict[str, str | None]:
    """Path -> text, as `wanted` has them: None where there is no file, and "" of a unit that doesn't run as it should."""
    found: dict[str, str | None] = {}
    for path in wanted(None, ""):
        text = _kernel.read(path)
        runs = path not in _LINKS or os.path.islink(_LINKS[path])
        if path.endswith(f"/{WATCH}"):
            runs = runs and _kernel.service_runs(WATCH.rpartition(".")[0])
        found[path] = text and (f"{text}\n" if runs else "")
    return found


def stale(wanted_files: t.Mapping[str, str | None], files: t.Mapping[str, str | None]) -> dict[str, str | None]:
    """Those of the wanted files that have to be written, or with None removed."""
    return {path: text for path, text in wanted_files.items() if files[path] != text}


class Keeper:
    """The program `systemctl`, through the module's run_command."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def disarm(self, files: t.Mapping[str, str | None]) -> None:
        """Nothing brings the guard back any more. files: those that go. Raises CommandError and OSError."""
        units = [os.path.basename(path) for path in _LINKS if path in files]
        if units:
            output(self._run, ["systemctl", "disable", "--quiet", "--now", *units])
        for path in files:
            _address_marks.remove(path)
        if DROP_IN in files:
            with contextlib.suppress(OSError):  # somebody has a drop-in beside ours
                os.rmdir(os.path.dirname(DROP_IN))
        if set(files) - {FILE}:
            output(self._run, ["systemctl", "daemon-reload"])

    def arm(self, files: t.Mapping[str, str | None]) -> None:
        """Write the files, and have the units run. Raises CommandError and OSError."""
        for path, text in files.items():
            _address_marks.write(path, str(text))
        if not set(files) - {FILE}:
            return
        output(self._run, ["systemctl", "daemon-reload"])
        output(self._run, ["systemctl", "enable", "--quiet", GUARD, WATCH])
        output(self._run, ["systemctl", "start", GUARD])
        if f"{_UNITS}/{WATCH}" in files:
            output(self._run, ["systemctl", "restart", WATCH])
