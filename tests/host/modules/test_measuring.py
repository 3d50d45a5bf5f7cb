# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What agent_units_info reads on a real systemd and journald."""

from __future__ import annotations

import shlex
from datetime import datetime

from tests.host.shared_fleet import RehearsalHost
from tests.host.waiting import until


def test_the_first_line_after_another_units_line_is_counted(host: RehearsalHost) -> None:
    """journalctl --after-cursor leaves it out, where the cursor is the entry of a unit that is not asked for."""
    unit, words = "rollout-waiting.service", "/run/rollout-words"
    waits = f"read word < {words}; echo 2026-01-23T23:58:11.000000Z ERROR agent_service: $word; exec sleep infinity"
    host.root(f"mkfifo {words}; systemd-run -q --unit={unit} sh -c {shlex.quote(waits)}")
    try:
        host.root("logger -t somebody else; journalctl --sync")
        cursor = host.run("agent_units_info", {"instances": [{"agent": "waiting", "unit": unit}]})["journal"]["cursor"]
        host.root(f"echo boom > {words}")
        read = f"journalctl --sync; journalctl --output=cat --unit={unit}"
        until("the line is in the journal", lambda: "agent_service: boom" in host.root(read))
        asked = {"instances": [{"agent": "waiting", "unit": unit}], "cursor": cursor}
        found = host.run("agent_units_info", asked)
        assert found["instances"]["waiting"]["log"]["errors"] == 1
        asked["cursor"] = found["journal"]["cursor"]
        assert host.run("agent_units_info", asked)["instances"]["waiting"]["log"]["lines"] == 0
    finally:
        host.root(f"systemctl stop {unit}; rm -f {words}")


def test_a_sample_says_which_lines_can_be_read(host: RehearsalHost) -> None:
    """Old lines too, of the units alone that are asked for, with PRIORITY and stack traces as journald hands them over."""
    unit = "rollout-sample.service"
    says = (
        r"printf 'E0123 17:00:00.123456   12345 publisher.go:88] boom\n<3>no level\n2026-01-23 17:00:00 error token=s3cr3t\n"
        r"Traceback (most recent call last):\n  File \042a.py\042, line 1, in x\nValueError: boom\n'"
    )
    host.root(f"systemd-run -q --unit={unit} sh -c {shlex.quote(says + '; exec sleep infinity')}")
    try:
        until(
            "all lines are in the journal",
            lambda: "ValueError" in host.root(f"journalctl --sync; journalctl -o cat -u {unit}"),
        )
        instances = [{"agent": "sampled", "unit": unit}, {"agent": "missing-agent", "unit": "no-such.service"}]
        found = host.run("agent_units_info", {"instances": instances, "sample_lines": 50})["instances"]
        sample = found["sampled"]["log_sample"]
        assert (sample["lines"], sample["unread"], sample["continued"]) == (6, 1, 3)
        assert sample["shapes"] == {"klog": 1, "priority": 1}
        assert sample["examples"] == ["2026-01-23 17:00:00 error token=********"]
        assert sample["other_shapes"]["winston"] == 1
        assert found["missing-agent"]["log_sample"]["lines"] == 0
        instances[0]["log_lines"] = {"shape": "winston"}
        assert (
            host.run("agent_units_info", {"instances": instances, "sample_lines": 50})["instances"]["sampled"][
                "log_sample"
            ]["unread"]
            == 0
        )
    finally:
        host.root(f"systemctl stop {unit}")


def test_measuring_tolerates_what_hosts_hold(host: RehearsalHost) -> None:
    first = host.run("agent_units_info", {"instances": [host.instance("tdd-expert")]})
    cursor = first["journal"]["cursor"]
    invocation = first["instances"]["tdd-expert"]["invocation_id"]
    junk = (
        r"printf '2026-01-23T23:58:11.000000Z ERROR agent_service: boom 1\n"
        r"2026-01-23T23:58:11.000000Z  INFO agent_service: an error, not ours\n"
        r"\033[31m2026-01-23T23:58:11.000000Z ERROR\033[0m agent_service: boom 2\n\377\376 junk\nplain\n"
        r"2026-01-23T23:58:11.000000Z  INFO agent_service: Metrics: inbox=7, x=1\n'"
    )
    host.root(f"systemd-run -q --wait --unit=rollout-junk.service sh -c {shlex.quote(junk)}")
    host.root("systemctl restart agent-runtime@git-expert")
    result = host.run(
        "agent_units_info",
        {
            "instances": [
                host.instance("git-expert"),
                {"agent": "junk", "unit": "rollout-junk.service"},
                {"agent": "missing-agent", "unit": "no-such.service", "env_file": "/no/such.env"},
                host.instance("tdd-expert"),
            ],
            "cursor": cursor,
            "bucket": 1,
            "environment_keys": ["ENABLE_UNIFIED_SUBJECTS", "NO_SUCH_KEY"],
        },
    )
    log = result["instances"]["junk"]["log"]
    assert (log["errors"], log["unreadable"]) == (2, 1)
    assert [kind["kind"] for kind in log["kinds"]] == ["agent_service: boom <n>"]
    rows = list(log["buckets"].values())
    assert [sum(row[place] for row in rows) for place in range(3)] == [log["lines"], log["errors"], log["warnings"]]
    [[index, _invocation, messages]] = log["counter_points"]
    assert messages == 8 and str(index) in log["buckets"]
    now = datetime.fromisoformat(result["host"]["now"]).timestamp()
    assert 0 <= now - index < 120
    restarted = result["instances"]["git-expert"]["log"]
    assert [event["event"] for event in restarted["lifecycle"]] == ["stopped", "started"]
    assert (restarted["errors"], [c["final"] for c in restarted["counters"].values()]) == (0, [True])
    assert [c["last"] for c in log["counters"].values()][-1] == {"inbox": 7, "x": 1}
    assert result["instances"]["missing-agent"]["load_state"] == "not-found"
    assert result["instances"]["missing-agent"]["environment"]["exists"] is False
    tdd = result["instances"]["tdd-expert"]
    assert (tdd["invocation_id"], tdd["nats_connections"], tdd["log"]["lines"]) == (invocation, 1, 0)
    assert tdd["environment"]["keys"] == {"ENABLE_UNIFIED_SUBJECTS": "false", "NO_SUCH_KEY": None}
    assert result["journal"]["complete"] is True
