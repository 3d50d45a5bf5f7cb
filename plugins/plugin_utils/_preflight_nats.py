# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of NATS before anything is touched, and which servers are measured together from then on. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _reasons as reasons
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._nats_groups import (
    Asked,
    Ear,
    Group,
    ears,
    groups_by_cluster,
    groups_of,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._preflight import Finding

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

_REACH = "which servers hear each other"


def _streams(host: str, probe: Mapping[str, Any]) -> list[Finding]:
    """Streams that would answer requests in the agents' stead: JetStream acknowledges what it captures to the reply subject."""
    if probe.get("streams_unknown"):
        return [
            Finding(host, "JetStream streams over the probe's subjects", f"unknown ({str(probe['streams_unknown'])[:300]})", "a list of them",
                    "Let rollout_nats_auth publish to $JS.API.STREAM.LIST: a stream over them would answer in the agents' stead.")
        ]  # fmt: skip
    subjects: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for each in probe.get("streams") or []:
        if not each["no_ack"]:
            subjects.setdefault((each["stream"], tuple(each["captures"])), []).append(each["subject"])
    return [
        Finding(host, f"JetStream stream {stream} ({', '.join(captures)})", f"captures requests on {', '.join(asked[:3])}"
                + (f" and {len(asked) - 3} more" if len(asked) > 3 else ""), "no stream, or one with no_ack",
                f"It would answer in the agents' stead. Take these subjects out of it, or: nats stream edit {stream} --no-ack.")
        for (stream, captures), asked in subjects.items()
    ]  # fmt: skip


# Metrics that are read from headers of messages.
_OF_HEADERS = ("dual_publish_success", "publish_time", "conversation_ids")


def need_all_of_nats(plan: Plan) -> list[str]:
    """What of the plan can't be had from a server that lacks something, such as headers: the probe, and metrics that decide."""
    own = [criterion for each in plan.checkpoint_list() for criterion in each.criteria]
    deciding = [*plan.rollback.when, *plan.criteria.primary, *plan.verify.criteria, *own]
    metrics = dict.fromkeys(criterion.metric for criterion in deciding if criterion.metric in _OF_HEADERS)
    return [*(["the probe"] if plan.probe else []), *metrics]


def _lacks(host: str, probe: Mapping[str, Any], needed: Sequence[str]) -> list[Finding]:
    """What the server has not. `needed`: metrics of the plan that nothing could be read for then; without any it is only told."""
    what = "; ".join(str(lack) for lack in probe.get("lacks") or [])
    if not what:
        return []
    expected = f"what {', '.join(needed)} need" if needed else "all that could be measured"
    hint = "Let the server have it, or leave them out of the plan." if needed else "Nothing in the plan needs it."
    return [Finding(host, "NATS server", f"has no {what}", expected, hint, stops=bool(needed))]


def check_nats(
    hosts: list[str],
    answers: Mapping[str, Any],
    urls: Mapping[str, str],
    needed: Sequence[str] = (),
    asked: Asked | None = None,
    reach: Mapping[str, Any] | None = None,
) -> tuple[list[Finding], list[Group]]:
    """(problems, groups of servers that are measured together) from one connection to each host's NATS and who heard whom.

    `answers`: host -> registered `nats_probe` result; `reach`: registered `nats_reach` results, of the hosts that stand for a
    machine that measures; `asked`: what was tried there.
    """
    findings: list[Finding] = []
    probes: dict[str, Any] = {}
    for host in hosts:
        result = answers.get(host)
        probe = (result or {}).get("probe") or {}
        reason, message = (
            reasons.of_task_result(result) if not probe else (probe.get("reason"), probe.get("message") or "")
        )
        if reason:
            findings.append(
                Finding(host, f"NATS at {urls.get(host, '(no rollout_nats_url)')}", f"{reason} ({str(message)[:300]})", "a connection",
                        "Check rollout_nats_url, rollout_nats_auth and the server.")
            )  # fmt: skip
            continue
        findings += _streams(host, probe)
        findings += _lacks(host, probe, needed)
        probes[host] = probe
    more, groups = _connected(list(probes), probes, asked or Asked(None), reach or {})
    return findings + more, groups


def not_listening(waited: Mapping[str, Any]) -> list[Finding]:
    """Machines whose listeners were not there before others asked: their servers would seem to hear nobody.

    `waited`: host that stands for its machine -> registered `nats_reach` result with `answers: false`. A server that can't be
    reached is told by the try itself, and so is a subject that is not allowed: only one that hears nothing at all counts.
    """
    findings = []
    for at, result in waited.items():
        if result.get("skipped"):
            continue
        if "reach" not in result:
            reason, message = reasons.of_task_result(result)
            quiet = [f"{reason or reasons.TOOL_ERROR} ({message[:300]})"]
        else:
            servers = (result["reach"] or {}).get("servers") or {}
            quiet = [
                f"no listener on the server of {host}"
                for host, row in servers.items()
                if not row.get("reason") and not any(host in names for names in row["answered"].values())
            ]
        if quiet:
            findings.append(
                Finding(at, _REACH, "; ".join(quiet), "a listener on each server before anybody asks",
                        "Look at the machine that rollout_measure_from names, and run preflight again.")
            )  # fmt: skip
    return findings


def _connected(
    hosts: list[str], probes: Mapping[str, Any], asked: Asked, reach: Mapping[str, Any]
) -> tuple[list[Finding], list[Group]]:
    rows: dict[str, Any] = {}
    findings: list[Finding] = []
    for at, result in reach.items():
        if result.get("skipped"):
            continue
        if "reach" not in result:
            reason, message = reasons.of_task_result(result)
            seen = f"{reason or reasons.TOOL_ERROR} ({message[:300]})"
            findings.append(Finding(at, _REACH, seen, "an answer of each", "Mend it and run preflight again."))
        rows.update((result.get("reach") or {}).get("servers") or {})
    if findings:
        return findings, groups_by_cluster(hosts, probes)
    for host in hosts:
        if rows.get(host, {}).get("reason"):
            seen = f"{rows[host]['reason']} ({str(rows[host].get('message'))[:300]})"
            findings.append(Finding(host, _REACH, seen, "an answer of each", "Mend it and run preflight again."))
    tried = asked.request or next(iter(asked.published), None)
    refused = [host for host in hosts if tried and tried in (rows.get(host, {}).get("refused") or {})]
    if refused:
        words = str(rows[refused[0]]["refused"][tried])[:300]
        findings.append(
            Finding(refused[0], _REACH, f"not allowed to try it ({words})", f"publish and subscribe on {tried}",
                    "The names of clusters are believed instead; the baseline holds when they are wrong.", stops=False)
        )  # fmt: skip
    untold = [host for host in hosts if host not in rows] if tried and rows else []
    if untold:
        findings.append(
            Finding(untold[0], _REACH, f"not tried on the servers of {', '.join(untold)}", "an answer of each",
                    "The names of clusters are believed instead; the baseline holds when they are wrong.", stops=False)
        )  # fmt: skip
    if findings or not tried or not rows:
        return findings, groups_by_cluster(hosts, probes)
    found, untried = ears(hosts, {host: rows[host] for host in hosts}, asked)
    findings += [_deaf(ear, tried) for ear in found if ear.host not in ear.answering & ear.heard]
    findings += [
        Finding(ear.host, _REACH, f"answers of {', '.join(sorted(ear.answering))}, and {rows[ear.host]['at_once'][tried]} of them at once",
                "all of them at once", "Something lets one answer through, such as an import of a service with a single response: "
                "other instances would go unheard. Measure where they can be heard, or let it be a stream of responses.")
        for ear in found
        if rows[ear.host]["at_once"].get(tried, 0) < len(ear.answering)
    ]  # fmt: skip
    findings += [
        Finding(each.partition(":")[0], "who hears its publications", f"not tried ({each.partition(': ')[2][:300]})", "a message on them",
                "Let rollout_nats_auth publish there, or be sure that each server's messages come to the others.", stops=False)
        for each in untried
    ]  # fmt: skip
    return findings, groups_of(found, rows)


def _deaf(ear: Ear, tried: str) -> Finding:
    return Finding(
        ear.host,
        _REACH,
        "nothing of a listener of our own on the same server",
        f"what is asked and published there, such as on {tried}, and an answer",
        "Look at the permissions and the account of rollout_nats_auth: what is not heard can't be measured.",
    )
