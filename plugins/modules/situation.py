#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that prints where a rollout stands."""

from __future__ import annotations

DOCUMENTATION = r"""
module: situation
short_description: Print where a rollout stands, from its ledger alone
version_added: 0.2.0
author: Cowboy AI (@thecowboyai)
description:
  - Prints the phase, what comes next and when, the last readings against their thresholds, and the open alerts of the
    rollout that the variable C(rollout) names.
  - Without that variable it prints a line for each rollout that has a ledger.
  - Works without a plan and without hosts.
options:
  show:
    description:
      - V(situation) prints all of it.
      - V(person) prints only whether something needs a person, and what. It is meant for the end of a play.
    type: str
    choices: [situation, person]
    default: situation
  well:
    description: Whether the fleet was seen to be well, for the last line.
    type: bool
    default: true
  fleet:
    description: What was seen of the fleet, for the last line. Used when O(well) is false.
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
    details: Only shows.
  diff_mode:
    support: none
    details: Nothing is changed.
  platform:
    platforms: all
seealso:
  - module: cowboyai.rollout.status_table
"""

EXAMPLES = r"""
- name: Print where the rollout stands
  run_once: true
  cowboyai.rollout.situation:

- name: Say whether it needs a person
  run_once: true
  cowboyai.rollout.situation:
    show: person
"""

RETURN = r"""
needs_person:
  description: Whether something waits for a person.
  returned: success
  type: bool
  sample: false
person:
  description: For each rollout what waits for a person, as sentences.
  returned: success
  type: dict
  sample: {"upgrade": []}
lines:
  description: What was printed.
  returned: success
  type: list
  elements: str
  sample: ["upgrade  IN PROGRESS  attempt 1"]
msg:
  description: The last line.
  returned: when O(show=person), and on failure
  type: str
  sample: "upgrade: nothing needs a person"
"""
