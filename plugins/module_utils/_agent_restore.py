# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put environment files back from a backup and prove that the old state runs again. Needs nothing but the manifest."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as with_fields
from typing import Any, Collection, Dict, FrozenSet, List, Mapping, Optional, Sequence

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _accounts,
    _agent_change,
    _atomic_write,
    _backup_manifest,
    _env_file,
    _file_diff,
    _proof,
    _replaceable,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._host import Host
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError, Proof
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import Unit

# systemd adds these to some invocations and not to others; they are nobody's configuration.
_SYSTEMD_KEYS = frozenset(
    [
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "SYSTEMD_EXEC_PID",
        "NOTIFY_SOCKET",
        "LISTEN_FDS",
        "LISTEN_PID",
        "LISTEN_FDNAMES",
        "WATCHDOG_PID",
        "WATCHDOG_USEC",
        "MAINPID",
        "MANAGERPID",
        "MEMORY_PRESSURE_WATCH",
        "MEMORY_PRESSURE_WRITE",
        "PATH",
        "LANG",
        "LANGUAGE",
        "LC_ALL",
        "USER",
        "LOGNAME",
        "HOME",
        "SHELL",
        "TERM",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "SERVICE_RESULT",
        "EXIT_CODE",
        "EXIT_STATUS",
        "FDSTORE",
        "CREDENTIALS_DIRECTORY",
        "CONFIGURATION_DIRECTORY",
        "STATE_DIRECTORY",
        "RUNTIME_DIRECTORY",
        "CACHE_DIRECTORY",
        "LOGS_DIRECTORY",
        "DEBUG_INVOCATION",
        "TRIGGER_PATH",
        "TRIGGER_UNIT",
        "MONITOR_SERVICE_RESULT",
        "MONITOR_UNIT",
        "MONITOR_INVOCATION_ID",
    ]
)


#: Why a process that runs in the old state, as far as anybody can see, is not proven to. Trying again changes nothing about it.
_UNPROVEN = frozenset(
    ["log_line_missing", "subscription_missing", "not_ready_in_time", "environ_unreadable", "error_in_log"]
)


@dataclass
class _Step:
    entry: _backup_manifest.Entry
    unit: Unit
    copy: _atomic_write.RegularFile
    current: Optional[_atomic_write.RegularFile]
    wanted: Dict[str, str]
    extra: FrozenSet[str]
    restart: bool = False
    written: bool = False

    @property
    def rights(self) -> _atomic_write.Rights:
        return _atomic_write.Rights(self.entry.uid, self.entry.gid, self.entry.mode)

    @property
    def differs(self) -> bool:
        current = self.current
        return current is None or current.data != self.copy.data or current.rights != self.rights

    @property
    def file_only(self) -> bool:
        """It did not run at backup time and doesn't now: nothing has to come up."""
        return not self.entry.active and not self.unit.runs


def _prepare(host: Host, entry: _backup_manifest.Entry, unit: Unit, directory: str) -> _Step:
    copy = _backup_manifest.read_copy(directory, entry)
    try:
        current: Optional[_atomic_write.RegularFile] = _replaceable.read(entry.env_file)
    except InstanceError as problem:
        if problem.reason != "env_file_missing":
            raise
        current = None
    wanted = {key: value for key, value in _env_file.agreed(copy.data).items() if key not in entry.drifted_keys}
    step = _Step(entry, unit, copy, current, wanted, frozenset())
    environ = _agent_change.running_environ(host, unit)
    if environ is None:
        step.restart = not step.file_only
        return step
    file_changed = current is None or current.data != copy.data
    started_with_it = not file_changed and current is not None and _agent_change.started_with(unit, current)
    differing = environ.differing(wanted)
    if differing is None:
        step.restart = not started_with_it
        return step
    if entry.process_keys is not None and environ.readable and not started_with_it:
        # A key that the rollout added is still in a process that was not restarted, though no file has it any more. What
        # the old file itself gives was added by somebody else, and so was what a process has that began with that file.
        step.extra = frozenset(environ.values) - frozenset(entry.process_keys) - _keys(copy.data) - _SYSTEMD_KEYS
    step.restart = file_changed or bool(step.extra) or bool(differing)
    return step


