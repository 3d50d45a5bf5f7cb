# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A history as the product's own evidence documents, as of any minute: what looks and NATS measurements add up to.

Everything that grows is added up once for the whole history; a document of a minute only looks up how far it had come.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import SCHEMA, digest

from tests.bench.judge.fleet import MIB
from tests.bench.judge.history import OWN_ERROR, SHARED_ERROR, window
from tests.bench.judge.series import PRINTED_EVERY, SeriesOf
from tests.bench.judge.timetable import STAGGER

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

    from tests.bench.judge.fleet import Array
    from tests.bench.judge.history import History

    Document = dict[str, Any]

BEGIN = datetime(2026, 1, 23, 6, 0, tzinfo=UTC)
GROUP = "nats"
SAMPLE_OF_A_LOOK_S = 5.0
UNREACHABLE = ("host_unreachable", "Failed to connect to the host via ssh: Connection timed out")
NO_NATS = ("nats_unreachable", "nats://127.0.0.1:4222: connection refused")


def moment(minute: float) -> datetime:
    return BEGIN + timedelta(minutes=minute)


class Account:
    """Evidence documents of one history. Ask in the order of time: what a look could not see stays as it was last seen.

    `whole_documents`: with all points of the series; otherwise only where the columns of the history don't do.
    """

    def __init__(self, history: History, plan: Plan, *, whole_documents: bool = False) -> None:
        self.history, self.plan_digest, self.light_requests = history, plan.digest, plan.watch.requests
        self.requests_of_a_gate = plan.probe.count if plan.probe else 0
        self.false_alarms = plan.judge.false_alarms
        fleet, times = history.fleet, history.times
        self.series = SeriesOf(history, moment(0), whole_documents)
        self.baseline: Document | None = None
        self.previous: Document | None = None
        self._published: dict[str, dict[str, int]] = {}
        self._stamps = [iso(moment(minute)) for minute in range(times.minutes + 1)]
        self._last_seen = dict.fromkeys(fleet.hosts, 0)
        self._seen_before = dict.fromkeys(fleet.hosts, 0)
        self._first: dict[tuple[int, int], dict[str, Any]] = {}
        self._sums = {
            name: _added_up(values)
            for name, values in {
                "messages": history.messages,
                "errors": history.errors,
                "shared": history.shared_errors,
                "warnings": history.warnings,
                "cpu": history.cpu,
            }.items()
        }
        self._memory = history.memory.tolist()
        self._fixed = {
            (row, column): self._unchanging(row, column)
            for row in range(len(fleet.agents))
            for column in range(len(fleet.hosts))
        }

    # ------------------------------------------------------------ documents

    def measure_baseline(self) -> None:
        """The gate before the change: kept for later comparisons."""
        at = self.history.times.baseline
        document = self.document("baseline", "baseline", at, 0)
        self.baseline = digest(document)

    def document(self, kind: str, name: str, at: int, since: int, *, again: int = 0) -> Document:
        """Evidence as of minute `at`, with NATS measured since minute `since`. `again`: the how-manieth further attempt."""
        history = self.history
        hosts = {host: self._host(column, host, at) for column, host in enumerate(history.fleet.hosts)}
        instances = {}
        for (row, column), fixed in self._fixed.items():
            if fixed["since_minute"] <= at or kind == "baseline":
                instances[fixed["name"]] = self._instance(row, column, at, kind == "baseline")
        look = self._stagger_nats if name == STAGGER else self._look_nats
        nats = look(at, since) if kind == "look" else self._gate_nats(at, since, again)
        self._add_published(nats)
        return {
            "schema": SCHEMA,
            "rollout": "wave2",
            "attempt": 1,
            "gate": {"kind": kind, "name": name},
            "skips_waits": False,
            "rehearsal": False,
            "window_s": 60.0 * (at - since),
            "late_s": 0.0,
            "by": "bench",
            "plan_digest": self.plan_digest,
            "at": self._stamps[at],
            "hosts": hosts,
            "instances": instances,
            "nats": nats,
            "baseline": self.baseline,
            "previous": self.previous,
            "published": {agent: dict(counts) for agent, counts in self._published.items()},
            "judge": {"false_alarms": self.false_alarms},
            "series": self.series.until(at, self._last_seen),
        }

    def remember(self, document: Document) -> None:
        """A checkpoint that was taken is the next one's previous."""
        self.previous = digest(document)

    # ------------------------------------------------------------ hosts and instances

    def _host(self, column: int, host: str, at: int) -> Document:
        history = self.history
        if not history.world.ssh[column, at]:
            return {
                "reachable": False,
                "reason": UNREACHABLE[0],
                "message": UNREACHABLE[1],
                "host": None,
                "journal": None,
            }
        if self._last_seen[host] != at:
            self._seen_before[host], self._last_seen[host] = self._last_seen[host], at
        load = float(history.load[column, at])
        return {
            "reachable": True,
            "reason": None,
            "message": "",
            "host": {
                "hostname": host,
                "now": self._stamps[at],
                "clock_offset_s": 0.0,
                "boot_id": f"boot-{host}",
                "booted_at": self._stamps[0],
                "load": [load, load, load],
                "cpus": 64,
                "memory": {"used_pct": float(history.host_memory[column, at])},
                "disks": {"/": {"used_pct": float(history.disk[column, at])}},
                "nats_connections": 10,
            },
            "journal": {"cursor": "c", "since": None, "complete": True, "reason": None},
        }

    def _unchanging(self, row: int, column: int) -> Document:
        fleet, times = self.history.fleet, self.history.times
        agent, host = fleet.agents[row], fleet.hosts[column]
        proven = times.changed(agent, host)
        test = proven is not None
        phase = times.phase_of(agent)
        since = proven if proven is not None else float(times.baseline)
        return {
            "name": f"{agent}@{host}",
            "since_minute": since if test else 0.0,
            "up_since": since,
            "fields": {
                "agent": agent,
                "host": host,
                "role": "test" if test else "control",
                "phase": phase.name if phase else None,
                "since": iso(moment(since)),
                "reason": None,
                "message": "",
                "proven_invocation": f"{agent}-{host}-2" if test else None,
                "at": None,
                "active": True,
                "same_process": True if test else None,
                "unexpected_restarts": 0,
                "unparsed": 0,
                "unreadable": 0,
                "unread_severe": 0,
                "unread": [],
                "harmless": {},
                "panics": 0,
                "events": [],
                "gaps": [],
                "corruption_signs": [],
                "unit": f"agent-runtime@{agent}.service",
                "load_state": "loaded",
                "active_state": "active",
                "sub_state": "running",
                "result": "success",
                "main_pid": 1000,
                "invocation_id": f"{agent}-{host}-2" if test else f"{agent}-{host}-1",
                "restarts": 0,
                "active_since": iso(moment(since)),
                "started_at": iso(moment(since)),
                "memory_limit_bytes": int(fleet.limit_mib * MIB),
                "memory_limit_of": "unit",
                "enabled": "enabled",
            },
        }

    def _instance(self, row: int, column: int, at: int, before_change: bool) -> Document:
        history = self.history
        fixed = self._fixed[row, column]
        item: Document = dict(fixed["fields"])
        host = item["host"]
        seen = self._last_seen[host]
        if not history.world.ssh[column, at]:
            item["reason"], item["message"] = UNREACHABLE
        start = 0.0 if before_change else fixed["since_minute"]
        if seen < start or (seen == 0 and at != 0):
            # Never seen since its change: nothing but the reason is known.
            return {key: item[key] for key in _NEVER_SEEN}
        before = min(max(self._seen_before[host], int(start)), seen)
        whole = self._counts(row, column, int(np.ceil(start)), seen)
        memory = self._memory[row][column][seen]
        cpu = self._sums["cpu"][row][column][seen]
        first = self._first.get((row, column))
        if first is None and not (before_change and item["role"] == "test"):
            first = {"at": self._stamps[seen], "memory_bytes": memory, "cpu_s": cpu}
            self._first[row, column] = first
        up = max(seen - (0.0 if before_change else fixed["up_since"]), 0.0) * 60.0
        item.update(whole)
        item.update(
            at=self._stamps[seen],
            uptime={"up_s": up, "total_s": up, "downs": 0, "restarts": 0},
            tick=self._counts(row, column, before, seen),
            memory_bytes=memory,
            cpu_s=cpu,
            nats_connections=2 if history.world.connected[column, seen] else 0,
            same_process_from=first,
        )
        if before_change:
            item.update(role="test" if item["role"] == "test" else "control", proven_invocation=None, same_process=None)
        return item

    def _counts(self, row: int, column: int, since: int, until: int) -> Document:
        def count(name: str) -> int:
            sums = self._sums[name][row][column]
            return int(sums[until] - sums[since])

        messages = count("messages")
        own, shared, warnings = count("errors"), count("shared"), count("warnings")
        kinds = []
        stamps = (self._stamps[since], self._stamps[until])
        for level, number, (kind, example) in (
            ("ERROR", own, OWN_ERROR),
            ("ERROR", shared, SHARED_ERROR),
            ("WARN", warnings, _WARNING),
        ):
            if number:
                kinds.append(
                    {
                        "kind": kind,
                        "level": level,
                        "count": number,
                        "first_at": stamps[0],
                        "last_at": stamps[1],
                        "recurring": number > 1,
                        "example": example,
                    }
                )
        return {
            "errors": own + shared,
            "lines": 20 + messages // PRINTED_EVERY + own + shared + warnings,
            "unparsed": 0,
            "unreadable": 0,
            "warnings": warnings,
            "panics": 0,
            "messages": messages // PRINTED_EVERY * PRINTED_EVERY,
            "kinds": kinds,
        }

    # ------------------------------------------------------------ NATS

    def _blind(self, at: int) -> tuple[str, str] | None:
        """Why nothing can be measured in the minute before `at`."""
        world = self.history.world
        if not world.ssh[:, at - 1].any():
            return UNREACHABLE
        return None if world.nats[at - 1] else NO_NATS

    def _entry(self, kind: str, at: int, answers: Array | None, requests: int, minutes: float, since: int) -> Document:
        fleet, blind = self.history.fleet, self._blind(at)
        entry: Document = {
            "name": GROUP,
            "hosts": list(fleet.hosts),
            "measured_at": fleet.hosts[0],
            "reason": blind[0] if blind else None,
            "message": blind[1] if blind else "",
            "unmeasured": [],
            "sample": None,
            "probe": None,
        }
        if blind is None and answers is not None:
            entry["probe"] = self._probe(answers, requests, since, at)
            entry["sample"] = self._sample(at, minutes, since, entry["probe"]) if minutes else None
        return entry

    def _look_nats(self, at: int, since: int) -> list[Document]:
        """A look: the low-rate probe since the look before; where it was cut off, the look's own few requests alone."""
        history = self.history
        hosts = len(history.fleet.hosts)
        if self._blind_since(at, since) or not history.asked[0, since:at].any():
            answers = window(
                self._chance(at),
                history.fleet,
                history.world,
                history.level,
                at - 1,
                self.light_requests,
                history.slots,
            )
            entry = self._entry("light", at, answers, self.light_requests, SAMPLE_OF_A_LOOK_S / 60.0, at - 1)
            if not entry["reason"]:
                entry["unmeasured"] = [{"kind": "low_rate", "reason": NO_NATS[0], "message": NO_NATS[1]}]
            return [entry]
        requests = int(history.asked[0, since:at].sum()) // hosts
        answers = history.latencies[:, since:at].reshape(len(history.fleet.agents), -1)
        return [self._entry("look", at, answers, requests, SAMPLE_OF_A_LOOK_S / 60.0, since)]

    def _blind_since(self, at: int, since: int) -> bool:
        """Whether the low-rate probe was cut off at any time since the look before."""
        asked = self.history.asked[0, since:at] > 0
        return bool((np.array(self.series.blind[since:at], dtype=bool) & asked).any())

    def _stagger_nats(self, at: int, since: int) -> list[Document]:
        """The look of a stagger: what its low-rate probe saw, and nothing else. Cut off, it saw nothing."""
        history = self.history
        requests = int(history.asked[0, since:at].sum()) // len(history.fleet.hosts)
        if not requests:
            return []
        answers = history.latencies[:, since:at].reshape(len(history.fleet.agents), -1)
        entry = self._entry("stagger", at, answers, requests, 0.0, since)
        if self._blind_since(at, since) and not entry["reason"]:
            entry.update(reason=NO_NATS[0], message=NO_NATS[1], probe=None)
        return [entry]

    def _gate_nats(self, at: int, since: int, again: int) -> list[Document]:
        """A gate measures for itself; the first attempt's requests are those of the history's windows."""
        history = self.history
        minutes = list(range(since, at))
        if any(self.series.blind[minute] for minute in minutes):
            # Cut off in the middle: what it had until then is not judged.
            entry = self._entry("gate", at, None, 0, 0.0, since)
            if not entry["reason"]:
                entry["reason"], entry["message"] = NO_NATS
            return [entry]
        if not again and all(minute in history.windows for minute in minutes):
            parts = [history.windows[minute] for minute in minutes]
        else:
            each = self.requests_of_a_gate // len(minutes)
            chance = self._chance(at)
            parts = [
                window(chance, history.fleet, history.world, history.level, minute, each, history.slots)
                for minute in minutes
            ]
        answers = np.concatenate(parts, axis=1)
        requests = answers.shape[1] // len(history.fleet.hosts)
        return [self._entry("gate", at, answers, requests, float(len(minutes)), since)]

    def _chance(self, at: int) -> np.random.Generator:
        """Chance of its own per moment: asking once more changes nothing of what comes later."""
        return np.random.default_rng([*self.history.seed, at])

    def _probe(self, answers: Array, requests: int, since: int, at: int) -> Document:
        history = self.history
        hosts = len(history.fleet.hosts)
        ranked = np.sort(answers, axis=1)  # NaN last
        arrived = np.sum(~np.isnan(answers), axis=1)
        late = np.sum(answers > history.timeout_s, axis=1)
        failing = history.world.failing[:, :, since:at].mean(axis=(1, 2))
        wrong = self._chance(at).binomial(arrived, failing) if failing.any() else np.zeros(len(arrived), dtype=int)
        agents = {}
        for row, agent in enumerate(history.fleet.agents):
            came, slow, expected = int(arrived[row]), int(late[row]), requests * hosts
            quantiles = {"p50_ms": 0.5, "p99_ms": 0.99, "p999_ms": 0.999, "max_ms": 1.0}
            agents[agent] = {
                "sent": requests,
                "expected": expected,
                "delivered": came - slow,
                "lost": expected - came + slow,
                "late": slow,
                "duplicates": 0,
                "errors": int(wrong[row]),
                "delivered_pct": 100.0 * (came - slow) / expected if expected else None,
                "full": requests,
                "silent": came == 0,
                "no_responders": 0,
                **{
                    key: float(ranked[row, max(int(np.ceil(share * came)) - 1, 0)]) * 1000.0 if came else None
                    for key, share in quantiles.items()
                },
            }
        return {
            "server": "nats://127.0.0.1:4222",
            "reason": None,
            "message": "",
            "cut_short": False,
            "floor": {"p50_ms": 0.3, "p99_ms": 0.9, "n": 20},
            "agents": agents,
        }

    def _sample(self, at: int, minutes: float, since: int, probe: Document) -> Document:
        """Listening for the last `minutes` before `at`."""
        history, chance = self.history, self._chance(at)
        agents, dual, own_ids = {}, {}, {}
        first = max(since, int(at - np.ceil(minutes)))
        part = minutes / (at - first)
        for row, agent in enumerate(history.fleet.agents):
            responses = int(history.messages[row, :, first:at].sum() * part)
            responses = max(responses, int(probe["agents"][agent]["delivered"] * part))
            test = agent in history.fleet.test and self._changed(agent, at)
            matched = int(chance.binomial(responses, history.world.published[row])) if test else 0
            agents[agent] = {"legacy": 2 * responses, "unified": matched}
            dual[agent] = {
                "legacy": responses,
                "unified": matched,
                "matched": matched,
                "success_pct": 100.0 * matched / responses if responses else None,
                "conversations": responses,
                "gap_p50_ms": 0.4 if matched else None,
                "gap_p99_ms": 1.2 if matched else None,
                "without_id": {"legacy": 0, "unified": 0},
            }
            asked = int(probe["agents"][agent]["sent"])
            own_ids[agent] = {"sent": asked, "seen": asked if responses else 0}
        return {
            "server": "nats://127.0.0.1:4222",
            "lossless": True,
            "reason": None,
            "message": "",
            "window_s": minutes * 60.0,
            "agents": agents,
            "dual": {"agents": dual, "unmatched": [], "capped": False},
            "own_ids": own_ids,
        }

    def _changed(self, agent: str, at: float) -> bool:
        phase = self.history.times.phase_of(agent)
        return phase is not None and phase.deployed <= at

    def _add_published(self, nats: list[Document]) -> None:
        for group in nats:
            for agent, pair in ((group["sample"] or {}).get("dual") or {}).get("agents", {}).items():
                if pair["unified"] or (agent in self._published):
                    counts = self._published.setdefault(agent, {"legacy": 0, "matched": 0})
                    counts["legacy"] += pair["legacy"]
                    counts["matched"] += pair["matched"]


_WARNING = ("slow request", "slow request: 1200 ms")
_NEVER_SEEN = ("agent", "host", "role", "phase", "since", "reason", "message", "proven_invocation")


def _added_up(values: Array) -> list[list[list[float]]]:
    """[agent][host][minute]: the sum of all minutes before."""
    sums = np.zeros((*values.shape[:2], values.shape[2] + 1))
    np.cumsum(values, axis=2, out=sums[:, :, 1:])
    found: list[list[list[float]]] = sums.tolist()
    return found
