#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: ask agents over NATS and measure their answers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_probe
short_description: Ask agents over NATS and measure delivery and latency
version_added: 0.1.0
author: Cowboy AI (@thecowboyai)
description:
  - Sends requests to agents and counts the answers, delivered of expected, where one request can get an answer from
    each
    of several instances.
  - Measures the latency of every answer from sending to arrival, on a plain socket, and in the same run its own floor,
    round trips to an echo responder of its own.
  - Tells apart silence, no subscriber at all, late answers, answers too many, and answers that report an error.
  - Works on the controller and on a host, with nothing but Python's standard library where the authentication allows
    it.
extends_documentation_fragment:
  - cowboyai.rollout.nats
  - cowboyai.rollout.nats.probe
attributes:
  check_mode:
    support: partial
    description: Whether the module can run without asking agents.
    details: Connects and measures the floor, asks no agent.
  diff_mode:
    support: none
    description: Nothing is changed.
seealso:
  - module: cowboyai.rollout.nats_sample
"""

EXAMPLES = r"""
- name: Ask two agents a hundred times each, one request after the other
  cowboyai.rollout.nats_probe:
    server: nats://127.0.0.1:4222
    count: 100
    targets:
      - agent: indexer
        subject: agent.to.indexer.from.rollout.question
        payload: {task: test, context: perf}
        expected: 3
      - agent: importer
        subject: agent.to.importer.from.rollout.question
        payload: {task: test, context: perf}
        expected: 3
  register: probed

- name: Spread the requests over a minute
  cowboyai.rollout.nats_probe:
    server: tls://nats.example.org:4222
    auth:
      creds_file: /etc/rollout/rollout.creds
    tls:
      ca_file: /etc/rollout/ca.pem
    over: 60
    targets:
      - agent: indexer
        subject: agent.to.indexer.from.rollout.question

- name: Ask once in ten seconds for five minutes, while other tasks go on
  cowboyai.rollout.nats_probe:
    server: nats://127.0.0.1:4222
    every: 10
    over: 300
    bucket: 60
    targets:
      - agent: indexer
        subject: agent.to.indexer.from.rollout.question
  async: 335
  poll: 0
  register: watching

- name: What came of it
  cowboyai.rollout.probe_answer:
    jid: "{{ watching.ansible_job_id }}"
  register: watched
  until: watched is finished
  retries: 70
  delay: 5
