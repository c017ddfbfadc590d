"""The progress display of a search: a live picture on a terminal, plain lines elsewhere.

A separate thread draws the picture a few times a second from the current state. The search only passes the state on, so
it never waits for a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nas_tune.cli.lines import LineProgress
from nas_tune.cli.pace import Pace
from nas_tune.cli.tables import TableColumn, fitting, lines
from nas_tune.cli.text import brief, duration, plain, results_of, titled
from nas_tune.cli.units import no_unit
from nas_tune.config import SearchConfig
from nas_tune.coordination.observers import Observer
from nas_tune.ledger import Ended, Event, RunState, TrialRecord

__all__ = ["LiveProgress", "notes_shown", "progress_display"]

_NARROWEST, _WIDEST = 40, 100
_REFRESHES = 4
_STYLES = {"complete": "green", "pruned": "yellow", "failed": "red"}


class LiveProgress:
    """An observer that draws a picture: a bar, the best so far, the running trials, the last failure.

    Args:
        console: the console of a terminal.
        config: the configuration in force in this session.
        written: a function that turns the tree of an architecture into a short text.
        unit: returns the unit of a metric by its name.
    """

    def __init__(
        self,
        console: Console,
        config: SearchConfig,
        written: Callable[[Any], str],
        unit: Callable[[str], str] = no_unit,
    ) -> None:
        self._console, self._config, self._written, self._unit = console, config, written, unit
        self._pace = Pace(config)
        self._failure: TrialRecord | None = None
        self._live = Live(console=console, get_renderable=self.picture, refresh_per_second=_REFRESHES, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def on_event(self, event: Event, state: RunState) -> None:
        """Keep the state for the next drawing.

        Args:
            event: the event.
            state: the state of the run after the event.
        """
        self._pace.take(event, state)
        if isinstance(event, Ended) and event.state == "failed":
            self._failure = state.trials[event.trial]

    def picture(self) -> RenderableType:
        """Draw the run as it is now.

        Returns:
            The lines of the picture, for rich.
        """
        # The terminal echoes ^C behind the last line. If that line wrapped, the picture would not be cleared.
        width = max(_NARROWEST, min(self._console.width - len("^C^C"), _WIDEST))
        parts: list[RenderableType] = [self._head(width), self._bar(width), self._counts(), self._best()]
        if self._failure is not None:
            failure = self._failure
            text = Text(f"last failure  trial {failure.number}, {failure.failure}: {plain(failure.message)}", "red")
            text.truncate(width, overflow="ellipsis")
            parts.append(text)
        return Group(*parts, Text(), *self._running(width))

    def _head(self, width: int) -> Table:
        config = self._config
        workers = f"{config.workers} worker{'s' if config.workers != 1 else ''}"
        what = f"{config.space.name}  {config.strategy.name} + {config.scheduler.name}"
        head = Table.grid(expand=False, padding=0)
        head.width = width
        head.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        head.add_column(justify="right", no_wrap=True)
        times = f"elapsed {duration(self._pace.elapsed)}  eta {duration(self._pace.left)}"
        head.add_row(Text(f"{what}  {workers if config.workers > 0 else 'all workers'}", "bold"), times)
        return head

    def _bar(self, width: int) -> Table:
        pace, total = self._pace, self._config.max_trials
        count = f"{pace.over}/{total} trials" if total else f"{pace.over} trials"
        room = width - len(count) - 2
        share = pace.share
        bar = ProgressBar(
            total=1.0 if share is not None else None,
            completed=share or 0.0,
            width=room,
            complete_style="cyan",
        )
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_row(bar, count)
        return row

    def _counts(self) -> Text:
        state = self._pace.state
        line = Text(no_wrap=True)
        for name, count in state.counts.items():
            line.append(f"{count} {name}", _STYLES[name] if count else "dim").append("  ")
        if state.paused:
            line.append(f"{len(state.paused)} paused  ")
        line.append(f"{state.answered} duplicates", "" if state.answered else "dim")
        refused = self._pace.refused
        return line.append(f"  {refused:,} refused") if refused else line

    def _best(self) -> Text:
        best, objectives = self._pace.best, self._config.objectives
        if best is None:
            return Text("best  none yet", "dim")
        line = Text("best  ", no_wrap=True).append(results_of(best, objectives, self._unit), "bold green")
        line.append(f"  trial {best.number}, {best.epochs} epochs")
        return line if len(objectives) == 1 else line.append(f"  front {self._pace.on_front}")

    def _running(self, width: int) -> list[Text]:
        waiting = [trial for trial in self._pace.state.unfinished.values() if trial.state != "paused"]
        if not waiting:
            return [Text("starting" if not self._pace.over else "", "dim")]
        room = max(1, min(12, self._console.height - 10))
        columns = fitting(_columns(waiting[:room], self._config, self._written, self._unit), width)
        rows = list(lines(columns, width))
        hidden = len(waiting) - room
        return [*rows, Text(f"and {hidden} more", "dim")] if hidden > 0 else rows


def progress_display(
    console: Console,
    config: SearchConfig,
    written: Callable[[Any], str],
    *,
    unit: Callable[[str], str] = no_unit,
    quiet: bool = False,
) -> AbstractContextManager[Observer | None]:
    """Make the progress display that suits a console.

    Args:
        console: the console.
        config: the configuration in force in this session.
        written: a function that turns the tree of an architecture into a short text.
        unit: returns the unit of a metric by its name.
        quiet: whether to show nothing.

    Returns:
        A context manager that gives the display as an observer, or None where nothing is shown.
    """
    if quiet:
        return nullcontext()
    if console.is_terminal:
        return LiveProgress(console, config, written, unit)
    return LineProgress(console, config, unit=unit)


def notes_shown(display: Observer | None) -> Collection[tuple[int, str]]:
    """List the notes that are still on the console when a display has ended.

    Args:
        display: the display, if there was one.

    Returns:
        The notes as (trial, text); none for a picture, which is cleared at its end.
    """
    return display.notes if isinstance(display, LineProgress) else ()


def _columns(
    trials: list[TrialRecord], config: SearchConfig, written: Callable[[Any], str], unit: Callable[[str], str]
) -> list[TableColumn]:
    last = [trial.reports[-1] if trial.reports else None for trial in trials]
    metrics = []
    for name in (one.metric for one in config.objectives):
        metrics.append(
            TableColumn(
                titled(name, unit(name)),
                [brief(r.metrics.get(name)) if r else "-" for r in last],
                right=True,
                style="bold",
            )
        )
    return [
        TableColumn("trial", [str(trial.number) for trial in trials], right=True),
        TableColumn("epoch", [f"{trial.epochs}/{config.max_epochs}" for trial in trials], right=True),
        *metrics,
        TableColumn("s/epoch", [f"{report.seconds:.1f}" if report else "-" for report in last], right=True),
        TableColumn("architecture", [plain(written(trial.tree)) for trial in trials], style="dim", elastic=True),
    ]
