# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples subjects for a window, and proves that it lost nothing or says why it cannot.

The proof: SUB and PING/PONG before the window, a connection that never breaks and never lags, UNSUB and PING/PONG
with a
deadline behind it, and (where the monitoring port is given) the server's own count of messages sent to us.
What it cannot see: loss on a route between servers of a cluster, and subjects that permissions deny inside a wildcard.
"""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from ansible_collections.cowboyai.rollout.plugins.module_utils._forked_run import ForkedRun
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_abilities import abilities, lacks_for_pairs
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import (
    NatsError,
    OptionError,
    ProtocolError,
    SlowConsumer,
    Unreachable,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import Server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe import run_probe, timestamp
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe_request import ProbeRequest, parse_probe
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_wire import Connect, Connection, connect
from ansible_collections.cowboyai.rollout.plugins.module_utils._subjects import (
    AgentIndex,
    SubjectError,
    Subscription,
    arrange_group,
    check_pattern,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._tally import Match, Tally

# A server makes publishers wait when three quarters of its buffer for us (64 MiB by default) are full. Long before
# that we leave.
MAX_BACKLOG_BYTES = 24 * 1024 * 1024
MAX_LAG_S = 2.0
_PING_EVERY_S = 0.2
_FENCE_TIMEOUT_S = 5.0
_MAX_MONITOR_BYTES = 8 * 1024 * 1024
_PROBE_GRACE_S = 15.0
# How often a window that ends with its probe looks whether that is over, and how long it reads on then at least: what was
# published last may still be on its way.
_PROBED_EVERY_S = 0.05
_AFTER_PROBE_S = 0.25


class SamplerLate(NatsError):
    """We ourselves (or the machine) stood still too long for the window to mean what it says."""

    reason = "sampler_late"


class SamplerLossy(NatsError):
    """Messages may have passed uncounted."""

    reason = "sampler_lossy"


class SampleRequest(NamedTuple):
    """A checked sampling job; window and settle in seconds."""

    server: Server
    subscriptions: List[Subscription]
    dropped: Dict[str, Dict[str, str]]
    window_s: float
    settle_s: float
    agents: AgentIndex
    match: Optional[Match]
    own_prefix: Optional[str]
    monitor_url: Optional[str]
    probe: Optional[ProbeRequest]
    ends_with_probe: bool = False


def parse_sample(params: Mapping[str, Any], server: Server, check_mode: bool = False) -> SampleRequest:
    """Check the sampler's arguments. Raises OptionError naming the argument, what was seen and what is expected."""
    window, settle = params.get("window"), params.get("settle")
    settle = 0.5 if settle is None else settle
    if not isinstance(window, (int, float)) or not 0 < window <= 86400:
        raise OptionError("window: %r s, expected more than 0 and at most 86400" % (window,))
    if not 0 <= settle <= 60:
        raise OptionError("settle: %r s, expected 0 up to 60" % (settle,))
    subscriptions, dropped = _parse_patterns(params.get("patterns"))
    try:
        agents = AgentIndex([(row.get("agent"), row.get("agent_id")) for row in params.get("agents") or []])
    except SubjectError as problem:
        raise OptionError(str(problem)) from None
    groups = {subscription.group for subscription in subscriptions}
    monitor = params.get("monitor_url")
    if monitor and (urlsplit(monitor).scheme not in ("http", "https") or not urlsplit(monitor).hostname):
        raise OptionError("monitor_url: expected http://host:8222")
    probe = None
    own_prefix = params.get("own_prefix")
    if params.get("probe"):
        try:
            probe = parse_probe(params["probe"], send=not check_mode, max_duration_s=float(window))
        except OptionError as problem:
            raise OptionError("probe: %s" % problem) from None
        if probe.over_s + probe.timeout_s > window:
            raise OptionError(
                "probe: over %g s and timeout %g s do not fit into the window of %g s, so what the answering agents "
                "publish would be cut off" % (probe.over_s, probe.timeout_s, window)
            )
        own_prefix = own_prefix or probe.conversation_prefix
    if params.get("ends_with_probe") and probe is None:
        raise OptionError(
            "ends_with_probe: there is no probe whose end could end the window; give one, or leave it out"
        )
    return SampleRequest(
        server,
        subscriptions,
        dropped,
        float(window),
        float(settle),
        agents,
        _parse_match(params.get("match"), groups, agents),
        own_prefix,
        monitor,
        probe,
        bool(params.get("ends_with_probe")),
    )