"""

RETURN = r"""
probe:
  description: What was asked, what came back, and how fast.
  returned: always
  type: dict
  contains:
    server:
      description: Host and port, without credentials.
      type: str
      sample: 127.0.0.1:4222
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
      description:
        - What the probe needs and the server has not, such as message headers, or room for a payload.
        - With any of it no agent is asked, and RV(probe.reason) is V(nats_unsupported). In check mode it is only listed.
      type: list
      elements: str
    started_at:
      description: UTC time, ISO 8601 with offset.
      type: str
    ended_at:
      description: UTC time, ISO 8601 with offset.
      type: str
    broke_at:
      description: When it was noticed that the connection broke or the server fell silent. V(null) when it did not.
      type: str
    alive_until:
      description: When the server was last heard of. V(null) when no agent was asked.
      type: str
    streams:
      description:
        - In check mode, the JetStream streams that capture the subjects of the targets. Without C(no_ack) such a stream acknowledges
          each request, which looks like an answer.
        - A list of C(stream), C(subject) (of a target), C(captures) (the stream's own subjects) and C(no_ack).
      type: list
      elements: dict
    streams_unknown:
      description: In check mode, why the server could not be asked for streams. V(null) when it was asked.
      type: str
    reason:
      description:
        - Why there is no complete evidence. V(null) when there is; else V(nats_unreachable), V(nats_refused) (permissions),
          V(nats_unsupported) (the server has not what is needed) or V(tool_error).
      type: str
    message:
      description: The reason for people.
      type: str
    partial:
      description:
        - The connection broke on the way. Requests that were open then are counted as C(unresolved), and so are those
          without answers since the server was last known to be there.
      type: bool
    cut_short:
      description: Time was up before all requests were sent.
      type: bool
    notes:
      description: What a reader should know besides, such as a JetStream stream that answers in the agents' stead.
      type: list
      elements: str
    floor:
      description:
        - Round trips to an echo responder of our own on a second connection, C(p50_ms), C(p99_ms), C(max_ms), and
          C(n), how many.
        - V(null) when it could not be measured.
      type: dict
      sample: {"p50_ms": 0.12, "p99_ms": 0.3, "max_ms": 0.4, "n": 100}
    conversation_prefix:
      description: How the conversation ids of this run begin.
      type: str
    send_lag_max_ms:
      description: How late the latest request was sent, when O(over) is used.
      type: float
    buckets:
      description:
        - The account by buckets of time, when O(bucket) is given; also of what was measured before the connection broke.
          C(bucket_s) is their length.
        - C(agents) has by agent a list of rows C([epoch_index, asked, answers, late, errors, sketch]), ascending, of the
          buckets in which it was asked. Everything belongs to the bucket in which the request was sent, which begins
          at C(epoch_index) times C(bucket_s) seconds since the epoch, by the clock of the machine that measures.
        - C(asked) are answers expected, C(answers) those that came, at most as many, C(late) those of them after the
          timeout, C(errors) those with C(status) V(error). C(unresolved) requests are not in it, so the rows add up
          to the figures in C(agents).
        - C(sketch) holds the latencies of the answers, C([[bin, count], ...]). Bin C(n) stands for C(0.99e-6 * (1.01 / 0.99) ** n)
          seconds, within 1 %.
      type: dict
      sample: {"bucket_s": 60.0, "agents": {"indexer": [[29486592, 6, 6, 0, 0, [[357, 4], [361, 2]]]]}}
    agents:
      description: Per agent.
      type: dict
      contains:
        sent:
          description: Requests sent.
          type: int
        expected:
          description: Answers expected.
          type: int
        delivered:
          description: Answers that came in time, at most as many per request as expected.
          type: int
        delivered_pct:
          description: C(delivered) of C(expected) in percent. V(null) when nothing was expected.
          type: float
        late:
          description: Answers that came after the timeout.
          type: int
        lost:
          description: Answers that did not come.
          type: int
        duplicates:
          description:
            - Answers beyond the expected number of a request. With any of them nobody knows who answered, so that an instance
              that is dead may be among those counted as delivered.
          type: int
        errors:
          description: Answers with C(status) V(error). They count as delivered.
          type: int
        error_examples:
          description: Up to five messages of such answers.
          type: list
          elements: str
        full:
          description: Requests that got all their answers in time.
          type: int
        silent:
          description: Was asked and never answered.
          type: bool
        no_responders:
          description: Requests that the server returned because nobody subscribes to the subject.
          type: int
        stream_acks:
          description: Acknowledgements of a JetStream stream, which are not counted as answers.
          type: int
        unresolved:
          description: Requests that were open when the connection broke, or when this machine stood still, so that nobody
            knows what became of them. They are in C(sent), not in C(expected).
          type: int
        samples:
          description: Latencies measured, one per answer in time or late.
          type: int
        p50_ms:
          description: Median latency in milliseconds, by nearest rank (always a measured value).
          type: float
        p99_ms:
          description: 99th percentile.
          type: float
        p999_ms:
          description: 99.9th percentile. Below 1,000 samples that is the maximum.
          type: float
        max_ms:
          description: Longest latency.
          type: float
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import OptionError
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import (
    connection_argument_spec,
    parse_server,
    url_secrets,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe import run_probe
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe_request import (
    parse_probe,
    probe_argument_spec,
)


def main() -> None:
    """Check the arguments, probe, answer."""
    spec = connection_argument_spec()
    spec.update(probe_argument_spec())
    # no_log: the arguments are not written to syslog, because the URL may hold credentials.
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True, no_log=True)
    module.no_log_values.update(url_secrets(module.params["server"]))
    try:
        server = parse_server(module.params)
        request = parse_probe(module.params, send=not module.check_mode)
    except OptionError as problem:
        module.fail_json(msg="nats_probe: %s" % problem)
    module.exit_json(changed=False, probe=run_probe(server, request))


if __name__ == "__main__":
    main()
