# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units as real installations have them, under real systemd: hidden environments, slow stops, linked files, no limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.host.shared_fleet import CONFIGS, RehearsalHost

AGENT = "tdd-expert"
UNIT = f"agent-runtime@{AGENT}.service"
DIRECTORY = "/opt/cim-dgx/configs/backups/odd"
FILE = f"{CONFIGS}/agent-runtime-{AGENT}.env"

# As programs do that set their title: the memory that /proc/PID/environ shows is written over.
OVERWRITING = b"""\
import ctypes, os, runpy, sys
fields = open("/proc/self/stat").read().rpartition(")")[2].split()
ctypes.memset(int(fields[47]), 32, int(fields[48]) - int(fields[47]))
sys.argv = ["/opt/cim-dgx/bin/agent-runtime"]
sys.path.insert(0, os.path.dirname(os.path.realpath(sys.argv[0])))
runpy.run_path(os.path.realpath(sys.argv[0]), run_name="__main__")
"""


@pytest.fixture
def odd(host: RehearsalHost) -> Iterator[RehearsalHost]:
    """The host; what a test laid over the unit is gone afterwards."""
    yield host
    host.root(
        f"umount {FILE} 2>/dev/null; rm -rf /run/systemd/system/{UNIT}.d {DIRECTORY} {FILE}.other; systemctl daemon-reload"
    )


def lay_over(host: RehearsalHost, *lines: str, restart: bool = True) -> None:
    folder = f"/run/systemd/system/{UNIT}.d"
    text = "\n".join(["[Service]", *lines, ""]).encode()
    host.root(f"mkdir -p {folder}; cat > {folder}/odd.conf; systemctl daemon-reload", text)
    if restart:
        host.root(f"systemctl restart {UNIT}")


def change(host: RehearsalHost, **more: object) -> dict:
    result = host.run("agent_change", {"instances": [{**host.turned_on(AGENT), **more}]})
    return dict(result["instances"][AGENT])


def test_a_process_that_hides_its_environment_is_restarted_once(odd: RehearsalHost) -> None:
    odd.root("cat > /run/overwriting.py", OVERWRITING)
    lay_over(odd, "ExecStart=", "ExecStart=/usr/bin/python3 /run/overwriting.py")
    odd.fleet.wait_for_line(odd.name, AGENT, "is ready")
    first = change(odd)
    pid = odd.pid(AGENT)
    again = change(odd)
    assert [one["reason"] for one in (first, again)] == ["environ_unreadable"] * 2
    assert (first["restarted"], again["restarted"]) == (True, False)
    assert odd.pid(AGENT) == pid == str(first["after"]["main_pid"])


def test_a_stop_that_takes_longer_than_the_new_process_may(odd: RehearsalHost) -> None:
    # Twelve seconds to stop, ten to be ready; the old process shows nothing that is asked for.
    lay_over(odd, "TimeoutStopSec=infinity", "ExecStop=/bin/sleep 12", restart=False)
    one = change(odd, proof={"ready_within": 10.0})
    assert (one["state"], one["reason"], one["restarted"]) == ("proven", None, True)


@pytest.mark.parametrize(
    ("make", "text"),
    [(f"ln {FILE} {FILE}.other", "hard links"), (f"mount --bind {FILE} {FILE}", "is a mount point")],
)
def test_a_file_that_can_not_be_replaced(odd: RehearsalHost, make: str, text: str) -> None:
    odd.root(make)
    before, pid = odd.text(AGENT), odd.pid(AGENT)
    one = change(odd)
    assert (one["state"], one["reason"]) == ("failed", "env_file_not_regular")
    assert text in one["message"]
    backup = odd.run("agent_backup", {"rollout": "odd", "directory": DIRECTORY, "instances": [odd.as_it_was(AGENT)]})
    assert backup["instances"][AGENT]["reason"] == "env_file_not_regular"
    looked = odd.run("agent_units_info", {"instances": [odd.instance(AGENT)], "environment_keys": ["AGENT_NAME"]})
    assert text in looked["instances"][AGENT]["environment"]["problem"]
    assert (odd.text(AGENT), odd.pid(AGENT)) == (before, pid)


