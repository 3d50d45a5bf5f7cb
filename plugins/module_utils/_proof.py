# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove that running processes are what they should be: their own environment and their own log lines say so.

A process counts as proven when it is systemd's main process of an active unit, its environment holds the wanted values,
and lines of exactly this invocation hold the announced text and the subscriptions, and no error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterable, List, Optional, Sequence

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _agent_log,
    _environ,
    _instant,
    _journal,
    _log_stream,
    _secrets,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._host import Host
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import Proof
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import LONGEST_WAIT_S, SystemdError, Unit

_FIRST_POLL = 0.05
_POLL = 0.1
# Asking systemd costs more than reading the journal, and only tells about crashes.
_SHOW_EVERY = 0.7
# A fresh main process still has systemd's environment until it runs its own program.
_EXEC_GRACE_US = 2000000
_CLOCK_SLACK_US = 1000000


@dataclass
class Wanted:
    """What one unit's process must show. ``env`` must be in its environment.

    ``old_invocation`` is the one before the restart (``None`` when it did not run); ``restarted`` says that this run
    restarted it, ``stop_s`` how long its old process may then take to end. ``quiet`` asks for a log without an error line.
    """

    agent: str
    unit: str
    env: Dict[str, str]
    proof: Proof
    restarted: bool
    old_invocation: Optional[str] = None
    complaint: str = ""
    quiet: bool = True
    stop_s: float = 0.0


@dataclass
class Shown:
    """What it has shown so far, and the verdict once there is one (``state`` proven or failed)."""

    wanted: Wanted
    unit: Optional[Unit] = None
    environ: Optional[bool] = None
    differing: List[str] = field(default_factory=list)
    log: bool = False
    subscriptions: Dict[str, bool] = field(default_factory=dict)
    lines: int = 0
    errors: int = 0
    first_error: str = ""
    covered: bool = False
    rotated: bool = False
    waited_s: float = 0.0
    state: Optional[str] = None
    reason: Optional[str] = None
    message: str = ""

    def __post_init__(self) -> None:
        self.forget_lines()

    def forget_lines(self) -> None:
        """Start over with the log (it is read again from the start of the invocation)."""
        self.log, self.lines, self.errors, self.first_error, self.covered = False, 0, 0, "", False
        self.streams = _log_stream.Streams(self.wanted.proof.log_lines)
        self.subscriptions = dict.fromkeys(self.wanted.proof.subscriptions, False)

    @property
    def log_complete(self) -> bool:
        """Everything asked of the log has been seen."""
        return (self.log or self.wanted.proof.log is None) and all(self.subscriptions.values())

    @property
    def asks_log(self) -> bool:
        """Whether the proof asks for log lines at all."""
        return self.wanted.proof.log is not None or bool(self.wanted.proof.subscriptions)

    def see(self, record: _journal.Record) -> None:
        """Take one journal record of this invocation."""
        if record.by_manager:
            # systemd's own "Started" line shows that the journal reaches back to the start.
            self.covered = self.covered or record.event == "started"
            return
        text = _agent_log.NO_TEXT if record.text is None else record.text
        line, role, _name = self.streams.take(text, record.priority, record.at, record.invocation_id)
        if record.text is None and not line.is_error:
            return
        self.lines += 1
        if line.is_error and role == _log_stream.OWN:
            self.errors += 1
            self.first_error = self.first_error or _secrets.mask_text(line.message)[:200]
        if self.wanted.proof.log is not None and self.wanted.proof.log in line.message + "\n" + text:
            self.log = True
        pattern = _agent_log.subscription(line)
        if pattern in self.subscriptions:
            self.subscriptions[pattern] = True

    def check_environ(self, host: Host) -> None:
        """Compare the process's environment; keys that differ are kept by name only."""
        pid = self.unit.main_pid if self.unit else None
        try:
            found = host.environ(pid, self.unit.invocation_id) if pid and self.unit else None
        except PermissionError:
            found = None
        differing = found.differing(self.wanted.env) if found is not None else None
        self.differing = differing or []
        self.environ = None if differing is None else not differing

    def fail(self, reason: str, message: str) -> None:
        """Give the verdict ``failed``."""
        self.state, self.reason, self.message = "failed", reason, message

    def as_dict(self) -> Dict[str, Any]:
        """The ``proof`` part of a result."""
        log: Optional[bool] = self.log if self.wanted.proof.log is not None and not self.rotated else None
        return {
            "environ": self.environ,
            "log": log,
            "subscriptions": {} if self.rotated else self.subscriptions,
            "errors": self.errors,
            "waited_s": round(self.waited_s, 3),
        }


