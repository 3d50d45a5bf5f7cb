# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what environment files were before a rollout; an earlier good backup is never overwritten."""

from __future__ import annotations

import os
from dataclasses import replace as with_fields
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _accounts,
    _agent_change,
    _atomic_write,
    _backup_manifest,
    _env_file,
    _instant,
    _replaceable,
    _units_info,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._host import Host
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import Instance, InstanceError, Proof
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import Unit


def _result(
    state: str, message: str, entry: _backup_manifest.Entry, directory: str, changed: bool, differs: bool = False
) -> Dict[str, Any]:
    return {
        "state": state,
        "reason": None,
        "message": message,
        "changed": changed,
        "differs": differs,
        "path": os.path.join(directory, entry.file),
        "sha256": entry.sha256,
        "size_bytes": entry.size_bytes,
    }


def _keep(
    instance: Instance, entry: _backup_manifest.Entry, directory: str
) -> Tuple[_backup_manifest.Entry, Dict[str, Any]]:
    """An agent that the manifest has already: check the copy, never touch it."""
    if (entry.unit, entry.env_file) != (instance.unit, instance.env_file):
        raise InstanceError(
            "backup_differs",
            "the manifest has {0} of {1} under this agent, now it is {2} of {3}; use another backup directory".format(
                entry.env_file, entry.unit, instance.env_file, instance.unit
            ),
        )
    _backup_manifest.read_copy(directory, entry)
    message = "the earlier backup is whole and was kept"
    differs = True
    try:
        differs = _replaceable.read(entry.env_file).sha256 != entry.sha256
        if differs:
            message += "; {0} has changed since".format(entry.env_file)
    except InstanceError as problem:
        message += "; " + problem.message
    # The plan may say better by now what the old state must show; the copy is not concerned.
    newer = instance.proof != Proof() and instance.proof != entry.proof
    kept = with_fields(entry, proof=instance.proof) if newer else entry
    return kept, _result("kept", message, kept, directory, newer, differs)


def _new_entry(host: Host, instance: Instance, unit: Unit, found: _atomic_write.RegularFile) -> _backup_manifest.Entry:
    environ = _agent_change.running_environ(host, unit)
    effective = _env_file.agreed(found.data)
    drifted: List[str] = []
    if environ is not None and environ.readable:
        # Values that another file or an edit without restart holds differently: a restore must not wait for them.
        drifted = sorted(key for key, value in effective.items() if environ.values.get(key) != value)
    return _backup_manifest.Entry(
        agent=instance.agent,
        unit=unit.name,
        env_file=found.path,
        file=os.path.basename(found.path),
        sha256=found.sha256,
        size_bytes=len(found.data),
        owner=_units_info.owner_name(found.rights.uid),
        uid=found.rights.uid,
        group=_units_info.group_name(found.rights.gid),
        gid=found.rights.gid,
        mode=found.rights.mode,
        mtime=_instant.iso(found.mtime_us) or "",
        backed_up_at=_instant.iso(host.now_us()) or "",
        active=unit.runs,
        process_keys=sorted(environ.values) if environ is not None and environ.readable else None,
        drifted_keys=drifted,
        proof=instance.proof,
    )


def _add(
    host: Host, instance: Instance, unit: Unit, directory: str, check: bool
) -> Tuple[_backup_manifest.Entry, Dict[str, Any]]:
    """An agent that the manifest doesn't have yet."""
    problem = _agent_change.unit_problem(unit)
    if problem:
        raise problem
    found = _replaceable.read(instance.env_file or "")
    _replaceable.refuse_locked(found.path)
    entry = _new_entry(host, instance, unit, found)
    path = os.path.join(directory, entry.file)
    own = _atomic_write.Rights(os.geteuid(), os.getegid(), _backup_manifest.COPY_MODE)
    message = "would be backed up" if check else "backed up"
    existing: Optional[_atomic_write.RegularFile] = None
    try:
        existing = _atomic_write.read_regular(path, "backup copy", "backup")
    except InstanceError as trouble:
        if trouble.reason != "backup_missing":
            raise InstanceError("backup_differs", trouble.message) from None
    if existing is not None:
        if existing.data != found.data:
            raise InstanceError(
                "backup_differs",
                "{0} exists, is in no manifest, and differs from {1}; nothing was overwritten. If it is the good "
                "state, put it back first; if not, move it away; then run again".format(path, found.path),
            )
        message = (
            "an identical copy was there already, " + ("it would be" if check else "it is now") + " in the manifest"
        )
    if not check and (existing is None or existing.rights != own):
        _atomic_write.replace(path, found.data, own)
        _backup_manifest.read_copy(directory, entry)
    return entry, _result("backed_up", message, entry, directory, True)


def backup(
    host: Host, instances: Sequence[Instance], directory: str, rollout: str, host_name: str, check: bool = False
) -> Dict[str, Any]:
    """Back up every instance's environment file; the result of ``agent_backup``. The manifest is written last."""
    agents = [instance.agent for instance in instances]
    manifest_path = os.path.join(directory, _backup_manifest.FILE_NAME)
    try:
        exists = _backup_manifest.check_directory(directory)
        made = False
        if not check:
            made = _backup_manifest.make_directory(directory)
            _atomic_write.remove_leftovers(directory)
        known = _backup_manifest.load(directory) if exists else None
        if known is not None and known.rollout != rollout:
            raise InstanceError(
                "backup_differs",
                "the backup directory {0} belongs to rollout '{1}', not to '{2}'; nothing was touched. Give each "
                "rollout a directory of its own".format(directory, known.rollout, rollout),
            )
    except InstanceError as problem:
        return dict(
            _accounts.all_failed(agents, problem.reason, problem.message), manifest_path=None, manifest_sha256=None
        )
    now = _instant.iso(host.now_us()) or ""
    manifest = known or _backup_manifest.Manifest(rollout, host_name, now)
    old = known.encode() if known else b""
    units = host.show([i.unit for i in instances if i.agent not in manifest.agents])
    taken = {entry.file: agent for agent, entry in manifest.agents.items()}
    results: Dict[str, Dict[str, Any]] = {}
    for instance in instances:
        try:
            before = manifest.agents.get(instance.agent)
            if before is not None:
                entry, result = _keep(instance, before, directory)
            else:
                name = os.path.basename(instance.env_file or "")
                if name == _backup_manifest.FILE_NAME or taken.setdefault(name, instance.agent) != instance.agent:
                    raise InstanceError(
                        "backup_differs",
                        "the backup name {0} is taken by {1}".format(name, taken.get(name, "the manifest")),
                    )
                entry, result = _add(host, instance, units[instance.unit], directory, check)
            manifest.agents[instance.agent] = entry
            results[instance.agent] = result
        except InstanceError as problem:
            failure = _accounts.failed(problem.reason, problem.message)
            failure.update(differs=None, path=None, sha256=None, size_bytes=None)
            results[instance.agent] = failure
    new = manifest.encode() if manifest.agents else b""
    if new != old and not check:
        own = _atomic_write.Rights(os.geteuid(), os.getegid(), _backup_manifest.COPY_MODE)
        try:
            _atomic_write.replace(manifest_path, new, own)
        except InstanceError as problem:
            return dict(
                _accounts.all_failed(agents, problem.reason, problem.message), manifest_path=None, manifest_sha256=None
            )
    diff = [{"prepared": "".join("+ {0}\n".format(r["path"]) for r in results.values() if r["changed"])}]
    return _accounts.conclude(
        results,
        changed=made or new != old,
        manifest_path=manifest_path if new else None,
        manifest_sha256=_atomic_write.sha256(new) if new else None,
        diff=diff,
    )
