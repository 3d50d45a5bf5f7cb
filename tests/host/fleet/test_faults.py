# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault acts on dgx-1 alone, on an agent whose flag is on, and not at all on one whose flag is off."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.host.conversation import Conversation
from tests.host.questions import QUESTION, Talk, last, question, statuses
from tests.host.shared_fleet import SharedFleet
from tests.host.waiting import until

ON, OFF = "graph-expert", "org-expert"
BOTH = (ON, OFF)
Put = Callable[..., None]


@pytest.fixture(scope="module")
def flagged(shared_fleet: SharedFleet) -> SharedFleet:
    """Seeded once; the tests of this file take away what they put, and nothing else is changed."""
    shared_fleet.reset()
    shared_fleet.turn_on(ON, "dgx-1")
    return shared_fleet


@pytest.fixture
def put_fault(flagged: SharedFleet) -> Iterator[Put]:
    def put(*specs: str, agents: tuple[str, ...] = BOTH) -> None:
        for agent in agents:
            flagged.fault(agent, *specs, host="dgx-1")

    yield put
    put()


def answers(talk: Talk, agent: str, count: int) -> list[str]:
    asker = talk("dgx-1")
    asker.reach(last(agent))
    asker.ask(question(agent), QUESTION, count=count)
    return statuses(asker.everything(last(agent)))


def errors(flagged: SharedFleet, agent: str) -> list[str]:
    return [line for line in flagged.lines("dgx-1", agent) if "ERROR agent_service: Error handling inbox" in line]


def test_fault_errors_hits_every_twentieth(flagged: SharedFleet, talk: Talk, put_fault: Put) -> None:
    asker = talk("dgx-1")
    for agent in BOTH:
        asker.reach(last(agent))
    before = len(errors(flagged, ON))
    put_fault("errors=5%")
    for agent, bad in ((ON, 3), (OFF, 0)):
        asker.ask(question(agent), QUESTION, count=60)
        assert sorted(statuses(asker.everything(last(agent)))) == ["error"] * bad + ["ok"] * (180 - bad)
    assert len(errors(flagged, ON)) - before == 3


def test_fault_drop_never_answers_a_share(flagged: SharedFleet, talk: Talk, put_fault: Put) -> None:
    asker = talk("dgx-1")
    for agent in BOTH:
        asker.reach(last(agent))
    put_fault("drop=20%")
    for agent, answered in ((ON, 140), (OFF, 150)):
        asker.ask(question(agent), QUESTION, count=50)
        assert len(asker.everything(last(agent))) == answered


def waits(asker: Conversation, agent: str, count: int) -> list[float]:
    """Seconds from asking to each answer, ascending; a busy machine makes them longer, nothing makes them shorter."""
    began = time.monotonic()
    asker.ask(question(agent), QUESTION, count=count)
    return sorted(at - began for at, _message in asker.everything(last(agent)))


@pytest.mark.parametrize(("agent", "late"), [(ON, 10), (OFF, 0)])
def test_fault_late_delays_each_answer_by_itself(talk: Talk, put_fault: Put, agent: str, late: int) -> None:
    put_fault("late=150ms")
    asker = talk("dgx-1")
    asker.reach(last(agent))

    def only_those_are_late() -> bool:
        took = waits(asker, agent, 10)
        found = sum(each >= 0.15 for each in took)
        assert len(took) == 30 and found >= late
        # One after the other they would take ten times as long.
        return found == late and took[-1] < 10 * 0.15

    until("the answers of the other instances come sooner, and the late ones together", only_those_are_late)


@pytest.mark.parametrize(("agent", "wait", "less_than"), [(ON, 0.15, 0.2), (OFF, 0.1, 0.15)])
def test_fault_late_as_a_share_of_the_usual_time(
    talk: Talk, put_fault: Put, agent: str, wait: float, less_than: float
) -> None:
    put_fault("work=100ms", "late=50%")
    asker = talk("dgx-1")
    asker.reach(last(agent))

    def as_late_as_said() -> bool:
        slowest = waits(asker, agent, 1)[-1]
        assert slowest >= wait
        return slowest < less_than

    until(f"an answer takes less than {less_than} s", as_late_as_said)


def test_fault_legacy_only(flagged: SharedFleet, talk: Talk, put_fault: Put) -> None:
    put_fault("legacy_only", agents=(ON,))
    asker = talk("dgx-1")
    asker.watch("cim.agent.>")
    asker.watch("agent.to.tester.>")
    asker.reach(last(ON))

    def published() -> tuple[int, int]:
        asker.ask(question(ON), QUESTION)
        found = [message.subject for _at, message in asker.everything(last(ON))]
        return found.count(f"agent.to.tester.from.{ON}.response"), sum(each.startswith("cim.agent.") for each in found)

    assert published() == (3, 0)
    flagged.fault(ON, host="dgx-1")
    assert published() == (3, 1)
    assert any("ENABLED" in line for line in flagged.lines("dgx-1", ON))


def test_fault_noise_says_error_at_info(flagged: SharedFleet, put_fault: Put) -> None:
    before = sum("error" in line for line in flagged.lines("dgx-1", OFF))
    put_fault("noise")
    words = " INFO agent_service: 0 errors in the last interval, error budget untouched"
    until("noise", lambda: sum(line.endswith(words) for line in flagged.lines("dgx-1", ON)) >= 2)
    assert sum("error" in line for line in flagged.lines("dgx-1", OFF)) == before