def _is_back(step: _Step, shown: _proof.Shown) -> bool:
    """Whether nothing is left of the change as far as anybody can see, though the process does not show its proof."""
    unit = shown.unit
    if shown.reason not in _UNPROVEN or shown.environ is False or unit is None or unit.active_state != "active":
        return False
    # Of one whose environment can't be read: it began after the old file was back.
    began_anew = not step.restart or unit.invocation_id != step.unit.invocation_id
    return unit.main_pid is not None and began_anew


def _keys(data: bytes) -> FrozenSet[str]:
    """Names that some systemd reads from a file."""
    return frozenset(_env_file.effective(data, False)) | frozenset(_env_file.effective(data, True))


def _base(step: _Step, **fields: Any) -> Dict[str, Any]:
    old = step.current.sha256 if step.current else None
    out: Dict[str, Any] = {
        "state": "restored",
        "changed": step.written or step.restart,
        "restarted": step.restart,
        "reason": None,
        "message": "",
        "keys": _changed_keys(step),
        "before": _proof.process_dict(step.unit, old),
        "after": _proof.process_dict(step.unit, step.copy.sha256),
        "proof": None,
    }
    out.update(fields)
    return out


def _changed_keys(step: _Step) -> List[str]:
    old = _env_file.effective(step.current.data) if step.current else {}
    new = _env_file.effective(step.copy.data)
    return sorted(key for key in set(old) | set(new) if old.get(key) != new.get(key))


def _would(step: _Step) -> Dict[str, Any]:
    changed = step.differs or step.restart
    parts = ["would put back {0}".format(step.entry.env_file)] if step.differs else []
    if step.restart:
        parts.append("would restart {0}".format(step.unit.name))
    return _base(
        step,
        state="would_restore" if changed else "unchanged",
        changed=changed,
        message=", ".join(parts) or "file and running process are as at the backup",
    )


def _failure(problem: InstanceError, unit: Optional[Unit]) -> Dict[str, Any]:
    out = _accounts.failed(problem.reason, problem.message)
    state = _proof.process_dict(unit, None)
    out.update(restarted=False, keys=[], before=state, after=state, proof=None)
    return out


