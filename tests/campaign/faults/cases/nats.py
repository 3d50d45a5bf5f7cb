# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NATS servers that die, part, forget, or let nobody in."""

from __future__ import annotations

from tests.campaign.faults.case import FIRST_HOST, SAMPLE, SOAK, SOAK_SEEN, VERIFY, Case, at
from tests.campaign.faults.lane import Lane
from tests.campaign.triggers.gateway import Gateway
from tests.rollout.scenario.boundaries import Boundary

HOST = FIRST_HOST
#: Of some hundred requests of a checkpoint's probe.
REQUESTS_BEFORE_CUT = 20
CONFIG = "$(systemctl show -p ExecStart nats-server | grep -o '/[^ ]*\\.conf' | head -1)"
#: The first file of every host that the server was started with.
BASELINE = Boundary("Baseline", "cowboyai.rollout.measure : Sample NATS and probe the agents")


def kill_one(lane: Lane) -> None:
    lane.story.on(HOST, "systemctl kill -s KILL nats-server; systemctl stop nats-server")


def start_one(lane: Lane) -> None:
    lane.story.on(HOST, "systemctl reset-failed nats-server; systemctl start nats-server")


def stop_all(lane: Lane) -> None:
    for host in lane.hosts:
        lane.story.on(host, "systemctl stop nats-server")


def start_all(lane: Lane) -> None:
    for host in lane.hosts:
        lane.story.on(host, "systemctl reset-failed nats-server; systemctl start nats-server")


def emptied(lane: Lane) -> None:
    stop_all(lane)
    for host in lane.hosts:
        lane.story.on(host, "find /var/lib/nats -mindepth 1 -delete")
    start_all(lane)


def restart_in_turn(lane: Lane) -> None:
    """All agents connect again, host by host."""
    for host in lane.hosts:
        lane.story.on(host, "systemctl restart nats-server")


def part(lane: Lane) -> None:
    """One server from the others; everybody else still reaches all of them."""
    for host in lane.hosts:
        if host != HOST:
            lane.story.on(HOST, f"ip route add blackhole {lane.story.addresses[host]}")


def joined(lane: Lane) -> None:
    for host in lane.hosts:
        if host != HOST:
            lane.story.on(HOST, f"ip route del blackhole {lane.story.addresses[host]}")


def revoke(lane: Lane) -> None:
    """From now on the servers want a login that nobody here has."""
    for host in lane.hosts:
        lane.story.on(
            host,
            f"f={CONFIG}; cp -p $f /run/nats.before"
            " && echo 'authorization { user: somebody, password: else }' >> $f && systemctl kill -s HUP nats-server",
        )


def grant(lane: Lane) -> None:
    for host in lane.hosts:
        lane.story.on(host, f"f={CONFIG}; cp -p /run/nats.before $f && systemctl kill -s HUP nats-server")


def sampler_cut(lane: Lane) -> None:
    """The measurer's own way to NATS is cut in the middle of a window; agents and servers are well."""
    ways = {
        host: Gateway(f"127.0.78.{number + 1}", address)
        for number, (host, address) in enumerate(lane.story.addresses.items())
    }
    variables = {
        "faults_ways": {host: way.address for host, way in ways.items()},
        "rollout_nats_url": "nats://{{ faults_ways[inventory_hostname] }}:4222",
    }
    try:
        with lane.running_until(SAMPLE, extra=variables):
            for way in ways.values():
                way.cut_after(REQUESTS_BEFORE_CUT)
            lane.strike()
        if not any(way.was_cut for way in ways.values()):
            lane.problems.append("no way was cut: the window had fewer requests than that")
    finally:
        for way in ways.values():
            way.close()


CASES = [
    Case("one of three NATS servers killed, while measuring", at(SAMPLE, kill_one), start_one, hosts=3, quick=True),
    Case("one of three NATS servers killed, before the baseline", at(BASELINE, kill_one), start_one, hosts=3),
    Case("one of three NATS servers killed, for a while", at(SOAK, kill_one, start_one, SOAK_SEEN), hosts=3),
    Case("one of three NATS servers parted, for good", at(VERIFY, part), joined, hosts=3),
    Case("one of three NATS servers parted, for a while", at(SOAK, part, joined, SOAK_SEEN), hosts=3),
    Case("all NATS servers down, for good", at(SAMPLE, stop_all), start_all, hosts=3),
    Case("all NATS servers down, for a while", at(SOAK, stop_all, start_all, SOAK_SEEN), hosts=3),
    Case("all NATS servers restarted with empty JetStream, in the soak", at(SOAK, emptied), hosts=3),
    Case("NATS login revoked, before the verification", at(VERIFY, revoke), grant, hosts=3),
    Case("NATS login revoked, while measuring", at(SAMPLE, revoke), grant, hosts=3),
    Case("sampler cut off, in its window", sampler_cut, hosts=3),
    Case("agents connect anew, while measuring", at(SAMPLE, restart_in_turn), hosts=3),
    Case("agents connect anew, in the soak", at(SOAK, restart_in_turn), hosts=3),
]
