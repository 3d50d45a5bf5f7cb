# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Matches what agents publish twice: the legacy publication of a conversation against the unified one.

Pure accounting over (side, agent, conversation, arrival time); no network, no clock.

Every instance of an agent type answers for itself, so n instances give n legacy and n unified publications per
conversation. Per agent:

    success_pct = 100 * sum over conversations of min(legacy, unified) / sum over conversations of legacy

Edges of the window, where one half of a pair can lie outside:

- before the window (while the subscription settles) publications are paired but not counted; a legacy one that still
  waits for its partner when the window begins takes the next unified one with it, uncounted;
- legacy publications in the last `grace` seconds are not judged (`edge`), unified ones still complete earlier pairs.
"""

from __future__ import annotations

from array import array
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils._latency import milliseconds, nearest_rank

LEGACY, UNIFIED = 0, 1

# About 300 bytes each; beyond it the result says `capped` and counts what was left out.
MAX_CONVERSATIONS = 100_000
MAX_GAPS = 200_000
MAX_EXAMPLES = 10
# Unpaired arrival times kept per conversation: an agent that publishes on one side only must not fill the memory.
_MAX_WAITING = 64


def grace_s(window_s: float) -> float:
    """How long before the window's end a legacy publication must lie to be judged: 1 s, in short windows 5 %."""
    return min(1.0, 0.05 * window_s)


class _Conversation:
    __slots__ = ("carried", "edge", "legacy", "unified", "waiting", "waiting_side")

    def __init__(self) -> None:
        self.legacy = 0
        self.unified = 0
        self.carried = 0
        self.edge = 0
        self.waiting_side = LEGACY
        self.waiting: List[float] = []


class DualMatch:
    """Feed it every publication with seen(), call begin() when the window begins, then read result()."""

    def __init__(self, agents: List[str], max_conversations: int = MAX_CONVERSATIONS) -> None:
        self._agents = agents
        self._limit = max_conversations
        self._conversations: Dict[Tuple[str, bytes], _Conversation] = {}
        self._gaps: Dict[str, "array[float]"] = {agent: array("d") for agent in agents}
        self._without_id = {agent: [0, 0] for agent in agents}
        self._untracked = 0
        self._cut: Optional[float] = None

    def begin(self, end: float, window_s: float) -> None:
        """The window begins now and will end at `end` (same clock as the arrival times)."""
        self._cut = end - grace_s(window_s)
        self._without_id = {agent: [0, 0] for agent in self._agents}
        for conversation in self._conversations.values():
            conversation.waiting = []

    def end_at(self, end: float) -> None:
        """Legacy publications after `end` are not judged."""
        self._cut = end

    def is_paired(self, awaited: Optional[Sequence[str]] = None) -> bool:
        """Whether every legacy publication that is judged has its unified one, of `awaited` agents (None: all)."""
        return all(
            each.unified >= each.legacy
            for (agent, _id), each in self._conversations.items()
            if awaited is None or agent in awaited
        )

    def seen_without_id(self, side: int, agent: str) -> None:
        """A publication without Conversation-Id: cannot be matched, is reported apart."""
        self._without_id[agent][side] += 1

    def seen(self, side: int, agent: str, conversation_id: bytes, at: float) -> None:
        """A publication of `agent` on one side, arrived at `at` seconds."""
        key = (agent, conversation_id)
        conversation = self._conversations.get(key)
        if conversation is None:
            if len(self._conversations) >= self._limit:
                self._untracked += 1
                return
            conversation = self._conversations[key] = _Conversation()
        if self._cut is None:
            if side == LEGACY:
                conversation.carried += 1
            elif conversation.carried:
                conversation.carried -= 1
            return
        if side == UNIFIED:
            if conversation.carried:
                conversation.carried -= 1
                return
            conversation.unified += 1
        elif at <= self._cut:
            conversation.legacy += 1
        else:
            conversation.edge += 1
        self._pair(conversation, side, agent, at)

    def _pair(self, conversation: _Conversation, side: int, agent: str, at: float) -> None:
        """Arrivals are paired in order; with several instances that is the smallest total gap, so gaps bound the
        publish time."""
        waiting = conversation.waiting
        if waiting and conversation.waiting_side != side:
            gap = at - waiting.pop(0)
            gaps = self._gaps[agent]
            if len(gaps) < MAX_GAPS:
                gaps.append(gap)
        elif len(waiting) < _MAX_WAITING:
            conversation.waiting_side = side
            waiting.append(at)

    def result(self) -> Dict[str, Any]:
        """{agents: {agent: {legacy, unified, matched, success_pct (None without a legacy publication), conversations,
        unified_only, edge, without_id: {legacy, unified}, gap_p50_ms, gap_p99_ms}}, unmatched: [{agent, conversation,
        legacy, unified}], capped, untracked}."""
        rows: Dict[str, Dict[str, Any]] = {}
        for agent in self._agents:
            gaps = sorted(self._gaps[agent])
            without = self._without_id[agent]
            rows[agent] = {
                "legacy": 0,
                "unified": 0,
                "matched": 0,
                "success_pct": None,
                "conversations": 0,
                "unified_only": 0,
                "edge": 0,
                "without_id": {"legacy": without[LEGACY], "unified": without[UNIFIED]},
                "gap_p50_ms": milliseconds(nearest_rank(gaps, 50)),
                "gap_p99_ms": milliseconds(nearest_rank(gaps, 99)),
            }
        unmatched: List[Dict[str, Any]] = []
        for (agent, conversation_id), conversation in self._conversations.items():
            row = rows[agent]
            row["legacy"] += conversation.legacy
            row["unified"] += conversation.unified
            row["edge"] += conversation.edge
            row["matched"] += min(conversation.legacy, conversation.unified)
            row["conversations"] += 1 if conversation.legacy else 0
            surplus = max(0, conversation.unified - conversation.legacy - conversation.edge)
            row["unified_only"] += surplus
            if (conversation.legacy > conversation.unified or surplus) and len(unmatched) < MAX_EXAMPLES:
                unmatched.append(
                    {
                        "agent": agent,
                        "conversation": conversation_id.decode("utf-8", "backslashreplace")[:200],
                        "legacy": conversation.legacy,
                        "unified": conversation.unified,
                    }
                )
        for row in rows.values():
            if row["legacy"]:
                row["success_pct"] = 100.0 * row["matched"] / row["legacy"]
        return {"agents": rows, "unmatched": unmatched, "capped": self._untracked > 0, "untracked": self._untracked}
