# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped rulebook in a real ansible-rulebook, against a real nats-server, with playbooks that record their launch."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import nats
import pytest
import yaml

from tests.module.nats import servers
from tests.module.nats.world import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[3]
#: The second user may do everything but acknowledge: what it has put on the queue stays unacknowledged.
CONFIG = """
jetstream {{ store_dir: "{0}/js" }}
authorization {{ users: [
  {{ user: whole, password: secret-whole }}
  {{ user: mute, password: secret-mute, permissions: {{ publish: {{ deny: ["$JS.ACK.>"] }} }} }}
] }}
"""
# The launch as it is: what ansible-runner was given, and what Ansible makes of it when all of it is templated.
RECORDER = """---
- name: Record the launch
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Keep what was given
      ansible.builtin.copy:
        content: "{{ {'playbook': ansible_play_name, 'given': given, 'seen': ansible_eda} | to_json }}"
        dest: "{{ rollout_monitoring_dir }}/NAME-{{ ansible_eda.event.nats.sequence }}-{{ ansible_eda.event.nats.deliveries }}.json"
        mode: "0600"
      vars:
        given: "{{ lookup('ansible.builtin.file', playbook_dir ~ '/../env/extravars') }}"
"""
WAVE = """---
- name: A playbook beside it
  ansible.builtin.import_playbook: steps/record.yml
"""
EVIL = "{{ lookup('ansible.builtin.pipe', 'touch MARK') }}{% raw %}"


class Site:
    """A project folder, a server with a stream, and what was recorded."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.records, self.mark = folder, folder / "records", folder / "mark"
        playbooks = folder / "project" / "playbooks"
        for path in (self.records, playbooks / "steps"):
            path.mkdir(parents=True)
        (playbooks / "stop.yml").write_text(RECORDER.replace("NAME", "stop"))
        (playbooks / "steps" / "record.yml").write_text(
            RECORDER.replace("NAME", "tick").replace("/../env", "/../../env")
        )
        for name in ("wave2", "rollback"):
            (playbooks / f"{name}.yml").write_text(WAVE)
        (folder / "hosts.yml").write_text(
            'all: {hosts: {localhost: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}}}\n'
        )
        self.server = servers.NatsServer(folder, CONFIG.format(folder))
        self.ask(lambda context: context.add_stream(name="ROLLOUT", subjects=["rollout.>"]))

    def ask(self, request: Callable[[Any], Any]) -> Any:
        """One request to JetStream."""

        async def go() -> Any:
            client = await nats.connect(self.server.url, user="whole", password="secret-whole")
            try:
                return await request(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(go())

    def pending(self, durable: str) -> tuple[int, int]:
        """Delivered and not acknowledged; not yet delivered."""
        info = self.ask(lambda context: context.consumer_info("ROLLOUT", durable))
        return info.num_ack_pending, info.num_pending

    def acknowledge_within(self, seconds: float) -> None:
        """Change the consumer's own time for a stop to be acknowledged; after it, the stop comes again."""
        info = self.ask(lambda context: context.consumer_info("ROLLOUT", "rulebook-stop"))
        info.config.ack_wait = seconds
        self.ask(lambda context: context.add_consumer("ROLLOUT", info.config))

    def publish(self, subject: str, message: Any, **headers: str) -> None:
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        login = '{"verbose":false,"headers":true,"user":"whole","pass":"secret-whole"}'
        publisher = servers.Publisher(self.server.port, login)
        publisher.publish(subject, payload, **headers)
        publisher.flush()
        publisher.close()

    def record(self, name: str) -> dict[str, Any]:
        """The extra variables of a launch, as they were handed over."""
        path = self.records / f"{name}.json"
        deadline = time.monotonic() + 600.0
        while not path.exists() or not path.stat().st_size:
            assert time.monotonic() < deadline, f"{name}: no launch; recorded: {self.recorded()}\n{self.said()}"
            time.sleep(0.1)
        told = json.loads(path.read_text())
        given = yaml.safe_load(told["given"])
        # Templating all of it changed nothing: no text of a message is a template.
        assert told["seen"] == given["ansible_eda"]
        assert isinstance(given, dict)
        return given

    def recorded(self) -> list[str]:
        return sorted(path.stem for path in self.records.iterdir())

    def said(self) -> str:
        return "\n".join(
            path.read_text(errors="replace")[-6000:] for path in sorted(self.folder.glob("rulebook-*.log"))
        )


