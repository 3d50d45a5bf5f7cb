# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came back from one agent, in all and by the bucket in which it was asked. No clock, no connection.

A request counts once it is settled: all its answers came, or it is proven that the server would have brought them. What
is not settled when the connection breaks is nobody's fault, so neither the request nor its answers count anywhere.
"""

from __future__ import annotations

from array import array
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency_sketch, _secrets
from ansible_collections.cowboyai.rollout.plugins.module_utils._latency import summary

MAX_EXAMPLES = 5
# Far more than is kept; masking takes time in the square of it.
MASKED_LENGTH = 8192


class Asked:
    """One request: the target's number, when it was sent (the caller's clock, seconds) and in which bucket, if any.

    ``open``: its answers are still waited for. ``settled``: it counts; later answers are added to it. ``void``: it never
    will, because those who measure could not see when its answers came.
    """

    __slots__ = ("answers", "bucket", "early", "in_time", "open", "sent_at", "settled", "target", "void")

    def __init__(self, target: int, sent_at: float, bucket: Optional[int] = None) -> None:
        self.target = target
        self.sent_at = sent_at
        self.bucket = bucket
        self.answers = 0
        self.in_time = 0
        self.open = True
        self.settled = False
        self.void = False
        self.early: Optional[List[Tuple[float, Optional[str]]]] = None


class _Bucket:
    __slots__ = ("answers", "asked", "errors", "late", "sketch")

    def __init__(self) -> None:
        self.asked = self.answers = self.late = self.errors = 0
        self.sketch: _latency_sketch.Sketch = []


class Account:
    """The account of one agent; ``expected`` answers per request, late after ``timeout_s``."""

    def __init__(self, expected: int, timeout_s: float) -> None:
        self.expected = expected
        self.sent = self.settled = self.delivered = self.late = self.duplicates = 0
        self.errors = self.full = self.no_responders = self.stream_acks = 0
        self.unanswered_in_a_row = 0
        self._timeout_s = timeout_s
        self._heard = False
        # 8 bytes each: a probe may go on for hours.
        self._latencies = array("d")
        self._error_examples: List[str] = []
        self._buckets: Dict[int, _Bucket] = {}

    @property
    def is_owed(self) -> bool:
        """Whether answers to settled requests may still come."""
        return self.delivered + self.late < self.settled * self.expected and not self.no_responders

    def answer(self, asked: Asked, latency_s: float, error: Optional[str] = None) -> None:
        """An answer arrived; ``error`` is the message of one that reports an error."""
        self._heard = True
        self.unanswered_in_a_row = 0
        asked.answers += 1
        if asked.answers > self.expected:
            self.duplicates += 1
        elif asked.settled:
            self._count(asked, latency_s, error)
        elif asked.early is None:
            asked.early = [(latency_s, error)]
        else:
            asked.early.append((latency_s, error))

    def settle(self, asked: Asked) -> None:
        """From now on the request counts, with the answers that came so far."""
        asked.settled = True
        self.settled += 1
        if asked.bucket is not None:
            self._bucket(asked.bucket).asked += self.expected
        for latency_s, error in asked.early or ():
            self._count(asked, latency_s, error)
        asked.early = None

    def _bucket(self, index: int) -> _Bucket:
        known = self._buckets.get(index)
        if known is None:
            known = self._buckets[index] = _Bucket()
        return known

    def _count(self, asked: Asked, latency_s: float, error: Optional[str]) -> None:
        self._latencies.append(latency_s)
        is_late = latency_s > self._timeout_s
        if is_late:
            self.late += 1
        else:
            self.delivered += 1
            asked.in_time += 1
            if asked.in_time == self.expected:
                self.full += 1
        if error is not None:
            self.errors += 1
            if len(self._error_examples) < MAX_EXAMPLES:
                # An agent may repeat in an answer what it was given: a token is not for our evidence.
                self._error_examples.append(_secrets.mask_text(error[:MASKED_LENGTH])[:200])
        if asked.bucket is not None:
            bucket = self._bucket(asked.bucket)
            bucket.answers += 1
            bucket.late += is_late
            bucket.errors += error is not None
            _latency_sketch.add(bucket.sketch, latency_s)

    def row(self) -> Dict[str, Any]:
        """The agent's part of the result, as the module nats_probe documents it."""
        expected = self.settled * self.expected
        row: Dict[str, Any] = {
            "sent": self.sent,
            "expected": expected,
            "delivered": self.delivered,
            "lost": max(0, expected - self.delivered - self.late),
            "late": self.late,
            "duplicates": self.duplicates,
            "errors": self.errors,
            "error_examples": self._error_examples,
            "delivered_pct": 100.0 * self.delivered / expected if expected else None,
            "full": self.full,
            "silent": bool(self.settled) and not self._heard,
            "no_responders": self.no_responders,
            "stream_acks": self.stream_acks,
            "unresolved": self.sent - self.settled,
        }
        row.update(summary(self._latencies))
        row["samples"] = row.pop("n")
        return row

    def buckets(self) -> List[List[Any]]:
        """``[[epoch_index, asked, answers, late, errors, sketch], ...]``, ascending. Sums are those of row():
        ``asked`` its expected, ``answers`` its delivered and late, the sketches its samples."""
        return [
            [index, known.asked, known.answers, known.late, known.errors, known.sketch]
            for index, known in sorted(self._buckets.items())
        ]