def test_fault_leak_uses_memory(flagged: SharedFleet, put_fault: Put) -> None:
    def resident_kib(agent: str) -> int:
        pid = flagged.property("dgx-1", agent, "MainPID")
        return int(flagged.root("dgx-1", f"grep VmRSS /proc/{pid}/status").split()[1])

    before = {agent: resident_kib(agent) for agent in BOTH}
    put_fault("leak=8MB/s")
    until("it leaks", lambda: resident_kib(ON) - before[ON] > 20 * 1024)
    assert abs(resident_kib(OFF) - before[OFF]) < 1024


def test_fault_crash_after_ends_the_process_and_systemd_restarts_it(flagged: SharedFleet, put_fault: Put) -> None:
    before = {agent: flagged.property("dgx-1", agent, "MainPID") for agent in BOTH}
    put_fault("crash_after=2")
    until("systemd has restarted it", lambda: flagged.property("dgx-1", ON, "NRestarts") != "0")
    until("it runs", lambda: flagged.property("dgx-1", ON, "MainPID") not in ("0", before[ON]))
    assert flagged.property("dgx-1", OFF, "MainPID") == before[OFF]
    log = flagged.root("dgx-1", f"journalctl --sync; journalctl --output=cat --unit agent-runtime@{ON} --lines 60")
    assert "panicked at" in log and "status=101" in log


def test_fault_given_now_acts_when_it_says(flagged: SharedFleet, talk: Talk, put_fault: Put) -> None:
    before = datetime.now(UTC)
    told = flagged.run("fault", ON, "errors=100%", "--host", "dgx-1", "--now").stdout
    since = datetime.fromisoformat(re.findall(rf"{ON} on dgx-1: acts since (\S+)", told)[0])
    # Containers have their machine's clock.
    assert before < since < datetime.now(UTC)
    assert sorted(answers(talk, ON, 4)) == ["error"] * 4 + ["ok"] * 8
    told = flagged.run("fault", OFF, "errors=100%", "--host", "dgx-1", "--now").stdout
    assert f"{OFF} on dgx-1: waits for the flag" in told
    assert sorted(answers(talk, OFF, 4)) == ["ok"] * 12


def test_fault_always_acts_without_the_flag_until_it_is_cleared(
    flagged: SharedFleet, talk: Talk, put_fault: Put
) -> None:
    put_fault("always", "errors=100%", agents=(OFF,))
    assert sorted(answers(talk, OFF, 4)) == ["error"] * 4 + ["ok"] * 8
    flagged.run("fault", "clear", OFF, "--now")
    assert sorted(answers(talk, OFF, 4)) == ["ok"] * 12


def test_fault_after_a_while(flagged: SharedFleet, talk: Talk, put_fault: Put) -> None:
    before, earlier = datetime.now(UTC), len(errors(flagged, ON))
    flagged.run("fault", ON, "after=2s", "errors=100%", "--host", "dgx-1")
    until("an answer is an error", lambda: "error" in answers(talk, ON, 1))
    first = datetime.fromisoformat(errors(flagged, ON)[earlier].split()[0])
    assert first >= before + timedelta(seconds=2)


def test_fault_nats_closed_stays_active_without_a_connection(flagged: SharedFleet, talk: Talk, put_fault: Put) -> None:
    def connected() -> bool:
        return f"pid={before}," in flagged.root("dgx-1", "ss -tnpH state established dport = :4222")

    before = flagged.property("dgx-1", ON, "MainPID")
    assert connected()
    put_fault("nats_closed", agents=(ON,))
    until("its connection is closed", lambda: not connected())
    asker = talk("dgx-1")
    asker.reach(last(ON), instances=2)
    asker.ask(question(ON), QUESTION, count=4)
    assert len(asker.everything(last(ON), instances=2)) == 8
    assert (flagged.property("dgx-1", ON, "ActiveState"), flagged.property("dgx-1", ON, "MainPID")) == (
        "active",
        before,
    )
    flagged.fault(ON, host="dgx-1")
    assert len(answers(talk, ON, 4)) == 12


def test_fault_corrupt_is_an_error_line(flagged: SharedFleet, put_fault: Put) -> None:
    put_fault("corrupt")
    flagged.wait_for_line("dgx-1", ON, "checksum mismatch")
    lines = [line for line in flagged.lines("dgx-1", ON) if "checksum mismatch" in line]
    assert " ERROR agent_service: Snapshot" in lines[0]
    assert not any("checksum mismatch" in line for line in flagged.lines("dgx-1", OFF))


def test_a_memory_limit_and_a_fault_that_fills_it(flagged: SharedFleet, put_fault: Put) -> None:
    pid = flagged.property("dgx-1", ON, "MainPID")

    def limit_and_use() -> list[int]:
        return [int(flagged.property("dgx-1", ON, name)) for name in ("MemoryMax", "MemoryCurrent")]

    flagged.trouble("limit", ON, str(64 * 1024**2), host="dgx-1")
    put_fault("fill=52MB", agents=(ON,))
    limit, used = limit_and_use()
    assert limit == 64 * 1024**2 and 0.8 * limit < used < limit
    flagged.fault(ON, host="dgx-1")
    flagged.trouble("clear", host="dgx-1")
    limit, used = limit_and_use()
    assert limit == 8 * 1024**3 and used < 40 * 1024**2
    assert flagged.property("dgx-1", ON, "MainPID") == pid


def test_fault_that_does_not_exist_is_refused(shared_fleet: SharedFleet) -> None:
    done = shared_fleet.run("fault", ON, "errors=often", check=False)
    assert done.returncode == 1
    assert "errors=often: expected a percentage" in done.stderr
