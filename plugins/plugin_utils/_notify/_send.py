# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends one text to one URL, through Apprise. The only file that knows Apprise; it is loaded by the sender alone."""

from __future__ import annotations

import logging
import re
import threading

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._scrub import scrub

# Seconds to connect, and to wait for each part of an answer. A URL may ask for less (?cto=, ?rto=), never for more.
CONNECT_TIMEOUT_S = READ_TIMEOUT_S = 10.0


def send(url: str, title: str, body: str, kind: str) -> str:
    """Send; returns an empty string, or why it did not work, without any part of the URL. Raises nothing.

    `kind`: info, success, warning or failure. Blocks for some multiples of the timeouts at worst; a server that answers
    one byte at a time keeps it longer, so callers give up on it after a while.
    """
    with _Listening() as said:
        try:
            failed = _send(url, title, body, kind)
        except ImportError as error:
            return f"apprise is not installed on this controller ({error.name}): pip install -r requirements.txt"
        except Exception as error:
            # Each service of Apprise has failures of its own; none of them may end the sender.
            return scrub(f"{type(error).__name__}: {error}", [url])
    if failed is None:
        return ""
    return (
        scrub("; ".join(dict.fromkeys([failed, *said.lines])) if failed else "; ".join(said.lines), [url]) or "not sent"
    )


def _send(url: str, title: str, body: str, kind: str) -> str | None:
    """None when it was sent, else what there is to say about it beside what Apprise logs."""
    import apprise

    try:
        # Without a limit of its own, Apprise sends in this thread. With one it has a small pool for all channels, which
        # a few that hang would fill up; the sender has limits for them itself. Texts are texts, not templates.
        asset = apprise.AppriseAsset(service_timeout=0.0, allow_templates=False)
    except (AttributeError, TypeError):
        # Apprise before 2.0 has neither.
        asset = apprise.AppriseAsset()
    asset.app_id, asset.app_desc = "cowboyai.rollout", "rollout notifications"
    service = apprise.Apprise.instantiate(url, asset=asset)
    if service is None:
        return "Apprise does not understand its URL"
    service.socket_connect_timeout = min(float(service.socket_connect_timeout), CONNECT_TIMEOUT_S)
    service.socket_read_timeout = min(float(service.socket_read_timeout), READ_TIMEOUT_S)
    if not re.search(r"[?&]cto=", url):
        service.socket_connect_timeout = CONNECT_TIMEOUT_S
    if not re.search(r"[?&]rto=", url):
        service.socket_read_timeout = READ_TIMEOUT_S
    sender = apprise.Apprise(asset=asset)
    sender.add(service)
    sent = sender.notify(
        body=body,
        title=title,
        notify_type=getattr(apprise.NotifyType, kind.upper()),
        body_format=apprise.NotifyFormat.TEXT,
    )
    return None if sent else ""


class _Listening(logging.Handler):
    """What Apprise logs about a failure, of this thread: it returns no reason."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self.thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.lines.append(record.getMessage())

    def __enter__(self) -> _Listening:
        logger = logging.getLogger("apprise")
        # Its debug lines hold URLs and payloads.
        logger.setLevel(logging.WARNING)
        logger.propagate = False
        logger.addHandler(self)
        return self

    def __exit__(self, *_error: object) -> None:
        logging.getLogger("apprise").removeHandler(self)
