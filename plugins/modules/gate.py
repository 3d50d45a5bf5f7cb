#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that judges what was measured."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate
short_description: Judge what a step measured, keep the evidence, and record the decision
version_added: 0.1.0
author: Cowboy AI (@thecowboyai)
description:
  - Assembles evidence from the registered results of all hosts and from the looks before, judges it by the criteria,
    triggers and alerts of the plan, writes the files of the gate, and appends the decision to the ledger.
  - What could not be measured is a typed reason and leads to hold, or to what the plan says of that reason; never to
    a pass.
  - A bad value that rests on this one window is confirmed by another look before it decides, as long as the plan
    allows one.
  - The module does not fail when the decision is bad. The decision is in the ledger; the following steps are then not
    due,
    and M(cowboyai.rollout.conclude) ends the run.
options:
  gate:
    description:
      - What is judged.
      - V(baseline) is kept to be compared with and judged by nothing. V(verify) is the gate of a phase.
      - V(look) is a look during a wait, where only triggers stop the rollout and a gap begins the soak anew.
      - V(checkpoint) is judged by all criteria.
    type: str
    required: true
    choices: [baseline, verify, look, checkpoint]
  phase:
    description: The phase of V(verify), or the phase whose soak a V(look) belongs to.
    type: str
  checkpoint:
    description: The name of the checkpoint.
    type: str
  label:
    description: What the look belongs to, in words.
    type: str
    default: ""
  order:
    description: The registered result of M(cowboyai.rollout.step).
    type: dict
    required: true
  units:
    description: The name (not the value) under which the results of M(cowboyai.rollout.agent_units_info) were
      registered.
    type: str
    required: true
  nats:
    description:
      - The names under which the results of M(cowboyai.rollout.nats_sample) and M(cowboyai.rollout.nats_probe) were
        registered.
    type: list
    elements: str
    default: []
  low_rate:
    description: The name under which the results of the probe between two looks were registered.
    type: str
  last_attempt:
    description: Whether a hold stops the run. V(false) where the step looks again.
    type: bool
    default: true
  last_look:
    description: Whether a V(look) is the last of its soak, which then is done when the look is clean.
    type: bool
    default: false
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
    support: none
    details: Records and writes what it decides. In check mode M(cowboyai.rollout.step) makes no step due that leads
      here.
  diff_mode:
    support: none
    details: Nothing on a host is changed.
  platform:
    platforms: all
seealso:
  - module: cowboyai.rollout.step
  - module: cowboyai.rollout.conclude
  - module: cowboyai.rollout.agent_units_info
  - module: cowboyai.rollout.nats_sample
"""

EXAMPLES = r"""
- name: Pass the gate
  run_once: true
  cowboyai.rollout.gate:
    gate: checkpoint
    checkpoint: "{{ order.checkpoint }}"
    order: "{{ order }}"
    units: units
    nats: [sampled, probed]
    last_attempt: "{{ order.last_attempt }}"
"""

RETURN = r"""
decision:
  description: V(go), V(hold), V(no_go) or V(rollback).
  returned: success
  type: str
  sample: go
evidence:
  description: The folder with the evidence.
  returned: with O(gate=verify) and O(gate=checkpoint), and when a look stops the rollout
  type: str
  sample: /srv/rollouts/monitoring/checkpoints/feature/T+1h
readings:
  description: The last readings in one line, for people who wait.
  returned: success, but for O(gate=baseline)
  type: str
  sample: 3 of 3 well, errors 0, messages 1680, restarts 0, memory max 10.5 MiB
gaps:
  description: By instance, why the look could not see it.
  returned: with O(gate=look)
  type: dict
measured:
  description: Whether there is a baseline now.
  returned: with O(gate=baseline)
  type: bool
msg:
  description: The decision, why, the accounting, and where the evidence is. For a look, its gaps.
  returned: always, but for a look without gaps
  type: str
"""
