# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed reasons: why something could not be measured. Absence of evidence is never a pass."""

from __future__ import annotations

from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._no_answer import words

AGENT_SILENT = "agent_silent"
HOST_UNREACHABLE = "host_unreachable"
NATS_UNREACHABLE = "nats_unreachable"
NATS_REFUSED = "nats_refused"
NATS_UNSUPPORTED = "nats_unsupported"
NOBODY_ANSWERS = "nobody_answers"
TOO_MANY_ANSWERS = "too_many_answers"
SAMPLER_LOSSY = "sampler_lossy"
SAMPLER_LATE = "sampler_late"
SUBJECT_IDLE = "subject_idle"
TOO_FEW_SAMPLES = "too_few_samples"
TOOL_ERROR = "tool_error"
# In the text beside a reason: a journal lost lines before they were read, which a person can accept.
JOURNAL_GAP = "journal gap"

ALL = (
    AGENT_SILENT,
    HOST_UNREACHABLE,
    NATS_UNREACHABLE,
    NATS_REFUSED,
    NATS_UNSUPPORTED,
    NOBODY_ANSWERS,
    TOO_MANY_ANSWERS,
    SAMPLER_LOSSY,
    SAMPLER_LATE,
    SUBJECT_IDLE,
    TOO_FEW_SAMPLES,
    TOOL_ERROR,
)


def of_task_result(result: Any) -> tuple[str | None, str]:
    """(reason, message) of one host's registered task result; (None, "") when the module itself answered."""
    if not isinstance(result, dict):
        return TOOL_ERROR, "no result was registered for this host"
    if result.get("unreachable"):
        return HOST_UNREACHABLE, str(result.get("msg", "")).strip()
    if result.get("skipped"):
        return TOOL_ERROR, "the task was skipped"
    if "instances" in result:
        return None, ""
    if result.get("failed"):
        return TOOL_ERROR, words(result) or str(result.get("msg", "the module failed without a message")).strip()
    return TOOL_ERROR, "the answer holds no measurement"
