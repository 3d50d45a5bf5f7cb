# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight: each finding with its text, and nothing that is unknown taken for good."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._log_sample import of_hosts
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._preflight import Finding, check_hosts

from tests.unit.plugins.plugin_utils.recorded import looks, plan

HOSTS = ["dgx-1"]
AGENTS = ("network-expert", "tdd-expert")
CATALOGUE = {"ENABLE_UNIFIED_SUBJECTS": "false", "NATS_URL": "nats://localhost:4222", "AGENT_ID": "7"}


def answer() -> dict[str, Any]:
    """A recorded look of the quiet fleet, with clock and environment files as preflight asks for them."""
    look = looks()[0]
    look["host"]["clock_offset_s"] = 0.1
    for name, item in look["instances"].items():
        item["log"].update(errors=0, panics=0, lifecycle=[])
        item["log_sample"] = {"lines": 200, "unread": 0, "shapes": {"tracing": 200}, "examples": []}
        item["environment"] = {
            "path": f"/c/{name}.env", "exists": True, "regular": True, "keys": dict(CATALOGUE), "masked": [],
        }  # fmt: skip
    return {"instances": look["instances"], "host": look["host"], "journal": look["journal"]}


def findings(result: Any, in_play: list[str] | None = None, **sections: Any) -> list[Finding]:
    return check_hosts(
        plan(**sections),
        HOSTS,
        HOSTS if in_play is None else in_play,
        {"dgx-1": result},
        lambda _agent, _host: CATALOGUE,
        lambda _agent, _host: {"ENABLE_UNIFIED_SUBJECTS": "true"},
    )


def only(result: Any, **more: Any) -> Finding:
    (found,) = findings(result, **more)
    return found


def test_a_fleet_that_is_well_has_no_findings() -> None:
    assert findings(answer()) == []


def test_a_host_left_out_by_limit() -> None:
    assert only(answer(), in_play=[]).text() == (
        "dgx-1: host of the plan: seen left out by --limit, expected every host of the plan in the run. "
        "Run it without --limit, or with one that keeps dgx."
    )


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"unreachable": True, "msg": "no route"}, "seen host_unreachable (no route), expected an answer. Check ssh and `sudo -n true`"),
        ({"failed": True, "msg": "sudo: a password is required"}, "seen tool_error (sudo: a password is required), expected an answer"),
        (None, "seen tool_error (no result was registered"),
        ({"changed": False}, "seen tool_error ("),
    ],
)  # fmt: skip
def test_a_host_without_an_answer(result: Any, text: str) -> None:
    found = only(result)
    assert found.text().startswith(f"dgx-1: SSH and sudo: {text}")
    assert found.stops


def test_a_journal_that_can_not_be_read_is_not_a_quiet_one() -> None:
    result = answer()
    result["journal"].update(complete=False, reason="journal_unreadable")
    found = only(result)
    assert found.stops
    assert "journal_unreadable" in found.text()


def test_what_the_journals_reader_said_is_told() -> None:
    result = answer()
    result["journal"].update(complete=False, reason="journal_incomplete", message="it said: x is truncated")
    assert "seen not whole (journal_incomplete: it said: x is truncated)" in only(result).text()


def test_an_agent_whose_lines_nobody_could_see_is_refused() -> None:
    result = answer()
    agent = next(iter(result["instances"]))
    result["instances"][agent]["log"]["gap"] = {"reason": "output_elsewhere", "message": "it goes to /dev/null"}
    found = only(result)
    assert found.stops
    assert found.text().startswith(
        f"{agent}@dgx-1: what it logs: seen output_elsewhere: it goes to /dev/null, expected every line"
    )


def test_a_namespace_of_the_journal_is_named() -> None:
    result = answer()
    agent = next(iter(result["instances"]))
    result["instances"][agent]["log"]["namespace"] = "agents"
    found = only(result)
    assert not found.stops
    assert found.text().startswith(f"{agent}@dgx-1: what it logs: seen in the journal's namespace agents")


