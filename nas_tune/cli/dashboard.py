"""`nas-tune dashboard`: a run in the browser, live, by optuna-dashboard or TensorBoard."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from nas_tune.cli.options import RunArgument
from nas_tune.cli.places import run_folder, shown, stderr

if TYPE_CHECKING:
    from nas_tune.results import Run

__all__ = ["dashboard"]


def dashboard(
    run: RunArgument,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The port of the page; 0 for any free one.")
    ] = 8080,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write all epochs into RUN/tensorboard, and show them in TensorBoard.")
    ] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Show a run in the browser, also while it runs elsewhere: its trials appear as they come.

    The page is optuna-dashboard's, over a copy in memory that cannot be changed, or TensorBoard's. Only this machine
    can open it. Ctrl-C ends the page, not the search.

    Args:
        run: the run's folder, or its name below runs/.
        port: the port of the page on 127.0.0.1; 0 for any free one.
        tensorboard: whether to write event files and show TensorBoard.
        open_browser: whether to open the page in the browser.
    """
    from nas_tune.results import Run

    opened = Run(run_folder(run))
    _note_foreign_space(opened)
    try:
        if tensorboard:
            _follow(opened, port, open_browser)
        else:
            _serve(opened, port, open_browser)
    except KeyboardInterrupt:
        stderr().print("ended")
        raise


def _serve(run: Run, port: int, open_browser: bool) -> None:
    """Serve optuna-dashboard until an interrupt (Ctrl-C)."""
    from nas_tune.dashboards.server import Server, optuna_page

    page = optuna_page(run)
    server = Server(page, port)
    _announce(f"{server.address}/dashboard/studies/0", open_browser)
    server.serve()


def _follow(run: Run, port: int, open_browser: bool, interval: float = 1.0) -> None:
    """Write the scalars until an interrupt (Ctrl-C); without TensorBoard only until the search ends."""
    from nas_tune.dashboards.tensorboard import Board
    from nas_tune.dashboards.viewer import Viewer, command, has_tensorboard

    console = stderr()
    with ExitStack() as held:
        with console.status("writing what the ledger holds"):
            board = held.enter_context(Board(run))
        console.print(f"{board.trials} trials in {shown(board.folder)}")
        viewer = held.enter_context(Viewer(board.folder, port)) if has_tensorboard() else None
        if viewer is None:
            console.print("TensorBoard is not installed here (pip install tensorboard); where it is:")
            console.print(command(board.folder, port))
        else:
            _announce(viewer.address, open_browser)
        while board.update() is None or viewer is not None:
            time.sleep(interval)
            if viewer is not None:
                viewer.check()
        console.print(f"the search has ended; {board.trials} trials are written")


def _announce(address: str, open_browser: bool) -> None:
    stderr().print(f"{address}  (Ctrl-C ends the page, not the search)")
    if open_browser:
        typer.launch(address)


def _note_foreign_space(run: Run) -> None:
    from nas_tune.results.space import run_space

    if run_space(run) is None:
        stderr().print("note: the description of its space cannot be read; architectures are shown as JSON")
