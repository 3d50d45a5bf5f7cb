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


def test_a_disk_that_nobody_could_look_at_may_be_the_fullest() -> None:
    seen = reading("disk_used", lambda d: d["hosts"]["dgx-1"]["host"]["disks"].update({"/gone": None}))
    assert "dgx-1" in seen.missing["tool_error"]
    assert "dgx-1" not in seen.by


@pytest.mark.parametrize("name", ["corruption_signs", "errors", "error_rate", "agent_uptime", "unexpected_restarts"])
def test_a_gap_of_the_journal_is_missing_wherever_lines_count(name: str) -> None:
    gap = {"at": "2026-01-01T00:00:00+00:00", "reason": "journal_unreadable"}
    assert NAME in reading(name, instance(gaps=[gap])).missing["tool_error"]


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
        document.update(instances={}, hosts={}, nats=[], baseline=None, previous=None, published={}, series=None)

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


def test_the_error_rate_is_that_of_the_worst_instance_and_samples_are_of_all() -> None:
    seen = reading("error_rate", instance(errors=10, messages=1000))
    assert seen.by[NAME] == seen.value == 1.0
    assert seen.samples == sum(i["messages"] for i in evidence()["instances"].values() if i["role"] == "test") + 217


def test_an_instance_with_few_messages_is_not_judged_alone() -> None:
    few = reading("error_rate", lambda d: d["nats"].clear(), instance(errors=2, messages=999))
    assert few.value is not None
    assert few.value < 0.1
    assert few.by[NAME] == pytest.approx(200 / 999)
    assert reading("error_rate", lambda d: d["nats"].clear(), instance(errors=2, messages=1000)).value == 0.2


def kind(name: str, count: int, level: str = "ERROR", example: str = "") -> dict[str, Any]:
    return {
        "kind": name, "level": level, "count": count, "first_at": "2026-11-20T11:33:00+00:00",
        "last_at": "2026-11-20T11:33:01+00:00", "recurring": True, "example": example or name,
    }  # fmt: skip


CLOSED = "async_nats: connection closed"
PANIC = "thread <text> panicked at src/lib.rs:<n>"


def restarted_nats(*names: str, **more: Any) -> Edit:
    """What a restart of NATS leaves in the logs of these instances."""

    def edit(document: dict[str, Any]) -> None:
        for name in names:
            document["instances"][name].update({"errors": 3, "kinds": [kind(CLOSED, 3)], **more})

    return edit


@pytest.mark.parametrize("name", ["errors", "error_rate"])
def test_errors_that_control_shows_as_well_are_not_the_changes(name: str) -> None:
    seen = reading(name, restarted_nats(NAME, "nix-expert@dgx-1"))
    assert (seen.value, seen.by[NAME], seen.missing) == (0.0, 0.0, {})
    assert f"3 errors left out that control shows as well: {CLOSED}" in seen.note


@pytest.mark.parametrize("name", ["errors", "error_rate"])
def test_errors_that_control_does_not_show_are_the_changes(name: str) -> None:
    for others in (
        [],
        [without_control],
        # Control stands on this host, and is quiet there: what another host shows says nothing about this one.
        [restarted_nats("nix-expert@dgx-2")],
        [instance("nix-expert@dgx-1", kinds=[kind(CLOSED, 3, "WARN")])],
        [instance("nix-expert@dgx-1", errors=1, kinds=[kind("other", 1)])],
    ):
        seen = reading(name, restarted_nats(NAME), *others)
        assert seen.value
        assert "left out" not in seen.note


def test_control_elsewhere_stands_for_a_host_without_any() -> None:
    def elsewhere(document: dict[str, Any]) -> None:
        for agent in ("nix-expert", "qa-expert"):
            del document["instances"][f"{agent}@dgx-1"]

    assert reading("errors", restarted_nats(NAME, "nix-expert@dgx-3"), elsewhere).value == 0.0


def test_panics_and_lumped_kinds_of_the_test_are_always_counted() -> None:
    for name, level in ((PANIC, "ERROR"), (PANIC, "PANIC"), ("boom", "PANIC"), ("(other kinds)", "ERROR")):
        both = {"errors": 3, "panics": 3, "kinds": [kind(name, 3, level, name)]}
        assert reading("errors", instance(**both), instance("nix-expert@dgx-1", **both)).value == 3.0


def test_control_keeps_its_own_errors_and_so_does_a_comparison_with_it() -> None:
    both = edited(restarted_nats(NAME, "nix-expert@dgx-1"))
    assert read("errors", both, "control").value == 3.0
    assert read("errors", {**both, "against": "control"}).value == 3.0


