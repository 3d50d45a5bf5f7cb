# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier gates and looks recorded is gone, or not all there, when the next gate reads it."""

from __future__ import annotations

from collections.abc import Callable

from tests.campaign.instruments.bench import Bench
from tests.campaign.instruments.case import HOST, Case
from tests.rollout.scenario import small

SOURCE = "recorded"
LOOKS, NATS = f"looks/{small.ROLLOUT}/1/{HOST}.jsonl", f"looks/{small.ROLLOUT}/1/nats.jsonl"
BASELINE = f"checkpoints/{small.ROLLOUT}/baseline/evidence.json"
Way = Callable[[bytes], "bytes | None"]
WAYS: dict[str, Way] = {
    "deleted": lambda data: None,
    "emptied": lambda data: b"",
    "zeroed": lambda data: bytes(len(data)),
    "cut in the middle": lambda data: data[: len(data) // 2],
}


def harmed(what: str, path: str, how: str) -> Case:
    def blind(bench: Bench) -> None:
        file = bench.story.monitoring / path
        after = WAYS[how](file.read_bytes())
        if after is None:
            file.unlink()
        else:
            file.write_bytes(after)

    return Case(SOURCE, f"{what} {how}", blind)


CASES = [
    *(harmed("the looks at a host were", LOOKS, how) for how in WAYS),
    *(harmed("the measurements on NATS were", NATS, how) for how in WAYS),
    *(harmed("the baseline was", BASELINE, how) for how in WAYS),
]
