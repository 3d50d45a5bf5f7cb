#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: agent_backup
short_description: Keep environment files of agents as they are before a rollout
version_added: 0.1.0
author:
  - Cowboy AI (@thecowboyai)
description:
  - Copies environment files byte for byte into a directory of the rollout, with a manifest of hashes, owners, modes
    and of what the old state must show after a restore. M(cowboyai.rollout.agent_restore) needs nothing else.
  - An earlier good backup is never overwritten, also not when the file has changed since. Agents can be added later,
    and an interrupted backup is completed by the next run.
  - Copies that somebody made by hand are taken into the manifest when they are identical to the file.
  - Needs root, so run it with C(become).
options:
  instances:
    description: The agents to back up.
    type: list
    elements: dict
    required: true
    suboptions:
      agent:
        description: Name of the agent; the key of its result.
        type: str
        required: true
      unit:
        description: Its systemd service.
        type: str
        required: true
      env_file:
        description: Its environment file, an absolute path to a regular file.
        type: str
        required: true
      proof:
        description: What the old state must show after a restore; kept in the manifest.
        type: dict
        suboptions:
          log:
            description: Text that one of its log lines must contain.
            type: str
          subscriptions:
            description: Subject patterns that it must report as C(Subscribed to:).
            type: list
            elements: str
            default: []
          ready_within:
            description: Seconds after its start within which it must have shown all this.
            type: float
            default: 30
          log_lines:
            description:
              - How its log lines are read, as O(cowboyai.rollout.agent_units_info#module:instances[].log_lines) says; an error
                line that is harmless by it is none.
            type: dict
  directory:
    description: Backup directory, made with mode 0700 when it is missing. One rollout per directory.
    type: str
    required: true
  rollout:
    description: Id of the rollout.
    type: str
    required: true
  lock_wait:
    description: Seconds to wait for another run that changes agents on this host.
    type: float
    default: 60
extends_documentation_fragment: [cowboyai.rollout.fence]
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
    support: full
"""

EXAMPLES = r"""
- name: Back up before spring
  cowboyai.rollout.agent_backup:
    rollout: spring
    directory: /opt/agents/backups/spring_pre
    instances:
      - agent: indexer
        unit: agent-runtime@indexer.service
        env_file: /opt/agents/indexer.env
        proof:
          log: Unified subject architecture DISABLED
  become: true
"""

RETURN = r"""
instances:
  description:
    - By agent, what became of it. Every requested agent is there; C(state) is V(backed_up), V(kept) or V(failed).
    - "C(reason) is null or one of V(env_file_missing), V(env_file_not_regular), V(env_file_unreadable),
      V(unit_not_found), V(unit_masked), V(backup_missing), V(backup_altered), V(backup_differs), V(write_failed),
      V(disk_full), V(permission_denied), V(host_busy), V(fenced) and V(tool_error)."
    - "C(differs) says whether the file is now another one than in the backup: after the change of this rollout it is,
      before it somebody else changed it. It is null for V(failed)."
  returned: always, but for unusable arguments
  type: dict
  sample:
    indexer:
      state: backed_up
      reason: null
      message: backed up
      changed: true
      differs: false
      path: /opt/agents/backups/spring_pre/indexer.env
      sha256: 47deafa8b7b1d9f0f1b6f1a1d64ae5a1a5a9a58c0b0d0f7e3f1f3e6c2c3f9b11
      size_bytes: 260
manifest_path:
  description: The manifest; null when there is none.
  returned: always, but for unusable arguments
  type: str
manifest_sha256:
  description: Its hash, in check mode of what it would be.
  returned: always, but for unusable arguments
  type: str
diff:
  description: Copies that were or would be made.
  returned: always, but for unusable arguments
  type: list
  elements: dict
msg:
  description: Names every instance that failed, and why.
  returned: failure
  type: str
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _accounts,
    _agent_backup,
    _fence,
    _host,
    _host_lock,
    _instance,
    _module_edge,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "instances": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "agent": {"type": "str", "required": True},
                    "unit": {"type": "str", "required": True},
                    "env_file": {"type": "str", "required": True},
                    "proof": _instance.PROOF_OPTION,
                },
            },
            "directory": {"type": "str", "required": True},
            "rollout": {"type": "str", "required": True},
            "fence": _fence.OPTION,
            "lock_wait": {"type": "float", "default": 60},
        },
        supports_check_mode=True,
    )
    with _module_edge.typed_failures(module):
        instances = _instance.instances_from(module.params["instances"], needs_env_file=True)
        directory = _instance.check_path(module.params["directory"], "directory")
        rollout = _instance.check_agent(module.params["rollout"], "rollout")
        try:
            with _host_lock.host_lock(wait=module.params["lock_wait"]):
                _fence.admit(_fence.fence_from(module.params["fence"]), module.check_mode)
                result = _agent_backup.backup(
                    _host.Host(), instances, directory, rollout, os.uname().nodename, module.check_mode
                )
        except _instance.InstanceError as problem:
            result = _accounts.all_failed([one.agent for one in instances], problem.reason, problem.message)
        _module_edge.leave(module, result)


if __name__ == "__main__":
    main()
