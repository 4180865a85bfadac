#!/usr/bin/python
# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_record
short_description: The names of services in DNS, by dynamic update
version_added: 0.1.0
author:
  - ipv6.services maintainers (!UNKNOWN)
description:
  - Publishes AAAA and PTR records of many names in one call, with HTTPS, SVCB and TXT records where they are given, and takes
    them back, by dynamic update (RFC 2136) signed with TSIG (RFC 8945), over TCP.
  - Reads what the primary name server has, and sends only what differs, in one message for each zone; in several where one
    is too small (64 KiB, about 400 names).
  - Knows its own records. Below each name it puts a TXT record, V(_ipv6-services.NAME), that tells the O(owner) and the types
    that it made there. What has none, or that of another owner, is never changed or removed, unless O(adopt) says so.
  - Each message tells what was read, as prerequisites. What somebody else changed in the meantime is an error and is not
    overwritten.
  - Runs where dnspython is, as a rule on the controller with C(delegate_to) and C(run_once). One call does for all hosts.
extends_documentation_fragment:
  - ipv6.services.attributes
  - ipv6.services.attributes.host
  - ipv6.services.attributes.actiongroup_services
attributes:
  check_mode:
    support: full
    details:
      - Only the name server can tell whether it allows the update; check mode doesn't know that.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  server:
    description: The primary name server of the zones, an IPv6 or IPv4 address or a name.
    type: str
    required: true
  port:
    description: Its TCP port.
    type: int
    default: 53
  key_name:
    description:
      - Name of the TSIG key.
      - With O(key_file) it is only needed where the file has several keys.
    type: str
  key_secret:
    description:
      - The secret of the key, in base64 as C(tsig-keygen) prints it. It is in no result, no diff and no log.
    type: str
  key_algorithm:
    description:
      - Algorithm of the key, V(hmac-sha256) where O(key_secret) is given and this is not.
      - HMAC-MD5 and HMAC-SHA1 are refused, also in a O(key_file).
    type: str
    choices: [hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha224]
  key_file:
    description:
      - A file with the key in the syntax of BIND, as C(tsig-keygen) writes it, where the module runs.
      - It is refused when others than its owner and its group can read it.
    type: path
  owner:
    description:
      - Name of the fleet. Only names that were made under this name are changed or removed.
      - Fleets that share a zone need a name each.
    type: str
    default: ipv6-services
  records:
    description: The names.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The full name, such as V(web1.example.com).
        type: str
        required: true
      addresses:
        description:
          - Its addresses, for its AAAA records and the PTR records that lead back to it.
          - With O(records[].state=absent) they need not be given; addresses that the name had are known.
        type: list
        elements: str
        aliases: [address]
      https:
        description: Its HTTPS records (RFC 9460), as in a zone file, such as V(1 . alpn=h2,h3).
        type: list
        elements: str
      svcb:
        description: Its SVCB records, as in a zone file.
        type: list
        elements: str
      txt:
        description: The texts of its TXT records, each as it is, without the quotes of a zone file.
        type: list
        elements: str
      ttl:
        description: Time to live of its records, in seconds. The default is O(ttl).
        type: int
      ptr:
        description: Whether its addresses get PTR records. The default is O(ptr).
        type: bool
      state:
        description:
          - V(present) has exactly these records of the owner. What the owner published at the name before, such as another
            address with its PTR or an HTTPS record that is not given any more, goes.
          - V(absent) has none of them. A name that is not the owner's stays as it is, with a warning that says whose it is.
        type: str
        choices: [present, absent]
        default: present
  ttl:
    description: Time to live of records that say none, in seconds.
    type: int
    default: 300
  ptr:
    description:
      - Whether addresses get PTR records.
      - The reverse zones have to be on the same O(server).
    type: bool
    default: true
  zones:
    description:
      - Zones, forward or reverse (V(8.b.d.0.1.0.0.2.ip6.arpa)), that need not be looked for.
      - By default the zone of a name is found by its SOA record.
      - With O(purge) they are looked through as well.
    type: list
    elements: str
    default: []
  adopt:
    description:
      - Take over names that somebody else made, or another owner, as far as they stand in the way.
      - A CNAME in place of a listed name is replaced.
    type: bool
    default: false
  purge:
    description:
      - Remove the owner's names, and its PTR records, that are not listed. Only in zones of listed names, and in O(zones).
      - The key must be allowed to transfer these zones.
      - Removes nothing when a listed name is wrong, since one that is there may be the one that was meant.
    type: bool
    default: false
  keep:
    description: Names that O(purge) leaves as they are, with the PTR records that lead to them.
    type: list
    elements: str
    default: []
  wait:
    description: Wait until every name server of the zones answers what was written, asked directly, by TCP.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait for all of them.
    type: float
    default: 60
  timeout:
    description: Seconds that O(server) may be silent.
    type: float
    default: 30
  strict:
    description:
      - Whether one wrong item, or one that belongs to somebody else, stops the whole call before anything is sent. Else the
        others are done.
    type: bool
    default: false