def restore(
    host: Host,
    directory: str,
    agents: Optional[Sequence[str]] = None,
    ready_within: Optional[float] = None,
    settle: float = 0.0,
    check: bool = False,
    proofs: Optional[Mapping[str, Proof]] = None,
    accepted: Collection[str] = (),
) -> Dict[str, Any]:
    """Restore ``agents`` (all of the manifest when ``None``); the result of ``agent_restore``.

    ``proofs``: by agent, what counts instead of the manifest's proof. An agent whose file is back, and whose process has the
    old values as far as can be seen, but does not show its proof, is ``unproven``; of those in ``accepted`` that is enough.

    Raises :class:`InstanceError` only when there is no manifest to work from and no agent was named.
    """
    try:
        if not _backup_manifest.check_directory(directory):
            raise InstanceError("backup_missing", "the backup directory {0} doesn't exist".format(directory))
        manifest = _backup_manifest.load(directory)
        if manifest is None:
            raise InstanceError("backup_missing", "{0} holds no manifest; nothing to restore from".format(directory))
    except InstanceError as problem:
        if not agents:
            raise
        return _accounts.conclude({agent: _failure(problem, None) for agent in agents}, diff=[])
    chosen = list(agents) if agents else sorted(manifest.agents)
    results: Dict[str, Dict[str, Any]] = {agent: {} for agent in chosen}
    for agent in set(proofs or ()) & set(manifest.agents):
        manifest.agents[agent] = with_fields(manifest.agents[agent], proof=(proofs or {})[agent])
    entries = [manifest.agents[agent] for agent in chosen if agent in manifest.agents]
    units = host.show([entry.unit for entry in entries])
    steps: List[_Step] = []
    for agent in chosen:
        entry = manifest.agents.get(agent)
        if entry is None:
            missing = InstanceError("backup_missing", "the manifest in {0} has no agent {1}".format(directory, agent))
            results[agent] = _failure(missing, None)
            continue
        try:
            steps.append(_prepare(host, entry, units[entry.unit], directory))
        except InstanceError as problem:
            results[agent] = _failure(problem, units[entry.unit])
    diff = [
        _file_diff.env_file_diff(s.entry.env_file, s.current.data if s.current else b"", s.copy.data)
        for s in steps
        if s.current is None or s.current.data != s.copy.data
    ]
    if check:
        for step in steps:
            results[step.entry.agent] = _would(step)
        return _accounts.conclude(results, diff=diff)
    _atomic_write.remove_leftovers_beside(step.entry.env_file for step in steps)
    running = []
    for step in steps:
        try:
            if step.differs:
                _atomic_write.replace(step.entry.env_file, step.copy.data, step.rights)
                step.written = True
        except InstanceError as problem:
            results[step.entry.agent] = _failure(problem, step.unit)
            continue
        if step.file_only:
            results[step.entry.agent] = _base(
                step,
                message="file as at the backup; {0} was not running at the backup and doesn't run now".format(
                    step.unit.name
                ),
            )
            continue
        unusable = _agent_change.unit_problem(step.unit)
        if unusable:
            results[step.entry.agent] = _base(
                step,
                state="failed",
                restarted=False,
                changed=step.written,
                reason=unusable.reason,
                message="the file is restored, but " + unusable.message,
            )
            continue
        running.append(step)
    _restart_and_prove(host, running, results, ready_within, settle, accepted)
    return _accounts.conclude(results, diff=diff)


def _restart_and_prove(
    host: Host,
    steps: Sequence[_Step],
    results: Dict[str, Dict[str, Any]],
    ready_within: Optional[float],
    settle: float,
    accepted: Collection[str],
) -> None:
    restart_us = host.now_us()
    proofs = [
        step.entry.proof if ready_within is None else with_fields(step.entry.proof, ready_within=ready_within)
        for step in steps
    ]
    complaint = _agent_change.restart_all(
        host, [(step.unit, proof.ready_within) for step, proof in zip(steps, proofs) if step.restart]
    )
    wanted = [
        _proof.Wanted(
            agent=step.entry.agent,
            unit=step.unit.name,
            env=step.wanted,
            proof=proof,
            restarted=step.restart,
            old_invocation=step.unit.invocation_id,
            complaint=complaint,
            stop_s=step.unit.stop_timeout_s if step.restart else 0.0,
            # A process of the old state that has been running for a while may have had its errors; it is back all the same.
            quiet=step.restart,
        )
        for step, proof in zip(steps, proofs)
    ]
    for step, shown in zip(steps, _proof.prove(host, wanted, restart_us, settle)):
        state = "restored" if shown.state == "proven" else "unproven" if _is_back(step, shown) else "failed"
        if state == "unproven":
            message = (
                "restored, not proven: the file and the values of the process are as at the backup, but "
                + shown.message
            )
            if step.entry.agent in accepted:
                state, message = "restored", "accepted as it is; " + message
        elif state == "failed":
            message = "the file is restored, but " + shown.message
        elif step.restart:
            message = "restored; the new process runs with the old values"
        else:
            message = "file and running process are as at the backup" + ("; " + shown.message if shown.message else "")
        results[step.entry.agent] = _base(
            step,
            state=state,
            reason=shown.reason,
            message=message,
            after=_proof.process_dict(shown.unit, step.copy.sha256),
            proof=shown.as_dict(),
        )
