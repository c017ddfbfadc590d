"""Strategies against one another on tables, in virtual time: races, scores and pictures."""

from __future__ import annotations

from nas_tune.bench.contest import Contest, Contestant, Race, contestant_of, run_races
from nas_tune.bench.scores import Scores, score

__all__ = ["Contest", "Contestant", "Race", "Scores", "contestant_of", "run_races", "score"]
