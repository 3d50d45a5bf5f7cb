# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that are written down hold nothing of a channel's URL."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._scrub import LONGEST, scrub
from hypothesis import given
from hypothesis import strategies as st

URL = "mailtos://bot%40corp:s3cr%2Fet@mail.corp.example:2525/T0KEN/xoxb-12.34?to=duty@corp.example&pass=q&rto=3"


@pytest.mark.parametrize(
    "part",
    [
        URL,
        "bot@corp",
        "bot%40corp",
        "s3cr/et",
        "s3cr%2Fet",
        "mail.corp.example",
        "T0KEN",
        "xoxb-12.34",
        "duty",
        "MAIL.corp.EXAMPLE",
    ],
)
def test_no_part_of_the_url_is_left(part: str) -> None:
    for text in (f"could not reach {part}", f"{part}", f"a:{part}:b", f"'{part}'"):
        assert part.lower() not in scrub(text, [URL]).lower()


def test_the_reason_stays() -> None:
    told = scrub("A Connection error occurred sending JSON to mail.corp.example: Connection refused, error=500.", [URL])
    assert told == "A Connection error occurred sending JSON to ***: Connection refused, error=500."
    # A one-letter password is masked where it stands alone, and not in every word.
    assert scrub("quota q exceeded", [URL]) == "quota *** exceeded"


def test_one_line_of_bounded_length() -> None:
    told = scrub("a\nb\r\n" + "c " * 1000, ["json://host"])
    assert len(told) == LONGEST
    assert told.startswith("a b c")


secret = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=6, max_size=30)


@given(secret, secret, secret, st.text(max_size=40))
def test_whatever_the_secrets_and_the_text_are(user: str, password: str, token: str, around: str) -> None:
    url = f"jsons://{quote(user)}:{quote(password)}@hooks.example.com/{token}"
    told = scrub(f"{around} {user}:{password}@hooks.example.com/{token} {token} {around} {url}", [url])
    for part in (user, password, token, "hooks.example.com"):
        assert part not in told
