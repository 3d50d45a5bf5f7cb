#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that ends a run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: conclude
short_description: Decide where a decision is due, and end the run with one clear line
version_added: 0.1.0
author: Cowboy AI (@thecowboyai)
description:
  - With O(of=decide), makes the final decision from what the ledger holds. GO only if every phase is verified and every
    checkpoint passed; otherwise hold, with what is missing.
  - With any other O(of), says where the rollout stands and fails the run unless it ended well, so that the exit status
    of the playbook is 0 only for GO.
  - Checkpoints that were missed are accepted by naming them in the variable C(rollout_accept_missed).
options:
  of:
    description:
      - V(decide) makes the decision. V(rollout) ends well for GO only. V(step) ends well when nothing stopped this run.
        V(rollback) ends well when every instance is back.
    type: str
    required: true
    choices: [decide, rollout, step, rollback]
  complete:
    description: With V(rollback), whether the tally found every instance back.
    type: bool
    default: true
  ends_failed:
    description:
      - Fail also when all went well. For a rollback that a workflow runs after a failure or a denied approval, which would otherwise
        leave the workflow successful.
    type: bool
    default: false
    version_added: 0.2.0
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
    details: Decides nothing and does not fail.
  diff_mode:
    support: none
    details: Nothing is changed.
  platform:
    platforms: all
seealso:
  - module: cowboyai.rollout.gate
  - module: cowboyai.rollout.report
"""

EXAMPLES = r"""
- name: Say the decision, and end well only for GO
  run_once: true
  cowboyai.rollout.conclude:
    of: rollout
"""

RETURN = r"""
decision:
  description:
    - Where the rollout stands, V(GO), V(HOLD), V(NO-GO), V(ROLLED BACK), V(ROLLBACK DUE), V(ROLLBACK INCOMPLETE),
      V(ROLLED BACK, NOT PROVEN),
      V(FALSE ROLLBACK) (of a shadow rollout), V(IN PROGRESS) or V(NOT STARTED).
    - With O(of=decide), V(go) or V(hold) when a decision was due.
  returned: always
  type: str
  sample: GO
msg:
  description: The line C(DECISION <decision> <rollout>), why, and C(REPORT <path>).
  returned: always
  type: raw
  sample:
    - "DECISION GO feature: all phases verified, checkpoints T+1h passed"
    - REPORT /srv/rollouts/monitoring/reports/feature/decision.md
"""
