# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outbox and sender: every message reaches each channel once, or is given up and recorded; nobody waits for anybody."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger, Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._hook import unsent_lines, wait_for
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._outbox import SENT, Delivery, Message, Outbox
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._real_time import RealTime
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._sender import (
    LONGEST_TRY_S,
    LOOK_UP_S,
    NO_URL_AFTER_S,
    Sender,
)

from tests.unit.plugins.paused_time import EPOCH, HANGS_S, PausedTime

URLS = {"ops": ["json://ops"], "pager": ["json://pager"]}
Answer = Callable[[str, str], str]


class Time(PausedTime, RealTime):
    """A clock that a pause moves."""

    def now(self) -> float:
        return self.time()


class Killed(BaseException):
    """The end of a sender that does not go on."""


class Server:
    """Stands in for what is behind the URLs; `answer(url, title)` says why it fails."""

    def __init__(self, answer: Answer = lambda url, title: "") -> None:
        self.answer, self.got = answer, list[tuple[str, str]]()

    def send(self, url: str, title: str, body: str, kind: str) -> str:
        why = self.answer(url, title)
        if not why:
            self.got.append((url, title))
        return why


def sender(
    outbox: Outbox, ledger: Ledger, channels: dict[str, list[str]], server: Server, time: Time | None = None
) -> Sender:
    """A sender for which no time passes, and whose tries end before it looks for them."""
    return Sender(outbox, ledger, channels, server.send, time or Time(), lambda work: work())


def message(name: str = "00000007-incident", *channels: str, waits: tuple[float, ...] = (0.0, 0.01, 0.01)) -> Message:
    return Message(
        id=name, rollout="wave2", attempt=1, run="r", by="me@here", of=7, event="incident", what="opened", kind="failure",
        title=name, body="text", made_at=EPOCH, waits_s=list(waits), deliveries=[Delivery(c) for c in channels or ("ops",)],
    )  # fmt: skip


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox.of(tmp_path, "wave2")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "ledger" / "wave2.jsonl")
    made.append(rollout="wave2", attempt=1, run="r", by="me", kind="rollout.started", data={}, now=datetime.now(UTC))
    return made


def recorded(ledger: Ledger) -> list[tuple[str, str, int]]:
    return [(r.kind, r.data["channel"], r.data["tries"]) for r in ledger.read() if r.kind.startswith("notification.")]


def test_a_message_reaches_its_channels_and_is_recorded_and_kept(outbox: Outbox, ledger: Ledger) -> None:
    server = Server()
    assert outbox.add(message("00000007-incident", "ops", "pager"))
    assert sender(outbox, ledger, URLS, server).run()
    assert sorted(server.got) == [("json://ops", "00000007-incident"), ("json://pager", "00000007-incident")]
    assert sorted(recorded(ledger)) == [("notification.sent", "ops", 1), ("notification.sent", "pager", 1)]
    assert outbox.messages() == []
    assert [path.name for path in outbox.done.iterdir()] == ["00000007-incident.json"]
    assert not outbox.add(message())


def test_the_record_says_what_where_and_how_long_it_took(outbox: Outbox, ledger: Ledger) -> None:
    outbox.add(message())
    sender(outbox, ledger, URLS, Server()).run()
    data = ledger.read()[-1].data
    assert data == {
        "of": 7, "event": "incident", "what": "opened", "channel": "ops", "tries": 1, "title": "00000007-incident",
        "after_s": 0.02,
    }  # fmt: skip


def test_a_channel_that_fails_is_tried_again_and_the_others_get_it_once(outbox: Outbox, ledger: Ledger) -> None:
    tries: list[str] = []

    def answer(url: str, title: str) -> str:
        tries.append(url)
        return "error 500" if url == "json://pager" and tries.count(url) <= 2 else ""

    outbox.add(message("00000007-incident", "ops", "pager"))
    sender(outbox, ledger, URLS, Server(answer)).run()
    assert (tries.count("json://ops"), tries.count("json://pager")) == (1, 3)
    assert sorted(recorded(ledger)) == [("notification.sent", "ops", 1), ("notification.sent", "pager", 3)]


