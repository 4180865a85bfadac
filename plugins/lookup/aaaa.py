# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: aaaa
short_description: Look up the IPv6 addresses of many names at once
version_added: 0.1.0
author:
  - ipv6.services maintainers (!UNKNOWN)
requirements:
  - dnspython 2.1 or later, for the Python that runs Ansible; with AWX in the execution environment
description:
  - Asks the name servers for the AAAA records of all names at the same time, so that a thousand names take less than a second.
  - Gives one result for each term, in the order of the terms, whatever the name servers say.
  - An alias (CNAME) is followed to its address. A name server that gives no answer, or none that can be used
    (SERVFAIL, REFUSED), is left for the next one; a packet that is lost is sent again; an answer that is too long for
    UDP is fetched by TCP.
  - A name that is asked for twice is looked up once.
options:
  _terms:
    description:
      - The names.
      - A term without a dot gets O(domain) behind it. A term with a dot is a full name, with or without a dot at its end.
    type: list
    elements: str
    required: true
  domain:
    description:
      - The domain of terms without a dot, such as V(example.com).
      - Without it they are looked up as they are. The search list of the system is not used.
    type: str
  servers:
    description:
      - The name servers, in the order in which they are asked, each V(ADDRESS), V([IPV6_ADDRESS]:PORT) or V(IPV4_ADDRESS:PORT).
      - They must be resolvers, or have the names in zones of their own.
      - By default those of the system on which Ansible runs, from C(/etc/resolv.conf).
    type: list
    elements: str
  timeout:
    description:
      - Seconds for one name. All its name servers, repetitions and aliases must do with that.
      - When no server has answered anything in that time, the names that are left are not asked any more.
    type: float
    default: 5
  concurrency:
    description: How many names are asked for at a time. Many more make the system lose packets.
    type: int
    default: 100
  empty:
    description:
      - What a name does that has no address, because it does not exist (NXDOMAIN) or has no AAAA record (NODATA).
      - V(fail) fails, and names every such name.
      - V(warn) gives an empty result and warns.
      - V(ignore) gives an empty result.
    type: str
    choices: [fail, warn, ignore]
    default: fail
  error:
    description:
      - What a name does of which it is not known whether it has an address, since no server gave an answer that says so, for
        example SERVFAIL, REFUSED or none within O(timeout).
      - The choices mean what they mean for O(empty).
    type: str
    choices: [fail, warn, ignore]
    default: fail
  several:
    description:
      - What a name gives that has several addresses, and with that the shape of all results.
      - V(fail) fails, and names every such name. A result is text, and V("") where it is empty.
      - V(first) gives the lowest of them. A result is text, and V("") where it is empty.
      - V(all) gives a list of all of them, sorted. Every result is a list, also with one address, and V([]) where it is empty.
    type: str
    choices: [fail, first, all]
    default: fail
notes:
  - With C(lookup(\)) Ansible joins several results with commas, and gives the result alone where there is one term. Use
    C(query(\)) for a list with one result for each term.
  - The module M(ipv6.services.plan) looks up the names of all hosts by itself, once for the play.
seealso:
  - module: ipv6.services.plan
  - plugin: ipv6.services.allocate
    plugin_type: filter
"""

EXAMPLES = r"""
- name: The address of one name
  ansible.builtin.debug:
    msg: "{{ lookup('ipv6.services.aaaa', 'web1', domain='example.com') }}"

- name: The addresses of many names, one for each, in their order
  ansible.builtin.debug:
    msg: "{{ query('ipv6.services.aaaa', *names, domain='example.com') }}"
  vars:
    names: [web1, web2, git.example.org]

- name: All addresses of names that may have none, from a name server of their own
  ansible.builtin.debug:
    msg: "{{ query('ipv6.services.aaaa', *names, servers=['[2001:db8::53]:5353'], several='all', empty='ignore') }}"
  vars:
    names: [web1.example.com, new.example.com]
"""

RETURN = r"""
_raw:
  description:
    - One result for each term, in the order of the terms.
    - Text, or with O(several=all) a list of text.
  type: list
  elements: raw
  sample: ["2001:db8::201", "2001:db8::202"]
"""

import math
import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.plugin_utils._answers import Answer, complaint
from ansible_collections.ipv6.services.plugins.plugin_utils._names import parse_domain, parse_name
from ansible_collections.ipv6.services.plugins.plugin_utils._resolver import ResolverError, parse_server, resolve

display = Display()


class LookupModule(LookupBase):
    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[t.Any]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            domain = parse_domain(self.get_option("domain"))
            names = [parse_name(term, domain, underscore=True) for term in self._flatten(terms)]
            answers = resolve(
                names,
                [parse_server(text) for text in self.get_option("servers") or []],
                self._positive("timeout"),
                self._positive("concurrency"),
            )
        except (RequestError, ResolverError) as exc:
            raise AnsibleLookupError(str(exc)) from exc
        self._complain(answers)
        return [self._result(answers[name]) for name in names]

    def _positive(self, option: str) -> t.Any:
        value = self.get_option(option)
        if not math.isfinite(value) or value <= 0:
            raise RequestError(f"{option} is {value}. Give a number above 0.")
        return value

    def _complain(self, answers: t.Mapping[str, Answer]) -> None:
        """Warn of each name that is to be warned of; fail once, with all names that are to fail."""
        fatal = []
        for name, answer in answers.items():
            problem = complaint(name, answer, several_allowed=self.get_option("several") != "fail")
            handling = self.get_option({"found": "several", "failed": "error"}.get(answer.status, "empty"))
            if problem and handling == "warn":
                display.warning(problem)
            elif problem and handling == "fail":
                fatal.append(problem)
        if fatal:
            raise AnsibleLookupError("\n".join(fatal))

    def _result(self, answer: Answer) -> t.Any:
        addresses = [str(address) for address in answer.addresses]
        if self.get_option("several") == "all":
            return addresses
        return addresses[0] if addresses else ""
