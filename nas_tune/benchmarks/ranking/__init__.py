"""How well the shared weights of supernets order architectures, judged by tables or by trainings."""

from __future__ import annotations

from nas_tune.benchmarks.ranking.judging import Ranking, ranking

__all__ = ["Ranking", "ranking"]