def test_a_unit_without_a_memory_limit_has_that_of_its_group_or_host(odd: RehearsalHost) -> None:
    lay_over(odd, "MemoryMax=infinity")
    seen = odd.run("agent_units_info", {"instances": [odd.instance(AGENT)]})
    one, total = seen["instances"][AGENT], seen["host"]["memory"]["total_bytes"]
    assert 0 < one["memory_bytes"] < one["memory_limit_bytes"] <= total
    assert one["memory_limit_of"] != "unit"


def provable(host: RehearsalHost, **more: object) -> dict:
    proof = {"log": "Unified subject architecture DISABLED", "ready_within": 120.0}
    asked = {**host.instance(AGENT), "keys": ["ENABLE_UNIFIED_SUBJECTS"], "proof": proof, **more}
    return dict(host.run("agent_units_info", {"instances": [asked]})["instances"][AGENT]["provable"])


def test_whether_proofs_can_succeed_is_known_before_the_change(odd: RehearsalHost) -> None:
    assert provable(odd) == {"problems": [], "undo": {"state": "proven", "reason": None, "message": ""}}
    wrong = provable(odd, proof={"log": "Unified subject architecture OFF", "ready_within": 5.0})
    assert (wrong["problems"], wrong["undo"]["state"], wrong["undo"]["reason"]) == ([], "failed", "log_line_missing")
    odd.root("echo ENABLE_UNIFIED_SUBJECTS=false > /run/late.env")
    for lines, text in (
        (("EnvironmentFile=-/run/late.env",), "set again by /run/late.env"),
        (("UnsetEnvironment=ENABLE_UNIFIED_SUBJECTS",), "takes ENABLE_UNIFIED_SUBJECTS away"),
        (
            ("ExecStart=", "ExecStart=/usr/bin/env ENABLE_UNIFIED_SUBJECTS=false /opt/cim-dgx/bin/agent-runtime"),
            "sets ENABLE_UNIFIED_SUBJECTS itself",
        ),
        (("ExecStart=", "ExecStart=/usr/bin/sudo /bin/sleep infinity"), "is sudo"),
        (("ExecStart=", "ExecStart=/usr/bin/env -i /bin/sleep infinity"), "INVOCATION_ID"),
    ):
        lay_over(odd, *lines)
        # What runs now shows nothing of the proof: nobody waits for it long.
        found = provable(odd, proof={"log": "x", "ready_within": 1.0})["problems"]
        assert any(text in each for each in found), (lines, found)


def test_a_rollback_that_can_not_be_proven_is_accepted_or_corrected(odd: RehearsalHost) -> None:
    # Long enough for a process on a busy host to show what it shows; the wrong line never comes.
    wrong = odd.instance(AGENT, proof={"log": "Unified subject architecture OFF", "ready_within": 20.0})
    odd.run("agent_backup", {"rollout": "odd", "directory": DIRECTORY, "instances": [wrong]})
    assert change(odd)["state"] == "proven"
    asked = {"directory": DIRECTORY, "agents": [AGENT]}
    one = odd.run("agent_restore", asked)["instances"][AGENT]
    assert (one["state"], one["reason"]) == ("unproven", "log_line_missing")
    assert "ENABLE_UNIFIED_SUBJECTS=false" in odd.text(AGENT)
    pid = odd.pid(AGENT)
    proofs = {AGENT: {"log": "Unified subject architecture DISABLED", "ready_within": 120.0}}
    for way in ({"accept_unproven": [AGENT]}, {"proofs": proofs}):
        back = odd.run("agent_restore", {**asked, **way})
        assert (back["instances"][AGENT]["state"], back["failed"]) == ("restored", False)
    assert odd.pid(AGENT) == pid
