# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From who hears whom to what is measured where, and how many answers a request gets there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Group = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What was tried at preflight: the subject that stands for the probe's, and those that stand for the sample's patterns.

    `patterns`: what is listened with for a subject, where it is not the subject itself.
    """

    request: str | None
    published: tuple[str, ...] = ()
    patterns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ear:
    """One host's server: `answering`, hosts whose servers answered what was asked on it; `heard`, hosts whose publications
    come to it."""

    host: str
    answering: frozenset[str]
    heard: frozenset[str]


def ears(hosts: Sequence[str], rows: Mapping[str, Mapping[str, Any]], asked: Asked) -> tuple[list[Ear], list[str]]:
    """(what each host's server hears, what could not be tried: clauses for people).

    `rows`: of `nats_reach`, by host; each host has one without a reason.
    """
    untried: list[str] = []
    answering = {host: _answering(host, rows, asked) for host in hosts}
    found = []
    for host in hosts:
        heard = set(hosts)
        for publisher in hosts:
            answered = rows[publisher]["answered"]
            tried = [subject for subject in asked.published if subject in answered]
            if any(host not in answered[subject] for subject in tried) or (
                not asked.published and host not in answering[publisher]
            ):
                heard.discard(publisher)
        found.append(Ear(host, answering[host] if asked.request else frozenset(heard), frozenset(heard)))
    for host in hosts:
        refused = sorted(set(rows[host]["refused"]) & {*asked.published, *([asked.request] if asked.request else [])})
        untried += [f"{host}: {rows[host]['refused'][subject]}" for subject in refused]
    return found, untried


def _answering(host: str, rows: Mapping[str, Mapping[str, Any]], asked: Asked) -> frozenset[str]:
    subject = asked.request or next(iter(asked.published), None)
    return frozenset(rows[host]["answered"].get(subject) or ()) & frozenset(rows)


def groups_of(found: Sequence[Ear], rows: Mapping[str, Mapping[str, Any]]) -> list[Group]:
    """What is measured: `{name, hosts, servers, measurers, expected}` for all servers that hear and are answered alike.

    One of `measurers` is measured on at a time; what it hears stands for `hosts`; a request on it gets `expected` answers of
    an agent with one instance a host. Where hearing goes one way only, a host is in more than one group.
    """
    alike: dict[tuple[frozenset[str], frozenset[str]], list[str]] = {}
    for ear in found:
        alike.setdefault((ear.answering, ear.heard), []).append(ear.host)
    groups = []
    for (answering, heard), measurers in alike.items():
        groups.append(
            {
                "name": "",
                "hosts": [ear.host for ear in found if ear.host in answering & heard or ear.host in measurers],
                "servers": [rows[host].get("server_name") or rows[host].get("server_id") for host in measurers],
                "measurers": measurers,
                "expected": len(answering),
            }
        )
    return _named(groups, rows)


def groups_by_cluster(hosts: Sequence[str], probes: Mapping[str, Mapping[str, Any]]) -> list[Group]:
    """What names say, where it could not be tried: servers of one cluster, or hosts of one server, belong together."""
    groups: dict[str, Group] = {}
    for host in hosts:
        cluster = probes[host].get("cluster") or ""
        key = f"cluster {cluster}" if cluster else f"server {probes[host].get('server_id') or host}"
        group = groups.setdefault(key, {"name": "", "hosts": [], "servers": [], "measurers": [], "expected": 0})
        group["hosts"].append(host)
        group["measurers"].append(host)
        group["servers"].append(probes[host].get("server_name") or probes[host].get("server_id"))
        group["expected"] += 1
    return _named(list(groups.values()), probes)


def _named(groups: list[Group], rows: Mapping[str, Mapping[str, Any]]) -> list[Group]:
    """Each by its cluster, where it is the only one of that name; else by its first host."""
    clusters = [{str(rows[host].get("cluster") or "") for host in group["measurers"]} for group in groups]
    first = [group["measurers"][0] for group in groups]
    for group, own in zip(groups, clusters, strict=True):
        name = next(iter(own)) if len(own) == 1 else ""
        alone = name and sum(name in other for other in clusters) == 1 and name not in first
        group["name"] = name if alone else group["measurers"][0]
    return groups
