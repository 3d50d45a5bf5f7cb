# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact accounting of a host's instances: every requested one has a state, and the message names the bad ones."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence


def failed(reason: str, message: str) -> Dict[str, Any]:
    """The least an instance's result has."""
    return {"state": "failed", "reason": reason, "message": message, "changed": False}


def all_failed(agents: Sequence[str], reason: str, message: str) -> Dict[str, Any]:
    """A result where something on the host stopped every instance."""
    return conclude({agent: failed(reason, message) for agent in agents})


def conclude(instances: Mapping[str, Dict[str, Any]], **more: Any) -> Dict[str, Any]:
    """The module's result: ``changed``, ``failed`` with a ``msg`` that names each bad instance and why."""
    bad = {agent: result for agent, result in instances.items() if result["state"] in ("failed", "unproven")}
    out: Dict[str, Any] = dict(more)
    out["instances"] = dict(instances)
    out["changed"] = any(result.get("changed") for result in instances.values()) or bool(more.get("changed"))
    if bad:
        out["failed"] = True
        out["msg"] = "{0} of {1} instances failed: {2}".format(
            len(bad),
            len(instances),
            "; ".join("{0}: {1} ({2})".format(agent, r["message"], r["reason"]) for agent, r in bad.items()),
        )
    return out
