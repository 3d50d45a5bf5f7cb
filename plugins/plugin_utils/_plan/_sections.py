# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sections of a plan. Durations are seconds, sizes bytes, percentages 0..100; defaults are the safe ones."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._criterion import Criterion, Trigger
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._fields import (
    AgentName,
    CheckpointName,
    Duration,
    DurationOrZero,
    EnvKey,
    EnvValue,
    Line,
    Payload,
    Percent,
    PhaseName,
    RolloutId,
    Section,
    Serial,
    Size,
    Subject,
    SubjectPattern,
    refuse,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    WithJsonSchema,
    field_validator,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._units import (
    DURATION_PATTERN,
    UnitError,
    format_duration,
    parse_duration,
)

_EVENT_TEXT = re.compile(r"(\S+) after (deployed|decided)\Z")


class Moment(Section):
    """A time relative to an event of another rollout. Not written as a mapping, but as `6h after deployed`."""

    offset_s: float
    event: Literal["deployed", "decided"]

    @property
    def text(self) -> str:
        return f"{format_duration(self.offset_s)} after {self.event}"


def _moment(value: Any) -> Moment:
    expected = "`<duration> after deployed` or `<duration> after decided`, such as 6h after deployed"
    match = _EVENT_TEXT.match(value) if isinstance(value, str) else None
    if match is None:
        raise refuse(expected)
    try:
        offset = parse_duration(match.group(1))
    except UnitError as error:
        raise refuse(expected, error.hint) from error
    return Moment.model_validate({"offset_s": offset, "event": match.group(2)})


MomentField = Annotated[
    Moment,
    BeforeValidator(_moment),
    PlainSerializer(lambda moment: moment.text, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": DURATION_PATTERN[:-1] + " after (deployed|decided)$",
            "examples": ["6h after deployed"],
        }
    ),
]


class Needs(Section):
    """What must have happened before. Times count from events of the rollout that is needed."""

    rollout: RolloutId = Field(description="The rollout that must have ended with the decision.")
    decision: Literal["go"] = Field(default="go", description="The decision it must have; only go can be asked for.")
    not_before: MomentField | None = Field(default=None, description="Earliest start, e.g. `6h after deployed`.")
    not_after: MomentField | None = Field(default=None, description="Latest start, e.g. `24h after decided`.")
    test_data: Duration | None = Field(
        default=None, description="How much measured time the earlier rollouts must have gathered."
    )


class Proof(Section):
    """What a new process must show on its host before it counts as changed."""

    log: Line = Field(description="Text that a line of the new process must contain.")
    subscriptions: list[SubjectPattern] = Field(
        default_factory=list,
        description="Subjects that the new process must say it subscribed to; placeholders are filled.",
    )
    ready_within: Duration = Field(default=30.0, description="How long the new process may take to show all of it.")


class UndoProof(Section):
    """What a process must show after a rollback."""

    log: Line = Field(description="Text that a line of the restored process must contain.")
    subscriptions: list[SubjectPattern] | None = Field(default=None, description="Default: those of proof.")
    ready_within: Duration | None = Field(default=None, description="Default: that of proof.")


class Change(Section):
    """What changes on every instance of a phase."""

    env: dict[EnvKey, EnvValue] = Field(
        min_length=1, description="Keys of the environment file and their new values, quoted; placeholders are filled."
    )
    proof: Proof = Field(description="What each new process must show on its host.")
    undo_proof: UndoProof = Field(description="What each process must show after a rollback.")

    def proof_after_undo(self) -> Proof:
        """The proof after a rollback, with what it takes over from `proof`."""
        undo = self.undo_proof
        subscriptions = self.proof.subscriptions if undo.subscriptions is None else undo.subscriptions
        ready_within = self.proof.ready_within if undo.ready_within is None else undo.ready_within
        return Proof.model_construct(log=undo.log, subscriptions=list(subscriptions), ready_within=ready_within)


class Drift(Section):
    """Differences between environment files and the catalogue that are known."""

    accept: list[EnvKey] = Field(
        default_factory=list, description="Keys that may differ from the catalogue; any other drift stops the rollout."
    )


class Preflight(Section):
    """What a host must offer before anything is touched."""

    disk_free: Size = Field(default=1 << 30, description="Free space on each of rollout_disk_paths.")
    clock_offset: Duration = Field(default=2.0, description="How far the clock of a host may be from the controller's.")
    quiet_for: DurationOrZero = Field(
        default=300.0, description="How long the instances must have been up without an error line."
    )


class Baseline(Section):
    """What is measured before the change, to compare with."""

    window: Duration = Field(default=300.0, description="How long traffic and latency are measured.")
    history: Duration = Field(default=86400.0, description="How far back the journal is read for errors and restarts.")


class Phase(Section):
    """Agents that change together, batch by batch."""

    name: PhaseName = Field(description="Unique in the plan; `-e phase=<name>` runs it alone.")
    agents: list[AgentName] = Field(
        min_length=1, description="Agents of the inventory's agents file, each in one phase only."
    )
    serial: Serial = Field(
        default=1, description="Hosts that change at once: a number, a percentage, or a list of these (as in Ansible)."
    )
    stagger: DurationOrZero = Field(default=30.0, description="Pause between two batches.")
    verify_within: Duration = Field(
        default=600.0, description="Time after the last batch in which the phase must pass `verify`."
    )
    soak: Duration | None = Field(
        default=None,
        description="Time the phase must stay healthy without a break; every phase but the last needs one.",
    )


def _all_proven() -> list[Criterion]:
    return [Criterion.model_validate({"metric": "instances_proven", "equals": "100%"})]


