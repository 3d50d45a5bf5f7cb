#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that stops the line."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stop
short_description: Stop a rollout where it stands, or let it go on
version_added: 0.2.0
author: Cowboy AI (@thecowboyai)
description:
  - Appends to the ledger who stopped the rollout, when and why. From then on no run of it changes anything more. One
    that waits sees it within seconds, one that changes a batch sees it before the next batch.
  - With C(rollout=all), every rollout that is open and has a ledger in C(rollout_monitoring_dir) is stopped.
  - It stays stopped, whoever starts it again, until somebody lifts it.
options:
  reason:
    description: Why, in words. Required.
    type: str
    default: ""
  stop_with:
    description:
      - V(hold), the default, leaves what is changed as it is.
      - V(rollback) puts back everything that the rollout has touched. The run that stands there does so, or the one
        that is started next. It can't be lifted.
    type: str
    default: ""
  lift:
    description: Let a stopped rollout go on, or one on hold whose runs don't wait (C(rollout_wait=false)).
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
    details: Says what would be recorded.
  diff_mode:
    support: none
    details: Nothing is changed.
  platform:
    platforms: all
seealso:
  - module: cowboyai.rollout.approve
"""

EXAMPLES = r"""
- name: Stop the line
  run_once: true
  cowboyai.rollout.stop:
    reason: errors in the shop
"""

RETURN = r"""
rollouts:
  description: The rollouts that were stopped, or may go on.
  returned: success
  type: list
  elements: str
  sample: [feature]
"""
