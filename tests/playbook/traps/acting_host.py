# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for a host's Python: acting_host.py STATE MODULE. Answers for the module that Ansible sends, from a file.

STATE is JSON: for each agent its `value` of the key that a plan changes, its process (`pid`, `invocation`, `started_at`)
and the `errors` that its log has (times). `refuse` names agents that don't start with the new value, `errs_at_start` those
that log an error while they start, `mute` those that show no other line after a restore than SHOWN.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

KEY, OLD, NEW = "WARD_TREES", "one", "both"
SHOWN = "the line that a restored process shows"


def stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def sha256(agent: str, value: str) -> str:
    return hashlib.sha256(f"AGENT={agent}\n{KEY}={value}\n".encode()).hexdigest()


class ActingHost:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.state: dict[str, Any] = json.loads(path.read_text())

    def keep(self) -> None:
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps(self.state))
        os.replace(temporary, self.path)

    def process(self, agent: str) -> dict[str, Any]:
        row = self.state["agents"][agent]
        return {
            "sha256": sha256(agent, row["value"]),
            "invocation_id": row["invocation"],
            "main_pid": row["pid"],
            "started_at": row["started_at"],
        }

    def bring_to(self, agent: str, value: str, good: str) -> dict[str, Any]:
        """Write the value and restart, if need be."""
        row, before = self.state["agents"][agent], self.process(agent)
        changed = row["value"] != value
        if changed:
            row.update(value=value, pid=row["pid"] + 1, invocation=os.urandom(16).hex(), started_at=stamp())
            if agent in self.state["errs_at_start"]:
                row["errors"].append(stamp())
        bad = value == NEW and agent in self.state["refuse"]
        return {
            "state": "failed" if bad else good,
            "reason": "restart_failed" if bad else None,
            "message": f"unit ward-{agent}.service did not start" if bad else "restarted",
            "changed": changed,
            "restarted": changed,
            "keys": [KEY] if changed else [],
            "before": before,
            "after": self.process(agent),
            "proof": None,
        }

    def agent_change(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self._acted(
            {one["agent"]: self.bring_to(one["agent"], one["env"][KEY], "proven") for one in asked["instances"]}
        )

    def agent_restore(self, asked: dict[str, Any]) -> dict[str, Any]:
        rows = {agent: self.bring_to(agent, OLD, "restored") for agent in asked["agents"]}
        for agent in set(self.state.get("mute", [])) & set(rows):
            proof = (asked.get("proofs") or {}).get(agent) or {}
            if proof.get("log") != SHOWN:
                state = "restored" if agent in (asked.get("accept_unproven") or []) else "unproven"
                rows[agent].update(state=state, reason="log_line_missing", message="restored, not proven: no such line")
        return self._acted(rows)

    def agent_backup(self, asked: dict[str, Any]) -> dict[str, Any]:
        rows = {
            one["agent"]: {
                "state": "kept" if self.state["kept"] else "backed_up", "reason": None, "message": "backed up",
                "changed": not self.state["kept"], "differs": False, "path": one["env_file"],
                "sha256": sha256(one["agent"], OLD),
            }
            for one in asked["instances"]
        }  # fmt: skip
        self.state["kept"] = True
        return {
            **self._acted(rows),
            "manifest_path": asked["directory"] + "/manifest.json",
            "manifest_sha256": "0" * 64,
        }

    def agent_guard(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {
            "changed": False,
            "guard": {"state": "none", "deadline": None, "agents": [], "reverted": None},
            "late_s": 0.0,
        }

    def agent_units_info(self, asked: dict[str, Any]) -> dict[str, Any]:
        now = stamp()
        since = asked.get("cursor") or asked.get("since") or now
        host = {
            "hostname": self.path.stem, "now": now, "load": [0.1, 0.1, 0.1], "cpus": 2, "clock_offset_s": 0.0,
            "memory": {"total_bytes": 2**34, "available_bytes": 2**33, "used_pct": 50.0},
            "disks": {path: {"total_bytes": 2**34, "available_bytes": 2**33, "used_pct": 50.0} for path in asked["disk_paths"]},
            "boot_id": self.state["boot_id"], "booted_at": self.state["began"], "nats_connections": None,
        }  # fmt: skip
        journal = {"cursor": now, "since": since, "complete": True, "reason": None, "message": None, "entries": 1}
        rows = {one["agent"]: self.unit(one, asked, max(since, one.get("since") or "")) for one in asked["instances"]}
        return {"changed": False, "instances": rows, "host": host, "journal": journal}

    def unit(self, one: dict[str, Any], asked: dict[str, Any], since: str) -> dict[str, Any]:
        row = self.state["agents"][one["agent"]]
        errors = [at for at in row["errors"] if at >= since]
        kinds = [
            {"kind": "no JSON", "level": "ERROR", "count": len(errors), "first_at": errors[0], "last_at": errors[-1],
             "recurring": False, "example": "expected value"}
        ] if errors else []  # fmt: skip
        keys = {key: {KEY: row["value"]}.get(key) for key in asked.get("environment_keys", [])}
        return {
            "unit": one["unit"], "load_state": "loaded", "active_state": "active", "sub_state": "running", "result": "success",
            "main_pid": row["pid"], "invocation_id": row["invocation"], "restarts": 0, "active_since": row["started_at"],
            "started_at": row["started_at"], "memory_bytes": 2**24, "memory_limit_bytes": 2**30, "cpu_s": 1.0,
            "accounting": "unit", "nats_connections": 1, "enabled": "enabled",
            "log": {
                "lines": len(errors), "errors": len(errors), "warnings": 0, "panics": 0, "unparsed": 0, "unreadable": 0,
                "kinds": kinds, "lifecycle": [], "counters": {}, "buckets": {}, "counter_points": [],
            },
            # Preflight must ask for it: without an answer it refuses.
            **({"log_sample": {"lines": 1, "unread": 0, "shapes": {"tracing": 1}, "examples": []}} if asked.get("sample_lines") else {}),
            "environment": {
                "path": one.get("env_file") or "", "exists": True, "regular": True, "keys": keys, "masked": [], "problem": None,
                "mode": "0640", "owner": "root", "group": "root", "sha256": sha256(one["agent"], row["value"]),
            },
            "provable": {"problems": [], "undo": {"state": "proven", "reason": None, "message": ""}},
        }  # fmt: skip

    @staticmethod
    def _acted(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
        bad = [agent for agent, row in rows.items() if row["state"] in ("failed", "unproven")]
        failed = {"failed": True, "msg": f"{len(bad)} of {len(rows)} instances failed: {', '.join(bad)}"} if bad else {}
        return {"instances": rows, "changed": any(row["changed"] for row in rows.values()), "diff": [], **failed}


def main(state: str, module: str) -> int:
    sent = Path(module).read_text()
    name = re.findall(r"^ansible_module='cowboyai\.rollout\.(\w+)',$", sent, re.MULTILINE)[0]
    asked = json.loads(ast.literal_eval(re.findall(r"^params=('.*'),$", sent, re.MULTILINE)[0]))["ANSIBLE_MODULE_ARGS"]
    host = ActingHost(Path(state))
    host.state["asked"].append(name)
    answer = getattr(host, name)(asked)
    host.keep()
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    time.tzset()
    sys.exit(main(*sys.argv[1:3]))
