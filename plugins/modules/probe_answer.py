#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin that collects what a probe in the background saw."""

from __future__ import annotations

DOCUMENTATION = r"""
module: probe_answer
short_description: Collect what a probe in the background saw
version_added: 0.3.0
author: Cowboy AI (@thecowboyai)
description:
  - Does what M(ansible.builtin.async_status) does, for a job of M(cowboyai.rollout.nats_probe), and looks at the answer
    as if the probe had been waited for. What is no answer of that module is refused with C(reason) V(tool_error).
  - Ansible acts on some parts of a module's result whatever module it comes from (it adds hosts, sets facts). A host that
    measures has no say in that; such parts are dropped.
options:
  jid:
    description: The job.
    type: str
    required: true
  mode:
    description: Whether to ask for its answer or to remove its file.
    type: str
    choices: [status, cleanup]
    default: status
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
attributes:
  action:
    support: full
  async:
    support: none
  bypass_host_loop:
    support: none
  check_mode:
    support: full
    details: It only looks.
  diff_mode:
    support: none
    details: Nothing is changed.
  platform:
    platforms: posix
seealso:
  - module: cowboyai.rollout.nats_probe
"""

EXAMPLES = r"""
- name: What came of it
  cowboyai.rollout.probe_answer:
    jid: "{{ watching.ansible_job_id }}"
  register: watched
  until: watched is finished
  retries: 70
  delay: 5
"""

RETURN = r"""
finished:
  description: Whether the probe has ended.
  returned: always
  type: bool
probe:
  description: As M(cowboyai.rollout.nats_probe) returns it.
  returned: when it has ended
  type: dict
"""
