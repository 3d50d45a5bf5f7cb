# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rehearsal fleet promises, seen from outside. Needs Docker: pytest tests/fleet (about a minute)."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rehearsal.access import options, ssh_command
from rehearsal.clone import ROOT, Fleet

from tests.host.fleet.observer import STATE, Conversation, Rehearsal

HOSTS = ("dgx-1", "dgx-2", "dgx-3")
NETWORK_EXPERT_ID = "01936f88-d2a9-7000-8000-000000000008"
QUESTION = b'{"task":"test","context":"perf"}'
Talk = Callable[[str], Conversation]


def question(agent: str, sender: str = "tester") -> str:
    return f"agent.to.{agent}.from.{sender}.question"


def statuses(found: list[tuple[float, object]]) -> list[str]:
    return [json.loads(message.payload)["status"] for _at, message in found]


def test_every_instance_is_active_on_every_host(fleet: Rehearsal) -> None:
    for host in HOSTS:
        units = fleet.root(host, "systemctl list-units --plain --no-legend --state=active agent-runtime@*")
        assert len(units.splitlines()) == 31
        names = " ".join(line.split()[0] for line in units.splitlines())
        states = fleet.root(host, f"systemctl is-enabled {names} || :").split()
        assert (states.count("enabled"), states.count("disabled")) in ((20, 11), (21, 10))
        assert fleet.root(host, "systemctl is-system-running").strip() == "running"


@pytest.mark.parametrize("flag", ["off", "on"])
def test_log_lines_are_those_of_the_real_agent(fleet: Rehearsal, flag: str) -> None:
    agent, host = "network-expert", "dgx-1"
    words = "DISABLED - using legacy inbox pattern only"
    if flag == "on":
        fleet.turn_on(agent, host)
        words = "ENABLED - dual publishing to old and new patterns"
    entries = [entry for entry in fleet.log(host, agent) if entry["_COMM"] != "systemd"]
    stamps, lines = [], []
    for entry in entries[:8]:
        assert entry["PRIORITY"] == "6"
        assert entry["SYSLOG_IDENTIFIER"] == "agent-runtime-network-expert"
        stamp, line = entry["MESSAGE"].split("Z ", 1)
        stamps.append(stamp)
        lines.append(line)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", stamp) for stamp in stamps)
    assert stamps == sorted(stamps)
    assert lines == [
        " INFO agent_service: Starting agent service v0.9.2...",
        f" INFO agent_service: Connecting to NATS at nats://{fleet.addresses()[host]}:4222",
        " INFO agent_service: Connected to NATS",
        f" INFO agent_service: Unified subject architecture {words}",
        " INFO agent_service: Subscribed to: agent.to.network-expert.> (agent-specific inbox)",
        " INFO agent_service: Subscribed to: agent.broadcast.> (broadcast)",
        f" INFO agent_service: Subscribed to: agent.*.*.{NETWORK_EXPERT_ID}.command.> (agent-ref commands)",
        " INFO agent_service: Agent 'network-expert' v0.9.2 is ready for conversations",
    ]


def test_every_instance_answers_over_the_cluster(fleet: Rehearsal, talk: Talk) -> None:
    for host in HOSTS:
        asker = talk(host)
        asker.ask(question("qa-expert"), QUESTION, count=10)
        found = asker.collect(0.7)
        assert [message.subject for _at, message in found].count(f"{asker.inbox}.0") == 3
        assert statuses(found) == ["ok"] * 30


def test_broadcast_reaches_all_instances(fleet: Rehearsal, talk: Talk) -> None:
    asker = talk("dgx-2")
    asker.ask("agent.broadcast.ping", b"{}")
    assert len(asker.collect(1)) == 93


