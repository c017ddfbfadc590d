"""The scores of raced strategies as tables on stdout, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nas_tune.cli.places import stdout

if TYPE_CHECKING:
    from nas_tune.benchmarks.races import Contest, Scores
    from nas_tune.cli.tables import TableColumn

__all__ = ["print_scores", "scores_json"]

_WORDS = {"max": "more", "min": "less"}


def print_scores(scores: Scores, contest: Contest) -> None:
    """Print standings, regret over time and differences with their p-values.

    Args:
        scores: the scores of all races.
        contest: the contest, which has the metric with its mode and unit.
    """
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


def scores_json(scores: Scores, contest: Contest) -> dict[str, Any]:
    """Give the scores as plain data, NaN as None.

    Args:
        scores: the scores of all races.
        contest: the contest, which has the metric with its mode and unit.

    Returns:
        The data, which `json.dumps` takes.
    """
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
