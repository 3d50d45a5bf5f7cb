# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that leave tasks of a step out (`--tags`, `--skip-tags`, `--start-at-task`): what they end with would count for what they did not do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

ALWAYS, ALL, TAGGED, UNTAGGED = "always", "all", "tagged", "untagged"


def left_out(options: Mapping[str, Any], task_tags: Iterable[str]) -> str:
    """Which options of the command line leave out a part of the step that a task belongs to, as they are written; empty when none does.

    `task_tags`: of the task, with what it inherits. The tasks of a step have no tags of their own but `always` at its end, so they run
    together where whoever uses the role has tagged it.
    """
    own = {str(tag) for tag in task_tags} - {ALWAYS}
    tags = {str(tag) for tag in options.get("tags") or ()} - {ALL}
    skipped = {str(tag) for tag in options.get("skip_tags") or ()}
    start = str(options.get("start_at_task") or "")
    chosen = not tags or bool(own & tags) or (TAGGED if own else UNTAGGED) in tags
    words = [] if chosen else [f"--tags {','.join(sorted(tags))}"]
    if skipped & {ALWAYS, ALL, TAGGED} or (UNTAGGED in skipped and not own):
        words.append(f"--skip-tags {','.join(sorted(skipped))}")
    return " ".join([*words, *([f"--start-at-task {start!r}"] if start else [])])


def refusal(words: str) -> str:
    return (
        f"this run leaves tasks out ({words}), and a step of a rollout is whole or none: what was not done would count as done. "
        "Leave that away (in AWX: job tags, skip tags); the ledger knows what is done already, and the same command goes on from there."
    )
