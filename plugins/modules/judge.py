#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that judges recorded evidence again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: judge
short_description: Judge the recorded evidence of a gate again
version_added: 0.2.0
author: Cowboy AI (@thecowboyai)
description:
  - Reads evidence, series and summary of a gate, checks them against the hashes in the ledger, and judges them by the
    plan that the ledger recorded or by another one. The judge is a pure function, so the same plan gives the same
    verdicts.
  - Connects to no host and records nothing.
options:
  checkpoint:
    description: The gate, such as V(T+6h), C(verify-<phase>) or C(look-<time>). Empty for the newest one.
    type: str
    default: ""
  plan:
    description: File of another plan. Empty for the one that the ledger recorded.
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
    details: Records nothing anyway.
  diff_mode:
    support: none
    details: Nothing is changed.
  platform:
    platforms: all
seealso:
  - module: cowboyai.rollout.gate
"""

EXAMPLES = r"""
- name: See what a stricter plan would have said
  run_once: true
  cowboyai.rollout.judge:
    checkpoint: T+6h
    plan: plans/stricter.yml
"""

RETURN = r"""
differs:
  description: Whether the decision or any verdict differs.
  returned: success
  type: bool
then:
  description: The decision in the ledger.
  returned: success
  type: str
  sample: go
now:
  description: The decision now.
  returned: success
  type: str
  sample: hold
verdicts:
  description: For each rule C(kind), C(name), C(wanted), C(value), and its verdict C(then) and C(now).
  returned: success
  type: list
  elements: dict
msg:
  description: The same as a table.
  returned: always
  type: raw
"""