def test_metrics_line_every_hundred_messages(fleet: Rehearsal, talk: Talk) -> None:
    asker = talk("dgx-1")
    fleet.root("dgx-1", "systemctl restart agent-runtime@act-expert")
    fleet.wait_for_line("dgx-1", "act-expert", "is ready")
    asker.ask("agent.functional-programming.act-expert.01936fee-380f-7000-8000-00000000000e.command.x", b"1", count=5)
    asker.ask(question("act-expert"), QUESTION, count=200)
    asker.collect(1)
    invocation = fleet.property("dgx-1", "act-expert", "InvocationID")
    fleet.root("dgx-1", "systemctl stop agent-runtime@act-expert")
    log = fleet.root("dgx-1", f"journalctl --output=cat _SYSTEMD_INVOCATION_ID={invocation}")
    fleet.root("dgx-1", "systemctl start agent-runtime@act-expert")
    assert re.findall(r"agent_service: (.*etrics.*)", log) == [
        "Metrics: inbox=100, broadcast=0, agent-ref=5",
        "Metrics: inbox=200, broadcast=0, agent-ref=5",
        "Final metrics - inbox: 200, broadcast: 0, agent-ref: 5",
    ]


def test_payload_that_is_no_json_is_an_error_line_and_an_error_answer(fleet: Rehearsal, talk: Talk) -> None:
    asker = talk("dgx-1")
    asker.ask(question("people-expert"), b"hello")
    found = asker.collect(0.5)
    assert statuses(found) == ["error"] * 3
    assert json.loads(found[0][1].payload)["message"] == "expected value at line 1 column 1"
    line = fleet.log("dgx-1", "people-expert")[-1]
    assert line["MESSAGE"].endswith(
        "ERROR agent_service: Error handling inbox command: expected value at line 1 column 1"
    )
    assert line["PRIORITY"] == "6"


@pytest.mark.parametrize("flag", ["off", "on"])
@pytest.mark.parametrize("way", ["legacy", "unified"])
def test_publication_once_without_the_flag_twice_with_it(fleet: Rehearsal, talk: Talk, flag: str, way: str) -> None:
    agent, agent_id, cluster = {
        "off": ("nix-expert", "01936f77-c198-7000-8000-000000000007", "infrastructure"),
        "on": ("tdd-expert", "01936faa-f4cb-7000-8000-00000000000a", "quality-assurance"),
    }[flag]
    if flag == "on" and way == "legacy":
        fleet.turn_on(agent, *HOSTS)
    asker = talk("dgx-3")
    asker.watch("agent.to.tester.>")
    asker.watch("cim.agent.>")
    asked = question(agent) if way == "legacy" else f"agent.{cluster}.{agent}.{agent_id}.command.review"
    asker.ask(asked, QUESTION, headers={"Sender": "tester", "Conversation-Id": f"talk-{flag}-{way}"})
    found = [message for _at, message in asker.collect(0.7)]
    legacy = [m for m in found if m.subject == f"agent.to.tester.from.{agent}.response"]
    unified = [m for m in found if m.subject == f"cim.agent.{cluster}.{agent}.{agent_id}.response"]
    assert (len(legacy), len(unified), len(found)) == (3, 3 if flag == "on" else 0, 9 if flag == "on" else 6)
    for message in legacy + unified:
        assert message.headers == {"Sender": agent, "Recipient": "tester", "Conversation-Id": f"talk-{flag}-{way}"}


def test_agents_come_back_after_nats_was_away(fleet: Rehearsal, talk: Talk) -> None:
    fleet.root("dgx-2", "systemctl restart nats-server")
    fleet.wait_for_line("dgx-2", "sage", "Reconnected to NATS")
    lines = [entry["MESSAGE"] for entry in fleet.log("dgx-2", "sage")]
    assert any("ERROR agent_service: Lost connection to NATS" in line for line in lines)
    asker = talk("dgx-1")
    time.sleep(1)
    asker.ask(question("sage"), QUESTION)
    assert len(asker.collect(0.7)) == 3
    assert fleet.property("dgx-2", "sage", "NRestarts") == "0"


# --- faults: each acts on dgx-1 alone, on an agent whose flag is on, and not at all on one whose flag is off

ON, OFF = "graph-expert", "org-expert"


@pytest.fixture(scope="module")
def flagged(fleet: Rehearsal) -> Rehearsal:
    fleet.turn_on(ON, "dgx-1")
    return fleet


@pytest.fixture
def put_fault(flagged: Rehearsal) -> Callable[..., None]:
    def put(*specs: str) -> None:
        for agent in (ON, OFF):
            flagged.run("fault", agent, *specs, "--host", "dgx-1")
        time.sleep(1.3)  # an agent looks once a second

    yield put
    flagged.run("fault", "clear")
    time.sleep(1.2)


