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
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._confirm_time import phase_needs_s
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._check_answerable import check_counts
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._findings import Finding, agents_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._sections import (
    Change,
    Control,
    Probe,
    Rollback,
    Verify,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._source import Path_
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._units import format_duration


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
    found: list[Finding] = list(_confirmed_in_time(sections, len(hosts)))
    return found + check_counts(sections, len(hosts))


def _confirmed_in_time(sections: Mapping[str, Any], hosts: int) -> Iterator[Finding]:
    """A host of the first batch waits until the phase is verified; it must not go back while all is well."""
    rollback: Rollback | None = sections.get("rollback")
    change: Change | None = sections.get("change")
    if rollback is None or rollback.confirm_within is None or change is None:
        return
    for phase in sections.get("phases", []):
        needed = phase_needs_s(phase, change, sections.get("verify", Verify()), hosts)
        if rollback.confirm_within < needed:
            yield Finding(
                ("rollback", "confirm_within"),
                f"at least {format_duration(needed)}, or nothing, which gives each phase what it needs",
                f"phase {phase.name} may take that long from its first batch to the end of verify on {hosts} hosts",
                format_duration(rollback.confirm_within),
            )
            return


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
