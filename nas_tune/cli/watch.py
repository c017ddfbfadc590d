"""`nas-tune watch`: shows the progress of a search in another process, from its ledger alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from nas_tune.cli.options import RunArgument
from nas_tune.cli.places import run_folder, shown, stderr

if TYPE_CHECKING:
    from nas_tune.coordination.observers import Observer
    from nas_tune.ledger import Ledger, RunState
    from nas_tune.results import Run

__all__ = ["follow", "watch"]

_SILENCE = 60.0


def watch(
    run: RunArgument,
    interval: Annotated[
        float, typer.Option("--interval", min=0.05, metavar="SECONDS", help="Seconds between two reads of the ledger.")
    ] = 0.5,
) -> None:
    """Show the progress of a search that another process or machine runs.

    The command only reads; Ctrl-C ends it, not the search. When the search ends, its best architectures are printed.

    Args:
        run: the run's folder, or its name below runs/.
        interval: seconds between two reads of the ledger.
    """
    from nas_tune.cli.progress import notes_shown, progress_display
    from nas_tune.cli.summary import conclude
    from nas_tune.ledger import Ledger
    from nas_tune.results import Run
    from nas_tune.results.space import run_space
    from search_spaces.notation import writer

    folder = run_folder(run)
    opened = Run(folder)
    _note_silence(opened)
    config = opened.config
    with (
        closing(Ledger.open(folder, readonly=True)) as ledger,
        progress_display(stderr(), config, writer(run_space(opened)), unit=opened.unit) as observer,
    ):
        if observer is not None:
            follow(ledger, observer, lambda: time.sleep(interval))
    conclude(opened, test=False, shown_notes=notes_shown(observer))


def follow(ledger: Ledger, observer: Observer, wait: Callable[[], object]) -> RunState:
    """Pass the events of a run to an observer, from now until the session ends; of earlier events only the last one.

    Args:
        ledger: the ledger of the run.
        observer: the observer.
        wait: called between two looks at the ledger.

    Returns:
        The state of the run at the end of the session.
    """
    from nas_tune.ledger import RunState

    state, seen, last = RunState(), 0, None
    for last, when in ledger.events():
        state.apply(last, when)
        seen += 1
    if last is not None:
        observer.on_event(last, state)
    while state.end_reason is None:
        wait()
        for event, when in ledger.events(after=seen):
            state.apply(event, when)
            seen += 1
            observer.on_event(event, state)
    return state


def _note_silence(run: Run) -> None:
    """Note a long silence: a killed driver records no end, so a reader cannot know whether the search still runs."""
    from nas_tune.cli.text import duration

    now = run.state
    if now.finished is None and now.last_event is not None:
        silent = (now.time - now.last_event).total_seconds()
        if silent > _SILENCE:
            stderr().print(
                f"note: nothing was written for {duration(silent)}; if no process runs the search any more: "
                f"nas-tune resume {shown(run.path)}"
            )