def _parse_patterns(patterns: Any) -> Tuple[List[Subscription], Dict[str, Dict[str, str]]]:
    if not isinstance(patterns, dict) or not patterns:
        raise OptionError("patterns: expected groups of patterns such as {legacy: ['old.>']}")
    subscriptions: List[Subscription] = []
    dropped: Dict[str, Dict[str, str]] = {}
    for group, members in patterns.items():
        if not isinstance(members, list) or not members:
            raise OptionError("patterns: %s: expected a list of at least one pattern, seen %r" % (group, members))
        try:
            arranged, left_out = arrange_group(group, [check_pattern(member) for member in members])
        except SubjectError as problem:
            raise OptionError("patterns: %s: %s" % (group, problem)) from None
        subscriptions.extend(arranged)
        if left_out:
            dropped[group] = left_out
    return subscriptions, dropped


def _parse_match(match: Optional[Mapping[str, Any]], groups: "set[str]", agents: AgentIndex) -> Optional[Match]:
    if not match:
        return None
    sides = []
    for side in ("legacy", "unified"):
        if match.get(side) not in groups:
            raise OptionError(
                "match: %s: %r is not a group of patterns, expected one of %s"
                % (side, match.get(side), ", ".join(sorted(groups)))
            )
        sides.append(match[side])
    if sides[0] == sides[1]:
        raise OptionError("match: legacy and unified are the same group %r" % sides[0])
    if not agents.names:
        raise OptionError("match: needs agents, whose publications are to be matched")
    try:
        only = [check_pattern(pattern).encode() for pattern in match.get("publications") or []]
    except SubjectError as problem:
        raise OptionError("match: publications: %s" % problem) from None
    awaited = match.get("awaited")
    strangers = sorted(set(awaited or []) - set(agents.names))
    if strangers:
        raise OptionError("match: awaited: %s: not among agents" % ", ".join(strangers))
    return Match(sides[0], sides[1], only, awaited)


