# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What matplotlib draws, made fit to stand inside a page: colours of the page, ids of its own, text that stays text.

An SVG inside HTML shares ids and styles with everything around it, so nothing of matplotlib's own ids, fonts or style sheet
may stay; and it says to a screen reader what it shows.
"""

from __future__ import annotations

import re
from html import escape
from xml.etree import ElementTree

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._pen import COLOURS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._text import plain

# Stand-ins that are drawn with, and the variable of the page that each of them becomes. Any other colour stays as it is.
INK = {colour: f"--{word}" for word, colour in COLOURS.items()}
_NUMBER = re.compile(r"-?\d+\.\d+")
_HEX = re.compile(r"#[0-9a-f]{6}\b")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
# Our style sheet gives these, so that a phone can have larger ones.
_LEFT_TO_THE_PAGE = ("font", "font-size", "font-family", "font-weight", "font-stretch", "font-style")


def inline(svg: str, name: str, title: str, description: str, kind: str = "chart") -> str:
    """The `<svg>` element for a page.

    `name` is unique in the page and becomes the beginning of all ids. `title` and `description` are data: escaped here.
    """
    # Our own process has just made this document: no entities, no foreign input beside escaped text.
    root = ElementTree.fromstring(svg)
    ids = _referenced(root)
    view_box = " ".join(_shorter(part) for part in root.get("viewBox", "0 0 100 100").split())
    body = "".join(_element(child, name, ids) for child in root)
    return (
        f'<svg class="{kind}" viewBox="{view_box}" role="img" aria-labelledby="{name}-t {name}-d" '
        f'preserveAspectRatio="xMidYMid meet"><title id="{name}-t">{escape(plain(title))}</title>'
        f'<desc id="{name}-d">{escape(plain(description))}</desc>{body}</svg>'
    )


def _referenced(root: ElementTree.Element) -> dict[str, int]:
    """The ids that something refers to, numbered in the order of their use."""
    found: dict[str, int] = {}
    for element in root.iter():
        for key, value in element.attrib.items():
            local = key.rpartition("}")[2]
            if local == "href" and value.startswith("#"):
                found.setdefault(value[1:], len(found))
            elif local in ("clip-path", "style"):
                for target in _REFERENCE.findall(value):
                    found.setdefault(target, len(found))
    return found


def _element(element: ElementTree.Element, name: str, ids: dict[str, int]) -> str:
    tag = element.tag.rpartition("}")[2]
    if tag in ("style", "metadata"):
        return ""
    attributes = "".join(_attribute(key, value, name, ids) for key, value in element.attrib.items())
    inner = escape(element.text or "", quote=False) if tag == "text" else ""
    inner += "".join(_element(child, name, ids) for child in element)
    if not inner:
        return "" if tag in ("g", "defs") else f"<{tag}{attributes}/>"
    # Groups only carry matplotlib's own names.
    return inner if tag == "g" and not attributes else f"<{tag}{attributes}>{inner}</{tag}>"


def _attribute(key: str, value: str, name: str, ids: dict[str, int]) -> str:
    local = key.rpartition("}")[2]
    if local == "id":
        return f' id="{name}-{ids[value]}"' if value in ids else ""
    if local == "href":
        return f' href="#{name}-{ids[value[1:]]}"'
    if local in ("clip-path", "style"):
        value = _REFERENCE.sub(lambda found: f"url(#{name}-{ids[found[1]]})", value)
    if local == "style":
        style = _style(value)
        return f' style="{escape(style)}"' if style else ""
    if local == "d":
        value = " ".join(value.split())
    if local == "transform" and re.match(r"^rotate\(-?0 ", value):
        return ""
    return f' {local}="{escape(_shorter(value))}"'


def _style(text: str) -> str:
    kept = []
    for part in text.split(";"):
        key, _colon, value = part.strip().partition(":")
        if not key or key in _LEFT_TO_THE_PAGE:
            continue
        coloured = _HEX.sub(lambda found: f"var({INK[found[0]]})" if found[0] in INK else found[0], value.strip())
        kept.append(f"{key}:{coloured}")
    return ";".join(kept)


def _shorter(text: str) -> str:
    """Numbers to a tenth of a point: finer than any screen shows a chart, and half the size."""
    return _NUMBER.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), text)
