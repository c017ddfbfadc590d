"""`nas-tune search` and `nas-tune resume`: run a search, and go on with one."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas_tune.cli.options import AllowCodeOption, QuietOption, RunArgument
from nas_tune.cli.places import run_folder, shown, stderr
from nas_tune.errors import FAILURES, ConfigError

if TYPE_CHECKING:
    from nas_tune.config import SearchConfig
    from nas_tune.coordination.observers import Observer
    from nas_tune.results import Run
    from search_spaces import Space

__all__ = ["resume", "search"]

_Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the configuration; may be repeated."),
]
_Enqueue = Annotated[
    Path | None,
    typer.Option("--enqueue", metavar="FILE.json", help="Try the architectures of this JSON list first."),
]
_WITH_VALUE = ("--set", "--enqueue")
"""Options of `resume` whose value is the next word."""


def search(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The configuration of the search.")],
    changes: _Set = None,
    enqueue: _Enqueue = None,
    known: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="RUN", help="Start with the trials of another run; may be repeated."),
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="If the run exists, start another run beside it.")] = False,
    again: Annotated[
        bool, typer.Option("--resume", help="If the run exists and is the same search, go on with it.")
    ] = False,
    forever: Annotated[bool, typer.Option("--forever", help="Search without a budget, until you stop it.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Search, then print the best architectures.

    The search ends when its budget (max_trials, max_seconds) is spent or the space has no new architectures. It
    may be stopped (Ctrl-C) or killed at any time: `nas-tune resume` goes on with it.

    Args:
        config: the configuration, a TOML file.
        changes: changed keys, as KEY=VALUE.
        enqueue: a JSON file with a list of architectures that are tried first.
        known: other runs whose trials the strategy knows from the start (warm start).
        new: whether to start another run beside one that exists.
        again: whether to go on with a run that exists, if it is the same search.
        forever: whether to search without a budget, until stopped.
        quiet: whether to show no progress.
    """
    from nas_tune.config import load_config

    checked = load_config(config, [*(changes or ()), *(["forever=true"] if forever else ())])
    if known:
        checked = checked.replace(warm_start=[*checked.warm_start, *(str(run_folder(run)) for run in known)])
    wanted = _listed(enqueue)
    _note_small_space(checked)

    def run(observers: Sequence[Any]) -> Run:
        from nas_tune import api

        return api.run_config(
            checked,
            enqueue=wanted,
            new=new,
            resume=again,
            observers=observers,
            ranking=None if quiet else _ranked,
        )

    from nas_tune.cli.named_space import named_space

    _run_with_display(run, checked, named_space(checked), lambda: _newest(checked), quiet)


def resume(
    run: RunArgument,
    changes: _Set = None,
    enqueue: _Enqueue = None,
    from_backup: Annotated[
        bool, typer.Option("--from-backup", help="Replace a damaged ledger by its latest backup, and go on.")
    ] = False,
    retry_failed: Annotated[
        str | None,
        typer.Option(
            "--retry-failed",
            metavar="[KIND]",
            help="Try failed trials again: all, or those of a kind, such as oom. Default: none.",
        ),
    ] = None,
    accept_code_change: Annotated[
        bool,
        typer.Option(
            "--accept-code-change", help="Go on although the trainable's code or Optuna's major version changed."
        ),
    ] = False,
    allow_code: AllowCodeOption = False,
    quiet: QuietOption = False,
) -> None:
    """Go on with a run that was stopped or killed, or enlarge its budget.

    Unfinished trials go on from their last checkpoint. max_trials is the total of the run: --set
    max_trials=48 lets a run of 24 trials try 24 more.

    Args:
        run: the run's folder, or its name below runs/.
        changes: changed keys, as KEY=VALUE.
        enqueue: a JSON file with a list of architectures that are tried first.
        from_backup: whether to replace a damaged ledger by its latest copy.
        retry_failed: the kind of failed trials that are tried again, or "all".
        accept_code_change: whether to go on although the code of the trainable has changed.
        allow_code: whether to import the code that a run from elsewhere names.
        quiet: whether to show no progress.
    """
    folder = run_folder(run)
    opened = _opened(folder, damaged=from_backup)
    before = opened.config if opened else None
    wanted = parse_changes(changes or (), before.to_dict() if before else {})
    first = _listed(enqueue)

    def go_on(observers: Sequence[Any]) -> Run:
        from nas_tune import api

        return api.resume(
            folder,
            changes=wanted,
            from_backup=from_backup,
            accept_code_change=accept_code_change,
            allow_code=allow_code,
            enqueue=first,
            retry_failed=True if retry_failed == "all" else retry_failed or False,
            observers=observers,
        )

    from nas_tune.results.space import run_space

    changed, space = before.replace(**wanted) if before else None, run_space(opened) if opened else None
    _run_with_display(go_on, changed, space, lambda: folder, quiet, allow_code=allow_code)


