#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that waits."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wait
short_description: Wait until a moment, in sight of the operator
version_added: 0.1.0
author: Cowboy AI (@thecowboyai)
description:
  - Waits until a moment. On a terminal, with the callback P(cowboyai.rollout.progress#callback), it shows a block that
    is rewritten each second, with the phase, what comes next, the last readings against their thresholds, and open
    alerts. Everywhere else it says at its start, and every five minutes, what it waits for, until when, and the last
    readings.
  - Ends early when the rollout is stopped meanwhile, for example by a rollback in another terminal. The ledger is read
    every five seconds.
  - A moment that has passed is no wait.
  - With C(rollout_skip_waits) it looks once for a stop or an answer, and then has it be that moment. The ledger records what
    was skipped.
options:
  until:
    description: The moment, ISO 8601 with offset.
    type: str
    required: true
  label:
    description: What is waited for, in words.
    type: str
    required: true
  goal:
    description: The end of the whole wait that is shown, when this one is a part of it. By default O(until).
    type: str
  approval:
    description: The approval that is waited for. Its answer ends the wait early.
    type: str
  readings:
    description: The last readings, to be shown.
    type: str
    default: ""
  only_skips:
    description:
      - Nothing is waited for. Where waits are skipped (C(rollout_skip_waits)) it is O(until) afterwards, because what the
        time was for has been done.
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
    support: full
    details: Does not wait.
  diff_mode:
    support: none
    details: Nothing is changed.
  platform:
    platforms: all
seealso:
  - module: cowboyai.rollout.step
"""

EXAMPLES = r"""
- name: Keep the stagger between batches
  run_once: true
  cowboyai.rollout.wait:
    until: "{{ order.not_before }}"
    label: the stagger of {{ order.stagger }} between batches
  when: order.not_before is truthy
  register: stagger
"""

RETURN = r"""
due:
  description: Whether to go on. False when the rollout was stopped meanwhile.
  returned: success
  type: bool
why:
  description: Why not to go on.
  returned: when RV(due) is false
  type: str
waited_s:
  description: How long it took.
  returned: when RV(due) is true
  type: float
  sample: 30.001
until:
  description: The moment that was waited for, in UTC.
  returned: when RV(due) is true
  type: str
  sample: "2026-01-23T23:12:40.067668+00:00"
msg:
  description: Why it no longer waits.
  returned: when RV(due) is false, and on failure
  type: str
"""
