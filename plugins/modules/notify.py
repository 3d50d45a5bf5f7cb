#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that sends a person's message, or tests channels."""

from __future__ import annotations

DOCUMENTATION = r"""
module: notify
short_description: Send a message to the channels of a rollout, or test them
version_added: 0.2.0
author: Cowboy AI (@thecowboyai)
description:
  - Sends a text, or a test, to channels that the plan's section C(notify) names. What a rollout tells people by itself needs
    no task; every step of it does that.
  - URLs of channels come from the variable C(rollout_notify_channels) or the environment C(ROLLOUT_NOTIFY_<NAME>). They
    appear in no output, file or argument.
  - Fails when a channel was not reached, with the reason for each.
options:
  message:
    description: What to say.
    type: str
  test:
    description: Send a test to each channel instead; it says what the channel will hear of. It is tried once.
    type: bool
    default: false
  level:
    description:
      - The level whose channels get it. By default V(1).
      - A test goes to all channels by default.
    type: int
  channels:
    description: These channels instead of those of a level.
    type: list
    elements: str
    default: []
  wait:
    description: How many seconds to wait for the first try with each channel.
    type: float
    default: 60.0
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
    details: Sends nothing, and says what it would send where.
  diff_mode:
    support: none
    details: Nothing on a host is changed.
  platform:
    platforms: all
seealso:
  - module: cowboyai.rollout.conclude
"""

EXAMPLES = r"""
- name: Tell those on level 2
  run_once: true
  cowboyai.rollout.notify:
    message: The uplink of the second site is being repaired, expect alerts
    level: 2

- name: See that every channel works
  run_once: true
  cowboyai.rollout.notify:
    test: true
"""

RETURN = r"""
channels:
  description: What came of each channel, by name; V(due) is one that is still being tried.
  returned: success or failure of a channel
  type: dict
  sample: {"ops-alerts": {"state": "sent", "why": ""}}
msg:
  description: A line C(NOTIFY <channel>) with its state for each channel.
  returned: always
  type: raw
"""
