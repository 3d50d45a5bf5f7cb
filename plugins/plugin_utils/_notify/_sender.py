# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sender: a process of its own that empties one outbox and ends.

Started with its orders (channels with their URLs among them) on standard input as JSON. One at a time per outbox; each
channel has a thread, so that one which hangs keeps only its own messages waiting. What was sent, or given up, is
recorded in the ledger by the name of the channel.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import write_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger, LedgerError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._outbox import (
    DUE,
    FAILED,
    SENT,
    Delivery,
    Message,
    Outbox,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._real_time import RealTime
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._send import send
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import store_at

# A try that takes longer than this is given up: its server keeps us busy without ever answering.
LONGEST_TRY_S = 45.0
# Nobody gave this channel a URL any more: not for this run, and not for those that came after it.
NO_URL_AFTER_S = 86400.0
# How often the outbox is looked at for new messages while others are on their way.
LOOK_UP_S = 0.25

Send = Callable[[str, str, str, str], str]
Work = Callable[[], None]


def in_a_thread(work: Work) -> None:
    threading.Thread(target=work, daemon=True).start()


@dataclass
class _Try:
    """One try under way. `ended`: (positions of the URLs that have it now, why others don't)."""

    message: str
    began: float
    ended: queue.SimpleQueue[tuple[list[int], str]]


class Sender:
    """Works on one outbox. `channels`: name -> URLs; `send`, `time` and `start` are given by tests."""

    def __init__(
        self,
        outbox: Outbox,
        ledger: Ledger,
        channels: dict[str, list[str]],
        send: Send = send,
        time: RealTime | None = None,
        start: Callable[[Work], None] = in_a_thread,
    ) -> None:
        self.outbox, self.ledger, self.channels = outbox, ledger, channels
        self._send, self._time, self._start = send, time or RealTime(), start
        self._under_way: dict[str, _Try] = {}

    def run(self) -> bool:
        """Send until there is nothing left that this process can send; False when another sender is at work."""
        worked = False
        while True:
            with self.outbox.sending() as alone:
                if not alone:
                    return worked
                worked = True
                write_text(self.outbox.folder / "sender.pid", f"{os.getpid()}\n")
                self._drain()
            # Whoever laid a message in while the lock was held has seen that somebody is at work and gone away.
            if not any(self._can_be_done(message) for message in self.outbox.messages()):
                return worked

    def _drain(self) -> None:
        while True:
            messages = self.outbox.messages()
            for message in messages:
                self._collect(message)
                self._end_hopeless(message)
                self._record(message)
            now = self._time.now()
            for message in messages:
                for delivery in message.open():
                    if delivery.next_at <= now and delivery.channel not in self._under_way:
                        self._begin(message, delivery)
            if not self._under_way and not any(self._can_be_done(message) for message in messages):
                return
            self._time.sleep(LOOK_UP_S if not self._under_way else 0.02)

    def _can_be_done(self, message: Message) -> bool:
        return any(delivery.channel in self.channels for delivery in message.open())

    def _begin(self, message: Message, delivery: Delivery) -> None:
        urls = self.channels.get(delivery.channel)
        if urls is None:
            return
        ended: queue.SimpleQueue[tuple[list[int], str]] = queue.SimpleQueue()
        self._under_way[delivery.channel] = _Try(message.id, self._time.monotonic(), ended)
        missing = [position for position in range(len(urls)) if position not in delivery.reached]

        def work() -> None:
            reached, whys = [], []
            for position in missing:
                why = self._send(urls[position], message.title, message.body, message.kind)
                if why:
                    whys.append(why)
                else:
                    reached.append(position)
            ended.put((reached, "; ".join(dict.fromkeys(whys))))

        self._start(work)

    def _collect(self, message: Message) -> None:
        """Take in what became of a try for this message."""
        for delivery in message.open():
            under_way = self._under_way.get(delivery.channel)
            if under_way is None or under_way.message != message.id:
                continue
            try:
                reached, why = under_way.ended.get_nowait()
            except queue.Empty:
                took = self._time.monotonic() - under_way.began
                if took < LONGEST_TRY_S:
                    continue
                reached, why = [], f"no end of it after {took:.0f} s"
            del self._under_way[delivery.channel]
            delivery.tries += 1
            delivery.reached = sorted({*delivery.reached, *reached})
            delivery.why = why
            if not why:
                delivery.state = SENT
            elif delivery.tries >= len(message.waits_s):
                delivery.state = FAILED
            else:
                delivery.next_at = self._time.now() + message.waits_s[delivery.tries]
            self.outbox.save(message)

    def _end_hopeless(self, message: Message) -> None:
        for delivery in message.open():
            if delivery.channel not in self.channels and self._time.now() - message.made_at > NO_URL_AFTER_S:
                delivery.state, delivery.why = FAILED, "no run since then had a URL for it"
                self.outbox.save(message)

    def _record(self, message: Message) -> None:
        """Write into the ledger what came to an end; a ledger that can't be written keeps nobody from being told."""
        for delivery in message.deliveries:
            if delivery.state == DUE or delivery.recorded:
                continue
            data: dict[str, Any] = {
                "of": message.of,
                "event": message.event,
                "what": message.what,
                "channel": delivery.channel,
                "tries": delivery.tries,
                "title": message.title,
                "after_s": round(max(0.0, self._time.now() - message.made_at), 3),
            }
            if delivery.state == FAILED:
                data["why"] = delivery.why
            try:
                if self.ledger.exists():
                    self.ledger.append(
                        rollout=message.rollout,
                        attempt=message.attempt,
                        run=message.run,
                        by=message.by,
                        kind=f"notification.{delivery.state}",
                        data=data,
                        now=datetime.now(UTC),
                    )
            except LedgerError:
                # Its own reader says what is wrong with it. The message itself went out.
                pass
            delivery.recorded = True
            self.outbox.save(message)
        if message.ended:
            self.outbox.finish(message)


def main() -> int:
    """Reads the orders: {"outbox": folder, "store": how to open it, "rollout": whose ledger, "channels": {name: [URL]}}."""
    os.umask(0o027)
    orders = json.loads(sys.stdin.read())
    store = store_at(**{**orders["store"], "folder": Path(orders["store"]["folder"])})
    sender = Sender(Outbox(Path(orders["outbox"])), store.ledger(orders["rollout"]), orders["channels"])
    sender.run()
    return 0
