# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitoring folders of rollouts that never were: ledger, evidence, series and summaries as a real one leaves them.

Made from a seed, for tests of what people look at: any number of hosts and agents, any length, good and bad.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.module_utils import _latency_sketch as sketch
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _trends
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import write_json
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series import load as load_series
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series import write as write_series

START = datetime(2026, 1, 23, 12, 0, tzinfo=UTC)
HOUR = 3600.0
MIB = 1048576
CHECKPOINTS = {"T+1h": 1.0, "T+6h": 6.0, "T+12h": 12.0, "T+24h": 24.0}


@dataclass
class Made:
    """A rollout to construct. `hours` after the last phase; `bad_at_h`: from then on the change hangs, errs and slows."""

    folder: Path
    hosts: list[str] = field(default_factory=lambda: ["dgx-1", "dgx-2", "dgx-3"])
    agents: list[str] = field(default_factory=lambda: ["network-expert", "tdd-expert"])
    control: list[str] = field(default_factory=lambda: ["nix-expert", "qa-expert"])
    hours: float = 24.0
    bad_at_h: float | None = None
    seed: int = 1
    low_rate: bool = True
    series: bool = True
    rehearsal: bool = False
    until: str = "decision"  # or the name of a checkpoint
    log_line: str = "could not publish to agent.events: timeout after 5s"
    gaps: bool = True
    phases: tuple[str, str] = ("pilots", "rest")
    bare_looks: bool = False  # a look that stops asks triggers and alerts only, as those without a probe do
    trends: bool = False  # trends and comparison of the last gate, by the product itself
    rollout: str = "wave2"

    def context(self) -> Context:
        return Context({"rollout": self.rollout, "rollout_monitoring_dir": str(self.folder)}, needs_plan=False)


def construct(made: Made) -> Context:
    """Write the folder; returns the context of it, as the report's action plugin has one."""
    return _Construction(made).write()


