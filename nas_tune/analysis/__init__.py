"""Analysis of finished trials: which decisions mattered, what one change to the winner does, how runs compare.

    explanation.py    `explain`: importances, the winner's neighbours, and how the best differ
    importance.py     which decisions mattered, with intervals and with what chance alone gives
    chances.py        p-values of decisions, for a random sample and for a search that learns
    pairs.py          interactions of two decisions
    model.py          a Gaussian process whose tests hold however the trials were chosen
    sampling.py       whether the trials of a run were drawn at random
    evaluators.py     three measures of how much each decision explains
    units.py          decisions as numbers
    scores.py         scores scaled so that outliers do not dominate
    evidence.py       values after equally long trainings, with the decisions behind them
    neighbours.py     what one change to the winner did, or would probably do
    comparison.py     `compare`: runs side by side
    significance.py   whether groups, or two runs, differ by more than chance
    picture.py        the courses of compared runs, drawn
    course.py         the best so far of a run, against trials and time

All results are computed from the trials of the ledger. The package trains nothing and writes nothing to a run.
"""

from __future__ import annotations

from nas_tune.analysis.comparison import Comparison, compare
from nas_tune.analysis.explanation import Explanation, explain
from nas_tune.analysis.importance import Importance, importance, importances

__all__ = ["Comparison", "Explanation", "Importance", "compare", "explain", "importance", "importances"]
