# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of the three waves, and the fleet they are for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import Catalogue
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan, load_plan

WAVES = ["wave1", "wave2", "wave3"]
HOURS = 3600.0


@pytest.fixture(params=WAVES)
def plan(request: pytest.FixtureRequest, root: Path, catalogue: Catalogue) -> Plan:
    return load_plan(str(root / f"playbooks/plans/{request.param}.yml"), catalogue, ["dgx-1", "dgx-2", "dgx-3"])


@pytest.fixture
def waves(root: Path, catalogue: Catalogue) -> dict[str, Plan]:
    return {name: load_plan(str(root / f"playbooks/plans/{name}.yml"), catalogue) for name in WAVES}


def test_the_id_is_the_name_of_the_file(plan: Plan) -> None:
    assert Path(plan.path).stem == plan.rollout


def test_agents_soaks_and_checkpoints(waves: dict[str, Plan]) -> None:
    assert waves["wave1"].agents() == ["nats-expert"]
    assert waves["wave1"].checkpoint_names() == ["T+1h", "T+3h", "T+6h"]
    assert waves["wave2"].agents() == ["network-expert", "tdd-expert"]
    assert waves["wave2"].checkpoint_names() == ["T+1h", "T+6h", "T+12h", "T+24h"]
    assert [phase.soak for phase in waves["wave2"].phases] == [2 * HOURS, None]
    assert waves["wave3"].agents() == ["graph-expert", "git-expert", "location-expert"]
    assert waves["wave3"].checkpoint_names() == ["T+6h", "T+12h", "T+18h", "T+24h"]
    assert [phase.soak for phase in waves["wave3"].phases] == [2 * HOURS] * 3


def test_each_agent_has_its_own_phase(plan: Plan) -> None:
    assert [(phase.name, phase.agents) for phase in plan.phases] == [(agent, [agent]) for agent in plan.agents()]


def test_what_each_wave_needs(waves: dict[str, Plan]) -> None:
    assert waves["wave1"].needs is None
    second, third = waves["wave2"].needs, waves["wave3"].needs
    assert second is not None and third is not None
    assert (second.rollout, second.decision) == ("wave1", "go")
    assert second.not_before is not None and second.not_before.text == "6h after deployed"
    assert second.not_after is not None and second.not_after.text == "24h after decided"
    assert (third.rollout, third.decision, third.test_data) == ("wave2", "go", 48 * HOURS)


def test_backups_have_a_directory_per_wave(plan: Plan) -> None:
    assert plan.backup == f"/opt/cim-dgx/configs/backups/sprint5_{plan.rollout}_pre"


def test_hosts_change_one_by_one_thirty_seconds_apart_and_are_verified_within_ten_minutes(plan: Plan) -> None:
    assert {(phase.serial, phase.stagger, phase.verify_within) for phase in plan.phases} == {(1, 30.0, 600.0)}


def test_one_setting_changes(plan: Plan) -> None:
    assert plan.change.env == {"ENABLE_UNIFIED_SUBJECTS": "true"}
    assert plan.drift.accept == ["NATS_URL", "STREAM_NAME"]
    assert plan.control.agents == ["nix-expert", "qa-expert"]


def test_primary_criteria(plan: Plan) -> None:
    assert {criterion.text for criterion in plan.criteria.primary} == {
        "agent_uptime above 99.9%",
        "error_rate below 0.1%",
        "message_delivery equals 100%",
        "latency_p50 below 100ms",
        "latency_p99 below 200ms",
        "dual_publish_success above 99%",
        "unified_traffic above 5%",
    }


def test_secondary_criteria(plan: Plan) -> None:
    assert {criterion.text for criterion in plan.criteria.secondary} == {
        "cpu_overhead below 5% against control",
        "memory_overhead below 10% against control",
        "publish_time below 10ms",
        "conversation_ids equals 100%",
        "system_load below 1",
        "nats_connections_lost equals 0",
    }


def test_the_first_hour_asks_for_no_errors_and_later_ones_for_no_drift(plan: Plan) -> None:
    asked = {
        checkpoint.name: [criterion.text for criterion in checkpoint.criteria] for checkpoint in plan.checkpoint_list()
    }
    drift = ["latency_p50 below 20% against previous", "latency_p99 below 20% against previous"]
    later = [name for name in plan.checkpoint_names()[1:] if name != "T+3h"]
    assert {name: asked[name] for name in later} == dict.fromkeys(later, drift)
    assert asked[plan.checkpoint_names()[0]] == (["errors equals 0"] if "T+1h" in asked else [])


