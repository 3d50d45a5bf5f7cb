#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: agent_units_info
short_description: Measure the agents of a host and the host itself
version_added: 0.1.0
author:
  - Cowboy AI (@thecowboyai)
description:
  - Reads, in one call for any number of agents, what systemd says about their units, what their own log lines say since
    a cursor or a point in time, their connections to NATS, and the load, memory and disks of the host.
  - Levels are taken from the text of the lines, since agents write most lines at the journal's priority 6. A record
    without a level of its own is an error where its priority is 3 or worse.
  - Writes one line into the journal of each namespace and user for which these units' lines are filed, as the services'
    own lines get there, and reads until it comes by, so that an error that is logged now would be seen. The line has
    the identifier C(cowboyai.rollout), priority 6 and a random number; it belongs to no agent's unit. In check mode too,
    like the line that Ansible itself logs for each module.
  - Asks the kernel where the standard output and error of each main process go, and of all processes of a unit whose
    main one is a shell or another wrapper.
  - Verifies closed files of the journal that have entries of the time that is read, for 20 s at most.
  - A unit that doesn't exist, a value that systemd doesn't know and a line that is no text are results, never failures.
    What could not be measured is V(null), never 0.
  - Needs to read the whole journal and the processes of other users, so run it with C(become).
options:
  instances:
    description: The agents to look at.
    type: list
    elements: dict
    required: true
    suboptions:
      agent:
        description: Name of the agent; the key of its result.
        type: str
        required: true
      unit:
        description: Its systemd service.
        type: str
        required: true
      env_file:
        description: Its environment file; only needed with O(environment_keys).
        type: path
      since:
        description:
          - Leave out this agent's lines and events before this time, such as those of a process that was replaced.
        type: str
      log_lines:
        description:
          - How this agent's log lines are read. Without it all known shapes are tried; where two of them read different
            levels out of one line, the worse counts.
          - C(shape) is V(auto), V(plain) (the level is the journal's PRIORITY) or the shape of a logger - V(tracing), V(json),
            V(pino), V(ecs), V(logfmt), V(klog), V(python), V(zerolog), V(serilog), V(log4j), V(go), V(ruby), V(nginx),
            V(apache), V(postgresql), V(elixir), V(monolog), V(syslog) or V(winston). An error in any other shape, a panic
            and a stack trace count all the same.
          - C(keys) are lists of names under C(level), C(message) and C(target), with the shapes V(json) and V(logfmt).
          - C(pattern) is a regular expression that matches from the beginning of a line, with the group C(level), and
            C(message) and C(target) if there are any. It must take steps in proportion to the line; the module does not check it.
          - C(levels) says by word or number of the agent's own what level it means, such as V(error) for C(FEHLER).
          - C(harmless) is a list of C(name), C(line) (a regular expression that is found in it) and C(at_most), lines a minute
            (10). Such lines are neither errors nor unread, but counted in C(log.harmless). A panic never is harmless.
        type: dict
      keys:
        description:
          - Names of variables that are to change in its environment file. Then C(provable) says whether the running process
            shows their old values, or why no new one could ever be proven there.
        type: list
        elements: str
      proof:
        description: With O(instances[].keys), what its process must show after a rollback, and so shows now.
        type: dict
        suboptions:
          log:
            description: Text that one of its log lines must contain.
            type: str
          subscriptions:
            description: Subject patterns that it must report as C(Subscribed to:).
            type: list
            elements: str
            default: []
          ready_within:
            description: Seconds after its start within which it must have shown all this.
            type: float
            default: 30
          log_lines:
            description: How its log lines are read, as above; kept in a manifest with the proof.
            type: dict
      proven:
        description:
          - Invocation id of the process whose log lines proved the change. While it runs, the journal must have a line of
            it, or C(log.gap) says that it has none.
        type: str
  since:
    description:
      - Count log lines from this point in time, ISO 8601 or seconds since the epoch.
      - Without O(since) and O(cursor) no lines are read; RV(journal.cursor) then says where the next call goes on.
    type: str
  cursor:
    description:
      - Go on where an earlier call ended (its RV(journal.cursor)). Wins over O(since).
      - The line that the earlier call wrote must still be in the journal; where it is gone, others may be.
    type: str
  nats_port:
    description: Port of the NATS server whose connections are counted.
    type: int
    default: 4222
  disk_paths:
    description: Paths whose file systems are measured.
    type: list
    elements: path
    default: []
  environment_keys:
    description: Return the values of these keys from each environment file; values that look secret are masked.
    type: list
    elements: str
    default: []
  rollout:
    description: Return how this rollout stands with the host, see RV(guard).
    type: str
  controller_time:
    description: The controller's clock, seconds since the epoch, to compare the host's clock with.
    type: float
  max_entries:
    description: Read at most this many journal entries; if there are more, RV(journal.complete) is false.
    type: int
    default: 200000
  kinds:
    description: Return at most this many kinds of errors and warnings per agent.
    type: int
    default: 20
  signs:
    description:
      - Regular expressions to search in the message of every error line and panic. C(log.signs) then has for each how
        many lines matched and up to 3 of them, secrets masked.
    type: list
    elements: str
    default: []
  bucket:
    description:
      - Length in seconds of buckets of time, by which log lines are counted besides; V(0) for none.
      - A bucket begins at its index times this length, counted from the epoch by the journal's time.
    type: float
    default: 0.0
  sample_lines:
    description:
      - Try to read so many of the last lines of each unit's process, and its first hundred, whenever they were logged; V(0)
        for none. C(log_sample) of each instance then says how many could be read.
    type: int
    default: 0
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns details on what changed in diff mode.
    support: none
"""

EXAMPLES = r"""
- name: Measure two agents since the last checkpoint
  cowboyai.rollout.agent_units_info:
    instances:
      - {agent: indexer, unit: agent-runtime@indexer.service}
      - {agent: importer, unit: agent-runtime@importer.service}
    since: "2026-01-23T23:12:10+00:00"
    disk_paths: [/opt/agents]
    controller_time: "{{ now().timestamp() }}"
  become: true
  register: measured
"""

RETURN = r"""
instances:
  description:
    - By agent, the state of its unit, what it used, and what it logged. Times are UTC ISO 8601.
    - "C(log.kinds) are errors and warnings with what differs between them taken out; C(recurring) means seen at least
      twice and at least 1 s apart. Panics count as errors too, and are kinds of the level V(PANIC)."
    - C(memory_limit_bytes) is the smallest limit that applies, C(memory_limit_of) where it is from; V(unit), the control
      group that has it, or V(host), whose whole memory it is. MemoryHigh is no limit. Where only the host limits it,
      C(memory_bytes) leaves out file caches that the kernel can take back.
    - "C(provable) is there when O(instances[].keys) were given. C(problems) are sentences, each a reason why a change could
      never be proven; C(undo) has C(state) (V(proven), V(failed), or V(unknown) where the journal has no lines of the start of
      the process any more), C(reason) and C(message)."
    - C(stop_timeout_s) is how long systemd waits for its end, null where it has no limit.
    - "C(log.counters) are the agent's own counters by invocation id; C(log.lifecycle) is what systemd said."
    - "C(log.buckets) and C(log.counter_points) are there when O(bucket) was given. C(log.buckets) has by index of the
      bucket C([lines, errors, warnings]), panics among the errors, of those with a line. C(log.counter_points) are
      C([index, invocation id, total]), ascending by index: the sum of the agent's own counters, each
      the highest so far of this invocation, as of the last time that it printed them in the bucket."
    - "C(log.unread_severe) are lines among C(unparsed) and C(unreadable) whose priority is 4 or worse."
    - "C(log.continued) are lines that belong to the line before, such as those of a stack trace: neither unread nor further
      errors. C(log.unread) has examples of C(unparsed) lines, the most frequent first, secrets masked."
    - "C(log.harmless) has by name C(count) and C(examples) of lines that O(instances[].log_lines) says are harmless."
    - "C(log.gap) says why an error of this agent might not have been seen, V(null) when it would have been. Its C(reason)
      is V(output_elsewhere) (by StandardOutput=, StandardError=, LogNamespace= or by where the process really writes),
      V(output_cut_off) (journald was stopped under the process), V(output_unknown), V(lines_filtered) (LogLevelMax=,
      LogFilterPatterns=), V(lines_suppressed) (as many lines as the rate limit lets pass) or V(process_unseen) (no line of
      the process that was proven). C(log.namespace) is the namespace of the journal that it was read from."
    - "C(identity) is systemd's own name of the unit: that of several names of one unit is the same."
    - "C(log_sample) is there when O(sample_lines) was given: how many C(lines) were tried and how many are C(unread),
      C(continued) or C(harmless), by C(shapes) how many each read, C(examples) of unread lines with secrets masked, and by
      C(other_shapes) how many of the unread lines another shape would read."
    - "C(log.signs) is there when O(signs) were asked for: by pattern, C(count) and C(examples)."
  returned: success
  type: dict
  sample:
    indexer:
      unit: agent-runtime@indexer.service
      identity: agent-runtime@indexer.service
      load_state: loaded
      active_state: active
      sub_state: running
      result: success
      main_pid: 4711
      invocation_id: 6ba8b1f7e8ef4d4a8a9f1f1ad5d9a1bc
      restarts: 0
      active_since: "2026-01-23T23:12:10.060000+00:00"
      started_at: "2026-01-23T23:12:10.060000+00:00"
      memory_bytes: 9437184
      memory_limit_bytes: 8589934592
      memory_limit_of: unit
      cpu_s: 0.05
      accounting: unit
      nats_connections: 1
      enabled: enabled
      stop_timeout_s: 90.0
      environment: null
      log:
        lines: 9
        errors: 1
        warnings: 0
        panics: 0
        unparsed: 0
        unreadable: 0
        unread_severe: 0
        continued: 0
        unread: []
        harmless: {}
        first_at: "2026-01-23T23:12:10.067668+00:00"
        last_at: "2026-01-23T23:58:11.000000+00:00"
        kinds:
          - kind: "agent_service: Error handling inbox command: expected value at line <n> column <n>"
            level: ERROR
            count: 1
            first_at: "2026-01-23T23:58:11.000000+00:00"
            last_at: "2026-01-23T23:58:11.000000+00:00"
            recurring: false
            example: "Error handling inbox command: expected value at line 1 column 1"
        lifecycle: []
        gap: null
        namespace: null
        counters: {}
        buckets: {"29486592": [8, 0, 0], "29486637": [1, 1, 0]}
        counter_points: [[29486592, 6ba8b1f7e8ef4d4a8a9f1f1ad5d9a1bc, 100]]
host:
  description: Clock, boot, load, memory, disks and NATS connections of the host.
  returned: success
  type: dict
  sample:
    hostname: host-1
    now: "2026-01-23T23:58:12.000000+00:00"
    clock_offset_s: 0.31
    boot_id: 041c74f8-6345-4271-af08-7eb4602b57fa
    booted_at: "2026-01-20T08:00:00.000000+00:00"
    load: [0.2, 0.1, 0.1]
    cpus: 72
    memory: {total_bytes: 127775277056, available_bytes: 120000000000, used_pct: 6.085}
    disks: {/opt/agents: {total_bytes: 1000000000, available_bytes: 900000000, used_pct: 10.0}}
    nats_connections: 31
guard:
  description: How the host's own way back stands.
  returned: when O(rollout) is given
  type: dict
  contains:
    state:
      description: V(none), V(armed), V(reverted), or V(unknown) when its files can't be used.
      type: str
    deadline:
      description: Until when an armed one waits.
      type: str
    agents:
      description: Whom an armed one would put back.
      type: list
      elements: str
    reverted:
      description: What the host did when it last put itself back; C(id), C(at), C(why), C(complete) and C(instances).
      type: dict
journal:
  description:
    - What was read and whether it is all there was.
    - "C(reason) is V(journal_rotated), V(entries_bounded), V(journal_unreadable), V(journal_incomplete) (journalctl said
      that it left something out, such as a damaged file), V(entries_damaged) (entries that no one can read),
      V(lines_suppressed) (journald's rate limit), V(canary_unseen) (the line that was written did not come by),
      V(clock_moved) (the host's clock was set back) or V(cursor_invalid)."
  returned: success
  type: dict
  contains:
    cursor:
      description: Where the next call goes on.
      type: str
    since:
      description: From when on lines were counted.
      type: str
    complete:
      description: Whether every line since then was counted.
      type: bool
    reason:
      description: Why not.
      type: str
    message:
      description: The same for people.
      type: str
    entries:
      description: How many entries were read.
      type: int
    proven_at:
      description: When the line that was written had arrived everywhere; V(null) when it did not.
      type: str
    namespaces:
      description: Namespaces that were read beside the default one.
      type: list
      elements: str
"""

from dataclasses import replace

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _guard_record,
    _instance,
    _instant,
    _module_edge,
    _units_info,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "instances": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "agent": {"type": "str", "required": True},
                    "unit": {"type": "str", "required": True},
                    "env_file": {"type": "path"},
                    "since": {"type": "str"},
                    "log_lines": {"type": "dict"},
                    "keys": {"type": "list", "elements": "str", "no_log": False},
                    "proof": _instance.PROOF_OPTION,
                    "proven": {"type": "str"},
                },
            },
            "since": {"type": "str"},
            "rollout": {"type": "str"},
            "cursor": {"type": "str"},
            "nats_port": {"type": "int", "default": 4222},
            "disk_paths": {"type": "list", "elements": "path", "default": []},
            "environment_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "controller_time": {"type": "float"},
            "max_entries": {"type": "int", "default": 200000},
            "kinds": {"type": "int", "default": 20},
            "signs": {"type": "list", "elements": "str", "default": []},
            "bucket": {"type": "float", "default": 0.0},
            "sample_lines": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    with _module_edge.typed_failures(module):
        params = module.params
        instances = _instance.instances_from(params["instances"])
        result = _units_info.collect(
            [
                one if keys is None else replace(one, env=dict.fromkeys(keys, ""))
                for one, keys in zip(instances, [spec["keys"] for spec in params["instances"]])
            ],
            since=_instant.parse(params["since"]) if params["since"] else None,
            cursor=params["cursor"] or None,
            nats_port=params["nats_port"],
            disk_paths=params["disk_paths"],
            environment_keys=params["environment_keys"],
            controller_time=params["controller_time"],
            max_entries=params["max_entries"],
            kinds=params["kinds"],
            signs=params["signs"],
            bucket=params["bucket"],
            sample_lines=params["sample_lines"],
        )
        if params["rollout"]:
            rollout = _instance.check_agent(params["rollout"], "rollout")
            result["guard"] = _guard_record.seen(_guard_record.Place(), rollout)
        module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
