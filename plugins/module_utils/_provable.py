# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before a change: whether it could be proven on this host at all, and whether the proof of going back fits what runs.

The process that runs is in the state that a rollback would return to. So its environment must show the old value of each
key that is to change, or else no new value would ever be seen there; and it must show what the undo proof asks for, or else
no rollback would ever be proven.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _atomic_write,
    _env_file,
    _environ,
    _instant,
    _proof,
    _secrets,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._host import Host
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import Instance, InstanceError
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import Unit
from ansible_collections.cowboyai.rollout.plugins.module_utils._unit_config import UnitConfig

#: Programs that start others with an environment of their own, or on another machine.
WRAPPERS = frozenset(
    [
        *(
            "sudo",
            "su",
            "doas",
            "runuser",
            "login",
            "ssh",
            "sshpass",
            "screen",
            "tmux",
            "firejail",
            "bwrap",
            "flatpak",
            "snap",
        ),
        *("machinectl", "systemd-run", "systemd-nspawn", "lxc", "lxc-start", "lxc-attach", "incus", "kubectl"),
        *("docker", "podman", "nerdctl", "ctr", "conmon", "crun", "runc", "apptainer", "singularity"),
    ]
)


def check(
    host: Host,
    instances: Sequence[Instance],
    units: Dict[str, Unit],
    proc: str = "/proc",
    cgroups: str = "/sys/fs/cgroup",
) -> Dict[str, Dict[str, Any]]:
    """By agent: ``problems`` (sentences; none of them may be there) and ``undo`` (``state``, ``reason``, ``message``).

    Each instance has the changed keys as names in ``env`` and the undo proof as ``proof``. Reads only.
    """
    config = host.configuration([instance.unit for instance in instances])
    out: Dict[str, Dict[str, Any]] = {}
    wanted: List[_proof.Wanted] = []
    for instance in instances:
        unit = units[instance.unit]
        problems, old = _problems(host, instance, unit, config[instance.unit], proc, cgroups)
        out[instance.agent] = {"problems": problems, "undo": {"state": "unknown", "reason": None, "message": ""}}
        if unit.active_state == "active" and unit.main_pid is not None:
            env = {} if problems else old
            wanted.append(_proof.Wanted(instance.agent, unit.name, env, instance.proof, restarted=False, quiet=False))
    for shown in _proof.prove(host, wanted, host.now_us()):
        out[shown.wanted.agent]["undo"] = _undo(shown)
    return out


def _undo(shown: _proof.Shown) -> Dict[str, Any]:
    state = "unknown" if shown.rotated or shown.reason == "environ_unreadable" else str(shown.state)
    return {"state": state, "reason": shown.reason, "message": shown.message}


def _problems(
    host: Host, instance: Instance, unit: Unit, config: UnitConfig, proc: str, cgroups: str
) -> Tuple[List[str], Dict[str, str]]:
    """(why no proof of the change could ever succeed, the old values that the process must show)."""
    if unit.active_state != "active":
        return [], {}
    if unit.main_pid is None:
        return [
            "{0} has no main process ({1}), whose environment could show the change".format(unit.name, unit.sub_state)
        ], {}
    try:
        found = _atomic_write.read_regular(instance.env_file or "")
        environ = host.environ(unit.main_pid, unit.invocation_id)
    except (InstanceError, PermissionError) as problem:
        return [str(problem)], {}
    if environ is None:
        return ["the main process {0} of {1} ended while it was looked at".format(unit.main_pid, unit.name)], {}
    keys = sorted(instance.env)
    file = {key: value for key, value in _env_file.effective(found.data).items() if key in keys}
    problems = list(_of_unit(found.path, keys, unit, config))
    if not environ.readable:
        problems.append(_environ.unreadable(unit.main_pid, unit.name, keys) + _started_by(config))
    else:
        problems += _of_values(found, keys, file, environ, unit, explained=bool(problems))
        problems += _of_wrapper(host, file, unit, config, proc, cgroups)
    return problems, {key: value for key, value in file.items() if environ.values.get(key) == value}


