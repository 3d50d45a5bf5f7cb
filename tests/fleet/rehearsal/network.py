# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker network of a fleet: a subnet that Docker chose, and never that of the real hosts."""

from __future__ import annotations

import ipaddress

from rehearsal.clone import Fleet, FleetError
from rehearsal.engine import docker, text

REAL_HOSTS = ipaddress.IPv4Network("10.0.20.0/24")
ATTEMPTS = 6
FIRST_HOST = 11


def create(fleet: Fleet) -> ipaddress.IPv4Network:
    """Make the network with an explicit subnet, so that hosts can have fixed addresses; return the subnet.

    Docker gives fixed addresses only on a subnet that was named, so the first network only asks which one is free.
    """
    labels = [part for label in fleet.labels() for part in ("--label", label)]
    reason = ""
    for _attempt in range(ATTEMPTS):
        held: list[str] = []
        subnet = REAL_HOSTS
        try:
            while subnet.overlaps(REAL_HOSTS):
                if len(held) == ATTEMPTS:
                    raise FleetError(f"network {fleet.network}: Docker offers only subnets that overlap {REAL_HOSTS}")
                probe = f"{fleet.network}-probe{len(held)}"
                docker("network", "create", *labels, probe)
                held.append(probe)
                subnet = ipaddress.IPv4Network(subnet_of(probe))
        finally:
            if held:
                docker("network", "rm", *held, check=False)
        done = docker("network", "create", *labels, "--subnet", str(subnet), fleet.network, check=False)
        if done.returncode == 0:
            return subnet
        reason = done.stderr.decode(errors="replace").strip()  # another fleet took it in between: ask again
    raise FleetError(f"network {fleet.network}: no free subnet after {ATTEMPTS} attempts: {reason}")


def subnet_of(network: str) -> str:
    return text("network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", network)


def address(subnet: ipaddress.IPv4Network, number: int) -> str:
    """Address of the n-th host, counted from 1."""
    return str(subnet.network_address + FIRST_HOST - 1 + number)
