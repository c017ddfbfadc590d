"""`nas-tune bench`: strategies against one another on a table, in virtual time."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas_tune.cli.places import stderr, stdout
from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import Mode

if TYPE_CHECKING:
    from nas_tune.benchmarks.races import Contest, Contestant, Race, Scores
    from nas_tune.cli.tables import TableColumn

__all__ = ["bench"]

_SECONDS = re.compile(r"(\d+(?:\.\d*)?(?:e\d+)?)\s*([smhd]?)")
_WORDS = {"max": "more", "min": "less"}
_USUAL = ("random", "evolution")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def bench(
    table: Annotated[
        str | None,
        typer.Option(help="A Parquet file or ONNX surrogate, here or below NAS_TUNE_TABLES; else our own, of digits."),
    ] = None,
    space: Annotated[str | None, typer.Option(help="The space of its architectures.")] = None,
    arch: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of architectures.")] = None,
    encoding: Annotated[str, typer.Option(help="How that column writes them: string, genotype, json.")] = "string",
    fidelity: Annotated[
        list[str] | None,
        typer.Option(metavar="EPOCHS:VALUE:COST", help="Columns of the value and of the seconds; may be repeated."),
    ] = None,
    test: Annotated[str | None, typer.Option(metavar="COLUMN", help="A score that no strategy sees.")] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="S,S",
            help="Strategies, by commas or repeated: evolution, tpe+asha, asha (random search, stopped). "
            "Default: random,evolution.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME.KEY=VALUE", help="A setting: evolution.population=50.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Races of each strategy.")] = 20,
    budget: Annotated[
        str | None, typer.Option(help="Virtual time of a race: 12000s, 200m, 3h. Default: 12000s.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Simulated workers of a race.")] = 1,
    metric: Annotated[str, typer.Option(metavar="NAME", help="What the table's values are.")] = "accuracy",
    mode: Annotated[
        Mode | None, typer.Option(help="Whether more of the metric is better. Default: max, of accuracy only.")
    ] = None,
    unit: Annotated[str, typer.Option(help="The unit of the metric, such as %.")] = "",
    processes: Annotated[int | None, typer.Option(min=1, help="Races at a time; by default one for each core.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="A Parquet file for the course of every race.")] = None,
    plot: Annotated[Path | None, typer.Option(help="A picture of regret against time: .png, .svg or .pdf.")] = None,
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
        stdout().print(json.dumps(_as_json(scores, contest), indent=2))
    else:
        _print(scores, contest)
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
            stderr().print(f"interrupted after {count} of {total} races: with no seed every strategy is through")
            raise
        stderr().print(f"interrupted after {count} of {total} races: what follows is of {len(kept)}, with equal seeds")
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


def _print(scores: Scores, contest: Contest) -> None:
    from nas_tune.cli.tables import lines
    from nas_tune.cli.text import titled

    out = stdout()
    for line in lines(_standing_columns(scores)):
        out.print(line)
    objective, unit = contest.objective, contest.unit
    out.print(f"\ntest and validation: {titled(objective.metric, unit)}, {_WORDS[objective.mode]} is better")
    best = f"{scores.best:.3f}{unit and f' {unit}'}"
    out.print(f"\nregret by {scores.judged_by} score, from the best of the {scores.best_of}, {best}:")
    for line in lines(_regret_columns(scores)):
        out.print(line)
    if scores.differences:
        out.print(f"\ndifferences by {scores.judged_by} score, Wilcoxon's signed ranks, Holm's correction:")
    for difference in scores.differences:
        said = "" if difference.p < 0.05 else "  (could be chance)"
        mean = f"{difference.mean:+.4g}{unit and f' {unit}'}"
        out.print(f"{difference.one} - {difference.other}: {mean}, p = {difference.p:.2g}{said}")


def _standing_columns(scores: Scores) -> list[TableColumn]:
    from nas_tune.cli.tables import TableColumn

    rows = scores.standings
    return [
        TableColumn("strategy", [row.strategy for row in rows], style="bold"),
        TableColumn("seeds", [str(row.seeds) for row in rows], right=True),
        TableColumn("test", [f"{row.test_mean:.3f} ± {row.test_std:.3f}" for row in rows], right=True),
        TableColumn("validation", [f"{row.val_mean:.3f} ± {row.val_std:.3f}" for row in rows], right=True),
        TableColumn("rank", [f"{row.rank:.2f}" for row in rows], right=True),
        TableColumn("trials", [f"{row.trials:.1f}" for row in rows], right=True),
    ]


def _regret_columns(scores: Scores) -> list[TableColumn]:
    """Columns of the mean regret after several shares of the budget."""
    from nas_tune.cli.tables import TableColumn

    count = len(scores.seconds)
    places = [max(0, round(count * share) - 1) for share in (0.05, 0.1, 0.25, 0.5, 0.75, 1.0)]
    rows = scores.standings
    columns = [TableColumn("regret after", [row.strategy for row in rows], style="bold")]
    for place in places:
        cells = [f"{row.regret[place]:.3f}" for row in rows]
        columns.append(TableColumn(f"{scores.seconds[place]:,.0f} s", cells, right=True))
    return columns


def _as_json(scores: Scores, contest: Contest) -> dict[str, Any]:
    from dataclasses import asdict

    def plain(value: Any) -> Any:
        if hasattr(value, "tolist"):
            value = value.tolist()
        if isinstance(value, list):
            return [plain(item) for item in value]
        return None if isinstance(value, float) and value != value else value

    return {
        "metric": contest.objective.metric,
        "mode": contest.objective.mode,
        "unit": contest.unit,
        "judged_by": scores.judged_by,
        "best": scores.best,
        "best_of": scores.best_of,
        "seconds": plain(scores.seconds),
        "strategies": [{key: plain(value) for key, value in asdict(row).items()} for row in scores.standings],
        "differences": [asdict(difference) for difference in scores.differences],
    }
