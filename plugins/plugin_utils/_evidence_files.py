# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes evidence to disk: each file atomically, a folder per gate, nothing ever overwritten. The layout is in docs/evidence.md."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._private_folder import private_folder


def write_text(path: Path, text: str) -> str:
    """Write a file so that it is there whole or not at all, mode 0640; returns its SHA-256."""
    private_folder(path.parent)
    data = text.encode("utf-8", "backslashreplace")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(name, 0o640)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return hashlib.sha256(data).hexdigest()


def write_json(path: Path, data: Any) -> str:
    """JSON for people and machines: sorted where order says nothing, two spaces, a newline at the end."""
    return write_text(path, json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")


def read_json(path: Path) -> Any:
    """The content of an evidence file; None when there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def file_sha256(path: Path) -> str | None:
    """The SHA-256 (hex) of a file; None when there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def fresh_folder(folder: Path) -> Path:
    """The folder for new evidence. An earlier one (a look that held, or was cut off) is kept as `<name>.earlier-<n>`."""
    if folder.exists():
        number = 1
        while folder.with_name(f"{folder.name}.earlier-{number}").exists():
            number += 1
        folder.rename(folder.with_name(f"{folder.name}.earlier-{number}"))
    return private_folder(folder)


def write_gate(
    folder: Path,
    evidence: dict[str, Any],
    verdicts: list[dict[str, Any]],
    decision: dict[str, Any],
    accounting: dict[str, Any],
) -> dict[str, str]:
    """The files every gate has; returns file name -> SHA-256."""
    written = {"evidence.json": write_json(folder / "evidence.json", evidence)}
    head = {
        key: evidence[key]
        for key in ("schema", "rollout", "attempt", "gate", "at", "skips_waits", "rehearsal", "window_s", "by")
    }
    written["summary.json"] = write_json(
        folder / "summary.json",
        {
            **head,
            "schema": "cowboyai.rollout/summary/1",
            "decision": decision,
            "accounting": accounting,
            "criteria": verdicts,
            "not_measured": [
                {"criterion": v["name"], "reasons": v["reasons"]}
                for v in verdicts
                if v["verdict"] in ("inconclusive", "error")
            ],
        },
    )
    written["agent_status.json"] = write_json(
        folder / "agent_status.json",
        {"schema": "cowboyai.rollout/agent_status/1", "at": evidence["at"], "instances": _status(evidence)},
    )
    written["errors.log"] = write_text(folder / "errors.log", errors_text(evidence))
    written["system_metrics.json"] = write_json(
        folder / "system_metrics.json",
        {"schema": "cowboyai.rollout/system_metrics/1", "at": evidence["at"], "hosts": evidence["hosts"]},
    )
    if evidence["nats"]:
        written["nats_sampling.json"] = write_json(
            folder / "nats_sampling.json",
            {"schema": "cowboyai.rollout/nats_sampling/1", "at": evidence["at"], "groups": evidence["nats"]},
        )
        written["nats_sampling.txt"] = write_text(folder / "nats_sampling.txt", nats_text(evidence))
    return written


def _status(evidence: dict[str, Any]) -> dict[str, Any]:
    left_out = ("kinds", "events")
    return {
        name: {key: value for key, value in item.items() if key not in left_out}
        for name, item in evidence["instances"].items()
    }


def errors_text(evidence: dict[str, Any]) -> str:
    """Kinds of error and warning lines per instance, most frequent first; says so where there are none or nothing was seen."""
    lines = [f"# errors and warnings since each instance's change, as of {evidence['at']}"]
    for name, item in evidence["instances"].items():
        if item.get("errors") is None:
            lines.append(f"{name}: not seen ({item.get('reason') or 'no look so far'})")
            continue
        kinds = [kind for kind in item.get("kinds", []) if kind["level"] in ("ERROR", "PANIC", "WARN")]
        lines.append(f"{name}: {item['errors']} errors, {item['warnings']} warnings ({item['role']})")
        for kind in kinds:
            how = "recurring" if kind["recurring"] else "one-off"
            lines.append(
                f"  {kind['count']:>6} x {kind['level']:<5} {how}, {kind['first_at']} .. {kind['last_at']}: "
                + " ".join(str(kind["example"]).splitlines())
            )
    return "\n".join(lines) + "\n"


def nats_text(evidence: dict[str, Any]) -> str:
    """The samples and probes for people."""
    lines = [f"# NATS as of {evidence['at']}"]
    for group in evidence["nats"]:
        lines += [
            "",
            f"group {group['name']} ({', '.join(group['hosts'])}), measured at {group.get('measured_at') or '-'}",
        ]
        if group.get("reason"):
            lines.append(f"  not measured: {group['reason']}: {group.get('message')}")
            continue
        sample, probe = group.get("sample"), group.get("probe")
        for what, measured in (("sample", sample), ("probe", probe)):
            if not measured or (measured.get("reason") and not measured.get("started_at")):
                told = f"{measured['reason']}: {measured.get('message')}" if measured else "not measured"
                lines.append(f"  {what}: {told}")
        if sample and sample.get("window_s") is not None:
            proof = "nothing lost" if sample["lossless"] else f"NOT lossless: {sample['reason']}: {sample['message']}"
            lines.append(f"  sampled {sample['window_s']:.1f} s: {sample['total']} messages, {proof}")
            for name, counted in sample["groups"].items():
                part = "    -" if counted["pct"] is None else f"{counted['pct']:>5.1f}"
                lines.append(
                    f"    {name:<10} {counted['messages']:>8} messages  {counted['rate_per_s']:>9.1f}/s  {part} %"
                    f"  {counted['unique_subjects']} subjects"
                )
            for agent, pair in ((sample.get("dual") or {}).get("agents") or {}).items():
                share = "-" if pair.get("success_pct") is None else f"{pair['success_pct']:.2f} %"
                lines.append(f"    {agent}: {pair['matched']} of {pair['legacy']} responses on both trees ({share})")
        for agent, answers in ((probe or {}).get("agents") or {}).items():
            p50, p99 = answers.get("p50_ms"), answers.get("p99_ms")
            latency = "no latency" if p50 is None else f"p50 {p50:.2f} ms, p99 {p99:.2f} ms"
            lines.append(f"    probe {agent}: {answers['delivered']} of {answers['expected']} answers, {latency}")
    return "\n".join(lines) + "\n"