def test_two_agents_that_are_one_service_are_refused() -> None:
    result = answer()
    first, second = list(result["instances"])[:2]
    for agent in (first, second):
        result["instances"][agent]["identity"] = "run@x.service"
    found = only(result)
    assert found.stops
    assert f"the same service as that of {second}@dgx-1 (systemd calls it run@x.service)" in found.text()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"disks": {"/opt": None}}, "dgx-1: disk of /opt: seen no such path, or one without a size, expected a path on a disk. Correct rollout_disk_paths."),
        ({"disks": {"/opt": {"available_bytes": 5242880}}},
         "dgx-1: disk of /opt: seen 5.0 MiB free, expected 1024.0 MiB (preflight.disk_free). Free space on it."),
        ({"clock_offset_s": -3.04}, "dgx-1: clock: seen -3.0 s from the controller, expected within 2s (preflight.clock_offset). Let NTP set it."),
        ({"clock_offset_s": None}, "dgx-1: clock: seen unknown, expected within 2s (preflight.clock_offset). Let NTP set it."),
    ],
)  # fmt: skip
def test_what_the_host_lacks(change: dict[str, Any], text: str) -> None:
    result = answer()
    result["host"].update(change)
    assert (only(result).text(), only(result).stops) == (text, True)


UNIT = "agent-runtime@tdd-expert.service"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"load_state": "masked"}, f"unit {UNIT}: seen masked, expected loaded. Install or unmask it, or leave the agent out of the plan."),
        ({"active_state": "failed", "sub_state": "failed"},
         f"unit {UNIT}: seen failed (failed), expected active. Start it and see why it stopped; a rollout changes running agents."),
    ],
)  # fmt: skip
def test_a_unit_that_does_not_run(change: dict[str, Any], text: str) -> None:
    result = answer()
    result["instances"]["tdd-expert"].update(change)
    assert only(result).text() == f"tdd-expert@dgx-1: {text}"


def test_an_agent_the_answer_does_not_name() -> None:
    result = answer()
    del result["instances"]["tdd-expert"]
    texts = [found.text() for found in findings(result)]
    assert texts[0] == "tdd-expert@dgx-1: unit: seen no answer about it, expected an answer. Run preflight again."


def test_errors_of_a_test_agent_stop_and_those_of_control_do_not() -> None:
    result = answer()
    kind = {"example": "connection lost | really"}
    result["instances"]["tdd-expert"]["log"].update(errors=2, panics=1, kinds=[kind])
    result["instances"]["nix-expert"]["log"].update(errors=9, kinds=[kind])
    assert only(result).text().startswith(
        "tdd-expert@dgx-1: log of the last 5m: seen 2 error lines, such as: connection lost | really, expected none (preflight.quiet_for)."
    )  # fmt: skip


def test_restarts_of_a_test_agent_stop_and_those_of_control_are_told() -> None:
    result = answer()
    for agent in ("tdd-expert", "nix-expert"):
        result["instances"][agent]["log"]["lifecycle"] = [
            {"event": "failed"},
            {"event": "started"},
            {"event": "exited"},
        ]
    assert [(found.on, found.seen, found.stops) for found in findings(result)] == [
        ("tdd-expert@dgx-1", "2 exits or restarts", True),
        ("nix-expert@dgx-1", "2 exits or restarts", False),
    ]


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        (None, "environment file: seen its environment file does not exist, expected the file."),
        ({"exists": False, "path": "/c/x.env"}, "environment file: seen /c/x.env does not exist, expected the file."),
        ({"exists": True, "regular": False, "path": "/c/x.env"}, "environment file: seen /c/x.env is a link or not a file, expected a regular file that can"),
        ({"exists": True, "path": "/c/x.env", "keys": {"NATS_URL": "nats://localhost:4222"}}, "AGENT_ID in /c/x.env: seen no such key"),
    ],
)  # fmt: skip
def test_an_environment_file_that_is_none(environment: Any, text: str) -> None:
    result = answer()
    result["instances"]["tdd-expert"]["environment"] = environment
    found = findings(result)[0]
    assert (found.text().startswith(f"tdd-expert@dgx-1: {text}"), found.stops) == (True, True), found.text()


def drifted(**keys: Any) -> dict[str, Any]:
    result = answer()
    result["instances"]["tdd-expert"]["environment"]["keys"].update(keys)
    return result


