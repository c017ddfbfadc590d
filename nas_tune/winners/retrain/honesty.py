"""The honesty report: how well the scores of a search agree with trainings from scratch.

It answers three questions, each with the spread and the number of trainings: do search scores and retrained scores
rank architectures alike, how much better would another choice have been (the regret), and how much better is the first
choice than a random architecture of the same cost? Where there is no answer, the report has the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from nas_tune.objectives.objective import Objective
from nas_tune.winners.retrain.agreement import FEWEST, Agreement, agreement, error_of_difference, standard_deviation
from nas_tune.winners.retrain.candidates import Candidate
from trainables.costs.quantities import write_value
from trainables.metrics import TEST, titled

__all__ = ["Honesty", "MeanDifference", "Scored", "honesty"]


@dataclass(frozen=True)
class Scored:
    """A candidate with its trainings.

    Attributes:
        candidate: the architecture.
        scores: of the complete trainings.
        failed: the number of failed trainings.
    """

    candidate: Candidate
    scores: tuple[float, ...]
    failed: int = 0

    @property
    def mean(self) -> float | None:
        """The mean of the scores; None without one."""
        return _mean_of(self.scores) if self.scores else None

    @property
    def sd(self) -> float | None:
        """The standard deviation over the trainings; None for fewer than two."""
        return standard_deviation(self.scores)


_DECIDED = 2
"""Standard errors beyond which a difference is not put down to chance."""


@dataclass(frozen=True)
class MeanDifference:
    """The difference of two means.

    Attributes:
        value: signed so that above 0 the first is better.
        error: its standard error; None where it is not known.
    """

    value: float
    error: float | None


@dataclass(frozen=True)
class Honesty:
    """The comparison of a search with its retraining.

    Attributes:
        run: the name of the run that was retrained.
        trials: the number of trials of its search.
        metric, mode, unit: of the retrained scores.
        search_metric, search_mode, search_unit: of the search scores.
        epochs, seeds: length and number of the trainings of each candidate.
        planned: the number of all trainings.
        over: how many of them are complete or failed.
        chosen: the chosen architectures, as the search ranks them.
        random: the baselines.
        ranks: agreement of search and retrained scores of those that the search trained to the end; None for fewer
            than three.
        regret: the best retrained mean minus that of the search's first choice; None with one chosen architecture.
        gain: the mean of the search's first choice minus that of the random ones; None without both.
        notes: further notes for the user.
    """

    run: str
    trials: int
    metric: str
    mode: str
    search_metric: str
    search_mode: str
    epochs: int
    seeds: int
    planned: int
    over: int
    chosen: tuple[Scored, ...]
    random: tuple[Scored, ...]
    ranks: Agreement | None
    regret: MeanDifference | None
    gain: MeanDifference | None
    notes: tuple[str, ...] = ()
    unit: str = ""
    search_unit: str = ""

    @property
    def is_tested(self) -> bool:
        """Whether the scores are of the test split."""
        return self.metric.startswith(TEST)

    def to_dict(self) -> dict[str, Any]:
        """Make plain data of the report.

        Returns:
            All attributes, with the means and spreads.
        """
        plain = asdict(self)
        for kind in ("chosen", "random"):
            plain[kind] = [_plain(scored) for scored in getattr(self, kind)]
        return {**plain, "is_tested": self.is_tested, "ranks_note": self._ranks_note(), "notes": list(self.notes)}

    def text(self) -> str:
        """Write the report.

        Returns:
            Markdown that reads well in a terminal.
        """
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        done = "" if self.over == self.planned else f", {self.over} of {self.planned} trainings so far"
        length, often = _counted(self.epochs, "epoch"), _counted(self.seeds, "seed")
        yield f"# Retraining of {self.run}: {self.metric} after {length}, {often}{done}"
        yield ""
        searched = titled(f"search {self.search_metric}", self.search_unit)
        retrained = titled(f"retrained {self.metric}", self.unit)
        yield from _table(["", "parameters", *self._limited, searched, retrained, "n"], self._rows())
        yield ""
        yield f"- order: {self._ranks_text()}"
        yield f"- regret of the choice: {self._regret_text()}"
        yield f"- against chance: {self._gain_text()}"
        yield from (f"- note: {note}" for note in self.notes)

    @property
    def _limited(self) -> list[str]:
        """The limited quantities, which have a column each."""
        costs = self.chosen[0].candidate.costs if self.chosen else None
        return [name for name in costs or {} if name != "parameters"]

    def _rows(self) -> Iterator[list[str]]:
        for scored in (*self.chosen, *self.random):
            one = scored.candidate
            count = f"{len(scored.scores)}" + (f", {scored.failed} failed" if scored.failed else "")
            size = "-" if one.parameters is None else f"{one.parameters:,}"
            early = "" if one.complete else " (stopped early)"
            limited = ["-" if one.costs is None else write_value(name, one.costs[name]) for name in self._limited]
            yield [
                one.label,
                size,
                *limited,
                f"{_number(one.search_score)}{early}",
                _mean(scored.mean, scored.sd),
                count,
            ]

    def _ranks_note(self) -> str | None:
        if self.ranks is None:
            count = sum(scored.candidate.complete and bool(scored.scores) for scored in self.chosen)
            return (
                f"needs {FEWEST} retrained architectures with search scores that compare, not {count} (--top {FEWEST})"
            )
        return "all have the same score" if self.ranks.kendall is None else None

    def _ranks_text(self) -> str:
        if (note := self._ranks_note()) is not None or self.ranks is None:
            return f"rank correlation of search and retrained scores {note}"
        found = self.ranks
        return (
            f"Kendall's tau {found.kendall:+.2f} (p {found.kendall_p:.2f}), Spearman's rho {found.spearman:+.2f} (p "
            f"{found.spearman_p:.2f}) of search and retrained scores of {found.count} architectures, the best of "
            f"{self.trials} trials: the best scores are close to each other, so that a lower correlation is expected "
            "than over all trials"
        )

    def _regret_text(self) -> str:
        if self.regret is None:
            return "not known: it needs two retrained architectures at least (--top 2)"
        best = _best(self.chosen, self.mode)
        equal = [one for one in self.chosen if one.mean == best.mean]
        if self.chosen[0] in equal:
            others = [one.candidate.label for one in equal if one is not self.chosen[0]]
            tied = f", tied with {_listed(others)}" if others else ""
            return f"{_difference(self.regret, self.unit)}: what the search put first stayed first{tied}"
        verb = "is better" if len(equal) == 1 else "are better, and tie"
        return f"{_difference(self.regret, self.unit)}: {_listed([one.candidate.label for one in equal])} {verb}"

    def _gain_text(self) -> str:
        if self.gain is None and self.random:
            return "not known: it needs a complete training of the first choice and of a random architecture"
        if self.gain is None:
            return "not known: no random architecture was retrained (--baselines 1)"
        first, count = self.chosen[0].candidate.label, len(self.random)
        of = "a random architecture" if count == 1 else f"{count} random architectures"
        return f"{first} less {of}: {_difference(self.gain, self.unit)}; {_verdict(self.gain)}"


def honesty(
    scored: Sequence[Scored], *, judged_by: Objective, searched_by: Objective, notes: Sequence[str] = (), **facts: Any
) -> Honesty:
    """Compare the search scores and the retrained scores of candidates.

    Args:
        scored: in the order in which the search ranks them.
        judged_by: the objective of the retrained scores.
        searched_by: the objective of the search scores.
        notes: for the user.
        facts: the attributes run, trials, epochs, seeds, planned, over, unit and search_unit.

    Returns:
        The report.
    """
    chosen = tuple(one for one in scored if one.candidate.kind == "chosen")
    chance = tuple(one for one in scored if one.candidate.kind == "random")
    compared = [one for one in chosen if one.candidate.complete and one.mean is not None]
    ranks = agreement(
        [searched_by.score(one.candidate.search_score or 0.0) for one in compared],
        [judged_by.score(one.mean or 0.0) for one in compared],
    )
    retrained = [one for one in chosen if one.mean is not None]
    regret = None
    if len(retrained) > 1 and chosen[0].mean is not None:
        regret = _between(_best(retrained, judged_by.mode).scores, chosen[0].scores, judged_by)
    by_chance = tuple(score for one in chance for score in one.scores)
    gain = _between(chosen[0].scores, by_chance, judged_by) if by_chance and chosen and chosen[0].scores else None
    names: dict[str, Any] = {"metric": judged_by.metric, "mode": judged_by.mode}
    searched: dict[str, Any] = {"search_metric": searched_by.metric, "search_mode": searched_by.mode}
    return Honesty(
        chosen=chosen,
        random=chance,
        ranks=ranks,
        regret=regret,
        gain=gain,
        notes=tuple(notes),
        **names,
        **searched,
        **facts,
    )


def _between(one: Sequence[float], other: Sequence[float], objective: Objective) -> MeanDifference:
    value = objective.score(_mean_of(one)) - objective.score(_mean_of(other))
    # The same trainings are not two samples: their difference has no variance.
    error = 0.0 if one is other else error_of_difference(one, other)
    return MeanDifference(value, error)


def _mean_of(scores: Sequence[float]) -> float:
    """The mean, rounded once: the same scores in another order are a tie, and the largest floats do not overflow."""
    return float(sum(map(Fraction, scores)) / len(scores))


def _best(scored: Sequence[Scored], mode: str) -> Scored:
    known = [one for one in scored if one.mean is not None]
    sign = 1.0 if mode == "max" else -1.0
    return max(known, key=lambda one: sign * (one.mean or 0.0))


def _plain(scored: Scored) -> Mapping[str, Any]:
    one = scored.candidate
    return {
        "kind": one.kind,
        "trial": one.trial if one.kind == "chosen" else None,
        "architecture": one.tree,
        "parameters": one.parameters,
        **({} if one.costs is None else {"costs": dict(one.costs)}),
        "search_score": one.search_score,
        "complete": one.complete,
        "scores": list(scored.scores),
        "mean": scored.mean,
        "sd": scored.sd,
        "n": len(scored.scores),
        "failed": scored.failed,
    }


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}" if abs(value) < 1000 else f"{value:,.0f}"


def _mean(mean: float | None, sd: float | None) -> str:
    return "-" if mean is None else f"{_number(mean)} ± {_number(sd)}" if sd is not None else _number(mean)


def _difference(found: MeanDifference, unit: str) -> str:
    error = " (no standard error: one training)" if found.error is None else f" (standard error {found.error:.4f})"
    return f"{found.value:+.4f}{unit and f' {unit}'}{error}" if found.value else "0"


def _verdict(gain: MeanDifference) -> str:
    """Whether the search won against chance, in words: beyond two standard errors it did, or it lost."""
    if gain.error is None:
        return "undecided: several trainings of each show how much is chance (seeds)"
    if abs(gain.value) <= _DECIDED * gain.error or not gain.value:
        return "undecided: chance alone makes such a difference"
    return f"the search {'won' if gain.value > 0 else 'lost'}, by more than two standard errors"


def _table(header: Sequence[str], rows: Iterator[list[str]]) -> Iterator[str]:
    """A Markdown table whose columns are aligned in plain text too."""
    cells = [list(header), *rows]
    widths = []
    for column in range(len(header)):
        widths.append(max(len(row[column]) for row in cells))
    for number, row in enumerate(cells):
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        if number == 0:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
