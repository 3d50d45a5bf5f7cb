# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts are seeded with: uneven like the real files, the same at each making."""

from __future__ import annotations

import io
import tarfile

import pytest
from rehearsal import agents, seed
from rehearsal.clone import Fleet, FleetError

PLACE = seed.Place("dgx-2", 2, "172.30.0.12", ("172.30.0.11", "172.30.0.12", "172.30.0.13"))
EVERYONE = agents.read()


def settings(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and line[0] not in "#;"]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("agent", EVERYONE, ids=lambda agent: agent.name)
def test_every_file_holds_what_the_agent_needs(agent: agents.Agent) -> None:
    found = settings(seed.environment(agent, "172.30.0.12"))
    expected = {
        "NATS_URL": "nats://172.30.0.12:4222",
        "STREAM_NAME": "AGENT_MESSAGES",
        "LOG_LEVEL": "info",
        "SNAPSHOT_FREQUENCY": "100",
        "AGENT_NAME": agent.name,
        "AGENT_ID": agent.agent_id,
        "CAPABILITY_CLUSTER": agent.cluster,
        "ENABLE_UNIFIED_SUBJECTS": "false",
    }
    assert expected.items() <= found.items()


def test_files_are_uneven() -> None:
    texts = [seed.environment(agent, "172.30.0.12") for agent in EVERYONE]
    assert len(EVERYONE) == 31
    assert sum("sk-rehearsal-not-a-real-key-" in text for text in texts) == 8
    assert sum(not text.endswith("\n") for text in texts) == 3
    assert sum(text.startswith("#") for text in texts) == 16
    assert sum("MODEL_TIMEOUT_SECONDS" in text for text in texts) == 5
    assert len({tuple(settings(text)) for text in texts}) > 5
    # Among those that the waves change there is a secret, an unknown key, a comment and a missing newline.
    waves = {agent.name: text for agent, text in zip(EVERYONE, texts, strict=True) if agent.name in agents.BUSY}
    assert "OPENAI_API_KEY" in waves["nats-expert"] and not waves["network-expert"].endswith("\n")
    assert "OPENAI_API_KEY" in waves["tdd-expert"] and waves["network-expert"].startswith("#")


def test_seed_is_the_same_each_time_and_owners_differ() -> None:
    first = seed.archive(seed.files(PLACE, EVERYONE, "ssh-ed25519 AAAA", "rollout-0"))
    assert first == seed.archive(seed.files(PLACE, EVERYONE, "ssh-ed25519 AAAA", "rollout-0"))
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        members = {member.name: member for member in tar}
    files = [member for name, member in members.items() if name.startswith("opt/cim-dgx/configs/")]
    assert len(files) == 31 and {member.mode for member in files} == {0o640}
    assert {member.gid for member in files} == {0, 1000} and {member.uid for member in files} == {0}
    assert members["home/cimadmin/.ssh/authorized_keys"].mode == 0o600
    assert sum(member.issym() for member in members.values()) == sum(seed.is_enabled(a, 2) for a in EVERYONE)


def test_cluster_names_the_other_servers() -> None:
    text = seed.nats_configuration(PLACE)
    assert "172.30.0.11:6222" in text and "172.30.0.13:6222" in text and "172.30.0.12:6222" not in text
    assert "cluster" not in seed.nats_configuration(seed.Place("dgx-1", 1, "172.30.0.11", ("172.30.0.11",)))


def test_unknown_agents_are_refused_by_name() -> None:
    assert [agent.name for agent in agents.select("tdd-expert, sage")] == ["sage", "tdd-expert"]
    with pytest.raises(FleetError, match="no-such-expert"):
        agents.select("sage,no-such-expert")


@pytest.mark.parametrize("name", ["", "A", "a b", "../x", "-a", "a" * 32])
def test_fleet_names_that_would_leave_their_directory_are_refused(name: str) -> None:
    with pytest.raises(FleetError, match="fleet name"):
        Fleet(name)
