# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shadow rollouts of a fleet say about its gates: how often they stop a change that changes nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import GO, NO_GO, ROLLBACK, fold

CONFIDENCE = 0.95


@dataclass(frozen=True)
class ShadowRate:
    """`ended` shadow rollouts, of which `false_rollbacks` decided to roll back (or NO-GO), and `held` gates looked again."""

    ended: int
    false_rollbacks: int
    held: int
    causes: tuple[str, ...]

    @property
    def percent(self) -> float | None:
        """False rollbacks of 100 shadow rollouts; None before the first has ended."""
        return 100.0 * self.false_rollbacks / self.ended if self.ended else None

    @property
    def at_most_percent(self) -> float | None:
        """Upper end of the one-sided Clopper-Pearson interval (Biometrika 26, 1934), 95 % confidence."""
        if not self.ended:
            return None
        if self.false_rollbacks == self.ended:
            return 100.0
        if not self.false_rollbacks:
            return 100.0 * (1.0 - (1.0 - CONFIDENCE) ** (1.0 / self.ended))
        from scipy.stats import beta

        return 100.0 * float(beta.ppf(CONFIDENCE, self.false_rollbacks + 1, self.ended - self.false_rollbacks))

    def text(self) -> str:
        """One line for people."""
        if self.percent is None or self.at_most_percent is None:
            return "no shadow rollout has ended yet"
        why = f" ({', '.join(self.causes)})" if self.causes else ""
        return (
            f"{self.ended} shadow rollouts ended, {self.false_rollbacks} false rollbacks{why}: {self.percent:.1f} %, "
            f"at most {self.at_most_percent:.1f} % with 95 % confidence; {self.held} holds"
        )


def rate(rollout: str, records: Iterable[Record]) -> ShadowRate:
    """Count the attempts of a shadow rollout's ledger that came to an end."""
    attempts: dict[int, list[Record]] = {}
    for record in records:
        attempts.setdefault(record.attempt, []).append(record)
    ended = false_rollbacks = held = 0
    causes: dict[str, None] = {}
    for own in attempts.values():
        state = fold(rollout, own)
        gates = [record.data for record in own if record.kind == "gate.decided"]
        held += sum(1 for gate in gates if gate["decision"] == "hold")
        stop = state.stop.decision if state.stop else None
        if stop in (ROLLBACK, NO_GO):
            ended, false_rollbacks = ended + 1, false_rollbacks + 1
            deciding = [gate for gate in gates if gate["decision"] in (ROLLBACK, NO_GO)]
            causes.update(dict.fromkeys(cause for gate in deciding for cause in gate.get("causes", [])))
        elif state.decision == GO:
            ended += 1
    return ShadowRate(ended, false_rollbacks, held, tuple(causes))