def test_of_several_urls_of_a_channel_only_those_that_failed_are_tried_again(outbox: Outbox, ledger: Ledger) -> None:
    tries: list[str] = []

    def answer(url: str, title: str) -> str:
        tries.append(url)
        return "down" if url == "json://b" and tries.count(url) == 1 else ""

    outbox.add(message())
    sender(outbox, ledger, {"ops": ["json://a", "json://b"]}, Server(answer)).run()
    assert sorted(tries) == ["json://a", "json://b", "json://b"]
    assert recorded(ledger) == [("notification.sent", "ops", 2)]


def test_after_the_last_try_it_is_given_up_and_the_reason_recorded(outbox: Outbox, ledger: Ledger) -> None:
    outbox.add(message())
    sender(outbox, ledger, URLS, Server(lambda url, title: "Connection refused")).run()
    assert recorded(ledger) == [("notification.failed", "ops", 3)]
    assert ledger.read()[-1].data["why"] == "Connection refused"
    assert outbox.messages() == []


def test_a_channel_that_never_answers_keeps_nobody_waiting(outbox: Outbox, ledger: Ledger) -> None:
    """Its own messages end by the limit of a try; those of others go out at once."""
    never = threading.Event()

    def answer(url: str, title: str) -> str:
        if url == "json://pager":
            never.wait(HANGS_S)
        return ""

    class AfterTheOthers(Time):
        """No time passes before the other channel has its messages."""

        def sleep(self, seconds: float) -> None:
            each = [delivery for message in outbox.messages() for delivery in message.deliveries]
            others = any(delivery.channel == "ops" and delivery.state != SENT for delivery in each)
            if others:
                never.wait(0.001)
            super().sleep(0.0 if others else LONGEST_TRY_S / 3)

    for number in range(3):
        outbox.add(message(f"0000000{number}-incident", "ops", "pager", waits=(0.0,)))
    server, time = Server(answer), AfterTheOthers()
    Sender(outbox, ledger, URLS, server.send, time).run()
    never.set()
    assert [title[7] for url, title in server.got if url == "json://ops"] == ["0", "1", "2"]
    assert sum(kind == "notification.failed" for kind, _channel, _tries in recorded(ledger)) == 3
    assert "no end of it after 45 s" in next(r.data["why"] for r in ledger.read() if r.kind == "notification.failed")
    assert time.passed == pytest.approx(3 * LONGEST_TRY_S)


def test_a_message_for_a_channel_without_url_waits_for_a_run_that_has_one(outbox: Outbox, ledger: Ledger) -> None:
    outbox.add(message("00000007-incident", "ops", "pager"))
    sender(outbox, ledger, {"ops": URLS["ops"]}, Server()).run()
    assert recorded(ledger) == [("notification.sent", "ops", 1)]
    assert [delivery.channel for each in outbox.messages() for delivery in each.open()] == ["pager"]
    server = Server()
    sender(outbox, ledger, URLS, server).run()
    assert server.got == [("json://pager", "00000007-incident")]


def test_but_not_for_ever(outbox: Outbox, ledger: Ledger) -> None:
    old = message("00000007-incident", "pager")
    old.made_at -= NO_URL_AFTER_S + 1.0
    outbox.add(old)
    sender(outbox, ledger, {"ops": URLS["ops"]}, Server()).run()
    assert recorded(ledger) == [("notification.failed", "pager", 0)]


def test_one_sender_at_a_time(outbox: Outbox, ledger: Ledger) -> None:
    outbox.add(message())
    server = Server()
    with outbox.sending() as held:
        assert held
        assert not sender(outbox, ledger, URLS, server).run()
    assert server.got == []


def test_what_is_laid_in_while_a_sender_is_at_work_goes_out_too(outbox: Outbox, ledger: Ledger) -> None:
    def answer(url: str, title: str) -> str:
        outbox.add(message("00000008-incident"))
        return ""

    server = Server(answer)
    outbox.add(message())
    sender(outbox, ledger, URLS, server).run()
    assert [title for _url, title in server.got] == ["00000007-incident", "00000008-incident"]


def test_a_sender_that_was_killed_is_gone_on_with(outbox: Outbox, ledger: Ledger) -> None:
    """Sent, but not recorded: recorded now, not sent again. Tried twice: one try is left."""
    sent = message("00000007-incident")
    sent.deliveries[0].state, sent.deliveries[0].tries = "sent", 1
    tried = message("00000008-incident")
    tried.deliveries[0].tries = 2
    for each in (sent, tried):
        outbox.add(each)
    server = Server(lambda url, title: "down")
    sender(outbox, ledger, URLS, server).run()
    assert recorded(ledger) == [("notification.sent", "ops", 1), ("notification.failed", "ops", 3)]


