#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that copies and verifies stores."""

from __future__ import annotations

DOCUMENTATION = r"""
module: store
short_description: Copy the rollouts of one store to another, or verify a store
version_added: 0.2.0
author: Cowboy AI (@thecowboyai)
description:
  - Copies ledgers and evidence from O(source) to O(target) as they are, evidence before the records that name it, and then
    reads everything back from the target. What is there already must be how the source begins; nothing is written over.
  - Without O(target), verifies the O(source). The hash chain of every ledger must be whole, and every file that a record
    names must be there with the hash that the record says.
  - Copies one rollout where the variable C(rollout) names it, else all.
  - Credentials are those of C(rollout_store_auth) and C(rollout_store_tls), for whichever of the two is on NATS.
options:
  source:
    description:
      - The store to read, as V(file://) (the monitoring folder), C(file:///folder) or C(nats://host:4222).
      - By default the variable C(rollout_store).
    type: str
    default: ""
  target:
    description: The store to write, in the same form. At least one of the two must be on NATS. Empty to verify.
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
    support: partial
    details: Verifies; refuses to copy.
  diff_mode:
    support: none
    details: Says which rollouts were copied.
  platform:
    platforms: all
seealso:
  - module: cowboyai.rollout.judge
"""

EXAMPLES = r"""
- name: Move the record of a fleet from the monitoring folder to JetStream
  run_once: true
  cowboyai.rollout.store:
    source: file://
    target: nats://nats.example.org:4222

- name: See that the store has everything that its ledgers name
  run_once: true
  cowboyai.rollout.store:
    source: nats://nats.example.org:4222
"""

RETURN = r"""
rollouts:
  description: By rollout, the number of RV(rollouts.records) and of evidence RV(rollouts.files) that were verified.
  returned: success
  type: dict
  contains:
    records:
      description: Records of the ledger.
      type: int
    files:
      description: Files that records name.
      type: int
msg:
  description: A line for each rollout.
  returned: always
  type: raw
"""
