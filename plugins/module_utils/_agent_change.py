# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change environment files, restart what needs it in one call, and prove that the new processes run with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _accounts,
    _atomic_write,
    _env_file,
    _environ,
    _file_diff,
    _proof,
    _replaceable,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._host import Host
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import Instance, InstanceError
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import (
    LONGEST_WAIT_S,
    Unit,
    one_unit_twice,
)


@dataclass
class _Step:
    """One instance on its way: what stands in the file, what should, and what runs."""

    instance: Instance
    unit: Unit
    file: _atomic_write.RegularFile
    new: bytes
    keys: List[str]
    restart: bool = False
    written: bool = False

    @property
    def differs(self) -> bool:
        return self.new != self.file.data


def unit_problem(unit: Unit) -> Optional[InstanceError]:
    """Why nothing can be done with this unit, if so."""
    if unit.load_state == "masked":
        return InstanceError("unit_masked", "unit {0} is masked; unmask it or leave the agent out".format(unit.name))
    if not unit.exists:
        return InstanceError(
            "unit_not_found", "unit {0} doesn't exist on this host (load state {1})".format(unit.name, unit.load_state)
        )
    return None


def running_environ(host: Host, unit: Unit) -> Optional[_environ.Environ]:
    """Environment of the unit's main process, ``None`` when there is none."""
    if not unit.runs or unit.main_pid is None:
        return None
    try:
        return host.environ(unit.main_pid, unit.invocation_id)
    except PermissionError:
        raise InstanceError(
            "permission_denied",
            "the environment of process {0} ({1}) may not be read; run with become: true".format(
                unit.main_pid, unit.name
            ),
        ) from None


def _prepare(host: Host, instance: Instance, unit: Unit) -> _Step:
    problem = unit_problem(unit)
    if problem:
        raise problem
    found = _replaceable.read(instance.env_file or "")
    try:
        new = _env_file.set_keys(found.data, instance.env)
    except _env_file.EnvFileError as error:
        raise InstanceError("env_file_unreadable", "{0}: {1}".format(found.path, error)) from None
    # A file that has all values already is a change that goes on after a kill: nothing is written to it.
    if instance.backup_sha256 and new != found.data and found.sha256 != instance.backup_sha256:
        raise InstanceError(
            "backup_stale",
            "{0} has SHA-256 {1}, its backup {2}: somebody changed it after the backup, and a restore would undo that "
            "too. Nothing was written. Put the file back as it was backed up, or take a new backup: move the backup "
            "directory aside and begin a new attempt".format(
                found.path, found.sha256[:12], instance.backup_sha256[:12]
            ),
        )
    refused = _env_file.load_problem(new)
    if refused:
        raise InstanceError(
            "env_file_unreadable",
            "systemd would refuse {0}, and a restart would leave the agent down: {1}".format(found.path, refused),
        )
    old = _env_file.effective(found.data)
    keys = sorted(key for key, value in instance.env.items() if old.get(key) != value) if new != found.data else []
    if new != found.data and not unit.runs:
        raise InstanceError(
            "unit_inactive",
            "unit {0} is {1} ({2}); only running agents are changed, nothing was written. Start it or leave the agent "
            "out".format(unit.name, unit.active_state, unit.sub_state),
        )
    if new != found.data:
        _replaceable.refuse_locked(found.path)
    step = _Step(instance, unit, found, new, keys)
    # What runs decides, not what was written: a run that was killed between write and restart is made good here.
    environ = running_environ(host, unit)
    differing = environ.differing(instance.env) if environ is not None else []
    if environ is None or differing:
        step.restart = True
    elif differing is None:
        step.restart = step.differs or not started_with(unit, found)
    return step


def started_with(unit: Unit, found: _atomic_write.RegularFile) -> bool:
    """Whether the process began after the file became what it is: then systemd has given it these values."""
    return (unit.started_at or 0) > found.changed_us


def _would(step: _Step) -> Dict[str, Any]:
    changed = step.differs or step.restart
    parts = []
    if step.differs:
        parts.append("would set {0} in {1}".format(", ".join(step.keys), step.file.path))
    if step.restart:
        parts.append("would restart {0}".format(step.unit.name))
    return {
        "state": "would_change" if changed else "unchanged",
        "changed": changed,
        "restarted": step.restart,
        "reason": None,
        "message": ", ".join(parts) or "file and running process have the values already",
        "keys": step.keys,
        "before": _proof.process_dict(step.unit, step.file.sha256),
        "after": _proof.process_dict(step.unit, _atomic_write.sha256(step.new)),
        "proof": None,
    }


def _message(step: _Step, shown: _proof.Shown) -> str:
    if shown.state == "failed":
        return shown.message
    if step.restart:
        return "restarted; the new process runs with the new values"
    text = "not restarted: the running process has the values already"
    return text + "; " + shown.message if shown.message else text