def _namespace(ones: Iterable[Shown]) -> str:
    """Where the journal has the lines of all of these: everywhere, if one writes to a namespace of its own."""
    return "*" if any(one.unit is not None and one.unit.output.namespace for one in ones) else ""


def process_dict(unit: Optional[Unit], sha256: Optional[str]) -> Dict[str, Any]:
    """The ``before`` or ``after`` part of a result."""
    return {
        "sha256": sha256,
        "invocation_id": unit.invocation_id if unit else None,
        "main_pid": unit.main_pid if unit else None,
        "started_at": _instant.iso(unit.started_at) if unit else None,
    }


class _Run:
    def __init__(self, host: Host, wanted: Sequence[Wanted], restart_us: int, settle: float) -> None:
        self.host = host
        self.all = [Shown(one) for one in wanted]
        self.restart_us = restart_us
        self.settle = settle
        self.begun = host.monotonic()
        self.begun_us = host.now_us()
        self.cursor: Optional[str] = None
        self.read_set: FrozenSet[str] = frozenset()
        self.trouble = ""

    def pending(self) -> List[Shown]:
        return [one for one in self.all if one.state is None]

    def deadline(self, one: Shown) -> int:
        """When it must have shown everything: its time counts from the start of the new process."""
        started = one.unit.started_at if one.unit and one.unit.runs and self.is_new(one) else None
        if started is None:
            jobs = one.wanted.stop_s
            if one.unit is not None and self.is_new(one) and one.unit.active_state == "activating":
                # What runs before it, such as ExecStartPre=, has a time of its own.
                jobs += one.unit.start_timeout_s
            started = self.restart_us + int(min(jobs, LONGEST_WAIT_S) * 1000000)
        elif not one.wanted.restarted:
            # A clock that was set back makes an old process one of the future, which nobody waits for.
            started = min(started, self.begun_us)
        return started + int(one.wanted.proof.ready_within * 1000000)

    @staticmethod
    def is_new(one: Shown) -> bool:
        if one.unit is None or not one.unit.invocation_id:
            return False
        return not one.wanted.restarted or one.unit.invocation_id != one.wanted.old_invocation

    def readable(self, one: Shown) -> bool:
        # The journal of a process that has run for weeks is looked at in its window only, see look_back.
        return self.is_new(one) and (one.wanted.restarted or self.deadline(one) >= self.begun_us)

    def look_at_units(self, ones: Sequence[Shown]) -> None:
        try:
            units = self.host.show([one.wanted.unit for one in ones])
        except SystemdError as problem:
            # What was restarted still has to be accounted for: go on with what is known until the deadline.
            self.trouble = str(problem)
            return
        for one in ones:
            unit, known = units[one.wanted.unit], one.unit
            if unit.load_state == "masked":
                one.fail("unit_masked", "unit {0} is masked; unmask it first".format(unit.name))
            elif not unit.exists:
                one.fail("unit_not_found", "unit {0} doesn't exist on this host".format(unit.name))
            elif known is not None and self.is_new(one) and unit.invocation_id != known.invocation_id:
                one.unit = unit
                one.fail(
                    "restart_failed",
                    "{0} started and died again: systemd has restarted it by itself ({1} automatic restarts, last "
                    "result {2})".format(unit.name, unit.restarts, unit.result),
                )
            else:
                one.unit = unit
                crashing = unit.active_state == "activating" and unit.main_pid is None and (unit.restarts or 0) > 0
                if crashing or (self.is_new(one) and unit.active_state in ("failed", "inactive")):
                    one.fail("restart_failed", self.dead(one))

    def dead(self, one: Shown) -> str:
        unit = one.unit
        if unit is None:
            return "nothing is known of it"
        said = [line for line in one.wanted.complaint.splitlines() if unit.name in line]
        return "{0} is {1} ({2}), result {3}{4}; see journalctl -u {0}".format(
            unit.name, unit.active_state, unit.sub_state, unit.result, ": " + said[0] if said else ""
        )

    def read_log(self) -> None:
        ones = {one.unit.invocation_id: one for one in self.pending() if self.readable(one) and one.unit}
        if not ones:
            return
        wanted = frozenset(invocation for invocation in ones if invocation)
        if not wanted <= self.read_set:
            # A unit has come up since the last read: its first lines may lie before the cursor.
            self.cursor = None
            for one in ones.values():
                one.forget_lines()
        self.read_set = wanted
        starts = [one.unit.started_at for one in ones.values() if one.unit and one.unit.started_at]
        since = min(starts + [self.restart_us]) - _CLOCK_SLACK_US

        def take(record: _journal.Record) -> None:
            one = ones.get(record.invocation_id)
            if one is not None:
                one.see(record)

        namespace = _namespace(ones.values())
        if namespace:
            # Two namespaces have no common order that a cursor could stand for: all is read again.
            self.cursor = None
            for one in ones.values():
                one.forget_lines()
        reading = self.host.read_journal(sorted(wanted), take, since, self.cursor, namespace=namespace)
        self.cursor = reading.cursor
        self.trouble = reading.message or ""

    def judge(self, one: Shown) -> bool:
        """Fail what can't come right any more; True when everything but systemd's word is there."""
        if not self.is_new(one):
            return False
        one.check_environ(self.host)
        if one.errors and one.wanted.quiet:
            one.fail(
                "error_in_log",
                "the process logged {0} error line(s) since its start, the first: {1}".format(
                    one.errors, one.first_error
                ),
            )
            return False
        started = one.unit.started_at if one.unit else None
        age = self.host.now_us() - (self.restart_us if started is None else started)
        settled_in = one.log_complete if one.asks_log else age > _EXEC_GRACE_US
        if one.environ is False and (settled_in or not one.wanted.restarted):
            one.fail(
                "environ_mismatch",
                "the main process {0} of {1} doesn't run with the wanted value of {2}; look for other EnvironmentFile= "
                "or Environment= lines (systemctl cat {1})".format(
                    one.unit.main_pid if one.unit else "?", one.wanted.unit, ", ".join(one.differing)
                ),
            )
            return False
        if one.environ is None and settled_in:
            one.fail("environ_unreadable", self.unreadable(one))
            return False
        return one.environ is True and one.log_complete

    @staticmethod
    def unreadable(one: Shown) -> str:
        return _environ.unreadable(one.unit.main_pid if one.unit else None, one.wanted.unit, sorted(one.wanted.env))

    def give_up(self, one: Shown) -> None:
        wanted, within = one.wanted, one.wanted.proof.ready_within
        missing = sorted(pattern for pattern, seen in one.subscriptions.items() if not seen)
        if not self.is_new(one):
            one.fail(
                "restart_failed",
                "{0} was not restarted within {1:g} s: it is {3} ({4}). {2}".format(
                    wanted.unit,
                    min(wanted.stop_s, LONGEST_WAIT_S) + within,
                    wanted.complaint.splitlines()[0] if wanted.complaint else "",
                    one.unit.active_state if one.unit else "unknown",
                    one.unit.sub_state if one.unit else "unknown",
                ).strip(),
            )
        elif one.environ is None:
            one.fail("environ_unreadable", self.unreadable(one))
        elif one.environ is False:
            one.fail(
                "environ_mismatch",
                "{0} came up within {1:g} s, but its environment lacks the wanted value of {2}".format(
                    wanted.unit, within, ", ".join(one.differing)
                ),
            )
        elif one.asks_log and not one.lines:
            one.fail(
                "not_ready_in_time",
                "the new process of {0} logged nothing within {1:g} s{2}".format(
                    wanted.unit, within, " ({0})".format(self.trouble) if self.trouble else ""
                ),
            )
        elif wanted.proof.log is not None and not one.log:
            one.fail(
                "log_line_missing",
                "the process of {0} did not log '{1}' within {2:g} s ({3} other lines)".format(
                    wanted.unit, wanted.proof.log, within, one.lines
                ),
            )
        elif missing:
            one.fail(
                "subscription_missing",
                "the process of {0} did not subscribe to {1} within {2:g} s".format(
                    wanted.unit, ", ".join(missing), within
                ),
            )
        else:
            one.fail(
                "not_ready_in_time",
                "{0} is {1} ({2}) after {3:g} s; expected active".format(
                    wanted.unit,
                    one.unit.active_state if one.unit else "?",
                    one.unit.sub_state if one.unit else "?",
                    within,
                ),
            )

    def settle_in(self) -> None:
        proven = [one for one in self.all if one.state == "proven"]
        if not proven or self.settle <= 0:
            return
        self.host.sleep(self.settle)
        for one in proven:
            one.state = None
        self.look_at_units(proven)
        self.read_log()
        for one in proven:
            if one.state is not None:
                one.message += "; it had been proven {0:g} s earlier".format(self.settle)
            elif one.errors and one.wanted.restarted:
                self.judge(one)
            elif one.unit is None or one.unit.active_state != "active":
                one.fail("restart_failed", self.dead(one))
            else:
                one.state = "proven"

    def look_back(self) -> None:
        """Processes that started long ago: their first lines are looked up once, in the window of their start."""
        now = self.host.now_us()
        old = [
            one
            for one in self.pending()
            if not one.wanted.restarted and one.unit and one.unit.started_at and self.deadline(one) < now
        ]
        old.sort(key=lambda one: one.unit.started_at or 0 if one.unit else 0)
        group: List[Shown] = []
        until = 0
        for one in old + [None]:
            start = (one.unit.started_at or 0) - _CLOCK_SLACK_US if one is not None and one.unit else 0
            if group and (one is None or start > until):
                self.read_window(group, until)
                group = []
            if one is not None:
                until = max(until if group else 0, self.deadline(one) + 5 * _CLOCK_SLACK_US)
                group.append(one)
        for one in old:
            if one.state is not None:
                continue
            one.rotated = one.asks_log and not one.log_complete and not one.covered
            complete = self.judge(one)
            if one.state is None and not complete:
                if one.environ is True and one.rotated:
                    one.message = (
                        "environment proven; the journal has no lines from its start any more (journal_rotated)"
                    )
                elif one.state is None:
                    self.give_up(one)
                    continue
            if one.state is None:
                self.accept(one)

    def read_window(self, group: Sequence[Shown], until: int) -> None:
        ones = {one.unit.invocation_id: one for one in group if one.unit}
        since = min(one.unit.started_at or 0 for one in group if one.unit) - _CLOCK_SLACK_US

        def take(record: _journal.Record) -> None:
            one = ones.get(record.invocation_id)
            if one is not None:
                one.see(record)

        if any(one.asks_log for one in group):
            wanted = sorted(key for key in ones if key)
            self.host.read_journal(wanted, take, since, None, until, namespace=_namespace(group))

    def accept(self, one: Shown) -> None:
        if one.unit is not None and one.unit.active_state == "active":
            one.state = "proven"
            one.waited_s = self.host.monotonic() - self.begun if one.wanted.restarted else 0.0

    def go(self) -> List[Shown]:
        if not self.all:
            return self.all
        self.look_at_units(self.all)
        self.look_back()
        shown_at = self.host.monotonic()
        wait = _FIRST_POLL
        if self.pending():
            self.host.sleep(wait)
        while self.pending():
            self.read_log()
            complete = [one for one in self.pending() if self.judge(one)]
            waiting = self.pending()
            now = self.host.now_us()
            late = [one for one in waiting if self.deadline(one) < now]
            if waiting and (late or len(complete) == len(waiting) or self.host.monotonic() - shown_at >= _SHOW_EVERY):
                self.look_at_units(waiting)
                shown_at = self.host.monotonic()
                for one in complete:
                    if one.state is None:
                        self.accept(one)
                for one in late:
                    if one.state is None:
                        self.give_up(one)
            if self.pending():
                self.host.sleep(wait)
                elapsed = self.host.monotonic() - self.begun
                wait = _POLL if elapsed < 5 else 0.5
        self.settle_in()
        return self.all


def prove(host: Host, wanted: Sequence[Wanted], restart_us: int, settle: float = 0.0) -> List[Shown]:
    """A verdict for every one of ``wanted``, in their order; each has its own deadline, none stops another.

    ``restart_us`` is when the restart was asked for; ``settle`` seconds after the last proof all are looked at again.
    """
    return _Run(host, wanted, restart_us, settle).go()
