# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the words of the command line do."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

from rehearsal import access, agents, engine, hosts, image, traffic, troubles
from rehearsal.clone import LABEL, STATE, Fleet, FleetError, clone_id, exclusive

TROUBLES_OF_AN_AGENT = {"limit"}


def say(line: str) -> None:
    print(line, flush=True)


def up(fleet: Fleet, count: int, choice: str, rate: float, lasting: str) -> None:
    """Bring the fleet up as asked; one that already is up stays as it is, environment files included."""
    began = time.monotonic()
    names, chosen = hosts.host_names(count), agents.select(choice)
    say(engine.start())
    tag, line = image.ensure()
    say(line)
    with fleet.lock():
        rows = hosts.list_containers(fleet.labels())
        spec = hosts.specification(tag, names, chosen)
        if _is_whole(fleet, rows, names, spec):
            for line in hosts.revive(fleet, rows, names, access.addresses(fleet)):
                say(line)
            say(f"hosts: {', '.join(names)} (running)")
        else:
            if rows:
                say("hosts: remove what is there, since it is incomplete or was asked for differently")
            _remove(fleet, keep_key=True)
            key = access.ensure_key(fleet)
            try:
                addresses = hosts.create(fleet, tag, names, chosen, key)
                say(f"hosts: made {', '.join(f'{host} {address}' for host, address in addresses.items())}")
                found = hosts.wait_until_ready(fleet, names)
            except FleetError as error:
                raise FleetError(_with_hint(str(error), fleet)) from None
            access.record(fleet, addresses, {host: row["host_key"] for host, row in found.items()})
            _describe(fleet, addresses, chosen)
        found = hosts.wait_until_ready(fleet, names)
        say(f"agents: {sum(row['active'] for row in found.values())} of {len(names) * len(chosen)} active")
        say(traffic.start(fleet, rate, lasting) if rate else traffic.stop(fleet))
        say(f"inventory: {fleet.inventory} (or -i inventories/rehearsal with ROLLOUT_FLEET={fleet.name})")
    say(f"fleet {fleet.name} is up after {time.monotonic() - began:.1f}s")


def _is_whole(fleet: Fleet, rows: list[dict[str, str]], names: list[str], spec: str) -> bool:
    """Whether every container is there and of this specification, with our records of it."""
    records = [fleet.key, fleet.known_hosts, fleet.hosts_file, fleet.description]
    return (
        {row["name"] for row in rows} == {fleet.container(host) for host in names}
        and all(row["spec"] == spec for row in rows)
        and all(path.is_file() for path in records)
        and fleet.socket_directory().is_dir()
    )


def _with_hint(words: str, fleet: Fleet) -> str:
    if any(row["state"] != "running" for row in hosts.list_containers(fleet.labels())) and not hosts.privileged():
        words += "; a container ended by itself: try again with ROLLOUT_FLEET_PRIVILEGED=1"
    return words


def _describe(fleet: Fleet, addresses: dict[str, str], chosen: list[agents.Agent]) -> None:
    rows = [
        {"agent": a.name, "cluster": a.cluster, "agent_id": a.agent_id, "busy": a.name in agents.BUSY} for a in chosen
    ]
    description = {"made": time.time(), "name": fleet.name, "hosts": addresses, "agents": rows}
    fleet.description.write_text(json.dumps(description, indent=1) + "\n")


def _remove(fleet: Fleet, keep_key: bool = False) -> list[str]:
    """Remove all of one fleet; a line on each thing that was there."""
    lines = [traffic.stop(fleet)]
    lines.append(f"ssh: closed {access.close_connections(fleet)} connections")
    containers, networks = hosts.remove(fleet.labels())
    lines.append(f"docker: removed {containers} containers, {networks} networks")
    if keep_key:
        for path in (fleet.known_hosts, fleet.hosts_file, fleet.description, fleet.directory / "traffic.json"):
            path.unlink(missing_ok=True)
    elif fleet.directory.is_dir():
        shutil.rmtree(fleet.directory)
    return lines


def down(fleet: Fleet, everything: bool) -> None:
    """Remove the fleet; with ``everything`` all fleets of this clone and the images it built."""
    running, words = engine.answers()
    if not running:
        raise FleetError(f"docker: the engine doesn't answer, so nothing was removed ({words.splitlines()[-1:]})")
    fleets = [fleet]
    if everything:
        names = {row["fleet"] for row in hosts.list_containers([f"{LABEL}.clone={clone_id()}"])}
        names |= {path.name for path in STATE.glob("*") if (path / "id_ed25519").is_file()}
        fleets = [Fleet(name) for name in sorted(names | {fleet.name})]
    for each in fleets:
        with each.lock():
            say(f"{each.name}: {'; '.join(_remove(each))}")
        (STATE / f".{each.name}.lock").unlink(missing_ok=True)
    if everything:
        hosts.remove([f"{LABEL}.clone={clone_id()}"])
        with exclusive(STATE / ".image.lock"):
            for line in image.remove():
                say(line)
    else:
        say("images: kept for the next 'up' (fleet down --all removes them)")


