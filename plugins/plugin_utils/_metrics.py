# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each metric reads out of evidence. Pure: evidence in, a Reading out. One function a metric, registered by name.

To add a metric: name it in `_metric_names.py` (unit, meaning, direction) and write its function here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _error_peaks, _exhaustion_metrics, _series_metrics
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._control_errors import Shown, own_errors, own_signs, told
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._host_trouble import own_restarts, runs_as_proven
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._host_trouble import told as host_trouble
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._nats_book import without_id
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import READERS, Evidence, Reading, metric
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import add_missing as _add
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._shared_loss import Lone, lone_losses, loses_as_control
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._shares import Share, rate_alone, share_reading

# Loading them registers their metrics.
ALSO_HERE = (_exhaustion_metrics, _series_metrics)
# A loss may have to wait for the next look before it counts; alerts tell it at once.
TOLD_AT_ONCE = ("message_delivery", "messages_lost")
# What of one instance is beyond any median: so many times what its neighbours use.
MANY_TIMES = 4.0
# In evidence without a plan's `log_lines.readable`: so few lines that can't be read may be anything, from then on their
# share counts. Those that the journal's priority calls a warning or worse are never among the few.
LINES_UNREAD, LINES_UNREAD_PCT = 5, 1.0
EXAMPLE = 120
# Of what a journal said, so many characters stand in a verdict; all of it stands in the evidence.
GAP_WORDS = 240


def names() -> list[str]:
    """All metrics that can be read."""
    return sorted(READERS)


def read(name: str, evidence: Evidence, role: str = "test") -> Reading:
    """The reading of one metric over the instances of a role (`test` or `control`)."""
    return READERS[name](evidence, role)


# ---------------------------------------------------------------- instances, from systemd and the journal


def _of_role(evidence: Evidence, role: str) -> dict[str, dict[str, Any]]:
    found = {name: item for name, item in evidence["instances"].items() if item["role"] == role}
    if evidence.get("over") == "tick":
        # What the last look alone saw stands in for what was seen since the change.
        return {name: {**item, **(item.get("tick") or {})} for name, item in found.items()}
    return found


def _seen(evidence: Evidence, role: str, *keys: str) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Instances that have all keys, and typed reasons for those that could not be looked at."""
    found: dict[str, dict[str, Any]] = {}
    missing: dict[str, str] = {}
    for name, item in _of_role(evidence, role).items():
        if item.get("reason"):
            _add(missing, item["reason"], name)
        elif any(item.get(key) is None for key in keys):
            _add(missing, reasons.TOOL_ERROR, f"{name} (no {', '.join(key for key in keys if item.get(key) is None)})")
        else:
            found[name] = item
    return found, missing


def _journal_gaps(found: dict[str, dict[str, Any]], missing: dict[str, str]) -> None:
    for name, item in found.items():
        for gap in item.get("gaps") or []:
            said = str(gap.get("message") or "")[:GAP_WORDS]
            what = f"{reasons.JOURNAL_GAP}: {gap['reason']} at {gap['at']}{': ' if said else ''}{said}"
            _add(missing, reasons.TOOL_ERROR, f"{name} ({what})")
            break


def _count(key: str) -> Callable[[Evidence, str], Reading]:
    """A metric that sums a count over instances."""

    def reader(evidence: Evidence, role: str) -> Reading:
        found, missing = _seen(evidence, role, key)
        _journal_gaps(found, missing)
        by = {name: float(item[key]) for name, item in found.items()}
        return Reading(sum(by.values()) if found else None, len(found), missing, by)

    return reader


def _unread_lines(evidence: Evidence, found: dict[str, dict[str, Any]], missing: dict[str, str]) -> None:
    """An instance whose log we can't read has no known errors, which is not the same as none."""
    readable = (evidence.get("log_lines") or {}).get("readable")
    for name, item in found.items():
        lines = int(item.get("lines") or 0)
        unread = int(item.get("unparsed") or 0) + int(item.get("unreadable") or 0)
        severe = int(item.get("unread_severe") or 0)
        if severe:
            what = f"{severe} of {lines} log lines of {name} can't be read and are warnings or worse by their priority"
            _add(missing, reasons.TOOL_ERROR, what + _unread_example(item))
        elif readable is None:
            # Evidence of an earlier version is judged as it was.
            if unread > LINES_UNREAD and 100.0 * unread > LINES_UNREAD_PCT * lines:
                _add(missing, reasons.TOOL_ERROR, f"{unread} of {lines} log lines of {name} can't be read")
        elif unread and 100.0 * (lines - unread) < readable * lines:
            _add(
                missing,
                reasons.TOOL_ERROR,
                f"{unread} of {lines} log lines of {name} can't be read" + _unread_example(item),
            )


