# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small engine in memory that speaks as much of the API as the module needs, and fails where it is told to."""

from __future__ import annotations

import copy
import itertools
import re
from urllib.parse import parse_qs, unquote, urlsplit

from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError

FINGERPRINT = "ab" * 32
_ANSWERS = {
    "/1.0": {"environment": {"firewall": "nftables"}},
    "/1.0/networks/ipv6-incus": {
        "managed": True,
        "type": "bridge",
        "config": {"ipv6.address": "fd00::1/64", "ipv6.dhcp.stateful": "true"},
    },
    "/1.0/profiles/default": {"devices": {"root": {"type": "disk", "path": "/"}}},
    "/1.0/images/aliases/whoami": {"target": FINGERPRINT},
}


class FakeEngine:
    """Instances by project and name.

    fails: "METHOD PATH" as a pattern, with " when TEXT" behind it where the body has to have that -> what is said, and how often.
    """

    def __init__(self, fails=None):
        self.instances = {}
        self.fails = {pattern: list(said) for pattern, said in (fails or {}).items()}
        self.files = {}
        self.opened = set()  # instances that a file was asked of since they were made
        self.log = []  # what was changed, in its order
        self.answers = copy.deepcopy(_ANSWERS)
        self.addresses = {}  # instance -> addresses of eth0 once it runs; else those that LXC gives
        self.unread = {}  # instance -> how often it is answered without its config
        self.stays_down = set()  # fingerprints of images that end at once
        self._tags = (f"tag{i}" for i in itertools.count())

    def add(self, name, project="default", status="Stopped", **body):
        self.instances[project, name] = {
            "name": name,
            "project": project,
            "status": status,
            "type": "container",
            "config": {},
            "devices": {},
            "profiles": ["default"],
            "architecture": "x86_64",
            "ephemeral": False,
            "description": "",
            "tag": next(self._tags),
            **body,
        }

    # Api

    def get(self, path):
        return self.get_tagged(path)[0]

    def get_tagged(self, path):
        self._fail("GET", path, None)
        bare = urlsplit(path).path
        if bare == "/1.0/instances":
            return [self._seen(i) for i in self.instances.values()], ""
        if bare in self.answers:
            return self.answers[bare], ""
        found, rest = self._instance(path)
        if rest == ["state"]:
            return self._state(found), ""
        return self._seen(found), found["tag"]

    def find(self, path):
        try:
            return self.get(path)
        except EngineError as exc:
            if exc.status == 404:
                return None
            raise

    def text(self, path):
        if "/files" in path:
            self.opened.add(unquote(urlsplit(path).path.split("/")[3]))
            name = parse_qs(urlsplit(path).query)["path"][0]
            if name not in ("/etc/systemd/network", *self.files):
                raise EngineError(f"GET {path} on /s.socket: status 404", 404)
            return ""
        return "listening\nending: no disk\n" if "/console" in path else "web1 2026 ERROR start - start.c:1 - no init"

    def upload(self, path, text):
        self.files[parse_qs(urlsplit(path).query)["path"][0]] = text

    def change(self, method, path, body=None, etag=None, **_timeout):
        self.log.append(
            " ".join([method, urlsplit(path).path[5:], *([body["action"]] if "action" in (body or {}) else ())])
        )
        self._fail(method, path, body)
        if urlsplit(path).path == "/1.0/instances":
            return self._create(path, body)
        found, rest = self._instance(path)
        if rest == ["files"]:
            del self.files[parse_qs(urlsplit(path).query)["path"][0]]
        elif rest == ["state"]:
            self._check_mac(found)
            assert (body["action"] == "unfreeze") == (found["status"] == "Frozen") or body["action"] == "stop"
            found["status"] = "Stopped" if body["action"] == "stop" else self._started(found)
            self.opened.discard(found["name"])
        elif method == "DELETE":
            if found["status"] == "Running":
                raise EngineError(f"DELETE {path} on /s.socket: status 400, Instance is running", 400)
            del self.instances[found["project"], found["name"]]
        elif method == "POST":
            assert found["status"] == "Stopped" and (found["project"], body["name"]) not in self.instances
            assert found["name"] not in self.opened, "Incus 6.0 would not start it"
            del self.instances[found["project"], found["name"]]
            self.instances[found["project"], body["name"]] = {**found, "name": body["name"]}
        else:
            if etag != found["tag"]:
                raise EngineError(f"PUT {path} on /s.socket: status 412, ETag doesn't match", 412)
            found.update(copy.deepcopy(body), tag=next(self._tags))
            found["config"].setdefault("volatile.eth0.hwaddr", f"00:16:3e:ff:ff:{len(self.log):02x}")
        return None

    # What it is made of

    def _fail(self, method, path, body):
        for pattern, said in self.fails.items():
            request, _when, text = pattern.partition(" when ")
            if said and re.search(request, f"{method} {unquote(path)}") and text in str(body):
                answer = said.pop(0)
                if callable(answer):  # somebody else does something meanwhile
                    answer(self)
                    return
                text, _bar, status = answer.partition("|")
                raise EngineError(f"{method} {path} on /s.socket: {text}", int(status or "500"))

    def _create(self, path, body):
        project = parse_qs(urlsplit(path).query)["project"][0]
        config = {
            **body["config"],
            "volatile.base_image": FINGERPRINT,
            "volatile.eth0.hwaddr": f"00:16:3e:00:00:{len(self.log):02x}",
        }
        if body["config"].get("volatile.eth0.hwaddr"):
            config["volatile.eth0.hwaddr"] = body["config"]["volatile.eth0.hwaddr"]
        source = copy.deepcopy(body["source"])
        self.add(
            body["name"],
            project,
            "Stopped",
            config=config,
            devices=copy.deepcopy(body["devices"]),
            profiles=body["profiles"],
            type=body["type"],
            source=source,
        )

    def _check_mac(self, found):
        mac = found["config"].get("volatile.eth0.hwaddr")
        same = [i for i in self.instances.values() if i["config"].get("volatile.eth0.hwaddr") == mac and i is not found]
        if same and found["devices"].get("eth0", {}).get("nictype") == "bridged":
            raise EngineError(f'MAC address "{mac}" already defined on another NIC', 400)

    def _started(self, found):
        twins = [i for i in self.instances.values() if i["name"] == found["name"] and i is not found]
        if twins:  # of another project, with the same network
            raise EngineError(f'Instance DNS name "{found["name"]}" already used on network', 400)
        alias = (found.get("source") or {}).get("alias")
        return "Stopped" if alias in self.stays_down else "Running"

    def _instance(self, path):
        parts = [unquote(p) for p in urlsplit(path).path.split("/")[3:]]
        project = parse_qs(urlsplit(path).query).get("project", ["default"])[0]
        if path.startswith("/1.0/instances/") and (project, parts[0]) in self.instances:
            return self.instances[project, parts[0]], parts[1:]
        raise EngineError(f"GET {path} on /s.socket: status 404, not found", 404)

    def _seen(self, found):
        seen = copy.deepcopy({k: v for k, v in found.items() if k not in ("tag", "source")})
        if self.unread.get(found["name"], 0) > 0:
            self.unread[found["name"]] -= 1
            return {**seen, "config": None, "devices": None, "status": "Error"}
        return {**seen, "expanded_devices": seen["devices"]}

    def _state(self, found):
        given = re.findall(r"ipv6\.address=([0-9a-f:]+)/", found["config"].get("raw.lxc", ""))
        held = self.addresses.get(found["name"], given) if found["status"] == "Running" else []
        addresses = [{"family": "inet6", "scope": "global", "address": a} for a in held]
        return {"status": found["status"], "pid": 0, "network": {"eth0": {"addresses": addresses}}}
