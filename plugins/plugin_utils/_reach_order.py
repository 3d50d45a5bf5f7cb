# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked at preflight to learn which servers hear each other: subjects that stand for the plan's, and where from."""

from __future__ import annotations

import contextlib
import secrets
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.module_utils._subjects import matches
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import Catalogue, PlaceholderError, fill
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._nats_groups import Asked
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

# Nobody is called that, so nobody acts on what is sent to it.
NOBODY = "rollout-reach"
DEFAULT_PLACE = "localhost"


def asked_of(plan: Plan, catalogue: Catalogue | None, host: str) -> Asked:
    """The subjects for a plan, and the patterns to listen with.

    The probe's with a name that no agent has, listened to as agents do; and one for each pattern of the sample that has a
    wildcard. Permissions, imports and leaf nodes treat them as they treat those of agents; agents don't hear them. What agents
    of the plan act on is left out.
    """
    templates = dict.fromkeys([*plan.change.proof.subscriptions, *plan.change.proof_after_undo().subscriptions])
    subscribed = _subscriptions(plan, list(templates), catalogue, host)
    request, patterns = None, {}
    if plan.probe:
        request = stand_in(_filled(plan.probe.subject, catalogue, None, host), plan.probe.subject)
        of_nobody = [_filled(template, catalogue, None, host) for template in templates if "{" in template]
        heard = [each for each in of_nobody if matches(each.encode(), request.encode())]
        patterns.update({request: heard[0]} if heard else {})
    published: dict[str, None] = {}
    for pattern in [*plan.sample.legacy, *plan.sample.unified] if plan.sample else []:
        listened = narrowed(pattern)
        subject = ".".join(NOBODY if token in ("*", ">") else token for token in listened.split("."))
        if listened != pattern and not any(matches(each, subject.encode()) for each in subscribed):
            published[subject] = None
            patterns[subject] = listened
    return Asked(request, tuple(published), patterns)


def stand_in(filled: str, template: str) -> str:
    """A subject that no agent hears: one that does not depend on the agent gets another last word."""
    return filled if filled != template else ".".join([*template.split(".")[:-1], NOBODY])


def narrowed(pattern: str) -> str:
    """A pattern of the same shape that no traffic is on; the pattern itself where it has no wildcard."""
    tokens = pattern.split(".")
    if tokens[-1] == ">":
        return ".".join([*tokens[:-1], NOBODY, ">"])
    for place in reversed(range(len(tokens))):
        if tokens[place] == "*":
            tokens[place] = NOBODY
            break
    return ".".join(tokens)


def orders(context: Context, asked: Asked) -> dict[str, dict[str, Any]]:
    """host -> what it does for all hosts that are measured from the same machine: it stands for that machine.

    `hosts`: whose servers are connected to from there; `names`: everybody who should answer; `apart`: there are other
    machines, so that somebody has to listen on each of them first.
    """
    names_of = [*([asked.request] if asked.request else []), *asked.published]
    subjects = [{"subject": each, "pattern": asked.patterns.get(each, each)} for each in dict.fromkeys(names_of)]
    places: dict[str, list[str]] = {}
    names = [host for host in context.hosts if host in context.in_play and context.hostvar(host, "rollout_nats_url")]
    for host in names:
        places.setdefault(str(context.hostvar(host, "rollout_measure_from") or DEFAULT_PLACE), []).append(host)
    token = secrets.token_hex(8)
    return {
        hosts[0]: {"hosts": hosts, "names": names, "subjects": subjects, "token": token, "apart": len(places) > 1}
        for hosts in places.values()
        if subjects
    }


def _filled(template: str, catalogue: Catalogue | None, agent: str | None, host: str) -> str:
    """A template for an agent, or for nobody."""
    columns = catalogue.placeholders if catalogue else ["agent"]
    row = catalogue.row(agent) if catalogue and agent else dict.fromkeys(columns, NOBODY)
    return fill(template, {**row, "agent": agent or NOBODY, "host": host})


def _subscriptions(plan: Plan, templates: list[str], catalogue: Catalogue | None, host: str) -> list[bytes]:
    """Where agents of the plan are known to listen, before and after the change."""
    found = []
    for agent in [*plan.agents(), *plan.control.agents]:
        for template in templates:
            with contextlib.suppress(KeyError, PlaceholderError):  # told where the change is prepared
                found.append(_filled(template, catalogue, agent, host).encode())
    return found
