# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source as ansible-rulebook runs it (by its path, with a queue), against real nats-servers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pathlib
import runpy
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import nats
import nats.js.errors
import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source import _core, _stream

from tests.module.nats import keys, servers
from tests.module.nats.servers import HANGS_S

ROOT = pathlib.Path(__file__).resolve().parents[3]
SOURCE = ROOT / "collections/ansible_collections/cowboyai/rollout/extensions/eda/plugins/event_source/nats.py"
main: Callable[[Any, dict[str, Any]], Coroutine[Any, Any, None]] = runpy.run_path(str(SOURCE))["main"]
JETSTREAM = 'jetstream {{ store_dir: "{0}/js" }}'
Queue = asyncio.Queue[dict[str, Any]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.NatsServer]:
    """One server with JetStream; tests use streams and subjects of their own."""
    folder = tmp_path_factory.mktemp("nats")
    with servers.running(folder, JETSTREAM.format(folder)) as running:
        yield running


@contextlib.asynccontextmanager
async def source(queue: Any, **args: Any) -> AsyncIterator[asyncio.Task[None]]:
    """The source at work, from when it hears."""
    heard = logging.getLogger("cowboyai.rollout.nats")
    heard.setLevel(logging.INFO)
    ready = asyncio.Event()

    class Ready(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.msg.startswith(("subscribed", "consuming")):
                ready.set()

    handler = Ready()
    heard.addHandler(handler)
    task = asyncio.ensure_future(main(queue, args))
    try:
        waiting = asyncio.ensure_future(ready.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=HANGS_S)
        waiting.cancel()
        if task.done():
            task.result()
        assert ready.is_set()
        yield task
    finally:
        heard.removeHandler(handler)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task


@contextlib.asynccontextmanager
async def stream(server: servers.NatsServer, name: str) -> AsyncIterator[Any]:
    """A JetStream context with a fresh stream `name` for the subjects `name`.>."""
    client = await nats.connect(server.url)
    context = client.jetstream()
    await context.add_stream(name=name, subjects=[f"{name}.>"])
    try:
        yield context
    finally:
        await client.close()


async def soon(queue: Queue) -> dict[str, Any]:
    return await asyncio.wait_for(queue.get(), HANGS_S)


async def until(condition: Callable[[], Coroutine[Any, Any, bool]], what: str) -> None:
    deadline = time.monotonic() + HANGS_S
    while not await condition():
        assert time.monotonic() < deadline, f"never came: {what}"
        await asyncio.sleep(0.02)


class Closed:
    """A queue that is full until it is opened; `asked` is what the source wants to put."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []
        self.open = asyncio.Event()

    async def put(self, item: dict[str, Any]) -> None:
        self.asked.append(item)
        await self.open.wait()
        self.taken.append(item)


def hostile(subject: bytes, header: bytes, payload: bytes = b"x") -> bytes:
    return b"HPUB %s %d %d\r\n%s%s\r\n" % (subject, len(header), len(header) + len(payload), header, payload)


#: What a stranger may publish to a subject with a wildcard: no part of it may end or mislead the reading.
STRANGE = {
    b"no UTF-8": lambda top: b"PUB %s.\xff\xfe 1\r\nx\r\n" % top,
    b"reply": lambda top: b"PUB %s.r \xff\xfe 1\r\nx\r\n" % top,
    b"status": lambda top: hostile(top + b".s", b"NATS/1.0 503\r\n\r\n"),
    b"status as header": lambda top: hostile(top + b".h", b"NATS/1.0\r\nStatus: 409\r\nDescription: Consumer Deleted\r\n\r\n"),
    b"header": lambda top: hostile(top + b".b", b"NATS/1.0\r\n\xff\xfe: \xfd\r\n\r\n"),
    b"no header": lambda top: hostile(top + b".n", b"NATS/1.0"),
    b"control": lambda top: hostile(top + b".c", b"NATS/1.0 100 FlowControl Request\r\n\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("kept", [False, True])
def test_strange_messages_are_events_like_others(server: servers.NatsServer, kept: bool) -> None:
    top = f"strange{int(kept)}"

    async def go() -> None:
        queue: Queue = asyncio.Queue()
        async with stream(server, top):
            args = {"stream": top, "durable": "d"} if kept else {}
            async with source(queue, servers=server.url, subjects=[f"{top}.>"], **args):
                publisher = servers.Publisher(server.port)
                for frame in STRANGE.values():
                    publisher.send(frame(top.encode()))
                publisher.publish(f"{top}.end", b"end")
                publisher.flush()
                seen = [await soon(queue) for _message in range(len(STRANGE) + 1)]
        assert [event["payload"] for event in seen] == ["x"] * len(STRANGE) + ["end"]
        assert seen[0]["nats"]["subject"] == f"{top}.\\xff\\xfe"

    asyncio.run(go())


def test_a_message_of_a_stream_is_acknowledged_after_it_was_put(
    server: servers.NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def often(self: Any, *given: Any) -> None:
        made(self, *given)
        self._beat_s = 0.02

    made = _stream.StreamMessages.__init__
    monkeypatch.setattr(_stream.StreamMessages, "__init__", often)

    async def go() -> None:
        closed, told = Closed(), list[bytes]()

        async def heard(message: Any) -> None:
            told.append(message.data)

        async with stream(server, "late") as context:
            # What the server hears of each message: that somebody is at it, then that it is done.
            await context._nc.subscribe("$JS.ACK.late.d.>", cb=heard)
            async with source(closed, servers=server.url, subjects=["late.>"], stream="late", durable="d"):
                for number in range(3):
                    await context.publish("late.x", b"%d" % number)

                async def state() -> tuple[int, int, int]:
                    info = await context.consumer_info("late", "d")
                    return info.num_ack_pending, info.num_pending, info.ack_floor.stream_seq

                async def held() -> bool:
                    return len(told) >= 5

                # A message that waits for the queue goes to no other source, and the others stay.
                await until(held, "the server is told again and again that the first is under way")
                assert set(told) == {b"+WPI"}
                assert await state() == (1, 2, 0)
                assert len(closed.asked) == 1 and not closed.taken
                closed.open.set()

                async def done() -> bool:
                    return await state() == (0, 0, 3) and len(told) - told.count(b"+WPI") == 3

                await until(done, "all is acknowledged")
                assert [event["payload"] for event in closed.taken] == [0, 1, 2]
                assert [event["nats"]["sequence"] for event in closed.taken] == [1, 2, 3]
                assert not any(event["nats"]["redelivered"] for event in closed.taken)

    asyncio.run(go())


def test_a_source_that_dies_before_the_put_leaves_the_message_to_the_next(server: servers.NatsServer) -> None:
    async def go() -> None:
        closed = Closed()
        queue: Queue = asyncio.Queue(1)
        args = {"servers": server.url, "subjects": ["crash.>"], "stream": "crash", "durable": "d", "ack_wait": 1}
        async with stream(server, "crash") as context:
            async with source(closed, **args):
                await context.publish("crash.x", b"1")

                async def held() -> bool:
                    return len(closed.asked) == 1

                await until(held, "the message is held")
            async with source(queue, **args):
                event = await soon(queue)
        assert (event["nats"]["sequence"], event["nats"]["redelivered"]) == (1, True)

    asyncio.run(go())


def test_a_lost_acknowledgement_does_not_make_a_second_event(
    server: servers.NatsServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nats.aio.msg import Msg

    real, lost = Msg.ack_sync, []

    async def lossy(self: Any, timeout: float = 1) -> Any:
        if not lost:
            lost.append(self)
            raise TimeoutError
        return await real(self, timeout)

    monkeypatch.setattr(Msg, "ack_sync", lossy)

    async def go() -> None:
        queue: Queue = asyncio.Queue()
        async with (
            stream(server, "twice") as context,
            source(queue, servers=server.url, subjects=["twice.>"], stream="twice", durable="d", ack_wait=1),
        ):
            await context.publish("twice.x", b"1")
            await context.publish("twice.x", b"2")
            assert [(await soon(queue))["payload"] for _message in range(2)] == [1, 2]

            async def done() -> bool:
                info = await context.consumer_info("twice", "d")
                return bool(info.ack_floor.stream_seq == 2)

            await until(done, "both are acknowledged")
            assert queue.empty()

    asyncio.run(go())
    assert lost and "message 1 came again, was put before" in caplog.text


def test_dropped_core_messages_are_counted_and_told(
    server: servers.NatsServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[Any] = []

    async def noted(self: Any, message: Any) -> None:
        await real(self, message)
        came.append(message)

    real = _core.CoreMessages._on_message
    monkeypatch.setattr(_core.CoreMessages, "_on_message", noted)

    async def go() -> None:
        closed = Closed()
        async with source(closed, servers=server.url, subjects=["full.>"], buffer=3):
            publisher = servers.Publisher(server.port)
            publisher.publish("full.x", b"0")

            async def held() -> bool:
                return len(closed.asked) == 1

            await until(held, "the first message is held")
            for number in range(1, 10):
                publisher.publish("full.x", b"%d" % number)
            publisher.flush()

            async def all_came() -> bool:
                return len(came) == 10

            await until(all_came, "all have come")
            closed.open.set()

            async def all_told() -> bool:
                return len(closed.taken) == 5

            await until(all_told, "what was kept and what was lost")
            publisher.publish("full.x", b"10")

            async def the_next() -> bool:
                return len(closed.taken) > 5

            await until(the_next, "what comes after it")
        payloads = [event["payload"] for event in closed.taken if event["nats"]["kind"] == "message"]
        gaps = [event["nats"] for event in closed.taken if event["nats"]["kind"] == "gap"]
        assert payloads == [0, 1, 2, 3, 10]
        assert [(gap["reason"], gap["lost"]) for gap in gaps] == [("buffer_full", 6)]

    asyncio.run(go())
    assert "6 core messages were dropped" in caplog.text


@pytest.mark.parametrize("kept", [False, True])
def test_a_server_that_restarts(tmp_path: pathlib.Path, kept: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        queue: Queue = asyncio.Queue()
        config = JETSTREAM.format(tmp_path)
        running = servers.NatsServer(tmp_path, config)
        try:
            async with stream(running, "s"):
                pass
            args = {"stream": "s", "durable": "d", "ack_wait": 2} if kept else {}
            async with source(queue, servers=running.url, subjects=["s.>"], **args):
                servers.Publisher(running.port).publish("s.x", b"1")
                assert (await soon(queue))["payload"] == 1
                running.stop()

                async def lost() -> bool:
                    return "is lost; trying again" in caplog.text

                await until(lost, "the source notices")
                running = servers.NatsServer(tmp_path, config, port=running.port)
                if not kept:
                    gap = (await soon(queue))["nats"]
                    assert (gap["kind"], gap["reason"], gap["lost"]) == ("gap", "disconnected", None)
                    assert gap["seconds"] > 0
                servers.Publisher(running.port).publish("s.x", b"2")
                assert (await soon(queue))["payload"] == 2
        finally:
            running.stop()

    asyncio.run(go())
    assert " again after " in caplog.text


def test_messages_that_are_not_accepted_are_told_and_never_come_again(
    server: servers.NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        queue: Queue = asyncio.Queue()
        async with (
            stream(server, "strict") as context,
            source(
                queue, servers=server.url, subjects=["strict.>"], stream="strict", durable="d", ack_wait=1,
                accept={"rollout": "[a-z]+"},
            ),
        ):  # fmt: skip
            await context.publish("strict.x", b'{"rollout": "{{ secret-word }}"}')
            await context.publish("strict.{{x}}", b'{"rollout": "spring"}')
            await context.publish("strict.x", b'{"rollout": "spring", "more": "{{ 1 }}"}')
            event = await soon(queue)
            assert event["payload"] == {"rollout": "spring"} and event["nats"]["sequence"] == 3

            async def done() -> bool:
                info = await context.consumer_info("strict", "d")
                return bool(info.ack_floor.stream_seq == 3 and info.num_ack_pending == 0)

            # The server gives none again that is done with: the next event is that of the next message.
            await until(done, "refused messages are done with")
            await context.publish("strict.x", b'{"rollout": "autumn"}')
            assert (await soon(queue))["nats"]["sequence"] == 4

    asyncio.run(go())
    assert "refused message 1 on 'strict.x': field 'rollout' does not match" in caplog.text
    assert "refused message 2 on 'strict.{{x}}'" in caplog.text and "secret-word" not in caplog.text


def ends(caplog: pytest.LogCaptureFixture | None = None, **args: Any) -> str:
    """Why the source ends."""

    async def go() -> None:
        async with source(asyncio.Queue(), connect_timeout=1.5, **args) as task:
            await asyncio.wait_for(asyncio.shield(task), HANGS_S)

    with pytest.raises(Exception) as problem:
        asyncio.run(go())
    assert type(problem.value).__name__ in ("SourceError", "ArgumentError"), repr(problem.value)
    text = str(problem.value)
    assert "secret" not in text + (caplog.text if caplog else "")
    return text


def test_it_ends_where_it_would_be_deaf(server: servers.NatsServer, tmp_path: pathlib.Path) -> None:
    closed = servers.free_port()
    assert "no connection within 1.5 s" in ends(servers=f"nats://127.0.0.1:{closed}", subjects=["a"])
    nothing = {"servers": server.url, "subjects": ["none.a"], "stream": "none", "durable": "d"}
    assert "there is no stream none; make it, with subjects none.a" in ends(**nothing)
    with servers.running(tmp_path, name="bare") as bare:
        assert "JetStream does not answer" in ends(**{**nothing, "servers": bare.url})

    async def other() -> None:
        async with stream(server, "other") as context:
            await context.pull_subscribe("other.a", durable="d")

    asyncio.run(other())
    seen = ends(servers=server.url, subjects=["other.b"], stream="other", durable="d")
    assert "consumer d of stream other is another one" in seen and "['other.a'], expected ['other.b']" in seen


def test_it_ends_when_its_consumer_is_removed(server: servers.NatsServer) -> None:
    async def go() -> None:
        async with (
            stream(server, "gone") as context,
            source(asyncio.Queue(), servers=server.url, subjects=["gone.>"], stream="gone", durable="d") as task,
        ):
            await context.delete_consumer("gone", "d")
            await asyncio.wait_for(asyncio.shield(task), HANGS_S)

    with pytest.raises(Exception, match="consumer d of stream gone is gone"):
        asyncio.run(go())


def test_it_ends_when_the_server_refuses_its_subject(tmp_path: pathlib.Path) -> None:
    config = "authorization { users: [{ user: u, password: secret, permissions: { subscribe: { deny: ['a.>'] } } }] }"
    with servers.running(tmp_path, config) as mine:
        assert "refuses a subscription" in ends(
            servers=mine.url, auth={"user": "u", "password": "secret"}, subjects=["a.b"]
        )


def hears(url: str | list[str], **args: Any) -> bool:
    """A message comes through."""

    async def go() -> Any:
        queue: Queue = asyncio.Queue()
        async with source(queue, servers=url, subjects=["a"], **args):
            return True

    return bool(asyncio.run(go()))


def test_every_kind_of_credentials(tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    nkey, operator = keys.NKey("user"), keys.Operator()
    seed, creds = tmp_path / "seed.nk", tmp_path / "user.creds"
    seed.write_text(nkey.seed)
    creds.write_text(operator.creds())
    cases: list[tuple[str, dict[str, str], dict[str, str]]] = [
        ("authorization { token: secret-token }", {"token": "secret-token"}, {"token": "secret-wrong"}),
        (
            "authorization { user: u, password: secret-word }",
            {"user": "u", "password": "secret-word"},
            {"user": "u", "password": "secret-wrong"},
        ),
        (
            f"authorization {{ users: [{{ nkey: {nkey.public} }}] }}",
            {"nkey_seed_file": str(seed)},
            {"nkey_seed": keys.NKey("user").seed},
        ),
        (operator.config, {"creds_file": str(creds)}, {"nkey_seed_file": str(seed)}),
    ]
    for number, (config, good, wrong) in enumerate(cases):
        with servers.running(tmp_path, config, f"n{number}") as mine:
            assert hears(mine.url, auth=good)
            text = ends(caplog, servers=mine.url, subjects=["a"], auth=wrong)
            assert "no connection within 1.5 s" in text and "authorization" in text.lower(), text
    assert nkey.seed not in caplog.text


def test_tls_or_nothing(tmp_path: pathlib.Path) -> None:
    authority, stranger = keys.Authority(tmp_path), keys.Authority(tmp_path, "stranger")
    certificate, key = authority.issue("server")
    mine, mine_key = authority.issue("client")
    tls = f'tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{authority.path}", verify: true }}'
    ours = {"ca_file": str(authority.path), "cert_file": str(mine), "key_file": str(mine_key)}
    with servers.running(tmp_path, tls, "safe") as safe:
        url = safe.url.replace("nats://", "tls://")
        assert hears(url, tls=ours)
        assert "certificate" in ends(servers=url, subjects=["a"], tls={"ca_file": str(stranger.path)}).lower()
        assert "no connection" in ends(servers=url, subjects=["a"], tls={"ca_file": str(authority.path)})
    with servers.running(tmp_path, "authorization { token: secret-token }", "plain") as plain:
        text = ends(servers=plain.url, subjects=["a"], auth={"token": "secret-token"}, tls={"first": False, **ours})
        assert "does not offer TLS" in text and "nothing was sent" in text


def test_a_rule_engine_that_starts_meanwhile_does_not_count_as_time(server: servers.NatsServer) -> None:
    async def go() -> None:
        queue: Queue = asyncio.Queue()
        loop = asyncio.get_running_loop()
        # What ansible-rulebook does: nothing of the loop runs for longer than the source waits for a connection.
        for delay in (0.0, 0.05):
            loop.call_later(delay, time.sleep, 2.0)
        async with source(queue, servers=server.url, subjects=["slow"], connect_timeout=1.5):
            servers.Publisher(server.port).publish("slow", b"1")
            assert (await soon(queue))["payload"] == 1

    asyncio.run(go())
