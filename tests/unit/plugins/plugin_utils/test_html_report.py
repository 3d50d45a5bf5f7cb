# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report: whole wherever a rollout stands, harmless whatever agents log, the same bytes from the same record."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import time
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html import _pictures, render, write_html

from tests.unit.plugins.plugin_utils.constructed import Made, construct
from tests.unit.plugins.plugin_utils.recorded import ALL_INSTANCES, ledger_path
from tests.unit.plugins.plugin_utils.test_report import STORIES, context

# What a page may be attacked with, and what could break a picture or a template.
NASTY = (
    "</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "]]>", "{{ 7 * 191 }}", "{% raw %}", "</style>",
    "$\\frac{1}{0}$", "\x1b[31mred\x07", "\u202egnp.exe", "\ud800", 'url(https://evil.example/) id="x"', "#010104", "<!--", "&lt;b&gt;",
)  # fmt: skip
VOID = {"meta", "br", "input", "img", "link", "hr"}
ALLOWED_TAGS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "div", "p", "h1", "h2", "h3", "span", "strong", "small", "nav",
    "main", "section", "b", "i", "figure", "figcaption", "table", "caption", "thead", "tbody", "tr", "th", "td", "details",
    "summary", "ul", "li", "dl", "dt", "dd", "pre", "code", "label", "input", "output", "script", "br",
    "svg", "desc", "g", "path", "text", "defs", "clippath", "rect", "use", "pattern",
}  # fmt: skip


