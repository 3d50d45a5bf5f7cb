#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that opens a step of a rollout."""

from __future__ import annotations

DOCUMENTATION = r"""
module: step
short_description: Open a step of a rollout
version_added: 0.1.0
author: Cowboy AI (@thecowboyai)
description:
  - Says whether a step is due now and what its tasks shall do on which host. Reads the plan, the ledger and the clock.
  - A step that is done is not due, so that a run that is started again goes on where the one before it stopped.
  - The first step of an attempt begins the ledger. A step whose prerequisites are missing fails and names the playbook
    to run first.
  - Takes the plan and the rollout from the play's variables C(rollout), C(rollout_plan), C(rollout_monitoring_dir) and
    C(rollout_skip_waits), which every role of the collection documents.
options:
  step:
    description:
      - The step to open.
      - V(soaked) comes after the last round of a soak and holds the rollout when the soak is not over.
      - V(confirm) tells hosts that wait for it that their change is good, or to wait longer.
      - V(approach) is the way to a checkpoint, V(look) one look during a wait, V(status) a look at the whole fleet.
      - V(approval) asks for a person's GO where the plan wants one, V(approved) acts on the answer or on silence.
      - V(rollback) and V(status) work without a plan. V(rollback) works without a ledger too, when
        C(rollout_backup_dir) names
        the backup on the hosts.
    type: str
    required: true
    choices:
      - preflight
      - baseline
      - backup
      - approval
      - approved
      - deploy
      - verify
      - soak
      - soaked
      - approach
      - look
      - checkpoint
      - confirm
      - rollback
      - status
  phase:
    description: The phase to deploy, verify or soak. By default the variable C(phase).
    type: str
  approval:
    description: What the approval stands before. A phase, or V(decision).
    type: str
  until:
    description: With O(step=look), the moment of the look. Until then the agents are probed at a low rate.
    type: str
  following:
    description: With O(step=look), the moment of the look after this one. When it has passed, this one is not due.
    type: str
  only_changed:
    description: With O(step=look), look only at the hosts that were changed last, and leave NATS to the probe.
    type: bool
    default: false
  checkpoint:
    description:
      - The checkpoint, such as V(T+1h). By default the variable C(checkpoint).
      - After GO, a name that the plan doesn't have is a further look, which gathers test data and decides nothing.
    type: str
  attempt:
    description: Which try of the same gate this is. From V(1) on the step asks for a pause, and another server
      measures.
    type: int
    default: 0
  forced:
    description:
      - With O(step=rollback), roll back although no gate asked for it. The variables C(phase) and C(agent) then
        choose a
        part. What a gate decided has the scope that the plan gives it.
    type: bool
    default: false
  label:
    description: With O(step=look), what is waited for, in words.
    type: str
    default: the next look
  goal:
    description: With O(step=look), when the wait that the look belongs to ends.
    type: str
  rounds:
    description: With O(step=soak), how often a soak may start anew. Only for a run with C(rollout_wait=false), which can't count.
    type: int
    default: 0
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
    details: Records nothing. Steps that measure, wait or decide are not due.
  diff_mode:
    support: none
    details: The modules that act on hosts show what they change.
  platform:
    platforms: all
seealso:
  - module: cowboyai.rollout.tally
  - module: cowboyai.rollout.gate
"""

EXAMPLES = r"""
- name: Open the batch
  run_once: true
  cowboyai.rollout.step:
    step: deploy
    phase: "{{ phase }}"
  register: order

- name: Change the environment files, restart, and prove the new processes
  cowboyai.rollout.agent_change:
    instances: "{{ order.instances[inventory_hostname] }}"
  register: change
  when:
    - order.due
    - inventory_hostname in order.instances
  ignore_errors: true

- name: Count what is proven
  run_once: true
  cowboyai.rollout.tally:
    step: deploy
    order: "{{ order }}"
    results: change
  when: order.due
"""