def test_drift_stops_unless_the_plan_accepts_it() -> None:
    known = only(drifted(NATS_URL="nats://10.0.0.1:4222"))
    assert (known.stops, known.next) == (False, "Accepted by the plan (drift.accept).")
    unknown = only(drifted(AGENT_ID="8"))
    assert unknown.text() == (
        "tdd-expert@dgx-1: AGENT_ID in /c/tdd-expert.env: seen '8', expected '7' (catalogue). "
        "Mend the file or the catalogue, or accept it in the plan (drift.accept: [AGENT_ID])."
    )
    assert unknown.stops


def test_the_new_value_before_the_rollout_stops_even_where_drift_is_accepted() -> None:
    found = only(drifted(ENABLE_UNIFIED_SUBJECTS="true"), drift={"accept": ["ENABLE_UNIFIED_SUBJECTS"]})
    assert found.stops
    assert "'true', the new value, before the rollout" in found.text()


def test_secrets_are_neither_compared_nor_shown() -> None:
    result = drifted(AGENT_ID="********")
    result["instances"]["tdd-expert"]["environment"]["masked"] = ["AGENT_ID"]
    assert findings(result) == []


# ---------------------------------------------------------------- log lines


def sampled(agent: str = "tdd-expert", **values: Any) -> dict[str, Any]:
    result = answer()
    result["instances"][agent]["log_sample"].update(values)
    return result


def test_lines_that_cant_be_read_stop_with_examples_and_the_way_out() -> None:
    result = sampled(unread=12, examples=["fünf Fehler", "y", "z", "w"], other_shapes={"winston": 8, "go": 2})
    found = only(result)
    assert found.stops
    assert found.text() == (
        "tdd-expert@dgx-1: log lines: seen 12 of 200 lines can't be read, such as 'fünf Fehler'; 'y'; 'z', expected 100% of them "
        "read (log_lines.readable). The shape winston reads 8 of these (log_lines.shape: winston). Or name a pattern "
        "(log_lines.pattern), or list them as harmless (log_lines.harmless); see docs/log-lines.md."
    )
    assert "Name their shape or a pattern" in only(sampled(unread=1)).text()


@pytest.mark.parametrize(("readable", "stops"), [("100%", True), ("99%", True), ("98%", False)])
def test_the_plan_says_which_share_must_be_read(readable: str, stops: bool) -> None:
    found = only(sampled(unread=4), log_lines={"readable": readable})
    assert (found.stops, "4 of 200 lines" in found.seen) == (stops, True)


def test_lines_of_priority_4_or_worse_stop_whatever_the_share() -> None:
    assert only(sampled(unread=1, unread_severe=1), log_lines={"readable": "50%"}).stops


def test_lines_of_the_last_minutes_count_as_well_as_the_last_ones() -> None:
    result = answer()
    result["instances"]["tdd-expert"]["log"].update(lines=9000, unparsed=3, unread=[{"count": 3, "example": "x"}])
    assert only(result).seen == "3 of 9000 lines can't be read, such as 'x'"


def test_unread_lines_of_control_are_told() -> None:
    found = only(sampled("nix-expert", unread=200))
    assert (found.on, found.stops) == ("nix-expert@dgx-1", False)


def test_an_instance_without_any_line_is_told() -> None:
    result = sampled(lines=0)
    result["instances"]["tdd-expert"]["log"].update(lines=0)
    found = only(result)
    assert (found.seen, found.stops) == ("none in its journal", False)


def test_a_host_that_does_not_say_what_it_could_read_stops() -> None:
    result = answer()
    del result["instances"]["tdd-expert"]["log_sample"]
    assert only(result).stops


def test_what_was_read_is_told_for_all_together() -> None:
    units = {
        "a": sampled(lines=300, continued=40, shapes={"tracing": 250, "trace": 10}, harmless={"gpu": 3}),
        "b": {"failed": True},
        "c": None,
    }
    instances = len(answer()["instances"])
    lines = 300 + 200 * (instances - 1)
    assert of_hosts(units) == (
        f"log lines: {lines} of {instances} instances tried, {lines} read (tracing {lines - 50}, trace 10, parts of others 40, harmless gpu 3)"
    )
    assert of_hosts({}) == ""
