# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what happens to alerts into the ledger, then into the alerts log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.utils.display import Display
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._alerts import _changes
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._alerts._changes import Change
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._alerts._log import bring_up_to_date
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import Verdict

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

# Plans without a `notify` section have alerts too.
RESEND_AFTER_S = 1800.0


def alerts_log(context: Context) -> Path:
    """Where the lines go."""
    return context.monitoring / "alerts" / f"{context.rollout}.log"


def record_alerts(context: Context, verdicts: Iterable[Verdict], now: datetime) -> list[Change]:
    """Record what a look or a gate says about alerts; returns the changes.

    `verdicts`: all of the look's, also those that pass: they say what could be answered. Raises LedgerError.
    """
    verdicts = list(verdicts)
    plan = context.sure_plan
    made = _changes.changes(
        context.state.alerts,
        verdicts,
        now,
        resend_after(plan) or None,
        _changes.answered(verdicts),
        actions_of(plan),
    )
    _write(context, made, now)
    return made


def close_ended(context: Context, now: datetime) -> list[Change]:
    """Close what is open once the rollout is over: nobody looks any more, so nobody would ever close it."""
    if not context.state.finished or not context.state.alerts:
        return []
    made = _changes.ended(context.state.alerts, now, f"the rollout is over: {context.state.outcome}")
    _write(context, made, now)
    return made


def resend_after(plan: Plan) -> float:
    """After how many seconds of plan time an open alert is told again; 0 for never."""
    notify = getattr(plan, "notify", None)
    return RESEND_AFTER_S if notify is None else float(notify.resend)


def actions_of(plan: Plan) -> dict[tuple[str, str], str]:
    """(condition, severity) -> what the plan says shall be done; of triggers, what the rollout itself does."""
    acts = "the change is rolled back" if "trigger" in plan.rollback.on else "the rollout stops"
    found = {}
    for trigger in plan.rollback.when:
        often = f" once seen {trigger.consecutive} times in a row" if trigger.consecutive > 1 else ""
        found[(f"{trigger.text} over {trigger.over}", _changes.CRITICAL)] = f"{acts}{often}"
    for alert in plan.alerts:
        key = (f"{alert.text} over {alert.over}", alert.severity)
        if alert.action:
            found[key] = f"{alert.action}; {found[key]}" if key in found else alert.action
    return found


def _write(context: Context, made: list[Change], now: datetime) -> None:
    for change in made:
        context.record(change.kind, change.data, now)
    try:
        bring_up_to_date(alerts_log(context), context.records)
    except OSError as error:
        # The ledger has them; the log is written again as soon as that works.
        Display().warning(f"could not write the alerts log {alerts_log(context)}: {error.strerror or error}")