def test_signs_of_corruption_that_control_shows_as_well_are_left_out() -> None:
    text = "checksum mismatch in block 7"
    bad = {"errors": 1, "kinds": [kind("checksum mismatch in block <n>", 1, example=text)], "corruption_signs": [text]}
    assert reading("corruption_signs", instance(**bad)).value == 1.0
    seen = reading("corruption_signs", instance(**bad), instance("nix-expert@dgx-1", **bad))
    assert (seen.value, seen.missing) == (0.0, {})
    assert "left out" in seen.note
    elsewhere = {**bad, "kinds": [*bad["kinds"], kind("store: checksum mismatch in block <n>", 1, example=text)]}
    assert reading("corruption_signs", instance(**elsewhere), instance("nix-expert@dgx-1", **bad)).value == 1.0


def test_every_example_of_a_shared_sign_is_left_out() -> None:
    """Hosts give some examples of a sign, of which the kind keeps the first."""
    blocks = kind("store: checksum mismatch in block <n>", 9, example="checksum mismatch in block 7")
    shared = {"errors": 9, "kinds": [blocks]}
    signs = {"corruption_signs": ["checksum mismatch in block 7", "checksum mismatch in block 8"]}
    seen = reading("corruption_signs", instance(**shared, **signs), instance("nix-expert@dgx-1", **shared))
    assert (seen.value, seen.note.split(" ")[0]) == (0.0, "9")
    more = {"corruption_signs": [*signs["corruption_signs"], "checksum mismatch in page 8"]}
    assert reading("corruption_signs", instance(**shared, **more), instance("nix-expert@dgx-1", **shared)).value == 1.0


def test_error_answers_to_the_probe_are_errors() -> None:
    seen = reading("error_rate", probe("tdd-expert", errors=300))
    assert seen.value is not None
    # That of the one agent, not what is left of it among all: 1545 messages handled on its three hosts.
    assert seen.value == pytest.approx(100 * 300 / 1545)
    assert seen.by["tdd-expert@dgx-1"] == pytest.approx(100 * 100 / 551)
    assert "300 error answers of tdd-expert to the probe" in seen.note
    more = reading("error_rate", probe("tdd-expert", errors=300), instance("tdd-expert@dgx-1", errors=400))
    assert more.by["tdd-expert@dgx-2"] == 0.0


def test_error_answers_that_control_gives_as_well_are_not_the_changes() -> None:
    half = [probe(agent, errors=150) for agent in ("nix-expert", "qa-expert")]
    all_of_them = reading("error_rate", probe("tdd-expert", errors=300), *half)
    assert all_of_them.value == pytest.approx(100 * 300 / 1545), "every answer, where control gives every other"
    seen = reading("error_rate", probe("tdd-expert", errors=250), *half)
    assert (seen.value, seen.missing) == (0.0, {})
    assert "left out" in seen.note
    few = [probe(agent, errors=149) for agent in ("nix-expert", "qa-expert")]
    assert reading("error_rate", probe("tdd-expert", errors=300), *few).value


