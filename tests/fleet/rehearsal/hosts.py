# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a fleet: containers that are made, brought to readiness, put back and removed."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rehearsal import network
from rehearsal.agents import Agent
from rehearsal.clone import LABEL, Fleet, FleetError
from rehearsal.engine import docker, text
from rehearsal.seed import Place, archive, files

READY_WITHIN_S = 60.0
SCRIPTS = "/usr/local/lib/rollout-fleet"
UNPRIVILEGED = [
    "--cap-add", "SYS_ADMIN",
    "--cap-add", "NET_ADMIN",
    "--security-opt", "seccomp=unconfined",
    "--security-opt", "apparmor=unconfined",
]  # fmt: skip


def privileged() -> bool:
    """Some engines (cgroup v2 mounted read-only) need it; others can't grant it: the user says so."""
    return os.environ.get("ROLLOUT_FLEET_PRIVILEGED", "") not in ("", "0", "no", "false")


def host_names(count: int) -> list[str]:
    if not 1 <= count <= 20:
        raise FleetError(f"--hosts {count}: expected 1 to 20")
    return [f"dgx-{number}" for number in range(1, count + 1)]


def specification(image: str, names: list[str], agents: list[Agent]) -> str:
    """What a fleet was asked to be, as a short hash: equal means that nothing must be made anew."""
    words = [image, *names, *[f"{agent.index}:{agent.name}" for agent in agents], str(privileged())]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]


def list_containers(filters: list[str]) -> list[dict[str, str]]:
    """Containers with all the labels: rows of ``id``, ``name``, ``state``, ``spec``, ``fleet``."""
    form = f'{{{{.ID}}}}\t{{{{.Names}}}}\t{{{{.State}}}}\t{{{{.Label "{LABEL}.spec"}}}}\t{{{{.Label "{LABEL}.fleet"}}}}'
    arguments = [part for entry in filters for part in ("--filter", f"label={entry}")]
    rows = [line.split("\t") for line in text("ps", "--all", *arguments, "--format", form).splitlines()]
    return [dict(zip(("id", "name", "state", "spec", "fleet"), row, strict=True)) for row in rows]


def create(fleet: Fleet, image: str, names: list[str], agents: list[Agent], public_key: str) -> dict[str, str]:
    """Make and start the containers; host name to address."""
    subnet = network.create(fleet)
    addresses = {host: network.address(subnet, number) for number, host in enumerate(names, 1)}
    spec = specification(image, names, agents)
    mode = ["--privileged"] if privileged() else UNPRIVILEGED
    labels = [part for label in [*fleet.labels(), f"{LABEL}.spec={spec}"] for part in ("--label", label)]

    def make(number: int, host: str) -> None:
        container = fleet.container(host)
        docker(
            "create", "--name", container, "--hostname", host, *labels, *mode, "--cgroupns=private",
            "--network", fleet.network, "--ip", addresses[host], "--network-alias", host,
            "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp",
            "--stop-signal", "SIGRTMIN+3", "--log-driver", "none", image,
        )  # fmt: skip
        place = Place(host, number, addresses[host], tuple(addresses.values()))
        docker("cp", "-", f"{container}:/", data=archive(files(place, agents, public_key, fleet.prefix)))
        docker("start", container)

    with ThreadPoolExecutor(max_workers=4) as pool:
        for job in [pool.submit(make, number, host) for number, host in enumerate(names, 1)]:
            job.result()
    return addresses


def on_hosts(fleet: Fleet, names: list[str], script: str, *arguments: str) -> dict[str, dict[str, Any]]:
    """Run one of the image's scripts on every host at once; the JSON line each one prints."""

    def ask(host: str) -> dict[str, Any]:
        command = ["python3", "-I", "-c", f"import sys, runpy; sys.path.insert(0, {SCRIPTS!r});"
                   f" runpy.run_path({f'{SCRIPTS}/{script}'!r}, run_name='__main__')", *arguments]  # fmt: skip
        done = docker("exec", fleet.container(host), *command, check=False, timeout=READY_WITHIN_S + 30)
        try:
            answer: dict[str, Any] = json.loads(done.stdout)
            return answer
        except ValueError:
            words = done.stderr.decode(errors="replace").strip() or "no output"
            raise FleetError(f"{host}: {script} in container {fleet.container(host)} failed: {words[-600:]}") from None

    with ThreadPoolExecutor(max_workers=8) as pool:
        return dict(zip(names, pool.map(ask, names), strict=True))


def wait_until_ready(fleet: Fleet, names: list[str], script: str = "ready.py") -> dict[str, dict[str, Any]]:
    """Bring every host to all agents connected; with `reset.py` to its seeded state before. FleetError names what is missing."""
    found = on_hosts(fleet, names, script, str(READY_WITHIN_S))
    late = [f"{host}: {', '.join(row['missing'])}" for host, row in found.items() if row["missing"]]
    if late:
        raise FleetError(f"fleet {fleet.name} not ready after {READY_WITHIN_S:g}s; missing on {'; '.join(late)}")
    return found


def revive(fleet: Fleet, rows: list[dict[str, str]], names: list[str], addresses: dict[str, str]) -> list[str]:
    """Undo what tests do to containers: thaw, start, connect again; a line per host that needed it."""
    lines = []
    states = {row["name"]: row["state"] for row in rows}
    for host in names:
        container = fleet.container(host)
        state = states.get(container, "missing")
        if state == "paused":
            docker("unpause", container)
        elif state != "running":
            docker("start", container)
        if state != "running":
            lines.append(f"{host}: was {state}, running again")
    # One question for all hosts: each one costs a start of Docker's client.
    form = f'at {{{{with index .NetworkSettings.Networks "{fleet.network}"}}}}{{{{.IPAddress}}}}{{{{end}}}}'
    seen = text("inspect", "--format", form, *[fleet.container(host) for host in names]).splitlines()
    for host, line in zip(names, seen, strict=True):
        if line.removeprefix("at").strip() != addresses[host]:
            container = fleet.container(host)
            docker("network", "disconnect", "--force", fleet.network, container, check=False)
            docker("network", "connect", "--ip", addresses[host], "--alias", host, fleet.network, container)
            lines.append(f"{host}: connected to its network again")
    return lines


def remove(filters: list[str]) -> tuple[int, int]:
    """Remove containers, their volumes and networks with these labels; how many of each."""
    containers = [row["id"] for row in list_containers(filters)]
    if containers:
        docker("rm", "--force", "--volumes", *containers)
    arguments = [part for entry in filters for part in ("--filter", f"label={entry}")]
    networks = text("network", "ls", "--quiet", *arguments).split()
    if networks:
        docker("network", "rm", *networks)
    return len(containers), len(networks)
