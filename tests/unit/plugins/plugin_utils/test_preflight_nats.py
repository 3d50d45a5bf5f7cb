# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight on NATS: what stops, what is only told, and which servers are measured together."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._nats_groups import Asked
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._preflight_nats import (
    check_nats,
    need_all_of_nats,
    not_listening,
)

from tests.unit.plugins.plugin_utils.recorded import plan


def server(name: str, cluster: str | None = "cim") -> dict[str, Any]:
    return {"probe": {"cluster": cluster, "server_name": name, "server_id": f"id-{name}", "reason": None}}


def test_servers_of_one_cluster_are_one_group_and_others_groups_of_their_own() -> None:
    answers = {"a": server("a"), "b": server("b"), "c": server("c", None), "d": server("c", None)}
    found, groups = check_nats(["a", "b", "c", "d"], answers, {})
    assert found == []
    assert [(group["name"], group["hosts"]) for group in groups] == [("cim", ["a", "b"]), ("c", ["c", "d"])]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"probe": {"reason": "nats_unreachable", "message": "refused"}}, "nats_unreachable (refused)"),
        ({"unreachable": True, "msg": "no route"}, "host_unreachable (no route)"),
        ({"failed": True, "msg": "bad url"}, "tool_error (bad url)"),
        ({"changed": False}, "tool_error ("),
        ({"changed": False, "probe": None}, "tool_error ("),
        (None, "tool_error ("),
    ],
)
def test_a_server_that_does_not_answer_stops_and_is_in_no_group(result: Any, reason: str) -> None:
    found, groups = check_nats(["a", "b"], {"a": result, "b": server("b")}, {"a": "10.0.0.1:4222"})
    (finding,) = found
    assert finding.text().startswith(f"a: NATS at 10.0.0.1:4222: seen {reason}")
    assert finding.stops
    assert [group["hosts"] for group in groups] == [["b"]]


def captured(**given: Any) -> dict[str, Any]:
    return {"stream": "AGENTS", "subject": "agent.to.a.q", "captures": ["agent.>"], "no_ack": False, **given}


def test_a_stream_over_requests_is_named_with_its_subjects_and_what_to_do() -> None:
    answer = server("a")
    answer["probe"]["streams"] = [captured(), captured(subject="agent.to.b.q"), captured(stream="QUIET", no_ack=True)]
    (finding,) = check_nats(["a"], {"a": answer}, {})[0]
    assert finding.stops
    assert finding.text() == (
        "a: JetStream stream AGENTS (agent.>): seen captures requests on agent.to.a.q, agent.to.b.q, expected no stream, or one with "
        "no_ack. It would answer in the agents' stead. Take these subjects out of it, or: nats stream edit AGENTS --no-ack."
    )


def test_streams_that_nobody_could_list_stop_as_well() -> None:
    answer = server("a")
    answer["probe"]["streams_unknown"] = "permissions violation"
    (finding,) = check_nats(["a"], {"a": answer}, {})[0]
    assert finding.stops and "unknown (permissions violation)" in finding.text()


def test_a_server_without_headers_stops_only_what_needs_them() -> None:
    answer = server("a")
    answer["probe"]["lacks"] = ["message headers: nothing to match by"]
    (finding,) = check_nats(["a"], {"a": answer}, {}, ["the probe", "publish_time"])[0]
    assert finding.stops
    assert finding.text() == (
        "a: NATS server: seen has no message headers: nothing to match by, expected what the probe, publish_time need. "
        "Let the server have it, or leave them out of the plan."
    )
    (told,) = check_nats(["a"], {"a": answer}, {})[0]
    assert not told.stops


def test_what_of_a_plan_needs_a_server_that_has_all() -> None:
    assert need_all_of_nats(plan()) == ["the probe", "dual_publish_success"]


# ---------------------------------------------------------------- who hears whom

ASK, LEGACY = "agent.to.rollout-reach.q", "cim-agent.rollout-reach"
Heard = dict[str, str]


def heard(answers: Heard, published: Heard | None = None, **more: Any) -> dict[str, Any]:
    """A result of `nats_reach`: by host, one letter each, who answers what is asked there, and who hears what is published there."""
    rows = {}
    for host, who in answers.items():
        by = {ASK: sorted(who), LEGACY: sorted((published or answers)[host])}
        rows[host] = {
            "reason": None, "message": None, "server_name": f"n-{host}", "server_id": f"id-{host}", "cluster": None,
            "answered": by, "at_once": {subject: len(names) for subject, names in by.items()}, "refused": {}, **more,
        }  # fmt: skip
    return {"a": {"changed": False, "reach": {"servers": rows}}, "b": {"skipped": True}}


def connected(result: dict[str, Any], cluster: str | None = "cim") -> tuple[list[str], list[tuple[str, str, str, int]]]:
    """(findings; of each group name, hosts, measurers and answers expected)."""
    hosts = list((result["a"].get("reach") or {"servers": "abc"})["servers"])
    answers = {host: server(host, cluster) for host in hosts}
    for row in (result["a"].get("reach") or {"servers": {}})["servers"].values():
        row["cluster"] = cluster
    found, groups = check_nats(hosts, answers, {}, (), Asked(ASK, (LEGACY,)), result)
    shown = [(g["name"], "".join(g["hosts"]), "".join(g["measurers"]), g["expected"]) for g in groups]
    return [f"{'stops' if finding.stops else 'told'} {finding.text()}" for finding in found], shown