def test_without_a_ledger_nothing_is_recorded_and_none_is_made(outbox: Outbox, tmp_path: Path) -> None:
    outbox.add(message())
    server = Server()
    sender(outbox, Ledger(tmp_path / "ledger" / "none.jsonl"), URLS, server).run()
    assert len(server.got) == 1
    assert not (tmp_path / "ledger" / "none.jsonl").exists()


def test_a_ledger_that_is_broken_keeps_nobody_from_being_told(outbox: Outbox, ledger: Ledger) -> None:
    ledger.path.write_text("rubbish\n")
    outbox.add(message())
    server = Server()
    sender(outbox, ledger, URLS, server).run()
    assert len(server.got) == 1
    assert outbox.messages() == []


def test_a_file_that_is_no_message_is_left_alone(outbox: Outbox, ledger: Ledger) -> None:
    outbox.add(message())
    for name, text in (
        ("a.json", "{"),
        ("b.json", "[]"),
        ("c.json", '{"schema": "x"}'),
        ("d.json", json.dumps({"schema": 1})),
    ):
        (outbox.waiting / name).write_text(text)
    server = Server()
    sender(outbox, ledger, URLS, server).run()
    assert len(server.got) == 1
    assert len(list(outbox.waiting.iterdir())) == 4


def test_files_are_private_and_hold_no_url(outbox: Outbox, ledger: Ledger) -> None:
    outbox.add(message())
    path = next(outbox.waiting.iterdir())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(outbox.folder.stat().st_mode) == 0o750
    sender(outbox, ledger, URLS, Server()).run()
    assert all("json://" not in each.read_text() for each in outbox.folder.rglob("*.json"))


def test_the_cursor(outbox: Outbox) -> None:
    assert outbox.cursor is None
    outbox.cursor = 12
    assert outbox.cursor == 12
    (outbox.folder / "cursor.json").write_text("[]")
    assert outbox.cursor is None


# The end of a run waits a little


def test_waiting_ends_when_everything_is_out(outbox: Outbox, ledger: Ledger) -> None:
    outbox.add(message())
    time = Time(lambda seconds: sender(outbox, ledger, URLS, Server()).run())
    assert wait_for(outbox, ["00000007-incident"], 20.0, {"ops"}, time=time) == []
    assert time.pauses == 1


def test_waiting_ends_when_every_channel_was_tried_and_says_what_is_unsent(outbox: Outbox, ledger: Ledger) -> None:
    outbox.add(message(waits=(0.0, 60.0)))

    def until_the_next_try(seconds: float) -> None:
        if seconds == LOOK_UP_S:
            raise Killed

    def tried(_seconds: float) -> None:
        down = Server(lambda url, title: "Connection refused")
        with pytest.raises(Killed):
            sender(outbox, ledger, URLS, down, Time(until_the_next_try)).run()

    time = Time(tried)
    unsent = wait_for(outbox, ["00000007-incident"], 20.0, {"ops"}, time=time)
    assert time.pauses == 1
    assert unsent_lines(unsent) == [
        "NOTIFY unsent to ops: 00000007-incident (1 tries, Connection refused); the next run goes on with it"
    ]


def test_what_is_unsent_is_a_line_for_each_channel() -> None:
    lines = unsent_lines([message("00000007-a", "ops", "pager"), message("00000008-b", "ops")])
    assert lines == [
        "NOTIFY unsent to ops: 00000007-a (under way) and 1 more; the next run goes on with it",
        "NOTIFY unsent to pager: 00000007-a (under way); the next run goes on with it",
    ]


def test_waiting_ends_in_time_when_nobody_answers_and_at_once_when_nobody_can_be_asked(outbox: Outbox) -> None:
    outbox.add(message())
    time = Time()
    assert len(wait_for(outbox, ["00000007-incident"], 0.3, {"ops"}, time=time)) == 1
    assert 0.3 <= time.passed < 0.4
    time = Time()
    assert len(wait_for(outbox, ["00000007-incident"], 20.0, set(), time=time)) == 1
    assert time.pauses == 0


def test_records_of_the_sender_are_whole_lines_of_the_ledger(outbox: Outbox, ledger: Ledger) -> None:
    outbox.add(message())
    sender(outbox, ledger, URLS, Server()).run()
    assert all(isinstance(record, Record) for record in ledger.read())