RETURN = r"""
due:
  description: Whether the step may act now.
  returned: success
  type: bool
  sample: true
why:
  description: Why it is not due, in words. Empty when it is.
  returned: success
  type: str
  sample: every host has its backup in /srv/agents/backups/feature_pre
step:
  description: The step.
  returned: success
  type: str
  sample: deploy
rollout:
  description: The rollout, as the plan spells it.
  returned: success, but for O(step=status)
  type: str
  sample: feature
phase:
  description: The phase, as the plan spells it.
  returned: with O(step=deploy), O(step=verify) and O(step=soak)
  type: str
  sample: pilots
checkpoint:
  description: The checkpoint, as the plan spells it.
  returned: with O(step=approach) and O(step=checkpoint)
  type: str
  sample: T+1h
looks:
  description:
    - By host, the arguments for M(cowboyai.rollout.agent_units_info).
    - With O(step=soak), O(step=approach), O(step=approval) and O(step=deploy) instead the list of looks to take while
      waiting, each with C(number), C(at), C(next_at), C(until), C(label) and C(last).
  returned: when due, and something is to be looked at
  type: raw
instances:
  description: By host, what M(cowboyai.rollout.agent_change) or M(cowboyai.rollout.agent_backup) takes.
  returned: when due, with O(step=deploy) and O(step=backup)
  type: dict
named:
  description: The instances of this step, such as C(router@host-1).
  returned: when due, with O(step=deploy) and O(step=rollback)
  type: list
  elements: str
agents:
  description: By host, the agents to restore. With O(step=backup), the agents of the plan.
  returned: when due, with O(step=rollback) and O(step=backup)
  type: raw
directory:
  description: Where the backup is, on each host.
  returned: when due, with O(step=rollback) and O(step=backup)
  type: str
  sample: /srv/agents/backups/feature_pre
low_rate:
  description: By measuring host, the probe that runs until the look, with C(probe), C(from) and C(to).
  returned: with O(step=look), when due
  type: dict
fence:
  description: What the modules that act on hosts take as C(fence).
  returned: when due, with O(step=backup), O(step=confirm) and O(step=rollback)
  type: dict
state:
  description: What M(cowboyai.rollout.agent_guard) is to do, V(confirmed) or V(renewed).
  returned: when due, with O(step=confirm)
  type: str
hosts:
  description: The hosts that wait for a confirmation.
  returned: when due, with O(step=confirm)
  type: list
  elements: str
within_s:
  description: How long a renewed guard waits.
  returned: when due, with O(step=confirm)
  type: float
guard:
  description: Whether the hosts' own way back is rehearsed.
  returned: when due, with O(step=preflight)
  type: bool
renews:
  description: Whether this look keeps the hosts' own way back from firing.
  returned: when due, with O(step=look)
  type: bool
ended:
  description: Whether nothing is to be watched any more.
  returned: with O(step=look)
  type: bool
decision:
  description: What was answered, or what silence led to.
  returned: with O(step=approved)
  type: str
nats:
  description:
    - By measuring host, what is to be measured on its group of connected servers. C(name) and C(hosts) of the group,
      C(patterns), C(window_s), C(agents) and C(probe) for M(cowboyai.rollout.nats_sample).
    - Empty when the plan measures nothing on NATS.
  returned: when due, with O(step=baseline), O(step=verify) and O(step=checkpoint)
  type: dict
window_s:
  description: How long NATS is measured, in real seconds.
  returned: when due, with O(step=baseline), O(step=verify) and O(step=checkpoint)
  type: float
  sample: 300.0
late_s:
  description: How long after its planned time the checkpoint is taken.
  returned: when due, with O(step=checkpoint)
  type: float
  sample: 12.4
last_attempt:
  description: Whether the plan allows no further try of this gate.
  returned: when due, with O(step=baseline), O(step=verify) and O(step=checkpoint)
  type: bool
not_before:
  description: Wait until then before acting (the pause before another try). Null for now.
  returned: when due, with O(step=baseline), O(step=verify) and O(step=checkpoint)
  type: str
  sample: "2026-01-23T23:12:40.067668+00:00"
measures_nats:
  description: Whether the plan measures on NATS.
  returned: when due, with O(step=preflight)
  type: bool
reason:
  description: Why it is rolled back.
  returned: when due, with O(step=rollback)
  type: str
msg:
  description: That the step is not due, and why.
  returned: when not due, and on failure
  type: str
"""
