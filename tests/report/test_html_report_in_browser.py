# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report in a real browser: on a laptop and a phone, dark and light, on paper, by keyboard and without script."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

SCREENS = {"laptop": (1366, 768), "phone": (390, 844)}
OpenPage = Callable[..., Any]

# Of every text that can be seen: its colour, what lies behind it, and the contrast after WCAG 2.2 (1.4.3).
CONTRASTS = """
() => {
  // Whatever way a colour is written, the canvas says what it is.
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const rgba = (text) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = text;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((part, at) => part * top[3] + below[at] * (1 - top[3])).concat(1);
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      layers.push(rgba(getComputedStyle(each).backgroundColor));
      if (layers[layers.length - 1][3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || element.closest("script, style, title, desc") || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    if (style.visibility === "hidden") continue;
    const ground = behind(element);
    const ink = over(rgba(element.closest("svg") ? style.fill : style.color), ground);
    const [high, low] = [light(ink), light(ground)].sort((a, b) => b - a);
    found.push([text.slice(0, 40), element.tagName, (high + 0.05) / (low + 0.05)]);
  }
  return found;
}
"""


def names(page: Page) -> list[str]:
    """The instances that are shown, in their order."""
    rows = page.locator("table[data-sortable] tbody tr:not([hidden]) th").all_text_contents()
    return [row.strip() for row in rows]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", list(SCREENS))
def test_it_fits_the_screen_and_neither_complains_nor_fetches(
    report: Path, open_page: OpenPage, screen: str, scheme: str
) -> None:
    width, height = SCREENS[screen]
    opened = open_page(report, width, height, scheme)
    page: Page = opened.page
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.said == []
    assert opened.asked == [report.as_uri()]
    assert page.locator("svg.chart").count() >= 8
    # Pictures have a size, and one of the two timelines is there.
    for picture in page.locator("svg.chart").all():
        box = picture.bounding_box()
        assert box and box["width"] > 200 and box["height"] > 100
    shown = [each.is_visible() for each in page.locator("svg.timeline").all()]
    assert shown == ([True, False] if screen == "laptop" else [False, True])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(report: Path, open_page: OpenPage, scheme: str) -> None:
    page: Page = open_page(report, scheme=scheme).page
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    found = page.evaluate(CONTRASTS)
    assert len(found) > 300
    assert any(tag == "text" for _text, tag, _ratio in found)
    assert [each for each in found if each[2] < 4.5] == []


def test_texts_of_pictures_are_large_enough_for_a_phone(report: Path, open_page: OpenPage) -> None:
    page: Page = open_page(report, *SCREENS["phone"]).page
    heights = page.evaluate(
        """() => Array.from(document.querySelectorAll("svg.chart text, svg.timeline-narrow text"))
          .filter((each) => each.getClientRects().length)
          .map((each) => parseFloat(getComputedStyle(each).fontSize) * each.ownerSVGElement.getScreenCTM().a)"""
    )
    assert len(heights) > 50 and min(heights) >= 8.5


def test_nothing_of_a_picture_lies_outside_of_it(report: Path, open_page: OpenPage) -> None:
    for screen in SCREENS.values():
        page: Page = open_page(report, *screen).page
        cut = page.evaluate(
            """() => Array.from(document.querySelectorAll("svg text")).filter((each) => each.getClientRects().length)
              .filter((each) => {
                const text = each.getBoundingClientRect(), box = each.ownerSVGElement.getBoundingClientRect();
                return text.left < box.left - 1 || text.right > box.right + 1 || text.bottom > box.bottom + 2 || text.top < box.top - 2;
              }).map((each) => each.textContent)"""
        )
        assert cut == []


def test_the_table_sorts_by_keyboard_and_says_how(report: Path, open_page: OpenPage) -> None:
    page: Page = open_page(report).page
    before = names(page)
    head = page.locator("table[data-sortable] thead th").nth(9)
    button = head.get_by_role("button", name="Messages")
    button.focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    cells = "table[data-sortable] tbody tr td:nth-child(10)"
    values = [float(str(each.get_attribute("data-v"))) for each in page.locator(cells).all()]
    assert len(values) == len(before) == 12 and values == sorted(values, reverse=True)
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "ascending"
    values = [float(str(each.get_attribute("data-v"))) for each in page.locator(cells).all()]
    assert values == sorted(values)
    page.get_by_role("button", name="Instance").click()
    assert names(page) == sorted(before)
    assert head.get_attribute("aria-sort") == "none"


def test_the_table_filters_by_words_and_by_trouble(report: Path, open_page: OpenPage) -> None:
    page: Page = open_page(report).page
    page.get_by_label("Filter").fill("control DGX-2")
    assert sorted(names(page)) == ["nix-expert@dgx-2", "qa-expert@dgx-2"]
    assert page.locator("[data-count]").text_content() == "2 of 12 shown"
    page.get_by_label("Filter").fill("nobody")
    assert names(page) == []
    page.get_by_label("Filter").fill("")
    page.get_by_label("only with trouble").check()
    shown = names(page)
    assert shown and len(shown) < 12 and not any("nix" in name for name in shown)


def test_without_script_it_is_a_plain_table(report: Path, open_page: OpenPage) -> None:
    page: Page = open_page(report, script=False).page
    assert page.locator("table[data-sortable] tbody tr").count() == 12
    assert page.locator("table[data-sortable] thead").get_by_role("button").count() == 0
    assert not page.locator("[data-tools]").is_visible()


def test_links_lead_to_parts_of_the_page(report: Path, open_page: OpenPage) -> None:
    page: Page = open_page(report).page
    # Smooth scrolling would only be waited for.
    page.emulate_media(reduced_motion="reduce")
    for link in page.locator("nav a").all():
        link.evaluate("(each) => each.click()")
        place = page.locator(str(link.get_attribute("href"))).bounding_box()
        assert place is not None and -5 < place["y"] < 768
    assert page.url.startswith(report.as_uri())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_prints_on_paper_in_the_colours_of_paper(
    report: Path, open_page: OpenPage, scheme: str, tmp_path: Path
) -> None:
    page: Page = open_page(report, scheme=scheme).page
    printed = page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, print_background=True)
    assert printed.startswith(b"%PDF-")
    boxes = {tuple(float(part) for part in box.split()) for box in re.findall(rb"/MediaBox \[([\d. ]+)\]", printed)}
    assert {(round(box[2]), round(box[3])) for box in boxes} == {(595, 842)}
    assert 4 <= printed.count(b"/Type /Page\n") <= 14
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible() and page.locator("svg.timeline-wide").is_visible()
    page.set_viewport_size({"width": 703, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    assert [each for each in page.evaluate(CONTRASTS) if each[2] < 4.5] == []


def test_a_page_of_ours_could_not_fetch_if_it_wanted_to(report: Path, open_page: OpenPage) -> None:
    opened = open_page(report)
    page: Page = opened.page
    told = page.evaluate(
        """() => new Promise((done) => {
          document.addEventListener("securitypolicyviolation", (event) => done(event.violatedDirective));
          const image = document.createElement("img");
          image.src = "http://127.0.0.1:9/pixel";
          document.body.append(image);
          setTimeout(() => done("nothing was refused"), 2000);
        })"""
    )
    assert told == "img-src"
