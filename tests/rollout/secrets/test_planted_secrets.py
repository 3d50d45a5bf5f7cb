# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret is in anything that a rollout says or writes, and nobody else can read what it writes."""

from __future__ import annotations

import base64
import json
import re
import shlex
import subprocess
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.rollout.secrets.conftest import (
    AGENTS,
    BACKUPS,
    CONFIGS,
    FLEET,
    SECRETS,
    TEMPLATE,
    TEMPLATE_VALUE,
    Rehearsed,
    spellings,
)


def unpacked(data: bytes) -> bytes:
    """The data with what long lines keep deflated laid bare."""
    found = [data]
    for packed in re.findall(rb'"deflated":\s*"([A-Za-z0-9+/=]+)"', data):
        found.append(zlib.decompress(base64.b64decode(packed)))
    return b"\n".join(found)


@pytest.mark.parametrize("how", spellings("x/y"))
@pytest.mark.parametrize("place", [0, 1, 2, 3, 7])
def test_the_search_sees_each_spelling(how: str, place: int) -> None:
    secret = SECRETS["env"]
    before, after = b"b" * place, b"and more of it"
    said = {
        "plain": before + secret.encode() + after,
        "url": quote(f"{before.decode()}{secret}&x", safe="").encode(),
        "hex": (before + secret.encode() + after).hex().encode(),
        "json": json.dumps(f"x{secret}y").replace("/", "\\/").encode(),
        "reversed": (before + secret.encode() + after)[::-1],
    }.get(how, base64.b64encode(before + secret.encode() + after))
    found = [name for name, spelled in spellings(secret).items() if spelled in said]
    assert found == ([how] if not how.startswith("base64") else [f"base64+{place % 3}"])
    packed = json.dumps({"deflated": base64.b64encode(zlib.compress(said)).decode()}).encode()
    assert said in unpacked(packed)


def test_the_rehearsal_went_all_the_way(rehearsed: Rehearsed) -> None:
    """Otherwise what follows would look for secrets where nothing was ever written."""
    assert rehearsed.statuses["rollout"] == 0, rehearsed.outputs["rollout"][-3000:].decode()
    assert rehearsed.statuses["rollback"] == 0, rehearsed.outputs["rollback"][-3000:].decode()
    kinds = [
        json.loads(line)["kind"]
        for line in (rehearsed.monitoring / "ledger" / "planted.jsonl").read_text().splitlines()
    ]
    for kind in ("backup.done", "batch.done", "gate.decided", "decision.made", "rollback.done"):
        assert kind in kinds
    names = " ".join(rehearsed.written())
    for part in ("ledger", "looks", "checkpoints", "reports", "metrics", "textfile", "ansible.log", "report.html"):
        assert part in names
    # The lines with the secrets were read, and are told without them.
    everything = b"".join(unpacked(data) for data in rehearsed.written().values())
    assert b"login took long, token=********" in everything
    assert b'"NEW_API_TOKEN":"********"' in everything


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_nowhere(rehearsed: Rehearsed, secret: str) -> None:
    found = [
        f"{name} ({how})"
        for name, data in rehearsed.written().items()
        for how, spelled in spellings(SECRETS[secret]).items()
        if spelled in unpacked(data)
    ]
    assert not found, f"the secret {secret} is in {', '.join(found)}"


def test_what_looks_like_a_template_in_a_host_s_file_stays_text(rehearsed: Rehearsed) -> None:
    for name, data in rehearsed.written().items():
        assert TEMPLATE_VALUE not in data, name
        assert b"uid=0(root)" not in data, name


def test_only_owner_and_group_can_read_what_is_kept(rehearsed: Rehearsed) -> None:
    metrics = rehearsed.monitoring / "metrics"
    for path in [rehearsed.monitoring, *rehearsed.monitoring.rglob("*")]:
        mode = path.stat().st_mode & 0o7777
        if path.is_dir():
            assert mode & 0o027 == 0, f"{path}: {mode:o}"
        elif path.parent != metrics:
            assert mode & 0o137 == 0, f"{path}: {mode:o}"
        else:
            # Another user reads them, once they are copied to where it looks.
            assert mode == 0o644


