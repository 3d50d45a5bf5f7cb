# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An instance (one agent on this host) as the controller describes it, checked before anything is touched."""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _env_file, _instant, _log_reading

_AGENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_UNIT = re.compile(r"[A-Za-z0-9_.:\\-]+(?:@[A-Za-z0-9_.:\\-]*)?\.service\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_INVOCATION = re.compile(r"[0-9a-f]{32}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

READY_WITHIN = 30.0


#: What a process must show, for the argument specs of modules.
PROOF_OPTION: Dict[str, Any] = {
    "type": "dict",
    "options": {
        "log": {"type": "str"},
        "subscriptions": {"type": "list", "elements": "str", "default": []},
        "ready_within": {"type": "float", "default": READY_WITHIN},
        "log_lines": {"type": "dict"},
    },
}


class InstanceError(Exception):
    """Something about one instance; ``reason`` is a word of the contract, the text a sentence for the operator."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class ArgumentProblem(ValueError):
    """An argument that no run can use."""


@dataclass(frozen=True)
class Proof:
    """What the new process itself must show: a log text, subscriptions, and within how many seconds after its start."""

    log: Optional[str] = None
    subscriptions: Tuple[str, ...] = ()
    ready_within: float = READY_WITHIN
    log_lines: _log_reading.Reading = _log_reading.USUAL

    def as_dict(self) -> Dict[str, Any]:
        """For the manifest."""
        shown = {"log": self.log, "subscriptions": list(self.subscriptions), "ready_within": self.ready_within}
        return {**shown, "log_lines": self.log_lines.raw} if self.log_lines.raw else shown


@dataclass(frozen=True)
class Instance:
    """One agent on this host. Log lines and events before ``since`` (microseconds) are not its business.

    ``backup_sha256`` is the hash of what a restore would put back. ``proven`` is the invocation whose log lines proved the
    change: they must stay readable.
    """

    agent: str
    unit: str
    env_file: Optional[str] = None
    env: Dict[str, str] = field(default_factory=dict)
    proof: Proof = field(default_factory=Proof)
    since: Optional[int] = None
    backup_sha256: Optional[str] = None
    log_lines: _log_reading.Reading = _log_reading.USUAL
    proven: Optional[str] = None


def check_agent(agent: Any, what: str = "agent") -> str:
    """The name of an agent (or a rollout) if it is safe in file and unit names."""
    if not isinstance(agent, str) or not _AGENT.match(agent) or ".." in agent:
        raise ArgumentProblem(
            "{0} {1!r} is no name; expected letters, digits, '.', '_' and '-', starting with a letter or digit".format(
                what, agent
            )
        )
    return agent


def check_unit(unit: Any, agent: str) -> str:
    """The unit's name if systemctl takes it as one service (no glob, no option, no path)."""
    if not isinstance(unit, str) or len(unit) > 255 or unit.startswith("-") or not _UNIT.match(unit):
        raise ArgumentProblem(
            "unit {0!r} of agent {1} is no service name; expected something like agent-runtime@{1}.service".format(
                unit, agent
            )
        )
    return unit


def check_path(path: Any, what: str) -> str:
    """An absolute path without ``..``, doubled slashes or control characters."""
    if (
        not isinstance(path, str)
        or not path.startswith("/")
        or _CONTROL.search(path)
        or os.path.normpath(path) != path
        or path == "/"
    ):
        raise ArgumentProblem("{0} {1!r} is no plain absolute path (no '..', no doubled '/')".format(what, path))
    return path


def check_seconds(value: Any, what: str) -> float:
    """A wait of 0 to 3600 seconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 3600:
        raise ArgumentProblem("{0} is {1!r}; expected 0 to 3600 seconds".format(what, value))
    return float(value)


def proof_from(raw: Optional[Mapping[str, Any]], agent: str) -> Proof:
    """Proof from an argument or a manifest; missing parts mean "not asked for"."""
    if not raw:
        return Proof()
    log = raw.get("log")
    subscriptions = raw.get("subscriptions") or []
    within = raw.get("ready_within")
    if log is not None and not isinstance(log, str):
        raise ArgumentProblem("proof.log of agent {0} is {1!r}; expected text".format(agent, log))
    if not isinstance(subscriptions, (list, tuple)) or not all(isinstance(s, str) and s for s in subscriptions):
        raise ArgumentProblem("proof.subscriptions of agent {0} is no list of subject patterns".format(agent))
    if within is None:
        within = READY_WITHIN
    if isinstance(within, bool) or not isinstance(within, (int, float)) or not 0 < within <= 3600:
        raise ArgumentProblem(
            "proof.ready_within of agent {0} is {1!r}; expected seconds, more than 0 and at most 3600".format(
                agent, within
            )
        )
    return Proof(log or None, tuple(subscriptions), float(within), log_lines_from(raw.get("log_lines"), agent))


def log_lines_from(raw: Any, agent: str) -> _log_reading.Reading:
    """How the lines of an agent are read; nothing given means that all shapes are tried."""
    try:
        return _log_reading.reading_from(raw)
    except _log_reading.LogLinesError as problem:
        raise ArgumentProblem("agent {0}: {1}".format(agent, problem)) from None


def instances_from(
    raw: Sequence[Mapping[str, Any]], needs_env_file: bool = False, needs_env: bool = False
) -> List[Instance]:
    """Check a list of instance specs; raises :class:`ArgumentProblem` that names every bad one."""
    problems: List[str] = []
    out: List[Instance] = []
    seen: Dict[Tuple[str, str], str] = {}
    for spec in raw:
        try:
            agent = check_agent(spec.get("agent"))
            unit = check_unit(spec.get("unit"), agent)
            env_file = spec.get("env_file")
            if env_file is not None or needs_env_file:
                env_file = check_path(env_file, "env_file of agent {0}".format(agent))
            env = dict(spec.get("env") or {})
            if needs_env and not env:
                raise ArgumentProblem("agent {0} has no env; expected at least one KEY: value to set".format(agent))
            for key, value in env.items():
                try:
                    _env_file.check_assignment(key, value)
                except _env_file.EnvFileError as problem:
                    raise ArgumentProblem("agent {0}: {1}".format(agent, problem)) from None
            for what, value in (("agent", agent), ("unit", unit), ("env_file", env_file)):
                if value is None:
                    continue
                if (what, value) in seen:
                    raise ArgumentProblem(
                        "agent {0}: {1} {2} is already used by agent {3}".format(agent, what, value, seen[what, value])
                    )
                seen[what, value] = agent
            since = _instant.parse(spec["since"]) if spec.get("since") else None
            backup = spec.get("backup_sha256") or None
            if backup is not None and not (isinstance(backup, str) and _SHA256.match(backup)):
                raise ArgumentProblem(
                    "backup_sha256 {0!r} of agent {1} is no SHA-256; expected 64 lower-case hexadecimal digits".format(
                        backup, agent
                    )
                )
            proof, log_lines = proof_from(spec.get("proof"), agent), log_lines_from(spec.get("log_lines"), agent)
            proven = spec.get("proven") or None
            if proven is not None and not (isinstance(proven, str) and _INVOCATION.match(proven)):
                raise ArgumentProblem(
                    "proven {0!r} of agent {1} is no invocation id; expected 32 lower-case hexadecimal digits".format(
                        proven, agent
                    )
                )
            out.append(Instance(agent, unit, env_file, env, proof, since, backup, log_lines, proven))
        except ArgumentProblem as problem:
            problems.append(str(problem))
        except ValueError as problem:
            problems.append("agent {0}: since: {1}".format(spec.get("agent"), problem))
    if problems:
        raise ArgumentProblem("; ".join(problems))
    return out
