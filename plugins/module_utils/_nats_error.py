# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between us and a NATS server, as errors with a typed reason.

Messages name the server as host:port only, so that no credential of a URL can slip into a result or a log.
"""

from __future__ import annotations


class NatsError(Exception):
    """Base of all errors here; `reason` is one of the collection's typed reasons, the text is for operators."""

    reason = "tool_error"


class Unreachable(NatsError):
    """No usable connection: refused, timed out, certificate or credentials not accepted, cut off."""

    reason = "nats_unreachable"


class ProtocolError(NatsError):
    """The peer sent something that is not the NATS client protocol, or more than the bounds allow."""

    reason = "nats_unreachable"


class SlowConsumer(NatsError):
    """The server reports, or we noticed, that we read more slowly than messages come."""

    reason = "sampler_lossy"


class Refused(NatsError):
    """The server refused one of our subscriptions or publications (permissions)."""

    reason = "nats_refused"


class Unsupported(NatsError):
    """The server has not what the measurement needs, such as message headers."""

    reason = "nats_unsupported"


class OptionError(ValueError):
    """An argument that can never work; the text says which, what was seen and what is expected."""
