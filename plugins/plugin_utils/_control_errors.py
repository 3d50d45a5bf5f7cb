# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which errors of a changed instance are not the change's, because control shows them as well. Pure.

A NATS server that restarts leaves the same lines in every agent's log: they say something about the server.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.cowboyai.rollout.plugins.module_utils._agent_log import OTHER_KIND, kind_of
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_line import Line

_SHOWN_KINDS = 3
# A kind of which an instance has more than so many times what any control instance has, as it handles more messages or
# not, is its own for all that is beyond control's.
MANY_TIMES = 10.0


class Shown:
    """The error kinds that control shows, host by host: gathered once for all instances of an evidence document."""

    def __init__(self, evidence: dict[str, Any]):
        self._compared = evidence.get("against") == "control"
        # Per kind, (how often, of how many messages) of every control instance that shows it.
        self._here: dict[str, dict[str, list[tuple[int, int]]]] = {}
        self._anywhere: dict[str, list[tuple[int, int]]] = {}
        for peer in evidence["instances"].values():
            if peer["role"] == "control":
                here = self._here.setdefault(peer["host"], {})
                for name, kind in _error_kinds(peer).items():
                    seen = int(kind["count"]), int(peer.get("messages") or 0)
                    here.setdefault(name, []).append(seen)
                    self._anywhere.setdefault(name, []).append(seen)

    def shared_kinds(self, item: dict[str, Any]) -> dict[str, tuple[dict[str, Any], int]]:
        """kind -> (its entry, how many of it are shared), of the error kinds of a test instance that control on its host shows as well.

        Where no control stands on that host, control elsewhere counts. Panics are the instance's own always, and so is
        what was lumped together as other kinds: nobody knows whether those are the same. None are shared for control
        itself, nor where the evidence is compared `against` control, whose errors are then counted on both sides. Of a kind
        that is MANY_TIMES as frequent as in control, as many as control has are shared.
        """
        if item["role"] != "test" or self._compared:
            return {}
        shown = self._here.get(item["host"], self._anywhere)
        found = {}
        for name, kind in _error_kinds(item).items():
            if name in shown:
                count = int(kind["count"])
                usual = max(_scaled(seen, int(item.get("messages") or 0)) for seen in shown[name])
                found[name] = kind, count if count <= MANY_TIMES * usual else int(usual)
        return found


def _scaled(seen: tuple[int, int], messages: int) -> float:
    """How many errors a control instance's count stands for in one that handled `messages`: as many at least."""
    count, handled = seen
    return count * max(1.0, messages / handled if handled else 1.0)


def _error_kinds(item: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        kind["kind"]: kind
        for kind in item.get("kinds") or []
        if kind["level"] == "ERROR" and kind["kind"] != OTHER_KIND and not _panic(kind)
    }


def _panic(kind: dict[str, Any]) -> bool:
    # Looks of earlier versions list the kinds of panics among those of errors.
    return any("panicked at" in str(kind.get(key)) for key in ("kind", "example"))


def own_errors(control: Shown, item: dict[str, Any], left_out: dict[str, int]) -> float:
    """The errors of an instance that are its own; those taken away are added to `left_out`, by kind."""
    errors = item["errors"]
    shared = control.shared_kinds(item)
    taken = min(sum(count for _kind, count in shared.values()), errors - min(errors, int(item.get("panics") or 0)))
    if taken <= 0:
        return float(errors)
    for name, (_kind, count) in shared.items():
        left_out[name] = left_out.get(name, 0) + count
    return float(errors - taken)


def own_signs(control: Shown, item: dict[str, Any], left_out: dict[str, int]) -> list[str]:
    """The signs of corruption of an instance that are its own; the kinds taken away are added to `left_out`."""
    shares = control.shared_kinds(item).items()
    kinds = {name: kind for name, (kind, count) in shares if count == int(kind["count"])}
    errors = [kind for kind in item.get("kinds") or [] if kind["level"] != "WARN"]
    # The same words of another part of the agent are another kind, and stay.
    own = {_words(kind["example"]) for kind in errors if kind["kind"] not in kinds}
    shared = {_words(kind["example"]): kind for kind in kinds.values()}
    signs = [sign for sign in item["corruption_signs"] if _words(sign) not in shared or _words(sign) in own]
    # A kind counts once, however many of its examples were signs.
    for words in {_words(sign) for sign in item["corruption_signs"]} & (set(shared) - own):
        kind = shared[words]
        left_out[kind["kind"]] = left_out.get(kind["kind"], 0) + int(kind["count"])
    return signs


def _words(example: str) -> str:
    """An example without numbers and names: a kind keeps one example of many."""
    return kind_of(Line("ERROR", "", example, False))


def told(left_out: dict[str, int]) -> str:
    """`3 errors left out that control shows as well: connection closed`; empty when nothing was left out."""
    if not left_out:
        return ""
    names = sorted(left_out, key=lambda name: -left_out[name])
    more = f" and {len(names) - _SHOWN_KINDS} more kinds" if len(names) > _SHOWN_KINDS else ""
    shown = "; ".join(names[:_SHOWN_KINDS])
    return f"{sum(left_out.values())} errors left out that control shows as well: {shown}{more}"
