"""Local search (White et al., UAI 2021, arXiv 2004.08996) as an Optuna sampler.

A climb begins with `initial` random architectures; the best of them is the incumbent, and its neighbours (one
decision away) are tried in random order. With `improvement = "first"` the first better one is the next incumbent,
with "best" the best of them all. If all were tried and none is better, a new climb begins. The climb of each trial
follows from the study, so a replayed study continues as the uninterrupted one would.
"""

from __future__ import annotations

import json
import math
from collections.abc import Container, Iterator, Sequence
from weakref import WeakKeyDictionary

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import several_objectives
from nas_tune.strategies.history import Finished, History
from nas_tune.strategies.unseen_sampler import UnseenSampler
from search_spaces import Architecture, Space

__all__ = ["LocalSearchSampler"]

_INCUMBENTS_KEPT = 1_000


@several_objectives
class LocalSearchSampler(UnseenSampler):
    """Proposes a neighbour of the best architecture of the climb that no trial has.

    Args:
        space: the space of the study's parameters.
        seed: the seed of this proposal and of those after it.
        initial: how many random architectures begin a climb (default: 10).
        improvement: "first" moves on as soon as a neighbour is better, "best" when all have been tried
            (default: "first").
    """

    def __init__(self, space: Space, seed: int, initial: int = 10, improvement: str = "first") -> None:
        if initial < 1:
            raise ConfigError(f"strategy.initial is {initial}; a climb begins with at least 1 architecture")
        if improvement not in ("first", "best"):
            raise ConfigError(f'strategy.improvement is {improvement!r}; it is "first" or "best"')
        super().__init__(space, seed)
        self.initial, self.greedy = initial, improvement == "first"

    def candidates(self, history: History, number: int) -> Iterator[Architecture]:
        """Yield an unseen neighbour of the incumbent, drawn at random; random members at the beginning of a climb."""
        incumbent = _Climbs(history, self.initial, self.greedy).incumbent(number)
        if incumbent is None:
            yield from self.at_random()
        else:
            near = _neighborhoods(self.space).unseen(self.space, incumbent.architecture, history.ids)
            yield self.space.validate(json.loads(self.rng.choice(near)))


class _Climbs:
    """The climbs of a study, reconstructed from its trials."""

    def __init__(self, history: History, initial: int, greedy: bool) -> None:
        self._space, self._asked = history.space, history.ids
        self._finished = history.finished()
        self._by_id = {trial.architecture.id: trial for trial in reversed(self._finished)}
        self._initial, self._greedy = initial, greedy

    def incumbent(self, number: int) -> Finished | None:
        """Find the incumbent whose neighbour trial `number` is; None if the trial begins a climb."""
        start = 0
        while start + self._initial <= number:
            members = [trial for trial in self._finished if trial.number >= start]
            if not members:
                return None
            best, since, closed = self._climb(members, start + self._initial)
            if closed > number:
                return best
            start = max(int(closed), since)
        return None

    def _climb(self, members: Sequence[Finished], since: int) -> tuple[Finished, int, float]:
        """Find the last incumbent of a climb, the first trial of its turn, and the first with no neighbour left."""
        begun = [trial for trial in members if trial.number < since] or members[:1]
        best = _best(begun)
        since = max(since, best.number + 1)
        while True:
            near = _neighborhoods(self._space).ids(self._space, best.architecture)
            closed = max((self._asked.get(other, math.inf) for other in near), default=-1.0) + 1
            step = self._step(best, members, near, since, closed)
            if step is None:
                return best, since, closed
            best, since = step

    def _step(
        self, best: Finished, members: Sequence[Finished], near: Sequence[str], since: int, closed: float
    ) -> tuple[Finished, int] | None:
        """Find the next incumbent and the first trial of its turn; None if there is none yet."""
        known = [self._by_id[other] for other in near if other in self._by_id]
        if self._greedy:
            at_once = []
            for trial in known:
                if trial.number < since and trial.score > best.score:
                    at_once.append(trial)
            if at_once:
                return _best(at_once), since
            later = (t for t in members if since <= t.number < closed and t.score > best.score)
            found = next(later, None)
            return None if found is None else (found, found.number + 1)
        if closed == math.inf:
            return None
        until = max(int(closed), since)
        better = [t for t in (*known, *members) if t.number < until and t.score > best.score]
        return (_best(better), until) if better else None


def _best(trials: Sequence[Finished]) -> Finished:
    return max(trials, key=lambda trial: trial.score)


class _Neighborhoods:
    """The neighbours of incumbents: the ids of all, and the latest as JSON. They are kept, since each proposal replays.

    Architectures refer to their space, which would then never be freed; JSON texts do not.
    """

    def __init__(self) -> None:
        self._ids: dict[str, tuple[str, ...]] = {}
        self._latest: tuple[str, dict[str, str]] = "", {}

    def ids(self, space: Space, architecture: Architecture) -> tuple[str, ...]:
        """Return the canonical ids of the neighbours, each once."""
        key = architecture.to_json()
        if key not in self._ids:
            if len(self._ids) >= _INCUMBENTS_KEPT:
                del self._ids[next(iter(self._ids))]
            self._ids[key] = tuple(self._texts(space, architecture))
        return self._ids[key]

    def unseen(self, space: Space, architecture: Architecture, seen: Container[str]) -> list[str]:
        """Return the neighbours whose ids are not among `seen`, as JSON."""
        return [text for other, text in self._texts(space, architecture).items() if other not in seen]

    def _texts(self, space: Space, architecture: Architecture) -> dict[str, str]:
        key = architecture.to_json()
        if self._latest[0] != key:
            self._latest = key, {other.id: other.to_json() for other in space.neighbors(architecture)}
        return self._latest[1]


_KEPT: WeakKeyDictionary[Space, _Neighborhoods] = WeakKeyDictionary()


def _neighborhoods(space: Space) -> _Neighborhoods:
    return _KEPT.setdefault(space, _Neighborhoods())
