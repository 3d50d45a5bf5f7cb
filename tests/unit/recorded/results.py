# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the collection makes of a recorded rollout, as texts: gates judged again, reports, metrics, status, state."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _report, _series
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._exposition import exposition
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._newest_summary import newest_summary
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan, plan_from_dict
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._rejudge import lines, rejudge
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._situation import block_lines, rollout_line, situation

#: When somebody asks for the status, after the last record.
LATER = timedelta(minutes=1)
#: Pictures are drawn by matplotlib, whose versions draw differently; style and script are files of the report's role.
DRAWN = re.compile(r"<(svg|style|script)\b.*?</\1>|data:image/[^\"']*", re.DOTALL)


def results_of(monitoring: Path, rollout: str) -> dict[str, str]:
    """Name -> text. Writes the reports into the monitoring folder, as the collection does."""
    context = Context({"rollout": rollout, "rollout_monitoring_dir": str(monitoring)}, needs_plan=False, run="again")
    records, state = context.records, context.state
    summary = newest_summary(monitoring, records)
    seen = situation(state, records, records[-1].moment + LATER, summary=summary)
    found = {
        "state.json": _json({**dataclasses.asdict(state), "outcome": state.outcome, "pace": state.pace}),
        "status.txt": "\n".join([*block_lines(seen), rollout_line(seen)]) + "\n",
        "metrics.prom": exposition(state, records, summary),
    }
    plans: dict[int, Plan] = {}
    for record in records:
        if record.kind == "rollout.started":
            plans[record.attempt] = plan_from_dict(record.data["plan"], path="the recorded plan")
        elif record.kind == "gate.decided" and record.data.get("evidence"):
            found[f"gates/{record.seq:04d}-{record.data['name']}.txt"] = _gate(context, plans, record)
    for path in _report.write_reports(context):
        text = path.read_text(encoding="utf-8")
        found[f"reports/{path.name}"] = DRAWN.sub("", text) if path.suffix == ".html" else text
    return {name: text.replace(str(monitoring), "MONITORING") for name, text in found.items()}


def _gate(context: Context, plans: dict[int, Plan], record: Record) -> str:
    """A gate judged again, with every verdict of then; a gate whose files a later look of its name replaced says so."""
    folder = (context.monitoring / str(record.data["evidence"])).parent
    contents = {
        name: (folder / name).read_bytes() for name in ("evidence.json", "summary.json") if (folder / name).exists()
    }
    seen = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    if any(seen.get(name) != record.data["files"][name] for name in ("evidence.json", "summary.json")):
        return f"{record.data['decision']}: its files were replaced by those of a later look\n"
    evidence, summary = json.loads(contents["evidence.json"]), json.loads(contents["summary.json"])
    evidence["series"] = _series.load(folder, evidence["series"]) if evidence.get("series") else None
    again = rejudge(plans[record.attempt], evidence, summary, context.records, record)
    head = f"differs: {again.differs}; decision then {again.decision_then}, now {again.decision_now}"
    return "\n".join([head, *lines(again), _json(summary["criteria"])])


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} in what a rollout is made of")