def test_requests_that_nobody_answered_were_not_handled() -> None:
    quiet = [instance(f"tdd-expert@dgx-{n}", messages=0, lines=0) for n in (1, 2, 3)]
    for name, value in (("delivered", 297), ("late", 3)):
        answered = {"delivered": 0, "late": 0, name: value}
        assert reading("error_rate", *quiet, probe("tdd-expert", **answered)).samples == 2344 + 3 * (value // 3)
    silent = reading("error_rate", *quiet, probe("tdd-expert", delivered=0, silent=True))
    assert "tdd-expert@dgx-2" in silent.missing["agent_silent"]
    spoken = [instance(f"tdd-expert@dgx-{n}", messages=0, lines=9) for n in (1, 2, 3)]
    assert reading("error_rate", *spoken, probe("tdd-expert", delivered=0, silent=True)).missing == {}


@pytest.mark.parametrize("name", ["errors", "error_rate"])
@pytest.mark.parametrize(
    ("lines", "unparsed", "unreadable", "missing"),
    [(100, 3, 3, True), (100, 5, 0, False), (600, 0, 6, False), (599, 0, 6, True)],
)
def test_evidence_of_earlier_versions_tolerates_a_few_log_lines_that_cant_be_read(
    name: str, lines: int, unparsed: int, unreadable: int, missing: bool
) -> None:
    seen = reading(name, instance(lines=lines, unparsed=unparsed, unreadable=unreadable))
    told = f"6 of {lines} log lines of {NAME} can't be read"
    assert (told in seen.missing.get("tool_error", "")) is missing


def must_be_read(share: float) -> Edit:
    return lambda document: document.update(log_lines={"readable": share})


@pytest.mark.parametrize("name", ["errors", "error_rate", "corruption_signs"])
@pytest.mark.parametrize(
    ("readable", "lines", "unparsed", "unreadable", "missing"),
    [
        (100.0, 100_000, 1, 0, True),
        (100.0, 100_000, 0, 1, True),
        (100.0, 100_000, 0, 0, False),
        (100.0, 0, 0, 0, False),
        (99.0, 100, 1, 0, False),
        (99.0, 100, 1, 1, True),
        (99.0, 99, 0, 1, True),
    ],
)
def test_log_lines_that_cant_be_read_leave_errors_open(
    name: str, readable: float, lines: int, unparsed: int, unreadable: int, missing: bool
) -> None:
    counts = instance(lines=lines, unparsed=unparsed, unreadable=unreadable)
    seen = reading(name, must_be_read(readable), counts)
    assert (f"of {lines} log lines of {NAME} can't be read" in seen.missing.get("tool_error", "")) is missing


def test_an_example_of_what_was_not_read_is_told() -> None:
    examples = ["could not publish " + "x" * 500]
    seen = reading("errors", must_be_read(100.0), instance(lines=9, unparsed=1, unread=examples))
    assert f"1 of 9 log lines of {NAME} can't be read, such as 'could not publish xx" in seen.missing["tool_error"]
    assert len(seen.missing["tool_error"]) < 300


@pytest.mark.parametrize("name", ["errors", "error_rate"])
def test_what_the_plan_knows_for_harmless_is_told(name: str) -> None:
    known = {"banner": {"count": 2, "examples": ["x"]}, "gpu_probe": {"count": 10, "examples": ["y"]}}
    assert (
        "12 lines left out that the plan knows for harmless: gpu_probe 10, banner 2"
        in reading(name, instance(harmless=known)).note
    )


@pytest.mark.parametrize("name", ["errors", "error_rate"])
def test_no_line_that_the_journal_calls_a_warning_is_among_the_few_unread(name: str) -> None:
    seen = reading(name, instance(lines=100_000, unparsed=1, unread_severe=1))
    assert f"1 of 100000 log lines of {NAME} can't be read and are warnings" in seen.missing["tool_error"]
    assert reading(name, instance(lines=100_000, unparsed=1, unread_severe=0)).missing == {}


def test_what_a_journal_said_is_told() -> None:
    gap = {"at": "2026-11-20T11:33:00+00:00", "reason": "journal_incomplete", "message": "it said: x is truncated"}
    seen = reading("errors", instance(gaps=[gap]))
    assert "journal_incomplete at 2026-11-20T11:33:00+00:00: it said: x is truncated" in seen.missing["tool_error"]


@pytest.mark.parametrize("name", ["errors", "warnings", "unexpected_restarts", "error_rate", "agent_uptime"])
def test_a_journal_that_lost_lines_leaves_counts_open(name: str) -> None:
    seen = reading(name, instance(gaps=[{"at": "2026-11-20T11:33:00+00:00", "reason": "journal_rotated"}]))
    assert "journal_rotated" in seen.missing["tool_error"]
    assert seen.value is not None


def test_memory_without_a_baseline_is_never_compared_with_shares() -> None:
    """Bytes beside shares of a baseline would be an overhead of some billion percent."""
    for name in (NAME, "nix-expert@dgx-1"):
        for lose in (
            lambda d, name=name: d["baseline"]["instances"].pop(name),
            lambda d, name=name: d["baseline"]["instances"][name].update(memory_bytes=None),
        ):
            seen = reading("memory_overhead", lose)
            assert name in seen.missing["too_few_samples"]
            assert NAME in seen.by or name == NAME
            assert all(abs(value) < 100 for value in seen.by.values())
            assert seen.samples < 6 or name != NAME
    nothing = reading("memory_overhead", lambda d: d.update(baseline=None))
    assert (nothing.value, list(nothing.missing)) == (None, ["too_few_samples"])


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
    assert (seen.value, list(seen.missing)) == (0.0, ["nobody_answers"])


def test_control_that_loses_far_less_excuses_nobody() -> None:
    dead = probe("tdd-expert", delivered=0, silent=True)
    one_lost = reading("messages_lost", dead, probe("nix-expert", delivered=299))
    assert (one_lost.value, one_lost.missing) == (300.0, {})
    almost_half = [probe("nix-expert", delivered=1), probe("qa-expert", delivered=300)]
    assert reading("messages_lost", dead, *almost_half).value == 300.0
    half = [probe("nix-expert", delivered=0), probe("qa-expert", delivered=300)]
    assert list(reading("messages_lost", dead, *half).missing) == ["nats_unreachable"]


def test_lost_answers_beside_control_that_was_not_probed_are_open() -> None:
    for edit in (
        lambda d: [d["nats"][0]["probe"]["agents"].pop(agent) for agent in ("nix-expert", "qa-expert")],
        lambda d: [d["nats"][0]["probe"]["agents"][a].update(expected=0) for a in ("nix-expert", "qa-expert")],
    ):
        assert "nats_unreachable" in reading("messages_lost", probe("tdd-expert", delivered=0), edit).missing


@pytest.mark.parametrize("name", PROBE_METRICS)
def test_a_probe_that_was_cut_short_saw_too_little(name: str) -> None:
    seen = reading(name, lambda d: d["nats"][0]["probe"].update(cut_short=True))
    assert list(seen.missing) == ["too_few_samples"]
    assert seen.value is not None


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


@pytest.mark.parametrize("over", ["checkpoint", "rollout"])
def test_legacy_publications_that_cant_be_matched_are_not_on_both_trees(over: str) -> None:
    document = edited(dual("tdd-expert", without_id={"legacy": 357, "unified": 357}))
    seen = read("dual_publish_success", {**document, "over": over})
    assert (seen.by["tdd-expert"], seen.samples) == (50.0, 3 * 357)
    silent = edited(dual("tdd-expert", legacy=0, matched=0, without_id={"legacy": 5, "unified": 0}))
    assert read("dual_publish_success", {**silent, "over": "checkpoint"}).missing == {}
    earlier = edited(lambda d: d["published"]["tdd-expert"].update(without_id=357))
    assert (read("dual_publish_success", earlier).by["tdd-expert"]) == 50.0


def test_publications_that_were_too_many_to_remember_are_missing() -> None:
    seen = reading("dual_publish_success", lambda d: d["nats"][0]["sample"]["dual"].update(capped=True, untracked=4))
    assert list(seen.missing) == ["sampler_lossy"]
    assert seen.value == 100.0


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


@pytest.mark.parametrize("name", PROBE_METRICS)
def test_more_answers_than_instances_may_hide_a_dead_one(name: str) -> None:
    """All that were expected came, and one more: nobody knows from whom."""
    seen = reading(name, probe("network-expert", duplicates=1))
    assert seen.missing["too_many_answers"].startswith("network-expert: 1 answers more than the ")
    assert seen.value == reading(name).value


@pytest.mark.parametrize("name", ["dual_publish_success", "publish_time", "conversation_ids"])
def test_publications_without_headers_are_matched_by_nobody(name: str) -> None:
    seen = read(
        name,
        {**edited(sample(dual=None, own_ids=None, lacks=["message headers: no id"], server="a:4222")), "published": {}},
    )
    assert seen.value is None
    assert seen.missing == {"nats_unsupported": "a:4222 has no message headers: no id"}


def without_ids(*named: str) -> Edit:
    """Publications of these agents carry no conversation id."""

    def strip(document: dict[str, Any]) -> None:
        for agent in named:
            row = document["nats"][0]["sample"]["dual"]["agents"][agent]
            row.update(legacy=0, matched=0, without_id={"legacy": 100, "unified": 100})

    return strip


EVERYBODY = ("network-expert", "tdd-expert", "nix-expert", "qa-expert")


def test_headers_that_are_lost_for_control_too_are_not_lost_by_the_change() -> None:
    seen = reading("dual_publish_success", without_ids(*EVERYBODY))
    assert (seen.value, list(seen.missing)) == (None, ["nats_unsupported"])
    assert "network-expert: publications carry no conversation id" in seen.missing["nats_unsupported"]


def test_ids_that_only_the_changed_agents_lost_are_a_failure() -> None:
    seen = reading("dual_publish_success", without_ids("network-expert", "tdd-expert"))
    assert seen.value is not None and seen.value < 99


def test_without_control_lost_ids_are_a_failure_whatever_was_matched_before() -> None:
    """The book leaves a window out in which nobody has an id; the gate of that window does not."""
    seen = reading("dual_publish_success", without_ids(*EVERYBODY), without_control)
    assert seen.value is not None and seen.value < 99
