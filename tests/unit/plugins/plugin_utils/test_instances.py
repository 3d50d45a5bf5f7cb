# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules on the hosts are given."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible._internal._datatag._tags import Origin
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe_request import parse_probe
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_sample import parse_sample
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _instances
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import instance_id
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import Subject
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._rules import for_look
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._skips import Skip, Skips

from tests.unit.plugins.plugin_utils.recorded import HOSTS, PLANS, at

AGENTS = PLANS.parents[1] / "inventories" / "dgx" / "group_vars" / "dgx" / "agents.csv"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    of_host = {
        "rollout_agents_file": str(AGENTS),
        "rollout_agent_unit": "agent-runtime@{agent}.service",
        "rollout_agent_env_file": "/e/{agent}.env",
    }
    variables: dict[str, Any] = {
        "rollout": "wave2",
        "rollout_monitoring_dir": str(tmp_path / "monitoring"),
        "playbook_dir": str(PLANS.parent),
        "groups": {"all": HOSTS, "dgx": HOSTS},
        "ansible_play_hosts_all": HOSTS,
        "hostvars": dict.fromkeys(HOSTS, of_host),
    }
    return Context(variables)


def skipping(context: Context) -> Context:
    return Context({**context.variables, "rollout_skip_waits": True})


def saying(context: Context, log_lines: Any, plan_path: Path | None = None) -> Context:
    hostvars = {
        host: {**of_host, "rollout_agent_log_lines": log_lines}
        for host, of_host in context.variables["hostvars"].items()
    }
    return Context(
        {**context.variables, "hostvars": hostvars, **({"rollout_plan": str(plan_path)} if plan_path else {})}
    )


def test_lines_are_read_as_the_inventory_says(context: Context) -> None:
    agent = context.sure_plan.agents()[0]
    assert "log_lines" not in _instances.to_look_at(context, agent, HOSTS[0])
    known = saying(context, {"shape": "json", "keys": {"level": ["sev"]}})
    expected = {"shape": "json", "keys": {"level": ["sev"], "message": [], "target": []}}
    assert _instances.to_look_at(known, agent, HOSTS[0])["log_lines"] == expected
    known.record("rollout.started", {}, at(0), attempt=1)
    [changed] = _instances.to_change(known, known.sure_plan, [agent], HOSTS[0])
    backed_up = _instances.to_back_up(known, known.sure_plan, HOSTS[0])[0]
    assert changed["proof"]["log_lines"] == backed_up["proof"]["log_lines"] == expected
    subject = Subject(agent, HOSTS[0], "test", at(0), None)
    assert _instances.look_order(known, HOSTS[0], [subject], at(0))["instances"][0]["log_lines"] == expected


def test_a_column_of_the_agents_file_may_name_the_shape(context: Context, tmp_path: Path) -> None:
    lines = AGENTS.read_text("utf-8").splitlines()
    shapes = [f"{line},{'klog' if line.startswith('tdd-expert,') else ''}" for line in lines[1:]]
    agents = tmp_path / "agents.csv"
    agents.write_text("\n".join([lines[0] + ",log_shape", *shapes]) + "\n", "utf-8")
    known = saying(context, {"shape": "{log_shape}"})
    for of_host in known.variables["hostvars"].values():
        of_host["rollout_agents_file"] = str(agents)
    assert _instances.to_look_at(known, "tdd-expert", HOSTS[0])["log_lines"] == {"shape": "klog"}
    assert "log_lines" not in _instances.to_look_at(known, "network-expert", HOSTS[0])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"shape": "klgo"}, "rollout_agent_log_lines.shape: seen klgo, expected one of auto"),
        ({"pattern": "(?P<level>(a+)+)b"}, "rollout_agent_log_lines.pattern: seen (?P<level>(a+)+)b"),
        ({"shape": "{nowhere}"}, "rollout_agent_log_lines.shape of host dgx-1: unknown placeholder {nowhere}"),
        ("json", "rollout_agent_log_lines of host dgx-1: seen 'json', expected a mapping"),
    ],
)
def test_an_inventory_that_cant_work_is_refused_by_host_and_key(context: Context, given: Any, told: str) -> None:
    with pytest.raises(StepError, match="dgx-1") as caught:
        _instances.to_look_at(saying(context, given), "tdd-expert", HOSTS[0])
    assert told in str(caught.value)


def test_the_file_of_an_inventory_that_cant_work_is_named(context: Context) -> None:
    written = Origin(path="/inventory/group_vars/dgx/vars.yml", line_num=7).tag({"shape": "klgo"})
    with pytest.raises(StepError) as caught:
        _instances.to_look_at(saying(context, written), "tdd-expert", HOSTS[0])
    assert str(caught.value).startswith(
        "/inventory/group_vars/dgx/vars.yml:7: rollout_agent_log_lines.shape: seen klgo"
    )


