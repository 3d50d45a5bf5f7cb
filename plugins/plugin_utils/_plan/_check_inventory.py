# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan says of the inventory: agents, placeholders, hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import (
    Catalogue,
    PlaceholderError,
    placeholders,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._findings import Finding, agents_of, criteria_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._sections import Change, Control, Probe
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._source import Path_


def check_catalogue(sections: Mapping[str, Any], catalogue: Catalogue) -> list[Finding]:
    """Agents that the inventory does not know, and placeholders that it does not fill."""
    found: list[Finding] = []
    for path, agent in agents_of(sections.get("phases", []), sections.get("control", Control())):
        if agent not in catalogue:
            found.append(
                Finding(path, f"an agent of {catalogue.path}", "correct the name, or add the agent to that file")
            )
    for path, template in _templates_of(sections):
        for name in placeholders(template):
            if name not in catalogue.placeholders:
                error = PlaceholderError(name, catalogue.placeholders, template)
                known = ", ".join("{" + key + "}" for key in error.known)
                found.append(
                    Finding(path, f"placeholders among {known}", f"{{{name}}} is no column of {catalogue.path}")
                )
    return found


def check_hosts(sections: Mapping[str, Any], hosts: list[str]) -> list[Finding]:
    """Hosts and how many answers they can give."""
    if not hosts:
        return [
            Finding(
                ("hosts",),
                "a pattern that matches hosts of the inventory",
                "it matches none; check -i and the group's name",
            )
        ]
    found: list[Finding] = []
    probe: Probe | None = sections.get("probe")
    agents = [agent for phase in sections.get("phases", []) for agent in phase.agents]
    if probe is None or not agents:
        return found
    # Every instance answers every request, so this is the most that one look can gather.
    most = probe.count * len(hosts) * len(agents)
    for path, criterion in criteria_of(sections):
        if (
            "probe" in METRICS[criterion.metric].needs
            and METRICS[criterion.metric].unit == "duration"
            and criterion.min_samples > most
        ):
            needed = -(-criterion.min_samples // (len(hosts) * len(agents)))
            found.append(
                Finding(
                    (*path, "metric"),
                    f"min_samples of at most {most}, all that one look can gather",
                    f"{probe.count} requests x {len(hosts)} hosts x {len(agents)} agents; set probe.count to {needed}",
                    f"{criterion.metric} with min_samples {criterion.min_samples}",
                )
            )
    return found


def _templates_of(sections: Mapping[str, Any]) -> Iterator[tuple[Path_, str]]:
    change: Change | None = sections.get("change")
    if change is not None:
        for key, value in change.env.items():
            yield ("change", "env", key), value
        for name, proof in (("proof", change.proof), ("undo_proof", change.undo_proof)):
            yield ("change", name, "log"), proof.log
            for position, pattern in enumerate(proof.subscriptions or []):
                yield ("change", name, "subscriptions", position), pattern
    probe: Probe | None = sections.get("probe")
    if probe is not None:
        yield ("probe", "subject"), probe.subject
