# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scripted host: real files, made-up systemd, processes, journal and clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _env_file,
    _environ,
    _instance,
    _journal,
    _systemd,
    _unit_config,
)

from tests.unit.plugins.module_utils.scripted_clock import ScriptedClock

LINE = "2026-01-23T23:12:10.000000Z  {0} agent_service: {1}"
# Far ahead of any disk's clock: files that tests write are older than each start.
EPOCH = 4_000_000_000_000_000


def memory(environ):
    """As /proc shows it."""
    return b"".join(f"{key}={value}".encode("utf-8", "surrogateescape") + b"\0" for key, value in environ.items())


@dataclass
class FakeUnit:
    """A unit and how its program behaves at its next start."""

    name: str
    env_file: str
    behaviour: str = "good"
    load: str = "loaded"
    active: str = "inactive"
    pid: int | None = None
    invocation: str | None = None
    started: int | None = None
    environ: dict = field(default_factory=dict)
    restarts: int = 0
    life: str = "good"
    # How long its process takes to end (seconds), how long systemd allows it, and when it starts again then.
    stops_in: float = 0.0
    stop_timeout: float = 90.0
    starts_at: int | None = None
    identity: str = ""
    namespace: str = ""


class ScriptedHost(ScriptedClock):
    """Takes the place of ``_host.Host``."""

    def __init__(self, directory):
        self.directory = directory
        self.units = {}
        self.records = []
        self.us = EPOCH
        self.restart_calls = []
        self.calls = []
        self.number = 0
        self.config = {}

    # what tests set up
    def add(self, agent, text="FLAG=false\nOTHER=1\n", behaviour="good", start=True, **fields):
        env_file = self.directory / f"{agent}.env"
        if text is not None:
            env_file.write_text(text)
        unit = FakeUnit(f"run@{agent}.service", str(env_file), "good", **fields)
        self.units[unit.name] = unit
        if start:
            self.start(unit)
            self.us += 3_600_000_000
        unit.behaviour = behaviour
        return unit

    def instance(self, agent, env=None, **proof):
        unit = self.units[f"run@{agent}.service"]
        made = {"log": "architecture ENABLED", "subscriptions": [f"agent.to.{agent}.>"], "ready_within": 5, **proof}
        return _instance.Instance(agent, unit.name, unit.env_file, env or {}, _instance.proof_from(made, agent))

    def say(self, unit, level, message, after_us=20_000, manager=False, event=None):
        text = message if manager else LINE.format(level, message)
        at = self.us + after_us
        self.records.append(
            _journal.Record(at, f"c={len(self.records)}", unit.name, unit.invocation, text, False, manager, event, "")
        )

    def start(self, unit):
        self.number += 1
        unit.life = unit.behaviour
        unit.active, unit.pid, unit.invocation = "active", 1000 + self.number, f"inv{self.number}"
        unit.started = self.us
        with open(unit.env_file, "rb") as stream:
            unit.environ = {"PATH": "/bin", "INVOCATION_ID": unit.invocation, **_env_file.effective(stream.read())}
        if unit.behaviour == "other_value":
            unit.environ["FLAG"] = "false"
        self.say(unit, "", "Started", 0, True, "started")
        if unit.behaviour in ("silent", "dies_at_once"):
            return
        agent = unit.name[4:-8]
        late = 3_000_000 if unit.behaviour == "slow" else 20_000
        on = "ENABLED" if unit.environ.get("FLAG") == "true" else "DISABLED"
        if unit.behaviour != "no_log":
            self.say(unit, "INFO", f"architecture {on}", late)
        if unit.behaviour != "no_subscription":
            self.say(unit, "INFO", f"Subscribed to: agent.to.{agent}.> (inbox)", late)
        self.say(unit, "INFO", f"Subscribed to: agent.to.{agent}.>.longer", late)
        self.say(unit, "INFO", "no error at all", late)
        if unit.behaviour == "error":
            self.say(unit, "ERROR", "boom token=s3cr3t", late)
        if unit.behaviour == "late_error":
            self.say(unit, "ERROR", "boom", 500_000)
        if unit.behaviour == "panic":
            self.records.append(replace(self.records[-1], text="thread 'main' panicked at src/main.rs:1:1:"))

    # what the code under test calls
    def show(self, units):
        self.calls.append("show")
        out = {}
        for name in units:
            unit = self.units.get(name) or FakeUnit(name, "", load="not-found")
            if unit.starts_at is not None and self.us >= unit.starts_at:
                unit.starts_at = None
                self.start(unit)
            if unit.life in ("crash", "dies_at_once") and unit.started is not None and self.us - unit.started > 100_000:
                unit.active, unit.pid, unit.restarts = "failed", None, 0
            if unit.life == "loop" and unit.started is not None and self.us - unit.started > 100_000:
                unit.restarts += 1
                self.start(unit)
            out[name] = _systemd.Unit(
                name, unit.load, unit.active, "running" if unit.pid else "dead", "success", unit.pid, unit.invocation,
                unit.restarts, unit.started, unit.started, None, None, None, None, unit.stop_timeout,
                identity=unit.identity, output=_systemd.Output(namespace=unit.namespace),
            )  # fmt: skip
        return out

    def configuration(self, units):
        return {name: self.config.get(name) or _unit_config.UnitConfig((self.units[name].env_file,)) for name in units}

    def reset_failed(self, units):
        self.calls.append("reset-failed")

    def restart(self, units, timeout):
        self.calls.append("restart")
        self.restart_calls.append(list(units))
        self.us += 50_000
        complaint, begun = "", self.us
        self.us += int(min(max((self.units[name].stops_in for name in units), default=0), timeout) * 1e6)
        for name in units:
            unit = self.units[name]
            if unit.stops_in > timeout:
                unit.active, unit.starts_at = "deactivating", begun + int(unit.stops_in * 1e6)
            elif unit.behaviour == "no_restart":
                complaint += f"Job for {name} failed: no\n"
            else:
                self.start(unit)
        return complaint

    def environ(self, pid, invocation):
        found = next((unit.environ for unit in self.units.values() if unit.pid == pid), None)
        raw = found if found is None or isinstance(found, bytes) else memory(found)
        return None if raw is None else _environ.parse(raw, invocation)

    def read_journal(self, invocations, on_record, since, cursor=None, until=None, namespace=""):
        self.calls.append("journal " + namespace if namespace else "journal")
        first = int(cursor[2:]) + 1 if cursor else 0
        hidden = {unit.invocation for unit in self.units.values() if unit.namespace and namespace != "*"}
        for position, record in enumerate(self.records[first:], first):
            if (
                since <= record.at <= (until or self.us)
                and record.at <= self.us
                and record.invocation_id in invocations
                and (record.by_manager or record.invocation_id not in hidden)
            ):
                on_record(record)
                cursor = f"c={position}"
        return _journal.Reading(cursor=cursor)


@pytest.fixture
def host(tmp_path):
    files = tmp_path / "configs"
    files.mkdir()
    return ScriptedHost(files)