requirements:
  - dnspython 2.1 or later where the module runs; with AWX in the execution environment
notes:
  - Questions are signed as well, since a server may show each key another view.
  - Where many names are asked for, a transfer of the zone is tried first, and where it is refused, or the zone is much larger,
    each name is asked for.
  - A name whose records are a stranger's and already as they are wanted is left to the stranger, also its TTL.
  - The records of an owner are those of a type at a name. An AAAA record that somebody adds at a name of the owner's goes with
    the next change.
  - A and other records at the name are never looked at. GSS-TSIG (Active Directory) is not supported.
seealso:
  - module: ipv6.services.plan
  - plugin: ipv6.services.records
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Two services have their names
  ipv6.services.dns_record:
    server: 2001:db8::53
    key_file: /etc/ipv6-services/dns.key
    owner: web-fleet
    records:
      - name: web1.example.com
        address: 2001:db8::201
      - name: web2.example.com
        address: 2001:db8::202
        https: ["1 . alpn=h2,h3"]
        ttl: 60
  delegate_to: localhost
  run_once: true

- name: The key comes from a vault, and all name servers know the name when the task ends
  ipv6.services.dns_record:
    server: ns1.example.com
    key_name: fleet
    key_secret: "{{ vault_dns_secret }}"
    records:
      - name: web1.example.com
        address: 2001:db8::201
    wait: true
  delegate_to: localhost
  run_once: true

- name: A name is taken back, with its PTR
  ipv6.services.dns_record:
    server: 2001:db8::53
    key_file: /etc/ipv6-services/dns.key
    records:
      - name: web2.example.com
        state: absent
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
records:
  description: What was done to each name, in the order of O(records), and then what O(purge) removed.
  returned: always, unless the arguments could not be read or the server did not answer
  type: list
  elements: dict
  contains:
    name:
      description: The name; of a PTR that O(purge) removed without its name, the reverse name.
      type: str
    zone:
      description: Its zone; null where that is not known.
      type: str
    addresses:
      description: The listed addresses.
      type: list
      elements: str
    action:
      description:
        - V(added) when nothing of it was there, V(changed) when something of it was, V(kept), V(removed), V(absent) when it was
          to be gone and was not there, V(left) when it was to be gone and is not the owner's, V(failed), or V(none) when
          O(strict) stopped the call because of another name.
      type: str
    error:
      description: What is wrong and how to mend it.
      returned: when RV(records[].action=failed)
      type: str
    why:
      description: Whose the name is.
      returned: when RV(records[].action=left)
      type: str
  sample:
    - {name: web1.example.com, zone: example.com, addresses: ["2001:db8::201"], action: added}
    - name: web2.example.com
      zone: example.com
      addresses: ["2001:db8::202"]
      action: failed
      error: >-
        web2.example.com belongs to 'db-fleet', so nothing was changed there. Use another name, or take it over with
        `adopt: true`, or set `owner` where this is the same fleet.
zones:
  description: The zones, how each was read (V(transfer) or V(queries)), and how many update messages were sent.
  returned: as O(records)
  type: list
  elements: dict
  sample:
    - {name: example.com, read: queries, messages: 1}
name_servers:
  description: The name servers that O(wait) asked.
  returned: when O(wait=true) and something was written
  type: list
  elements: dict
  sample:
    - {zone: example.com, name: ns1.example.com, address: "2001:db8::53", ok: true, seconds: 0.0}
