# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of alerts: opened once, updated on news, told again after a while, closed by an answer; and the log of it."""

from __future__ import annotations

import re
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._alerts import (
    Change,
    alerts_log,
    changes,
    close_ended,
    history,
    record_alerts,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._alerts._changes import answered as answered_by
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._alerts._log import bring_up_to_date, line_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import FAIL, INCONCLUSIVE, PASS, Verdict
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import OpenAlert, fold
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.recorded import ALL_INSTANCES, HOSTS, PLANS, Story, at

ONE, TWO = ALL_INSTANCES[:2]
HALF_HOUR = 1800.0


def verdict(
    value: float | None = 4.0, limit: str = "above 1%", severity: str | None = "critical", **more: Any
) -> Verdict:
    """An alert rule about the error rate: fails where it has a value above its limit."""
    threshold = float(limit.removeprefix("above ").removesuffix("%"))
    outcome = INCONCLUSIVE if value is None else FAIL if value > threshold else PASS
    made = Verdict("error_rate", "error_rate", "alert", outcome, limit, "percent", value, severity=severity)
    made.tripped = [ONE] if outcome == FAIL else []
    for key, given_ in more.items():
        setattr(made, key, given_)
    return made


def both(value: float | None, **more: Any) -> list[Verdict]:
    """The two rules of the monitoring plan: above 1 % critical, above 0.1 % warning."""
    return [verdict(value, **more), verdict(value, "above 0.1%", "warning", **more)]


class Watch:
    """Looks one after the other, each five minutes after the one before, folded as the ledger would."""

    def __init__(self, resend: float | None = HALF_HOUR) -> None:
        self.resend, self.now, self.story = resend, at(0.0), Story().started()

    def look(self, *verdicts: Verdict, after: float = 300.0) -> list[Change]:
        self.now += timedelta(seconds=after)
        made = changes(self.open, verdicts, self.now, self.resend, answered_by(verdicts))
        for change in made:
            self.story.records.append(
                Record(
                    len(self.story.records) + 1, self.now.isoformat(), "wave2", 1, "r", "me", change.kind, change.data
                )
            )
        return made

    @property
    def open(self) -> dict[str, OpenAlert]:
        return fold("wave2", self.story.records).alerts

    def kinds(self, *verdicts: Verdict, after: float = 300.0) -> list[str]:
        return [change.kind.removeprefix("alert.") for change in self.look(*verdicts, after=after)]


def test_an_alert_opens_once_and_closes_when_its_rule_no_longer_holds() -> None:
    watch = Watch()
    opened = watch.look(*both(4.0))
    assert [(c.kind, c.data["id"], c.data["severity"], c.data["instances"]) for c in opened] == [
        ("alert.opened", "error_rate", "critical", [ONE])
    ]
    assert "error_rate 4%" in opened[0].data["text"]
    assert watch.kinds(*both(4.1)) == []
    assert watch.kinds(*both(0.0)) == ["closed"]
    assert watch.open == {}
    assert watch.kinds(*both(0.0)) == []


def test_of_two_rules_of_one_metric_the_more_severe_stands_for_both() -> None:
    watch = Watch()
    assert watch.kinds(*both(0.5)) == ["opened"]
    assert watch.open["error_rate"].severity == "warning"
    raised = watch.look(*both(2.0))
    assert [(c.kind, c.data["severity"], c.data["was"]) for c in raised] == [("alert.updated", "critical", "warning")]
    assert "severity" in raised[0].data["changed"]
    lowered = watch.look(*both(0.6))
    assert [(c.kind, c.data["severity"], c.data["was"]) for c in lowered] == [("alert.updated", "warning", "critical")]
    assert watch.kinds(*both(0.01)) == ["closed"]


def test_a_look_that_could_not_answer_neither_closes_nor_updates() -> None:
    watch = Watch()
    watch.look(*both(4.0))
    before = watch.open
    assert watch.kinds(*both(None)) == []
    assert watch.kinds() == []
    assert watch.open == before
    # Only the lesser rule could be asked: what the other one saw is not over.
    assert watch.kinds(verdict(0.5, "above 0.1%", "warning")) == []
    assert watch.kinds(verdict(0.0, "above 0.1%", "warning")) == []
    assert watch.kinds(*both(0.0)) == ["closed"]


def test_other_instances_are_news_and_their_order_is_not() -> None:
    watch = Watch()
    watch.look(*both(4.0, tripped=[ONE, TWO]))
    assert watch.kinds(*both(4.0, tripped=[TWO, ONE])) == []
    changed = watch.look(*both(4.0, tripped=[TWO]))
    assert [(c.kind, c.data["changed"]) for c in changed] == [("alert.updated", ["instances"])]


@pytest.mark.parametrize(("value", "told"), [(4.0, []), (6.0, []), (8.0, ["updated"]), (2.1, []), (2.0, ["updated"])])
def test_a_value_is_news_when_it_is_twice_or_half_as_bad(value: float, told: list[str]) -> None:
    watch = Watch()
    watch.look(*both(4.0))
    assert watch.kinds(*both(value)) == told


def test_what_an_uptime_lacks_is_what_counts() -> None:
    watch = Watch()
    low = {"name": "agent_uptime", "metric": "agent_uptime", "text": "below 99.9%"}
    watch.look(verdict(99.0, verdict=FAIL, **low))
    assert watch.kinds(verdict(98.5, verdict=FAIL, **low)) == []
    assert watch.kinds(verdict(97.9, verdict=FAIL, **low)) == ["updated"]


def test_an_open_alert_is_told_again_after_the_interval_since_it_was_told_last() -> None:
    watch = Watch()
    watch.look(*both(4.0))
    assert [watch.kinds(*both(4.0)) for _each in range(6)] == [[], [], [], [], [], ["resent"]]
    assert watch.kinds(*both(4.0)) == []
    assert watch.kinds(*both(9.0), after=HALF_HOUR) == ["updated"]
    assert watch.kinds(*both(9.0), after=HALF_HOUR - 1) == []
    again = watch.look(*both(9.0), after=1.0)
    assert [(c.kind, c.data["open_s"] > HALF_HOUR, "unseen" in c.data) for c in again] == [
        ("alert.resent", True, False)
    ]
    unseen = watch.look(*both(None), after=HALF_HOUR)
    assert [(c.kind, c.data["unseen"]) for c in unseen] == [("alert.resent", True)]


def test_an_alert_that_is_told_again_says_what_is_seen_now() -> None:
    watch = Watch()
    watch.look(*both(4.0))
    (again,) = watch.look(*both(5.0, tripped=[ONE]), after=HALF_HOUR)
    assert (again.kind, again.data["value"], again.data["instances"]) == ("alert.resent", 5.0, [ONE])
    assert "5%" in again.data["text"] and "4%" not in again.data["text"]
    assert watch.open["error_rate"].value == 5.0
    assert history(watch.story.records)[-1].value == 5.0
    assert "5%" in line_of(watch.story.records[-1])


def test_an_alert_whose_own_rule_gave_no_answer_is_not_told_with_a_milder_ones_value() -> None:
    watch = Watch()
    watch.look(*both(4.0))
    (again,) = watch.look(verdict(None), verdict(4.5, "above 0.1%", "warning"), after=HALF_HOUR)
    assert (again.kind, again.data["value"], again.data["unseen"]) == ("alert.resent", 4.0, True)


def test_a_value_that_is_no_answer_closes_no_alert() -> None:
    watch = Watch()
    watch.look(*both(4.0))
    few = {"verdict": INCONCLUSIVE, "reasons": {"too_few_samples": "9 samples"}, "tripped": []}
    assert watch.kinds(*both(0.01, **few)) == []
    assert watch.kinds(*both(0.01)) == ["closed"]


@pytest.mark.parametrize("never", [None, 0.0])
def test_never_told_again_where_the_plan_says_so(never: float | None) -> None:
    watch = Watch(never)
    watch.look(*both(4.0))
    assert watch.kinds(*both(4.0), after=1e6) == []


def test_a_trigger_is_a_critical_alert_and_one_with_the_alert_of_its_metric() -> None:
    watch = Watch()
    trigger = verdict(4.0, kind="trigger", name="too_many", severity=None)
    made = watch.look(verdict(4.0), trigger)
    assert [(c.data["name"], c.data["severity"]) for c in made] == [("too_many", "critical")]
    # A gate of a phase asks triggers only. It asks the same, so its answer closes the alert.
    assert watch.kinds(verdict(0.0, kind="trigger", name="too_many", severity=None)) == ["closed"]


def test_a_trigger_that_its_plan_pulls_for_missing_data_is_an_alert() -> None:
    watch = Watch()
    missing = verdict(None, kind="trigger", severity=None, leads_to=FAIL, reasons={"agent_silent": "no answer"})
    made = watch.look(missing)
    assert [(c.kind, c.data["value"]) for c in made] == [("alert.opened", None)]
    assert "agent_silent" in made[0].data["text"]


def test_criteria_are_no_alerts() -> None:
    failed = [verdict(4.0, kind=kind) for kind in ("primary", "secondary")]
    assert Watch().look(*failed) == []


def test_another_rule_that_holds_an_alert_open_takes_it_over() -> None:
    watch = Watch()
    whole = verdict(4.0)
    tick = verdict(4.0, over="tick")
    watch.look(whole, verdict(0.0, over="tick"))
    taken = watch.look(verdict(0.0), tick)
    assert [(c.kind, c.data["changed"]) for c in taken] == [("alert.updated", ["rule"])]
    assert watch.kinds(verdict(0.0)) == []
    assert watch.kinds(verdict(0.0), verdict(0.0, over="tick")) == ["closed"]


values = st.one_of(st.none(), st.floats(0.0, 100.0))


@given(st.lists(st.tuples(values, st.sets(st.sampled_from(ALL_INSTANCES), min_size=1)), max_size=40))
def test_whatever_is_seen_the_ledger_tells_one_life_after_the_other(seen: list[tuple[float | None, set[str]]]) -> None:
    watch = Watch()
    open_ = False
    for value, instances in seen:
        kinds = watch.kinds(*both(value, tripped=sorted(instances)))
        assert len(kinds) <= 1
        assert not open_ or "opened" not in kinds
        assert open_ or not set(kinds) & {"updated", "closed", "resent"}
        open_ = bool(watch.open)
        if value is not None:
            assert open_ is (value > 0.1)
            if open_:
                alert = watch.open["error_rate"]
                assert alert.severity == ("critical" if value > 1.0 else "warning")
                assert set(alert.instances) == instances
    told = history(watch.story.records)
    assert sum(alert.closed_at is None for alert in told) == int(open_)


# The log


def record(seq: int, kind: str = "alert.opened", **more: Any) -> Record:
    data = {
        "id": "e",
        "name": "error_rate",
        "severity": "critical",
        "text": "error_rate 4%",
        "instances": [ONE],
        "action": "Page",
    }
    return Record(seq, "2026-01-23T23:12:10.5+00:00", "wave2", 1, "r", "me", kind, {**data, **more})


def test_a_line_says_when_what_how_bad_where_and_what_to_do() -> None:
    assert line_of(record(1)) == (
        f"2026-01-23 23:12:10Z OPENED  critical error_rate: error_rate 4% | instances: {ONE} | action: Page"
    )


def test_what_agents_log_makes_no_lines_and_no_control_characters() -> None:
    line = line_of(record(1, text="a\n2026 CLOSED\r\x1b[31mred\u2028b\x00", action="x\ny"))
    assert re.search(r"[\x00-\x1f\u2028]", line) is None


def test_the_log_is_brought_up_to_date_and_written_again_when_it_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "alerts" / "wave2.log"
    assert bring_up_to_date(path, []) == 0
    assert not path.exists()
    records = [record(1), Record(2, at(1).isoformat(), "wave2", 1, "r", "me", "look.taken"), record(3, "alert.closed")]
    assert bring_up_to_date(path, records[:1]) == 1
    assert bring_up_to_date(path, records) == 1
    assert bring_up_to_date(path, records) == 0
    whole = path.read_text()
    assert [line.split()[2] for line in whole.splitlines()] == ["OPENED", "CLOSED"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.unlink()
    assert bring_up_to_date(path, records) == 2
    assert path.read_text() == whole
    path.write_text(whole[:-5])
    bring_up_to_date(path, records)
    assert path.read_text() == whole


# With a ledger


def context(tmp_path: Path, **more: Any) -> Context:
    agents = PLANS.parents[1] / "inventories" / "dgx" / "group_vars" / "dgx" / "agents.csv"
    variables: dict[str, Any] = {
        "rollout": "wave2", "rollout_monitoring_dir": str(tmp_path), "groups": {"dgx": HOSTS}, "ansible_play_hosts_all": HOSTS,
        "hostvars": {host: {"rollout_agents_file": str(agents)} for host in HOSTS}, **more,
    }  # fmt: skip
    made = Context(variables)
    assert made.state.attempt == 0
    return made


def test_ledger_state_and_log_tell_the_same(tmp_path: Path) -> None:
    made = context(tmp_path)
    made.record("rollout.started", {"rehearsal": False}, at(0), attempt=1)
    record_alerts(made, both(4.0), at(300))
    assert [alert.action for alert in made.state.alerts.values()] == [
        "Page the operator, consider a rollback; the change is rolled back"
    ]
    record_alerts(made, both(4.0), at(600))
    record_alerts(made, both(4.0), at(300 + HALF_HOUR))
    record_alerts(made, both(0.0), at(4000))
    assert [r.kind for r in made.records[1:]] == ["alert.opened", "alert.resent", "alert.closed"]
    assert [line.split()[2] for line in alerts_log(made).read_text().splitlines()] == ["OPENED", "RESENT", "CLOSED"]


def test_where_waits_are_skipped_the_interval_is_of_the_plans_time(tmp_path: Path) -> None:
    made = context(tmp_path, rollout_skip_waits=True)
    made.record("rollout.started", {"skips_waits": True, "rehearsal": True}, at(0), attempt=1)
    for second in (0, 60, HALF_HOUR - 1, HALF_HOUR, HALF_HOUR + 60, 3 * HALF_HOUR):
        record_alerts(made, both(4.0), at(second))
    assert [r.kind for r in made.records[1:]] == ["alert.opened", "alert.resent", "alert.resent"]


def test_what_is_open_is_closed_when_the_rollout_is_over(tmp_path: Path) -> None:
    made = context(tmp_path)
    made.record("rollout.started", {"rehearsal": False}, at(0), attempt=1)
    record_alerts(made, both(4.0), at(300))
    assert close_ended(made, at(400)) == []
    made.record("decision.made", {"decision": "go", "why": "all well"}, at(500))
    assert [change.kind for change in close_ended(made, at(501))] == ["alert.closed"]
    assert made.state.alerts == {}
    assert "the rollout is over: GO" in alerts_log(made).read_text()


def test_a_new_attempt_begins_without_alerts() -> None:
    story = Story().started()
    story.add("alert.opened", **{**record(1).data, "metric": "error_rate"})
    assert list(story.state().alerts) == ["e"]
    story.attempt = 2
    assert story.started().state().alerts == {}


def test_times_are_moments() -> None:
    story = Story().started().add("alert.opened", **{**record(1).data, "metric": "error_rate"})
    alert = story.state().alerts["e"]
    assert isinstance(alert.opened_at, datetime)
    assert alert.opened_at == alert.told_at