class Page(HTMLParser):
    """What a browser would find: elements with their attributes, texts, and whether everything is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.unclosed: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1] != tag:
            self.unclosed.append(self.open.pop())
        if self.open:
            self.open.pop()
        else:
            self.unclosed.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, *but: str) -> str:
        return " ".join(data for tag, data in self.texts if tag not in ("script", "style", *but))

    def section(self, name: str) -> bool:
        return any(attributes.get("id") == name for attributes in self.of("section"))


def check(text: str) -> Page:
    """What must hold of every report. Returns the page for what must hold of this one."""
    page = Page(text)
    assert page.unclosed == [] and page.open == []
    assert {tag for tag, _attributes in page.elements} <= ALLOWED_TAGS
    ids = Counter(attributes["id"] for _tag, attributes in page.elements if "id" in attributes)
    assert [name for name, count in ids.items() if count > 1] == []
    for tag, attributes in page.elements:
        assert not {"src", "srcset", "action", "xlink:href", "background", "ping"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        href = attributes.get("href")
        assert href is None or (href.startswith("#") and href[1:] in ids), (tag, href)
        for reference in re.findall(r"url\(([^)]*)\)", f"{attributes.get('style')} {attributes.get('clip-path')}"):
            assert reference.startswith("#") and reference[1:] in ids, (tag, reference)
        for name in (attributes.get("aria-labelledby") or "").split():
            assert name in ids, (tag, name)
        assert re.sub(r"#0101[0-9a-f]{2}", "", attributes.get("style") or "") == (attributes.get("style") or ""), tag
    (style,) = [data for tag, data in page.texts if tag == "style"]
    assert "url(" not in style and "@import" not in style
    scripts = [data for tag, data in page.texts if tag == "script"]
    assert len(scripts) == len(page.of("script")) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    (policy,) = [
        str(meta["content"]) for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    assert "default-src 'none'" in policy and f"'sha256-{digest}'" in policy
    assert not re.search(r"https?:|connect-src|img-src|\*", policy)
    return page


def made(folder: Path, **how: Any) -> Context:
    return construct(Made(folder, **{"hours": 1.0, "gaps": False, **how}))


def fresh(known: Context) -> Context:
    """The same folder as the next run sees it."""
    return Context(known.variables, needs_plan=False)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> tuple[Context, str]:
    """A rollout of ten hours that went wrong, with everything a report can show."""
    known = construct(Made(tmp_path_factory.mktemp("bad"), bad_at_h=9.2, hours=12.0, trends=True, rehearsal=True))
    return known, render(known)


# ---------------------------------------------------------------- what it shows


def test_a_bad_rollout_says_what_why_and_who(bad: tuple[Context, str]) -> None:
    page = check(bad[1])
    text = page.text()
    assert "ROLLED BACK" in text and "trigger message_loss: messages_lost 412" in text
    assert "never counts for production" in text
    assert "The waits of this rehearsal were skipped: the requests of a few moments stand for each of them" in text
    for name in (
        "timeline",
        "criteria",
        "charts",
        "instances",
        "errors",
        "alerts",
        "unseen",
        "trends",
        "record",
        "again",
    ):
        assert page.section(name), name
    charts = {
        re.sub(r"^c-|-t$", "", str(each["id"])) for each in page.of("title") if str(each.get("id", "")).startswith("c-")
    }
    assert charts == {"latency", "delivered", "errors", "memory", "cpu", "unified", "dual", "load", "host"}
    assert "ansible-playbook playbooks/judge.yml -e rollout=wave2 -e checkpoint=look-20260123T211714Z" in text
    assert bad[0].records[-1].hash in text and "5f" * 32 in text
    assert "host_unreachable" in text and "No route to host" in text
    # Every instance, and the reason why this one is not alone.
    for name in ALL_INSTANCES:
        assert name in text
    assert "recurring" in text and "messages_lost" in text


def test_pictures_name_what_they_show_to_a_screen_reader(bad: tuple[Context, str]) -> None:
    page = check(bad[1])
    pictures = page.of("svg")
    assert len(pictures) > 15
    assert all(each.get("role") == "img" and each.get("aria-labelledby") for each in pictures)
    assert re.search(r"test p99: median [\d.]+\s*ms before the change, [\d.]+\s*ms since", page.text())
    assert re.search(r"alert messages_lost: [\d.]+ hours to", page.text())


def test_a_criterion_has_its_threshold_value_verdict_and_course(bad: tuple[Context, str]) -> None:
    row = re.search(r'<tr class="fail primary">\s*<th scope="row">error_rate.*?</tr>', bad[1], re.DOTALL)
    assert row
    cells = Page(f"<table>{row[0]}</table>").text()
    assert "below 0.1%" in cells and "3.1\u202f%" in cells and "fail" in cells
    assert "<svg" in row[0] and "stroke-dasharray" in row[0]


def test_where_a_look_asked_triggers_only_the_criteria_are_those_of_the_gate_before(tmp_path: Path) -> None:
    page = check(render(made(tmp_path, bare_looks=True, bad_at_h=4.2, hours=6.0)))
    assert "What decides (at T+1h, the last gate that asked)" in page.text()
    assert "tripped" in page.text()
    assert len([each for each in page.of("svg") if each["class"] == "spark"]) > 8


def test_the_table_of_instances_is_a_plain_table_without_script(bad: tuple[Context, str]) -> None:
    page = check(bad[1])
    tools = [each for each in page.of("div") if "data-tools" in each]
    assert len(tools) == 1 and "hidden" in tools[0]
    numbers = [each["data-v"] for each in page.of("td") if "data-v" in each]
    assert len(numbers) == 12 * 8 and all(value == "" or float(str(value)) >= 0 for value in numbers)


@pytest.mark.parametrize("name", list(STORIES))
def test_wherever_a_rollout_stands_the_report_is_whole(tmp_path: Path, name: str) -> None:
    story, outcome = STORIES[name]
    page = check(write_html(context(tmp_path, story)).read_text(encoding="utf-8"))
    assert outcome in page.text()
    assert "no gate was judged so far" in page.text() or "Nothing was judged" in page.text()


@pytest.mark.parametrize(("rollout", "outcome"), [("wave1", "GO"), ("wave2", "ROLLED BACK")])
def test_a_ledger_without_series_says_what_is_missing(tmp_path: Path, rollout: str, outcome: str) -> None:
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / f"{rollout}.jsonl").write_bytes(ledger_path(rollout).read_bytes())
    page = check(render(context(tmp_path, rollout=rollout)))
    assert outcome in page.text() and "There are no charts here" in page.text()


def test_evidence_without_series_or_with_another_one_says_so(tmp_path: Path) -> None:
    known = made(tmp_path, series=False)
    assert "holds no series" in check(render(known)).text()
    known = made(tmp_path / "other")
    (tmp_path / "other/checkpoints/wave2/T+1h/series.json").write_text("{}")
    text = check(render(fresh(known))).text()
    assert "The file was changed after it was written" in text
    assert "network-expert@dgx-1" in text
    (tmp_path / "other/checkpoints/wave2/T+1h/evidence.json").write_text("{")
    assert "could not be read" in check(render(fresh(known))).text()


def test_what_looks_alone_could_not_see_is_said(tmp_path: Path) -> None:
    text = check(render(made(tmp_path / "ticks", low_rate=False))).text()
    assert re.search(r"Requests were sent in as few as [\d.]+\s*%", text)
    assert "without a restart and without a line in its journal" in text
    text = check(render(made(tmp_path / "probe"))).text()
    assert "Every changed agent was sent requests" in text and "could not have seen" not in text


def test_a_checkpoint_of_an_open_rollout_says_what_comes_next(tmp_path: Path) -> None:
    text = check(render(made(tmp_path, until="T+1h", hours=6.0))).text()
    assert "IN PROGRESS" in text and re.search(r"Next: checkpoint\s+T\+6h\s*, due", text)


# ---------------------------------------------------------------- what it must withstand


def test_whatever_agents_log_and_are_called_is_shown_as_text(tmp_path: Path) -> None:
    wild = " ".join(NASTY)
    known = made(
        tmp_path, agents=[f"one-{NASTY[0]}", f"two-{wild}"], control=[NASTY[1], NASTY[6]], hosts=["h'1<b>", "h2 {{ 7 * 191 }}"],
        log_line=wild, low_rate=False, bad_at_h=3.4, hours=6.0, trends=True, phases=(f"p-{NASTY[0]}", f"q-{NASTY[6]}{NASTY[7]}{NASTY[11]}"),
    )  # fmt: skip
    text = render(known)
    page = check(text)
    assert "1337" not in text
    assert "{{ 7 * 191 }}" in page.text() and "<script>alert(1)</script>" in page.text() and "<img src=x" in page.text()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\ud800-\udfff]", text)
    assert "could not be drawn" not in page.text()
    # In pictures too a name is a name.
    assert any("q-$\\frac" in data for tag, data in page.texts if tag == "text")
    assert any("p-</script>" in data for tag, data in page.texts if tag in ("text", "desc"))


def test_the_same_record_gives_the_same_bytes(bad: tuple[Context, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert render(fresh(bad[0])) == bad[1]


def test_without_matplotlib_the_report_has_its_numbers_and_says_what_to_install(
    bad: tuple[Context, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = check(render(fresh(bad[0])))
    assert page.of("svg") == []
    assert "requirements.txt" in page.text() and "No charts:" in page.text()
    assert re.search(r"[\d.]+\u202fms", page.text())
    assert "control p99" in page.text()


def test_a_chart_that_fails_costs_that_chart_alone(bad: tuple[Context, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any, **_more: Any) -> str:
        raise RuntimeError("ink is out")

    monkeypatch.setattr(_pictures, "draw_timeline", broken)
    page = check(render(fresh(bad[0])))
    assert "a fault of the report" in page.text() and "RuntimeError: ink is out" in page.text()
    assert len(page.of("svg")) > 15


def test_matplotlib_is_not_loaded_before_a_chart_is_drawn() -> None:
    code = (
        "import sys; import ansible_collections.cowboyai.rollout.plugins.plugin_utils._report;"
        "import ansible_collections.cowboyai.rollout.plugins.plugin_utils._html;"
        "print([name for name in ('matplotlib', 'numpy', 'scipy', 'pydantic') if name in sys.modules])"
    )
    path = [entry for entry in sys.path if entry]
    told = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "[]"


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = write_html(made(tmp_path))
    assert path == tmp_path / "reports" / "wave2" / "report.html"
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("agents", "hours", "limit"), [(5, 6.0, 900_000), pytest.param(27, 24.0, 3_000_000, marks=pytest.mark.long)]
)
def test_a_day_of_a_large_fleet_is_a_small_file(tmp_path: Path, agents: int, hours: float, limit: int) -> None:
    changed, control = [f"agent-{number:02}" for number in range(agents)], ["one", "two", "three", "four"]
    known = made(tmp_path, agents=changed, control=control, hours=hours, gaps=True, low_rate=False)
    text = render(fresh(known))
    assert len(check(text).of("tr")) > 3 * (agents + len(control))
    assert len(text.encode()) < limit
