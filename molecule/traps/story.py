# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bad batch in every form that Ansible lets through by itself: the batch after it must not change.

Hosts edge-a to edge-c run agents of their own, from units, files and a flag that no plan of playbooks/plans knows. The
agents are the fleet's stand-in behind a wrapper, which refuses to start with the flag on where a file tells it to.
"""

from __future__ import annotations

import json
import time
from typing import Any

import yaml

from tests.rollout.scenario.story import ROOT, Story

AGENTS = ("alder", "birch", "cedar", "elm", "fir")
HOSTS = {"edge-a": "dgx-1", "edge-b": "dgx-2", "edge-c": "dgx-3"}
UNIT = "ward-{agent}.service"
SETTINGS = "/srv/ward/{agent}.settings"

WRAPPER = """#!/bin/sh
if [ "$WARD_TREES" = both ]; then
    [ ! -e "/srv/ward/refuse/$AGENT_NAME" ] || { echo "will not run with both trees" >&2; exit 3; }
    export ENABLE_UNIFIED_SUBJECTS=true
fi
exec /opt/cim-dgx/bin/agent-runtime
"""

SERVICE = """[Unit]
Description=Ward {agent}
[Service]
EnvironmentFile=/srv/ward/{agent}.settings
ExecStart=/srv/ward/start
Restart=on-failure
RestartSec=1s
MemoryMax=1G
"""

SETTINGS_TEXT = """; {agent}
AGENT_NAME={agent}
AGENT_ID=0f{number:02d}
CAPABILITY_CLUSTER=wards
NATS_URL=nats://127.0.0.1:4222

WARD_TREES=one
# the end"""


class Wards(Story):
    def __init__(self) -> None:
        super().__init__("traps", unit=UNIT, env_file=SETTINGS, flag="WARD_TREES")
        self.agents = list(AGENTS)
        self._install()
        self._write_inventory()

    def _install(self) -> None:
        for host in self.hosts:
            self.on(
                host,
                "rm -rf /srv/ward && mkdir -p /srv/ward/refuse /srv/ward/kept && cat > /srv/ward/start && chmod 755 /srv/ward/start",
                WRAPPER.encode(),
            )
            for number, agent in enumerate(AGENTS):
                self.on(
                    host, f"cat > /etc/systemd/system/{UNIT.format(agent=agent)}", SERVICE.format(agent=agent).encode()
                )
                text = SETTINGS_TEXT.format(agent=agent, number=number)
                path = SETTINGS.format(agent=agent)
                self.on(
                    host, f"cat > {path} && chmod 604 {path} && chown {1000 + number}:cimadmin {path}", text.encode()
                )
            self.on(
                host,
                "rm -f /srv/ward/refuse/* && systemctl daemon-reload && systemctl restart "
                + " ".join(UNIT.format(agent=a) for a in AGENTS),
            )

    def _write_inventory(self) -> None:
        agents = self.out / "wards.csv"
        agents.write_text("agent,serial_number\n" + "".join(f"{agent},0f{n:02d}\n" for n, agent in enumerate(AGENTS)))
        variables = {
            **self.variables,
            "ansible_python_interpreter": "/usr/bin/python3",
            "rollout_rehearsal": True,
            "rollout_agents_file": str(agents),
            "rollout_agent_unit": UNIT,
            "rollout_agent_env_file": SETTINGS,
            "rollout_agent_catalogue": {"WARD_TREES": "one", "CAPABILITY_CLUSTER": "wards"},
            "rollout_disk_paths": ["/srv"],
            "rollout_nats_url": "nats://{{ ansible_host }}:4222",
        }
        hosts = {name: {"ansible_host": self.addresses[host]} for name, host in HOSTS.items()}
        path = self.out / "inventory" / "hosts.yml"
        path.parent.mkdir()
        path.write_text(yaml.safe_dump({"edge": {"hosts": hosts, "vars": json.loads(json.dumps(variables))}}))
        self.inventory = [str(path)]

    def play(self, label: str, playbook: str, **extra: Any) -> int:
        named = {"rollout": "wards", "rollout_plan": str(ROOT / "molecule" / "traps" / "plans" / "wards.yml"), **extra}
        return self.run(label, playbook, extra=named)

    def open(self, label: str, **extra: Any) -> None:
        self.play(label, "molecule/traps/opening.yml", **extra)

    def deploy(self, label: str, phase: str) -> None:
        self.play(label, "playbooks/deploy.yml", phase=phase)
        self.look(label)

    def refuse(self, agent: str, *hosts: str) -> None:
        for host in hosts:
            self.on(HOSTS[host], f"touch /srv/ward/refuse/{agent}")

    def accept(self) -> None:
        for host in self.hosts:
            self.on(host, "rm -f /srv/ward/refuse/*")

    def settle(self) -> None:
        """Past the second that preflight wants quiet."""
        time.sleep(1.5)


def holds(story: Wards) -> None:
    """Hosts that are away, and a fault of ours: nothing further changes, nothing goes back, the same command goes on."""
    story.look("before")
    story.cut_ssh("dgx-1", "dgx-2")
    story.open("opening_unreachable")
    story.mend_ssh("dgx-1", "dgx-2")
    story.open("opening")
    story.cut_ssh("dgx-1", "dgx-2")
    story.deploy("batch_unreachable", "first")
    story.mend_ssh("dgx-1")
    story.deploy("one_unreachable", "first")
    story.mend_ssh("dgx-2")
    story.on("dgx-2", "mv /etc/sudoers.d/cimadmin /root/cimadmin.away")
    story.deploy("no_sudo", "first")
    story.on("dgx-2", "mv /root/cimadmin.away /etc/sudoers.d/cimadmin")
    story.deploy("mended", "first")


def rolls_back_across_phases(story: Wards) -> None:
    """The second phase fails on one host while another is away: all that can be reached goes back, the rest is named."""
    story.play("first_verified", "playbooks/verify.yml", phase="first")
    story.play("first_soaked", "playbooks/soak.yml", phase="first")
    story.refuse("cedar", "edge-b")
    # The batches of the second phase are edge-a, then edge-b and edge-c.
    story.cut_ssh("dgx-3")
    story.deploy("bad_and_unreachable", "second")
    story.mend_ssh("dgx-3")
    story.accept()
    story.play("rollback_completed", "playbooks/rollback.yml")
    story.look("rollback_completed")


def rolls_back_a_batch(story: Wards) -> None:
    story.settle()
    story.open("opening_2", rollout_new_attempt=True)
    story.refuse("alder", "edge-a")
    story.deploy("one_of_two_bad", "first")
    story.accept()
    story.settle()
    story.open("opening_3", rollout_new_attempt=True)
    story.refuse("alder", "edge-a", "edge-b")
    story.deploy("all_bad", "first")
    story.accept()
    story.settle()


def goes(story: Wards) -> None:
    """Nothing bad left: three phases with three kinds of batches, to the decision."""
    # Without `sample`, a plan's checkpoint lasts a minute: that much is worth scaling.
    story.play("whole", "molecule/traps/wards.yml", rollout_new_attempt=True, rollout_time_scale=20)
    story.look("whole")


if __name__ == "__main__":
    wards = Wards()
    holds(wards)
    rolls_back_across_phases(wards)
    rolls_back_a_batch(wards)
    goes(wards)
