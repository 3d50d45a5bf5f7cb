# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders of time: what must be over before what, and what fits into what."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._confirm_time import LONGEST
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._calendar import FreezeSpan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._findings import Checks, Finding, Findings
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._sections import (
    Baseline,
    Change,
    Checkpoints,
    Needs,
    Phase,
    Probe,
    Rollback,
    Sample,
    Verify,
    Watch,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._units import format_duration

CHECKS = Checks()


@CHECKS.add
def _soak_given(phases: list[Phase]) -> Findings:
    for number, phase in enumerate(phases[:-1]):
        if phase.soak is None:
            yield Finding(
                ("phases", number, "soak"),
                "a duration such as 2h",
                "every phase but the last needs a soak, else the next would start at once",
                "no soak",
            )


@CHECKS.add
def _soak_has_looks(phases: list[Phase], watch: Watch) -> Findings:
    for number, phase in enumerate(phases):
        if phase.soak is not None and phase.soak < watch.every:
            yield Finding(
                ("phases", number, "soak"),
                f"at least {format_duration(watch.every)} (watch.every)",
                "a soak shorter than its check ends unseen; make it longer or look more often",
            )


@CHECKS.add
def _soak_has_sample(phases: list[Phase], sample: Sample | None) -> Findings:
    for number, phase in enumerate(phases):
        if sample is not None and phase.soak is not None and phase.soak < sample.window:
            yield Finding(
                ("phases", number, "soak"),
                f"at least {format_duration(sample.window)} (sample.window)",
                "a soak shorter than its sample can't be judged; make it longer or listen for less time",
            )


@CHECKS.add
def _verify_fits(phases: list[Phase], verify: Verify) -> Findings:
    for number, phase in enumerate(phases):
        if phase.verify_within <= verify.window:
            yield Finding(
                ("phases", number, "verify_within"),
                f"more than {format_duration(verify.window)} (verify.window)",
                "the measurement must fit into the time",
                format_duration(phase.verify_within),
            )


@CHECKS.add
def _probe_fits(probe: Probe | None, verify: Verify, baseline: Baseline, sample: Sample | None) -> Findings:
    windows = {"verify.window": verify.window, "baseline.window": baseline.window}
    if sample is not None:
        windows["sample.window"] = sample.window
    for name, window in windows.items():
        if probe is not None and probe.timeout >= window:
            yield Finding(
                ("probe", "timeout"),
                f"less than {format_duration(window)} ({name})",
                "the last answers must come within the measurement; wait less for an answer, or measure longer",
            )


@CHECKS.add
def _proof_fits(phases: list[Phase], change: Change) -> Findings:
    for number, phase in enumerate(phases):
        if phase.verify_within < change.proof.ready_within:
            yield Finding(
                ("phases", number, "verify_within"),
                f"at least {format_duration(change.proof.ready_within)} (change.proof.ready_within)",
                "the new process may take that long",
                format_duration(phase.verify_within),
            )


@CHECKS.add
def _undo_fits(change: Change, rollback: Rollback) -> Findings:
    needed = change.proof_after_undo().ready_within
    if rollback.within <= needed:
        yield Finding(
            ("rollback", "within"),
            f"more than {format_duration(needed)} (ready_within of undo_proof or proof)",
            "a restored process may take that long alone",
            format_duration(rollback.within),
        )


@CHECKS.add
def _confirm_renewed(rollback: Rollback, watch: Watch, freeze: list[FreezeSpan]) -> Findings:
    within = rollback.confirm_within
    if within is not None and within > LONGEST:
        expected = f"at most {format_duration(LONGEST)}"
        yield Finding(("rollback", "confirm_within"), expected, "a host waits no longer", format_duration(within))
    renewed = rollback.confirm == "after_soak" or bool(freeze)
    if renewed and within is not None and within < 2 * watch.every:
        yield Finding(
            ("rollback", "confirm_within"),
            f"at least {format_duration(2 * watch.every)}, twice watch.every",
            "in a soak, or while a batch waits for the end of a freeze, the looks renew it, and one of them may fail",
            format_duration(within),
        )


@CHECKS.add
def _rising(checkpoints: Checkpoints) -> Findings:
    for position, (earlier, later) in enumerate(pairwise(checkpoints.at), start=1):
        if later <= earlier:
            yield Finding(
                ("checkpoints", "at", position),
                f"more than {format_duration(earlier)}, the one before",
                "write the times in their order",
            )


def _gaps(checkpoints: Checkpoints) -> Iterator[tuple[int, float, str]]:
    before = 0.0
    for position, offset in enumerate(checkpoints.at):
        if offset > before:
            yield position, offset - before, f"T+{format_duration(before)}" if position else "the last phase"
        before = offset


@CHECKS.add
def _sample_fits(checkpoints: Checkpoints, sample: Sample | None) -> Findings:
    for position, gap, before in _gaps(checkpoints):
        if sample is not None and gap < sample.window:
            yield Finding(
                ("checkpoints", "at", position),
                f"at least {format_duration(sample.window)} (sample.window) after {before}",
                "the samples of two looks would overlap",
            )


@CHECKS.add
def _watch_fits(checkpoints: Checkpoints, watch: Watch) -> Findings:
    for position, gap, before in _gaps(checkpoints):
        if gap < watch.every:
            yield Finding(
                ("checkpoints", "at", position),
                f"at least {format_duration(watch.every)} (watch.every) after {before}",
                "look more often, or later",
            )


@CHECKS.add
def _look_again_fits(checkpoints: Checkpoints) -> Findings:
    again = checkpoints.look_again
    for position, gap, before in list(_gaps(checkpoints))[1:]:
        after = f"T+{format_duration(checkpoints.at[position])}"
        if again.times * again.every >= gap:
            yield Finding(
                ("checkpoints", "look_again"),
                f"less than {format_duration(gap)} altogether",
                f"{again.times} times {format_duration(again.every)} run from {before} into {after}",
                format_duration(again.times * again.every),
            )
            return


@CHECKS.add
def _needs_window(needs: Needs | None) -> Findings:
    if needs is None or needs.not_before is None or needs.not_after is None:
        return
    if needs.not_before.event == needs.not_after.event and needs.not_after.offset_s <= needs.not_before.offset_s:
        yield Finding(
            ("needs", "not_after"),
            f"later than {needs.not_before.text} (not_before)",
            "else there is no time left to start",
        )


@CHECKS.add
def _baseline_order(baseline: Baseline) -> Findings:
    if baseline.history < baseline.window:
        yield Finding(
            ("baseline", "history"),
            f"at least {format_duration(baseline.window)} (baseline.window)",
            "",
            format_duration(baseline.history),
        )
