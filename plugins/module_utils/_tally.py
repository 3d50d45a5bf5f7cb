# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts sampled messages per group, subject and agent. Pure: fed with parsed events and arrival times."""

from __future__ import annotations

import hashlib
import heapq
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Set

from ansible_collections.cowboyai.rollout.plugins.module_utils._dual_match import LEGACY, UNIFIED, DualMatch
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import ProtocolError
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_parse import Event, parse_headers
from ansible_collections.cowboyai.rollout.plugins.module_utils._subjects import AgentIndex, Subscription, matches

# About 400 bytes each. Messages on further subjects are counted, their subjects are not listed.
MAX_SUBJECTS = 100_000
MAX_OWN_IDS = 100_000
TOP_SUBJECTS = 50
MAX_ID_BYTES = 256


class Match(NamedTuple):
    """Which groups hold the two halves of a dual publication; `publications`: only these subjects are publications
    (empty: all); `awaited`: the agents whose second halves are worth waiting for (None: all)."""

    legacy: str
    unified: str
    publications: Sequence[bytes] = ()
    awaited: Optional[Sequence[str]] = None


class _Subject:
    __slots__ = ("counts", "messages", "named", "publisher", "side", "size")

    def __init__(self, counts: bool, named: "frozenset[str]", publisher: Optional[str], side: Optional[int]) -> None:
        self.messages = 0
        self.size = 0
        self.counts = counts  # False: another subscription of the group counts it
        self.named = named
        self.publisher = publisher  # as far as the subject tells
        self.side = side  # of dual publishing; None: not a publication to match


class _Lane:
    """What one subscription received."""

    __slots__ = ("extra", "extra_size", "sent_by", "side", "subjects", "subscription")

    def __init__(self, subscription: Subscription, side: Optional[int]) -> None:
        self.subscription = subscription
        self.side = side
        self.clear()

    def clear(self) -> None:
        self.subjects: Dict[bytes, _Subject] = {}
        self.extra = 0
        self.extra_size = 0
        # Messages of agents that only their header names, and of all agents once the cap on subjects is reached.
        self.sent_by: Dict[str, int] = {}


def _short(conversation: Optional[bytes]) -> Optional[bytes]:
    """The id, or what stands for one that is longer than any: headers may hold a megabyte, and ids are kept."""
    if conversation is None or len(conversation) <= MAX_ID_BYTES:
        return conversation
    return conversation[:MAX_ID_BYTES] + hashlib.sha256(conversation).digest()


