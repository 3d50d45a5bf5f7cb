# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before anything is touched: problems found in what hosts and NATS answered. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _log_lines, _log_sample
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import instance_id
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import format_value

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan


@dataclass(frozen=True)
class Finding:
    """One thing preflight saw. `stops`: the rollout must not start; otherwise it is told and accepted."""

    on: str
    what: str
    seen: str
    expected: str
    next: str
    stops: bool = True

    def text(self) -> str:
        return f"{self.on}: {self.what}: seen {self.seen}, expected {self.expected}. {self.next}".rstrip()


def check_hosts(
    plan: Plan,
    hosts: list[str],
    in_play: list[str],
    units: Mapping[str, Any],
    expected_env: Callable[[str, str], dict[str, str]],
    new_env: Callable[[str, str], dict[str, str]],
    answered: float | None = None,
) -> list[Finding]:
    """SSH and sudo, disk, clock, units active and quiet, drift of each environment file against the catalogue.

    `units`: host -> registered `agent_units_info` result; `expected_env(agent, host)`: what the catalogue says; `new_env`:
    what the change will say;
    `answered`: when the last host had answered, in seconds since the epoch.
    """
    findings = []
    for host in hosts:
        if host not in in_play:
            findings.append(
                Finding(host, "host of the plan", "left out by --limit", "every host of the plan in the run",
                        f"Run it without --limit, or with one that keeps {plan.hosts}.")
            )  # fmt: skip
            continue
        reason, message = reasons.of_task_result(units.get(host))
        if reason:
            hint = (
                "Check ssh and `sudo -n true` on it."
                if reason == reasons.HOST_UNREACHABLE
                else "Check sudo and python3 on it."
            )
            findings.append(Finding(host, "SSH and sudo", f"{reason} ({message[:300]})", "an answer", hint))
            continue
        findings += _host(plan, host, units[host]["host"], answered)
        journal = units[host].get("journal") or {}
        if not journal.get("complete"):
            said = journal.get("message")
            seen = f"not whole ({journal.get('reason') or reasons.TOOL_ERROR}{f': {said}' if said else ''})"
            quiet = f"every line of the last {duration_text(plan.preflight.quiet_for)} (preflight.quiet_for)"
            findings.append(Finding(host, "journal", seen, quiet, "Without it nobody knows whether agents are quiet."))
        findings += _identities(host, units[host]["instances"])
        for agent in plan.agents():
            findings += _instance(plan, agent, host, units[host]["instances"].get(agent), test=True)
            seen = units[host]["instances"].get(agent)
            findings += _drift(plan, agent, host, seen, expected_env(agent, host), new_env(agent, host))
        for agent in plan.control.agents:
            findings += _instance(plan, agent, host, units[host]["instances"].get(agent), test=False)
    return findings


def _identities(host: str, instances: Mapping[str, Any]) -> list[Finding]:
    """Agents that are one service under several names: they can't be changed, watched or compared apart."""
    by_identity: dict[str, list[str]] = {}
    for agent, seen in instances.items():
        if seen.get("identity") and seen["load_state"] == "loaded":
            by_identity.setdefault(seen["identity"], []).append(agent)
    return [
        Finding(
            instance_id(agents[0], host),
            f"unit {instances[agents[0]]['unit']}",
            f"the same service as that of {', '.join(instance_id(a, host) for a in agents[1:])} (systemd calls it {identity})",
            "a service of its own",
            "Correct rollout_agent_unit, or leave all but one of these agents out of the plan.",
        )
        for identity, agents in by_identity.items()
        if len(agents) > 1
    ]


def _sight(name: str, log: Mapping[str, Any]) -> list[Finding]:
    """Whether an error that the agent logs would be seen."""
    findings = []
    gap = log.get("gap")
    if gap:
        findings.append(
            Finding(name, "what it logs", f"{gap['reason']}: {gap['message']}", "every line in the journal, where it can be read",
                    "Without it nobody would see its errors. Correct the unit and restart it, or leave the agent out.")
        )  # fmt: skip
    if log.get("namespace"):
        findings.append(
            Finding(name, "what it logs", f"in the journal's namespace {log['namespace']}", "any namespace", "It is read there.",
                    stops=False)
        )  # fmt: skip
    return findings


def clock_offset(facts: dict[str, Any], answered: float | None) -> float | None:
    """How far the host's clock is off at the least, in seconds.

    The host compared its clock with the moment of the question, so the way there looks like a fast clock. It lies
    between question and answer: only what is more than that is the clock's.
    """
    seen = facts.get("clock_offset_s")
    if seen is None or seen <= 0 or answered is None:
        return seen
    asked = parse_iso(facts["now"]).timestamp() - seen
    return max(0.0, seen - max(0.0, answered - asked))