def test_triggers(plan: Plan) -> None:
    assert {trigger.name: trigger.text for trigger in plan.rollback.when} == {
        "message_loss": "messages_lost above 0",
        "error_rate": "error_rate above 1%",
        "error_burst": "error_rate above 1%",
        "silent_agent": "silence at least 2m",
        "agent_crash": "unexpected_restarts above 0",
        "much_slower": "latency_p50 above 100% against baseline",
        "slower_than_baseline": "latency_shift above 20% against control",
        "nats_unstable": "nats_disconnected above 0",
        "system_unstable": "hosts_rebooted above 0",
        "memory_exhausted": "memory_of_limit above 90%",
        "memory_leak": "memory_lasts below 168h",
        "host_memory_exhausted": "host_memory above 95%",
        "disk_exhausted": "disk_used above 95%",
        "state_corrupted": "corruption_signs above 0",
        "error_peak": "error_peak above 0.5%",
    }
    assert plan.rollback.within == 600.0


def test_alerts_of_the_monitoring_plan(plan: Plan) -> None:
    alerts = {(alert.text, alert.severity) for alert in plan.alerts}
    assert alerts >= {
        ("error_rate above 1%", "critical"),
        ("error_rate above 0.1%", "warning"),
        ("latency_p99 above 200ms", "warning"),
        ("system_load above 2", "warning"),
        ("host_memory above 90%", "warning"),
        ("messages_lost above 0", "critical"),
        ("unexpected_restarts above 0", "critical"),
    }


def test_what_is_sampled_and_probed(plan: Plan) -> None:
    assert plan.sample is not None and plan.probe is not None
    assert (plan.sample.window, plan.watch.every) == (300.0, 300.0)
    assert plan.sample.legacy == ["cim-agent.>", "agent.to.>"]
    assert plan.sample.unified == ["cim.agent.>", "agent.*.*.*.command.>"]
    assert (plan.probe.count, plan.probe.timeout) == (100, 5.0)
    assert plan.probe.payload == {"task": "test", "context": "perf"}


def test_no_wave_changes_a_control_agent_or_an_agent_of_another_wave(waves: dict[str, Plan]) -> None:
    changed = [agent for plan in waves.values() for agent in plan.agents()]
    assert len(set(changed)) == len(changed)
    assert not set(changed) & {agent for plan in waves.values() for agent in plan.control.agents}


def test_the_inventory_has_three_hosts_and_no_lines_of_the_agents_file(root: Path) -> None:
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar
    from ansible.vars.manager import VariableManager

    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(root / "inventories/dgx")])
    assert sorted(host.name for host in inventory.get_hosts("all")) == ["dgx-1", "dgx-2", "dgx-3"]
    assert sorted(host.name for host in inventory.get_hosts("dgx")) == ["dgx-1", "dgx-2", "dgx-3"]
    host = inventory.get_host("dgx-2")
    variables = VariableManager(loader=loader, inventory=inventory).get_vars(host=host)
    filled: dict[str, Any] = Templar(loader=loader, variables=variables).template(
        {key: value for key, value in variables.items() if key.startswith(("rollout_", "ansible_host", "ansible_user"))}
    )
    assert (filled["ansible_host"], filled["ansible_user"]) == ("10.0.20.2", "cimadmin")
    assert filled["rollout_nats_url"] == "nats://10.0.20.2:4222"
    agents = Catalogue.read(filled["rollout_agents_file"])
    assert agents.expand(filled["rollout_agent_unit"], "tdd-expert", "dgx-2") == "agent-runtime@tdd-expert.service"
    assert (
        agents.expand(filled["rollout_agent_env_file"], "tdd-expert")
        == "/opt/cim-dgx/configs/agent-runtime-tdd-expert.env"
    )
    expected = {
        key: agents.expand(value, "tdd-expert", "dgx-2") for key, value in filled["rollout_agent_catalogue"].items()
    }
    assert expected["AGENT_ID"] == "01936faa-f4cb-7000-8000-00000000000a"
    assert expected["STREAM_NAME"] == "AGENT_EVENTS"
