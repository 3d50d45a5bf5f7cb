#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: agent_restore
short_description: Put environment files of agents back from a backup and prove the old state
version_added: 0.1.0
author:
  - Cowboy AI (@thecowboyai)
description:
  - Restores environment files from the copies that M(cowboyai.rollout.agent_backup) made, hash-checked, byte for byte
    with owner, group and mode, restarts in one call the agents that don't run with them, and proves for each that they
    do.
  - Needs only the manifest in the backup directory; no plan, no NATS.
  - One agent's failure never stops the others; run again, it does only what is left to do.
  - An agent that was not running at the backup, and isn't now, only gets its file back.
  - Needs root, so run it with C(become).
options:
  directory:
    description: The backup directory of the rollout.
    type: str
    required: true
  agents:
    description: Restore only these agents; all of the manifest when not given.
    type: list
    elements: str
  ready_within:
    description: Seconds after its start within which each process must have shown its proof, instead of the manifest's.
    type: float
  proofs:
    description:
      - By agent, what its process must show, instead of what the manifest says. The keys of each are those of
        O(cowboyai.rollout.agent_backup#module:instances[].proof).
    type: dict
  accept_unproven:
    description:
      - Agents that count as restored although their processes don't show the proof. The file must be back, and the process
        must have the old values as far as they can be read; one that still has a new value is never accepted.
    type: list
    elements: str
    default: []
  settle:
    description: Seconds after its proof that each process must still be the same one, active, and without errors.
    type: float
    default: 0
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
- name: Undo spring on this host
  cowboyai.rollout.agent_restore:
    directory: /opt/agents/backups/spring_pre
  become: true

- name: Undo it for one agent
  cowboyai.rollout.agent_restore:
    directory: /opt/agents/backups/spring_pre
    agents: [indexer]
  become: true
"""

RETURN = r"""
instances:
  description:
    - By agent, what became of it. Every requested agent is there; C(state) is V(restored), V(unproven) or
      V(failed), in check mode V(would_restore), V(unchanged) or V(failed).
    - "V(unproven): the file is back and the process has the old values as far as they can be read, but it does not show
      its proof. The task fails for it as for V(failed)."
    - "C(reason) is null or one of V(env_file_missing), V(env_file_not_regular), V(env_file_unreadable),
      V(unit_not_found), V(unit_masked), V(unit_inactive), V(restart_failed), V(not_ready_in_time), V(log_line_missing),
      V(subscription_missing), V(environ_mismatch), V(environ_unreadable), V(error_in_log), V(backup_missing), V(backup_altered),
      V(backup_differs), V(write_failed), V(disk_full), V(permission_denied), V(host_busy), V(fenced) and V(tool_error)."
    - "C(proof.log) is null when no text was asked for, or when a process that was not restarted by this run started so
      long ago that the journal has no lines of its start any more (C(message) then says V(journal_rotated))."
  returned: always, but for unusable arguments
  type: dict
  sample:
    indexer:
      state: restored
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
  returned: when O(fence) is given
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

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _accounts,
    _agent_restore,
    _fence,
    _guard_end,
    _guard_record,
    _host,
    _host_lock,
    _instance,
    _module_edge,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "str", "required": True},
            "agents": {"type": "list", "elements": "str"},
            "ready_within": {"type": "float"},
            "proofs": {"type": "dict"},
            "accept_unproven": {"type": "list", "elements": "str", "default": []},
            "settle": {"type": "float", "default": 0},
            "fence": _fence.OPTION,
            "lock_wait": {"type": "float", "default": 60},
        },
        supports_check_mode=True,
    )
    with _module_edge.typed_failures(module):
        params = module.params
        directory = _instance.check_path(params["directory"], "directory")
        agents = [_instance.check_agent(agent) for agent in dict.fromkeys(params["agents"] or [])]
        if params["agents"] is not None and not agents:
            raise _instance.ArgumentProblem("agents is an empty list; leave it out to restore all of the manifest")
        settle = _instance.check_seconds(params["settle"], "settle")
        within = params["ready_within"]
        if within is not None:
            _instance.proof_from({"ready_within": within}, "all agents")
        fence, place = _fence.fence_from(params["fence"]), _guard_record.Place()
        try:
            with _host_lock.host_lock(wait=params["lock_wait"]):
                _fence.admit(fence, module.check_mode, must_keep=False)
                result = _agent_restore.restore(
                    _host.Host(),
                    directory,
                    agents or None,
                    within,
                    settle,
                    module.check_mode,
                    {agent: _instance.proof_from(raw, agent) for agent, raw in (params["proofs"] or {}).items()},
                    params["accept_unproven"],
                )
                if fence and not module.check_mode:
                    back = [agent for agent, one in result["instances"].items() if one["state"] == "restored"]
                    _guard_end.release(place, fence.rollout, back)
        except _instance.InstanceError as problem:
            if not agents:
                raise
            result = _accounts.all_failed(agents, problem.reason, problem.message)
        if fence:
            result["guard"] = _guard_record.seen(place, fence.rollout)
        _module_edge.leave(module, result)


if __name__ == "__main__":
    main()
