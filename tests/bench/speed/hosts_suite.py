# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suite `hosts`: roll back 6 instances, change 72, ask 93 how they are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable

from speed.fleet import BUILD, ROOT, BenchError, Expected, Fleet
from speed.result import OURS, Faster, Under
from speed.session import Contender, Row

PEERS = ("loop_role", "ssh_script")
PLANS = ROOT / "tests" / "bench" / "plans"
LOOP_ROLE = ROOT / "tests" / "bench" / "peers" / "loop_role"
SSH_SCRIPT = ROOT / "tests" / "bench" / "peers" / "ssh_script"
AGENTS_FILE = ROOT / "inventories" / "rehearsal" / "group_vars" / "dgx" / "agents.csv"
MONITORING = BUILD / "work" / "monitoring"
SNAPSHOT = BUILD / "work" / "monitoring.start"

#: How often a slow peer is worth waiting for.
SLOW, SLOWEST = 3, 1


def all_agents() -> tuple[str, ...]:
    lines = AGENTS_FILE.read_text(encoding="utf-8").splitlines()[1:]
    return tuple(line.split(",")[0] for line in lines)


def agents_of_plan(name: str) -> tuple[str, ...]:
    """The agents of a plan's one phase. Read without YAML: this runs before anything is installed but Python."""
    text = (PLANS / f"{name}.yml").read_text(encoding="utf-8")
    inline = re.search(r"agents: \[(.*?)\]", text)
    return tuple(inline[1].split(", ")) if inline else tuple(re.findall(r"(?m)^      - (\S+)$", text))


def ours(fleet: Fleet, playbook: str, rollout: str = "", **more: str) -> list[str]:
    """What an operator types, with the benchmark's inventory, plans and monitoring folder."""
    variables = {"rollout_plans_dir": str(PLANS), "rollout_monitoring_dir": str(MONITORING), **more}
    if rollout:
        variables["rollout"] = rollout
    playbook_path = f"playbooks/{playbook}.yml"
    return [_ansible(), "-i", str(fleet.inventory), playbook_path, "-l", "dgx", "-e", json.dumps(variables)]


def _ansible() -> str:
    return str(ROOT / ".venv" / "bin" / "ansible-playbook")


def loop_role(fleet: Fleet, job: str, agents: tuple[str, ...], at_most: int, **more: str) -> Contender:
    variables = {"agents": agents, **more}
    command = [_ansible(), "-i", str(fleet.inventory), str(LOOP_ROLE / f"{job}.yml"), "-e", json.dumps(variables)]
    # Its own output is the default one: the project's callback belongs to the collection.
    return Contender("loop_role", command, {**fleet.ansible(), "ANSIBLE_STDOUT_CALLBACK": "default"}, at_most)


def ssh_script(fleet: Fleet, job: str, agents: tuple[str, ...], at_most: int, **more: str) -> Contender:
    environment = {**fleet.ansible(), "SSH_CONFIG": str(fleet.ssh_config), **more}
    return Contender("ssh_script", [str(SSH_SCRIPT / f"{job}.sh"), *agents], environment, at_most)


