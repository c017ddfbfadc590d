"""Strategies against one another on tables, in virtual time: races, scores and pictures."""

from __future__ import annotations

from nas_tune.benchmarks.races.contest import Contest, Contestant, Race, best_score, contestant_of
from nas_tune.benchmarks.races.processes import run_races
from nas_tune.benchmarks.races.scores import Scores, judge_of, score_strategies
from search_spaces.former_names import former_names

__all__ = [
    "Contest",
    "Contestant",
    "Race",
    "Scores",
    "best_score",
    "contestant_of",
    "judge_of",
    "run_races",
    "score_strategies",
]

__getattr__ = former_names(__name__)