class _Construction:
    def __init__(self, made: Made) -> None:
        self.made = made
        self.random = random.Random(made.seed)
        self.ledger = Ledger(made.folder / "ledger" / f"{made.rollout}.jsonl")
        self.now = START
        self.deployed: dict[str, datetime] = {}
        self.since: dict[str, datetime] = {}
        fitting = [name for name, hours in CHECKPOINTS.items() if hours <= made.hours]
        self.last = fitting[-1] if made.until == "decision" else made.until
        self.pools: dict[tuple[int, bool], list[sketch.Sketch]] = {}

    # ------------------------------------------------------------ ledger

    def add(self, kind: str, at: datetime | None = None, **data: Any) -> None:
        self.now = max(self.now, at or self.now + timedelta(seconds=2))
        self.ledger.append(
            rollout=self.made.rollout,
            attempt=1,
            run="run-1",
            by="operator@controller",
            kind=kind,
            data=data,
            now=self.now,
        )

    def bad_from(self) -> datetime | None:
        if self.made.bad_at_h is None:
            return None
        return START + timedelta(hours=self.made.bad_at_h)

    def write(self) -> Context:
        made = self.made
        plan: dict[str, dict[str, Any]] = {
            "checkpoints": {"after": made.phases[len(made.agents) > 1], "at": ["1h", "6h", "12h", "24h"]},
            "watch": {"every": "5m"},
        }
        self.add(
            "rollout.started", START, title=f"Unified subjects on {' and '.join(made.agents[:2])}", hosts=made.hosts,
            agents=made.agents, control=made.control, plan_path="playbooks/plans/wave2.yml", plan_digest="5f" * 32, plan=plan,
            skips_waits=made.rehearsal, rehearsal=made.rehearsal, rollback_within_s=600.0,
        )  # fmt: skip
        self.add("preflight.passed", accepted=[], nats_groups=[{"name": "cim", "hosts": made.hosts}])
        self.add(
            "baseline.taken",
            START + timedelta(minutes=6),
            evidence=f"checkpoints/{made.rollout}/baseline/evidence.json",
        )
        self.add("backup.done", directory="/srv/backup", hosts={}, accounting=self.accounting([]))
        # All agents but the last one change in the first phase.
        phases = (
            [(made.phases[0], made.agents[:-1]), (made.phases[1], made.agents[-1:])]
            if len(made.agents) > 1
            else [(made.phases[0], made.agents)]
        )
        for number, (phase, agents) in enumerate(phases):
            self.deploy(phase, agents)
            self.gate("verify", f"verify-{phase}", "go", "all 5 criteria pass", phase=phase)
            if number == 0 and len(phases) > 1:
                self.soak(phase, 2.0)
        self.checkpoints(self.now)
        return made.context()

    def deploy(self, phase: str, agents: list[str]) -> None:
        for host in self.made.hosts:
            names = [f"{agent}@{host}" for agent in agents]
            self.add("batch.started", self.now + timedelta(seconds=30), phase=phase, hosts=[host], instances=names)
            since = self.now + timedelta(seconds=4)
            proven = {
                name: {
                    "since": iso(since),
                    "invocation_id": "ab" * 16,
                    "main_pid": 400 + at,
                    "sha256": "cd" * 32,
                    "restarted": True,
                }
                for at, name in enumerate(names)
            }
            self.since.update(dict.fromkeys(names, since))
            complete = host == self.made.hosts[-1]
            self.add(
                "batch.done", since + timedelta(seconds=3), phase=phase, hosts=[host], proven=proven, phase_complete=complete,
                accounting=self.accounting(names),
            )  # fmt: skip

    def soak(self, phase: str, hours: float) -> None:
        end = self.now + timedelta(hours=hours)
        reset = self.now + timedelta(minutes=25)
        self.looks(reset, f"soak of {phase}")
        if self.made.bad_at_h is None:
            self.add("soak.reset", reset, phase=phase, **{"from": iso(reset)}, why="an error was logged")
            end = reset + timedelta(hours=hours)
        self.looks(end, f"soak of {phase}")
        self.add("soak.done", end, phase=phase)

    def looks(self, until: datetime, label: str) -> bool:
        """Looks every five minutes; True when one of them took the rollout back."""
        while self.now + timedelta(minutes=5) < until:
            at = self.now + timedelta(minutes=5)
            bad = self.bad_from()
            gap = self.made.gaps and 7 * HOUR < (at - START).total_seconds() < 7.4 * HOUR
            gaps = {f"{agent}@{self.made.hosts[-1]}": "host_unreachable" for agent in self.made.agents} if gap else {}
            if bad and at >= bad + timedelta(minutes=4):
                self.rollback(at)
                return True
            self.add("look.taken", at, label=label, fired=[], gaps=gaps, accounting="expected 6 = 6 good")
            hour = (at - START).total_seconds() / HOUR
            if 4.0 <= hour < 4.0 + 1 / 12:
                self.alert("alert.opened", "system_load", "warning", "system_load 2.41 (trips at above 2): dgx-2 2.41")
            if 4.5 <= hour < 4.5 + 1 / 12:
                self.alert("alert.updated", "system_load", "warning", "system_load 5.12 (trips at above 2): dgx-2 5.12")
            if 5.25 <= hour < 5.25 + 1 / 12:
                self.alert(
                    "alert.closed",
                    "system_load",
                    "warning",
                    "system_load 5.12",
                    why="it no longer holds",
                    open_s=4500.0,
                )
        return False

    def alert(self, kind: str, name: str, severity: str, text: str, **more: Any) -> None:
        self.add(
            kind, self.now, id=name, name=name, metric=name, severity=severity, text=text, instances=more.pop("instances", []),
            value=2.4, unit="number", action="Check resource usage of the host", condition=name, **more,
        )  # fmt: skip

    def checkpoints(self, deployed: datetime) -> None:
        for name, hours in CHECKPOINTS.items():
            if hours > self.made.hours:
                break
            due = deployed + timedelta(hours=hours)
            if self.looks(due, f"checkpoint {name}"):
                return
            self.now = max(self.now, due)
            self.gate("checkpoint", name, "go", "all 9 criteria pass")
            if self.made.until == name:
                return
        self.add("decision.made", decision="go", why="all phases verified, checkpoints T+1h, T+6h, T+12h, T+24h passed")

    def rollback(self, at: datetime) -> None:
        agent, host = self.made.agents[0], self.made.hosts[0]
        text = f"messages_lost 412 (trips at above 0): {agent} 398, {self.made.agents[-1]} 14"
        names = list(self.since)
        self.now = at
        self.alert("alert.opened", "messages_lost", "critical", text, instances=names)
        self.alert(
            "alert.opened",
            "error_rate",
            "critical",
            f"error_rate 3.1% (trips at above 1%): {agent}@{host} 4.2%",
            instances=names,
        )
        why = f"trigger message_loss: {text}"
        self.gate("look", f"look-{at:%Y%m%dT%H%M%SZ}", "rollback", why, failed=True)
        self.add("rollback.started", instances=names, why=why)
        accounting = self.accounting(names)
        self.add(
            "rollback.done", self.now + timedelta(seconds=6), why=why, expected=names,
            restored={name: {"sha256": "ee" * 32, "changed": True} for name in names}, complete=True, took_s=5.8, accounting=accounting,
        )  # fmt: skip

    def accounting(self, names: list[str]) -> dict[str, Any]:
        text = f"expected {len(names)} = {len(names)} good + 0 bad + 0 unreachable + 0 skipped"
        return {
            "expected": len(names),
            "good": names,
            "bad": [],
            "unreachable": [],
            "skipped": [],
            "why": {},
            "tool_errors": [],
            "text": text,
        }

    # ------------------------------------------------------------ gates

    def gate(self, kind: str, name: str, decision: str, why: str, *, failed: bool = False, **more: Any) -> None:
        made = self.made
        at = self.now + timedelta(seconds=50)
        folder = made.folder / "checkpoints" / made.rollout / name
        evidence = self.evidence(kind, name, at)
        files = {}
        if made.series and name in (self.last, f"look-{self.now:%Y%m%dT%H%M%SZ}"):
            evidence["series"] = write_series(folder, self.series(at))
            files[evidence["series"]["file"]] = evidence["series"]["sha256"]
        files["evidence.json"] = write_json(folder / "evidence.json", evidence)
        if made.trends and "series" in evidence:
            self.write_trends(folder, {**evidence, "series": load_series(folder, evidence["series"])})
        summary = {
            **{
                key: evidence[key]
                for key in ("rollout", "attempt", "gate", "at", "skips_waits", "rehearsal", "window_s", "by")
            },
            "schema": "cowboyai.rollout/summary/1",
            "decision": {"decision": decision, "why": why, "instances": [], "causes": []},
            "accounting": self.accounting(list(self.since)),
            "criteria": self.verdicts(kind, failed, name),
        }
        summary["not_measured"] = [
            {"criterion": v["name"], "reasons": v["reasons"]}
            for v in summary["criteria"]
            if v["verdict"] in ("inconclusive", "error")
        ]
        write_json(folder / "summary.json", summary)
        self.add(
            "gate.decided", at, gate=kind, name=name, decision=decision, why=why, stops=decision != "go", scope="rollout",
            instances=list(self.since), causes=[], accounting=summary["accounting"], files=files,
            evidence=f"checkpoints/{made.rollout}/{name}/evidence.json", **more,
        )  # fmt: skip

    @staticmethod
    def write_trends(folder: Path, evidence: dict[str, Any]) -> None:
        row = {"unit": "duration", "before": 0.0121, "now": 0.0119, "change_pct": -1.65, "direction": "stable"}
        trends = {**_trends.trends(evidence), "metrics": {"against": "T+1h", "rows": {"latency_p99": row}}}
        write_json(folder / "trends.json", trends)
        sides = {"test": {"value": 0.0119}, "control": {"value": 0.0117}, "unit": "duration", "difference_pct": 1.7}
        write_json(
            folder / "comparison.json", {"metrics": {"latency_p99": sides}, "rank_tests": _trends.rank_rows(evidence)}
        )

    def verdicts(self, kind: str, failed: bool, name: str) -> list[dict[str, Any]]:
        agent = self.made.agents[0]
        jitter = self.random.uniform(0.97, 1.03)

        def row(
            metric: str,
            text: str,
            value: float | None,
            unit: str,
            verdict: str = "pass",
            kind: str = "primary",
            **more: Any,
        ) -> dict[str, Any]:
            return {
                "name": metric, "metric": metric, "kind": kind, "verdict": verdict, "text": text, "unit": unit, "value": value,
                "compared_with": None, "samples": 1247, "reasons": {}, "leads_to": "", "worst": {agent: value} if value else {},
                "tripped": [], "note": "", "severity": None, "by_unit": unit, "over": "checkpoint", "against": None, **more,
            }  # fmt: skip

        bad = "fail" if failed else "pass"
        rows = [
            row("agent_uptime", "above 99.9%", 100.0, "percent", samples=6),
            row(
                "error_rate",
                "below 0.1%",
                3.1 if failed else 0.0042 * jitter,
                "percent",
                bad,
                note="52 errors in 1247 messages" if failed else "1 error in 23 650 messages",
            ),
            row(
                "message_delivery",
                "equals 100%",
                61.2 if failed else 100.0,
                "percent",
                bad,
                note="637 of 1049 answers" if failed else "600 of 600 answers",
            ),
            row("latency_p50", "below 100ms", 0.0021 * jitter, "duration"),
            row("latency_p99", "below 200ms", 0.412 if failed else 0.0121 * jitter, "duration", bad),
            row("dual_publish_success", "above 99%", 99.97, "percent", samples=6204),
            row("unified_traffic", "above 5%", 41.3 * jitter, "percent"),
        ]
        if kind != "verify":
            rows += [
                row("latency_p50", "below 20% against previous", -1.4 * jitter, "percent", against="previous",
                    note="a difference of 0.03 ms is below ignore_under (20 ms)"),
                row("cpu_overhead", "below 5% against control", 2.7 * jitter, "percent", kind="secondary", samples=6),
                row("memory_overhead", "below 10% against control", 1.9 * jitter, "percent", kind="secondary", samples=6),
                row("publish_time", "below 10ms", None, "duration", "inconclusive", kind="secondary", samples=3, leads_to="hold",
                    reasons={"too_few_samples": "3 seen, 20 wanted"}),
                row("system_load", "below 1", 1.4, "number", "fail", kind="secondary", worst={"dgx-2": 1.4, "dgx-1": 1.1}, samples=3),
            ]  # fmt: skip
        rows += [
            row("messages_lost", "above 0", 412.0 if failed else 0.0, "count", "fail" if failed else "pass", "trigger"),
            row("unexpected_restarts", "above 0", 0.0, "count", kind="trigger"),
            row("system_load", "above 2", 1.4, "number", kind="alert", severity="warning"),
        ]
        rows[-3]["name"] = "message_loss"
        return rows[-3:] if self.made.bare_looks and kind == "look" else rows

    def things(self) -> list[tuple[str, str, str]]:
        """(agent, host, role) of every instance."""
        made = self.made
        return [(agent, host, "test") for agent in made.agents for host in made.hosts] + [
            (agent, host, "control") for agent in made.control for host in made.hosts
        ]

    def evidence(self, kind: str, name: str, at: datetime) -> dict[str, Any]:
        made = self.made
        bad = self.bad_from()
        instances = {}
        for agent, host, role in self.things():
            instance = f"{agent}@{host}"
            since = self.since.get(instance, START + timedelta(minutes=6))
            total = max((at - since).total_seconds(), 1.0)
            worse = bad is not None and at > bad and role == "test"
            kinds = [
                {"kind": "slow consumer on subject *", "level": "WARN", "count": 3, "recurring": True, "first_at": iso(since),
                 "last_at": iso(at), "example": "slow consumer on subject agent.events.17, 412 pending"},
            ]  # fmt: skip
            if worse:
                kinds.insert(0, {"kind": "could not publish to *: timeout after *s", "level": "ERROR", "count": self.random.randrange(9, 60),
                                 "recurring": True, "first_at": iso(at), "last_at": iso(at), "example": made.log_line})  # fmt: skip
            elif instance == f"{made.agents[0]}@{made.hosts[0]}":
                kinds.append({"kind": "handler failed: *", "level": "ERROR", "count": 1, "recurring": False, "first_at": iso(since),
                              "last_at": iso(since), "example": made.log_line})  # fmt: skip
            errors = sum(int(str(k["count"])) for k in kinds if k["level"] == "ERROR")
            instances[instance] = {
                "agent": agent, "host": host, "role": role, "phase": made.phases[0] if role == "test" else None, "since": iso(since),
                "proven_invocation": "ab" * 16, "reason": None, "message": "", "at": iso(at), "active": True, "active_state": "active",
                "same_process": True, "uptime": {"up_s": total, "total_s": total, "downs": 0, "restarts": 0}, "unexpected_restarts": 0,
                "errors": errors, "warnings": 3, "panics": 0, "messages": self.random.randrange(900, 24000), "kinds": kinds, "events": [],
                "gaps": [], "memory_bytes": int(self.random.uniform(180, 220) * MIB), "memory_limit_bytes": 512 * MIB,
            }  # fmt: skip
        return {
            "schema": "cowboyai.rollout/evidence/1", "rollout": made.rollout, "attempt": 1, "gate": {"kind": kind, "name": name},
            "at": iso(at), "skips_waits": made.rehearsal, "rehearsal": made.rehearsal, "window_s": 300.0, "late_s": 0.0,
            "by": "operator@controller", "plan_digest": "5f" * 32, "hosts": {}, "instances": instances, "nats": [], "baseline": None,
            "previous": None, "published": {},
        }  # fmt: skip

    # ------------------------------------------------------------ series

    def latencies(self, day: float, worse: bool) -> sketch.Sketch:
        """Eighteen answers of one bucket, out of a small pool: what is drawn is the same and is made in no time."""
        pool = self.pools.setdefault((round(day * 10), worse), [])
        while len(pool) < 12:
            made: sketch.Sketch = []
            for _each in range(18):
                sketch.add(made, self.random.lognormvariate(math.log(0.002 * day * (20 if worse else 1)), 0.55))
            pool.append(made)
        return self.random.choice(pool)

    def series(self, until: datetime) -> dict[str, Any]:
        made, bucket_s = self.made, 60.0
        start = START + timedelta(minutes=1)
        buckets = int((until - start).total_seconds() // bucket_s)
        bad = self.bad_from()
        bad_at = int((bad - start).total_seconds() // bucket_s) if bad else buckets + 1

        def bucket(moment: datetime) -> int:
            return int((moment - start).total_seconds() // bucket_s) + 1

        def wave(at: int, height: float, noise: float) -> float:
            return height * math.sin(at / 220.0) + self.random.uniform(-noise, noise)

        instances: dict[str, Any] = {}
        gap = (bucket(START + timedelta(hours=7)), bucket(START + timedelta(hours=7.4)))
        for agent, host, role in self.things():
            name = f"{agent}@{host}"
            since = self.since.get(name)
            changed = bucket(since) if since else None
            base = self.random.uniform(180, 215) * MIB
            worse = role == "test"
            away = made.gaps and host == made.hosts[-1] and gap[0] < buckets

            def grown(at: int, grows: bool = worse) -> int:
                return max(0, at - bad_at) if grows else 0

            looks = [at for at in range(0, buckets, 5) if not (away and gap[0] <= at < gap[1])]
            instances[name] = {
                "agent": agent, "host": host, "role": role, "phase": made.phases[0] if role == "test" else None, "changed": changed,
                "errors": [
                    [at, self.random.randrange(1, 9)] for at in range(buckets)
                    if (worse and at >= bad_at) or (self.random.random() < 0.002 * (0.5 if role == "control" else 1))
                ],
                "warnings": [[at, 1] for at in range(buckets) if self.random.random() < 0.003],
                "messages": [[at, self.random.randrange(8, 22)] for at in range(buckets)],
                "restarts": [],
                "memory": [[at, int(base + wave(at, 6, 2) * MIB + 2 * MIB * grown(at))] for at in looks],
                "cpu": [[at, round(0.021 + wave(at, 6, 3) / 1000 + 0.2 * bool(grown(at)), 5)] for at in looks],
                "watched": [[0, gap[0]], [gap[1], buckets]] if away and buckets > gap[1] else [[0, min(buckets, gap[0]) if away else buckets]],
            }  # fmt: skip
        agents: dict[str, Any] = {}
        sampled = range(0, buckets, 5)
        for agent in [*made.agents, *made.control]:
            role = "test" if agent in made.agents else "control"
            proofs = [self.since[f"{agent}@{host}"] for host in made.hosts if f"{agent}@{host}" in self.since]
            changed = bucket(max(proofs)) if proofs else None
            asked_at = [at for at in range(buckets) if made.low_rate or at % 60 < 5]
            asked, answered, late, latency = [], [], [], []
            for at in asked_at:
                worse = role == "test" and at >= bad_at
                want = 6 * len(made.hosts)
                got = want if not worse else self.random.randrange(want // 3, want)
                day = 1.0 + 0.35 * math.sin(at / 230.0)
                counts = self.latencies(day, worse)
                asked.append([at, want])
                answered.append([at, got])
                latency.append([at, counts])
                if worse and self.random.random() < 0.3:
                    late.append([at, 1])
            is_changed = {at: role == "test" and changed is not None and at >= changed for at in sampled}
            legacy = [[at, self.random.randrange(300, 420)] for at in sampled]
            agents[agent] = {
                "agent": agent, "group": "cim", "hosts": made.hosts, "role": role, "changed": changed, "asked": asked, "answered": answered,
                "late": late, "errors": [], "latency": latency, "legacy": legacy,
                "unified": [[at, int(count * self.random.uniform(0.68, 0.74)) if is_changed[at] else 4] for at, count in legacy],
                "published": [[at, count] for at, count in legacy if is_changed[at]],
                "matched": [[at, count - (self.random.random() < 0.05)] for at, count in legacy if is_changed[at]],
            }  # fmt: skip
        hosts = {
            host: {
                "load": [[at, round(1.1 + wave(at, 0.3, 0.3) + 3 * (host == made.hosts[1] and 240 <= at < 315), 2)] for at in sampled],
                "memory_pct": [[at, round(41 + self.random.uniform(0, 2), 2)] for at in sampled],
                "disk_pct": [[at, round(63 + at * 0.001, 2)] for at in sampled],
                "nats_connections": [[at, 31] for at in sampled],
            }
            for host in made.hosts
        }  # fmt: skip
        gaps = []
        if made.gaps and buckets > gap[0]:
            gaps = [{"from": gap[0], "to": min(gap[1], buckets), "what": f"host {made.hosts[-1]}", "reason": "host_unreachable",
                     "message": "ssh: connect to host: No route to host"}]  # fmt: skip
        return {
            "schema": "cowboyai.rollout/series/1", "start": iso(start), "bucket_s": bucket_s, "skips_waits": made.rehearsal,
            "buckets": buckets, "instances": instances, "agents": agents, "hosts": hosts, "gaps": gaps,
        }  # fmt: skip
