# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each metric reads out of evidence, and that nothing which is missing goes unsaid."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _metrics
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metrics import Reading, read

from tests.unit.plugins.plugin_utils.recorded import evidence

Edit = Callable[[dict[str, Any]], Any]
NAME = "network-expert@dgx-1"


def edited(*edits: Edit) -> dict[str, Any]:
    document = evidence()
    for edit in edits:
        edit(document)
    return document


def reading(name: str, *edits: Edit) -> Reading:
    return read(name, edited(*edits))


def instance(name: str = NAME, **values: Any) -> Edit:
    return lambda document: document["instances"][name].update(values)


def probe(agent: str, group: int = 0, **values: Any) -> Edit:
    return lambda document: document["nats"][group]["probe"]["agents"][agent].update(values)


def sample(**values: Any) -> Edit:
    return lambda document: document["nats"][0]["sample"].update(values)


def without_control(document: dict[str, Any]) -> None:
    document["instances"] = {n: i for n, i in document["instances"].items() if i["role"] == "test"}


def two_groups(document: dict[str, Any]) -> None:
    """The same fleet on two servers that are not connected."""
    (first,) = document["nats"]
    second = copy.deepcopy(first)
    first.update(name="north", hosts=["dgx-1", "dgx-2"])
    second.update(name="south", hosts=["dgx-3"])
    document["nats"].append(second)


# The readers that the plans' schema knows, and no others.


def test_every_metric_of_the_registry_has_a_reader_and_every_reader_a_name() -> None:
    assert _metrics.names() == sorted(METRICS)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_every_metric_reads_recorded_evidence(name: str) -> None:
    seen = reading(name)
    assert seen.value is not None
    assert seen.missing == {}
    assert seen.samples > 0
    if METRICS[name].share:
        assert 0 <= seen.value <= 100


@pytest.mark.parametrize("name", sorted(METRICS))
def test_nothing_to_read_is_never_a_value(name: str) -> None:
    def nothing(document: dict[str, Any]) -> None:
        document.update(instances={}, hosts={}, nats=[], baseline=None, previous=None, published={})

    assert reading(name, nothing).value is None


HOST_METRICS = ("system_load", "host_memory", "disk_used", "hosts_rebooted")
PROBE_METRICS = ("message_delivery", "messages_lost", "latency_p50", "latency_p99", "latency_p999")
SAMPLE_METRICS = ("dual_publish_success", "unified_traffic", "publish_time", "conversation_ids")


@pytest.mark.parametrize("name", HOST_METRICS)
@pytest.mark.parametrize("lost", ["gone", "unreachable", "no facts"])
def test_a_host_that_was_not_seen_is_missing(name: str, lost: str) -> None:
    def lose(document: dict[str, Any]) -> None:
        if lost == "gone":
            del document["hosts"]["dgx-2"]
        elif lost == "unreachable":
            document["hosts"]["dgx-2"].update(reason="host_unreachable", host=None)
        else:
            document["hosts"]["dgx-2"]["host"] = None

    missing = reading(name, lose).missing
    assert ("host_unreachable" if lost == "unreachable" else "tool_error") in missing
    assert "dgx-2" in str(missing)


@pytest.mark.parametrize("name", PROBE_METRICS + SAMPLE_METRICS)
@pytest.mark.parametrize("lost", ["none", "one"])
def test_servers_that_were_not_measured_are_missing(name: str, lost: str) -> None:
    edits: list[Edit] = [two_groups, lambda document: document["nats"].pop()]
    if lost == "none":
        edits.append(lambda document: document["nats"].clear())
    assert "tool_error" in reading(name, *edits).missing


@pytest.mark.parametrize("name", PROBE_METRICS + SAMPLE_METRICS)
def test_nats_away_is_typed(name: str) -> None:
    """What nats_sample answers when it can't connect: a sample with a reason and without anything else."""
    answer = {"lossless": False, "reason": "nats_unreachable", "message": "refused", "dual": None, "agents": {}}

    def away(document: dict[str, Any]) -> None:
        document["nats"][0].update(sample=answer, probe=None)

    assert set(reading(name, away).missing) == {"nats_unreachable"}


