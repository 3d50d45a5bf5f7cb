# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agents of a fleet, read from a CSV file, and the placeholders their columns give to plans and inventories."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._problems import Problem, ProblemsError

_AGENT = re.compile(r"[a-z0-9][a-z0-9._-]*\Z", re.IGNORECASE)
_COLUMN = re.compile(r"[a-z_][a-z0-9_]*\Z", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class CatalogueError(ProblemsError):
    """The agents file can't be used; `problems` lists every mistake in it."""


class PlaceholderError(ValueError):
    """A placeholder that nothing fills. `name` is the placeholder, `known` what could have been written."""

    def __init__(self, name: str, known: list[str], template: str) -> None:
        self.name = name
        self.known = known
        names = ", ".join("{" + key + "}" for key in known)
        super().__init__(f"unknown placeholder {{{name}}} in {template!r}; known are {names}")


def is_agent_name(name: str) -> bool:
    """Whether a text can be an agent: it becomes part of a unit name, of a file name and of a subject."""
    return bool(_AGENT.match(name)) and ".." not in name


def placeholders(template: str) -> list[str]:
    """The names in braces of a template, in order, e.g. `agent.to.{agent}.>` -> `["agent"]`."""
    return _PLACEHOLDER.findall(template)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replace every `{name}` by its value; all else, other braces too, stays. Unknown names raise PlaceholderError."""

    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise PlaceholderError(name, list(values), template)
        return values[name]

    return _PLACEHOLDER.sub(value_of, template)


class Catalogue:
    """The agents of a fleet in the order of their file; each has one value per column."""

    def __init__(self, rows: Mapping[str, Mapping[str, str]], columns: list[str], path: str) -> None:
        self._rows = {agent: dict(row) for agent, row in rows.items()}
        self.columns = list(columns)
        self.path = path

    @classmethod
    def read(cls, path: str | Path) -> Catalogue:
        """Read an agents file. Raises CatalogueError with every mistake in it, an unreadable file included."""
        try:
            text = Path(path).read_bytes().decode("utf-8-sig")
        except OSError as error:
            problem = Problem(
                str(path),
                "",
                None,
                error.strerror or str(error),
                "a readable agents file (CSV)",
                "correct rollout_agents_file in the inventory",
            )
            raise CatalogueError([problem]) from error
        except UnicodeDecodeError as error:
            problem = Problem(
                str(path), "", None, "bytes that are not UTF-8", "a CSV file in UTF-8", "save it as UTF-8"
            )
            raise CatalogueError([problem]) from error
        return cls.from_text(text, str(path))

    @classmethod
    def from_text(cls, text: str, path: str = "<agents>") -> Catalogue:
        """The catalogue of a CSV text; `path` is what mistakes are reported under."""
        return _Reader(path).read(text)

    @property
    def agents(self) -> list[str]:
        return list(self._rows)

    @property
    def placeholders(self) -> list[str]:
        """What may stand in braces: agent, host, and every other column."""
        return ["agent", "host", *(column for column in self.columns if column != "agent")]

    def row(self, agent: str) -> dict[str, str]:
        """All columns of one agent; KeyError for an agent that is not in the file."""
        return dict(self._rows[agent])

    def expand(self, template: str, agent: str, host: str | None = None) -> str:
        """Fill `{agent}`, `{host}` and columns for one instance.

        Raises KeyError for an agent that is not in the file and PlaceholderError for a name that nothing fills;
        `{host}` without a host is such a name.
        """
        values = {"agent": agent} if host is None else {"agent": agent, "host": host}
        return fill(template, {**values, **self._rows[agent]})

    def __contains__(self, agent: object) -> bool:
        return agent in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class _Reader:
    """Reads one agents file and collects what is wrong with it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def note(self, key: str, line: int | None, seen: str, expected: str, hint: str = "") -> None:
        self.problems.append(Problem(self.path, key, line, seen, expected, hint))

    def read(self, text: str) -> Catalogue:
        rows: dict[str, dict[str, str]] = {}
        lines: dict[str, int] = {}
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            columns = [cell.strip() for cell in next(reader, [])]
            self.check_header(columns)
            for cells in [] if self.problems else reader:
                if cells:
                    self.add(rows, lines, columns, [cell.strip() for cell in cells], reader.line_num)
        except csv.Error as error:
            self.note("", reader.line_num or 1, str(error), "comma separated values", "check the quotes of this line")
        if not rows and not self.problems:
            self.note("agent", 1, "no agents", "at least one line below the header", "add the agents of the fleet")
        if self.problems:
            raise CatalogueError(self.problems)
        return Catalogue(rows, columns, self.path)

    def check_header(self, columns: list[str]) -> None:
        if "agent" not in columns:
            seen = ", ".join(columns) or "an empty file"
            self.note("", 1, seen, "a header line with a column agent", "write e.g. agent,capability_cluster,agent_id")
            return
        for position, column in enumerate(columns):
            if column in columns[:position]:
                self.note(column, 1, "the column twice", "each column once", "rename or drop one of them")
            elif column == "host":
                self.note(column, 1, "a column host", "another name", "{host} is the inventory name of the host")
            elif not _COLUMN.match(column):
                self.note(
                    column or "column",
                    1,
                    repr(column),
                    "a column name of letters, digits and _",
                    "the name is used as a placeholder, like {agent_id}",
                )

    def add(
        self, rows: dict[str, dict[str, str]], lines: dict[str, int], columns: list[str], cells: list[str], line: int
    ) -> None:
        if len(cells) != len(columns):
            self.note("", line, f"{len(cells)} values", f"{len(columns)} ({','.join(columns)})", "one value per column")
            return
        row = dict(zip(columns, cells, strict=True))
        agent = row["agent"]
        if not agent:
            self.note("agent", line, "an empty name", "the name of an agent", "name it or remove the line")
        elif not is_agent_name(agent):
            self.note(
                "agent",
                line,
                repr(agent),
                "letters, digits, '.', '_' and '-', no '..'",
                "the name becomes part of a unit, a file and a subject",
            )
        elif agent.casefold() in lines:
            self.note(
                "agent",
                line,
                f"{agent} again (first in line {lines[agent.casefold()]})",
                "each agent once",
                "remove one of them",
            )
        else:
            lines[agent.casefold()] = line
            for column, value in row.items():
                if _CONTROL.search(value):
                    self.note(column, line, repr(value), "text on one line", "remove the control character")
            rows[agent] = row
