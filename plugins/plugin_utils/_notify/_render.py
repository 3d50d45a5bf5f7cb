# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts and a template make the text of a message. What comes from hosts is data: it is never a template, a mention or a line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import short
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

TEMPLATES = Path(__file__).resolve().parents[3] / "roles" / "notify" / "templates"
OF_EVENT = {"warning": "incident"}
LONGEST_TITLE, LONGEST_BODY, LONGEST_VALUE = 200, 8000, 1000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069]+")
# What chat services take for "tell everybody", for a person, or for a link that says something else than where it goes.
_MENTION = re.compile(r"<(?=[!@#])|(?<![\w.-])@(?=(?:everyone|here|channel)(?![\w-]))|(?<=\])\((?=\w+:)", re.IGNORECASE)


@dataclass(frozen=True)
class Text:
    """One message as people read it."""

    title: str
    body: str


def data_text(value: Any) -> Any:
    """A value as it may stand in a message: one line, no control characters, no mention, not endless."""
    if isinstance(value, datetime):
        return short(value)
    if not isinstance(value, str):
        return value
    line = _MENTION.sub(lambda found: f"{found.group()} ", _CONTROL.sub(" ", value))
    return line if len(line) <= LONGEST_VALUE else line[: LONGEST_VALUE - 1] + "…"


def render(event: str, facts: Mapping[str, Any], own_templates: Path | None = None) -> Text:
    """The text of a message, by `<event>.txt.j2`: its first line is the subject, the rest the body.

    A person's own template that is broken costs nobody the message: the collection's own takes its place, and says so.
    """
    name = f"{OF_EVENT.get(event, event)}.txt.j2"
    if own_templates is not None and (own_templates / name).is_file():
        try:
            return _text(_environment([own_templates, TEMPLATES]).get_template(name).render(facts), facts)
        except (TemplateError, ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
            why = data_text(f"{own_templates / name} could not be used: {type(error).__name__}: {error}")
            text = _text(_environment([TEMPLATES]).get_template(name).render(facts), facts)
            return Text(text.title, f"{text.body}\n\n({why})")
    return _text(_environment([TEMPLATES]).get_template(name).render(facts), facts)


def _environment(folders: list[Path]) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        finalize=data_text,
    )
    environment.filters["short"] = short
    return environment


def _text(rendered: str, facts: Mapping[str, Any]) -> Text:
    first, _newline, rest = rendered.strip().partition("\n")
    title = first.removeprefix("Subject:").strip()
    for word in ("shadow", "rehearsal"):
        if facts.get(word):
            title = f"[{word.upper()}] {title}"
    body = re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+$", "", rest.strip(), flags=re.MULTILINE))
    if len(body) > LONGEST_BODY:
        body = f"{body[:LONGEST_BODY]}\n… the rest is in the report."
    return Text(title[:LONGEST_TITLE], body or title)
