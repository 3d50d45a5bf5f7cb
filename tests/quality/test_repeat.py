# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A series counts what really ran, names what failed, and leaves no machine busy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.quality import repeat
from tests.quality.command import ROOT, Finished
from tests.quality.suite import SUITES

#: Only a hang takes that long.
PATIENCE_S = 60

FAILS_SECOND_TIME = """
from pathlib import Path

def test_counts():
    seen = Path(__file__).with_name("seen")
    number = int(seen.read_text()) + 1 if seen.exists() else 1
    seen.write_text(str(number))
    assert number != 2

def test_always():
    pass
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the logs of a series go, instead of into those of a real one."""
    monkeypatch.setattr(repeat, "WORK", tmp_path / "work")
    # Those of this repository take a second to load.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return tmp_path


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ticks(process: int) -> bool:
    """Whether it has used a fifth of a second of CPU: more than a count of one decimal leaves out."""
    used = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11]
    return int(used) >= os.sysconf("SC_CLK_TCK") / 5


def wait_until_gone(process: int) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while alive(process):
        assert time.monotonic() < give_up, f"process {process} is still there"
        time.sleep(0.02)


def test_a_series_names_the_run_and_the_test_that_failed(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "test_it.py").write_text(FAILS_SECOND_TIME)
    status = repeat.main(["--times", "3", "--busy", "1", "--into", str(work / "out.json"), str(work / "test_it.py")])
    told = capsys.readouterr().out
    kept = json.loads((work / "out.json").read_text())
    assert status == 1
    assert [(r["passed"], len(r["failed"]), r["beside"], r["good"]) for r in kept["runs"]] == [
        (2, 0, 0, True),
        (1, 1, 1, False),
        (2, 0, 0, True),
    ]
    assert kept["runs"][1]["failed"][0].endswith("test_it::test_counts")
    rows = [line for line in told.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[1] for row in rows] == ["beside", "quiet", "1 busy", "quiet"]
    assert "test_counts" in rows[2]
    assert "2 quiet: 0 failed" in told and "1 beside busy processes: 1 failed" in told


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("def nothing():\n    pass\n", "exit status 5"),
        ("import pytest\n\n@pytest.mark.sk" + "ip\ndef test_it():\n    pass\n", "test_it (left out)"),
        ("import os\n\ndef test_it():\n    os._exit(0)\n", "nothing ran"),
    ],
    ids=["no test", "left out", "ended early"],
)
def test_a_run_in_which_nothing_ran_is_not_good(work: Path, text: str, which: str) -> None:
    (work / "test_it.py").write_text(text)
    run = repeat.one(1, 0, [str(work / "test_it.py")], PATIENCE_S)
    assert not run.good
    assert which in run.row()


def test_the_use_of_busy_processes_is_not_counted(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class Seen(repeat.Busy):
        def __enter__(self) -> repeat.Busy:
            super().__enter__()
            started.extend(each.pid for each in self.processes)
            return self

    def while_they_work(argv: list[str], *, log: Path, deadline_s: float) -> Finished:
        give_up = time.monotonic() + PATIENCE_S
        while not all(ticks(each) for each in started):
            assert time.monotonic() < give_up, "the busy processes use no CPU"
            time.sleep(0.02)
        return Finished(tuple(argv), 0, 1.0, log)

    monkeypatch.setattr(repeat, "Busy", Seen)
    monkeypatch.setattr(repeat, "run", while_they_work)
    assert repeat.one(2, 2, [], PATIENCE_S).cpu_seconds == 0
    assert len(started) == 2


def test_suites_are_named_first_and_the_rest_goes_to_pytest() -> None:
    assert repeat.pytest_arguments(["host", "module", "-k", "unit"]) == [
        *SUITES["host"],
        *SUITES["module"],
        "-k",
        "unit",
    ]
    assert repeat.pytest_arguments(["tests/unit", "-x"]) == ["tests/unit", "-x"]


def test_busy_processes_end_with_their_block() -> None:
    with pytest.raises(KeyError), repeat.Busy(2) as busy:
        assert len(busy.processes) == 2 and all(alive(each.pid) for each in busy.processes)
        raise KeyError
    assert not any(alive(each.pid) for each in busy.processes)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_busy_processes_end_with_a_series_that_is_ended(number: signal.Signals) -> None:
    text = """
import time
from tests.quality.command import end_all_on_signals
from tests.quality.repeat import Busy
end_all_on_signals()
with Busy(1) as busy:
    print(busy.processes[0].pid, flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", text], cwd=ROOT, stdout=subprocess.PIPE, text=True) as series:
        try:
            assert series.stdout is not None
            busy = int(series.stdout.readline())
            assert alive(busy)
            os.kill(series.pid, number)
            series.wait(PATIENCE_S)
            wait_until_gone(busy)
        finally:
            series.kill()