def _unread_example(item: dict[str, Any]) -> str:
    """One of the lines."""
    examples = item.get("unread") or []
    return f", such as {str(examples[0])[:EXAMPLE]!r}" if examples else ""


def _harmless(found: dict[str, dict[str, Any]]) -> str:
    """`12 lines left out that the plan knows for harmless: gpu_probe 12`; empty when there are none."""
    counts: dict[str, int] = {}
    for item in found.values():
        for name, seen in (item.get("harmless") or {}).items():
            counts[name] = counts.get(name, 0) + int(seen["count"])
    if not counts:
        return ""
    names = ", ".join(f"{name} {counts[name]}" for name in sorted(counts, key=lambda name: (-counts[name], name)))
    return f"{sum(counts.values())} lines left out that the plan knows for harmless: {names}"


@metric("errors")
def errors(evidence: Evidence, role: str) -> Reading:
    """Error lines of the instances, without those that control shows as well."""
    found, missing = _seen(evidence, role, "errors")
    _journal_gaps(found, missing)
    _unread_lines(evidence, found, missing)
    left_out: dict[str, int] = {}
    control = Shown(evidence)
    by = {name: own_errors(control, item, left_out) for name, item in found.items()}
    note = "; ".join(filter(None, (told(left_out), _harmless(found))))
    return Reading(sum(by.values()) if found else None, len(found), missing, by, note)


metric("warnings")(_count("warnings"))


@metric("unexpected_restarts")
def unexpected_restarts(evidence: Evidence, role: str) -> Reading:
    """Restarts that nobody asked for, without those of the host's own trouble."""
    found, missing = _seen(evidence, role, "unexpected_restarts")
    _journal_gaps(found, missing)
    left_out: dict[str, int] = {}
    by = {name: own_restarts(evidence, item, left_out) for name, item in found.items()}
    return Reading(sum(by.values()) if found else None, len(found), missing, by, host_trouble(left_out))


@metric("agent_uptime")
def agent_uptime(evidence: Evidence, role: str) -> Reading:
    """Lowest share of time that an instance was up since its change was proven: up_s / total_s."""
    found, missing = _seen(evidence, role, "uptime", "active")
    _journal_gaps(found, missing)
    by = {}
    for name, item in found.items():
        runs = item["uptime"]
        if runs["total_s"] > 0:
            by[name] = 100.0 * runs["up_s"] / runs["total_s"]
        else:
            _add(missing, reasons.TOO_FEW_SAMPLES, f"{name} (observed for 0 s)")
        if not item["active"]:
            # Down now: its uptime is not what the past says.
            by[name] = min(by.get(name, 0.0), 99.0)
    return Reading(min(by.values()) if by else None, len(by), missing, by)


@metric("instances_active")
def instances_active(evidence: Evidence, role: str) -> Reading:
    """Share of instances whose unit is active."""
    return _share(evidence, role, lambda item: bool(item.get("active")))


@metric("instances_proven")
def instances_proven(evidence: Evidence, role: str) -> Reading:
    """Share of instances that are active in the very process that was proven, or that their host alone made start anew."""
    return _share(evidence, role, lambda item: runs_as_proven(evidence, item), "same_process")


def _share(evidence: Evidence, role: str, good: Callable[[dict[str, Any]], bool], *keys: str) -> Reading:
    found, missing = _seen(evidence, role, "active", *keys)
    by = {name: 100.0 if good(item) else 0.0 for name, item in found.items()}
    return Reading(sum(by.values()) / len(by) if by else None, len(by), missing, by)


