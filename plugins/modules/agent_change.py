#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: agent_change
short_description: Change environment files of agents, restart them, and prove the new state
version_added: 0.1.0
author:
  - Cowboy AI (@thecowboyai)
description:
  - Sets variables in the environment files of any number of agents, restarts in one call those whose process doesn't
    run with the new values yet, and proves for each that the new process does.
  - The files keep everything else to the byte, with owner, group, mode, ACL and SELinux label, and are replaced
    atomically.
  - What runs decides about a restart, not what was written. So a run that was killed half-way can be started again, and
    restarts nothing twice.
  - One agent's failure never stops the others.
  - Needs root, so run it with C(become).
options:
  instances:
    description: The agents to change.
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
      env:
        description:
          - Variables and the values they shall have, as strings. Nothing else in the file changes.
        type: dict
        required: true
      proof:
        description: What the new process itself must show in its log.
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
      backup_sha256:
        description:
          - SHA-256 of the file as it was backed up (from M(cowboyai.rollout.agent_backup)). If the file is neither that
            nor has all values already, somebody changed it after the backup; it is then left alone, with the reason
            V(backup_stale), since a restore would undo that change too.
        type: str
  settle:
    description: Seconds after its proof that each process must still be the same one, active, and without errors.
    type: float
    default: 0
  guard:
    description:
      - Before the first write, have the host arm its own way back, which fires unless M(cowboyai.rollout.agent_guard)
        confirms in time, over a reboot too. A change that can't be guarded is not made.
    type: dict
    suboptions:
      rollout:
        description: The rollout that is guarded.
        type: str
        required: true
      directory:
        description: The backup directory from which the host would put itself back.
        type: str
        required: true
      within:
        description: Seconds after which it does.
        type: float
        required: true
      known:
        description:
          - Reverts of this host that the rollout knows of, by C(id) of RV(guard.reverted). With another one the change is
            refused with the reason V(host_reverted).
        type: list
        elements: str
        default: []
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
- name: Turn on unified subjects
  cowboyai.rollout.agent_change:
    instances:
      - agent: indexer
        unit: agent-runtime@indexer.service
        env_file: /opt/agents/indexer.env
        env:
          NEW_SUBJECTS: "true"
        proof:
          log: Unified subject architecture ENABLED
          subscriptions: ["agent.to.indexer.>"]
          ready_within: 20
    settle: 2
  become: true
"""

RETURN = r"""
instances:
  description:
    - By agent, what became of it. Every requested agent is there; C(state) is V(proven) or
      V(failed), in check mode V(would_change), V(unchanged) or V(failed).
    - "C(reason) is null or one of V(env_file_missing), V(env_file_not_regular), V(env_file_unreadable),
      V(unit_not_found), V(unit_masked), V(same_unit), V(unit_inactive), V(restart_failed), V(not_ready_in_time),
      V(log_line_missing), V(subscription_missing), V(environ_mismatch), V(environ_unreadable), V(error_in_log), V(backup_missing), V(backup_altered),
      V(backup_differs), V(backup_stale), V(write_failed), V(disk_full), V(permission_denied), V(host_busy),
      V(fenced), V(host_reverted), V(guard_failed) and V(tool_error)."
    - "C(proof.log) is null when no text was asked for, or when a process that was not restarted by this run started so
      long ago that the journal has no lines of its start any more (C(message) then says V(journal_rotated))."
  returned: always, but for unusable arguments
  type: dict
  sample:
    indexer:
      state: proven
      changed: true
      restarted: true
      reason: null
      message: restarted; the new process runs with the new values
      keys: [NEW_SUBJECTS]
      before:
        sha256: 47deafa8b7b1d9f0f1b6f1a1d64ae5a1a5a9a58c0b0d0f7e3f1f3e6c2c3f9b11
        invocation_id: 6ba8b1f7e8ef4d4a8a9f1f1ad5d9a1bc
        main_pid: 4711
        started_at: "2026-01-20T08:00:00.000000+00:00"
      after:
        sha256: 9b1d9f0f1b6f1a1d64ae5a1a5a9a58c0b0d0f7e3f1f3e6c2c3f9b1147deafa8b7
        invocation_id: 0f4be2f4c1c34b5f8a1de80d3e2a7c55
        main_pid: 4890
        started_at: "2026-01-23T23:12:10.060000+00:00"
      proof:
        environ: true
        log: true
        subscriptions: {agent.to.indexer.>: true}
        errors: 0
        waited_s: 0.2
guard:
  description: How the host's own way back stands.
  returned: when O(guard) is given
  type: dict
  contains:
    state:
      description: V(none), V(armed), V(reverted), or V(unknown) when its files can't be used.
      type: str
    deadline:
      description: Until when an armed one waits.
      type: str
    agents:
      description: Whom an armed one would put back.
      type: list
      elements: str
    reverted:
      description: What the host did when it last put itself back; C(id), C(at), C(why), C(complete) and C(instances).
      type: dict
diff:
  description: Changed hunks of each environment file, secrets masked.
  returned: always, but for unusable arguments
  type: list
  elements: dict
msg:
  description: Names every instance that failed, and why.
  returned: failure
  type: str
"""

from functools import partial

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _accounts,
    _agent_change,
    _fence,
    _guard,
    _guard_record,
    _host,
    _host_lock,
    _instance,
    _module_edge,
)


def main() -> None:
    module = _module_edge.QuietAnsibleModule(
        argument_spec={
            "instances": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "agent": {"type": "str", "required": True},
                    "unit": {"type": "str", "required": True},
                    "env_file": {"type": "str", "required": True},
                    "env": {"type": "dict", "required": True},
                    "backup_sha256": {"type": "str"},
                    "proof": _instance.PROOF_OPTION,
                },
            },
            "settle": {"type": "float", "default": 0},
            "fence": _fence.OPTION,
            "guard": _guard.OPTION,
            "lock_wait": {"type": "float", "default": 60},
        },
        supports_check_mode=True,
    )
    _module_edge.hide_secret_values(module)
    with _module_edge.typed_failures(module):
        instances = _instance.instances_from(module.params["instances"], needs_env_file=True, needs_env=True)
        settle = _instance.check_seconds(module.params["settle"], "settle")
        fence, arming = _fence.fence_from(module.params["fence"]), _guard.arming_from(module.params["guard"])
        place = _guard_record.Place()
        arm = partial(_guard.arm, place, arming) if arming else None
        try:
            with _host_lock.host_lock(wait=module.params["lock_wait"]):
                _fence.admit(fence, module.check_mode)
                result = _agent_change.change(_host.Host(), instances, settle, module.check_mode, arm)
        except _instance.InstanceError as problem:
            result = _accounts.all_failed([one.agent for one in instances], problem.reason, problem.message)
        if arming:
            result["guard"] = _guard_record.seen(place, arming.rollout)
        _module_edge.leave(module, result)


if __name__ == "__main__":
    main()
