# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as a whole."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._calendar import FreezeSpan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._criterion import Alert
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._fields import (
    Directory,
    HostPattern,
    Line,
    LogPattern,
    RolloutId,
    Section,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._log_lines import LogLines
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._notify import Notify
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._pydantic import Field, PrivateAttr
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._sections import (
    Approval,
    Baseline,
    Change,
    Checkpoint,
    Checkpoints,
    Control,
    Criteria,
    Drift,
    Judgement,
    Needs,
    Phase,
    Preflight,
    Probe,
    Rollback,
    Sample,
    StoreNeeds,
    Verify,
    Watch,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._units import (
    UnitError,
    format_duration,
    parse_duration,
)


class Plan(Section):
    """Every number of a rollout: what changes, in which order, what is measured, and what decides."""

    rollout: RolloutId = Field(description="The id of the rollout: names its ledger, evidence and reports.")
    title: Line | None = Field(default=None, description="One line for people.")
    hosts: HostPattern = Field(description="Group or pattern of the inventory whose hosts change.")
    needs: Needs | None = Field(
        default=None, description="The rollout that must have ended with GO before; leave out for none."
    )
    change: Change = Field(description="What changes on every instance, and how it is proven.")
    drift: Drift = Field(default_factory=Drift, description="Known differences between hosts and catalogue.")
    backup: Directory = Field(description="Directory on each host for the copies of what is changed.")
    preflight: Preflight = Field(default_factory=Preflight, description="What must hold before anything is touched.")
    baseline: Baseline = Field(default_factory=Baseline, description="What is measured before the change.")
    phases: list[Phase] = Field(min_length=1, description="Phases, in the order in which they run.")
    verify: Verify = Field(default_factory=Verify, description="The gate of each phase, right after its last batch.")
    control: Control = Field(default_factory=Control, description="Instances without the change, to compare with.")
    watch: Watch = Field(default_factory=Watch, description="The looks between checkpoints.")
    sample: Sample | None = Field(
        default=None, description="Listening on NATS; needed by metrics of published messages."
    )
    probe: Probe | None = Field(
        default=None, description="Requests to the changed agents; needed by metrics of delivery and latency."
    )
    checkpoints: Checkpoints = Field(description="The timed looks after the last phase.")
    approvals: list[Approval] = Field(
        default_factory=list, description="What waits for a person's GO (playbooks/approve.yml)."
    )
    freeze: list[FreezeSpan] = Field(
        default_factory=list,
        description="When nothing is changed, by the calendar. A rehearsal skips it as it skips its other waits.",
    )
    judge: Judgement = Field(default_factory=Judgement, description="How sure the judge must be.")
    criteria: Criteria = Field(description="What every checkpoint is judged by.")
    alerts: list[Alert] = Field(default_factory=list, description="Conditions worth telling a person.")
    log_lines: LogLines | None = Field(
        default=None, description="How the agents' log lines are read; without it all known shapes are tried."
    )
    corruption_signs: list[LogPattern] = Field(
        default_factory=list,
        description="Regular expressions; an ERROR line that matches is a sign of corrupted state.",
    )
    rollback: Rollback = Field(default_factory=Rollback, description="When the change is taken back, and how far.")
    notify: Notify | None = Field(default=None, description="Who is told what; without it nothing is sent.")
    store: StoreNeeds | None = Field(
        default=None, description="What the store of ledger and evidence must offer; left out, any store will do."
    )

    _path: str = PrivateAttr(default="")
    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def path(self) -> str:
        """The file the plan was read from."""
        return self._path

    @property
    def raw(self) -> dict[str, Any]:
        """The data as it was written, before defaults and units."""
        return self._raw

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the plan's canonical JSON: equal for plans that say the same, in any spelling."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The plan with all defaults, in the notation of plans (`2h`, `99.9%`), fit for JSON and for loading again."""
        return self.model_dump(mode="json", exclude_none=True)

    def agents(self) -> list[str]:
        """The agents that change, in the order in which they do."""
        return [agent for phase in self.phases for agent in phase.agents]

    def phase(self, name: str) -> Phase:
        """A phase by name. Raises KeyError with the names there are."""
        for phase in self.phases:
            if phase.name == name:
                return phase
        raise KeyError(
            f"{self.rollout} has no phase {name}; its phases are {', '.join(phase.name for phase in self.phases)}"
        )

    def checkpoint_list(self) -> list[Checkpoint]:
        """The checkpoints in their order."""
        names = [f"T+{format_duration(offset)}" for offset in self.checkpoints.at]
        return [
            Checkpoint.model_construct(
                name=name,
                offset_s=offset,
                criteria=list(self.checkpoints.also.get(name, [])),
                index=index,
                last=index == len(names) - 1,
            )
            for index, (name, offset) in enumerate(zip(names, self.checkpoints.at, strict=True))
        ]

    def checkpoint_names(self) -> list[str]:
        """`["T+1h", "T+6h", ...]`."""
        return [checkpoint.name for checkpoint in self.checkpoint_list()]

    def checkpoint(self, name: str) -> Checkpoint:
        """A checkpoint by name, in any spelling (T+60m is T+1h). Raises KeyError with the names there are."""
        try:
            offset = parse_duration(name.removeprefix("T+"))
        except UnitError:
            offset = None
        for checkpoint in self.checkpoint_list():
            if checkpoint.offset_s == offset:
                return checkpoint
        raise KeyError(
            f"{self.rollout} has no checkpoint {name}; its checkpoints are {', '.join(self.checkpoint_names())}"
        )
