# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal with secrets wherever a rollout comes near them, run as loudly as Ansible can, by the account with the least sudo."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from tests.host import shared_fleet
from tests.rollout.scenario import small
from tests.rollout.scenario.story import Story
from tests.rollout.scenario.told import Told

ROOT = Path(__file__).resolve().parents[3]
FLEET = shared_fleet.NAME
AGENTS = ("network-expert", "nix-expert")
CONFIGS = "/opt/cim-dgx/configs"
BACKUPS = f"{CONFIGS}/backups/planted_pre"

# Each looks like nothing else, and holds what URLs and JSON spell differently.
SECRETS = {
    "env": "pl4nted/env+Kq7=x",
    "commented": "pl4nted/com+Kq7=x",
    "url": "pl4ntedUrlKq7x",
    "log": "pl4ntedLogKq7x",
    "change": "pl4nted/chg+Kq7=x",
    "nats": "pl4nted/nats+Kq7x",
    "channel": "pl4ntedChannelKq7x",
    "token": "pl4ntedTokenKq7x",
}
# Its value is long enough to be nobody's process id, count or part of a digest.
TEMPLATE = "{{ 73939133 * 15485863 }}"
TEMPLATE_VALUE = b"%d" % (73939133 * 15485863)
PLAN = {
    "rollout": "planted",
    "hosts": "dgx",
    "change": {
        "env": {"ENABLE_UNIFIED_SUBJECTS": "true", "NEW_API_TOKEN": SECRETS["change"]},
        "proof": {
            "log": "Unified subject architecture ENABLED",
            "subscriptions": ["agent.to.{agent}.>"],
            "ready_within": "30s",
        },
        "undo_proof": {"log": "Unified subject architecture DISABLED"},
    },
    "drift": {"accept": ["NATS_URL", "STREAM_NAME"]},
    "backup": BACKUPS,
    "preflight": {"quiet_for": "1s"},
    "baseline": {"window": "10m", "history": "10m"},
    "phases": [{"name": "first", "agents": ["network-expert"], "serial": 1, "stagger": "1m"}],
    "verify": {"window": "1m", "criteria": [{"metric": "instances_proven", "equals": "100%"}]},
    "control": {"agents": ["nix-expert"]},
    "sample": {"window": "5m", "legacy": ["agent.to.>"], "unified": ["cim.agent.>"]},
    "probe": {"subject": "agent.to.{agent}.from.rollout.question", "payload": {"task": "test"}, "count": 20, "timeout": "5s"},
    "checkpoints": {"after": "first", "at": ["10m"]},
    "criteria": {"primary": [{"metric": "message_delivery", "equals": "100%", "over": "checkpoint"}]},
    "notify": {"levels": {1: ["ops"]}},
}  # fmt: skip
# What a unit logs besides its agent: a warning that holds a token, as a careless library would.
LEAK = f"""[Service]
ExecStartPost=/bin/echo '2026-01-23T23:12:10Z  WARN agent_service: login took long, token={SECRETS["log"]} url=nats://u:{SECRETS["url"]}@h:1'
"""


