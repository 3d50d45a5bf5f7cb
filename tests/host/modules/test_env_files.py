# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd itself reads from environment files, against our reading of them."""

from __future__ import annotations

import base64
import json
import random
import shlex

from ansible_collections.cowboyai.rollout.plugins.module_utils import _env_file

from tests.host.shared_fleet import RehearsalHost

BY_HAND = [
    b"A=1\nA=2\n",
    b'A="x\ny"\n',
    b"A='x\\y'\n",
    b'A="a" "b"\'c\'d\n',
    b'A=a"b"\n',
    b"A=a \\ \n",
    b"A=a  \\\n  b\n",
    b"\xef\xbb\xbfA=1\nB=2\n",
    b"# c \\\nA=1\nB=1\n",
    b"A = 1\n",
    b"export A=1\n",
    b'A="\\n\\$\\`\\"\\\\"\n',
    b"A",
    b'A="abc',
    b"A=x\\",
    b"A=x\x00B=1\n",
    b"A=\xff\nB=1\n",
    b"#\xff\nB=1\n",
    b'A="a\tb\nc"\n',
    b'A= " x "y z \n',
    b"A=1\r\nB=2\r\n",
    b"A=a\\\r\nb\n",
    b"1A=2\nA.B=3\nB=1\n",
]
PIECES = [
    b"A",
    b"B",
    b"C",
    b"=",
    b"=",
    b'"',
    b"'",
    b"\\",
    b" ",
    b"\t",
    b"\n",
    b"\n",
    b"\r",
    b"#",
    b";",
    b"a",
    b"1",
    b"$",
] + [b"`", b"\x01", b"\xc3\xa9", b"\xff", b"A=", b"B=", b"\nA=", b"\nC=", b"\r\n", b"\\\n", b"export "]
VALUES = ["true", "x y", 'a"b\\$`', "", "it's", "\u00e9", " lead", "#x", "a\\"]

# Runs on the host: each file given to a transient service, its environment printed.
ASK = """
import base64, json, subprocess, sys
def ask(data):
    open('/run/rollout-env-test', 'wb').write(data)
    done = subprocess.run(['systemd-run', '--wait', '--pipe', '-q', '-p', 'EnvironmentFile=/run/rollout-env-test',
                           'env', '-0'], capture_output=True)
    if done.returncode:
        return None
    pairs = (item.partition(b'=') for item in done.stdout.split(b'\\0') if item)
    own = (b'INVOCATION_ID', b'SYSTEMD_EXEC_PID')
    return {k.decode('utf-8'): v.decode('utf-8') for k, _, v in pairs if k not in own}
base = ask(b'')
answers = [ask(base64.b64decode(text)) for text in json.load(sys.stdin)]
print(json.dumps([a and {k: v for k, v in a.items() if base.get(k) != v} if a is not None else None for a in answers]))
print(subprocess.run(['systemctl', '--version'], capture_output=True, text=True).stdout.split()[1])
"""


def test_systemd_reads_what_we_read_and_what_we_write(host: RehearsalHost) -> None:
    chance = random.Random(20260123)
    files = BY_HAND + [b"".join(chance.choices(PIECES, k=chance.randint(1, 40))) for _ in range(120)]
    written = 0
    for data in list(files):
        try:
            files.append(_env_file.set_keys(data, {"A": chance.choice(VALUES), "NEW": chance.choice(VALUES)}))
            written += 1
        except _env_file.EnvFileError:
            continue
    assert written > 100
    encoded = json.dumps([base64.b64encode(data).decode() for data in files]).encode()
    answers, version = host.root(f"python3 -c {shlex.quote(ASK)}", encoded).strip().rsplit("\n", 1)
    comment_continues = int(version.split(".")[0]) < 254
    wrong = []
    for data, seen in zip(files, json.loads(answers), strict=True):
        ours = None if _env_file.load_problem(data) else _env_file.effective(data, comment_continues)
        if seen != ours:
            wrong.append((data, seen, ours))
    assert wrong == []