class _Sampler:
    """One run; keeps what is known at any point, so that a failure can still say how far it came."""

    def __init__(
        self, request: SampleRequest, connection: Connection, clock: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self.request = request
        self.connection = connection
        self.started_at: Optional[float] = None
        self.ended_at: Optional[float] = None
        self.window_s = 0.0
        self.checked: Optional[Dict[str, Any]] = None
        self.lag_max_s = 0.0
        self._clock = clock
        self._wall = wall
        self._start: Optional[float] = None
        sids = {connection.subscribe(subscription.pattern): subscription for subscription in request.subscriptions}
        self._sids = list(sids)
        self.tally = Tally(sids, request.agents, request.match, request.own_prefix)

    def run(self, on_begin: Callable[[], None], is_probed: Optional[Callable[[], bool]] = None) -> None:
        """Count for the window; raises NatsError when the count is not proven. `is_probed`: ends the window before its time."""
        clock, connection = self._clock, self.connection
        self.tally.take(connection.fence(_FENCE_TIMEOUT_S), clock())
        self._read_until(clock() + self.request.settle_s)
        self._start = clock()
        end = self._start + self.request.window_s
        self.started_at = self._wall()
        self.tally.begin(end, self.request.window_s)
        on_begin()
        try:
            self._read_until(end, is_probed)
            now, probe = clock(), self.request.probe
            if is_probed and probe and now < end:
                self.tally.end_at(now)
                self._read_until(now + _AFTER_PROBE_S)
                # A publisher that is slow between its two halves has as long as an answer may take.
                self._read_until(max(now + probe.timeout_s, clock()), self.tally.is_paired)
            self._end()
            late = self.window_s - self.request.window_s
            if late > self._tolerance():
                raise SamplerLate(
                    "the window ended %.1f s late, so this machine stood still or was overloaded; take the sample again"
                    % late
                )
        except (SlowConsumer, Unreachable, ProtocolError) as problem:
            raise SamplerLossy("%s; from then on messages went uncounted, take the sample again" % problem) from None
        finally:
            if self.ended_at is None:
                self.window_s, self.ended_at = clock() - self._start, self._wall()

    def _tolerance(self) -> float:
        return max(1.0, 0.05 * self.request.window_s)

    def _read_until(self, end: float, is_over: Optional[Callable[[], bool]] = None) -> None:
        clock, connection, tally = self._clock, self.connection, self.tally
        asked_at, asked_bytes = clock(), connection.received_bytes
        last = asked_at
        while True:
            now = clock()
            if now - last > self._tolerance():
                raise SamplerLate(
                    "nothing was read for %.1f s, so this machine stood still or was overloaded" % (now - last)
                )
            if now >= end or (is_over and is_over()):
                return
            last = now
            if not connection.ping_is_out and now - asked_at >= _PING_EVERY_S:
                connection.ping()
                asked_at, asked_bytes = now, connection.received_bytes
            was_out = connection.ping_is_out
            events = connection.read(min(end - now, _PROBED_EVERY_S if is_over else _PING_EVERY_S))
            now = clock()
            if events:
                tally.take(events, now)
            if was_out:
                lag = now - asked_at
                self.lag_max_s = max(self.lag_max_s, lag)
                backlog = connection.received_bytes - asked_bytes
                if backlog > MAX_BACKLOG_BYTES:
                    raise SlowConsumer(
                        "NATS server %s: we are over %d MiB behind and leave before the server slows down publishers"
                        % (connection.label, backlog >> 20)
                    )
                if lag > MAX_LAG_S:
                    raise SlowConsumer(
                        "NATS server %s: no PONG for %.1f s; we lag behind, or the server stands still"
                        % (connection.label, lag)
                    )

    def _end(self) -> None:
        clock, connection = self._clock, self.connection
        connection.unsubscribe(self._sids)
        self.window_s, self.ended_at = clock() - (self._start or 0.0), self._wall()
        self.tally.take(connection.fence(_FENCE_TIMEOUT_S), clock())
        if self.request.monitor_url:
            self.checked = compare_with_server(self.request.monitor_url, connection, self.tally.delivered)


def compare_with_server(monitor_url: str, connection: Connection, counted: int) -> Dict[str, Any]:
    """Ask the monitoring port how many messages the server sent us: {out_msgs, counted}.

    Raises SamplerLossy when the figures differ (the difference is a flag, not the number lost) and NatsError when the
    question cannot be answered: a proof that was asked for and is missing is no proof.
    """
    info = connection.info
    url = "%s/connz?cid=%s" % (monitor_url.rstrip("/"), info.get("client_id"))
    shown = urlsplit(monitor_url)
    label = "monitoring port %s:%s" % (shown.hostname, shown.port or 80)
    try:
        # No proxy: this is a machine beside us, and a proxy's answer would not be its own.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=_FENCE_TIMEOUT_S) as answer:
            said = json.loads(answer.read(_MAX_MONITOR_BYTES).decode("utf-8", "replace"))
        rows = {row.get("cid"): row for row in said.get("connections") or []}
        server_id = said.get("server_id")
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as problem:
        raise NatsError(
            "%s: cannot be asked (%s), so the count has no second witness; open it for this machine or leave out "
            "monitor_url" % (label, problem)
        ) from None
    if server_id != info.get("server_id"):
        raise NatsError(
            "%s: belongs to another server (%s) than the one sampled (%s)" % (label, server_id, info.get("server_id"))
        )
    row = rows.get(info.get("client_id"))
    if row is None or not isinstance(row.get("out_msgs"), int):
        raise NatsError(
            "%s: does not know our connection %s; does its account hide it?" % (label, info.get("client_id"))
        )
    if row["out_msgs"] != counted:
        raise SamplerLossy(
            "%s: the server sent us %d messages, we counted %d; take the sample again"
            % (label, row["out_msgs"], counted)
        )
    return {"out_msgs": row["out_msgs"], "counted": counted}


def run_sample(
    request: SampleRequest,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
    connect: Connect = connect,
) -> Dict[str, Any]:
    """Sample; never raises for what NATS does. The shape is documented in the module nats_sample."""
    server, probe = request.server, request.probe
    result: Dict[str, Any] = {
        "server": server.label,
        "server_id": None,
        "server_name": None,
        "cluster": None,
        "abilities": None,
        "lacks": [],
        "started_at": None,
        "ended_at": None,
        "window_s": None,
        "lossless": False,
        "reason": None,
        "message": None,
        "partial": False,
        "groups": {},
        "total": None,
        "agents": {},
        "dual": None,
        "own_ids": None,
        "dropped_patterns": request.dropped,
        "server_count": None,
        "lag_max_ms": None,
        "probe": None,
    }
    child = None
    sampler: Optional[_Sampler] = None
    try:
        if probe:
            asked = probe  # for the closure
            child = ForkedRun(lambda alive: run_probe(server, asked, keep_going=alive))
        try:
            with connect(server, "cowboyai.rollout nats_sample", False, clock) as connection:
                for key in ("server_id", "server_name", "cluster"):
                    result[key] = connection.info.get(key)
                result["abilities"] = abilities(connection.info)
                result["lacks"] = lacks_for_pairs(result["abilities"]) if request.match else []
                sampler = _Sampler(request, connection, clock, wall)
                is_probed = child.is_done if child and request.ends_with_probe else None
                sampler.run(child.go if child else lambda: None, is_probed)
            result["lossless"] = True
        except NatsError as problem:
            result["reason"], result["message"] = problem.reason, str(problem)
        if child and probe:
            result["probe"] = _probe_result(child, probe, sampler is not None and sampler.started_at is not None)
    finally:
        if child:
            child.stop()
    if sampler is not None and sampler.started_at is not None:
        _report(result, sampler, probe)
    return result


def _probe_result(child: ForkedRun, probe: ProbeRequest, begun: bool) -> Optional[Dict[str, Any]]:
    if not begun:
        return None  # there was no window to probe in; the sample's reason says why
    found = child.result(2 * probe.timeout_s + _PROBE_GRACE_S)
    if found is None:
        return {
            "reason": "tool_error",
            "message": "the probe did not end in time or died without a result",
            "agents": {},
            "floor": None,
        }
    return found


def _report(result: Dict[str, Any], sampler: _Sampler, probe: Optional[ProbeRequest]) -> None:
    tally = sampler.tally
    result["started_at"] = timestamp(sampler.started_at or 0.0)
    result["ended_at"] = timestamp(sampler.ended_at or 0.0)
    result["window_s"] = round(sampler.window_s, 6)
    result["partial"] = not result["lossless"]
    result["groups"] = tally.groups(sampler.window_s)
    result["total"] = sum(row["messages"] for row in result["groups"].values())
    result["agents"] = tally.agents()
    # Where publications can carry no id, none of them is known to be single.
    result["dual"] = tally.dual.result() if tally.dual and not result["lacks"] else None
    result["server_count"] = sampler.checked
    result["lag_max_ms"] = round(sampler.lag_max_s * 1000.0, 3)
    sent = None
    if probe and result["probe"] and result["probe"].get("agents"):
        sent = {agent: row["sent"] for agent, row in result["probe"]["agents"].items()}
    result["own_ids"] = tally.own_ids(sent) if result["abilities"]["headers"] else None