def test_the_plan_wins_over_the_inventory_and_names_what_is_harmless(context: Context, tmp_path: Path) -> None:
    plan = tmp_path / "wave2.yml"
    harmless = "  harmless: [{name: art, line: banner, why: it is drawn at the start}]\n"
    plan.write_text((PLANS / "wave2.yml").read_text("utf-8") + "\nlog_lines:\n" + harmless, "utf-8")
    known = saying(context, {"shape": "json"}, plan)
    of_both = {"shape": "json", "harmless": [{"name": "art", "line": "banner", "at_most": 10}]}
    assert _instances.to_look_at(known, "tdd-expert", HOSTS[0])["log_lines"] == of_both
    plan.write_text(plan.read_text("utf-8") + "  shape: klog\n", "utf-8")
    known = saying(context, {"shape": "json"}, plan)
    assert _instances.to_look_at(known, "tdd-expert", HOSTS[0])["log_lines"]["shape"] == "klog"


def test_a_change_knows_what_was_backed_up(context: Context) -> None:
    context.record("rollout.started", {}, at(0), attempt=1)
    agents = context.sure_plan.agents()
    manifests = {HOSTS[0]: {"instances": {agents[0]: "a" * 64}}, HOSTS[1]: {"sha256": "b" * 64}}
    context.record("backup.done", {"directory": "/b", "hosts": manifests}, at(1))
    [spec] = _instances.to_change(context, context.sure_plan, agents[:1], HOSTS[0])
    assert spec["backup_sha256"] == "a" * 64
    for host in HOSTS[1:]:
        [spec] = _instances.to_change(context, context.sure_plan, agents[:1], host)
        assert "backup_sha256" not in spec


def test_a_look_searches_for_the_plans_signs(context: Context) -> None:
    order = _instances.look_order(context, HOSTS[0], [], at(0))
    assert order["signs"] == list(context.sure_plan.corruption_signs)
    assert order["signs"]


@pytest.mark.parametrize(
    ("seconds", "paces"),
    [
        (30.0, [(24.0, None, 10.0)]),  # a whole stagger
        (
            20.0,
            [(14.0, None, 10.0)],
        ),  # one whose tasks began late: a round is left, in which an agent that hangs is found
        (15.9, [(0.0, 1, None)]),  # shorter than the pace: each agent is asked once
        (6.0, [(0.0, 1, None)]),
        (5.9, []),
    ],
)
def test_a_wait_is_probed_as_long_as_a_request_can_be_answered_in_it(
    context: Context, seconds: float, paces: list[tuple[float, int | None, float | None]]
) -> None:
    plan = context.sure_plan
    assert plan.probe is not None and (plan.watch.probe_every, plan.probe.timeout) == (10.0, 5.0)
    order = _instances.low_rate_order(context, plan, plan.agents(), at(0), at(0) + timedelta(seconds=seconds), "low")
    probes = [each["probe"] for each in order.values()]
    assert [(each["over"], each.get("count"), each.get("every")) for each in probes] == paces
    for each in probes:
        parse_probe(each)


@pytest.mark.parametrize("skips", [False, True], ids=["waiting", "skipping"])
@pytest.mark.parametrize(
    ("sample", "probe_every", "patterns", "requests"),
    [(5.0, 10.0, True, 5), (5.0, 0.0, True, 5), (0.0, 10.0, False, 5), (0.0, 0.0, None, None)],
)
def test_a_look_probes_also_where_it_does_not_listen(
    context: Context, skips: bool, sample: float, probe_every: float, patterns: bool | None, requests: int | None
) -> None:
    asked = skipping(context) if skips else context
    plan = asked.sure_plan
    watch = plan.watch.model_copy(update={"sample": sample, "probe_every": probe_every, "requests": 5})
    plan = plan.model_copy(update={"watch": watch})
    orders = list(_instances.look_order_of_nats(asked, plan, plan.agents(), at(60), 0, "look").values())
    assert [(bool(each["patterns"]), each["probe"]["count"]) for each in orders] == (
        [] if patterns is None else [(patterns, requests)]
    )
    # What its rules ask is what it measures.
    metrics = {rule.metric for rule in for_look(plan)}
    needed = {need for metric in metrics for need in METRICS[metric].needs}
    assert ("probe" in needed, "sample" in needed and not patterns) == (bool(orders), False)