def reset(fleet: Fleet, only: str | None = None) -> None:
    """Put hosts and agents back to the seeded state, without making containers anew. Journals stay."""
    targets = _targets(fleet, only)
    with fleet.lock():
        for line in hosts.revive(fleet, hosts.list_containers(fleet.labels()), targets, access.addresses(fleet)):
            say(line)
        found = hosts.wait_until_ready(fleet, targets, "reset.py")
        for host, row in found.items():
            files = f"{len(row['files'])} environment files put back, {row['removed']} other things removed"
            say(f"{host}: {files}, {len(row['restarted'])} agents restarted")
        say(f"agents: {sum(row['active'] for row in found.values())} active")


def status(fleet: Fleet) -> None:
    addresses = access.addresses(fleet)
    states = {row["name"]: row["state"] for row in hosts.list_containers(fleet.labels())}
    running = [host for host in addresses if states.get(fleet.container(host)) == "running"]
    found = hosts.on_hosts(fleet, running, "status.py")
    say(f"fleet {fleet.name} ({fleet.prefix}), inventory {fleet.inventory}")
    say(f"{'host':<8}{'address':<16}{'state':<10}{'agents':<9}{'flag on':<9}{'restarts':<10}{'nats':<22}load")
    for host, address in addresses.items():
        row = found.get(host)
        head = f"{host:<8}{address:<16}{states.get(fleet.container(host), 'missing'):<10}"
        if row is None:
            say(head.rstrip())
            continue
        nats = row["nats"]
        server = f"{nats['version']}, {nats['connections']} clients" if nats["version"] else "away"
        active = f"{row['active']}/{row['agents']}"
        say(f"{head}{active:<9}{row['flag_on']:<9}{row['restarts']:<10}{server:<22}{row['load']:.2f}")
        for unit, state in row["not_active"].items():
            say(f"  {unit}: {state}")
        for agent, faults in row["faults"].items():
            say(f"  fault on {agent}: {' '.join(faults)}")
    say(traffic.status(fleet))


def fault(fleet: Fleet, agent: str, specs: list[str], only: str | None, now: bool) -> None:
    """Put faults into agents (or with ``clear`` take them away); they act while the agent's flag is on, or always."""
    targets = _targets(fleet, only)
    if agent == "clear":
        _check_names(fleet, specs)
        for name in specs or [troubles.EVERYONE]:
            troubles.put_fault(fleet, name, [], targets, now)
        say(f"fault: cleared {', '.join(specs) or 'all'} on {', '.join(targets)}")
        return
    _check_names(fleet, [agent])
    if not specs:
        raise FleetError("fault: expected what goes wrong, such as errors=5%; see tests/fleet/README.md")
    begun = troubles.put_fault(fleet, agent, specs, targets, now)
    say(f"fault: {agent}: {' '.join(specs)} on {', '.join(targets)}")
    for row in begun if now else []:
        say(f"  {row.agent} on {row.host}: {f'acts since {row.at.isoformat()}' if row.acts else 'waits for the flag'}")


def trouble(fleet: Fleet, what: str, values: list[str], only: str | None) -> None:
    """Make trouble on hosts that no agent makes, such as a full disk."""
    if TROUBLES_OF_AN_AGENT & {what}:
        _check_names(fleet, values[:1])
    for host, (at, done) in troubles.make_trouble(fleet, what, values, _targets(fleet, only)).items():
        say(f"trouble: {host}: {done} (began {at.isoformat()})")


def _targets(fleet: Fleet, only: str | None) -> list[str]:
    addresses = access.addresses(fleet)
    if only and only not in addresses:
        raise FleetError(f"--host {only}: fleet {fleet.name} has {', '.join(addresses)}")
    return [only] if only else list(addresses)


def _check_names(fleet: Fleet, names: list[str]) -> None:
    known = [row["agent"] for row in json.loads(fleet.description.read_text())["agents"]]
    for name in names:
        if name not in known:
            raise FleetError(f"agent {name!r}: fleet {fleet.name} runs {', '.join(known)}")


def ssh(fleet: Fleet, host: str, command: list[str]) -> int:
    return subprocess.run(access.ssh_command(fleet, host, command), check=False).returncode


def traffic_action(fleet: Fleet, action: str, rate: float, lasting: str) -> None:
    actions: dict[str, Callable[[], Any]] = {
        "start": lambda: traffic.start(fleet, rate, lasting),
        "stop": lambda: traffic.stop(fleet),
        "status": lambda: traffic.status(fleet),
    }
    say(actions[action]())