def _steps(fleet: Fleet, rollout: str, *steps: tuple[str, dict[str, str]]) -> None:
    """Run the steps that come before the timed one, and keep what the ledger then holds."""
    fleet.reset()
    for folder in (MONITORING, SNAPSHOT):
        if folder.exists():
            shutil.rmtree(folder)
    for playbook, more in steps:
        command = ours(fleet, playbook, rollout, **more)
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=fleet.ansible(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise BenchError(
                f"before {rollout}: {playbook} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}"
            )
    shutil.copytree(MONITORING, SNAPSHOT)


def _ledger_of_the_start() -> None:
    shutil.rmtree(MONITORING)
    shutil.copytree(SNAPSHOT, MONITORING)


def _from_to(
    fleet: Fleet, agents: tuple[str, ...], start: str, end: str
) -> tuple[Callable[[], object], Callable[[object], None]]:
    """Before a run: files, processes and ledger as at the start. After it: every instance restarted, proven by ourselves."""

    def before() -> object:
        _ledger_of_the_start()
        return fleet.put(Expected(agents, start))

    def after(state: object) -> None:
        wanted = Expected(agents, end)
        assert isinstance(state, dict)
        fleet.must_be(wanted, fleet.look(wanted), "after the run", state)

    return before, after


def rollback_6(fleet: Fleet) -> Row:
    rollout, agents = "bench-rollback", agents_of_plan("bench-rollback")
    backup = "/opt/cim-dgx/configs/backups/bench_rollback"
    before, after = _from_to(fleet, agents, "true", "false")
    return Row(
        name="rollback_6",
        what="roll back 2 agents on 3 hosts, cold, from the command to its end; every process proven",
        contenders=[
            Contender(OURS, ours(fleet, "rollback", rollout), fleet.ansible()),
            loop_role(fleet, "rollback", agents, at_most=5, backup=backup),
            ssh_script(fleet, "rollback", agents, at_most=5, BACKUP=backup),
        ],
        bars=(Under(3), Faster("loop_role", 2.5)),
        prepare=lambda: _steps(
            fleet, rollout, ("preflight", {}), ("baseline", {}), ("backup", {}), ("deploy", {"phase": "both"})
        ),
        before=before,
        after=after,
    )


def change_72(fleet: Fleet) -> Row:
    rollout, agents = "bench-change", agents_of_plan("bench-change")
    before, after = _from_to(fleet, agents, "false", "true")
    return Row(
        name="change_72",
        what="change, restart and prove 24 agents on 3 hosts, no stagger, cold, from the command to its end",
        contenders=[
            Contender(OURS, ours(fleet, "deploy", rollout, phase="all-24"), fleet.ansible()),
            loop_role(fleet, "change", agents, at_most=SLOW),
            ssh_script(fleet, "change", agents, at_most=SLOW),
        ],
        bars=(Under(4), Faster("loop_role", 10)),
        prepare=lambda: _steps(fleet, rollout, ("preflight", {}), ("baseline", {}), ("backup", {})),
        before=before,
        after=after,
    )


def status_93(fleet: Fleet) -> Row:
    agents = all_agents()
    instances = 3 * len(agents)

    def seen(pattern: str) -> Callable[[str], None]:
        def check(printed: str) -> None:
            found = len(re.findall(pattern, printed))
            if found != instances:
                raise BenchError(f"{pattern!r} is there {found} times, expected {instances}")

        return check

    def ours_seen(printed: str) -> None:
        seen(r"(?m)^\s*[\w-]+@dgx-\d +active ")(printed)
        if f"{instances} of {instances} instances active" not in printed:
            raise BenchError(f"the table does not end with {instances} of {instances} instances active")

    def checked(contender: Contender, pattern: str) -> Contender:
        return Contender(contender.name, contender.command, contender.environment, contender.at_most, seen(pattern))

    return Row(
        name="status_93",
        what="state, restarts, memory and errors of 31 agents on 3 hosts, and the hosts' load, memory, disk; cold",
        contenders=[
            Contender(OURS, ours(fleet, "status"), fleet.ansible(), check=ours_seen),
            checked(
                loop_role(fleet, "status", agents, at_most=SLOW),
                r"[\w-]+@dgx-\d: active since .* memory=\d+ errors=\d+",
            ),
            checked(ssh_script(fleet, "status", agents, at_most=SLOWEST), r"(?m)^MemoryCurrent=\d+$"),
        ],
        bars=(Under(3), Faster("ssh_script", 20)),
        prepare=fleet.reset,
        before=lambda: None,
        after=lambda state: None,
    )


def rows(fleet: Fleet) -> list[Row]:
    # The status comes first: the others fill the journal.
    return [status_93(fleet), rollback_6(fleet), change_72(fleet)]