@dataclass
class Rehearsed:
    """What the run said, and where it wrote."""

    folder: Path
    outputs: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def monitoring(self) -> Path:
        return self.folder / "monitoring"

    def fleet(self, *words: str, data: bytes | None = None, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            [str(ROOT / "tests/fleet/fleet"), *words],
            cwd=ROOT,
            input=data,
            capture_output=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0 or not check, f"fleet {' '.join(words)}: {done.stdout!r} {done.stderr!r}"
        return done

    def root(self, host: str, script: str, data: bytes | None = None) -> str:
        """Run a script as root, by the account that looks after the fleet."""
        return self.fleet("ssh", "--name", FLEET, host, "sudo sh -c " + shlex.quote(script), data=data).stdout.decode()

    def play(self, name: str, playbook: Path, *arguments: str) -> None:
        variables = {
            **small.SKIPPING,
            "rollout_monitoring_dir": str(self.monitoring),
            "rollout_plans_dir": str(self.folder / "plans"),
            "rollout_textfile_dir": str(self.folder / "textfile"),
            "rollout_nats_auth": {"user": "someone", "password": SECRETS["nats"]},
            # Nobody listens there: what can't be delivered is kept and told, which is where URLs get into files.
            "rollout_notify_channels": {"ops": f"json://someone:{SECRETS['channel']}@127.0.0.1:9/{SECRETS['token']}"},
        }
        secret = self.folder / "variables.json"
        secret.write_text(json.dumps(variables))
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-vvv",
            "--diff",
            "-i",
            "inventories/rehearsal",
            str(playbook),
        ]
        environment = {
            **os.environ,
            "ROLLOUT_FLEET": FLEET,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOG_PATH": str(self.folder / "ansible.log"),
        }
        environment.pop("ROLLOUT_FLEET_USER", None)
        done = subprocess.run(
            [*command, "-e", f"@{secret}", *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False,
        )  # fmt: skip
        self.outputs[name], self.statuses[name] = done.stdout, done.returncode

    def written(self) -> dict[str, bytes]:
        """Everything that came of it, by name."""
        found = {f"stdout of {name}": output for name, output in self.outputs.items()}
        places = [self.monitoring, self.folder / "textfile", self.folder / "ansible.log"]
        for place in places:
            for path in [place, *place.rglob("*")] if place.is_dir() else [place]:
                if path.is_file():
                    found[str(path.relative_to(self.folder))] = path.read_bytes()
        return found


def spellings(secret: str) -> dict[str, bytes]:
    """A secret as it may stand somewhere: plain, for URLs, in JSON, and in base64 at each of its three places."""
    raw = secret.encode()
    found = {
        "plain": raw,
        "url": quote(secret, safe="").encode(),
        "hex": raw.hex().encode(),
        "json": json.dumps(secret)[1:-1].replace("/", "\\/").encode(),
        "reversed": raw[::-1],
    }
    for place in range(3):
        # The characters at both ends depend on what stands beside it.
        text = base64.b64encode(b"\0" * place + raw)
        found[f"base64+{place}"] = text[{0: 0, 1: 2, 2: 3}[place] : len(text) - 4]
    return found


@pytest.fixture(scope="module")
def rehearsed(
    tell: Callable[[str], tuple[Story, Told]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rehearsed]:
    tell("planted_secrets")
    run = Rehearsed(tmp_path_factory.mktemp("secrets"))
    (run.folder / "plans").mkdir()
    (run.folder / "plans" / "planted.yml").write_text(yaml.safe_dump(PLAN))
    secrets = (
        f"\nOPENAI_API_KEY={SECRETS['env']}\nDATABASE_URL='postgres://u:{SECRETS['url']}@db/x'\n#OLD_TOKEN={SECRETS['commented']}\n"
        f'NOTE="{TEMPLATE} {{% raw %}} $(id) `id`"\n'
    )
    for host in shared_fleet.HOSTS:
        for agent in AGENTS:
            run.root(host, f"cat >> {CONFIGS}/agent-runtime-{agent}.env", secrets.encode())
        drop_in = "/etc/systemd/system/agent-runtime@.service.d"
        run.root(
            host,
            f"mkdir -p {drop_in} && cat > {drop_in}/leak.conf && systemctl daemon-reload && systemctl restart 'agent-runtime@*'",
            LEAK.encode(),
        )
    run.play("rollout", ROOT / "tests/rollout/secrets/rollout.yml")
    run.play("rollback", ROOT / "playbooks/rollback.yml", "-e", "rollout=planted")
    run.play("report", ROOT / "playbooks/report.yml", "-e", "rollout=planted")
    yield run
    for host in shared_fleet.HOSTS:
        run.root(host, f"rm -f {drop_in}/leak.conf && systemctl daemon-reload")