class Tally:
    """Feed it with take(); begin() forgets what came before the window; result() gives the counts."""

    def __init__(
        self,
        lanes: Mapping[bytes, Subscription],
        agents: AgentIndex,
        match: Optional[Match] = None,
        own_prefix: Optional[str] = None,
        max_subjects: int = MAX_SUBJECTS,
    ) -> None:
        sides = {match.legacy: LEGACY, match.unified: UNIFIED} if match else {}
        self._lanes = {sid: _Lane(subscription, sides.get(subscription.group)) for sid, subscription in lanes.items()}
        self._agents = agents
        self._match = match
        self._own_prefix = own_prefix.encode() if own_prefix else None
        self._max_subjects = max_subjects
        self._reads_headers = bool(agents.names)
        self.dual = DualMatch(agents.names) if match else None
        self.delivered = 0
        self._clear()

    def _clear(self) -> None:
        self._subjects = 0
        self._own_sent: Dict[str, Set[bytes]] = {agent: set() for agent in self._agents.names}
        self._own_seen: Dict[str, Set[bytes]] = {agent: set() for agent in self._agents.names}

    def begin(self, end: float, window_s: float) -> None:
        """The window begins now and will end at `end`."""
        for lane in self._lanes.values():
            lane.clear()
        self._clear()
        if self.dual:
            self.dual.begin(end, window_s)

    def end_at(self, end: float) -> None:
        """The window ends earlier than it began to: publications after `end` complete pairs, and begin none."""
        if self.dual:
            self.dual.end_at(end)

    def is_paired(self) -> bool:
        """Whether nothing that is judged still waits for its second half, of the agents that are awaited."""
        return self.dual is None or self.dual.is_paired(self._match.awaited if self._match else None)

    def take(self, events: Sequence[Event], at: float) -> None:
        """Count messages that arrived at `at`."""
        self.delivered += len(events)
        lanes, reads_headers = self._lanes, self._reads_headers
        for sid, subject, _reply, header, _payload, size in events:
            lane = lanes.get(sid)  # type: ignore[arg-type]
            if lane is None:
                raise ProtocolError("a message came for subscription %r, which was never made" % sid)
            seen = lane.subjects.get(subject)
            if seen is None:
                seen = self._new_subject(lane, subject, size)
            seen.messages += 1
            seen.size += size
            if reads_headers:
                if header is not None:
                    self._read_headers(lane, seen, subject, header, at)
                elif seen.side is not None and seen.publisher is not None:
                    self.dual.seen_without_id(seen.side, seen.publisher)  # type: ignore[union-attr]

    def _new_subject(self, lane: _Lane, subject: bytes, size: int) -> _Subject:
        counts = not any(matches(pattern, subject) for pattern in lane.subscription.before)
        side = lane.side if counts else None
        only = self._match.publications if self._match else ()
        if only and not any(matches(pattern, subject) for pattern in only):
            side = None
        named = self._agents.named_in(subject)
        seen = _Subject(counts, named, self._agents.publisher(subject, None), side)
        if self._subjects < self._max_subjects:
            self._subjects += 1
            lane.subjects[subject] = seen
        elif counts:
            lane.extra += 1
            lane.extra_size += size
            for agent in named:
                lane.sent_by[agent] = lane.sent_by.get(agent, 0) + 1
        return seen

    def _read_headers(self, lane: _Lane, seen: _Subject, subject: bytes, header: bytes, at: float) -> None:
        if not seen.counts:
            return
        fields = parse_headers(header).fields
        sender = fields.get(b"sender")
        publisher = seen.publisher if sender is None else self._agents.agent(sender)
        if publisher is not None and publisher not in seen.named:
            lane.sent_by[publisher] = lane.sent_by.get(publisher, 0) + 1
        conversation = _short(fields.get(b"conversation-id"))
        if publisher is not None and seen.side is not None:
            if conversation:
                self.dual.seen(seen.side, publisher, conversation, at)  # type: ignore[union-attr]
            else:
                self.dual.seen_without_id(seen.side, publisher)  # type: ignore[union-attr]
        if conversation and self._own_prefix and conversation.startswith(self._own_prefix):
            if publisher is not None:
                self._remember(self._own_seen[publisher], conversation)
            else:
                for agent in seen.named:
                    self._remember(self._own_sent[agent], conversation)

    @staticmethod
    def _remember(known: Set[bytes], conversation: bytes) -> None:
        if len(known) < MAX_OWN_IDS:
            known.add(conversation)

    def groups(self, window_s: float) -> Dict[str, Dict[str, Any]]:
        """Per group: messages, bytes (headers and payload), rate_per_s, pct of all groups' messages (None when there
        are
        none), unique_subjects, subjects_capped (unique_subjects is a lower bound), and the busiest subjects."""
        rows: Dict[str, Dict[str, Any]] = {}
        for lane in self._lanes.values():
            row = rows.setdefault(lane.subscription.group, {"messages": 0, "bytes": 0, "extra": 0, "subjects": []})
            counted = [(seen.messages, subject, seen.size) for subject, seen in lane.subjects.items() if seen.counts]
            row["messages"] += sum(entry[0] for entry in counted) + lane.extra
            row["bytes"] += sum(entry[2] for entry in counted) + lane.extra_size
            row["extra"] += lane.extra
            row["subjects"].extend(counted)
        total = sum(row["messages"] for row in rows.values())
        for row in rows.values():
            subjects = row.pop("subjects")
            row["rate_per_s"] = round(row["messages"] / window_s, 3) if window_s > 0 else None
            row["pct"] = 100.0 * row["messages"] / total if total else None
            row["unique_subjects"] = len(subjects)
            row["subjects_capped"] = row.pop("extra") > 0
            top = heapq.nsmallest(TOP_SUBJECTS, subjects, key=lambda entry: (-entry[0], entry[1]))
            row["subjects"] = [
                {"subject": subject.decode("utf-8", "backslashreplace"), "messages": messages}
                for messages, subject, _size in top
            ]
        return rows

    def agents(self) -> Dict[str, Dict[str, int]]:
        """{agent: {group: messages}}: messages that the agent's name or id appears in, as Sender or in the subject."""
        groups = list(dict.fromkeys(lane.subscription.group for lane in self._lanes.values()))
        rows = {agent: dict.fromkeys(groups, 0) for agent in self._agents.names}
        for lane in self._lanes.values():
            group = lane.subscription.group
            for seen in lane.subjects.values():
                if seen.counts:
                    for agent in seen.named:
                        rows[agent][group] += seen.messages
            for agent, messages in lane.sent_by.items():
                rows[agent][group] += messages
        return rows

    def own_ids(self, sent: Optional[Mapping[str, int]] = None) -> Optional[Dict[str, Dict[str, Any]]]:
        """{agent: {sent, seen, pct}}: of the conversation ids with our prefix sent to the agent, how many came back
        in its publications.

        `sent` replaces the requests that were seen (when the prober says itself how many it sent). None without a
        prefix.
        """
        if not self._own_prefix:
            return None
        rows: Dict[str, Dict[str, Any]] = {}
        for agent in self._agents.names:
            requests = len(self._own_sent[agent]) if sent is None else sent.get(agent, 0)
            seen = len(self._own_seen[agent])
            rows[agent] = {"sent": requests, "seen": seen, "pct": 100.0 * seen / requests if requests else None}
        return rows