class Rulebook:
    """ansible-rulebook with the shipped rulebook, from when it hears both subjects."""

    def __init__(self, site: Site, user: str, rollouts: list[str]) -> None:
        variables = {
            "rollouts": rollouts,
            "rollout_project": str(site.folder / "project"),
            "rollout_monitoring_dir": str(site.records),
            "rollout_nats_servers": [site.server.url],
            "rollout_nats_auth": {"user": user, "password": f"secret-{user}"},
        }
        path = site.folder / f"{user}.yml"
        path.write_text(yaml.safe_dump(variables))
        self.log = site.folder / f"rulebook-{user}.log"
        argv = [
            "ansible-rulebook",
            "--rulebook",
            "cowboyai.rollout.rollout",
            "--inventory",
            str(site.folder / "hosts.yml"),
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*argv, "--vars", str(path), "-v"],
                cwd=site.folder,
                env={
                    **os.environ,
                    "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
                    "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                    "ANSIBLE_HOME": str(site.folder / "ansible"),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 600.0
        while self.log.read_text(errors="replace").count("consuming stream ROLLOUT") < 2:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"ansible-rulebook does not hear:\n{self.log.read_text(errors='replace')[-6000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """All of it at once, as a crash would."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("eda"))
    yield made
    made.server.stop()


@pytest.fixture(scope="module")
def crashed(site: Site) -> dict[str, Any]:
    """A stop that was put, launched, and not acknowledged when ansible-rulebook was killed."""
    rulebook = Rulebook(site, "mute", ["wave2"])
    try:
        # So that it comes again soon.
        site.acknowledge_within(2.0)
        site.publish("rollout.stop", {"rollout": "wave2", "reason": "answers look wrong"})
        launched = site.record("stop-1-1")
        assert site.pending("rulebook-stop") == (1, 0)
    finally:
        rulebook.kill()
    return launched


@pytest.fixture(scope="module")
def rulebook(site: Site, crashed: dict[str, Any]) -> Iterator[Rulebook]:
    running = Rulebook(site, "whole", ["wave2"])
    try:
        wait_until(lambda: len(site.recorded()) > 1, "the stop to come again")
        wait_until(lambda: site.pending("rulebook-stop") == (0, 0), "the stop to be acknowledged")
        # From now on nothing comes twice, however slow this machine is.
        site.acknowledge_within(3600.0)
        yield running
    finally:
        running.kill()


def test_a_stop_launches_stop_with_exactly_these_variables(site: Site, crashed: dict[str, Any]) -> None:
    eda = crashed.pop("ansible_eda")
    assert crashed == {
        "rollout": "wave2",
        "reason": "by NATS rollout.stop: answers look wrong",
        "rollout_monitoring_dir": str(site.records),
    }
    event = eda["event"]
    assert (eda["ruleset"], eda["rule"]) == ("Stop the line", "Stop")
    assert event["payload"] == {"rollout": "wave2", "reason": "answers look wrong"}
    assert (event["nats"]["sequence"], event["nats"]["redelivered"]) == (1, False)


def test_what_was_put_and_not_acknowledged_comes_again_after_a_crash(site: Site, rulebook: Rulebook) -> None:
    again = [name for name in site.recorded() if name.startswith("stop-1-") and name != "stop-1-1"]
    assert again
    event = site.record(again[0])["ansible_eda"]["event"]
    assert (event["nats"]["sequence"], event["nats"]["redelivered"]) == (1, True)


def test_alerts_and_hostile_messages(site: Site, rulebook: Rulebook) -> None:
    evil = EVIL.replace("MARK", str(site.mark))
    site.publish("rollout.alert", {"rollout": "rollback"})  # a playbook, and no rollout of rollout-vars.yml
    site.publish("rollout.alert", {"rollout": evil})
    site.publish("rollout.alert", {"rollout": "../wave2"})
    site.publish("rollout.alert", evil.encode())
    site.publish("rollout.alert", b"\xff" * 1000)
    site.publish("rollout.alert", {"rollout": "wave2", "meta": {"hosts": "other"}, evil: evil}, Evil=evil)
    for _burst in range(5):
        site.publish("rollout.alert", {"rollout": "wave2"})
    site.publish("rollout.stop", {"rollout": "wave2", "reason": evil})
    site.publish("rollout.stop", {"rollout": "wave2", "reason": ["[1]", {"a": evil}]})

    tick = site.record("tick-7-1")
    eda = tick.pop("ansible_eda")
    assert tick == {"rollout_wait": False, "rollout_monitoring_dir": str(site.records)}
    assert (eda["ruleset"], eda["event"]["payload"]) == ("Tick on an alert", {"rollout": "wave2"})

    for sequence in (13, 14):
        stop = site.record(f"stop-{sequence}-1")
        assert stop["reason"].startswith("by NATS rollout.stop: ") and "lookup" in stop["reason"]
        assert not set("{}") & set(stop["reason"])
    assert not site.mark.exists()
    # All of them were handled, and nothing but these was launched.
    for durable in ("rulebook-alert", "rulebook-stop"):
        wait_until(lambda durable=durable: site.pending(durable) == (0, 0), f"{durable} to be acknowledged")  # type: ignore[misc]
    assert [name for name in site.recorded() if not name.startswith("stop-1-")] == [
        "stop-13-1",
        "stop-14-1",
        "tick-7-1",
    ]


def test_the_log_tells_what_was_refused_and_no_secret(rulebook: Rulebook) -> None:
    log = rulebook.log.read_text(errors="replace")
    told = [line for line in log.splitlines() if " - cowboyai.rollout.nats - " in line]
    assert sum("refused message" in line for line in told) == 4
    assert "lookup(" not in "\n".join(told) and "secret-whole" not in log