def test_servers_that_hear_each_other_are_one_group_whatever_their_names() -> None:
    everybody = dict.fromkeys("abc", "abc")
    assert connected(heard(everybody)) == ([], [("cim", "abc", "abc", 3)])
    assert connected(heard(everybody), None) == ([], [("a", "abc", "abc", 3)])


def test_servers_apart_are_groups_of_their_own_whatever_their_names() -> None:
    """Equal names of clusters would have one of them expect answers of both."""
    assert connected(heard({"a": "a", "b": "bc", "c": "bc"})) == ([], [("a", "a", "a", 1), ("b", "bc", "bc", 2)])


def test_requests_that_go_one_way_get_other_answers_on_each_side() -> None:
    """b's requests come to a as well; a's don't leave it."""
    assert connected(heard({"a": "a", "b": "ab"}, {"a": "ab", "b": "ab"})) == (
        [],
        [("a", "a", "a", 1), ("b", "ab", "b", 2)],
    )


def test_publications_that_don_t_arrive_are_listened_to_where_they_do() -> None:
    """All answer each other, and what b publishes is not heard on a: a stands for itself alone."""
    assert connected(heard({"a": "ab", "b": "ab"}, {"a": "ab", "b": "b"})) == (
        [],
        [("a", "a", "a", 2), ("b", "ab", "b", 2)],
    )


def test_a_server_on_which_our_own_listener_hears_nothing() -> None:
    texts, _groups = connected(heard({"a": "ab", "b": "a"}))
    assert texts == [
        "stops b: which servers hear each other: seen nothing of a listener of our own on the same server, expected what is "
        f"asked and published there, such as on {ASK}, and an answer. Look at the permissions and the account of rollout_nats_auth: "
        "what is not heard can't be measured."
    ]


def test_what_lets_a_single_answer_through_hides_the_others() -> None:
    result = heard(dict.fromkeys("ab", "ab"))
    result["a"]["reach"]["servers"]["a"]["at_once"][ASK] = 1
    texts, _groups = connected(result)
    (text,) = texts
    assert text.startswith(
        "stops a: which servers hear each other: seen answers of a, b, and 1 of them at once, expected all"
    )


def test_where_it_may_not_be_tried_names_are_believed_and_it_is_told() -> None:
    result = heard(dict.fromkeys("ab", "ab"))
    row = result["a"]["reach"]["servers"]["b"]
    row.update(answered={LEGACY: ["a", "b"]}, refused={ASK: 'Permissions Violation for Publish to "x"'})
    texts, groups = connected(result)
    assert groups == [("cim", "ab", "ab", 2)]
    (text,) = texts
    assert text.startswith("told b: which servers hear each other: seen not allowed to try it (Permissions Violation")


def test_publications_that_may_not_be_tried_are_told_and_believed() -> None:
    result = heard(dict.fromkeys("ab", "ab"))
    result["a"]["reach"]["servers"]["b"].update(answered={ASK: ["a", "b"]}, refused={LEGACY: "Permissions Violation"})
    texts, groups = connected(result)
    assert groups == [("cim", "ab", "ab", 2)]
    assert [text.split(": seen ")[0] for text in texts] == ["told b: who hears its publications"]


@pytest.mark.parametrize(
    ("result", "seen"),
    [
        (
            {"unreachable": True, "msg": "no route"},
            "a: which servers hear each other: seen host_unreachable (no route)",
        ),
        ({"failed": True, "msg": "no Python"}, "a: which servers hear each other: seen tool_error (no Python)"),
    ],
)
def test_nobody_was_asked(result: dict[str, Any], seen: str) -> None:
    texts, _groups = connected({"a": result})
    assert texts[0].startswith(f"stops {seen}")


def test_a_server_that_broke_off() -> None:
    result = heard(dict.fromkeys("ab", "ab"))
    result["a"]["reach"]["servers"]["b"].update(reason="nats_unreachable", message="closed", answered={})
    texts, _groups = connected(result)
    assert texts[0].startswith("stops b: which servers hear each other: seen nats_unreachable (closed)")


def listeners(**answered: list[str]) -> dict[str, Any]:
    return {
        "reach": {"servers": {name: {"reason": None, "answered": {"x.y": names}} for name, names in answered.items()}}
    }


def test_listeners_that_were_not_there_before_others_asked_stop_with_the_machine_named() -> None:
    assert not_listening({"a": listeners(a=["a"], b=["a", "b"]), "c": {"skipped": True}}) == []
    (finding,) = not_listening({"a": listeners(a=["a"], b=["a"])})
    assert finding.stops
    assert finding.text().startswith(
        "a: which servers hear each other: seen no listener on the server of b, expected a listener"
    )
    (failed,) = not_listening({"a": {"failed": True, "msg": "no such module"}})
    assert "tool_error (no such module)" in failed.text()


def test_servers_that_were_not_tried_are_told_and_not_believed_in_silence() -> None:
    answers = {"a": server("a"), "b": server("b")}
    found, groups = check_nats(["a", "b"], answers, {}, (), Asked("x.y"), {"a": listeners(a=["a"])})
    assert [(each.on, each.stops) for each in found] == [("b", False)]
    assert "not tried on the servers of b" in found[0].text()
    assert [group["hosts"] for group in groups] == [["a", "b"]]
