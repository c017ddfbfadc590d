"""`nas-tune bench`: strategies against one another on a table, in virtual time."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas_tune.cli.options import JsonOption
from nas_tune.cli.places import stderr, stdout
from nas_tune.cli.race_scores import print_scores, scores_json
from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import Mode

if TYPE_CHECKING:
    from nas_tune.benchmarks.races import Contest, Contestant, Race

__all__ = ["bench"]

_SECONDS = re.compile(r"(\d+(?:\.\d*)?(?:e\d+)?)\s*([smhd]?)")
_USUAL = ("random", "evolution")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


_Table = Annotated[
    str | None,
    typer.Option(
        "--table",
        metavar="FILE",
        help="A Parquet file or ONNX surrogate, here or below NAS_TUNE_TABLES. Default: the built-in table of digits.",
    ),
]
_Space = Annotated[
    str | None, typer.Option("--space", metavar="NAME", help="The space of the architectures; needed with --table.")
]
_Arch = Annotated[
    str | None,
    typer.Option("--arch", metavar="COLUMN", help="The column of architectures; needed with a Parquet file."),
]
_Encoding = Annotated[
    str, typer.Option("--encoding", help="How --arch writes an architecture: string, genotype or json.")
]
_Fidelity = Annotated[
    list[str] | None,
    typer.Option(
        "--fidelity",
        metavar="EPOCHS:VALUE:COST",
        help="The columns of value and seconds after so many epochs; may be repeated.",
    ),
]
_Test = Annotated[
    str | None,
    typer.Option("--test", metavar="COLUMN", help="The column of the test score, which no strategy sees."),
]
_Strategies = Annotated[
    list[str] | None,
    typer.Option(
        "--strategy",
        metavar="S,S",
        help="Strategies, by commas or repeated: evolution, tpe+asha, asha (random search, stopped early). "
        "Default: random,evolution.",
    ),
]
_Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME.KEY=VALUE", help="A setting of a strategy; may be repeated."),
]
_Seeds = Annotated[int, typer.Option("--seeds", min=1, help="Races of each strategy.")]
_Budget = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="TIME",
        help="Virtual time of a race: 12000s, 200m, 3h. Default: 12000s, of the built-in table 120s.",
    ),
]
_Workers = Annotated[int, typer.Option("--workers", min=1, help="Simulated workers of a race.")]
_Metric = Annotated[str, typer.Option("--metric", metavar="NAME", help="The name of the values in the table.")]
_Mode = Annotated[
    Mode | None,
    typer.Option("--mode", help="Whether more of the metric is better. Default: max for accuracy, else it is needed."),
]
_Unit = Annotated[str, typer.Option("--unit", help="The unit of the metric, such as %. Default: none.")]
_Processes = Annotated[
    int | None, typer.Option("--processes", min=1, help="Races at a time. Default: one for each core.")
]
_Courses = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="A Parquet file for the best value over time of each race."),
]
_Plot = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="A picture of regret against time: .png, .svg or .pdf."),
]


def bench(
    table: _Table = None,
    space: _Space = None,
    arch: _Arch = None,
    encoding: _Encoding = "string",
    fidelity: _Fidelity = None,
    test: _Test = None,
    strategy: _Strategies = None,
    settings: _Set = None,
    seeds: _Seeds = 20,
    budget: _Budget = None,
    workers: _Workers = 1,
    metric: _Metric = "accuracy",
    mode: _Mode = None,
    unit: _Unit = "",
    processes: _Processes = None,
    as_json: JsonOption = False,
    out: _Courses = None,
    plot: _Plot = None,
) -> None:
    """Race strategies against one another on a table, many seeds each.

    Time is virtual: a trial costs what the table says. The architecture that would have been chosen, by validation,
    is judged by the test column. Differences are tested with Wilcoxon's signed ranks, corrected by Holm.

    Args:
        table: the file of the table, a Parquet file or an ONNX surrogate; by default our own table of digits.
        space: the name of the space of its architectures.
        arch: the column of architectures.
        encoding: how that column writes them: string, genotype or json.
        fidelity: the columns of value and cost for each fidelity, as EPOCHS:VALUE:COST.
        test: the column of the test score, which no strategy sees.
        strategy: the strategies, separated by commas, such as tpe+asha.
        settings: settings of strategies, as NAME.KEY=VALUE.
        seeds: how many seeds each strategy runs with.
        budget: the virtual time of a race, such as 12000s, 200m or 3h.
        workers: how many workers are simulated.
        metric: the name of the metric in the table.
        mode: whether more ("max") or less ("min") of the metric is better.
        unit: the unit of the metric, such as "%".
        processes: how many races run at a time; by default one for each core.
        as_json: whether to print JSON.
        out: a Parquet file for the course of every race.
        plot: a picture of regret against time.

    Raises:
        ConfigError: the options do not describe a table, or a strategy or setting is unknown.
    """
    from nas_tune.benchmarks.races import best_score, contestant_of, judge_of, score_strategies
    from nas_tune.benchmarks.races.contest import check
    from nas_tune.benchmarks.races.courses import write_courses

    given = _settings(settings or ())
    names = ",".join(strategy or _USUAL).split(",")
    contestants = [contestant_of(text, given) for text in names if text.strip()]
    contest = _contest(table, space, arch, encoding, fidelity, test, budget, workers, metric, mode, unit)
    check(contest, contestants)
    races, whole = _raced(contest, contestants, seeds, processes)
    _note_exhausted(races)
    scores = score_strategies(races, contest.budget, contest.objective.mode, best_score(contest, judge_of(races)))
    if out is not None:
        write_courses(races, out)
        stderr().print(f"wrote {out}")
    if plot is not None:
        from nas_tune.benchmarks.races.picture import draw_regret

        draw_regret(scores, plot)
        stderr().print(f"wrote {plot}")
    if as_json:
        stdout().print(json.dumps(scores_json(scores, contest), indent=2))
    else:
        print_scores(scores, contest)
    if not whole:
        raise typer.Exit(130)


def _contest(
    table: str | None,
    space: str | None,
    arch: str | None,
    encoding: str,
    fidelity: Sequence[str] | None,
    test: str | None,
    budget: str | None,
    workers: int,
    metric: str,
    mode: Mode | None,
    unit: str,
) -> Contest:
    from nas_tune.benchmarks.races import Contest
    from nas_tune.benchmarks.tables import digits
    from nas_tune.config import Component

    if table is None:
        described = {"space": space, "arch": arch, "fidelity": fidelity, "test": test}
        given = [f"--{name}" for name, value in described.items() if value]
        if given:
            raise ConfigError(
                f"--table: missing, and {' and '.join(given)} describe a table; name it, or leave them out"
            )
        if metric != "accuracy":
            raise ConfigError(f"--metric {metric}: the values of our own table are accuracies; leave it out")
        if unit:
            raise ConfigError(f"--unit {unit}: the values of our own table are shares from 0 to 1; leave it out")
        return Contest(digits.SPACE, digits.TABLE, _seconds(budget or f"{digits.BUDGET}s"), workers, mode)
    needed = {"space": space} if table.endswith(".onnx") else {"space": space, "arch": arch, "fidelity": fidelity}
    lacking = [f"--{name}" for name, value in needed.items() if not value]
    if space is None or lacking:
        raise ConfigError(f"--table {table} also needs {' and '.join(lacking)}, to say what its columns are")
    columns = {"file": table, "column": arch, "encoding": encoding, "fidelities": tuple(fidelity or ()), "test": test}
    columns |= {"metric": metric, **({"unit": unit} if unit else {})}
    return Contest(Component(space), columns, _seconds(budget or "12000s"), workers, mode)


def _seconds(text: str) -> float:
    match = _SECONDS.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0:
        raise ConfigError(f"--budget {text}: expected a time above 0 such as 12000s, 200m or 3h")
    return float(match[1]) * _UNITS[match[2]]


def _settings(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    from nas_tune.cli.search import parse_changes

    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        for name, value in parse_changes([text], {}).items():
            if not isinstance(value, dict):
                raise ConfigError(f"--set {text}: expected name.key=value, as in --set evolution.population=50")
            found.setdefault(name, {}).update(value)
    return found


def _raced(
    contest: Contest, contestants: Sequence[Contestant], seeds: int, processes: int | None
) -> tuple[list[Race], bool]:
    """The races, and whether all have ended; after a Ctrl-C, the races of those seeds that every strategy has ended."""
    races: list[Race] = []
    try:
        for race in _watched(contest, contestants, seeds, processes):
            races.append(race)  # noqa: PERF402 - what was appended stays when a Ctrl-C comes
    except KeyboardInterrupt:
        through = Counter(race.seed for race in races)
        kept = [race for race in races if through[race.seed] == len(contestants)]
        count, total = len(races), seeds * len(contestants)
        if not kept:
            stderr().print(f"interrupted after {count} of {total} races: no seed was finished by every strategy")
            raise
        stderr().print(f"interrupted after {count} of {total} races: the scores are of {len(kept)}, with equal seeds")
        return kept, False
    return races, True


def _note_exhausted(races: Sequence[Race]) -> None:
    """Print which strategies ran out of architectures before their budget was spent, and the first reason."""
    raced = Counter(race.contestant for race in races)
    early: dict[str, list[Race]] = {}
    for race in races:
        if race.ended:
            early.setdefault(race.contestant, []).append(race)
    for contestant, ended in early.items():
        stderr().print(
            f"{contestant}: {len(ended)} of {raced[contestant]} races had nothing more to try before their budget was "
            f"spent; seed {ended[0].seed} {ended[0].ended}"
        )


def _watched(contest: Contest, contestants: Sequence[Contestant], seeds: int, processes: int | None) -> Iterator[Race]:
    """The races as they end, with a progress bar where stderr is a terminal."""
    from rich.progress import track

    from nas_tune.benchmarks.races import run_races

    races = run_races(contest, contestants, range(seeds), processes)
    total = seeds * len(contestants)
    console = stderr()
    yield from track(races, "races", total=total, console=console, disable=not console.is_terminal, transient=True)