"""

import base64
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ipv6.services.plugins.module_utils import _dns_report
from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.module_utils._dns_apply import apply_zone
from ansible_collections.ipv6.services.plugins.module_utils._dns_key import ALGORITHMS
from ansible_collections.ipv6.services.plugins.module_utils._dns_messages import missing_library
from ansible_collections.ipv6.services.plugins.module_utils._dns_read import Reader
from ansible_collections.ipv6.services.plugins.module_utils._dns_request import parse_request, seconds
from ansible_collections.ipv6.services.plugins.module_utils._dns_server import MISSING, DnsError, Server
from ansible_collections.ipv6.services.plugins.module_utils._dns_wait import Watched, wait_for
from ansible_collections.ipv6.services.plugins.module_utils._dns_work import Task, Work, plan_call, read_call

RECORD: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "addresses": {"type": "list", "elements": "str", "aliases": ["address"]},
    "https": {"type": "list", "elements": "str"},
    "svcb": {"type": "list", "elements": "str"},
    "txt": {"type": "list", "elements": "str"},
    "ttl": {"type": "int"},
    "ptr": {"type": "bool"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
ARGUMENTS: dict[str, t.Any] = {
    "server": {"type": "str", "required": True},
    "port": {"type": "int", "default": 53},
    "key_name": {"type": "str", "no_log": False},
    "key_secret": {"type": "str", "no_log": True},
    "key_algorithm": {"type": "str", "choices": list(ALGORITHMS), "no_log": False},
    "key_file": {"type": "path", "no_log": False},
    "owner": {"type": "str", "default": "ipv6-services"},
    "records": {"type": "list", "elements": "dict", "default": [], "options": RECORD},
    "ttl": {"type": "int", "default": 300},
    "ptr": {"type": "bool", "default": True},
    "zones": {"type": "list", "elements": "str", "default": []},
    "adopt": {"type": "bool", "default": False},
    "purge": {"type": "bool", "default": False},
    "keep": {"type": "list", "elements": "str", "default": []},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 60},
    "timeout": {"type": "float", "default": 30},
    "strict": {"type": "bool", "default": False},
}
RULES: dict[str, t.Any] = {
    "required_one_of": [("key_file", "key_secret")],
    "mutually_exclusive": [("key_file", "key_secret"), ("key_file", "key_algorithm")],
    "required_by": {"key_secret": "key_name"},
}


def apply(server: Server, work: Work) -> tuple[list[Task], dict[str, int]]:
    """Send what is planned. Gives what was done, and the messages of each zone; what failed is in `work.errors`."""
    by_zone: dict[str, list[Task]] = {}
    for task in work.tasks:
        by_zone.setdefault(task.zone, []).append(task)
    done, sent = [], {}
    for zone, tasks in by_zone.items():
        applied = apply_zone(server, zone, [task.change for task in tasks])
        sent[zone] = applied.messages
        for task in tasks:
            if task.change.name in applied.errors:
                work.fail(task.item, applied.errors[task.change.name])
            else:
                done.append(task)
    return done, sent


def watch(server: Server, done: list[Task], timeout: float) -> list[Watched]:
    by_zone: dict[str, list[t.Any]] = {}
    for task in done:
        by_zone.setdefault(task.zone, []).append(task.change)
    return wait_for(server, by_zone, timeout)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True, **RULES)
    params = module.params
    if MISSING is not None:
        module.fail_json(msg=missing_library(MISSING))
    try:
        request = parse_request(params)  # 1. validate
        module.no_log_values.add(base64.b64encode(request.key.secret).decode())
        wait_timeout = seconds(params, "wait_timeout")
        server = Server(request.server, request.port, request.key, request.timeout)
        reader = Reader(server, request.zones, whole=request.purge)
        purged = read_call(request, reader)  # 2. read
        work = plan_call(request, purged, reader.found)  # 3. plan
    except (RequestError, DnsError) as exc:
        module.fail_json(msg=str(exc))
    sent: dict[str, int] = {}
    watched: list[Watched] = []
    work.stopped = bool(work.errors and params["strict"])
    done = [] if work.stopped else work.tasks
    if not module.check_mode and not work.stopped:
        done, sent = apply(server, work)  # 4. apply
        if params["wait"] and done:
            try:
                watched = watch(server, done, wait_timeout)
            except DnsError as exc:
                work.fail(done[0].item, str(exc))
    server.close()
    records = _dns_report.report_records(request, work, reader.found, done)  # 5. what was done to each
    result = {"changed": bool(done), "records": records, "zones": _dns_report.report_zones(reader.found, sent)}
    if watched:
        result["name_servers"] = _dns_report.report_name_servers(watched)
    if module._diff:
        result["diff"] = _dns_report.diff(done)
    for why in work.left.values():
        module.warn(why)
    if work.errors:
        module.fail_json(msg=_dns_report.sentence(records), **result)
    if any(one.error for one in watched):
        module.fail_json(msg=_dns_report.still_old(watched), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
