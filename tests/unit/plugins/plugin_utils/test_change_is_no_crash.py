# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restart that a change itself made is no crash, however systemd's moments of it lie; a later one is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _evidence
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence import Subject

from tests.unit.plugins.plugin_utils.recorded import looks

AGENT, HOST = "network-expert", "dgx-1"
PROVEN = looks()[1]["instances"][AGENT]
STARTED = parse_iso(PROVEN["started_at"])
OLD = {"event": "stopped", "detail": "", "invocation_id": "0" * 32}
NEW = {"event": "started", "detail": "", "invocation_id": PROVEN["invocation_id"]}


def restarts(*events: tuple[int, dict[str, Any]]) -> int:
    """Unexpected restarts when these events were seen, so many microseconds after the new process's start."""
    seen = looks()[:2]
    told = [{**event, "at": _later(offset)} for offset, event in events]
    seen[1]["instances"][AGENT]["log"]["lifecycle"] = told
    found = _evidence.assemble(
        head={"rollout": "wave2", "attempt": 1, "gate": {"kind": "checkpoint", "name": "T+1h"}},
        subjects=[Subject(AGENT, HOST, role="test", since=STARTED, invocation=PROVEN["invocation_id"])],
        units={HOST: {key: seen[1][key] for key in ("instances", "host", "journal")}},
        looks={HOST: seen},
        nats=[],
        corruption=[],
        now=parse_iso(seen[1]["received_at"]),
    )
    return int(found["instances"][f"{AGENT}@{HOST}"]["unexpected_restarts"])


def _later(microseconds: int) -> str:
    return (STARTED + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds")


def test_the_old_process_noted_as_stopped_just_after_the_new_ones_start() -> None:
    assert restarts((245, OLD), (390, NEW)) == 0


def test_an_exit_of_the_new_process() -> None:
    gone = {"event": "failed", "detail": "", "invocation_id": PROVEN["invocation_id"]}
    assert restarts((245, OLD), (390, NEW), (900000, gone)) == 1
    assert restarts((900000, gone)) == 1
