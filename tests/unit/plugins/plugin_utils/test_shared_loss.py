# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A loss that control shares over the rollout is not the change's; one that control does not share always is."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _metrics
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._reading import Reading
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._shared_loss import loses_as_control

from tests.unit.plugins.plugin_utils.made_series import CONTROL, TEST, Made
from tests.unit.plugins.plugin_utils.recorded import evidence

AGENT, OTHER = TEST


def excused(made: Made, agent: str = AGENT, group: str = "cim", now: tuple[int, int] = (1, 0)) -> bool:
    # Columns are made once for a document: one that was changed is another.
    return loses_as_control({**made.evidence(), "series": copy.deepcopy(made.document)}, agent, group, now)


def lossy(made: Made, agents: tuple[str, ...], share: float, seed: int = 1) -> Made:
    rng = np.random.default_rng(seed)
    for agent in agents:
        for point in made.document["agents"][agent]["answered"][made.changed :]:
            point[1] = 18 - int(rng.binomial(18, share))
    return made


def one_lost(made: Made, agent: str, bucket: int) -> Made:
    return made.answers(agent, bucket, bucket + 1, 17)


@pytest.mark.parametrize("share", [0.002, 0.01, 0.1])
@pytest.mark.parametrize("seed", range(5))
def test_a_loss_that_everybody_has_is_nobodys(share: float, seed: int) -> None:
    made = lossy(Made(buckets=600), (*TEST, *CONTROL), share, seed)
    assert [excused(made, agent) for agent in TEST] == [True, True]


@pytest.mark.parametrize("share", [0.02, 0.05, 0.5])
def test_an_agent_that_loses_much_more_than_control_is_not_excused(share: float) -> None:
    made = lossy(lossy(Made(buckets=600), CONTROL, 0.002), (AGENT,), share)
    assert not excused(made)


def test_control_that_lost_nothing_excuses_nobody() -> None:
    assert not excused(one_lost(Made(), AGENT, 200))


def test_one_message_of_each_is_nothing_that_can_be_told_apart() -> None:
    made = one_lost(one_lost(Made(), CONTROL[0], 100), AGENT, 200)
    assert excused(made)
    for bucket in range(210, 217):
        one_lost(made, AGENT, bucket)
    assert not excused(made), "eight against one"


def test_what_control_lost_before_the_change_excuses_nothing() -> None:
    assert not excused(one_lost(one_lost(Made(changed=60), CONTROL[0], 30), AGENT, 200))


def test_an_outage_that_all_had_excuses_nothing_later() -> None:
    made = one_lost(Made(), AGENT, 200)
    for agent in (*TEST, *CONTROL):
        made.answers(agent, 100, 115, 0)
    assert not excused(made)


def test_an_outage_of_control_alone_does_not_excuse_a_whole_day_of_losses() -> None:
    made = Made(buckets=600).answers(CONTROL[0], 100, 115, 0)
    assert excused(one_lost(made, AGENT, 200))
    for bucket in range(200, 240):
        one_lost(made, AGENT, bucket)
    assert not excused(made)


def test_one_dead_minute_is_more_than_single_messages_of_control() -> None:
    made = one_lost(Made(), CONTROL[0], 100)
    made.answers(AGENT, 200, 201, 12)
    assert not excused(made, now=(6, 0))
    # In the very minutes in which control loses one too: the look tells.
    one_lost(made.answers(AGENT, 200, 202, 12), CONTROL[0], 200)
    assert excused(made, now=(1, 1))
    assert not excused(made, now=(12, 1))


def test_other_servers_and_unknown_agents_excuse_nobody() -> None:
    made = one_lost(one_lost(Made(), CONTROL[0], 100), AGENT, 200)
    assert excused(made)
    assert not excused(made, group="south")
    assert not excused(made, agent="nobody")
    assert not loses_as_control({**made.evidence(), "series": None}, AGENT, "cim", (1, 0))
    for name in CONTROL:
        made.document["agents"][name]["group"] = "south"
    assert not excused(made)


@pytest.mark.parametrize("name", ["messages_lost", "message_delivery"])
def test_the_metrics_of_losses_ask_for_it(name: str) -> None:
    """Control lost nothing in this look, but as often before: open instead of bad, and bad where control never lost."""

    def read(made: Made) -> Reading:
        document: dict[str, Any] = {**copy.deepcopy(evidence()), "series": one_lost(made, AGENT, 359).document}
        document["nats"][0]["probe"]["agents"][AGENT].update(delivered=299)
        return _metrics.read(name, document)

    shared = read(one_lost(Made(), CONTROL[0], 100))
    assert list(shared.missing) == ["nats_unreachable"]
    assert AGENT not in shared.by and OTHER in shared.by
    alone = read(Made())
    assert (alone.missing, alone.by[AGENT] not in (0.0, 100.0)) == ({}, True)
