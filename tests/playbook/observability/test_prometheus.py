# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics, alert rules and dashboard against Debian's Prometheus: its own checks, and a server that really scrapes them."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._exposition import METRICS, PREFIX, exposition
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._newest_summary import newest_summary
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import fold

from tests.module.nats.servers import HANGS_S
from tests.playbook.observability.ledgers import NAMES, ROOT, Told, reading

DASHBOARD = ROOT / "extensions" / "grafana" / "rollout.json"
RULES = ROOT / "extensions" / "prometheus" / "rollout.rules.yml"
RULE_TESTS = Path(__file__).with_name("rollout.rules.test.yml")
HOSTILE = 'quote " backslash \\ newline \n brace } {x="y"} unicode é 漢字 tab \t #HELP'


def text_of(told: Told) -> str:
    records = told.ledger.read()
    return exposition(fold(told.rollout, records), records, newest_summary(told.monitoring, records))


def stories(folder: Path) -> dict[str, str]:
    """Rollouts that between them have a sample of every metric."""
    waiting = Told(folder / "waiting", "waiting").between_checkpoints()
    bad = Told(folder / "bad", "bad").between_checkpoints()
    bad.add("soak.reset", phase="tdd-expert", **{"from": bad.now.isoformat(), "why": "errors"})
    bad.add("approval.requested", approval="decision", until=bad.now.isoformat(), otherwise="hold")
    bad.add("notification.failed", channel="ops")
    bad.gate("checkpoint", "T+6h", "rollback", why="latency").add("rollback.started", instances=NAMES, why="latency")
    bad.add(
        "rollback.done", why="latency", expected=NAMES, restored={name: {} for name in NAMES},
        accounting={"text": "expected 6 = 6 good + 0 bad + 0 unreachable + 0 skipped"},
    )  # fmt: skip
    hostile = Told(folder / "hostile", "hostile").prepared(title=HOSTILE).deployed("network-expert")
    hostile.look(
        readings=[reading(HOSTILE, "trigger", HOSTILE, 1.5, "percent"), reading("inf", "alert", "", 1e300, "size")]
    )
    return {told.rollout: text_of(told) for told in (waiting, bad, hostile)}


