# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollout could not see, in words: criteria without data, stretches without data, and what looks alone can't notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._fold import Fold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._numbers import (
    UNKNOWN,
    clock_text,
    number,
    seconds_text,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import RolloutState

MOST_GAPS = 60
REASONS = {
    "agent_silent": "the agent answered nothing at all",
    "host_unreachable": "the host could not be reached",
    "nats_unreachable": "NATS could not be reached by the measurer",
    "nats_refused": "NATS refused a subscription or a request of the measurer (permissions)",
    "nats_unsupported": "the NATS server has not what the measurement needs, such as message headers",
    "nobody_answers": "no instance of the agent answered any request",
    "too_many_answers": "requests got more answers than there are instances, so somebody else answered too",
    "sampler_lossy": "the sampler lost messages, so counts would be too low",
    "sampler_late": "it was measured too late, or not for longer than planned",
    "subject_idle": "nothing was published on the subjects",
    "too_few_samples": "too few samples to judge by",
    "tool_error": "our own tool failed",
    "journal_rotated": "the journal had dropped lines before they were read",
    "entries_bounded": "there were more lines than are read at once",
    "journal_unreadable": "the journal could not be read",
    "journal_incomplete": "the journal could not be read in full",
    "entries_damaged": "the journal held entries that could not be read",
    "lines_suppressed": "journald had dropped lines of an agent that wrote too many",
    "canary_unseen": "a line that was written as agents write theirs did not get into the journal",
    "clock_moved": "the clock of the host was set back",
    "output_elsewhere": "the agent writes to another place than the journal",
    "output_cut_off": "the connection of the agent to the journal was cut",
    "output_unknown": "nothing shows that the agent writes to the journal",
    "lines_filtered": "journald drops lines of the agent by its unit's settings",
    "process_unseen": "the journal no longer has the lines that proved the agent",
    "cursor_invalid": "the place to read on from was unknown to the journal",
}
# With requests in so large a share of the buckets, a hang of a bucket's length does not go unseen.
_WATCHED_ALL_ALONG = 95.0


@dataclass
class Gap:
    """A stretch in which something was not seen."""

    when: str
    lasted: str
    what: str
    reason: str
    meaning: str
    message: str


def gaps_of(records: Sequence[Record], fold: Fold | None) -> list[Gap]:
    """Gaps of the series; where there is none, those that looks recorded. Oldest first."""
    if fold:
        return [
            Gap(
                when=clock_text(fold.moment(gap["from"])),
                lasted=seconds_text((gap["to"] - gap["from"]) * fold.bucket_s),
                what=str(gap.get("what", "")),
                reason=str(gap.get("reason", "")),
                meaning=REASONS.get(str(gap.get("reason", "")), ""),
                message=str(gap.get("message") or ""),
            )
            for gap in fold.series.get("gaps") or []
        ]
    found = []
    for record in records:
        if record.kind != "look.taken" or not record.data.get("gaps"):
            continue
        by_reason: dict[str, list[str]] = {}
        for instance, reason in record.data["gaps"].items():
            by_reason.setdefault(str(reason), []).append(str(instance))
        for reason, instances in by_reason.items():
            shown = ", ".join(instances[:6]) + (f" and {len(instances) - 6} more" if len(instances) > 6 else "")
            found.append(Gap(clock_text(record.moment), UNKNOWN, shown, reason, REASONS.get(reason, ""), ""))
    return found


def between_looks(
    state: RolloutState,
    records: Sequence[Record],
    gates: Sequence[dict[str, Any]],
    fold: Fold | None,
    now: datetime | None,
) -> list[str]:
    """Sentences: how much of the time somebody asked, and what could have happened in between without a trace."""
    if fold:
        seen = fold.silence_between()
        if seen is None:
            return ["No agent was changed yet, so nothing had to be watched."]
        share, longest, whose = seen
        bucket = seconds_text(fold.bucket_s)
        if fold.series.get("skips_waits"):
            return [
                "The waits of this rehearsal were skipped: the requests of a few moments stand for each of them. A hang that comes "
                "and goes while a real run waits could not have shown here."
            ]
        scaled = _plan_time(longest, fold.series.get("time_scale"))
        if share >= _WATCHED_ALL_ALONG:
            stretch = (
                f"The longest stretch without a request was {seconds_text(longest)}{scaled} ({whose})."
                if longest
                else "No bucket was without one."
            )
            return [
                f"Every changed agent was sent requests in at least {number(share)} % of the buckets of {bucket} since its "
                f"change, also while the run waited: a hang of {bucket} or more shows as answers that did not come. {stretch}"
            ]
        return [
            f"Requests were sent in as few as {number(share)} % of the buckets of {bucket} since the change; the longest "
            f"stretch without one was {seconds_text(longest)}{scaled} ({whose}).",
            "Between requests only the journal and the units were read. What they could not have seen: an agent that "
            "hangs or loses messages without a restart and without a line in its journal, for less than that stretch.",
        ]
    if state.first_deployed_at is None or now is None:
        return ["No agent was changed yet, so nothing had to be watched."]
    since = (now - state.first_deployed_at).total_seconds()
    windows = sum(
        float(gate["summary"].get("window_s") or 0.0)
        for gate in gates
        if gate["at"] >= state.first_deployed_at and gate["gate"] in ("verify", "checkpoint")
    )
    looks = sum(1 for record in records if record.kind == "look.taken")
    share = min(100.0, 100.0 * windows / since) if since > 0 else 0.0
    if not windows:
        return [f"In the {seconds_text(since)} since the first change neither answers nor traffic were measured."]
    return [
        f"Answers and traffic were measured only at the gates: {seconds_text(windows)} of {seconds_text(since)} since the "
        f"first change ({number(share)} %). The {looks} looks in between read the journal and the units.",
        "What they could not have seen: an agent that hangs or loses messages without a restart and without a line in "
        "its journal, and is well again at the next gate.",
    ]


def _plan_time(seconds: float, scale: Any) -> str:
    try:
        factor = float(scale)
    except (TypeError, ValueError):
        return ""
    return f" ({seconds_text(seconds * factor)} of the plan's time)" if factor > 1.0 else ""
