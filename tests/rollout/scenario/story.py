# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acts out a scenario on its fleet: runs playbooks that may well fail, breaks hosts, and writes down what it did.

Nothing is judged here. Each run leaves its exit status and output, each look leaves what the hosts said at that moment,
in build/molecule/<scenario>; the scenario's verifier reads both. What a story itself can't do (no fleet, a step that it
waits for never comes) ends it with an error.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
FLEET = ROOT / "tests" / "fleet" / "fleet"
LOOK = Path(__file__).resolve().parent / "look.py"
FLAG = "ENABLE_UNIFIED_SUBJECTS"
UNIT = "agent-runtime@{agent}.service"
ENV_FILE = "/opt/cim-dgx/configs/agent-runtime-{agent}.env"

sys.path.insert(0, str(ROOT / "tests" / "fleet"))
from rehearsal.clone import Fleet  # noqa: E402


class StoryError(Exception):
    """The story could not be told to its end; says what was waited for or missing."""


def output_of(scenario: str) -> Path:
    """Where a scenario's story is written down."""
    return ROOT / "build" / "molecule" / scenario


class Story:
    """One scenario, from a clean output folder on. `fleet` is by default the one that molecule made (ROLLOUT_FLEET)."""

    def __init__(
        self, scenario: str, unit: str = UNIT, env_file: str = ENV_FILE, flag: str = FLAG, *,
        fleet: str = "", out: Path | None = None,
    ) -> None:  # fmt: skip
        self.fleet = Fleet(fleet or os.environ.get("ROLLOUT_FLEET") or f"molecule-{scenario}")
        if not self.fleet.hosts_file.is_file():
            raise StoryError(f"the fleet {self.fleet.name} is not up: {self.fleet.hosts_file} does not exist")
        content = json.loads(self.fleet.hosts_file.read_text())["dgx"]
        self.addresses = {host: str(facts["ansible_host"]) for host, facts in content["hosts"].items()}
        self.variables: dict[str, str] = content["vars"]
        self.hosts = list(self.addresses)
        self.agents = [str(row["agent"]) for row in json.loads(self.fleet.description.read_text())["agents"]]
        self.unit, self.env_file, self.flag = unit, env_file, flag
        self.inventory: list[str] = ["inventories/rehearsal"]
        self.out = out or output_of(scenario)
        if self.out.exists():
            shutil.rmtree(self.out)
        self.out.mkdir(parents=True)
        self.monitoring = self.out / "monitoring"
        self.began = time.monotonic()

    def say(self, line: str) -> None:
        print(f"{time.monotonic() - self.began:6.1f}s  {line}", flush=True)

    # ------------------------------------------------------------ the fleet

    def tool(self, *words: str) -> None:
        """The fleet's own command (fault, reset, traffic)."""
        subprocess.run(
            [sys.executable, str(FLEET), words[0], "--name", self.fleet.name, *words[1:]],
            cwd=ROOT, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def on(self, host: str, script: str, data: bytes = b"", check: bool = True) -> str:
        """Output of a shell script as root on a host, through the engine: works while ssh does not."""
        command = ["docker", "exec", "-i", self.fleet.container(host), "sh", "-c", script]
        done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=60)
        if check and done.returncode != 0:
            raise StoryError(f"{host}: {script}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode(errors="replace")

    def look(self, label: str) -> dict[str, Any]:
        """What every host says of every instance now, kept as <label>.look.json."""
        where = {a: {"unit": self.unit.format(agent=a), "env_file": self.env_file.format(agent=a)} for a in self.agents}
        asked = json.dumps({"instances": where, "keys": [self.flag]}).encode()
        program = f"cat > /run/look.py <<'PROGRAM'\n{LOOK.read_text()}\nPROGRAM\n"
        found = {}
        for host in self.hosts:
            self.on(host, program)
            for agent, seen in json.loads(self.on(host, "python3 /run/look.py", asked)).items():
                found[f"{agent}@{host}"] = seen
        self._write(f"{label}.look.json", found)
        return found

    def cut_ssh(self, *hosts: str) -> None:
        """End sshd and every session: the host refuses connections as one does that is starting up."""
        for host in hosts:
            self.on(host, "systemctl stop ssh.socket ssh.service; pkill -x sshd; true")

    def mend_ssh(self, *hosts: str) -> None:
        listening = "for i in $(seq 50); do ss -ltn | grep -q ':22 ' && exit 0; sleep 0.1; done; exit 1"
        for host in hosts:
            self.on(host, f"systemctl start ssh.service && {listening}")

    # ------------------------------------------------------------ runs

    def command(self, playbook: str, extra: dict[str, Any], limit: str | None, flags: tuple[str, ...]) -> list[str]:
        chosen = [word for inventory in self.inventory for word in ("-i", inventory)]
        variables = {"rollout_monitoring_dir": str(self.monitoring), **extra}
        limited = ["-l", limit] if limit else []
        return [
            str(ROOT / ".venv" / "bin" / "ansible-playbook"), *chosen, playbook, *limited, *flags,
            "-e", json.dumps(variables),
        ]  # fmt: skip

    def environment(self) -> dict[str, str]:
        """As an operator's shell: nothing of the settings that molecule makes for its own plays."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "MOLECULE_"))}
        config = str(ROOT / "ansible.cfg")
        return {
            **kept,
            "ROLLOUT_FLEET": self.fleet.name,
            "ANSIBLE_CONFIG": config,
            "ANSIBLE_HOME": str(self.out / "ansible"),
        }

    def run(
        self, label: str, playbook: str, *, extra: dict[str, Any] | None = None, limit: str | None = None,
        flags: tuple[str, ...] = (), deadline_s: float = 240.0,
    ) -> int:  # fmt: skip
        """Run a playbook to its end, whatever that is; the exit status."""
        with self.running(label, playbook, extra=extra, limit=limit, flags=flags, deadline_s=deadline_s) as process:
            process.wait(timeout=deadline_s)
        return int(process.returncode)

    @contextlib.contextmanager
    def running(
        self, label: str, playbook: str, *, extra: dict[str, Any] | None = None, limit: str | None = None,
        flags: tuple[str, ...] = (), deadline_s: float = 240.0, env: dict[str, str] | None = None,
    ) -> Iterator[subprocess.Popen[bytes]]:  # fmt: skip
        """A playbook while it runs; at the end of the block it is waited for (or was killed inside it)."""
        argv = self.command(playbook, extra or {}, limit, flags)
        began = time.monotonic()
        with (self.out / f"{label}.log").open("wb") as log:
            process = subprocess.Popen(
                argv, cwd=ROOT, env=self.environment() | (env or {}), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
            try:
                yield process
                process.wait(timeout=deadline_s)
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        seconds = time.monotonic() - began
        self._write(f"{label}.run.json", {"argv": argv, "status": process.returncode, "seconds": round(seconds, 1)})
        self.say(f"{label}: status {process.returncode} after {seconds:.1f} s")

    def wait_for(
        self,
        what: str,
        condition: Callable[[], bool],
        process: subprocess.Popen[bytes] | None = None,
        within_s: float = 120.0,
    ) -> None:
        """Until the condition holds. StoryError when it doesn't in time, or the run ends before."""
        end = time.monotonic() + within_s
        while not condition():
            if process is not None and process.poll() is not None and not condition():
                raise StoryError(f"the run ended with status {process.returncode} before {what}")
            if time.monotonic() > end:
                raise StoryError(f"{what}: not within {within_s:.0f} s")
            time.sleep(0.05)

    def records(self, rollout: str) -> list[dict[str, Any]]:
        """The ledger so far; a torn last line is left out."""
        try:
            lines = (self.monitoring / "ledger" / f"{rollout}.jsonl").read_text().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def kinds(self, rollout: str) -> list[str]:
        return [str(record["kind"]) for record in self.records(rollout)]

    def passed(self, rollout: str, gate: str) -> bool:
        """Whether a gate has decided go."""
        decided = [record["data"] for record in self.records(rollout) if record["kind"] == "gate.decided"]
        return any((each["name"], each["decision"]) == (gate, "go") for each in decided)

    def note(self, label: str, data: Any) -> None:
        """Something the verifier needs to know, as <label>.note.json."""
        self._write(f"{label}.note.json", data)

    def _write(self, name: str, data: Any) -> None:
        (self.out / name).write_text(json.dumps(data, indent=1) + "\n")
