# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agents of the fleet, and which of them a fleet runs."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from rehearsal.clone import AGENTS_FILE, FleetError

# Agents under test and their controls get more traffic, as on the real fleet.
BUSY = frozenset(
    ("nats-expert", "network-expert", "tdd-expert", "graph-expert", "git-expert", "location-expert")
    + ("nix-expert", "qa-expert")
)


@dataclass(frozen=True)
class Agent:
    """One row of agents.csv; ``index`` is its place in the whole file, whatever the selection."""

    index: int
    name: str
    cluster: str
    agent_id: str


def read(path: Path = AGENTS_FILE) -> list[Agent]:
    with open(path, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [Agent(i, row["agent"], row["capability_cluster"], row["agent_id"]) for i, row in enumerate(rows)]


def select(choice: str) -> list[Agent]:
    """``all`` or a comma-separated list of names, in the order of the file. Raises FleetError on unknown names."""
    everyone = read()
    if choice == "all":
        return everyone
    wanted = [name for name in (part.strip() for part in choice.split(",")) if name]
    known = {agent.name for agent in everyone}
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        seen = f"unknown: {', '.join(unknown)}" if unknown else "none given"
        raise FleetError(f"--agents {choice}: expected 'all' or names from {AGENTS_FILE}; {seen}")
    return [agent for agent in everyone if agent.name in wanted]