def answers(talk: Talk, agent: str, count: int, seconds: float = 1.0) -> list[str]:
    asker = talk("dgx-1")
    asker.ask(question(agent), QUESTION, count=count)
    return statuses(asker.collect(seconds))


def test_fault_errors_hits_every_twentieth(flagged: Rehearsal, talk: Talk, put_fault: Callable[..., None]) -> None:
    put_fault("errors=5%")
    assert sorted(answers(talk, ON, 60)) == ["error"] * 3 + ["ok"] * 177
    assert sorted(answers(talk, OFF, 60)) == ["ok"] * 180
    bad = [e for e in flagged.log("dgx-1", ON) if "ERROR agent_service: Error handling inbox command" in e["MESSAGE"]]
    assert len(bad) == 3


def test_fault_drop_never_answers_a_share(talk: Talk, put_fault: Callable[..., None]) -> None:
    put_fault("drop=20%")
    assert len(answers(talk, ON, 50)) == 140
    assert len(answers(talk, OFF, 50)) == 150


def test_fault_late_delays_each_answer_by_itself(talk: Talk, put_fault: Callable[..., None]) -> None:
    put_fault("late=150ms")
    for agent, expected in ((ON, 10), (OFF, 0)):
        asker = talk("dgx-1")
        asker.ask(question(agent), QUESTION, count=10)
        began = time.monotonic()
        waits = sorted(at - began for at, _message in asker.collect(1))
        assert len(waits) == 30
        late = [wait for wait in waits if wait >= 0.13]
        assert len(late) == expected
        assert not late or max(late) < 0.4  # ten messages at once are late once, not ten times in a row


def test_fault_legacy_only(talk: Talk, put_fault: Callable[..., None]) -> None:
    asker = talk("dgx-1")
    asker.watch("cim.agent.>")
    asker.ask(question(ON), QUESTION)
    before = [m.subject for _at, m in asker.collect(0.5)]
    assert sum(subject.startswith("cim.agent.") for subject in before) == 1
    put_fault("legacy_only")
    asker.ask(question(ON), QUESTION)
    after = [m.subject for _at, m in asker.collect(0.5)]
    assert len(after) == 3 and not any(subject.startswith("cim.agent.") for subject in after)


def test_fault_noise_says_error_at_info(flagged: Rehearsal, put_fault: Callable[..., None]) -> None:
    put_fault("noise")
    time.sleep(1)
    words = " INFO agent_service: 0 errors in the last interval, error budget untouched"
    assert sum(entry["MESSAGE"].endswith(words) for entry in flagged.log("dgx-1", ON)) >= 1
    assert not any("error" in entry["MESSAGE"] for entry in flagged.log("dgx-1", OFF))


def test_fault_leak_uses_memory(flagged: Rehearsal, put_fault: Callable[..., None]) -> None:
    def resident_kib(agent: str) -> int:
        pid = flagged.property("dgx-1", agent, "MainPID")
        return int(flagged.root("dgx-1", f"cat /proc/{pid}/status | grep VmRSS").split()[1])

    before = {agent: resident_kib(agent) for agent in (ON, OFF)}
    put_fault("leak=4MB/s")
    time.sleep(3)
    assert resident_kib(ON) - before[ON] > 8 * 1024
    assert abs(resident_kib(OFF) - before[OFF]) < 1024


def test_fault_crash_after_ends_the_process_and_systemd_restarts_it(
    flagged: Rehearsal, put_fault: Callable[..., None]
) -> None:
    before = {agent: flagged.property("dgx-1", agent, "MainPID") for agent in (ON, OFF)}
    put_fault("crash_after=4")
    script = f"systemctl show --property NRestarts --property MainPID agent-runtime@{ON}"
    deadline = time.monotonic() + 10
    while (seen := flagged.root("dgx-1", script)).count("NRestarts=0") and time.monotonic() < deadline:
        time.sleep(0.2)
    assert "NRestarts=1\n" in seen
    assert f"MainPID={before[ON]}\n" not in seen and "MainPID=0\n" not in seen
    assert flagged.property("dgx-1", OFF, "MainPID") == before[OFF]
    log = flagged.root("dgx-1", f"journalctl --output=cat --unit agent-runtime@{ON} --lines 40")
    assert "panicked at" in log and "status=101" in log