def only(orders: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The order of the one host that measures."""
    assert len(orders) == 1
    return next(iter(orders.values()))


@pytest.mark.parametrize("requests", [0, 3], ids=["of a gate", "of a look"])
@pytest.mark.parametrize("skips", [False, True], ids=["waiting", "skipping"])
def test_the_probe_of_a_window_fits_into_it(context: Context, skips: bool, requests: int) -> None:
    asked = skipping(context) if skips else context
    plan = asked.sure_plan
    assert plan.probe is not None
    window = _instances.light_window(asked, plan) if requests else plan.verify.window
    order = only(_instances.nats_order(asked, plan, plan.agents(), window, at(60), requests=requests))
    probe = order["probe"]
    if not skips:
        # Spread, and with all its time for the last answer.
        assert probe["over"] > 0
        assert probe["over"] + probe["timeout"] <= window
        assert probe["bucket"] == 60.0
        assert not {"from", "to", "stands_for", "ends_with_probe", "by_round"} & {*order, *probe}
    request = parse_sample(
        {"window": order["window_s"], "patterns": order["patterns"], "agents": order["agents"], "probe": probe,
         "ends_with_probe": order.get("ends_with_probe")},
        parse_server({"server": "nats://127.0.0.1:4222"}),
    )  # fmt: skip
    assert request.probe is not None
    assert request.probe.requests_each == (requests or plan.probe.count)
    assert (request.ends_with_probe, request.probe.by_round) == (skips, skips)


def test_where_waits_are_skipped_a_window_ends_with_its_probe_and_stands_for_all_of_it(context: Context) -> None:
    asked = skipping(context)
    plan = asked.sure_plan
    order = only(_instances.nats_order(asked, plan, plan.agents(), 300.0, at(60)))
    assert (order["from"], order["to"], order["stands_for"]) == (iso(at(60)), iso(at(360)), True)
    # As long as the plan says at most, and as fast as the agents answer.
    assert (order["window_s"], order["ends_with_probe"], order["probe"]["over"]) == (300.0, True, 0.0)
    # Nothing is changed yet, so nobody publishes twice, and no second half is waited for.
    assert order["awaited"] == []
    asked.state.phase("first").touched.append(instance_id(plan.agents()[0], asked.hosts[0]))
    assert only(_instances.nats_order(asked, plan, plan.agents(), 300.0, at(60)))["awaited"] == [plan.agents()[0]]
    # Without one it listens for a moment.
    unprobed = plan.model_copy(update={"probe": None})
    order = only(_instances.nats_order(asked, unprobed, plan.agents(), 300.0, at(60)))
    assert (order["window_s"], order["ends_with_probe"], order["probe"]) == (_instances.SKIPPED_WINDOW, False, None)
    assert (order["from"], order["to"]) == (iso(at(60)), iso(at(360)))


@pytest.mark.parametrize(
    ("seconds", "rounds"), [(5.9, None), (6.0, 1), (16.0, 1), (35.9, 2), (90.0, 8), (7200.0, 8)], ids=str
)  # fmt: skip
def test_a_few_rounds_stand_for_a_wait_that_is_skipped(context: Context, seconds: float, rounds: int | None) -> None:
    """As many as the wait would have had, up to some; one after the other."""
    asked = skipping(context)
    plan = asked.sure_plan
    until = at(0) + timedelta(seconds=seconds)
    orders = list(_instances.low_rate_order(asked, plan, plan.agents(), at(0), until, "low").values())
    assert [order["probe"]["count"] for order in orders] == ([rounds] if rounds else [])
    for order in orders:
        probe = order["probe"]
        assert (order["from"], order["to"], order["stands_for"], order["patterns"]) == (
            iso(at(0)),
            iso(until),
            True,
            {},
        )
        assert (probe["over"], probe["by_round"]) == (0.0, True)
        assert not {"every", "bucket"} & set(probe)
        assert parse_probe(probe).requests_each == rounds


def test_hosts_are_told_real_times(context: Context) -> None:
    asked = skipping(context)
    subject = Subject("network-expert", HOSTS[0], "test", at(7200), "f" * 32, "one")
    before = _instances.look_order(asked, HOSTS[0], [subject], at(7200))
    assert (before["since"], before["instances"][0]["since"], before["bucket"]) == (iso(at(7200)), iso(at(7200)), 0.25)
    asked.clock.skips = Skips((Skip(at(10), 7000.0),))
    order = _instances.look_order(asked, HOSTS[0], [subject], at(3600))
    # What was skipped at second 10 held the hour; what is later is as much earlier.
    assert (order["since"], order["instances"][0]["since"]) == (iso(at(10)), iso(at(200)))
    assert _instances.look_order(context, HOSTS[0], [], at(0))["bucket"] == 60.0
