#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: find out which NATS servers hear each other."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_reach
short_description: Find out which NATS servers hear each other
version_added: 0.1.0
author: Cowboy AI (@thecowboyai)
description:
  - Listens on several NATS servers at once, asks on each of them, and says who of the listeners answered. Clusters, leaf nodes, gateways,
    imports between accounts and permissions join servers and keep them apart, by subject and by direction.
  - The answers come back on the way that an agent's answer takes, so the number of those who answer on a server is the number of
    answers that a request gets there when each server has one instance of an agent.
  - Only listeners of the module itself are asked. The subjects must be such that no agent acts on them.
  - In a playbook the action plugin of the same name fills in O(servers) from O(hosts).
options:
  servers:
    description: The servers, each as M(cowboyai.rollout.nats_probe) connects to one.
    type: list
    elements: dict
    suboptions:
      name:
        description: What it is called in the result, such as the host it stands for.
        type: str
        required: true
      server:
        description: The NATS server, as V(nats://host:4222) or V(tls://host:4222).
        type: str
        required: true
      auth:
        description: Credentials of one kind. Empty for none.
        type: dict
        default: {}
        suboptions:
          token:
            description: A token.
            type: str
          user:
            description: A user name, together with C(password).
            type: str
          password:
            description: The password of C(user).
            type: str
          nkey_seed:
            description: The seed of a user NKey (V(SU...)).
            type: str
          nkey_seed_file:
            description: A file that holds the seed of a user NKey.
            type: path
          creds_file:
            description: A creds file with JWT and seed.
            type: path
      tls:
        description: As for M(cowboyai.rollout.nats_probe).
        type: dict
        default: {}
        suboptions:
          ca_file:
            description: PEM file of the CAs that may have signed the server's certificate.
            type: path
          cert_file:
            description: PEM file of a client certificate, together with C(key_file).
            type: path
          key_file:
            description: PEM file of the client certificate's key.
            type: path
          verify:
            description: Check the server's certificate and name.
            type: bool
            default: true
          first:
            description: Begin with TLS before the server's greeting.
            type: bool
            default: false
  hosts:
    description: Instead of O(servers), hosts whose C(rollout_nats_url), C(rollout_nats_auth) and C(rollout_nats_tls) are taken.
    type: list
    elements: str
  subjects:
    description: What to ask on.
    type: list
    elements: dict
    required: true
    suboptions:
      subject:
        description: A subject without wildcards.
        type: str
        required: true
      pattern:
        description:
          - The pattern to listen with, as agents or a sampler would. Leaf nodes may treat it otherwise than a subject that it matches.
          - By default the subject.
        type: str
  names:
    description:
      - Who is expected. Once all of them have answered on each server and subject, the module ends. By default the names of O(servers).
      - With O(answers=false) it ends once each server's own listener has answered.
    type: list
    elements: str
  within:
    description: Seconds after which it ends, whoever has answered.
    type: float
    default: 3.0
  listens:
    description:
      - Seconds for which it only answers, and asks nothing. For servers that can be reached from different machines only; run it there
        as an asynchronous task first, and then ask.
    type: float
    default: 0.0
  answers:
    description: Whether it listens and answers on O(servers) itself; V(false) where another run of it does, to learn that it does.
    type: bool
    default: true
  token:
    description: Letters and digits that all who take part know, so that other questions are not answered. By default a random one.
    type: str
  inbox_prefix:
    description: Answers come to subjects below this one.
    type: str
    default: _INBOX
  connect_timeout:
    description: Seconds within which connecting, TLS and login must be done.
    type: float
    default: 5.0
attributes:
  check_mode:
    support: full
    description: Whether the module can run without changing or asking anything.
    details: Nobody but its own listeners is asked.
  diff_mode:
    support: none
    description: Nothing is changed.
seealso:
  - module: cowboyai.rollout.nats_probe
"""

EXAMPLES = r"""
- name: Which of the servers of all hosts hear each other
  cowboyai.rollout.nats_reach:
    hosts: "{{ ansible_play_hosts }}"
    subjects:
      - {subject: agent.to.nobody.from.rollout.question, pattern: agent.to.nobody.>}
  run_once: true
  delegate_to: localhost
  register: reached

- name: Two servers by address
  cowboyai.rollout.nats_reach:
    servers:
      - {name: north, server: "nats://10.1.2.3:4222"}
      - {name: south, server: "nats://10.1.2.4:4222"}
    subjects:
      - {subject: agent.to.nobody.from.rollout.question}
"""

RETURN = r"""
reach:
  description: Who answered.
  returned: always
  type: dict
  contains:
    token:
      description: The token of the question.
      type: str
    subjects:
      description: The subjects that were asked on.
      type: list
      elements: str
    servers:
      description: By name of the server.
      type: dict
      contains:
        reason:
          description: Why it took no part, V(nats_unreachable), V(nats_refused) or V(tool_error). V(null) when it did.
          type: str
        message:
          description: The reason for people.
          type: str
        server_name:
          description: The name that the server gives itself.
          type: str
        server_id:
          description: The id that the server gives itself.
          type: str
        cluster:
          description: The server's cluster, if it is part of one.
          type: str
        answered:
          description: By subject, the names of all servers whose listeners answered what was asked on this one.
          type: dict
        at_once:
          description: By subject, the most that answered a single question. Fewer than in C(answered) where something lets only one answer through.
          type: dict
        refused:
          description: By subject, the server's words where its permissions forbid to ask or to listen. These are missing in C(answered).
          type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import OptionError
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import (
    connection_argument_spec,
    url_secrets,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_reach import parse_reach, run_reach


def main() -> None:
    """Check the arguments, ask, answer."""
    connection = connection_argument_spec()
    module = AnsibleModule(
        argument_spec={
            "servers": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    **{key: connection[key] for key in ("server", "auth", "tls")},
                },
            },
            "hosts": {"type": "list", "elements": "str"},
            "subjects": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {"subject": {"type": "str", "required": True}, "pattern": {"type": "str"}},
            },
            "names": {"type": "list", "elements": "str"},
            "within": {"type": "float", "default": 3.0},
            "listens": {"type": "float", "default": 0.0},
            "answers": {"type": "bool", "default": True},
            "token": {"type": "str", "no_log": False},
            "inbox_prefix": {"type": "str", "default": "_INBOX"},
            "connect_timeout": connection["connect_timeout"],
        },
        supports_check_mode=True,
        # The arguments are not written to syslog, because a URL may hold credentials.
        no_log=True,
    )
    for row in module.params["servers"] or []:
        module.no_log_values.update(url_secrets(row["server"]))
    try:
        request = parse_reach(module.params)
    except OptionError as problem:
        module.fail_json(msg="nats_reach: %s" % problem)
    module.exit_json(changed=False, reach=run_reach(request))


if __name__ == "__main__":
    main()