def test_fault_given_now_acts_when_it_says(flagged: Rehearsal, talk: Talk, put_fault: Callable[..., None]) -> None:
    told = flagged.run("fault", ON, "errors=100%", "--host", "dgx-1", "--now").stdout
    assert sorted(answers(talk, ON, 4)) == ["error"] * 4 + ["ok"] * 8
    since = datetime.fromisoformat(re.findall(rf"{ON} on dgx-1: acts since (\S+)", told)[0])
    assert 0 < (datetime.now(UTC) - since).total_seconds() < 5
    told = flagged.run("fault", OFF, "errors=100%", "--host", "dgx-1", "--now").stdout
    assert f"{OFF} on dgx-1: waits for the flag" in told
    assert sorted(answers(talk, OFF, 4)) == ["ok"] * 12


def test_fault_always_acts_without_the_flag_until_it_is_cleared(
    flagged: Rehearsal, talk: Talk, put_fault: Callable[..., None]
) -> None:
    flagged.run("fault", OFF, "always", "errors=100%", "--host", "dgx-1", "--now")
    assert sorted(answers(talk, OFF, 4)) == ["error"] * 4 + ["ok"] * 8
    flagged.run("fault", "clear", OFF, "--now")
    assert sorted(answers(talk, OFF, 4)) == ["ok"] * 12


def test_fault_after_a_while(flagged: Rehearsal, talk: Talk, put_fault: Callable[..., None]) -> None:
    flagged.run("fault", ON, "after=4s", "errors=100%", "--host", "dgx-1")
    assert sorted(answers(talk, ON, 4)) == ["ok"] * 12
    time.sleep(4)
    assert sorted(answers(talk, ON, 4)) == ["error"] * 4 + ["ok"] * 8


def test_fault_late_as_a_share_of_the_usual_time(
    flagged: Rehearsal, talk: Talk, put_fault: Callable[..., None]
) -> None:
    flagged.run("fault", OFF, "work=100ms", "late=50%", "--host", "dgx-1", "--now")
    flagged.run("fault", ON, "work=100ms", "late=50%", "--host", "dgx-1", "--now")
    for agent, wait in ((ON, 0.15), (OFF, 0.1)):
        asker = talk("dgx-1")
        asker.ask(question(agent), QUESTION)
        began = time.monotonic()
        last = max(at - began for at, _message in asker.collect(1))
        assert wait - 0.02 < last < wait + 0.04


def test_fault_nats_closed_stays_active_without_a_connection(
    flagged: Rehearsal, talk: Talk, put_fault: Callable[..., None]
) -> None:
    before = flagged.property("dgx-1", ON, "MainPID")
    flagged.run("fault", ON, "nats_closed", "--host", "dgx-1", "--now")
    assert len(answers(talk, ON, 4)) == 8
    assert f"pid={before}," not in flagged.root("dgx-1", "ss -tnpH state established dport = :4222")
    assert (flagged.property("dgx-1", ON, "ActiveState"), flagged.property("dgx-1", ON, "MainPID")) == (
        "active",
        before,
    )
    flagged.run("fault", "clear", "--now")
    time.sleep(1)
    assert len(answers(talk, ON, 4)) == 12


def test_fault_corrupt_is_an_error_line(flagged: Rehearsal, put_fault: Callable[..., None]) -> None:
    flagged.run("fault", ON, "corrupt", "--host", "dgx-1", "--now")
    lines = [entry["MESSAGE"] for entry in flagged.log("dgx-1", ON) if "checksum mismatch" in entry["MESSAGE"]]
    assert len(lines) == 1 and " ERROR agent_service: Snapshot" in lines[0]


def test_a_memory_limit_and_a_fault_that_fills_it(flagged: Rehearsal, put_fault: Callable[..., None]) -> None:
    pid = flagged.property("dgx-1", ON, "MainPID")
    flagged.run("trouble", "limit", ON, "64MB", "--host", "dgx-1")
    flagged.run("fault", ON, "fill=52MB", "--host", "dgx-1", "--now")
    limit, used = (int(flagged.property("dgx-1", ON, name)) for name in ("MemoryMax", "MemoryCurrent"))
    assert limit == 64 * 1024**2 and 0.85 * limit < used < limit
    flagged.run("fault", "clear", "--now")
    flagged.run("trouble", "clear")
    limit, used = (int(flagged.property("dgx-1", ON, name)) for name in ("MemoryMax", "MemoryCurrent"))
    assert limit == 8 * 1024**3 and used < 30 * 1024**2
    assert flagged.property("dgx-1", ON, "MainPID") == pid


