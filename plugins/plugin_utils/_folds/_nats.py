# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All lines of a NATS book."""

from __future__ import annotations

from array import array
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._answers import Answers
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._columns import Shelf
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._moment import (
    SECOND,
    bucket_of,
    micros,
    micros_of,
)

DAMAGED = "a line of the file was damaged after it was written"
SAMPLED = ("legacy", "unified", "published", "matched")


class NatsFold:
    """Measurements in the order in which they were taken; `bucket_s`: the length of a bucket in seconds."""

    def __init__(self, bucket_s: float):
        self.bucket_s = float(bucket_s)
        # group -> hosts, as the newest line has them
        self.groups: dict[str, list[str]] = {}
        # group -> agent -> measuring host -> answers, by that host's clock
        self.answers: dict[str, dict[str, dict[str, Answers]]] = {}
        # group -> agent -> columns: begin of the window (microseconds), bucket of its middle, counts
        self.samples: dict[str, dict[str, list[array[int]]]] = {}
        # [group, from, to (microseconds), reason, message, measuring host, last bucket it still counted in]
        self.gaps: list[list[Any]] = []
        # [end of the newest line (microseconds), whether a damaged one came after it]
        self.newest: list[Any] = [None, False]

    def add(self, line: dict[str, Any]) -> None:
        """Take in the next line."""
        if "damaged" in line:
            self.newest[1] = True
            return
        group, measurer = str(line.get("group") or ""), str(line.get("measured_at") or "")
        self.groups[group] = list(line.get("hosts") or [])
        told_s = float(line.get("bucket_s") or self.bucket_s)
        newest = None
        for agent, rows in (line.get("agents") or {}).items():
            answers = self.answers.setdefault(group, {}).setdefault(agent, {}).setdefault(measurer, Answers())
            for told, asked, answered, late, errors, sketch in rows:
                bucket = self._bucket(int(told), told_s)
                newest = bucket if newest is None else max(newest, bucket)
                answers.add(bucket, (asked, answered, late, errors), sketch)
        begin, end = micros(line.get("from")), micros(line.get("to"))
        at = micros(line.get("at"))
        end = at if end is None else end
        begin = end if begin is None else begin
        if begin is None or end is None:
            return
        if self.newest[1]:
            before = begin if self.newest[0] is None else self.newest[0]
            self.gaps.append([group, before, max(begin, before), reasons.TOOL_ERROR, DAMAGED, measurer, None])
        self.newest = [end, False]
        for agent, counts in (line.get("sample") or {}).items():
            columns = self.samples.setdefault(group, {}).setdefault(agent, [array("q") for _each in range(6)])
            numbers = (int(counts.get(name) or 0) for name in SAMPLED)
            for column, number in zip(
                columns, (begin, bucket_of((begin + end) // 2, self.bucket_s), *numbers), strict=True
            ):
                column.append(number)
        if line.get("reason"):
            # Only a connection that broke says nothing about what was answered before.
            counted = newest if line["reason"] == reasons.NATS_UNREACHABLE else None
            self.gaps.append([group, begin, end, line["reason"], line.get("message") or "", measurer, counted])

    def _bucket(self, told: int, told_s: float) -> int:
        if told_s == self.bucket_s:
            return told
        return bucket_of(int((told + 0.5) * told_s * SECOND), self.bucket_s)

    def published(self, since: dict[str, datetime]) -> dict[str, dict[str, int]]:
        """agent -> publications on the legacy subjects and matched ones, of the windows that began after its moment."""
        sums: dict[str, dict[str, int]] = {}
        for agents in self.samples.values():
            for agent, columns in agents.items():
                if agent not in since:
                    continue
                first = micros_of(since[agent])
                counted = [place for place, begin in enumerate(columns[0]) if begin >= first]
                if counted:
                    counts = sums.setdefault(agent, {"legacy": 0, "matched": 0})
                    counts["legacy"] += sum(columns[4][place] for place in counted)
                    counts["matched"] += sum(columns[5][place] for place in counted)
        return sums

    def freeze(self, shelf: Shelf) -> dict[str, Any]:
        return {
            "groups": self.groups,
            "answers": {
                group: {
                    agent: {host: answers.freeze(shelf) for host, answers in hosts.items()}
                    for agent, hosts in agents.items()
                }
                for group, agents in self.answers.items()
            },
            "samples": {
                group: {agent: [shelf.put(column) for column in columns] for agent, columns in agents.items()}
                for group, agents in self.samples.items()
            },
            "gaps": self.gaps,
            "newest": self.newest,
        }

    @classmethod
    def thaw(cls, bucket_s: float, state: dict[str, Any], shelf: Shelf) -> NatsFold:
        fold = cls(bucket_s)
        fold.groups, fold.gaps, fold.newest = state["groups"], state["gaps"], state["newest"]
        fold.answers = {
            group: {
                agent: {host: Answers.thaw(answers, shelf) for host, answers in hosts.items()}
                for agent, hosts in agents.items()
            }
            for group, agents in state["answers"].items()
        }
        fold.samples = {
            group: {agent: [shelf.take(number) for number in numbers] for agent, numbers in agents.items()}
            for group, agents in state["samples"].items()
        }
        return fold
