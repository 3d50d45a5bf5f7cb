#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that closes a step which acted on hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tally
short_description: Count exactly what a step did, and record it
version_added: 0.1.0
author: Cowboy AI (@thecowboyai)
description:
  - Counts the registered results of all hosts against what the step set out to do. Every expected instance is good,
    bad,
    unreachable or skipped, by name. An instance that no result names is bad.
  - Records the result in the ledger. Where something is missing it records a decision that stops the rollout, so that
    no further batch changes anything.
  - Bad agents lead to what the plan says of a failed phase. Hosts that are away, and failures of the measuring, lead to
    hold.
  - Never fails because a host did. What was found is in RV(msg) and in the ledger.
options:
  step:
    description:
      - What to close. V(begin) records, before the change, what a batch is about to change, so that a rollback knows
        every instance that may have been touched.
    type: str
    required: true
    choices: [preflight, begin, backup, deploy, confirm, rollback]
  order:
    description: The registered result of M(cowboyai.rollout.step).
    type: dict
    required: true
  results:
    description:
      - The name (not the value) under which the hosts' results were registered, so that results of hosts that failed or
        were unreachable count too.
    type: str
  nats:
    description: With O(step=preflight), the name under which the results of M(cowboyai.rollout.nats_probe) were
      registered.
    type: str
  reach:
    description: With O(step=preflight), the name under which the results of M(cowboyai.rollout.nats_reach) were
      registered.
    type: str
  listening:
    description: With O(step=preflight), the name under which it was registered whether each machine's listeners of
      M(cowboyai.rollout.nats_reach) were there before anybody asked.
    type: str
  guard:
    description: With O(step=preflight), the name under which the rehearsals of M(cowboyai.rollout.agent_guard) were
      registered.
    type: str
  answered:
    description:
      - With O(step=preflight), when the last host had answered, in seconds since the epoch, so that the way to a host
        does not count as an offset of its clock. By default now.
    type: float
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
attributes:
  action:
    support: full
  async:
    support: none
  bypass_host_loop:
    support: full
    details: Runs once for all hosts of the batch, on the controller, and connects to none of them.
  check_mode:
    support: full
    details: Counts what would be done, records nothing and stops nothing.
  diff_mode:
    support: none
    details: The modules that act on hosts show what they change.
  platform:
    platforms: all
seealso:
  - module: cowboyai.rollout.step
  - module: cowboyai.rollout.conclude
"""

EXAMPLES = r"""
- name: Copy the environment files, with a manifest
  cowboyai.rollout.agent_backup:
    instances: "{{ order.instances[inventory_hostname] }}"
    directory: "{{ order.directory }}"
    rollout: "{{ rollout }}"
  register: copies
  ignore_errors: true

- name: Count
  run_once: true
  cowboyai.rollout.tally:
    step: backup
    order: "{{ order }}"
    results: copies
"""

RETURN = r"""
complete:
  description: Whether every expected instance is good.
  returned: with O(step=backup), O(step=deploy) and O(step=rollback)
  type: bool
accounting:
  description: The count, by name.
  returned: with O(step=backup), O(step=deploy) and O(step=rollback)
  type: dict
  sample:
    expected: 3
    good: [router@host-1, router@host-2]
    bad: []
    unreachable: [router@host-3]
    skipped: []
    why: {router@host-3: Failed to connect to the host via ssh}
    tool_errors: []
    text: expected 3 = 2 good + 0 bad + 1 unreachable (router@host-3) + 0 skipped
fence:
  description: What the modules that act on hosts take as C(fence).
  returned: with O(step=begin)
  type: dict
guard:
  description: What M(cowboyai.rollout.agent_change) takes as C(guard).
  returned: with O(step=begin)
  type: dict
decision:
  description: V(go) when every host was told; V(hold), V(rollback) or V(no_go) otherwise.
  returned: with O(step=confirm)
  type: str
passed:
  description: Whether nothing forbids the rollout to start.
  returned: with O(step=preflight)
  type: bool
problems:
  description: What forbids it, each with what was seen, what was expected and what to do.
  returned: with O(step=preflight), when it did not pass
  type: list
  elements: str
accepted:
  description: What was found and is accepted by the plan.
  returned: with O(step=preflight)
  type: list
  elements: str
changed:
  description: Whether something was restored. Other steps change nothing here; their modules say what they changed.
  returned: always
  type: bool
msg:
  description: The accounting, and a line for each instance that is not good.
  returned: always
  type: raw
"""