def test_backups_are_roots_alone(rehearsed: Rehearsed) -> None:
    for host in ("dgx-1", "dgx-2"):
        rows = rehearsed.root(host, f"find {BACKUPS} -printf '%y %m %U:%G %p\\n'").splitlines()
        assert len(rows) >= 3
        for row in rows:
            kind, mode, owner, _path = row.split(" ", 3)
            assert owner.startswith("0:"), row
            assert mode == ("700" if kind == "d" else "600"), row
        # Restored as it was, owner and mode too.
        assert rehearsed.root(host, f"stat -c %a {CONFIGS}/agent-runtime-{AGENTS[0]}.env").strip() == "640"
        assert TEMPLATE in rehearsed.root(host, f"cat {CONFIGS}/agent-runtime-{AGENTS[0]}.env")


def test_nothing_of_the_run_stays_on_the_hosts(rehearsed: Rehearsed) -> None:
    for host in ("dgx-1", "dgx-2"):
        assert rehearsed.root(host, "find /home/rollout /root /tmp -name '*nsible*'").strip() == ""
        log = rehearsed.root(
            host, "journalctl -t sudo -t python3 -t ansible-cowboyai.rollout.agent_change --no-pager -o cat"
        )
        # The journal was read, and what became root on this host is in it.
        assert "COMMAND=" in log
        for secret in SECRETS.values():
            assert secret not in log


def as_rollout(rehearsed: Rehearsed, host: str, command: str) -> tuple[int, str]:
    """What the account that rollouts come in with gets for a command."""
    place = Path(rehearsed.fleet("inventory", "--name", FLEET).stdout.decode().strip()) / "hosts.json"
    group = json.loads(place.read_text())["dgx"]
    shared = group["vars"]["ansible_ssh_common_args"]
    key = group["vars"]["ansible_ssh_private_key_file"].replace("%%", "%")
    done = subprocess.run(
        ["ssh", *shlex.split(shared), "-i", key, f"rollout@{group['hosts'][host]['ansible_host']}", command],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


MARK = "BECOME-SUCCESS-" + "abcdefgh" * 4


def test_the_account_may_run_what_ansible_runs(rehearsed: Rehearsed) -> None:
    status, said = as_rollout(rehearsed, "dgx-1", f"sudo -H -S -n -u root /bin/sh -c 'echo {MARK} ; /usr/bin/python3'")
    assert (status, said.strip()) == (0, MARK)


@pytest.mark.parametrize(
    "command",
    [
        "sudo -n id", "sudo -n sh -c id", "sudo -n /bin/sh", "sudo -ns", "sudo -ni", "sudo -n /usr/bin/python3", "sudo -n /usr/bin/python3 -c 1",
        "sudo -n systemctl restart agent-runtime@nix-expert", "sudo -n cat /etc/shadow", "sudoedit -n /etc/sudoers", "sudo -n -e /etc/passwd",
        f"sudo -n -u cimadmin /bin/sh -c 'echo {MARK} ; /usr/bin/python3'",
        f"sudo -n /bin/sh -c 'echo {MARK} ; /usr/bin/python3 -c 1'", f"sudo -n /bin/sh -c 'echo {MARK} ; id'",
        f"sudo -n /bin/sh -c 'echo {MARK} ; id ; /usr/bin/python3'", f"sudo -n /bin/sh -c 'echo {MARK} ; /usr/bin/python3 ; id'",
        f"sudo -n /bin/sh -c 'id ; echo {MARK} ; /usr/bin/python3'", f"sudo -n /bin/sh -c 'echo {MARK} ; /usr/bin/python3' x",
        f"sudo -n /bin/sh -c 'echo {MARK} ; /usr/bin/python3\nid'", f"sudo -n /bin/sh -x -c 'echo {MARK} ; /usr/bin/python3'",
        f"sudo -n PYTHONSTARTUP=/tmp/x /bin/sh -c 'echo {MARK} ; /usr/bin/python3'", f"sudo -n -E /bin/sh -c 'echo {MARK} ; /usr/bin/python3'",
        "sudo -n -k id", "sudo -n su -",
    ],
)  # fmt: skip
def test_whatever_else_it_asks_for_is_refused(rehearsed: Rehearsed, command: str) -> None:
    status, said = as_rollout(rehearsed, "dgx-1", command)
    assert status != 0, said
    assert "uid=0" not in said
    assert re.search(r"password is required|not allowed|sorry", said), said


def test_its_key_opens_no_terminal_and_no_tunnel(rehearsed: Rehearsed) -> None:
    keys = rehearsed.root("dgx-1", "cat /home/rollout/.ssh/authorized_keys")
    assert keys.startswith("restrict ")
    assert rehearsed.root(
        "dgx-1", "visudo -c -f /etc/sudoers.d/cowboyai-rollout; stat -c '%a %U:%G' /etc/sudoers.d/cowboyai-rollout"
    ).split()[-2:] == ["440", "root:root"]