def promtool(*words: str, data: str | None = None) -> None:
    done = subprocess.run(["promtool", *words], input=data, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


# ---------------------------------------------------------------- promtool


def test_promtool_finds_nothing_wrong_with_the_metrics(tmp_path: Path) -> None:
    for text in stories(tmp_path).values():
        promtool("check", "metrics", data=text)


def test_every_metric_is_written_by_some_rollout_and_documented(tmp_path: Path) -> None:
    written = set(re.findall(rf"^{PREFIX}(\w+)\{{", "\n".join(stories(tmp_path).values()), re.MULTILINE))
    assert written == set(METRICS)
    documented = re.findall(rf"^\| `{PREFIX}(\w+)`", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(METRICS)


def test_alert_rules_load_and_fire_as_written() -> None:
    promtool("check", "rules", str(RULES))
    promtool("test", "rules", str(RULE_TESTS))


def test_every_alert_rule_has_a_test() -> None:
    named = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    fired, quiet = set(), set()
    for case in yaml.safe_load(RULE_TESTS.read_text())["tests"]:
        for each in case["alert_rule_test"]:
            (fired if each["exp_alerts"] else quiet).add(each["alertname"])
    assert fired == quiet == named


# ---------------------------------------------------------------- the dashboard


def dashboard() -> dict[str, Any]:
    return dict(json.loads(DASHBOARD.read_text()))


def dashboard_queries() -> dict[str, str]:
    """Where it stands -> the query, with Grafana's variables still in it."""
    content = dashboard()
    found = {f"annotation {each['name']}": each["expr"] for each in content["annotations"]["list"]}
    for panel in content["panels"]:
        for target in panel.get("targets", []):
            found[f"panel {panel['title']} {target['refId']}"] = target["expr"]
    return found


def filled(query: str, rollout: str) -> str:
    """A query as Grafana sends it."""
    whole = query.replace("$rollout", rollout).replace("$criterion", "latency_p99").replace("$__rate_interval", "1m")
    assert "$" not in whole, whole
    return whole


def rules_queries() -> dict[str, str]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {f"rule {rule['alert']}": rule["expr"] for group in groups for rule in group["rules"]}


def test_every_query_names_metrics_that_are_written() -> None:
    for where, query in {**dashboard_queries(), **rules_queries()}.items():
        named = re.findall(rf"\b{PREFIX}(\w+)", query)
        assert named, where
        assert set(named) <= set(METRICS), where


def test_every_query_of_the_dashboard_parses(tmp_path: Path) -> None:
    rules = [
        {"record": f"parsed:{number}", "expr": filled(query, "waiting")}
        for number, query in enumerate(dashboard_queries().values())
    ]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(path))


def test_the_dashboard_is_whole() -> None:
    content = dashboard()
    identifiers = [panel["id"] for panel in content["panels"]]
    assert len(identifiers) == len(set(identifiers))
    variables = {each["name"] for each in content["templating"]["list"]}
    assert variables == {"datasource", "rollout", "criterion"}
    for panel in content["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        if panel["type"] != "row":
            assert panel["targets"] and panel["datasource"]["uid"] == "${datasource}", panel["title"]
    places = [(p["gridPos"], p["title"]) for p in content["panels"]]
    for number, (one, title) in enumerate(places):
        for other, other_title in places[number + 1 :]:
            apart = (
                one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
                or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
            )  # fmt: skip
            assert apart, f"{title} lies over {other_title}"
    assert {"Phases deployed", "Decisions"} <= {each["name"] for each in content["annotations"]["list"]}


# ---------------------------------------------------------------- a real server


class Quiet(SimpleHTTPRequestHandler):
    extensions_map: ClassVar[dict[str, str]] = {".prom": "text/plain; version=0.0.4; charset=utf-8", "": "text/plain"}

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """The files of a folder over HTTP on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class Prometheus:
    """A server on loopback with its own data; `ask` is its HTTP API."""

    def __init__(self, folder: Path, port: int, names: list[str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            own = free.getsockname()[1]
        jobs = [
            {"job_name": name, "metrics_path": f"/{name}.prom", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            for name in names
        ]
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": jobs,
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.url = f"http://127.0.0.1:{own}"
        self.log = folder / "prometheus.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
                 f"--web.listen-address=127.0.0.1:{own}"],
                stdout=log, stderr=log,
            )  # fmt: skip

    def ask(self, path: str, **parameters: str) -> Any:
        with urllib.request.urlopen(
            f"{self.url}{path}?{urllib.parse.urlencode(parameters)}", timeout=HANGS_S
        ) as answer:
            content = json.load(answer)
        assert content["status"] == "success", content
        return content["data"]

    def query(self, query: str) -> list[dict[str, Any]]:
        return list(self.ask("/api/v1/query", query=query)["result"])

    def wait_for(self, query: str, count: int) -> None:
        deadline = time.monotonic() + HANGS_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if len(self.query(query)) >= count:
                    return
            except OSError:
                pass  # not listening yet
            time.sleep(0.2)
        raise AssertionError(f"{query} never had {count} results: {self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(HANGS_S)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    texts = stories(folder)
    for name, text in texts.items():
        (folder / f"{name}.prom").write_text(text)
    with served(folder) as port:
        server = Prometheus(folder, port, list(texts))
        try:
            # Two scrapes, so that increase() has something to say.
            server.wait_for("count_over_time(up[1m]) >= 3 and up == 1", len(texts))
            yield server
        finally:
            server.stop()


def test_prometheus_scrapes_every_sample(prometheus: Prometheus, tmp_path: Path) -> None:
    for name, text in stories(tmp_path).items():
        samples = [line for line in text.splitlines() if not line.startswith("#")]
        (scraped,) = prometheus.query(f'scrape_samples_scraped{{job="{name}"}}')
        assert int(scraped["value"][1]) == len(samples)


def test_every_query_of_the_dashboard_is_answered(prometheus: Prometheus) -> None:
    for where, query in dashboard_queries().items():
        answers = [prometheus.query(filled(query, rollout)) for rollout in ("waiting", "bad")]
        assert any(answers), where


def test_annotations_are_dated_by_the_rollout_not_by_the_scrape(prometheus: Prometheus) -> None:
    (decision,) = prometheus.query(filled(dashboard_queries()["annotation Decisions"], "bad"))
    assert decision["metric"]["decision"] == "rollback"
    (moment,) = prometheus.query('cowboyai_rollout_decision_timestamp_seconds{rollout="bad"}')
    assert float(decision["value"][1]) == pytest.approx(float(moment["value"][1]) * 1000, rel=1e-12)


def test_the_dashboard_finds_the_rollouts_to_choose_from(prometheus: Prometheus) -> None:
    found = prometheus.ask("/api/v1/label/rollout/values", **{"match[]": "cowboyai_rollout_info"})
    assert found == ["bad", "hostile", "waiting"]


def test_hostile_names_arrive_as_they_were(prometheus: Prometheus) -> None:
    (info,) = prometheus.query('cowboyai_rollout_info{rollout="hostile"}')
    assert info["metric"]["title"] == HOSTILE
    names = {each["metric"]["name"] for each in prometheus.query('cowboyai_rollout_criterion_value{rollout="hostile"}')}
    assert {HOSTILE, "inf"} <= names


def test_alert_rules_are_evaluated_without_error(prometheus: Prometheus) -> None:
    deadline = time.monotonic() + HANGS_S
    while time.monotonic() < deadline:
        rules = [rule for group in prometheus.ask("/api/v1/rules")["groups"] for rule in group["rules"]]
        if all(rule["health"] != "unknown" for rule in rules):
            break
        time.sleep(0.5)
    assert {rule["name"]: rule["health"] for rule in rules} == {rule["name"]: "ok" for rule in rules}
    firing = {rule["name"] for rule in rules if rule["state"] in ("firing", "pending")}
    assert {"RolloutNeedsPerson", "RolloutUnmeasured"} <= firing