@pytest.mark.parametrize("name", SAMPLE_METRICS)
@pytest.mark.parametrize("reason", ["sampler_lossy", "sampler_late", None])
def test_a_sample_that_may_have_lost_something_is_not_used(name: str, reason: str | None) -> None:
    seen = reading(name, sample(lossless=False, reason=reason, message="dropped 3"))
    assert set(seen.missing) == {reason or "sampler_lossy"}


# ---------------------------------------------------------------- instances


def test_uptime_is_that_of_the_worst_and_at_most_99_for_one_that_is_down_now() -> None:
    half = {"up_s": 30.0, "total_s": 60.0, "downs": 1, "restarts": 1}
    assert reading("agent_uptime", instance(uptime=half)).value == 50.0
    assert reading("agent_uptime", instance(active=False)).value == 99.0
    zero = {"up_s": 0.0, "total_s": 0.0, "downs": 0, "restarts": 0}
    assert "too_few_samples" in reading("agent_uptime", instance(uptime=zero)).missing


def test_an_instance_whose_process_is_not_known_is_not_proven() -> None:
    assert reading("instances_proven", instance(same_process=False)).value == pytest.approx(100 * 5 / 6)
    assert reading("instances_proven", instance(active=False)).value == pytest.approx(100 * 5 / 6)
    unknown = reading("instances_proven", instance(same_process=None))
    assert (unknown.value, list(unknown.missing)) == (100.0, ["tool_error"])


def test_errors_without_a_single_message_are_still_errors() -> None:
    def idle(document: dict[str, Any]) -> None:
        document["nats"] = []
        for item in document["instances"].values():
            item["messages"] = 0

    assert reading("error_rate", idle).value is None
    assert "subject_idle" in reading("error_rate", idle).missing
    assert reading("error_rate", idle, instance(errors=1)).value == 100.0


def test_the_error_rate_is_over_all_instances_and_told_for_each() -> None:
    seen = reading("error_rate", instance(errors=10, messages=1000))
    assert seen.by[NAME] == 1.0
    assert seen.value is not None
    assert 0 < seen.value < 1.0


@pytest.mark.parametrize("name", ["errors", "warnings", "unexpected_restarts", "error_rate", "agent_uptime"])
def test_a_journal_that_lost_lines_leaves_counts_open(name: str) -> None:
    seen = reading(name, instance(gaps=[{"at": "2026-11-20T11:33:00+00:00", "reason": "journal_rotated"}]))
    assert "journal_rotated" in seen.missing["tool_error"]
    assert seen.value is not None


def test_memory_growth_is_less_what_control_grew_and_tells_bytes() -> None:
    first = {"at": "2026-11-20T11:32:30+00:00", "memory_bytes": 10_000_000, "cpu_s": 0.0}
    grown = reading("memory_growth", instance(memory_bytes=15_000_000, same_process_from=first))
    assert grown.by[NAME] == pytest.approx(50.0, abs=2)
    assert grown.absolute[NAME] == 5_000_000.0
    new = reading("memory_growth", instance(same_process_from=None))
    assert "too_few_samples" in new.missing


def test_a_restart_anew_of_a_host_is_seen_by_its_boot_id() -> None:
    assert reading("hosts_rebooted", lambda d: d["hosts"]["dgx-3"]["host"].update(boot_id="other")).value == 1.0
    assert "too_few_samples" in reading("hosts_rebooted", lambda d: d.update(baseline=None)).missing


def test_disconnected_from_nats_counts_only_where_control_is_connected() -> None:
    alone = reading("nats_disconnected", instance(nats_connections=0))
    assert (alone.value, alone.missing) == (1.0, {})
    everyone = [instance(f"{agent}@dgx-1", nats_connections=0) for agent in ("nix-expert", "qa-expert")]
    away = reading("nats_disconnected", instance(nats_connections=0), *everyone)
    assert (away.value, list(away.missing)) == (0.0, ["nats_unreachable"])


# ---------------------------------------------------------------- the probe


def test_lost_answers_are_lost_when_control_answers() -> None:
    seen = reading("message_delivery", probe("network-expert", delivered=297))
    assert (seen.value, seen.missing, seen.by["network-expert"]) == (100 * 597 / 600, {}, 99.0)
    assert reading("messages_lost", probe("network-expert", delivered=297)).value == 3.0


