# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job of AWX (or of the automation controller) says of itself in its extra variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import value_of

# Older controllers say `tower_` only, newer ones both.
PREFIXES = ("awx", "tower")


def _said(variables: Mapping[str, Any], name: str) -> str:
    for prefix in PREFIXES:
        value: str = value_of(variables, f"{prefix}_{name}", "")
        if value:
            return value
    return ""


def job(variables: Mapping[str, Any], address: str = "") -> dict[str, str]:
    """The job that this run is, for the ledger: empty outside of AWX. `address` is where its users find AWX."""
    number = _said(variables, "job_id")
    if not number:
        return {}
    told = {
        "id": number,
        "template": _said(variables, "job_template_name"),
        "launched": _said(variables, "job_launch_type"),
    }
    workflow = _said(variables, "workflow_job_id")
    if workflow:
        told["workflow"] = workflow
    if address:
        told["url"] = f"{address.rstrip('/')}/#/jobs/playbook/{number}"
    return told


def operator(variables: Mapping[str, Any]) -> str:
    """Who started the job, and which one it is: its pod's host name says nothing later. Empty outside of AWX."""
    number = _said(variables, "job_id")
    if not number:
        return ""
    # What a schedule started has no user.
    schedule = _said(variables, "schedule_name") or _said(variables, "parent_job_schedule_name")
    who = _said(variables, "user_name") or (f"schedule {schedule}" if schedule else "AWX")
    return f"{who} (AWX job {number})"


def slicing(variables: Mapping[str, Any]) -> str:
    """Why this job must be taken for a slice; empty when it isn't one.

    AWX tells a slice neither its number nor how many there are: it only gets fewer hosts. But AWX runs slices under a workflow job
    that has the name of their own template, which no workflow made by people should have.
    """
    workflow, template = _said(variables, "workflow_job_name"), _said(variables, "job_template_name")
    if not workflow or workflow != template:
        return ""
    return (
        f"this job runs under a workflow job of its own template's name, {template!r}: AWX sliced it, and each slice sees a part of the hosts. "
        "A gate needs all hosts in one run: set job slicing of the template to 1. If it is no slice, give the workflow another name."
    )


def lost_hosts(variables: Mapping[str, Any], begun_with: list[str], hosts: list[str]) -> str:
    """Why a job must not go on with these hosts: a slice that is launched again looks like any job, but lacks hosts."""
    lost = [host for host in begun_with if host not in hosts]
    if not lost or not _said(variables, "job_id"):
        return ""
    return (
        f"it began with {', '.join(begun_with)}; this job's inventory lacks {', '.join(lost)}. Launch the template itself, with job slicing 1, "
        "not a slice again; or bring the hosts back into the inventory."
    )
