"""What a run tells beyond its winner: which decisions mattered, what one change would do, and who did better.

    explanation.py    `explain`: importances, the winner's neighbours, and how the best differ
    importance.py     which decisions mattered, with intervals and with what chance alone gives
    chances.py        what chance alone would do, of a random sample and of a search that learns
    pairs.py          what two decisions do together
    model.py          a model of the trials that does not mind how they were chosen
    sampling.py       whether the trials of a run were drawn at random
    evaluators.py     how much each decision explains, in three ways
    units.py          decisions as numbers
    scores.py         scores without values far out
    evidence.py       values after equally long trainings, with the decisions behind them
    neighbours.py     what one change to the winner did, or would probably do
    comparison.py     `compare`: runs side by side
    significance.py   whether groups, or two runs, differ by more than chance
    picture.py        the courses of compared runs, drawn
    course.py         the best so far of a run, against trials and time

Everything follows from the trials; nothing is trained, and nothing is written.
"""

from __future__ import annotations

from nas_tune.analysis.comparison import Comparison, compare
from nas_tune.analysis.explanation import Explanation, explain
from nas_tune.analysis.importance import Importance, importance, importances

__all__ = ["Comparison", "Explanation", "Importance", "compare", "explain", "importance", "importances"]