def test_a_dead_agent_lost_everything() -> None:
    dead = probe("tdd-expert", delivered=0, silent=True, p50_ms=None, p99_ms=None, p999_ms=None)
    assert reading("message_delivery", dead).value == 50.0
    assert "agent_silent" in reading("latency_p99", dead).missing


def test_where_control_loses_answers_as_well_nobody_is_blamed() -> None:
    silent = [probe(agent, delivered=0, silent=True) for agent in ("network-expert", "nix-expert", "qa-expert")]
    seen = reading("messages_lost", *silent)
    assert (seen.value, list(seen.missing)) == (0.0, ["nats_unreachable"])


def test_a_silent_agent_without_control_is_missing_and_not_lost() -> None:
    seen = reading("messages_lost", without_control, probe("tdd-expert", delivered=0, silent=True))
    assert (seen.value, list(seen.missing)) == (0.0, ["agent_silent"])


def test_what_was_lost_on_one_server_is_seen_while_another_is_away() -> None:
    """Bad that was seen is bad, however much else could not be seen."""

    def south_away(document: dict[str, Any]) -> None:
        document["nats"][1].update(reason="nats_unreachable", message="refused", sample=None, probe=None)

    seen = reading("messages_lost", two_groups, south_away, probe("network-expert", delivered=200))
    assert (seen.value, list(seen.missing)) == (100.0, ["nats_unreachable"])


def test_control_that_loses_answers_excuses_its_own_server_only() -> None:
    lossy_south = [probe(agent, 1, delivered=0) for agent in ("nix-expert", "qa-expert", "tdd-expert")]
    seen = reading("messages_lost", two_groups, *lossy_south, probe("network-expert", 0, delivered=200))
    assert (seen.value, list(seen.missing)) == (100.0, ["nats_unreachable"])


def test_an_agent_that_was_asked_nothing_is_missing() -> None:
    asked_nothing = probe("tdd-expert", sent=0, expected=0, delivered=0, p50_ms=None, p99_ms=None, p999_ms=None)
    for name in ("message_delivery", "messages_lost"):
        assert "tdd-expert" in str(reading(name, asked_nothing).missing)


@pytest.mark.parametrize("name", ["latency_p50", "latency_p99", "publish_time"])
def test_samples_of_a_worst_agent_metric_are_those_of_the_least_measured(name: str) -> None:
    def few(document: dict[str, Any]) -> None:
        document["nats"][0]["probe"]["agents"]["tdd-expert"]["delivered"] = 3
        document["nats"][0]["sample"]["dual"]["agents"]["tdd-expert"]["matched"] = 3

    assert reading(name, few).samples == 3


def test_latency_is_the_slowest_agents_in_seconds() -> None:
    seen = reading("latency_p99", probe("tdd-expert", p99_ms=250.0))
    assert (seen.value, seen.by["tdd-expert"]) == (0.25, 0.25)


# ---------------------------------------------------------------- the sample


def dual(agent: str, **values: Any) -> Edit:
    return lambda document: document["nats"][0]["sample"]["dual"]["agents"][agent].update(values)


def test_an_agent_that_published_nothing_in_the_window_is_idle() -> None:
    assert "tdd-expert" in reading("dual_publish_success", dual("tdd-expert", legacy=0)).missing["subject_idle"]
    gone = reading("dual_publish_success", lambda d: d["nats"][0]["sample"]["dual"]["agents"].pop("tdd-expert"))
    assert "tdd-expert" in gone.missing["subject_idle"]


def test_traffic_of_each_agent_is_asked_for() -> None:
    seen = reading("unified_traffic", lambda d: d["nats"][0]["sample"]["agents"].pop("tdd-expert"))
    assert "tdd-expert" in seen.missing["subject_idle"]
    only_legacy = reading("unified_traffic", sample(agents={"network-expert": {"legacy": 10, "unified": 0},
                                                            "tdd-expert": {"legacy": 10, "unified": 0}}))  # fmt: skip
    assert (only_legacy.value, only_legacy.missing) == (0.0, {})


def test_conversation_ids_that_did_not_come_back_are_counted_for_the_worst_agent() -> None:
    def lost(document: dict[str, Any]) -> None:
        document["nats"][0]["sample"]["own_ids"]["tdd-expert"]["seen"] = 90

    assert reading("conversation_ids", lost).value == 90.0
