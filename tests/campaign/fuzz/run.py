# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives one parser its inputs, and notices what crashes, is read wrongly, or takes too long."""

from __future__ import annotations

import base64
import signal
import time
import traceback
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.campaign.fuzz.mutate import Mutator
from tests.campaign.fuzz.parsers import Target

# Seconds of CPU for one input: how busy the machine is says nothing about a parser. Regular expressions hear of it too.
HANGS_AFTER_S = 2.0
MOST_FINDINGS = 20


class Hang(BaseException):
    """An input took longer than any may. No Exception: nothing that reads must take it for an error of the input."""


@dataclass
class Outcome:
    """What came of one parser's inputs."""

    parser: str
    seed: int
    inputs: int = 0
    bytes: int = 0
    kinds: int = 0
    seconds: float = 0.0
    slowest_ms: float = 0.0
    slowest: str = ""
    findings: list[dict[str, str]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise Hang in the body when it takes longer."""

    def end(_number: int, _frame: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def fuzz(target: Target, inputs: int, seed: int) -> Outcome:
    """Run `inputs` inputs; the same seed gives the same ones. Findings of one place count once."""
    outcome = Outcome(target.name, seed)
    mutator = Mutator(target.sound(), seed)
    known: set[Hashable] = set()
    places: set[str] = set()
    begun = time.process_time()
    for number in range(inputs):
        data = mutator.sound_ones[number] if number < len(mutator.sound_ones) else mutator.next()
        started = time.process_time()
        try:
            with deadline(HANGS_AFTER_S):
                kind = target.check(data)
            if kind not in known and len(known) < 100_000:
                known.add(kind)
                mutator.keep(data)
        except (Hang, Exception) as problem:
            _note(outcome, places, data, problem)
        took_ms = (time.process_time() - started) * 1000
        if took_ms > outcome.slowest_ms:
            outcome.slowest_ms, outcome.slowest = round(took_ms, 3), base64.b64encode(data[:300]).decode()
        outcome.inputs += 1
        outcome.bytes += len(data)
    outcome.kinds = len(known)
    outcome.seconds = round(time.process_time() - begun, 3)
    return outcome


def _note(outcome: Outcome, places: set[str], data: bytes, problem: BaseException) -> None:
    frames = traceback.extract_tb(problem.__traceback__)
    last = next((each for each in reversed(frames) if "/plugins/" in each.filename), frames[-1])
    place = f"{type(problem).__name__} at {last.filename.rpartition('/plugins/')[2]}:{last.lineno}"
    if place in places or len(outcome.findings) >= MOST_FINDINGS:
        return
    places.add(place)
    outcome.findings.append(
        {"place": place, "said": str(problem)[:300], "input": base64.b64encode(data[:65536]).decode()}
    )