def _messages(evidence: Evidence, item: dict[str, Any]) -> int:
    """Messages an instance handled: its own counters, or its share of the probe's answers, whichever is more.

    Agents print their counters every so many messages, so a quiet agent's counters lag behind; a probe request that
    was answered was handled all the same. Both are lower bounds. Who answered is not known: hosts share the answers.
    """
    answered = 0
    for group in evidence["nats"]:
        answers = _answers(group, item["agent"])
        if answers and item["host"] in group.get("hosts", []):
            answered = max(answered, _arrived(answers) // len(group["hosts"]))
    return max(int(item.get("messages") or 0), answered)


def _answers(group: dict[str, Any], agent: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = ((group.get("probe") or {}).get("agents") or {}).get(agent)
    return found


def _error_answers(evidence: Evidence, role: str, notes: list[str]) -> dict[str, tuple[int, dict[str, float]]]:
    """agent -> (answers of the probe that tell an error, each host's share of them).

    Where control gives them as well, at least half as often, the probe asks what agents can't answer, or NATS is in
    trouble: not the change's.
    """
    found: dict[str, tuple[int, dict[str, float]]] = {}
    for group in evidence["nats"]:
        control = _error_share([_answers(group, agent) for agent in _agents(evidence, "control")])
        for agent in _agents(evidence, role):
            answers = _answers(group, agent)
            told_errors = int((answers or {}).get("errors") or 0)
            if not told_errors:
                continue
            what = f"{told_errors} error answers of {agent} to the probe"
            if role == "test" and evidence.get("against") != "control" and _as_often(control, _error_share([answers])):
                notes.append(f"{what} left out: control gives them as well")
                continue
            notes.append(what)
            count, shares = found.get(agent, (0, {}))
            hosts = group.get("hosts") or []
            found[agent] = (
                count + told_errors,
                {**shares, **{host: shares.get(host, 0.0) + told_errors / len(hosts) for host in hosts}},
            )
    return found


def _as_often(control: float, share: float) -> bool:
    """Whether control has at least half as many of something, in shares (0..1), and not the change makes it of nearly all."""
    return 2.0 * control >= share and share * (1.0 - control) <= 10.0 * control * (1.0 - share)


def _error_share(rows: list[dict[str, Any] | None]) -> float:
    """Of the answers that arrived, the share that tells an error (0..1)."""
    arrived = sum(_arrived(row) for row in rows if row)
    return sum(int(row.get("errors") or 0) for row in rows if row) / arrived if arrived else 0.0


@metric("error_rate")
def error_rate(evidence: Evidence, role: str) -> Reading:
    """Errors / messages handled x 100: over all instances, or that of the worst agent or instance where that is higher.

    Errors of an agent are its instances' log lines, or its error answers to the probe where those are more. An agent or an
    instance stands alone from 1000 messages on; with fewer, what is surely no chance is `alone`. `by` has the rate of each
    instance, `samples` are the messages of all.
    """
    found, missing = _seen(evidence, role, "errors")
    _journal_gaps(found, missing)
    _unread_lines(evidence, found, missing)
    left_out: dict[str, int] = {}
    notes: list[str] = []
    control = Shown(evidence)
    logged = {name: own_errors(control, item, left_out) for name, item in found.items()}
    handled = {name: _messages(evidence, item) for name, item in found.items()}
    answered = _error_answers(evidence, role, notes)
    errors_seen, messages = 0.0, sum(handled.values())
    by: dict[str, float] = {}
    alone: dict[str, tuple[float, float]] = {}
    of_agent: dict[str, list[str]] = {agent: [] for agent in _agents(evidence, role)}
    for name, item in found.items():
        of_agent[item["agent"]].append(name)
    for agent, names_of in of_agent.items():
        lines = sum(logged[name] for name in names_of)
        answers, shares = answered.get(agent, (0, {}))
        errors_seen += max(lines, answers)
        of_all = sum(handled[name] for name in names_of)
        if of_all:
            alone[agent] = rate_alone(max(lines, answers), of_all)
        for name in names_of:
            share = shares.get(found[name]["host"], 0.0) if answers > lines else 0.0
            own = max(logged[name], share)
            if handled[name]:
                by[name] = 100.0 * own / handled[name]
                alone[name] = rate_alone(own, handled[name])
                continue
            if own:
                by[name] = 100.0
            if not int(found[name].get("lines") or 0):
                _add(missing, reasons.AGENT_SILENT, f"{name} (no message handled, no log line)")
    note = "; ".join(part for part in (*notes, told(left_out), _harmless(found)) if part)
    note = f"{errors_seen:.0f} errors in {messages} messages" + (f"; {note}" if note else "")
    if found and not messages:
        _add(missing, reasons.SUBJECT_IDLE, "no instance handled a message")
        # Errors without a single message are still errors.
        return Reading(100.0 if errors_seen else None, 0, missing, by, note)
    enough = [seen for seen, sure in alone.values() if seen == sure]
    value = max([100.0 * errors_seen / messages, *enough]) if messages else None
    return Reading(value, messages, missing, by, note, alone=alone)


@metric("error_peak")
def error_peak(evidence: Evidence, role: str) -> Reading:
    """Highest error rate (percent) of an agent over any stretch since its change, where that is surely no chance; 0 where it is."""
    found, missing = _seen(evidence, role, "errors")
    _journal_gaps(found, missing)
    _unread_lines(evidence, found, missing)
    columns, unseen = _series_metrics.series_of(evidence)
    if columns is None:
        return Reading(None, 0, {**unseen, **missing})
    left_out: dict[str, int] = {}
    control = Shown(evidence)
    own = dict.fromkeys(_agents(evidence, role), 0.0)
    for item in found.values():
        own[item["agent"]] += own_errors(control, item, left_out)
    by = _error_peaks.peaks(columns, own) if role == "test" else {}
    if not by:
        _add(missing, reasons.TOO_FEW_SAMPLES, "no agent is changed on all its hosts yet")
    return Reading(max(by.values()) if by else None, len(by), missing, by, told(left_out))


@metric("corruption_signs")
def corruption_signs(evidence: Evidence, role: str) -> Reading:
    """Kinds of error lines that match the plan's `corruption_signs` patterns, without those that control shows as well."""
    found, missing = _seen(evidence, role, "corruption_signs")
    _journal_gaps(found, missing)
    _unread_lines(evidence, found, missing)
    by = {}
    left_out: dict[str, int] = {}
    control = Shown(evidence)
    for name, item in found.items():
        signs = own_signs(control, item, left_out)
        by[name] = float(len(signs))
    return Reading(sum(by.values()) if found else None, len(found), missing, by, told(left_out))


# ---------------------------------------------------------------- resources


@metric("memory_of_limit")
def memory_of_limit(evidence: Evidence, role: str) -> Reading:
    """Highest share of the memory limit that applies to it that an instance uses."""
    found, missing = _seen(evidence, role, "memory_bytes", "memory_limit_bytes")
    by = {name: 100.0 * item["memory_bytes"] / item["memory_limit_bytes"] for name, item in found.items()}
    return Reading(max(by.values()) if by else None, len(by), missing, by)


@metric("memory_overhead")
def memory_overhead(evidence: Evidence, role: str) -> Reading:
    """Median memory of test instances against control's, each relative to its own baseline: (test / control - 1) x 100."""
    return _overhead(evidence, role, lambda item: item.get("memory_bytes"))


@metric("cpu_overhead")
def cpu_overhead(evidence: Evidence, role: str) -> Reading:
    """Median CPU share of test processes against control's: (test / control - 1) x 100.

    A process's share is CPU seconds per second between the first look that saw it and this one: its start is left out.
    """

    def share(item: dict[str, Any]) -> float | None:
        first = item.get("same_process_from") or {}
        if item.get("cpu_s") is None or first.get("cpu_s") is None:
            return None
        watched = (parse_iso(item["at"]) - parse_iso(first["at"])).total_seconds()
        return (item["cpu_s"] - first["cpu_s"]) / watched if watched > 0 else None

    return _overhead(evidence, role, share, relative_to_baseline=False)


def _overhead(
    evidence: Evidence, role: str, of: Callable[[dict[str, Any]], float | None], relative_to_baseline: bool = True
) -> Reading:
    found, missing = _seen(evidence, role)
    control, control_missing = _seen(evidence, "control")
    missing = {**control_missing, **missing}
    before = (evidence.get("baseline") or {}).get("instances", {}) if relative_to_baseline else {}

    def relative(items: dict[str, dict[str, Any]]) -> dict[str, float]:
        values = {}
        for name, item in items.items():
            now = of(item)
            if now is None or not relative_to_baseline:
                if now is None:
                    _add(missing, reasons.TOOL_ERROR, f"{name} (nobody told what it uses)")
                else:
                    values[name] = now
                continue
            base = of(before.get(name) or {})
            if base:
                values[name] = now / base
            else:
                # Bytes can't stand beside shares of a baseline.
                _add(missing, reasons.TOO_FEW_SAMPLES, f"{name} (no baseline)")
        return values

    test_values, control_values = relative(found), relative(control)
    test_median, control_median = _median(list(test_values.values())), _median(list(control_values.values()))
    if test_median is None or not control_median:
        _add(missing, reasons.TOO_FEW_SAMPLES, "test or control has no value")
        return Reading(None, 0, missing)
    by = {name: 100.0 * (value / control_median - 1.0) for name, value in test_values.items()}
    samples = min(len(test_values), len(control_values))
    overall = 100.0 * (test_median / control_median - 1.0)
    alone = {name: (by[name], by[name]) for name in _far_from_all(found, test_values, control_values)}
    return Reading(overall, samples, missing, by, alone=alone)


def _far_from_all(
    found: dict[str, dict[str, Any]], values: dict[str, float], control: dict[str, float]
) -> list[str]:  # fmt: skip
    """Instances that use MANY_TIMES what the same agent uses elsewhere, and any control instance: a median doesn't know them."""
    far = []
    for name, value in values.items():
        others = [
            other for peer, other in values.items() if peer != name and found[peer]["agent"] == found[name]["agent"]
        ]
        usual = max([*control.values(), *([_median(others) or 0.0] if others else [])])
        if value > MANY_TIMES * usual:
            far.append(name)
    return far


def _median(values: list[float]) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2.0


# ---------------------------------------------------------------- hosts


def _hosts(evidence: Evidence) -> dict[str, dict[str, Any]]:
    """Every host that has an instance, also one that the evidence has nothing of."""
    named = {item["host"] for item in evidence["instances"].values()}
    return {name: evidence["hosts"].get(name) or {} for name in sorted({*named, *evidence["hosts"]})}


def _per_host(of: Callable[[dict[str, Any]], float | None]) -> Callable[[Evidence, str], Reading]:
    def reader(evidence: Evidence, role: str) -> Reading:
        by: dict[str, float] = {}
        missing: dict[str, str] = {}
        for name, entry in _hosts(evidence).items():
            if entry.get("reason") or not entry.get("host"):
                _add(missing, entry.get("reason") or reasons.TOOL_ERROR, name)
                continue
            value = of(entry["host"])
            if value is None:
                _add(missing, reasons.TOOL_ERROR, name)
            else:
                by[name] = value
        return Reading(max(by.values()) if by else None, len(by), missing, by)

    return reader


def _fullest_disk(host: dict[str, Any]) -> float | None:
    """One that could not be looked at may be the fullest."""
    disks = list((host.get("disks") or {}).values())
    return max(disk["used_pct"] for disk in disks) if disks and all(disks) else None


def _load(host: dict[str, Any]) -> float | None:
    return host["load"][0] if host.get("load") else None


metric("system_load")(_per_host(_load))
metric("host_memory")(_per_host(lambda host: (host.get("memory") or {}).get("used_pct")))
metric("disk_used")(_per_host(_fullest_disk))


@metric("hosts_rebooted")
def hosts_rebooted(evidence: Evidence, role: str) -> Reading:
    """Hosts whose boot id is not the baseline's."""
    before = (evidence.get("baseline") or {}).get("hosts", {})
    by: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name, entry in _hosts(evidence).items():
        if entry.get("reason") or not entry.get("host"):
            _add(missing, entry.get("reason") or reasons.TOOL_ERROR, name)
            continue
        boot, now = ((before.get(name) or {}).get("host") or {}).get("boot_id"), entry["host"].get("boot_id")
        if not boot:
            _add(missing, reasons.TOO_FEW_SAMPLES, f"{name} (no baseline)")
        elif not now:
            _add(missing, reasons.TOOL_ERROR, f"{name} (does not tell which boot this is)")
        else:
            by[name] = float(now != boot)
    return Reading(sum(by.values()) if by else None, len(by), missing, by)


# ---------------------------------------------------------------- NATS connections, seen on the hosts


@metric("nats_disconnected")
def nats_disconnected(evidence: Evidence, role: str) -> Reading:
    """Active instances without a connection to NATS, on hosts where control instances have theirs.

    Where control has none either, the server is away: a fault of NATS, not of the change.
    """
    found, missing = _seen(evidence, role, "nats_connections", "active")
    control, _missing = _seen(evidence, "control", "nats_connections", "active")
    connected: dict[str, list[int]] = {}
    for peer in control.values():
        if peer["active"]:
            connected.setdefault(peer["host"], []).append(peer["nats_connections"])
    by = {}
    for name, item in found.items():
        peers = connected.get(item["host"], [])
        if item["active"] and item["nats_connections"] == 0 and peers and not any(peers):
            _add(missing, reasons.NATS_UNREACHABLE, f"{name} (control on {item['host']} is disconnected as well)")
            continue
        by[name] = float(item["active"] and item["nats_connections"] == 0)
    return Reading(sum(by.values()) if by else None, len(by), missing, by)


@metric("nats_connections_lost")
def nats_connections_lost(evidence: Evidence, role: str) -> Reading:
    """Connections to NATS that instances had at the baseline and don't have now."""
    found, missing = _seen(evidence, role, "nats_connections")
    before = (evidence.get("baseline") or {}).get("instances", {})
    by = {}
    for name, item in found.items():
        base = before.get(name, {}).get("nats_connections")
        if base is None:
            _add(missing, reasons.TOO_FEW_SAMPLES, f"{name} (no baseline)")
        else:
            by[name] = float(max(0, base - item["nats_connections"]))
    return Reading(sum(by.values()) if by else None, len(by), missing, by)


# ---------------------------------------------------------------- NATS traffic: the probe


def _agents(evidence: Evidence, role: str) -> list[str]:
    return sorted({item["agent"] for item in _of_role(evidence, role).values()})


@dataclass(frozen=True)
class _Probed:
    """One agent's answers on one group of connected servers; `name` is `agent`, or `agent/group` where there are more."""

    name: str
    agent: str
    group: int
    answers: dict[str, Any]


def _unmeasured(evidence: Evidence, role: str, missing: dict[str, str]) -> None:
    """Hosts of instances whose NATS no measurement stands for."""
    measured = {host for group in evidence["nats"] for host in group.get("hosts") or []}
    for host in sorted({item["host"] for item in _of_role(evidence, role).values()} - measured):
        _add(missing, reasons.TOOL_ERROR, f"NATS of {host} was not measured at this gate")


def _probes(evidence: Evidence, role: str) -> tuple[list[_Probed], dict[str, str]]:
    """Figures of every agent on every group that was probed, and why others have none."""
    figures: list[_Probed] = []
    missing: dict[str, str] = {}
    _unmeasured(evidence, role, missing)
    many = len(evidence["nats"]) > 1
    for index, group in enumerate(evidence["nats"]):
        # A sample that could not connect has run no probe: its reason is the probe's.
        probe = group.get("probe") or {"reason": (group.get("sample") or {}).get("reason")}
        reason = group.get("reason") or probe.get("reason")
        if reason:
            _add(missing, reason, f"{group['name']}: {_message(group)}")
            continue
        if probe.get("cut_short"):
            _add(missing, reasons.TOO_FEW_SAMPLES, f"{group['name']}: time was up before all requests were sent")
        for agent in _agents(evidence, role):
            answers = (probe.get("agents") or {}).get(agent)
            if answers is None:
                _add(missing, reasons.TOOL_ERROR, f"{agent} was not probed on {group['name']}")
            else:
                name = f"{agent}/{group['name']}" if many else agent
                _strangers(name, answers, missing)
                figures.append(_Probed(name, agent, index, answers))
    return figures, missing


def _strangers(name: str, answers: dict[str, Any], missing: dict[str, str]) -> None:
    """Answers beyond one from each instance: one of them may stand for an instance that is dead."""
    more = int(answers.get("duplicates") or 0)
    if more:
        text = f"{name}: {more} answers more than the {answers['expected']} of its instances"
        _add(missing, reasons.TOO_MANY_ANSWERS, text)


def _message(group: dict[str, Any]) -> str:
    parts = (group, group.get("probe") or {}, group.get("sample") or {})
    return next((str(part["message"]) for part in parts if part.get("message")), "")


def _loss(rows: list[dict[str, Any]]) -> float | None:
    """The share of the expected answers that never came (0..1); None where none was expected."""
    expected = sum(int(row["expected"]) for row in rows)
    return (expected - sum(_arrived(row) for row in rows)) / expected if expected else None


def _excused(control: float | None, answers: dict[str, Any]) -> bool:
    """Do lost answers say nothing about the change? So it is where control was not asked, or lost half as much or more."""
    lost = _loss([answers])
    return lost is not None and lost > 0 and (control is None or 2 * control >= lost)


def _shared(evidence: Evidence, each: _Probed, control: list[_Probed]) -> bool:
    """Did an agent lose answers no more often than control does since the change, though control may have lost none now?"""
    lost = _lost(each.answers)
    of_control = sum(_lost(answers) for answers in _peers(control, each))
    return lost > 0 and loses_as_control(evidence, each.agent, evidence["nats"][each.group]["name"], (lost, of_control))


def _peers(control: list[_Probed], each: _Probed) -> list[dict[str, Any]]:
    """What control agents answered on the same servers."""
    return [peer.answers for peer in control if peer.group == each.group]


def _lost(answers: dict[str, Any]) -> int:
    """Answers that never came."""
    return int(answers["expected"]) - _arrived(answers)


def _arrived(answers: dict[str, Any]) -> int:
    """Answers that came, late ones too: lateness is the business of the latency metrics."""
    return min(int(answers["delivered"]) + int(answers.get("late") or 0), int(answers["expected"]))


@dataclass
class _Delivered:
    """By name: the answers of each agent, and what of its losses waits for the next look, or waited for this one."""

    found: dict[str, dict[str, Any]]
    missing: dict[str, str]
    lone: dict[str, Lone]

    def doubt(self) -> dict[str, str]:
        """Reasons when all that was lost may be everybody's: control was asked too little since. None if any is surely not."""
        losing = [name for name, answers in self.found.items() if _lost(answers) or self.lone[name].before]
        if not losing or not all(self.lone[name].waits for name in losing):
            return {}
        names = ", ".join(f"{name} lost {_lost(self.found[name])}" for name in losing)
        text = f"{names}; whether control loses answers as well is known at the next look"
        return {reasons.NATS_UNREACHABLE: text}


def _delivery(evidence: Evidence, role: str) -> _Delivered:
    figures, missing = _probes(evidence, role)
    compared = role == "test" and bool(_agents(evidence, "control"))
    control = _probes(evidence, "control")[0] if compared else []
    found: dict[str, dict[str, Any]] = {}
    lone: dict[str, Lone] = {}
    for each in figures:
        answers = each.answers
        if not answers["expected"]:
            _add(missing, reasons.TOO_FEW_SAMPLES, f"{each.name} was asked nothing")
        elif compared and answers["silent"] and _loss(_peers(control, each)) == 1.0:
            text = f"{each.name}, and no control agent: does anybody hear the subject, and may they answer?"
            _add(missing, reasons.NOBODY_ANSWERS, text)
        elif compared and _excused(_loss(_peers(control, each)), answers):
            _add(
                missing,
                reasons.NATS_UNREACHABLE,
                f"{each.name}: control agents lost as many answers, or were not probed",
            )
        elif compared and _shared(evidence, each, control):
            _add(missing, reasons.NATS_UNREACHABLE, f"{each.name}: control agents lose answers as often")
        elif role == "test" and not compared and answers["silent"]:
            _add(missing, reasons.AGENT_SILENT, f"{each.name} (and no control agent to compare with)")
        else:
            found[each.name] = answers
            group = evidence["nats"][each.group]["name"]
            # Alerts tell at once what was seen; all others hear of a loss that waits when it is clear whose it is.
            judged = compared and not evidence.get("alert")
            lone[each.name] = lone_losses(evidence, each.agent, group, _lost(answers)) if judged else Lone()
    return _Delivered(found, missing, lone)


@metric("message_delivery")
def message_delivery(evidence: Evidence, role: str) -> Reading:
    """Probe answers that arrived / answers expected (one from each instance) x 100, over all agents."""
    measured = _delivery(evidence, role)
    found = measured.found
    expected = sum(answers["expected"] for answers in found.values())
    delivered = sum(_arrived(answers) for answers in found.values())
    shares = {name: Share(_arrived(answers), answers["expected"]) for name, answers in found.items()}
    note = f"{delivered} of {expected} answers"
    return share_reading(shares, expected, measured.missing, note, doubt=measured.doubt())


@metric("messages_lost")
def messages_lost(evidence: Evidence, role: str) -> Reading:
    """Probe answers that never came: in this look, and those of looks before that had to wait for this one."""
    measured = _delivery(evidence, role)
    by = {
        name: float(max(_lost(answers), measured.lone[name].before))
        for name, answers in measured.found.items()
    }  # fmt: skip
    expected = sum(answers["expected"] for answers in measured.found.values())
    value = sum(by.values()) if by else None
    return Reading(value, expected, measured.missing, by, doubt=measured.doubt())


def _latency(key: str) -> Callable[[Evidence, str], Reading]:
    """The worst agent's percentile, in seconds, over the answers of all its instances."""

    def reader(evidence: Evidence, role: str) -> Reading:
        figures, missing = _probes(evidence, role)
        by = {}
        samples = []
        for each in figures:
            if each.answers.get(key) is None:
                _add(missing, reasons.AGENT_SILENT, each.name)
            else:
                by[each.name] = each.answers[key] / 1000.0
                samples.append(int(each.answers["delivered"]))
        # Each agent has a percentile of its own: the one with the fewest answers says how much the worst is worth.
        return Reading(max(by.values()) if by else None, min(samples, default=0), missing, by)

    return reader


#: Percentiles of the probe's answers, and the keys of an agent's answers that hold them.
LATENCIES = {"latency_p50": "p50_ms", "latency_p99": "p99_ms", "latency_p999": "p999_ms"}
for _name, _key in LATENCIES.items():
    metric(_name)(_latency(_key))


# ---------------------------------------------------------------- NATS traffic: the sample


def _samples(evidence: Evidence, role: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    found: list[dict[str, Any]] = []
    missing: dict[str, str] = {}
    _unmeasured(evidence, role, missing)
    for group in evidence["nats"]:
        sample = group.get("sample")
        reason = group.get("reason") or (sample or {}).get("reason") or (None if sample else reasons.TOOL_ERROR)
        if reason or not sample.get("lossless"):
            _add(missing, reason or reasons.SAMPLER_LOSSY, f"{group['name']}: {_message(group)}")
        else:
            found.append(sample)
    return found, missing


def _with_headers(found: list[dict[str, Any]], missing: dict[str, str], part: str = "dual") -> list[dict[str, Any]]:
    """The samples that have the part which is read from headers; why the others have not."""
    for sample in found:
        if sample.get(part) is None:
            lacks = "; ".join(str(lack) for lack in sample.get("lacks") or [])
            why = f"{sample.get('server')} has no {lacks}" if lacks else "it was not asked for"
            _add(missing, reasons.NATS_UNSUPPORTED if lacks else reasons.TOOL_ERROR, why)
    return [sample for sample in found if sample.get(part) is not None]


def _pair_of(sample: dict[str, Any], agent: str) -> dict[str, Any]:
    return sample["dual"]["agents"].get(agent) or {"legacy": 0, "matched": 0}


def _nobody_has_ids(evidence: Evidence, found: list[dict[str, Any]]) -> bool:
    """Did control publish, and nothing of it had a conversation id? Then it is not the change that lost them."""
    pairs = [_pair_of(sample, agent) for sample in found for agent in _agents(evidence, "control")]
    return any(without_id(pair) for pair in pairs) and not any(int(pair["legacy"]) for pair in pairs)


@metric("dual_publish_success")
def dual_publish_success(evidence: Evidence, role: str) -> Reading:
    """Responses published on both trees / responses published on the legacy one x 100, matched by conversation id.

    A legacy publication without a conversation id can't be matched: nobody can say that it went out on both trees.
    Over all lossless windows of the rollout so far, or over this one alone where the criterion says `over: checkpoint`;
    an agent that was silent in this window is missing either way.
    """
    found, missing = _samples(evidence, role)
    found = _with_headers(found, missing)
    for sample in found:
        if sample["dual"].get("capped"):
            left_out = f"{sample['dual'].get('untracked')} publications were too many to be matched"
            _add(missing, reasons.SAMPLER_LOSSY, left_out)
    stripped = role == "test" and _nobody_has_ids(evidence, found)
    legacy = matched = 0
    shares: dict[str, Share] = {}
    for agent in _agents(evidence, role):
        pairs = [_pair_of(sample, agent) for sample in found]
        counts = {key: sum(pair[key] for pair in pairs) for key in ("legacy", "matched")}
        unmatchable = sum(without_id(pair) for pair in pairs)
        if stripped and unmatchable and not counts["legacy"]:
            text = f"{agent}: publications carry no conversation id, and those of control neither: are headers lost on the way?"
            _add(missing, reasons.NATS_UNSUPPORTED, text)
            continue
        if found and not counts["legacy"] + unmatchable:
            _add(missing, reasons.SUBJECT_IDLE, f"{agent} published no response in the window")
        if evidence.get("over") != "checkpoint":
            counts = (evidence.get("published") or {}).get(agent) or counts
            unmatchable = counts.get("without_id", unmatchable)
        published = counts["legacy"] + unmatchable
        legacy, matched = legacy + published, matched + counts["matched"]
        if published:
            shares[agent] = Share(counts["matched"], published)
    return share_reading(shares, legacy, missing, f"{matched} of {legacy}")


@metric("unified_traffic")
def unified_traffic(evidence: Evidence, role: str) -> Reading:
    """Messages on the unified tree / messages on both x 100, among those from or to the agents."""
    found, missing = _samples(evidence, role)
    legacy = unified = 0
    shares: dict[str, Share] = {}
    for agent in _agents(evidence, role):
        counts = [sample["agents"].get(agent) or {} for sample in found]
        old, new = sum(c.get("legacy", 0) for c in counts), sum(c.get("unified", 0) for c in counts)
        legacy, unified = legacy + old, unified + new
        if old + new:
            shares[agent] = Share(new, old + new)
        elif found:
            _add(missing, reasons.SUBJECT_IDLE, f"no message from or to {agent} in the window")
    total = legacy + unified
    return share_reading(shares, total, missing, f"{unified} of {total}")


@metric("publish_time")
def publish_time(evidence: Evidence, role: str) -> Reading:
    """Median time between the two publications of one response as they reach NATS, worst agent, in seconds."""
    found, missing = _samples(evidence, role)
    found = _with_headers(found, missing)
    by: dict[str, float] = {}
    samples: list[int] = []
    for agent in _agents(evidence, role):
        for sample in found:
            pair = sample["dual"]["agents"].get(agent)
            if pair and pair.get("gap_p50_ms") is not None:
                by[agent] = max(by.get(agent, 0.0), pair["gap_p50_ms"] / 1000.0)
                samples.append(int(pair["matched"]))
        if found and agent not in by:
            _add(missing, reasons.SUBJECT_IDLE, f"{agent} published nothing twice")
    return Reading(max(by.values()) if by else None, min(samples, default=0), missing, by)


@metric("conversation_ids")
def conversation_ids(evidence: Evidence, role: str) -> Reading:
    """Of the conversation ids the probe sent, the share that came back in the agents' publications."""
    found, missing = _samples(evidence, role)
    found = _with_headers(found, missing, "own_ids")
    by: dict[str, float] = {}
    samples = 0
    for agent in _agents(evidence, role):
        carried = [sample["own_ids"][agent] for sample in found if agent in sample["own_ids"]]
        sent = sum(item["sent"] for item in carried)
        if sent:
            by[agent] = 100.0 * sum(item["seen"] for item in carried) / sent
            samples += sent
        elif found:
            _add(missing, reasons.SUBJECT_IDLE, f"{agent} was sent no conversation id")
    return Reading(min(by.values()) if by else None, samples, missing, by)
