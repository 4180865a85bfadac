# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _address_marks
from ansible_collections.ipv6.services.plugins.module_utils import _duplicate_watch as watch
from ansible_collections.ipv6.services.plugins.module_utils._service_address import ServiceAddress

WEB1, WEB2 = IPv6Address("2001:db8::20"), IPv6Address("2001:db8::201")
FILE = "/etc/systemd/network/10-eth0.network"


def text(backend, addresses, link="eth0"):
    store = _address_marks.find_store(backend, True, link, FILE)
    return _address_marks.render_addresses(
        link, store, [ServiceAddress(address, 128, address == WEB1, store) for address in addresses]
    )


def test_parse_failed():
    # h9$ cat /proc/net/if_inet6, while h8 has 2001:db8::5:2
    table = (
        "20010db8000000000000000000010009 02 40 00 80     eth0\n20010db8000000000000000000050002 02 80 00 e8     eth0\n"
    )
    assert watch.parse_failed(table) == [(IPv6Address("2001:db8::5:2"), 128, "eth0")]


def test_parse_macs():
    text = "2001:db8::5:2 lladdr 02:00:00:00:00:08 REACHABLE \n2001:db8::5:3 INCOMPLETE \nfe80::1 FAILED \n"
    assert watch.parse_macs(text) == {IPv6Address("2001:db8::5:2"): "02:00:00:00:00:08"}


@pytest.mark.parametrize("backend", _address_marks.BACKENDS)
@pytest.mark.parametrize("gone", [WEB1, WEB2])
def test_an_address_goes_from_the_files_that_the_module_writes_and_the_others_stay(backend, gone):
    both = text(backend, [WEB1, WEB2])
    rest = text(backend, [address for address in (WEB1, WEB2) if address != gone])
    assert watch.without(both, gone, "eth0").rstrip() == rest.rstrip()
    assert watch.without(both, gone, "eth1") == both
    assert not watch.is_empty(rest)
    assert watch.is_empty(watch.without(watch.without(both, WEB1, "eth0"), WEB2, "eth0"))


@pytest.fixture
def files(monkeypatch, tmp_path):
    """A file of ours with WEB1 and WEB2; what `ip` and others were asked is in `asked`."""
    path = tmp_path / "ours" / "addresses-eth0.batch"
    path.parent.mkdir()
    path.write_text(text("none", [WEB1, WEB2]))
    asked = []
    monkeypatch.setattr(watch, "MARKS", [f"{tmp_path}/*/addresses-*.batch"])
    monkeypatch.setattr(watch, "NOTES", f"{tmp_path}/ours/duplicates.json")
    monkeypatch.setattr(watch, "LOCK", f"{tmp_path}/lock")
    monkeypatch.setattr(watch, "run", lambda *argv: asked.append(argv) or "")
    return path, asked


def test_others_addresses_stay(files):
    path, asked = files
    assert watch.take_off([(IPv6Address("2001:db8::9"), 128, "eth0"), (WEB1, 128, "eth1")]) == {}
    assert (path.read_text(), asked) == (text("none", [WEB1, WEB2]), [])
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_goes_with_its_last_address(files):
    path, asked = files
    assert watch.take_off([(WEB1, 128, "eth0")]) == {(WEB1, "eth0"): str(path)}
    assert path.read_text() == text("none", [WEB2])
    assert watch.take_off([(WEB2, 128, "eth0")]) == {(WEB2, "eth0"): str(path)}
    assert not path.exists()
    assert asked == [("ip", "-6", "addr", "del", f"{address}/128", "dev", "eth0") for address in (WEB1, WEB2)]
    assert [(note["address"], note["mac"]) for note in watch.read_notes()] == [(str(WEB1), None), (str(WEB2), None)]


def test_broken_off_before_the_file_is_written_it_is_done_again(files, monkeypatch):
    path, asked = files

    def break_off(*argv):
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(watch, "run", break_off)
        with pytest.raises(KeyboardInterrupt):
            watch.take_off([(WEB1, 128, "eth0")])
    assert watch.take_off([(WEB1, 128, "eth0")]) == {(WEB1, "eth0"): str(path)}
    assert (path.read_text(), len(asked), len(watch.read_notes())) == (text("none", [WEB2]), 1, 1)


def test_who_has_it_is_noted_and_said(files, monkeypatch, capsys):
    path, _asked = files
    monkeypatch.setattr(watch, "read_failed", lambda: [(WEB1, 128, "eth0")])
    monkeypatch.setattr(watch, "who_has", lambda taken: {address: "02:00:00:00:00:0c" for address, _link in taken})
    watch.take_away()
    assert [{**note, "time": ""} for note in watch.read_notes()] == [
        {"address": str(WEB1), "interface": "eth0", "mac": "02:00:00:00:00:0c", "time": ""}
    ]
    assert capsys.readouterr().out == f"<4>{watch.message(WEB1, 'eth0', '02:00:00:00:00:0c', str(path))}\n"


def test_a_note_that_the_module_dropped_meanwhile_stays_away(files, monkeypatch):
    monkeypatch.setattr(watch, "read_failed", lambda: [(WEB1, 128, "eth0")])
    monkeypatch.setattr(watch, "who_has", lambda _taken: watch.replace(watch.NOTES, "") or {WEB1: "02:00:00:00:00:0c"})
    watch.take_away()
    assert watch.read_notes() == []


def test_a_host_where_nothing_can_be_written_is_tried_again_at_the_next_change(files, monkeypatch, capsys):
    changes = []

    def await_change(_changes):
        changes.append(1)
        if len(changes) == 2:
            raise KeyboardInterrupt

    def replace(_path, _text):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(watch, "read_failed", lambda: [(WEB1, 128, "eth0")])
    monkeypatch.setattr(watch, "replace", replace)
    monkeypatch.setattr(watch, "await_change", await_change)
    with pytest.raises(KeyboardInterrupt):
        watch.main()
    assert capsys.readouterr().out.count("could not be taken away: [Errno 30] Read-only file system") == 2


@pytest.mark.parametrize(
    "text", ["", "{", "7", "[7]", '[{"address": "x", "interface": "a", "mac": null, "time": "t"}]']
)
def test_notes_that_are_none(text):
    assert watch.parse_notes(text) == []


def test_notes_are_read_as_they_were_written():
    note = {"address": str(WEB1), "interface": "eth0", "mac": None, "time": "2026-01-31T12:00:00Z"}
    later = {**note, "mac": "02:00:00:00:00:0c"}
    assert watch.parse_notes(watch.render_notes([note, later])) == [later]
    assert watch.render_notes([]) == ""


class Changes:
    """A socket of netlink that has been told of this, and then has nothing more."""

    def __init__(self, *told):
        self._told = iter(told)

    def recv(self, _size, _flags=0):
        told = next(self._told, BlockingIOError(11, "nothing more"))
        if isinstance(told, OSError):
            raise told
        return told


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([b"one"], id="one"),
        pytest.param([b"one", b"two", b"three"], id="many"),
        pytest.param([OSError(105, "No buffer space available"), b"two"], id="more than it could hold"),
    ],
)
def test_many_changes_are_one(told, monkeypatch):
    monkeypatch.setattr(watch.time, "sleep", lambda _seconds: None)
    changes = Changes(*told)
    watch.await_change(changes)
    with pytest.raises(BlockingIOError):
        changes.recv(1)


def test_only_root_can_keep_the_lock(files, tmp_path):
    with watch.alone():
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
