# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them: ansible-runner, a fresh private data dir for each, the project's files, and an inventory that is a script.

The project holds what a checkout holds and nothing that was built; its files can't be written. Only the monitoring folder outlives a job.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner

from tests.playbook.awx.extra_vars import awx_file
from tests.quality.command import ROOT
from tests.rollout.scenario import boundaries
from tests.rollout.scenario.boundaries import STRUCK, Boundary

PROJECT = (
    "ansible.cfg",
    "bindep.txt",
    "collections",
    "galaxy.yml",
    "inventories",
    "meta",
    "playbooks",
    "plugins",
    "requirements.txt",
    "roles",
)


@dataclass
class Job:
    """A job that has ended."""

    status: str
    rc: int | None
    events: list[dict[str, Any]] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)

    def said(self) -> str:
        return "\n".join(event.get("stdout") or "" for event in self.events)

    def kinds(self) -> set[str]:
        return {str(event["event"]) for event in self.events}


class Jobs:
    """Jobs of one fleet, below a folder of their own. `monitoring` is the volume that all of them mount; `files` are the project's besides."""

    def __init__(self, fleet: str, folder: Path, files: dict[str, str]) -> None:
        self.folder, self.monitoring, self.files = folder, folder / "monitoring", files
        if folder.exists():
            _writable(folder)
            shutil.rmtree(folder)
        self.monitoring.mkdir(parents=True)
        self._count = 0
        bins = Path(sys.executable).parent
        asked = subprocess.run(
            [str(bins / "ansible-inventory"), "-i", "inventories/rehearsal", "--list"],
            cwd=ROOT, env={**os.environ, "ROLLOUT_FLEET": fleet, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
            check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self.inventory = asked.stdout
        self.path = f"{bins}:{os.environ['PATH']}"

    def run(
        self,
        playbook: str,
        variables: dict[str, Any],
        *,
        cancel_at: Boundary | None = None,
    ) -> Job:
        """One job, in a private data dir that no other has used. `cancel_at`: where it stands still, and is canceled."""
        self._count += 1
        private = self.folder / f"job-{self._count}"
        log = private / "boundaries"
        project = private / "project"
        project.mkdir(parents=True)
        _copy(project, self.files)
        (private / "inventory").mkdir()
        script = private / "inventory" / "hosts"
        script.write_text(f"#!/usr/bin/env python3\nprint({self.inventory!r})\n")
        script.chmod(0o700)
        template = {
            "rollout_monitoring_dir": str(self.monitoring),
            # What an inventory says relative to itself is not there: AWX's is a script elsewhere.
            "rollout_agents_file": str(project / "inventories/rehearsal/group_vars/dgx/agents.csv"),
        }
        (private / "env").mkdir()
        said = {"awx_job_id": self._count, "awx_user_name": "joe", **variables}
        (private / "env" / "extravars").write_text(awx_file(said, template))
        before = _stamp(project)
        events: list[dict[str, Any]] = []
        told = ansible_runner.run(
            private_data_dir=str(private),
            playbook=playbook,
            envvars={
                "PATH": self.path,
                "ANSIBLE_HOME": str(private / "home"),
                "PYTHONDONTWRITEBYTECODE": "1",
                "AWX_HOST": "https://awx.invalid",
                **(boundaries.environment(log, [cancel_at]) if cancel_at else {}),
            },
            cancel_callback=lambda: log.exists() and STRUCK in log.read_text().split("\n"),
            event_handler=lambda event: bool(events.append(event)) or True,
            quiet=True,
        )
        after = _stamp(project)
        touched = sorted(
            str(path) for path in before.keys() ^ after.keys() | {p for p in before if before[p] != after.get(p)}
        )
        return Job(told.status, told.rc, events, touched)

    def records(self, rollout: str) -> list[dict[str, Any]]:
        path = self.monitoring / "ledger" / f"{rollout}.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def kinds(self, rollout: str) -> list[str]:
        return [str(record["kind"]) for record in self.records(rollout)]


def _copy(project: Path, files: dict[str, str]) -> None:
    for name in PROJECT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, project / name)
    for name, text in files.items():
        (project / name).write_text(text, encoding="utf-8")
    for path in [project, *project.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)


def _writable(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200)


def _stamp(project: Path) -> dict[Path, tuple[int, int]]:
    """What a write would change; for root, who may write everywhere."""
    return {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in project.rglob("*")}
