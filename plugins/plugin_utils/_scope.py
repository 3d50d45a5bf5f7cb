# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which touched instances a rollback of the plan's scope takes back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import split_instance

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import RolloutState


def instances_of(state: RolloutState, scope: str, bad: list[str], phase: str | None = None) -> list[str]:
    """The instances that go back, in the order in which they changed; everything where nothing narrower is known.

    `bad`: whom the decision names: instances, agents, hosts, or `agent/group of servers`. `phase`: whose gate decided.
    With `scope: phase` the phases of the bad ones go back, or that of the gate where nobody is named.
    """
    touched = state.touched()
    if scope == "rollout":
        return touched
    servers = {group["name"]: group.get("hosts") or [] for group in state.nats_groups}
    named = [instance for instance in touched if any(_names(each, instance, servers) for each in bad)]
    if scope == "instance":
        return named or touched
    begun = [each for each in state.phases.values() if each.touched]
    chosen = [each for each in begun if set(each.touched) & set(named)]
    if not chosen:
        chosen = [each for each in begun if each.name == phase] or begun[-1:]
    return list(dict.fromkeys(instance for each in chosen for instance in each.touched))


def _names(named: str, instance: str, servers: dict[str, list[str]]) -> bool:
    """Does an instance, agent, host, or `agent/group of servers` mean this instance?"""
    agent, host = split_instance(instance)
    who, _slash, group = named.partition("/")
    if group:
        return who == agent and host in servers.get(group, [host])
    return named in (instance, agent, host)
