# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet that is measured on, and the state of its agents before and after a run, set and read by ssh of our own."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
NAME = "bench"
BUILD = ROOT / "build" / "bench"
HOST_STATE = Path(__file__).with_name("host_state.py")
SUBSCRIPTIONS = 3


class BenchError(Exception):
    """Nothing can be measured: says what was tried, what was seen, and where to look."""


@dataclass(frozen=True)
class Expected:
    """What every one of these agents must show on every host."""

    agents: tuple[str, ...]
    flag: str


class Fleet:
    """The rehearsal fleet `bench`: three hosts, all agents, no traffic."""

    def __init__(self) -> None:
        self.inventory = ROOT / "build" / "fleet" / NAME / "inventory"
        self.ssh_config = BUILD / "work" / "ssh_config"

    def up(self) -> None:
        self._command("up", "--rate", "0")
        self._command("reset")
        group = json.loads((self.inventory / "hosts.json").read_text(encoding="utf-8"))["dgx"]
        self.addresses = {host: row["ansible_host"] for host, row in group["hosts"].items()}
        self.sockets = Path(group["vars"]["ansible_control_path_dir"])
        self._write_ssh_config(group["vars"])

    def down(self) -> None:
        self._command("down")

    def reset(self) -> None:
        self._command("reset")

    @staticmethod
    def _command(*words: str) -> None:
        command = [str(ROOT / "tests" / "fleet" / "fleet"), *words, "--name", NAME]
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def _write_ssh_config(self, variables: dict[str, str]) -> None:
        """The options that the inventory gives to Ansible, as a file: strict host keys, this fleet's key, no sharing of connections."""
        words = iter(shlex.split(variables["ansible_ssh_common_args"]))
        settings = [next(words) for word in words if word == "-o"]
        lines = []
        for host, address in self.addresses.items():
            lines += [f"Host {host}", f"    HostName {address}", f"    User {variables['ansible_user']}"]
            lines += ["    " + setting.replace("=", " ", 1) for setting in settings]
            lines += [
                f'    IdentityFile "{variables["ansible_ssh_private_key_file"]}"',
                "    ControlPath none",
                "    LogLevel ERROR",
            ]
        self.ssh_config.parent.mkdir(parents=True, exist_ok=True)
        self.ssh_config.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def cool_down(self) -> None:
        """End every ssh master of this fleet, so that the next command starts cold."""
        for path in self.sockets.iterdir() if self.sockets.is_dir() else ():
            if stat.S_ISSOCK(path.stat().st_mode):
                command = ["ssh", "-F", "none", "-O", "exit", "-o", f"ControlPath={path}", "fleet"]
                subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
                path.unlink(missing_ok=True)

    def _on_host(self, host: str, order: dict[str, Any]) -> dict[str, Any]:
        remote = f"sudo python3 -I - {shlex.quote(json.dumps(order))}"
        done = subprocess.run(
            ["ssh", "-F", str(self.ssh_config), host, remote],
            input=HOST_STATE.read_text(encoding="utf-8"), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        if done.returncode != 0:
            raise BenchError(
                f"the state of {host} could not be set or read (status {done.returncode}): {done.stderr.strip()[-500:]}"
            )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def _everywhere(self, order: dict[str, Any]) -> dict[str, dict[str, Any]]:
        with ThreadPoolExecutor(max_workers=len(self.addresses)) as pool:
            answers = pool.map(lambda host: self._on_host(host, order), self.addresses)
            return {
                f"{agent}@{host}": row
                for host, rows in zip(self.addresses, answers, strict=True)
                for agent, row in rows.items()
            }

    def put(self, wanted: Expected) -> dict[str, dict[str, Any]]:
        """Put the agents' files to the seeded ones with this flag, restart them, and return what then is seen of each."""
        seen = self._everywhere({"agents": wanted.agents, "flag": wanted.flag, "set": True})
        self.must_be(wanted, seen, "before the run")
        return seen

    def look(self, wanted: Expected) -> dict[str, dict[str, Any]]:
        return self._everywhere({"agents": wanted.agents, "flag": wanted.flag, "set": False})

    def must_be(
        self,
        wanted: Expected,
        seen: dict[str, dict[str, Any]],
        when: str,
        before: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        """Raise BenchError unless every instance is what was asked for; with `before`, also a new process."""
        wrong = []
        for agent in wanted.agents:
            for host in self.addresses:
                name = f"{agent}@{host}"
                row = seen.get(name, {})
                faults = [
                    f"{key} is {row.get(key)!r}, expected {value!r}"
                    for key, value in {
                        "active": "active", "file": True, "rights": True, "environ": wanted.flag, "log": wanted.flag,
                        "subscriptions": SUBSCRIPTIONS, "errors": 0,
                    }.items()
                    if row.get(key) != value
                ]  # fmt: skip
                if before is not None and row.get("pid") == before[name]["pid"]:
                    faults.append(f"process {row.get('pid')} was not restarted")
                if faults:
                    wrong.append(f"{name}: {'; '.join(faults)}")
        if wrong:
            more = f"\n  and {len(wrong) - 5} more" if len(wrong) > 5 else ""
            raise BenchError(
                f"{when}: {len(wrong)} instances are not as they must be:\n  " + "\n  ".join(wrong[:5]) + more
            )

    def ansible(self) -> dict[str, str]:
        """Environment of every ansible-playbook here, ours and the peer's: the project's settings, nothing of the user's."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "ROLLOUT_"))}
        return {**kept, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ROLLOUT_FLEET": NAME}
