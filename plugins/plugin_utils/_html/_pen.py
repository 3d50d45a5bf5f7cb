# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""matplotlib, kept in one place: imported when the first chart is drawn, never before and never for anything else.

Figures are made by hand and not by pyplot: nothing stays between two of them and no window is opened.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from matplotlib.figure import Figure

# Stand-ins: the page puts its own colours in their place (see _svg), so that dark, light and paper each have theirs.
COLOURS = {
    "ink": "#010101",
    "muted": "#010102",
    "rule": "#010103",
    "test": "#010104",
    "control": "#010105",
    "good": "#010106",
    "warn": "#010107",
    "bad": "#010108",
    "soak": "#010109",
    "asked": "#01010a",
    "page": "#01010b",
}
# One unit of the viewBox is one point: texts are 10 units high and the page scales them.
_DPI = 72
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "cowboyai.rollout",
    # What comes from hosts is data: a $ in a name is a $.
    "text.parse_math": False,
    "text.usetex": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "hatch.linewidth": 1.0,
    "path.simplify": True,
    "path.simplify_threshold": 0.2,
}


_NO_METADATA: dict[str, None] = dict.fromkeys(("Date", "Creator", "Format", "Type"))


class MissingMatplotlib(Exception):
    """matplotlib can't be imported; the message says what was tried and what to install."""


class Pen:
    """Makes figures and turns them into SVG. MissingMatplotlib when made where there is no matplotlib."""

    def __init__(self) -> None:
        try:
            import matplotlib
            from matplotlib.backends.backend_svg import FigureCanvasSVG
            from matplotlib.figure import Figure
        except ImportError as error:
            raise MissingMatplotlib(
                f"the charts need matplotlib on the controller, and it could not be imported ({error}). Install the "
                "collection's requirements.txt for the Python that runs ansible-playbook, then write the reports again "
                "with playbooks/report.yml"
            ) from error
        self._matplotlib = matplotlib
        self._canvas, self._figure = FigureCanvasSVG, Figure

    def settings(self) -> AbstractContextManager[None]:
        """Ours and none of the user's: a matplotlibrc in the current folder must not change a report."""
        defaults: dict[Any, Any] = {**dict(self._matplotlib.rcParamsDefault), **_SETTINGS}
        defaults.pop("backend", None)
        return self._matplotlib.rc_context(defaults)

    def figure(self, width: float, height: float) -> Figure:
        """An empty figure of so many units of the viewBox."""
        made = self._figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
        self._canvas(made)
        made.patch.set_visible(False)
        return made

    @staticmethod
    def svg(figure: Figure) -> str:
        """The drawing as matplotlib writes it, without when and by what: the same record gives the same bytes."""
        out = io.StringIO()
        with warnings.catch_warnings():
            # A name in a script that our font lacks is measured a little wrong; the page's font shows it.
            warnings.simplefilter("ignore")
            figure.savefig(out, format="svg", metadata=_NO_METADATA)
        return out.getvalue()
