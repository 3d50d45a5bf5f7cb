# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with one host goes wrong there, and ends."""

from __future__ import annotations

import pytest

from tests.host.shared_fleet import HOSTS, SharedFleet

from rehearsal import troubles  # isort: skip
from rehearsal.clone import FleetError  # isort: skip

SPOOL, TAKEN = "/opt/cim-dgx/spool", "/run/rollout-fleet/memory"


def of_its_own(fleet: SharedFleet, path: str) -> set[str]:
    """Hosts where a file system of its own lies on the path."""
    return {host for host in HOSTS if fleet.root(host, f"mountpoint {path} || :").strip() == f"{path} is a mountpoint"}


def test_trouble_disk_fills_one_host(fleet: SharedFleet) -> None:
    assert of_its_own(fleet, SPOOL) == set()
    fleet.run("trouble", "disk", "97%", "--host", "dgx-2")
    assert of_its_own(fleet, SPOOL) == {"dgx-2"}
    assert fleet.root("dgx-2", f"df --output=pcent {SPOOL}").split()[-1] == "98%"  # df rounds up
    fleet.run("trouble", "clear")
    assert of_its_own(fleet, SPOOL) == set()


def test_trouble_memory_takes_it_from_the_machine(fleet: SharedFleet) -> None:
    fleet.run("trouble", "memory", "200MB", "--host", "dgx-3")
    assert of_its_own(fleet, TAKEN) == {"dgx-3"}
    assert int(fleet.root("dgx-3", f"df --output=used -B1 {TAKEN}").split()[-1]) >= 200 * 1024**2
    # Pages of a tmpfs are nobody's but the machine's.
    assert int(fleet.root("dgx-1", "grep Shmem: /proc/meminfo").split()[1]) >= 200 * 1024
    fleet.run("trouble", "clear", "--host", "dgx-3")
    assert of_its_own(fleet, TAKEN) == set()


def test_trouble_reboot_is_a_boot_of_its_own(fleet: SharedFleet) -> None:
    script = "cat /proc/sys/kernel/random/boot_id"
    before = {host: fleet.root(host, script) for host in HOSTS}
    assert len(set(before.values())) == 3
    fleet.run("trouble", "reboot", "--host", "dgx-2")
    fleet.reset()
    after = {host: fleet.root(host, script) for host in HOSTS}
    assert {host for host in HOSTS if after[host] != before[host]} == {"dgx-2"}


def test_trouble_agents_restarts_all_of_a_host(fleet: SharedFleet) -> None:
    def invocations() -> dict[str, str]:
        script = "systemctl show --property InvocationID --value agent-runtime@nix-expert agent-runtime@org-expert"
        return {host: fleet.root(host, script) for host in HOSTS}

    before = invocations()
    fleet.run("trouble", "agents", "--host", "dgx-3")
    after = invocations()
    assert {host for host in HOSTS if after[host] != before[host]} == {"dgx-3"}
    assert not set(after["dgx-3"].split()) & set(before["dgx-3"].split())


def test_trouble_nats_restarts_the_server_of_a_host(fleet: SharedFleet) -> None:
    script = "systemctl show --property InvocationID --value nats-server"
    before = {host: fleet.root(host, script) for host in HOSTS}
    fleet.run("trouble", "nats", "--host", "dgx-1")
    after = {host: fleet.root(host, script) for host in HOSTS}
    assert {host for host in HOSTS if after[host] != before[host]} == {"dgx-1"}


def test_trouble_that_does_not_exist_is_refused_by_the_command(fleet: SharedFleet) -> None:
    done = fleet.run("trouble", "limit", "nobody", "64MB", check=False)
    assert done.returncode == 1 and "nobody" in done.stderr


@pytest.mark.parametrize(
    ("words", "seen"), [("fire", "fire"), ("disk", "PERCENT"), ("disk 100%", "100%"), ("memory 9GB", "9GB")]
)
def test_trouble_that_does_not_exist_is_refused(shared_fleet: SharedFleet, words: str, seen: str) -> None:
    what, *values = words.split()
    with pytest.raises(FleetError, match=seen):
        troubles.make_trouble(shared_fleet.own, what, values, ["dgx-1"])