def test_fault_that_does_not_exist_is_refused(fleet: Rehearsal) -> None:
    done = fleet.run("fault", ON, "errors=often", check=False)
    assert done.returncode == 1
    assert "errors=often: expected a percentage" in done.stderr


# --- troubles of a host


def disk_used_percent(fleet: Rehearsal, host: str) -> int:
    return int(fleet.root(host, "df --output=pcent /opt/cim-dgx/spool").split()[-1].rstrip("%"))


def test_trouble_disk_fills_one_host(fleet: Rehearsal) -> None:
    before = {host: disk_used_percent(fleet, host) for host in HOSTS}
    fleet.run("trouble", "disk", "97%", "--host", "dgx-2")
    assert {host: disk_used_percent(fleet, host) for host in HOSTS} == {**before, "dgx-2": 98}  # df rounds up
    fleet.run("trouble", "clear")
    assert disk_used_percent(fleet, "dgx-2") == before["dgx-2"]


def test_trouble_memory_takes_it_from_the_machine(fleet: Rehearsal) -> None:
    def shared_kib() -> int:
        return int(fleet.root("dgx-1", "grep Shmem: /proc/meminfo").split()[1])

    before = shared_kib()
    fleet.run("trouble", "memory", "200MB", "--host", "dgx-3")
    assert shared_kib() - before > 180 * 1024
    fleet.run("trouble", "clear", "--host", "dgx-3")
    assert shared_kib() - before < 100 * 1024


def test_trouble_reboot_is_a_boot_of_its_own(fleet: Rehearsal) -> None:
    script = "cat /proc/sys/kernel/random/boot_id"
    before = {host: fleet.root(host, script) for host in HOSTS}
    assert len(set(before.values())) == 3
    fleet.run("trouble", "reboot", "--host", "dgx-2")
    fleet.run("reset")
    after = {host: fleet.root(host, script) for host in HOSTS}
    assert {host for host in HOSTS if after[host] != before[host]} == {"dgx-2"}


def test_trouble_agents_restarts_all_of_a_host(fleet: Rehearsal) -> None:
    before = {host: fleet.property(host, "sage", "InvocationID") for host in HOSTS}
    fleet.run("trouble", "agents", "--host", "dgx-3")
    after = {host: fleet.property(host, "sage", "InvocationID") for host in HOSTS}
    assert {host for host in HOSTS if after[host] != before[host]} == {"dgx-3"}


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ("fire", "fire"),
        ("disk", "PERCENT"),
        ("disk 100%", "100%"),
        ("limit nobody 64MB", "nobody"),
        ("memory 9GB", "9GB"),
    ],
)
def test_trouble_that_does_not_exist_is_refused(fleet: Rehearsal, words: str, seen: str) -> None:
    done = fleet.run("trouble", *words.split(), check=False)
    assert done.returncode == 1 and seen in done.stderr


# --- the way in


def test_a_wrong_host_key_is_refused(fleet: Rehearsal, tmp_path: Path) -> None:
    mine = Fleet(fleet.name)
    assert subprocess.run(ssh_command(mine, "dgx-1", ["true"]), check=False).returncode == 0
    lines = mine.known_hosts.read_text().split("\n")
    (tmp_path / "known_hosts").write_text(lines[0].split()[0] + " " + " ".join(lines[1].split()[1:]) + "\n")
    wrong = [word.replace(str(mine.known_hosts), str(tmp_path / "known_hosts")) for word in options(mine)]
    command = ["ssh", *wrong, *ssh_command(mine, "dgx-1", ["true"])[1 + len(wrong) :]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_ansible_reaches_the_hosts_as_root(fleet: Rehearsal) -> None:
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "ansible", "-i", "inventories/rehearsal", "dgx", "-b", "-o", "-m", "command",
         "-a", "stat -c %a:%U:%G /opt/cim-dgx/configs/agent-runtime-bdd-expert.env"],
        cwd=ROOT, env={**os.environ, "ROLLOUT_FLEET": fleet.name}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("640:root:cimadmin") == 3
    sockets = list(Fleet(fleet.name).socket_directory().iterdir())
    assert sockets and all(len(str(path)) < 90 for path in sockets)