def with_kinds(arguments: Sequence[str]) -> list[str]:
    """Complete the option `--retry-failed` of a command line, because an option must have a value.

    The word behind the option is its value, unless that word must be the run, because no other word is.

    Args:
        arguments: the words of the command line, without the program.

    Returns:
        The words, with `--retry-failed=all` where the option has no value.
    """
    found = list(arguments)
    for place, text in enumerate(arguments):
        if text != "--retry-failed":
            continue
        behind = arguments[place + 1] if place + 1 < len(arguments) else "-"
        others = [*arguments[:place], *arguments[place + 2 :]]
        if behind.startswith("-") or (behind not in (*FAILURES, "all") and not _names_run(others)):
            found[place] = "--retry-failed=all"
    return found


def _names_run(arguments: Sequence[str]) -> bool:
    """Whether one word is the run: it is not the command (the first word), no option, and not the value of one."""
    words = 0
    for before, word in zip(("", *arguments), arguments, strict=False):
        words += not word.startswith("-") and before not in _WITH_VALUE
    return words > 1


def parse_changes(texts: Sequence[str], config: Mapping[str, Any]) -> dict[str, Any]:
    """Read `["max_trials=48", "resources.gpus=1"]` as keys of the configuration; a table keeps its other keys.

    Args:
        texts: the changes, as key=value.
        config: the keys before the changes.

    Returns:
        The new value of every changed key.

    Raises:
        ConfigError: a text is not a key=value.
    """
    changes: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        first, *rest = (part.strip() for part in key.split("."))
        if not equals or not first or not all(rest):
            raise ConfigError(f"--set {text}: expected key=value, as in --set max_trials=48")
        if not rest:
            changes[first] = _value(value.strip())
            continue
        table = changes.get(first, config.get(first))
        if isinstance(table, str):
            # A component without settings is written as its name alone.
            table = {"name": table}
        changes[first] = {
            **(table if isinstance(table, Mapping) else {}),
            ".".join(rest): _value(value.strip()),
        }
    return changes


def _value(text: str) -> object:
    """The value of a text as TOML; a text that is not TOML is a string."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    return parsed["value"] if len(parsed) == 1 else text


def _ranked(done: int, total: int) -> None:
    """Print at most ten lines while candidates of the initial design are scored."""
    if done == total or done % -(-total // 10) == 0:
        stderr().print(f"initial: {done} of {total} candidates scored")


def _listed(file: Path | None) -> list[Any]:
    """The JSON list in a file; the search checks whether its entries are architectures of the space."""
    if file is None:
        return []
    from nas_tune.config.text import read_text

    try:
        found = json.loads(read_text(file))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ConfigError(f"--enqueue {file}: not JSON: {error}") from error
    if not isinstance(found, list):
        raise ConfigError(f"--enqueue {file}: a JSON list of architectures is needed; put [ ] around a single one")
    return found


def _run_with_display(
    run: Any,
    config: SearchConfig | None,
    space: Space | None,
    folder: Any,
    quiet: bool,
    *,
    allow_code: bool = False,
) -> None:
    """Run a search with a progress display, and print its result."""
    from nas_tune.cli.progress import notes_shown, progress_display
    from nas_tune.cli.summary import conclude
    from nas_tune.cli.units import RunUnits
    from search_spaces.notation import writer

    # The output of Ray and of the trainable goes to stderr: stdout is for the result.
    observer: Observer | None = None
    with _resumable(folder), redirect_stdout(sys.stderr):
        if config is None:
            found = run(())
        else:
            unit = RunUnits(folder)
            with progress_display(stderr(), config, writer(space), unit=unit, quiet=quiet) as observer:
                found = run(() if observer is None else (observer,))
    conclude(found, allow_code=allow_code, shown_notes=notes_shown(observer))


@contextmanager
def _resumable(folder: Any) -> Iterator[None]:
    """Print how a stopped search can be resumed."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        stopped = folder()
        if stopped is not None:
            stderr().print(f"stopped; go on with: nas-tune resume {shown(stopped)}")
        raise


def _newest(config: SearchConfig) -> Path | None:
    """The latest run: that of the configuration's folder, or one that --new made beside it."""
    folder = config.run_folder.absolute()
    ledgers = [*folder.glob("ledger.sqlite"), *folder.parent.glob(f"{folder.name}-[0-9]*/ledger.sqlite")]
    return max(ledgers, key=lambda ledger: ledger.stat().st_mtime).parent if ledgers else None


def _note_small_space(config: SearchConfig) -> None:
    from nas_tune.cli.named_space import named_space

    space = named_space(config)
    size = space.size if space is not None else None
    if size is not None and config.max_trials is not None and size < config.max_trials:
        stderr().print(f"note: max_trials = {config.max_trials:,} is bounded by the space: {size:,} architectures")


def _opened(folder: Path, *, damaged: bool) -> Run | None:
    """The run; None for a damaged ledger that its backup is going to replace."""
    from nas_tune.errors import LedgerDamagedError
    from nas_tune.results import Run

    try:
        return Run(folder)
    except LedgerDamagedError:
        if damaged:
            return None
        raise