def _started_by(config: UnitConfig) -> str:
    return " (ExecStart={0})".format(_secrets.mask_text(config.commands[0])[:200]) if config.commands else ""


def _of_unit(path: str, keys: Sequence[str], unit: Unit, config: UnitConfig) -> Iterator[str]:
    """What the unit's own configuration does to these keys."""
    reads, later = config.after(path)
    if not reads:
        yield "{0} does not read {1}: its EnvironmentFile= are {2}".format(
            unit.name, path, ", ".join(config.files) or "none"
        )
    for other in later:
        try:
            values = _env_file.effective(_atomic_write.read_regular(os.path.realpath(other)).data)
        except InstanceError:
            # An optional file that isn't there; one that can't be read gives the process nothing either.
            continue
        again = [key for key in keys if key in values]
        if again:
            yield "{0} is set again by {1}, which {2} reads after {3}".format(", ".join(again), other, unit.name, path)
    unset = [key for key in keys if any(word == key or word.startswith(key + "=") for word in config.unset)]
    if unset:
        yield "{0} takes {1} away (UnsetEnvironment=)".format(unit.name, ", ".join(unset))
    for key in keys:
        if any(re.search(r"(?:^|[\s'\";]){0}=".format(re.escape(key)), command) for command in config.commands):
            yield "the ExecStart= of {0} sets {1} itself".format(unit.name, key)


def _of_values(
    found: _atomic_write.RegularFile,
    keys: Sequence[str],
    file: Dict[str, str],
    environ: _environ.Environ,
    unit: Unit,
    explained: bool,
) -> Iterator[str]:
    """Where the process does not show what the file has."""
    differing = sorted(key for key, value in file.items() if environ.values.get(key) != value)
    if differing and found.changed_us > (unit.started_at or 0):
        yield "{0} was changed at {1}, after the process of {2} began: the process does not have its {3}".format(
            found.path, _instant.iso(found.changed_us), unit.name, ", ".join(differing)
        )
    elif differing and not explained:
        yield "the process of {0} does not have the {1} of {2}: something between the file and the program gives it another".format(
            unit.name, ", ".join(differing), found.path
        )
    if differing or explained:
        return
    others = {key: value for key, value in _env_file.agreed(found.data).items() if key not in keys}
    if others and not file and not any(environ.values.get(key) == value for key, value in others.items()):
        yield "the process of {0} has none of the values of {1}, so it would not get {2} either".format(
            unit.name, found.path, ", ".join(keys)
        )


def _of_wrapper(
    host: Host, file: Dict[str, str], unit: Unit, config: UnitConfig, proc: str, cgroups: str
) -> Iterator[str]:
    """A main process that starts the agent elsewhere has systemd's environment, and the agent has not."""
    name = _program(unit.main_pid, proc)
    if name not in WRAPPERS:
        return
    for pid in _processes(config.control_group, cgroups):
        if pid == unit.main_pid or _program(pid, proc) in WRAPPERS:
            continue
        try:
            environ = host.environ(pid, unit.invocation_id)
        except PermissionError:
            continue
        if environ is not None and environ.readable and environ.differing(file) == []:
            return
    yield "the main process of {0} is {1}{2}: it starts the agent with an environment of its own, which nobody here can see".format(
        unit.name, name, _started_by(config)
    )


def _program(pid: Optional[int], proc: str) -> str:
    try:
        return os.path.basename(os.readlink("{0}/{1}/exe".format(proc, pid))).replace(" (deleted)", "")
    except OSError:
        return ""


def _processes(group: str, cgroups: str) -> List[int]:
    """The processes of a service."""
    for tree in ("", "systemd", "unified"):
        path = os.path.join(cgroups, tree, group.lstrip("/"), "cgroup.procs")
        try:
            with open(path, encoding="ascii", errors="replace") as stream:
                return [int(line) for line in stream if line.strip().isdigit()]
        except OSError:
            continue
    return []
