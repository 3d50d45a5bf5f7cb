# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the registered results of a gate's tasks to its evidence: looks and NATS measurements are kept, then assembled."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _instances, _kept, _log_lines, _nats_book, _series
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso, plus
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import BUCKET, Context, StepError, operator
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import Subject, assemble
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import file_sha256, read_json
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import look_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan_time import spread
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._probe_merge import merged

Results = dict[str, dict[str, Any]]
NATS_BOOK = "nats.jsonl"


def keep_looks(context: Context, units: Results, now: datetime) -> None:
    """Append what each host answered to its looks, and of one that did not answer that it did not."""
    for host, result in units.items():
        reason, message = reasons.of_task_result(result)
        if reason is None:
            skipped_s = context.clock.skips.total_s if context.skips_waits else None
            context.looks.append(host, look_of(host, result, iso(now), context.counted_s, skipped_s))
        else:
            context.looks.missed(host, iso(now), reason, message)


def note_lost(context: Context, units: Results, now: datetime) -> dict[str, str]:
    """Find what is gone of the files that the ledger names, before anything is added to them.

    Lost looks are noted in the looks themselves, as a gap. Returns file name -> text of those that have no such place.
    """
    folder = context.looks.folder
    lost = _kept.compared(folder, context.records, context.state.attempt, context.state.gaps_accepted_at)
    for name, text in lost.items():
        if name != NATS_BOOK:
            host = name.removesuffix(".jsonl")
            at = ((units.get(host) or {}).get("host") or {}).get("now") or iso(now)
            context.looks.lost(host, at, iso(context.state.started_at or now), text)
    return {name: text for name, text in lost.items() if name == NATS_BOOK}


def without_book(groups: list[dict[str, Any]], lost: dict[str, str]) -> None:
    """What NATS did between gates is not known any more: no group is measured, for that reason."""
    for group in groups if NATS_BOOK in lost else []:
        group.update(reason=reasons.TOOL_ERROR, message=lost[NATS_BOOK], sample=None, probe=None)


def nats_groups(order: dict[str, Any], results: Results, low_rate: Results, now: datetime) -> list[dict[str, Any]]:
    """One entry per group of servers: what the measuring host answered, or the typed reason why it did not.

    `order`: what was asked (`nats`: host -> sample and probe of this look; `low_rate`: host -> the probe between the
    looks). `probe` is both probes together; `parts` are the single measurements, for the NATS book.
    """
    entries: dict[str, dict[str, Any]] = {}
    for host, asked in (order.get("low_rate") or {}).items():
        entry = _entry(entries, host, asked)
        entry["parts"].append(_part("low_rate", asked, low_rate.get(host), now))
    for host, asked in (order.get("nats") or {}).items():
        entry = _entry(entries, host, asked)
        entry["parts"].append(_part("light" if order.get("step") == "look" else "gate", asked, results.get(host), now))
    for entry in entries.values():
        _conclude(entry)
    return list(entries.values())


def _entry(entries: dict[str, dict[str, Any]], host: str, asked: dict[str, Any]) -> dict[str, Any]:
    return entries.setdefault(
        asked["name"],
        {
            "name": asked["name"],
            "hosts": asked["hosts"],
            "measured_at": host,
            "reason": None,
            "message": "",
            "parts": [],
        },
    )


def _part(kind: str, asked: dict[str, Any], result: dict[str, Any] | None, now: datetime) -> dict[str, Any]:
    part: dict[str, Any] = {
        "kind": kind,
        "result": result,
        "reason": None,
        "message": "",
        "sample": None,
        "probe": None,
    }
    if not result or not (result.get("sample") or result.get("probe")):
        reason, message = reasons.of_task_result(result)
        part.update(reason=reason or reasons.TOOL_ERROR, message=message)
    else:
        sample = dict(result["sample"]) if result.get("sample") else None
        # A sample carries the probe that it ran; a probe without a sample stands by itself.
        part["probe"] = sample.pop("probe", None) if sample else result.get("probe")
        part["sample"] = sample
        part["reason"] = (part["probe"] or {}).get("reason") if kind == "low_rate" else None
        part["message"] = str((part["probe"] or {}).get("message") or "") if part["reason"] else ""
    part["from"], part["to"] = asked.get("from") or iso(plus(now, -asked["window_s"])), asked.get("to") or iso(now)
    if asked.get("stands_for"):
        _spread(part["probe"], part["from"], part["to"], int((asked.get("probe") or {}).get("count") or 1))
    return part


def _spread(probe: dict[str, Any] | None, begin: str, end: str, rounds: int) -> None:
    """Of a rehearsal's probe, its rounds stand for all of the window, in place."""
    buckets = (probe or {}).get("buckets")
    if buckets and not buckets["bucket_s"]:
        buckets["agents"] = spread(buckets["agents"], parse_iso(begin), parse_iso(end), BUCKET, rounds)
        buckets["bucket_s"] = BUCKET


