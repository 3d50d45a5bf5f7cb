#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: sample NATS subjects for a window."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_sample
short_description: Sample NATS subjects for a window and prove that nothing was lost
version_added: 0.1.0
author: Cowboy AI (@thecowboyai)
description:
  - Subscribes to named groups of patterns for a window and counts messages, rate, subjects and share per group, and
    messages per agent.
  - Matches dual publications, the legacy and the unified one of an agent, by conversation id.
  - Proves that it lost nothing or says C(sampler_lossy). It fences the subscriptions with PING and PONG, never
    reconnects, and compares with the server's own count where O(monitor_url) is given.
  - Leaves before the server would slow down publishers on its account.
  - Loss on a route between the servers of a cluster cannot be seen from a client, and neither can subjects that
    permissions deny inside a wildcard.
  - Works on the controller and on a host, with nothing but Python's standard library where the authentication allows
    it.
extends_documentation_fragment:
  - cowboyai.rollout.nats
options:
  patterns:
    description:
      - Groups of patterns. The keys are names of your choice, the values lists of patterns.
      - A message counts once per group. Within a group a pattern that another one covers is dropped (the wider one is
        kept and RV(sample.dropped_patterns) says so); where patterns overlap in part, the first one that matches
        counts.
      - A message that belongs to several groups counts in each.
    type: dict
    required: true
  window:
    description: Seconds to sample.
    type: float
    required: true
  ends_with_probe:
    description:
      - The window ends as soon as the O(probe) is over, and at the latest after O(window). For rehearsals, which skip the
        rest of it.
    type: bool
    default: false
  settle:
    description:
      - Seconds between subscribing and the begin of the window, in which other servers of a cluster learn of the
        subscriptions.
    type: float
    default: 0.5
  agents:
    description:
      - Agents to attribute messages to. A message belongs to every agent whose name or id is its header C(Sender) or a
        token of its subject, so it counts messages from and to the agent.
    type: list
    elements: dict
    default: []
    suboptions:
      agent:
        description: Name.
        type: str
        required: true
      agent_id:
        description: Id.
        type: str
  match:
    description:
      - Match dual publications of O(agents). A publication is a message whose header C(Sender) is the agent; without
        that
        header, one whose subject has the agent after the token C(from).
      - Per conversation the smaller of legacy and unified publications is matched; C(success_pct) is the sum of those
        over
        the sum of legacy publications.
      - Legacy publications in the last second of the window (in short windows the last 5 %) are not judged, because
        their
        partner may lie outside.
    type: dict
    suboptions:
      legacy:
        description: Group of the legacy subjects.
        type: str
        required: true
      unified:
        description: Group of the unified subjects.
        type: str
        required: true
      publications:
        description:
          - Only messages on subjects that match one of these patterns are publications. For agents that also send
            messages which they
            publish only once, such as questions to other agents. By default all.
        type: list
        elements: str
        default: []
      awaited:
        description:
          - The agents that publish on both sides. A window that O(ends_with_probe) waits for their second halves, and not
            for those of the others. By default all.
        type: list
        elements: str
  own_prefix:
    description:
      - Prefix of the conversation ids of a prober, to see how many of them agents carry through. By default that of
        O(probe).
    type: str
  monitor_url:
    description:
      - Monitoring address of the sampled server (V(http://host:8222)). Its count of messages sent to us must equal
        ours.
    type: str
  probe:
    description:
      - Probe agents during the window, from a process and a connection of its own. See M(cowboyai.rollout.nats_probe).
      - In check mode only its floor is measured.
      - Where O(patterns) match the probe's subjects, the sampler itself is a subscriber, so the server never says
        that nobody is there.
        C(no_responders) is then 0 and C(silent) tells.
    type: dict
    suboptions:
      targets:
        description: The agents to ask.
        type: list
        elements: dict
        required: true
        suboptions:
          agent:
            description: Name of the agent.
            type: str
            required: true
          subject:
            description: The subject to ask on.
            type: str
            required: true
          payload:
            description: What to send; a string as it is, everything else as JSON.
            type: raw
          headers:
            description: Further headers.
            type: dict
          expected:
            description: Answers that each request must get.
            type: int
            default: 1
      count:
        description: Requests per target, by default 100. Not together with O(probe.every).
        type: int
      every:
        description: Instead of O(probe.count), ask each target once in so many seconds until O(probe.over) is used up.
        type: float
      over:
        description: Seconds over which the requests are spread; V(0) for one after the other. Must fit into the
          window with O(probe.timeout).
        type: float
        default: 0.0
      timeout:
        description: Seconds within which an answer must come.
        type: float
        default: 2.0
      bucket:
        description: Length in seconds of the buckets of time that the probe's result has accounts of; V(0) for none.
        type: float
        default: 0.0
      by_round:
        description: The probe's result has accounts by round, in which each agent was asked once, instead of by time.
        type: bool
        default: false
      sender:
        description: The header C(Sender).
        type: str
        default: rollout
      conversation_prefix:
        description: How conversation ids begin.
        type: str
      inbox_prefix:
        description: Answers come to subjects below this one.
        type: str
        default: _INBOX
attributes:
  check_mode:
    support: full
    description: Whether the module can run without changing or asking anything.
    details: Sampling changes nothing. With O(probe), no agent is asked.
  diff_mode:
    support: none
    description: Nothing is changed.
seealso:
  - module: cowboyai.rollout.nats_probe
"""

EXAMPLES = r"""
- name: Five minutes of legacy and unified traffic
  cowboyai.rollout.nats_sample:
    server: nats://127.0.0.1:4222
    monitor_url: http://127.0.0.1:8222
    window: 300
    patterns:
      legacy: ["old.>", "agent.to.>"]
      unified: ["new.>", "agent.*.*.*.command.>"]
    agents:
      - {agent: indexer, agent_id: 01936f88-d2a9-7000-8000-000000000008}
    match: {legacy: legacy, unified: unified}
  register: sampled

- name: Only go on with a sample that is proven
  ansible.builtin.assert:
    that: sampled.sample.lossless
    fail_msg: "{{ sampled.sample.reason }} - {{ sampled.sample.message }}"
"""

RETURN = r"""
sample:
  description: What was counted, and whether the count is proven.
  returned: always
  type: dict
  contains:
    server:
      description: Host and port, without credentials.
      type: str
    server_id:
      description: The id that the server gives itself.
      type: str
    server_name:
      description: The name that the server gives itself.
      type: str
    cluster:
      description: The server's cluster, if it is part of one.
      type: str
    abilities:
      description:
        - What the server can do, as its INFO says, C(version), C(proto), C(max_payload) in bytes, and V(true) or V(false) for C(headers),
          C(auth_required), C(tls_required), C(jetstream) and C(lame_duck).
        - V(null) when it could not be connected to.
      type: dict
    lacks:
      description: What O(match) needs and the server has not. RV(sample.dual) is then V(null); all else is counted.
      type: list
      elements: str
    started_at:
      description: Begin of the window, UTC, ISO 8601 with offset. V(null) when there was no window.
      type: str
    ended_at:
      description: End of the window.
      type: str
    window_s:
      description: Length of the window as measured, in seconds.
      type: float
    lossless:
      description: The count is complete and proven.
      type: bool
    reason:
      description:
        - Why it is not. V(sampler_lossy), V(sampler_late), V(nats_unreachable), V(nats_refused) (permissions), V(tool_error), or
          V(null).
      type: str
    message:
      description: The reason for people.
      type: str
    partial:
      description: The counts cover only a part of the window or are not proven.
      type: bool
    dropped_patterns:
      description: Per group, patterns that were dropped and the wider pattern that counts their messages.
      type: dict
    server_count:
      description: With O(monitor_url), C(out_msgs) of the server and C(counted) by us.
      type: dict
    lag_max_ms:
      description: The longest that the server's PONG, which comes behind all queued messages, took.
      type: float
    total:
      description: Sum of the messages of all groups. V(null) when there was no window.
      type: int
    groups:
      description: Per group. Empty when there was no window, so that no zero stands for what nobody counted.
      type: dict
      contains:
        messages:
          description: Messages.
          type: int
        bytes:
          description: Bytes of headers and payloads.
          type: int
        rate_per_s:
          description: Messages per second.
          type: float
        pct:
          description: Share of the sum over all groups in percent. V(null) when that sum is 0.
          type: float
        unique_subjects:
          description: Different subjects.
          type: int
        subjects_capped:
          description: There were too many subjects to keep them all; C(unique_subjects) is a lower bound. Messages
            are still all counted.
          type: bool
        subjects:
          description: The 50 busiest subjects, C(subject) and C(messages).
          type: list
          elements: dict
    agents:
      description: Per agent and group, messages from or to the agent.
      type: dict
    dual:
      description: Dual publications. V(null) without O(match), and where the server carries no message headers.
      type: dict
      contains:
        agents:
          description:
            - Per agent C(legacy), C(unified) and C(matched) publications, C(success_pct) (V(null) without a legacy
              publication),
              C(conversations), C(unified_only), C(edge) (legacy publications too close to the end to be judged),
              C(without_id) (publications without conversation id, C(legacy) and C(unified)), and C(gap_p50_ms) and
              C(gap_p99_ms), the time
              between the arrivals of the two.
          type: dict
        unmatched:
          description: Up to ten conversations that do not match.
          type: list
          elements: dict
        capped:
          description: There were more conversations than could be followed.
          type: bool
        untracked:
          description: Publications of conversations that could not be followed.
          type: int
    own_ids:
      description:
        - Per agent, conversation ids of the prober that were C(sent) to it, C(seen) in its publications, and C(pct).
          V(null) without O(own_prefix) or O(probe), and where the server carries no message headers.
      type: dict
    probe:
      description: The result of O(probe), as M(cowboyai.rollout.nats_probe) returns it.
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import OptionError
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import (
    connection_argument_spec,
    parse_server,
    url_secrets,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe_request import probe_argument_spec
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_sample import parse_sample, run_sample


def main() -> None:
    """Check the arguments, sample, answer."""
    spec = connection_argument_spec()
    spec.update(
        patterns={"type": "dict", "required": True},
        window={"type": "float", "required": True},
        ends_with_probe={"type": "bool", "default": False},
        settle={"type": "float", "default": 0.5},
        agents={
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"agent": {"type": "str", "required": True}, "agent_id": {"type": "str"}},
        },
        match={
            "type": "dict",
            "options": {
                "legacy": {"type": "str", "required": True},
                "unified": {"type": "str", "required": True},
                "publications": {"type": "list", "elements": "str", "default": []},
                "awaited": {"type": "list", "elements": "str"},
            },
        },
        own_prefix={"type": "str"},
        monitor_url={"type": "str"},
        probe={"type": "dict", "options": probe_argument_spec()},
    )
    # no_log: the arguments are not written to syslog, because the URL may hold credentials.
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True, no_log=True)
    module.no_log_values.update(url_secrets(module.params["server"]))
    try:
        request = parse_sample(module.params, parse_server(module.params), module.check_mode)
    except OptionError as problem:
        module.fail_json(msg="nats_sample: %s" % problem)
    module.exit_json(changed=False, sample=run_sample(request))


if __name__ == "__main__":
    main()
