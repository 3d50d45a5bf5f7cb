#!/usr/bin/python
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: agent_guard
short_description: Confirm, renew or rehearse a host's own way back
version_added: 0.1.0
author:
  - Cowboy AI (@thecowboyai)
description:
  - M(cowboyai.rollout.agent_change) with O(cowboyai.rollout.agent_change#module:guard) has a host arm its own way back
    before the first write. It fires by itself, over a reboot too, unless this module confirms in time.
  - A guard is a transient timer of systemd, a program of root's own in C(/var/lib/cowboyai-rollout), and one small
    service for the next boot, C(cowboyai-rollout-guard.service); the last confirmation on the host removes timer and
    service.
  - The guard that fires restores from the backup what M(cowboyai.rollout.agent_restore) would restore, in the same way,
    and says so in the journal, as C(cowboyai-rollout-guard).
  - Needs root, so run it with C(become).
options:
  state:
    description:
      - With V(confirmed) the guard is disarmed and never fires.
      - With V(renewed) it waits O(within) seconds from now.
      - With V(rehearsed) a harmless timer fires, to see that a guard could be relied on; it is cleared away again.
    type: str
    choices: [confirmed, renewed, rehearsed]
    required: true
  rollout:
    description: The rollout whose guard it is.
    type: str
    required: true
  within:
    description: Seconds that a renewed guard waits.
    type: float
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
    description: Returns details on what changed in diff mode.
    support: none
"""

EXAMPLES = r"""
- name: The change is good, keep it
  cowboyai.rollout.agent_guard:
    rollout: spring
    state: confirmed
  become: true

- name: See that the host could put itself back
  cowboyai.rollout.agent_guard:
    rollout: spring
    state: rehearsed
  become: true
"""

RETURN = r"""
guard:
  description: How the host's own way back stands now.
  returned: always, but for unusable arguments
  type: dict
  contains:
    state:
      description:
        - V(none) when nothing is armed, V(armed), V(reverted) when the host has put itself back since the last change,
          or V(unknown) when its files can't be used.
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
late_s:
  description: With V(rehearsed), how late the timer's program ran, in seconds; null in check mode.
  returned: success
  type: float
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _fence,
    _guard,
    _guard_end,
    _guard_record,
    _host_lock,
    _instance,
    _module_edge,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["confirmed", "renewed", "rehearsed"], "required": True},
            "rollout": {"type": "str", "required": True},
            "within": {"type": "float"},
            "fence": _fence.OPTION,
            "lock_wait": {"type": "float", "default": 60},
        },
        required_if=[("state", "renewed", ["within"])],
        supports_check_mode=True,
    )
    with _module_edge.typed_failures(module):
        params, place = module.params, _guard_record.Place()
        rollout = _instance.check_agent(params["rollout"], "rollout")
        fence = _fence.fence_from(params["fence"])
        result: Dict[str, Any] = {"changed": False, "late_s": None}
        with _host_lock.host_lock(wait=params["lock_wait"]):
            _fence.admit(fence, module.check_mode)
            if module.check_mode:
                armed = _guard_record.status(place, rollout)["state"] == "armed"
                result["changed"] = armed and params["state"] != "rehearsed"
            elif params["state"] == "rehearsed":
                result["late_s"] = round(_guard.rehearse(place), 3)
            elif params["state"] == "confirmed":
                result["changed"] = _guard_end.confirm(place, rollout)
            else:
                within = _guard.check_within(params["within"], "within")
                result["changed"] = _guard.renew(place, rollout, within)
        result["guard"] = _guard_record.seen(place, rollout)
        module.exit_json(**result)


if __name__ == "__main__":
    main()