def _conclude(entry: dict[str, Any]) -> None:
    """A group is blind when nothing could be measured; a part of it that could not be is told in `unmeasured`."""
    sound = [part for part in entry["parts"] if not part["reason"]]
    entry["unmeasured"] = [
        {"kind": part["kind"], "reason": part["reason"], "message": part["message"]}
        for part in entry["parts"]
        if part["reason"]
    ]
    entry["sample"] = next((part["sample"] for part in sound if part["sample"]), None)
    probes = [part["probe"] for part in sound if part["probe"]]
    entry["probe"] = merged([probe for probe in probes if not probe.get("reason")]) or next(iter(probes), None)
    if not sound and entry["parts"]:
        entry.update(
            reason=entry["parts"][-1]["reason"], message=entry["parts"][-1]["message"], sample=None, probe=None
        )


def keep_nats(context: Context, groups: list[dict[str, Any]]) -> None:
    """Append every single measurement to the NATS book, the failed ones with their reason; takes `parts` off."""
    for group in groups:
        for part in group.pop("parts"):
            context.nats_book.append(
                _nats_book.line_of(
                    part["kind"],
                    group["name"],
                    group["hosts"],
                    group["measured_at"],
                    part["result"],
                    part["from"],
                    part["to"],
                )
            )


def gather(
    context: Context,
    kind: str,
    name: str,
    order: dict[str, Any],
    units: Results,
    groups: list[dict[str, Any]],
    now: datetime,
    phase: str | None = None,
    asked: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The evidence document of a gate, with its series. `asked`: what else the judge was told, so that it can be told again."""
    plan, state = context.sure_plan, context.state
    before_change = None
    if kind == "baseline":
        before_change = parse_iso(order["since"])
    subjects = _instances.subjects_of(context, plan, phase=phase, before_change=before_change)
    looks = {host: context.looks.folded(host, BUCKET) for host in context.hosts}
    lines = context.nats_book.folded(BUCKET)
    document = assemble(
        head={
            "rollout": context.rollout,
            "attempt": state.attempt,
            "gate": {"kind": kind, "name": name, **(asked or {})},
            "skips_waits": context.skips_waits,
            "rehearsal": context.rehearsal,
            "shadow": context.shadow,
            "window_s": order.get("window_s", 0.0),
            "late_s": order.get("late_s", 0.0),
            "by": operator(context.variables),
            "plan_digest": plan.digest,
        },
        subjects=subjects,
        units={host: units.get(host, _left_out(host, context)) for host in context.hosts},
        looks=looks,
        nats=groups,
        nats_lines=lines,
        corruption=list(plan.corruption_signs),
        now=now,
        baseline=_recorded(context, state.baseline) if state.baseline else None,
        previous=_previous(context, name),
        gaps_after=state.gaps_accepted_at,
    )
    document["log_lines"] = {"readable": _log_lines.readable(plan)}
    document["judge"] = {"false_alarms": plan.judge.false_alarms}
    document["series"] = _series.build(
        looks,
        lines,
        _of_series(context, subjects),
        BUCKET,
        context.state.started_at or now,
        now,
        plan.watch.every,
        context.clock.skips.total_s if context.skips_waits else 0.0,
    )
    return document


def _of_series(context: Context, subjects: list[Subject]) -> list[Subject]:
    """All that is measured, also those that the gate of an earlier phase leaves out."""
    if context.state.baseline_at is None:
        return subjects
    return _instances.subjects_of(context, context.sure_plan)


def _previous(context: Context, name: str) -> dict[str, Any] | None:
    """The evidence of the newest checkpoint taken before this one."""
    taken = [
        (c.at, c.evidence)
        for c in context.state.checkpoints.values()
        if c.status == "taken" and c.at and c.evidence and c.name != name
    ]
    return _recorded(context, max(taken)[1]) if taken else None


def _recorded(context: Context, path: str) -> dict[str, Any]:
    """Evidence of an earlier gate, which this one is compared with. Raises StepError when it is not what the ledger says."""
    named = [record for record in context.records if record.data.get("evidence") == path]
    wanted = (named[-1].data.get("files") or {}).get("evidence.json") if named else None
    seen = file_sha256(context.monitoring / path)
    if seen is None or (wanted is not None and seen != wanted):
        found = "no such file" if seen is None else f"SHA-256 {seen[:12]}"
        raise StepError(
            f"evidence {context.monitoring / path}: seen {found}, expected {str(wanted)[:12]}, as ledger record "
            f"{named[-1].seq if named else '?'} says. It was lost, or changed after it was written. Nothing is decided by it: "
            "restore the file, or begin anew with -e rollout_new_attempt=true after a rollback."
        )
    document: dict[str, Any] = read_json(context.monitoring / path)
    return document


def _left_out(host: str, context: Context) -> dict[str, Any]:
    if host in context.in_play:
        return {"unreachable": True, "msg": "no answer in this run"}
    return {"unreachable": True, "msg": "left out by --limit"}
