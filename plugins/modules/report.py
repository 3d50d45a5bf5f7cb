#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that writes the reports."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Write the reports of a rollout
version_added: 0.1.0
author: Cowboy AI (@thecowboyai)
description:
  - Writes C(deployment.md), C(decision.md), C(final_analysis.md), C(retrospective.md) and C(report.html) below
    C(<rollout_monitoring_dir>/reports/<rollout>/), from the ledger and the evidence alone.
  - The HTML report is one file that loads nothing. Its charts need matplotlib on the controller; without it the report says so and
    is written all the same.
  - Can be run at any time and again; the same ledger gives the same reports. Needs no plan and no host.
options:
  tell:
    description: Whether to say which files were written.
    type: bool
    default: true
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
    details: Writes nothing.
  diff_mode:
    support: none
    details: Nothing on a host is changed.
  platform:
    platforms: all
seealso:
  - module: cowboyai.rollout.conclude
"""

EXAMPLES = r"""
- name: Write the reports
  run_once: true
  cowboyai.rollout.report: {}
"""

RETURN = r"""
reports:
  description: The files that were written. Empty when the rollout has no ledger.
  returned: success
  type: list
  elements: str
  sample: [/srv/rollouts/monitoring/reports/feature/decision.md]
msg:
  description: A line C(REPORT <path>) for each file.
  returned: always
  type: raw
"""
