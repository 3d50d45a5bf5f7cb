# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a module meets Ansible: every failure leaves as one sentence with a typed reason, no traceback."""

from __future__ import annotations

import os
import traceback
from contextlib import contextmanager
from typing import Any, Dict, Iterator

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cowboyai.rollout.plugins.module_utils import _secrets
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import ArgumentProblem, InstanceError
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import SystemdError


class QuietAnsibleModule(AnsibleModule):
    """A module whose arguments may hold secrets: they are not copied into the host's log.

    Neither ``no_log`` of the constructor (the controller's task overrides it) nor of an option (it would mask every
    harmless value such as "true" in the result) can do this.
    """

    def log(self, msg: Any, log_args: Any = None) -> None:
        """Log nothing."""


def hide_secret_values(module: Any) -> None:
    """Keep values of secret-looking variables in the arguments out of everything that Ansible returns."""
    for spec in module.params.get("instances") or []:
        env = spec.get("env")
        for name, value in env.items() if isinstance(env, dict) else ():
            if isinstance(value, str) and value and _secrets.mask_value(str(name), value) != value:
                module.no_log_values.add(value)


def leave(module: Any, result: Dict[str, Any]) -> None:
    """End the module with ``result``; it failed when the result says so."""
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


@contextmanager
def typed_failures(module: Any) -> Iterator[None]:
    """Turn exceptions of the body into ``fail_json(msg, reason)``."""
    try:
        yield
    except InstanceError as problem:
        module.fail_json(msg=problem.message, reason=problem.reason)
    except (SystemdError, ArgumentProblem) as problem:
        module.fail_json(msg=str(problem), reason="tool_error")
    except Exception as problem:  # pylint: disable=broad-except
        # The operator gets a place to look at instead of a traceback.
        last = traceback.extract_tb(problem.__traceback__)[-1]
        module.fail_json(
            msg="an error of the collection itself, not of the agents: {0}: {1} ({2}, line {3})".format(
                type(problem).__name__, problem, os.path.basename(last.filename), last.lineno
            ),
            reason="tool_error",
        )
