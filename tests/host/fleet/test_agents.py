# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in agent from outside: what it logs, answers and publishes."""

from __future__ import annotations

import json
import re

import pytest

from tests.host.questions import QUESTION, Talk, last, question, statuses
from tests.host.shared_fleet import AGENTS, HOSTS, SharedFleet

from rehearsal import agents, seed  # isort: skip

KNOWN = {agent.name: agent for agent in agents.read()}


def command(agent: str) -> str:
    row = KNOWN[agent]
    return f"agent.{row.cluster}.{agent}.{row.agent_id}.command.review"


def test_every_instance_is_active_on_every_host(fleet: SharedFleet) -> None:
    for number, host in enumerate(HOSTS, 1):
        units = fleet.root(host, "systemctl list-units --plain --no-legend --state=active agent-runtime@*")
        assert {line.split()[0] for line in units.splitlines()} == {f"agent-runtime@{name}.service" for name in AGENTS}
        names = " ".join(f"agent-runtime@{name}" for name in AGENTS)
        states = fleet.root(host, f"systemctl is-enabled {names} || :").split()
        assert states == ["enabled" if seed.is_enabled(KNOWN[name], number) else "disabled" for name in AGENTS]
        assert {"enabled", "disabled"} == set(states)
        assert fleet.root(host, "systemctl is-system-running").strip() == "running"


@pytest.mark.parametrize("flag", ["off", "on"])
def test_log_lines_are_those_of_the_real_agent(fleet: SharedFleet, flag: str) -> None:
    agent, host = "network-expert", "dgx-1"
    words = "DISABLED - using legacy inbox pattern only"
    if flag == "on":
        fleet.turn_on(agent, host)
        words = "ENABLED - dual publishing to old and new patterns"
    # By the process: what the one before it wrote last may come under the new invocation.
    process = fleet.property(host, agent, "MainPID")
    entries = [entry for entry in fleet.log(host, agent) if entry["_PID"] == process]
    stamps, lines = [], []
    for entry in entries[:8]:
        assert entry["PRIORITY"] == "6"
        assert entry["SYSLOG_IDENTIFIER"] == "agent-runtime-network-expert"
        stamp, line = entry["MESSAGE"].split("Z ", 1)
        stamps.append(stamp)
        lines.append(line)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", stamp) for stamp in stamps)
    assert stamps == sorted(stamps)
    assert lines == [
        " INFO agent_service: Starting agent service v0.9.2...",
        f" INFO agent_service: Connecting to NATS at nats://{fleet.addresses()[host]}:4222",
        " INFO agent_service: Connected to NATS",
        f" INFO agent_service: Unified subject architecture {words}",
        " INFO agent_service: Subscribed to: agent.to.network-expert.> (agent-specific inbox)",
        " INFO agent_service: Subscribed to: agent.broadcast.> (broadcast)",
        f" INFO agent_service: Subscribed to: agent.*.*.{KNOWN[agent].agent_id}.command.> (agent-ref commands)",
        " INFO agent_service: Agent 'network-expert' v0.9.2 is ready for conversations",
    ]


def test_every_instance_answers_over_the_cluster(fleet: SharedFleet, talk: Talk) -> None:
    for host in HOSTS:
        asker = talk(host)
        replies = asker.ask(question("qa-expert"), QUESTION, count=10)
        found = asker.everything(last("qa-expert"))
        assert sorted(message.subject for _at, message in found) == sorted(replies * 3)
        assert statuses(found) == ["ok"] * 30


def test_broadcast_reaches_all_instances(fleet: SharedFleet, talk: Talk) -> None:
    asker = talk("dgx-2")
    asker.ask("agent.broadcast.ping", b"{}")
    instances = len(AGENTS) * len(HOSTS)
    assert len(asker.everything("agent.broadcast.last", instances)) == instances


def test_metrics_line_every_hundred_messages(fleet: SharedFleet, talk: Talk) -> None:
    asker, agent = talk("dgx-1"), "org-expert"
    fleet.root("dgx-1", f"systemctl restart agent-runtime@{agent}")
    fleet.wait_for_line("dgx-1", agent, "is ready")
    asker.reach("agent.broadcast.ping", instances=len(AGENTS) * len(HOSTS))
    asker.ask(command(agent), b"1", count=5)
    asker.ask(question(agent), QUESTION, count=199)
    asker.everything(last(agent))
    invocation = fleet.property("dgx-1", agent, "InvocationID")
    fleet.root("dgx-1", f"systemctl stop agent-runtime@{agent}")
    log = fleet.root("dgx-1", f"journalctl --sync; journalctl --output=cat _SYSTEMD_INVOCATION_ID={invocation}")
    found = [re.sub("broadcast([=:]) ?[0-9]+", r"broadcast\1 n", line)
             for line in re.findall(r"agent_service: (.*etrics.*)", log)]  # fmt: skip
    assert found == [
        "Metrics: inbox=100, broadcast= n, agent-ref=5",
        "Metrics: inbox=200, broadcast= n, agent-ref=5",
        "Final metrics - inbox: 200, broadcast: n, agent-ref: 5",
    ]


def test_payload_that_is_no_json_is_an_error_line_and_an_error_answer(fleet: SharedFleet, talk: Talk) -> None:
    asker = talk("dgx-1")
    asker.ask(question("nats-expert"), b"hello")
    found = asker.everything(last("nats-expert"))
    assert statuses(found) == ["error"] * 3
    assert json.loads(found[0][1].payload)["message"] == "expected value at line 1 column 1"
    line = fleet.log("dgx-1", "nats-expert")[-1]
    assert line["MESSAGE"].endswith(
        "ERROR agent_service: Error handling inbox command: expected value at line 1 column 1"
    )
    assert line["PRIORITY"] == "6"


@pytest.mark.parametrize("flag", ["off", "on"])
def test_publication_once_without_the_flag_twice_with_it(fleet: SharedFleet, talk: Talk, flag: str) -> None:
    agent = "tdd-expert"
    if flag == "on":
        fleet.turn_on(agent, *HOSTS)
    for way, asked in (("legacy", question(agent)), ("unified", command(agent))):
        asker = talk("dgx-3")
        asker.watch("agent.to.tester.>")
        asker.watch("cim.agent.>")
        asker.reach(last(agent))
        asker.ask(asked, QUESTION, headers={"Sender": "tester", "Conversation-Id": f"talk-{flag}-{way}"})
        found = asker.everything(last(agent))
        legacy = [m for _at, m in found if m.subject == f"agent.to.tester.from.{agent}.response"]
        unified = [
            m
            for _at, m in found
            if m.subject == f"cim.agent.{KNOWN[agent].cluster}.{agent}.{KNOWN[agent].agent_id}.response"
        ]
        assert (len(legacy), len(unified), len(found)) == (3, 3 if flag == "on" else 0, 9 if flag == "on" else 6)
        for message in legacy + unified:
            assert message.headers == {"Sender": agent, "Recipient": "tester", "Conversation-Id": f"talk-{flag}-{way}"}


def test_agents_come_back_after_nats_was_away(fleet: SharedFleet, talk: Talk) -> None:
    agent = "git-expert"
    pid = fleet.property("dgx-2", agent, "MainPID")
    fleet.root("dgx-2", "systemctl restart nats-server")
    fleet.wait_for_line("dgx-2", agent, "Reconnected to NATS")
    assert any("ERROR agent_service: Lost connection to NATS" in line for line in fleet.lines("dgx-2", agent))
    talk("dgx-1").reach(question(agent))
    assert (fleet.property("dgx-2", agent, "NRestarts"), fleet.property("dgx-2", agent, "MainPID")) == ("0", pid)
