# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NATS subjects and patterns as pure functions: validity, matching, which pattern covers which, which agents a
subject names.

Subjects come off the wire as bytes (any byte but blank, tab, CR and LF may occur), so matching works on bytes.
"""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Sequence, Tuple

# A subject line must fit the server's control line (4096 bytes by default) together with a reply subject and sizes.
MAX_SUBJECT_BYTES = 2048
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\s]")


class SubjectError(ValueError):
    """A subject or pattern that NATS would refuse, or would read differently from what its writer meant."""


def check_pattern(pattern: str) -> str:
    """Return the pattern unchanged when it is a valid subscription, else raise SubjectError saying what is wrong with
    it."""
    return _check(pattern, wildcards=True)


def check_subject(subject: str) -> str:
    """Return the subject unchanged when it can be published to (no wildcards), else raise SubjectError."""
    return _check(subject, wildcards=False)


def _check(text: str, wildcards: bool) -> str:
    kind = "pattern" if wildcards else "subject"
    if not isinstance(text, str) or not text:
        raise SubjectError("%s %r: expected a non-empty string" % (kind, text))
    if _FORBIDDEN.search(text):
        raise SubjectError("%s %r: contains a blank or a control character, which NATS does not allow" % (kind, text))
    if len(text.encode("utf-8", "replace")) > MAX_SUBJECT_BYTES:
        raise SubjectError("%s %r...: longer than %d bytes" % (kind, text[:40], MAX_SUBJECT_BYTES))
    tokens = text.split(".")
    for position, token in enumerate(tokens):
        if not token:
            raise SubjectError(
                "%s %r: empty token at position %d (two dots in a row, or a dot at an end)" % (kind, text, position + 1)
            )
        if "*" not in token and ">" not in token:
            continue
        if not wildcards:
            raise SubjectError("%s %r: wildcards cannot be published to" % (kind, text))
        if token not in ("*", ">"):
            # NATS takes such a token literally; whoever writes it means a wildcard and would count nothing.
            raise SubjectError(
                "%s %r: '*' and '>' stand for whole tokens, seen in the middle of %r" % (kind, text, token)
            )
        if token == ">" and position != len(tokens) - 1:
            raise SubjectError("%s %r: '>' is only allowed as the last token" % (kind, text))
    return text


def matches(pattern: bytes, subject: bytes) -> bool:
    """True when a subscription to `pattern` receives a message on `subject`."""
    wanted = pattern.split(b".")
    tokens = subject.split(b".")
    if wanted[-1] == b">":
        if len(tokens) < len(wanted):
            return False
        wanted = wanted[:-1]
    elif len(tokens) != len(wanted):
        return False
    return all(want == b"*" or want == token for want, token in zip(wanted, tokens))


def covers(wide: bytes, narrow: bytes) -> bool:
    """True when every subject that `narrow` matches is also matched by `wide`."""
    wides, narrows = wide.split(b"."), narrow.split(b".")
    for position, token in enumerate(wides):
        if position >= len(narrows):
            return False
        if token == b">":
            return True
        if narrows[position] == b">" or (token != b"*" and token != narrows[position]):
            return False
    return len(wides) == len(narrows)


def overlap(one: bytes, other: bytes) -> bool:
    """True when some subject is matched by both patterns."""
    ones, others = one.split(b"."), other.split(b".")
    for left, right in zip(ones, others):
        if left == b">" or right == b">":
            return True
        if left != right and left != b"*" and right != b"*":
            return False
    return len(ones) == len(others)


class Subscription(NamedTuple):
    """One pattern to subscribe to. A message on it counts unless one of `before` (earlier patterns of its group)
    matches too."""

    group: str
    pattern: bytes
    before: Tuple[bytes, ...]


def arrange_group(group: str, patterns: Sequence[str]) -> Tuple[List[Subscription], Dict[str, str]]:
    """Subscriptions that count each message of a group exactly once, and {dropped pattern: wider pattern kept in its
    place}.

    A server delivers a message once per matching subscription. A pattern covered by another one of its group is left
    out; of patterns that overlap only in part all are subscribed, and a message counts for the first that matches.
    """
    unique = list(dict.fromkeys(patterns))
    kept: List[str] = []
    dropped: Dict[str, str] = {}
    for pattern in unique:
        wider = [other for other in unique if other != pattern and covers(other.encode(), pattern.encode())]
        if wider:
            # The widest of them is covered by none of the others; two patterns cover each other only when equal.
            dropped[pattern] = next(
                w for w in wider if not any(v != w and covers(v.encode(), w.encode()) for v in wider)
            )
        else:
            kept.append(pattern)
    subscriptions = []
    for index, pattern in enumerate(kept):
        raw = pattern.encode()
        before = tuple(other.encode() for other in kept[:index] if overlap(other.encode(), raw))
        subscriptions.append(Subscription(group, raw, before))
    return subscriptions, dropped


class AgentIndex:
    """Says which agents a message belongs to.

    A message belongs to an agent when its Sender header, or any token of its subject, equals the agent's name or id.
    So a question from one agent to another belongs to both: the counts say who took part, not who published.
    """

    def __init__(self, agents: Iterable[Tuple[str, Optional[str]]]) -> None:
        """`agents`: pairs of name and id (None when it has none). Raises SubjectError when two agents share a name or
        id."""
        self.names: List[str] = []
        self._by_token: Dict[bytes, str] = {}
        for name, agent_id in agents:
            for token in (name, agent_id):
                if not token:
                    continue
                raw = token.encode()
                if self._by_token.get(raw, name) != name:
                    raise SubjectError("agents: %r stands for both %s and %s" % (token, self._by_token[raw], name))
                self._by_token[raw] = name
            if name in self.names:
                raise SubjectError("agents: %s is listed twice" % name)
            self.names.append(name)

    def agent(self, token: Optional[bytes]) -> Optional[str]:
        """Name of the agent that this token (a Sender, a name, an id) stands for, or None."""
        return None if token is None else self._by_token.get(token)

    def named_in(self, subject: bytes) -> FrozenSet[str]:
        """Names of the agents that the subject's tokens name."""
        by_token = self._by_token
        return frozenset(by_token[token] for token in subject.split(b".") if token in by_token)

    def publisher(self, subject: bytes, sender: Optional[bytes]) -> Optional[str]:
        """The agent that published a message: its Sender header; without one, the token after `from` in the subject."""
        if sender is not None:
            return self._by_token.get(sender)
        tokens = subject.split(b".")
        for position, token in enumerate(tokens[:-1]):
            if token == b"from":
                return self._by_token.get(tokens[position + 1])
        return None
