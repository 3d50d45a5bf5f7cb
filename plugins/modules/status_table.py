#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that prints the health of the fleet."""

from __future__ import annotations

DOCUMENTATION = r"""
module: status_table
short_description: Print the health of the fleet as a table
version_added: 0.1.0
author: Cowboy AI (@thecowboyai)
description:
  - Prints a line for each host and a line for each instance, trouble first, from registered results.
  - A host that did not answer is a line too.
options:
  units:
    description: The name (not the value) under which the results of M(cowboyai.rollout.agent_units_info) were
      registered.
    type: str
    required: true
  order:
    description: What M(cowboyai.rollout.step) returned for the status, so that instances of a host that does not answer are counted and named.
    type: dict
    default: {}
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
    details: Only shows.
  diff_mode:
    support: none
    details: Nothing is changed.
  platform:
    platforms: all
seealso:
  - module: cowboyai.rollout.agent_units_info
"""

EXAMPLES = r"""
- name: Print the table
  run_once: true
  cowboyai.rollout.status_table:
    units: units
    order: "{{ order }}"
"""

RETURN = r"""
expected:
  description: Instances that were asked about. Those on hosts that gave no answer are among them where O(order) is given.
  returned: success
  type: int
  sample: 93
active:
  description: How many of them are active.
  returned: success
  type: int
  sample: 93
not_active:
  description: How many are not.
  returned: success
  type: int
  sample: 0
not_reached:
  description: How many are on hosts that gave no answer.
  returned: success
  type: int
  sample: 0
named:
  description: The instances that are not active and those that are unreachable, by name.
  returned: success
  type: dict
  sample: {"not_active": [], "unreachable": ["indexer@edge-2"]}
unreachable_hosts:
  description: Hosts that gave no answer.
  returned: success
  type: int
  sample: 0
well:
  description: Whether all hosts answered and all their instances are active.
  returned: success
  type: bool
msg:
  description: The same in one line.
  returned: always
  type: str
  sample: 93 of 93 instances active, 0 hosts unreachable
"""
