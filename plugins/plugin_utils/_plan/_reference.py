# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of plans says about keys and metrics, written from the model itself.

    PYTHONPATH=collections python -m ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._reference docs

writes docs/plan.schema.json and the tables of docs/plan.md.
"""

from __future__ import annotations

import json
import re
import sys
import typing
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._calendar import FreezeSpan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._criterion import Alert, Criterion, Reason, Trigger
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._fields import Section
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._log_lines import Harmless, LogKeys, LogLines
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._model import Plan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._notify import Notify, NotifyEvents
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._pydantic import TypeAdapter
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._schema import plan_json_schema
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._sections import (
    Approval,
    Baseline,
    Change,
    Checkpoints,
    Control,
    Criteria,
    Drift,
    Judgement,
    LookAgain,
    Needs,
    Phase,
    Preflight,
    Probe,
    Proof,
    Rollback,
    Sample,
    StoreNeeds,
    UndoProof,
    Verify,
    Watch,
)

_SECTIONS: dict[str, type[Section]] = {
    "needs": Needs,
    "change": Change,
    "change.proof": Proof,
    "change.undo_proof": UndoProof,
    "drift": Drift,
    "preflight": Preflight,
    "baseline": Baseline,
    "phases[]": Phase,
    "verify": Verify,
    "control": Control,
    "watch": Watch,
    "sample": Sample,
    "probe": Probe,
    "checkpoints": Checkpoints,
    "checkpoints.look_again": LookAgain,
    "approvals[]": Approval,
    "freeze[]": FreezeSpan,
    "log_lines": LogLines,
    "log_lines.keys": LogKeys,
    "log_lines.harmless[]": Harmless,
    "judge": Judgement,
    "criteria": Criteria,
    "rollback": Rollback,
    "notify": Notify,
    "notify.events": NotifyEvents,
    "store": StoreNeeds,
}


def key_tables() -> str:
    """A table of keys for the plan and for each section, in Markdown."""
    parts = [f"### The plan\n\n{_table(Plan)}"]
    parts += [f"### `{name}`\n\n{section.__doc__}\n\n{_table(section)}" for name, section in _SECTIONS.items()]
    return "\n\n".join(parts)


def criterion_tables() -> str:
    """The keys of a criterion, and those that triggers and alerts have besides."""
    common = set(Criterion.model_fields)
    parts = [_table(Criterion)]
    for word, kind in (("trigger (`rollback.when`)", Trigger), ("alert (`alerts`)", Alert)):
        parts.append(f"A {word} has besides:".replace("A alert", "An alert") + f"\n\n{_table(kind, without=common)}")
    return "\n\n".join(parts)


def metric_table() -> str:
    """One row per metric."""
    rows = [
        "| metric | unit | over | against | needs | min_samples | meaning | taken from |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for metric in METRICS.values():
        against = f"always {metric.against[0]}" if metric.comparison else ", ".join(metric.against) or "-"
        needs = ", ".join(metric.needs) or "-"
        unit = metric.unit
        rows.append(
            f"| `{metric.name}` | {unit} | {metric.over} | {against} | {needs} | {metric.min_samples} "
            f"| {metric.meaning} | {_cell(metric.source)} |"
        )
    return "\n".join(rows)


def reason_list() -> str:
    """The typed reasons for missing data."""
    return ", ".join(f"`{reason}`" for reason in typing.get_args(Reason))


def _table(section: type[Section], without: set[str] | None = None) -> str:
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for name, field in section.model_fields.items():
        if name not in (without or set()):
            rows.append(f"| `{name}` | {_default(field)} | {_cell(field.description or '')} |")
    return "\n".join(rows)


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "-"
    if isinstance(value, Section):
        return "see below"
    annotation: Any = typing.Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    written = TypeAdapter(annotation).dump_python(value, mode="json")
    if isinstance(written, list) and written and isinstance(written[0], dict):
        return "`instances_proven equals 100%`"
    return f"`{written if isinstance(written, str) else json.dumps(written)}`".replace('"', "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


_TABLES = {"keys": key_tables, "criterion": criterion_tables, "metrics": metric_table, "reasons": reason_list}


def filled(page: str) -> str:
    """A Markdown page with what stands between `<!-- begin X -->` and `<!-- end X -->` replaced by table X."""

    def table(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"<!-- begin {name} -->\n{_TABLES[name]()}\n<!-- end {name} -->"

    return re.sub(r"<!-- begin (\w+) -->.*?<!-- end \1 -->", table, page, flags=re.DOTALL)


def schema_text() -> str:
    """The content of docs/plan.schema.json."""
    return json.dumps(plan_json_schema(), indent=2, ensure_ascii=False) + "\n"


def main(directory: str) -> None:
    """Write the schema and the tables into a documentation directory."""
    docs = Path(directory)
    (docs / "plan.schema.json").write_text(schema_text(), encoding="utf-8")
    page = docs / "plan.md"
    page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