def _host(plan: Plan, host: str, facts: dict[str, Any], answered: float | None) -> list[Finding]:
    findings = []
    for path, disk in (facts.get("disks") or {}).items():
        if disk is None:
            findings.append(
                Finding(
                    host,
                    f"disk of {path}",
                    "no such path, or one without a size",
                    "a path on a disk",
                    "Correct rollout_disk_paths.",
                )
            )
        elif disk["available_bytes"] < plan.preflight.disk_free:
            findings.append(
                Finding(host, f"disk of {path}", f"{format_value(disk['available_bytes'], 'size')} free",
                        f"{format_value(plan.preflight.disk_free, 'size')} (preflight.disk_free)", "Free space on it.")
            )  # fmt: skip
    offset = clock_offset(facts, answered)
    if offset is None or abs(offset) > plan.preflight.clock_offset:
        seen = "unknown" if offset is None else f"{offset:+.1f} s from the controller"
        findings.append(
            Finding(
                host,
                "clock",
                seen,
                f"within {duration_text(plan.preflight.clock_offset)} (preflight.clock_offset)",
                "Let NTP set it.",
            )
        )
    return findings


def _instance(plan: Plan, agent: str, host: str, seen: dict[str, Any] | None, test: bool) -> list[Finding]:
    name = instance_id(agent, host)
    if seen is None:
        return [Finding(name, "unit", "no answer about it", "an answer", "Run preflight again.")]
    if seen["load_state"] != "loaded":
        return [
            Finding(
                name,
                f"unit {seen['unit']}",
                seen["load_state"],
                "loaded",
                "Install or unmask it, or leave the agent out of the plan.",
            )
        ]
    findings = _sight(name, seen["log"])
    if seen["active_state"] != "active":
        findings.append(
            Finding(name, f"unit {seen['unit']}", f"{seen['active_state']} ({seen['sub_state']})", "active",
                    "Start it and see why it stopped; a rollout changes running agents.")
        )  # fmt: skip
    noise = seen["log"]["errors"]
    restarts = sum(
        1 for event in seen["log"]["lifecycle"] if event["event"] in ("failed", "exited", "oom", "restart_scheduled")
    )
    quiet = duration_text(plan.preflight.quiet_for)
    if test and noise:
        example = seen["log"]["kinds"][0]["example"] if seen["log"]["kinds"] else ""
        findings.append(
            Finding(name, f"log of the last {quiet}", f"{noise} error lines, such as: {example[:160]}", "none (preflight.quiet_for)",
                    "Mend the agent first: its errors would be taken for the change's.")
        )  # fmt: skip
    if restarts:
        findings.append(
            Finding(
                name,
                f"the last {quiet}",
                f"{restarts} exits or restarts",
                "none (preflight.quiet_for)",
                "Wait until it is stable.",
                stops=test,
            )
        )
    unread = _log_sample.said(seen.get("log_sample"), seen["log"], _log_lines.readable(plan))
    if unread:
        said, expected, after, few = unread
        findings.append(Finding(name, "log lines", said, expected, after, stops=test and few))
    return findings


def _drift(
    plan: Plan,
    agent: str,
    host: str,
    seen: dict[str, Any] | None,
    expected: dict[str, str],
    new: dict[str, str],
) -> list[Finding]:
    name = instance_id(agent, host)
    environment = (seen or {}).get("environment")
    if not environment or not environment.get("exists"):
        path = (environment or {}).get("path", "its environment file")
        return [
            Finding(
                name,
                "environment file",
                f"{path} does not exist",
                "the file",
                "Correct rollout_agent_env_file or install it.",
            )
        ]
    if not environment.get("regular", True):
        return [
            Finding(
                name,
                "environment file",
                str(environment.get("problem") or f"{environment['path']} is a link or not a file"),
                "a regular file that can be replaced",
                "Put the file itself there.",
            )
        ]
    findings = []
    masked = set(environment.get("masked") or [])
    for key, value in new.items():
        if key not in masked and (environment["keys"] or {}).get(key) == value:
            findings.append(
                Finding(name, f"{key} in {environment['path']}", f"{value!r}, the new value, before the rollout",
                        "the old value", "It was changed by hand: put it back, so that there is an old state to return to.")
            )  # fmt: skip
    for key, wanted in expected.items():
        found = (environment["keys"] or {}).get(key)
        # What the rollout is about to set is judged above; its old value may be anything that can be returned to.
        if key in masked or found == wanted or key in new:
            continue
        accepted = key in plan.drift.accept
        findings.append(
            Finding(name, f"{key} in {environment['path']}", "no such key" if found is None else repr(found), f"{wanted!r} (catalogue)",
                    "Accepted by the plan (drift.accept)." if accepted else
                    f"Mend the file or the catalogue, or accept it in the plan (drift.accept: [{key}]).", stops=not accepted)
        )  # fmt: skip
    return findings