class Verify(Section):
    """The gate of each phase, right after its last batch."""

    window: Duration = Field(default=60.0, description="How long is measured.")
    criteria: list[Criterion] = Field(default_factory=_all_proven, min_length=1, description="All must pass.")


class Control(Section):
    """Instances without the change, measured over the same minutes."""

    agents: list[AgentName] = Field(
        default_factory=list, description="Agents in no phase, with traffic like the changed ones'."
    )


class Watch(Section):
    """The looks between checkpoints, during soaks, staggers and approvals too: triggers and alerts."""

    every: Duration = Field(default=300.0, description="Time between two looks.")
    probe_every: DurationOrZero = Field(
        default=10.0,
        description="While a run waits, every agent gets a probe request this often, so that a hang of two minutes is seen;"
        " 0s leaves the time between two looks unseen.",
    )
    sample: DurationOrZero = Field(
        default=5.0,
        description="How long a look listens on NATS, longer where `probe.timeout` wants it; 0s: looks see hosts and probe only"
        " (nothing, where `probe_every` is 0s too).",
    )
    requests: int = Field(default=5, ge=1, le=1000, description="Probe requests per agent at each look.")


class Judgement(Section):
    """How sure the judge must be."""

    false_alarms: Percent = Field(
        default=0.5,
        description="Share of rollouts without any fault that sequential tests may stop, over all looks and checkpoints together.",
    )


class Approval(Section):
    """A person's GO, asked for before something happens. The watch goes on meanwhile."""

    before: PhaseName = Field(description="A phase of the plan, or decision.")
    within: Duration = Field(default=14400.0, description="How long the person has.")
    otherwise: Literal["hold", "no_go", "rollback", "go"] = Field(
        default="hold", description="What it leads to when nobody answers in time."
    )


class Sample(Section):
    """Listening on NATS."""

    window: Duration = Field(default=300.0, description="How long a checkpoint listens.")
    legacy: list[SubjectPattern] = Field(min_length=1, description="Patterns of the old subjects.")
    unified: list[SubjectPattern] = Field(min_length=1, description="Patterns of the new subjects.")


class Probe(Section):
    """Requests sent to every changed agent, so that delivery and latency always have data."""

    subject: Subject = Field(description="Where requests go; placeholders are filled per agent.")
    payload: Payload = Field(default_factory=dict, description="What is sent: a mapping (as JSON) or text.")
    count: int = Field(default=100, ge=1, le=100000, description="Requests per agent and look, spread over the window.")
    timeout: Duration = Field(
        default=5.0, le=60.0, description="How long an answer may take before it counts as lost; 60s at most."
    )


class LookAgain(Section):
    """What a hold leads to: the same look once more."""

    times: int = Field(default=3, ge=0, le=100, description="How often, before a person must decide.")
    every: Duration = Field(default=300.0, description="Pause before each.")


class Checkpoints(Section):
    """The timed looks that pass a gate."""

    after: PhaseName = Field(description="The phase whose end they count from: the last one.")
    at: list[Duration] = Field(min_length=1, description="Times after it, rising; 6h is the checkpoint T+6h.")
    also: dict[CheckpointName, list[Criterion]] = Field(
        default_factory=dict, description="Further primary criteria of single checkpoints."
    )
    look_again: LookAgain = Field(default_factory=LookAgain, description="On hold.")

    @field_validator("also", mode="before")
    @classmethod
    def _one_spelling(cls, value: Any) -> Any:
        """Refuse T+1h beside T+60m: they are one checkpoint, and the criteria of one of them would be lost."""
        offsets: dict[float, str] = {}
        for name in value if isinstance(value, dict) else ():
            try:
                offset = parse_duration(str(name).removeprefix("T+"))
            except UnitError:
                continue
            if offset in offsets:
                raise refuse(
                    "each checkpoint once", f"{offsets[offset]} is the same checkpoint", key=str(name), seen=str(name)
                )
            offsets[offset] = str(name)
        return value


class Criteria(Section):
    """What every checkpoint is judged by."""

    primary: list[Criterion] = Field(min_length=1, description="These decide: all must pass.")
    secondary: list[Criterion] = Field(default_factory=list, description="These inform.")


Occasion = Literal["trigger", "failed_phase", "failed_checkpoint"]


def _every_occasion() -> list[Occasion]:
    return ["trigger", "failed_phase", "failed_checkpoint"]


class Rollback(Section):
    """When the change is taken back without asking, and how far."""

    scope: Literal["rollout", "phase", "instance"] = Field(
        default="rollout", description="What goes back: everything, the phase, or the bad instances."
    )
    within: Duration = Field(default=600.0, description="Time in which it must be done and proven.")
    confirm_within: Duration | None = Field(
        default=None,
        description="A host that is changed puts itself back unless its change is confirmed within this time. Default: 15m,"
        " or longer where a phase needs longer to be deployed and verified.",
    )
    confirm: Literal["after_verify", "after_soak"] = Field(
        default="after_verify",
        description="When a host is told that its change is good: when its phase has passed verify, or has soaked too.",
    )
    on: list[Occasion] = Field(
        default_factory=_every_occasion, description="Occasions; an empty list leaves every rollback to a person."
    )
    when: list[Trigger] = Field(
        default_factory=list,
        description="Triggers: bad conditions, checked at every gate, and at every look that can answer them.",
    )


class StoreNeeds(Section):
    """What the store of the rollout's ledger and evidence must offer."""

    replicas: Literal[1, 3, 5] = Field(
        description="How many servers must keep each record. More than one needs a store on NATS (rollout_store)."
    )


class Checkpoint(Section):
    """One checkpoint of a plan: name, seconds after the last phase, the criteria it has besides the common ones."""

    name: str
    offset_s: float
    criteria: list[Criterion]
    index: int
    last: bool
