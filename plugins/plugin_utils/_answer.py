# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door through which results of modules come in: what a host says is data about that host, or it is nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _answer_shapes, _no_answer
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._foreign import ForeignError, tamed

# Ansible itself acts on these whatever module they come from: they add hosts and groups, set facts and statistics, stand
# for the results of a loop, notify handlers, or change what is shown.
_NOT_A_HOSTS_TO_SAY = frozenset(
    ["add_host", "add_group", "results", "item", "skipped", "skip_reason", "false_condition", "include", "include_args"]
    + ["failed_when_result", "attempts", "retries", "censored", "exception", "deprecations", "warnings"]
)
_OF_A_JOB = frozenset(["ansible_job_id", "started", "finished", "results_file"])


def _may_stay(key: str, job: bool) -> bool:
    if key in _OF_A_JOB:
        return job
    return key not in _NOT_A_HOSTS_TO_SAY and not key.startswith(("_ansible", "ansible"))


def vetted(
    module: str, result: dict[str, Any], asked: Iterable[str] | None = None, job: bool = False
) -> dict[str, Any]:
    """The result of a module as it may be registered and shown; one that says why where the host's answer can't be used.

    `asked`: the agents that it was asked about; `job`: it is the start of a job, which has no answer yet.
    """
    try:
        said = _no_answer.words(result)
        if said is not None:
            result = {**result, "msg": said}
        answer: dict[str, Any] = tamed({key: item for key, item in result.items() if _may_stay(str(key), job)})
        # What else ended the task (no connection, no Python) is no answer of the module.
        partly = job or bool(answer.get("failed") or answer.get("unreachable"))
        _answer_shapes.check(module, answer, None if asked is None else frozenset(asked), partly)
    except (ForeignError, RecursionError) as problem:
        return refused(module, problem)
    return answer


def refused(module: str, problem: Exception) -> dict[str, Any]:
    """What stands for an answer that can't be used."""
    why = str(problem) if isinstance(problem, ForeignError) else "it is nested too deep"
    return {
        "failed": True,
        "changed": False,
        "reason": reasons.TOOL_ERROR,
        "msg": f"what came back is no answer of cowboyai.rollout.{module}: {why}. None of it was used. "
        "Look at the host's Python and at who can change it: something else may be answering there.",
    }
