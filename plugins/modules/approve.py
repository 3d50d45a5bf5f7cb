#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that records a person's answer to an approval."""

from __future__ import annotations

DOCUMENTATION = r"""
module: approve
short_description: Record a person's answer to the approval that a rollout waits for
version_added: 0.2.0
author: Cowboy AI (@thecowboyai)
description:
  - Appends who answered what, when and why to the ledger. The waiting run sees it within seconds and goes on, holds,
    ends or rolls back.
  - Refused when nothing waits, without a reason, and with an answer that is none.
options:
  decision:
    description: The answer, V(go), V(hold), V(no_go) or V(rollback).
    type: str
    default: ""
  reason:
    description: Why, in words.
    type: str
    default: ""
  approval:
    description: Which approval is answered, the name of the phase that waits, or V(decision). Needed only when several
      wait.
    type: str
    default: ""
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
    details: Says what would be recorded.
  diff_mode:
    support: none
    details: Nothing is changed.
  platform:
    platforms: all
seealso:
  - module: cowboyai.rollout.step
"""

EXAMPLES = r"""
- name: Record the answer
  run_once: true
  cowboyai.rollout.approve:
    decision: go
    reason: looked at T+6h
"""

RETURN = r"""
approval:
  description: The approval that was answered.
  returned: success
  type: str
  sample: pilots
"""
