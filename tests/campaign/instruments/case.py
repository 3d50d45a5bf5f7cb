# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way in which an instrument gives nothing, or too little, while everything it should measure is well."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.campaign.instruments.bench import Bench
    from tests.campaign.instruments.veil import Veil

#: The only host whose instruments are harmed; its agents are well, as those of the others are.
HOST = "dgx-1"

HOLD, REFUSED, PASS, ROLL_BACK, BROKEN = "hold", "refused", "pass", "roll back", "broken"
#: What a gate may say without having seen. Refused: the run ended before its gate, with a reason in words.
SOUND = frozenset({HOLD, REFUSED})
#: A task's failure with its reason: in the line, as Ansible's own callbacks print it, or further in below the task's name.
REFUSAL = re.compile(
    r"^(?:.*(?:FAILED|UNREACHABLE)!.*|(?P<margin> *)(?:failed|unreachable) +[^ :]+: .+\n(?P=margin) +\S.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Case:
    """`blind` begins it, `mend` ends it. `veil`: of what lies between the measurer and NATS. `variables`: of the run."""

    source: str
    name: str
    blind: Callable[[Bench], None] = lambda bench: None
    mend: Callable[[Bench], None] = lambda bench: None
    veil: Callable[[], Veil] | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    quick: bool = False
    #: What it destroys is gone for the gates after it: the rollout is begun anew.
    lasting: bool = False


@dataclass(frozen=True)
class Row:
    """How the gate of a blinded instrument decided, and why. `seconds` are real ones."""

    source: str
    case: str
    outcome: str
    why: str
    seconds: float


def outcome_of(status: int, said: str, decided: list[dict[str, Any]]) -> tuple[str, str]:
    """(outcome, why) of a checkpoint's run. `decided`: the data of its `gate.decided` records, oldest first.

    A run that showed a traceback, or ended well without a decision, is broken.
    """
    if "Traceback (most recent call last)" in said:
        return BROKEN, "a traceback reached the operator"
    if not decided:
        told = [" ".join(found[0].split()) for found in REFUSAL.finditer(said)]
        return (REFUSED, told[-1][:300]) if status and told else (BROKEN, f"status {status} without a decision")
    last = decided[-1]
    why = str(last.get("why") or "")[:300]
    return {"go": PASS, "hold": HOLD}.get(str(last["decision"]), ROLL_BACK), why