def change(
    host: Host,
    instances: Sequence[Instance],
    settle: float = 0.0,
    check: bool = False,
    arm: Optional[Callable[[List[str]], object]] = None,
) -> Dict[str, Any]:
    """Bring every instance to its ``env`` and prove it; the result of ``agent_change``.

    With ``check`` nothing is written or restarted. One instance's failure never stops another. ``arm`` is told the agents
    before the first write; when it raises, nothing is written.
    """
    units = host.show([instance.unit for instance in instances])
    results: Dict[str, Dict[str, Any]] = {instance.agent: {} for instance in instances}
    steps: List[_Step] = []
    shared = one_unit_twice(units.values())
    for instance in instances:
        unit = units[instance.unit]
        try:
            if unit.identity in shared:
                raise InstanceError(
                    "same_unit",
                    "{0} is one service under several names ({1}); nothing was written. Correct the unit's name, or leave all "
                    "but one of these agents out".format(unit.identity, ", ".join(shared[unit.identity])),
                )
            steps.append(_prepare(host, instance, unit))
        except InstanceError as problem:
            results[instance.agent] = _failure(unit, problem, None)
    diff = [_file_diff.env_file_diff(s.file.path, s.file.data, s.new) for s in steps if s.differs]
    if check:
        for step in steps:
            results[step.instance.agent] = _would(step)
        return _accounts.conclude(results, diff=diff)
    if arm is not None and steps:
        try:
            arm([step.instance.agent for step in steps])
        except InstanceError as problem:
            for step in steps:
                results[step.instance.agent] = _failure(step.unit, problem, step.file.sha256)
            return _accounts.conclude(results, diff=[])
    _atomic_write.remove_leftovers_beside(step.file.path for step in steps)
    ready = []
    for step in steps:
        try:
            if step.differs:
                _same_as_read(step.file)
                _atomic_write.replace(step.file.path, step.new, step.file.rights)
                step.written = True
            ready.append(step)
        except InstanceError as problem:
            results[step.instance.agent] = _failure(step.unit, problem, step.file.sha256)
    _restart_and_prove(host, ready, results, settle)
    return _accounts.conclude(results, diff=diff)


def _same_as_read(read: _atomic_write.RegularFile) -> None:
    """Arming takes its time, up to a minute on a busy host: what somebody writes meanwhile must not be lost."""
    now = _replaceable.read(read.path)
    if (now.data, now.rights) != (read.data, read.rights):
        raise InstanceError(
            "backup_stale",
            "{0} was changed by somebody else while the host armed its way back; it was not written. Put it back as it was "
            "backed up, or take a new backup: move the backup directory aside and begin a new attempt".format(
                read.path
            ),
        )


def _failure(unit: Unit, problem: InstanceError, sha256: Optional[str]) -> Dict[str, Any]:
    out = _accounts.failed(problem.reason, problem.message)
    state = _proof.process_dict(unit, sha256)
    out.update(restarted=False, keys=[], before=state, after=state, proof=None)
    return out


def _restart_and_prove(host: Host, steps: Sequence[_Step], results: Dict[str, Dict[str, Any]], settle: float) -> None:
    restart_us = host.now_us()
    complaint = restart_all(host, [(s.unit, s.instance.proof.ready_within) for s in steps if s.restart])
    wanted = [
        _proof.Wanted(
            agent=step.instance.agent,
            unit=step.unit.name,
            env=step.instance.env,
            proof=step.instance.proof,
            restarted=step.restart,
            old_invocation=step.unit.invocation_id,
            complaint=complaint,
            stop_s=step.unit.stop_timeout_s if step.restart else 0.0,
        )
        for step in steps
    ]
    for step, shown in zip(steps, _proof.prove(host, wanted, restart_us, settle)):
        results[step.instance.agent] = {
            "state": shown.state,
            "changed": step.written or step.restart,
            "restarted": step.restart,
            "reason": shown.reason,
            "message": _message(step, shown),
            "keys": step.keys,
            "before": _proof.process_dict(step.unit, step.file.sha256),
            "after": _proof.process_dict(shown.unit, _atomic_write.sha256(step.new)),
            "proof": shown.as_dict(),
        }


def restart_all(host: Host, units: Sequence[Tuple[Unit, float]]) -> str:
    """Clear start limits and restart these units in one call; gives systemctl's complaints.

    Each comes with the seconds that its new process has. The old one may take as long as its unit allows to end.
    """
    if not units:
        return ""
    # The sixth restart within ten seconds would leave a unit failed, however healthy it is.
    names = [unit.name for unit, _within in units]
    host.reset_failed(names)
    return host.restart(names, max(min(unit.stop_timeout_s, LONGEST_WAIT_S) + within for unit, within in units))