def test_reset_restores_the_seeded_state(fleet: Rehearsal) -> None:
    path = "/opt/cim-dgx/configs/agent-runtime-git-expert.env"
    before = fleet.root("dgx-2", f"sha256sum {path}; stat -c %a:%u:%g {path}")
    fleet.turn_on("git-expert", "dgx-2")
    fleet.run("fault", "git-expert", "noise")
    fleet.root("dgx-2", "mkdir -p /opt/cim-dgx/configs/backups/left/over; systemctl stop agent-runtime@bdd-expert;"
                        f" chmod 600 {path}; systemctl mask --runtime agent-runtime@fp-expert")  # fmt: skip
    fleet.run("reset")
    assert fleet.root("dgx-2", f"sha256sum {path}; stat -c %a:%u:%g {path}") == before
    assert fleet.root("dgx-2", "ls /opt/cim-dgx/configs/backups /opt/cim-dgx/faults").split() == [
        "/opt/cim-dgx/configs/backups:",
        "/opt/cim-dgx/faults:",
    ]
    pid = fleet.property("dgx-2", "git-expert", "MainPID")
    assert "ENABLE_UNIFIED_SUBJECTS=false" in fleet.root("dgx-2", f"cat /proc/{pid}/environ")
    assert fleet.property("dgx-2", "bdd-expert", "ActiveState") == "active"
    assert fleet.property("dgx-2", "fp-expert", "LoadState") == "loaded"


def test_traffic_is_answered_by_all_and_stops_by_itself(fleet: Rehearsal) -> None:
    fleet.run("traffic", "start", "--rate", "80", "--for", "5s")
    time.sleep(6.5)
    row = json.loads((STATE / fleet.name / "traffic.json").read_text())
    assert 380 <= row["sent"] <= 400
    assert row["answers"] == 3 * row["sent"] and row["errors"] == 0 and row["not_sent"] == 0
    assert row["sent_unified"] >= 0.15 * row["sent"]
    assert fleet.run("traffic", "status").stdout == "traffic: not running\n"


def test_down_leaves_nothing_behind() -> None:
    small = Rehearsal("check-down")
    small.run("up", "--hosts", "1", "--agents", "sage")
    mine = Fleet(small.name)
    sockets = mine.socket_directory()
    master = [*ssh_command(mine, "dgx-1", ["true"])]
    master[1:1] = ["-o", "ControlMaster=auto", "-o", "ControlPersist=300", "-o", f"ControlPath={sockets}/master"]
    subprocess.run(master, check=True)
    assert (sockets / "master").is_socket()
    pid = int((mine.directory / "traffic.pid").read_text())
    assert Path(f"/proc/{pid}").is_dir()
    small.run("down")
    for what in (["ps", "--all"], ["network", "ls"], ["volume", "ls"]):
        listed = subprocess.run(["docker", *what], capture_output=True, text=True, check=True).stdout
        assert mine.prefix not in listed
    assert not sockets.exists() and not mine.directory.exists()
    deadline = time.monotonic() + 5  # the dead child of a command that has ended is buried by init, in its own time
    while Path(f"/proc/{pid}").is_dir() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").is_dir()
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(os.fsencode(str(sockets)) in words for words in running)
    again = small.run("down")
    assert "removed 0 containers" in again.stdout


def test_inventory_of_a_fleet_that_is_down_says_so_and_reaches_nobody() -> None:
    script = ROOT / "inventories" / "rehearsal" / "hosts.py"
    done = subprocess.run(
        [script, "--list"], env={**os.environ, "ROLLOUT_FLEET": "nowhere"}, capture_output=True, text=True, check=True
    )
    assert done.stderr == "The rehearsal fleet 'nowhere' is not up; run: tests/fleet/fleet up --name nowhere\n"
    addresses = {row["ansible_host"] for row in json.loads(done.stdout)["_meta"]["hostvars"].values()}
    assert addresses == {"rehearsal-fleet-nowhere-is-not-up.invalid"}
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(addresses.pop(), 22)
