# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the controller gets into the hosts: key, host keys, ssh options, and the inventory that says so."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from rehearsal.clone import ROOT, Fleet, FleetError, private_directory

USER = "cimadmin"
INVENTORY_SOURCE = ROOT / "inventories" / "rehearsal"


def ensure_key(fleet: Fleet) -> str:
    """The public key of this fleet; a key pair is made on first use and is readable by us alone."""
    fleet.directory.mkdir(parents=True, exist_ok=True)
    fleet.directory.chmod(0o700)
    public = fleet.key.with_suffix(".pub")
    if not (fleet.key.is_file() and public.is_file()):
        fleet.key.unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", fleet.prefix, "-f", str(fleet.key)]
        try:
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
        except FileNotFoundError:
            raise FleetError("ssh-keygen: command not found; install it (Debian: openssh-client)") from None
        except subprocess.CalledProcessError as error:
            raise FleetError(f"ssh-keygen for {fleet.key} failed: {error.stderr.decode().strip()}") from None
    fleet.key.chmod(0o600)
    return public.read_text().strip()


def _ssh_path(path: Path) -> str:
    """A path as a value in ssh's own syntax: quoted because of spaces, its percent signs are no tokens."""
    if '"' in str(path):
        raise FleetError(f"{path}: ssh can't use a path with a double quote in it; move the clone")
    return '"' + str(path).replace("%", "%%") + '"'


def options(fleet: Fleet) -> list[str]:
    """ssh options that trust this fleet's recorded host keys and nothing else, whatever the user's own settings."""
    return [
        "-F", "none",
        "-o", "StrictHostKeyChecking=yes",
        "-o", f"UserKnownHostsFile={_ssh_path(fleet.known_hosts)}",
        "-o", "GlobalKnownHostsFile=/dev/null",
        "-o", "UpdateHostKeys=no",
        "-o", "IdentitiesOnly=yes",
        "-o", "PasswordAuthentication=no",
    ]  # fmt: skip


def record(fleet: Fleet, addresses: dict[str, str], keys: dict[str, str]) -> None:
    """Write known_hosts and the inventory. ``keys`` were read through the engine, not over the network."""
    lines = [f"{addresses[host]} {keys[host]}\n" for host in addresses]
    fleet.known_hosts.write_text("".join(lines))
    sockets = fleet.socket_directory()
    private_directory(sockets)
    fleet.inventory.mkdir(exist_ok=True)
    variables = {
        "ansible_user": USER,
        "ansible_ssh_private_key_file": str(fleet.key).replace("%", "%%"),
        "ansible_ssh_common_args": shlex.join(options(fleet)),
        "ansible_control_path_dir": str(sockets),
        "rollout_fleet_name": fleet.name,
    }
    inventory = {"dgx": {"hosts": {h: {"ansible_host": a} for h, a in addresses.items()}, "vars": variables}}
    temporary = fleet.hosts_file.with_suffix(".new")
    temporary.write_text(json.dumps(inventory, indent=2) + "\n")
    os.replace(temporary, fleet.hosts_file)
    link = fleet.inventory / "group_vars"
    if not link.is_symlink():
        link.symlink_to(os.path.relpath(INVENTORY_SOURCE / "group_vars", fleet.inventory))


def addresses(fleet: Fleet) -> dict[str, str]:
    """Host name to address of a fleet that is up. Raises FleetError when it isn't."""
    try:
        hosts = json.loads(fleet.hosts_file.read_text())["dgx"]["hosts"]
    except (OSError, ValueError, KeyError):
        raise FleetError(f"fleet {fleet.name} is not up; run: tests/fleet/fleet up --name {fleet.name}") from None
    return {host: row["ansible_host"] for host, row in hosts.items()}


def ssh_command(fleet: Fleet, host: str, command: list[str]) -> list[str]:
    """The ssh command line for one host. Raises FleetError for a host that the fleet doesn't have."""
    known = addresses(fleet)
    if host not in known:
        raise FleetError(f"host {host!r}: fleet {fleet.name} has {', '.join(known)}")
    identity = ["-o", f"IdentityFile={_ssh_path(fleet.key)}"]
    return ["ssh", *options(fleet), *identity, f"{USER}@{known[host]}", *command]


def close_connections(fleet: Fleet) -> int:
    """End the ssh masters that Ansible left behind for this fleet, and their directory; how many there were."""
    directory = fleet.socket_directory()
    count = 0
    if directory.is_dir() and not directory.is_symlink():
        for path in directory.iterdir():
            if path.is_socket():
                count += 1
                subprocess.run(
                    ["ssh", "-F", "none", "-O", "exit", "-o", f"ControlPath={_ssh_path(path)}", "fleet"],
                    stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False,
                )  # fmt: skip
        # A master that was told to end removes its socket in its own time, maybe between our listing and our removing.
        shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(directory, ignore_errors=True)
        if directory.exists():
            raise FleetError(f"{directory}: the sockets of ssh masters in it could not be removed")
    return count
