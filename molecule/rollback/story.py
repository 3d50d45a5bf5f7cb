# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout is deployed and taken back in every way: in parts, then whole, with something else missing each time."""

from __future__ import annotations

import shutil
from typing import Any

from tests.rollout.scenario.story import ROOT, Story

BACKUP = "/opt/cim-dgx/configs/backups/undo"


def main() -> None:
    story = Story("rollback")
    path = story.out / "plans" / "undo.yml"
    path.parent.mkdir()
    shutil.copy(ROOT / "molecule" / "rollback" / "plans" / "undo.yml", path)
    aside = path.with_suffix(".aside")

    def run(label: str, playbook: str, limit: str | None = None, flags: tuple[str, ...] = (), **extra: Any) -> None:
        named = {"rollout": "undo", "rollout_plans_dir": str(path.parent), "rollout_skip_waits": True, **extra}
        story.run(label, playbook, extra=named, limit=limit, flags=flags)
        story.look(label)

    def rollback(label: str, limit: str | None = None, **extra: Any) -> None:
        run(label, "playbooks/rollback.yml", limit, **extra)

    story.look("before")
    run("deployed", "molecule/rollback/deployed.yml")
    rollback("one_agent", agent="network-expert")
    # From here on nobody has the plan any more.
    path.rename(aside)
    rollback("one_host", limit="dgx-1")
    for host in story.hosts:
        story.on(host, "systemctl stop nats-server")
    rollback("phase_without_nats", phase="others")
    for host in story.hosts:
        story.on(host, "systemctl start nats-server")
    rollback("phase_with_nats", phase="others")
    story.cut_ssh("dgx-2")
    rollback("host_away")
    story.mend_ssh("dgx-2")
    rollback("host_back")
    rollback("again")

    aside.rename(path)
    flags = ("--check", "--diff")
    before = len(story.records("undo"))
    run("checked_again", "molecule/rollback/deployed.yml", flags=flags, rollout_new_attempt=True)
    story.note("checked_again", [before, len(story.records("undo"))])
    run("deployed_2", "molecule/rollback/deployed.yml", rollout_new_attempt=True)
    path.rename(aside)
    # Past systemd's limit of starts: failed, and refusing to start.
    limit = "for i in 1 2 3 4 5 6 7 8; do systemctl restart agent-runtime@network-expert; done; systemctl is-active agent-runtime@network-expert"
    story.note("start_limit", story.on("dgx-1", limit, check=False).strip())
    story.on(
        "dgx-2",
        f"cp -p {BACKUP}/agent-runtime-tdd-expert.env /root/ && echo '# edited' >> {BACKUP}/agent-runtime-tdd-expert.env",
    )
    nowhere = {"rollout_monitoring_dir": str(story.out / "nothing_here"), "rollout_backup_dir": BACKUP}
    story.look("broken")
    rollback("ledger_gone", **nowhere)
    story.on("dgx-2", f"cp -p /root/agent-runtime-tdd-expert.env {BACKUP}/agent-runtime-tdd-expert.env")
    rollback("backup_mended", **nowhere)
    rollback("backup_again", **nowhere)


if __name__ == "__main__":
    main()
