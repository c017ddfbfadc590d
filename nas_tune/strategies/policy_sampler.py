"""What `reinforce` and `ppo` have in common: a controller that is taught by the finished trials, by number.

A sampler lives for one proposal, its controller longer: for each study and process some of its states are kept, each
with the lessons that it had, and the furthest one that fits is taught the rest. A fresh process starts at the
first trial and comes to the same numbers. A controller learns from every trial, also from those that it did not
propose (prior knowledge, a random one that stood in): rewards and Adam bound what one of them can change.
"""

from __future__ import annotations

import math
import random
from abc import abstractmethod
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from optuna.study import Study
from optuna.trial import FrozenTrial

from nas_tune.errors import ConfigError
from nas_tune.objectives.standings import Result, standings
from nas_tune.strategies.controllers import Controller, Memory, TableController
from nas_tune.strategies.decision_steps import Batch, Questions, batch_of
from nas_tune.strategies.faces import FlatFace
from nas_tune.strategies.history import History, result_of
from nas_tune.strategies.lstm_controller import LSTMController
from nas_tune.strategies.unseen_sampler import UnseenSampler
from search_spaces import Architecture, Space
from search_spaces.architecture import Scalar

__all__ = ["Learner", "Lesson", "PolicySampler"]

_LATEST_KEPT = 8
_MARKS_KEPT = 16
_FROM_MARK_TO_MARK = 32
_REFUSED_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Lesson:
    """A finished trial: how long it trained (infinite when complete), and its score, greater is better.

    `ended` is the last epoch of a complete one; infinite where it is not known.
    """

    number: int
    trained: float
    score: float
    ended: float = math.inf

    @property
    def complete(self) -> bool:
        """Whether it was not stopped."""
        return self.trained == math.inf

    @property
    def result(self) -> Result:
        """What it came to, to be compared with others."""
        return Result((self.score,), self.ended if self.complete else self.trained, self.complete)


@dataclass
class Learner:
    """A controller, and what it has learnt from.

    Attributes:
        settings: of the strategy that teaches it.
        controller: the policy.
        lessons: in the order in which it was taught.
        sorted: the same from the worst to the best, as long as complete trials are longer than stopped ones.
        shortest: the epochs of the shortest complete trial; `longest`: those of the longest stopped one.
        baseline: the moving average of the rewards.
    """

    settings: tuple[object, ...]
    controller: Controller
    lessons: list[Lesson] = field(default_factory=list)
    sorted: list[tuple[float, float]] = field(default_factory=list)
    baseline: float = 0.0
    shortest: float = math.inf
    longest: float = -1

    def copy(self) -> Learner:
        """Another one that knows the same, to be taught on its own."""
        return replace(self, controller=self.controller.copy(), lessons=list(self.lessons), sorted=list(self.sorted))

    def advantages(self, lessons: Sequence[Lesson], decay: float) -> NDArray[np.float64]:
        """Take the lessons in; by how much each reward is above the baseline of its time, shape (lessons, 1)."""
        above = []
        for lesson in lessons:
            reward = self._reward(lesson)
            if not self.lessons:
                self.baseline = reward
            self.lessons.append(lesson)
            above.append(reward - self.baseline)
            self.baseline += (1.0 - decay) * (reward - self.baseline)
        return np.array(above)[:, None]

    def _reward(self, lesson: Lesson) -> float:
        """Its rank among all so far, 0 for the worst to 1 for the best, cubed as accuracies are in the paper.

        Ranks have no scale and no outliers, and stopped trials have theirs: below those that trained longer.
        """
        place = (lesson.trained, lesson.score)
        insort(self.sorted, place)
        if lesson.complete:
            self.shortest = min(self.shortest, lesson.ended)
        else:
            self.longest = max(self.longest, lesson.trained)
        if self.shortest <= self.longest:
            middle = self._middle(lesson)
        else:
            middle = (bisect_left(self.sorted, place) + bisect_right(self.sorted, place) - 1) / 2
        rank = middle / max(1, len(self.sorted) - 1)
        return rank * rank * rank

    def _middle(self, lesson: Lesson) -> float:
        """How many are worse, and half of its equals, where some complete trial is no longer than some stopped one."""
        places = standings([one.result for one in (*self.lessons, lesson)])
        return len(places) - 1 - places[-1] - (places.count(places[-1]) - 1) / 2


def _lesson(trial: FrozenTrial, sign: float) -> Lesson:
    result = result_of(trial, [sign])
    return Lesson(trial.number, math.inf if result.complete else result.epochs, result.scores[0], result.epochs)


class PolicySampler(UnseenSampler):
    """Proposes what its controller draws, which is taught `batch` trials at a time; see the strategies for the rest."""

    def __init__(
        self,
        space: Space,
        seed: int,
        *,
        controller: str,
        units: int,
        rate: float,
        entropy: float,
        decay: float,
        batch: int,
        others: tuple[float, ...] = (),
    ) -> None:
        super().__init__(space, seed)
        if controller not in ("lstm", "table"):
            raise ConfigError(f'strategy.controller is {controller!r}; it is "lstm" or "table"')
        for name, many in (("units", units), ("batch", batch)):
            if many < 1:
                raise ConfigError(f"strategy.{name} is {many}; at least 1 is needed")
        if not 0.0 < rate < math.inf:
            raise ConfigError(f"strategy.rate is {rate}; a learning rate is above 0, such as 0.01")
        if not 0.0 <= entropy < math.inf:
            raise ConfigError(f"strategy.entropy is {entropy}; the weight of the entropy is 0 or more, such as 0.005")
        if not 0.0 <= decay < 1.0:
            raise ConfigError(f"strategy.decay is {decay}; what a moving average keeps is below 1, such as 0.9")
        self.kind, self.units, self.batch = controller, units, batch
        self.rate, self.entropy, self.decay = rate, entropy, decay
        self._settings = (type(self), space.fingerprint, controller, units, rate, entropy, decay, batch, *others)
        self._questions = Questions.of(space)
        self._face = FlatFace(space)
        self._controller: Controller | None = None

    def propose(self, study: Study, number: int) -> Architecture:
        """What the controller draws after all lessons that are there, and no trial has."""
        self._controller = self._taught(study, History.of(study, self.space, number))
        return super().propose(study, number)

    def candidates(self, history: History, number: int) -> Iterator[Architecture]:
        """One draw after another."""
        draws = _Draws(self._controller or self._untaught(), self.rng)
        while True:
            yield self._drawn(draws)

    @abstractmethod
    def teach(self, controller: Controller, batch: Batch, advantages: NDArray[np.float64]) -> None:
        """One batch; the advantages are of shape (architectures, 1)."""

    def _drawn(self, draws: _Draws) -> Architecture:
        """A member; where the space's rule, of which the controller knows nothing, refuses many, one near the last."""
        params: dict[str, Scalar] = {}
        for _ in range(_REFUSED_IN_A_ROW):
            draws.again()
            params = self._questions.params(self.space, self.rng, draws)
            made = self._face.allowed(params)
            if made is not None:
                return made
        return self._face.nearest(params)

    def _taught(self, study: Study, history: History) -> Controller:
        (sign,) = history.signs
        trials = {trial.number: trial for trial in history.ended()}
        wanted = [_lesson(trial, sign) for trial in trials.values()]
        del wanted[len(wanted) // self.batch * self.batch :]
        states = _STATES.setdefault(study, _States())
        learner = states.furthest(self._settings, wanted) or Learner(self._settings, self._untaught())
        for start in range(len(learner.lessons), len(wanted), self.batch):
            lessons = wanted[start : start + self.batch]
            batch = batch_of([self._questions.read(self.space, trials[lesson.number].params) for lesson in lessons])
            learner = learner.copy()
            self.teach(learner.controller, batch, learner.advantages(lessons, self.decay))
            states.keep(learner)
        return learner.controller

    def _untaught(self) -> Controller:
        answers = self._questions.answers
        return TableController(answers) if self.kind == "table" else LSTMController(answers, self.units)


@dataclass
class _Fork:
    """A question that a draw has come to: how likely the answers are, and what follows from those given so far."""

    question: int
    memory: Memory
    chances: list[float]
    ways: dict[tuple[int, int, float], _Fork] = field(default_factory=dict)


class _Draws:
    """Answers by chance, as a controller has it; what several draws of one proposal share is worked out once."""

    def __init__(self, controller: Controller, rng: random.Random) -> None:
        self._controller, self._rng = controller, rng
        self._root = _Fork(-1, controller.begin(1), [])
        self.again()

    def again(self) -> None:
        """Begin another architecture."""
        self._here, self._answer = self._root, -1

    def __call__(self, question: int, lean: float) -> int:
        way = self._answer, question, lean
        if way not in self._here.ways:
            self._here.ways[way] = self._fork(question, lean)
        self._here = self._here.ways[way]
        (self._answer,) = self._rng.choices(range(len(self._here.chances)), self._here.chances)
        return self._answer

    def _fork(self, question: int, lean: float) -> _Fork:
        memory = self._here.memory
        if self._answer >= 0:
            memory = self._controller.answered(memory, np.array([self._here.question]), np.array([self._answer]))
        memory, told = self._controller.step(memory, np.array([question]), np.array([lean]))
        return _Fork(question, memory, np.exp(told[0]).tolist())


class _States:
    """Learners of one study: the latest, and some from before, for trials that end long after younger ones."""

    def __init__(self) -> None:
        self._latest: list[Learner] = []
        self._marks: list[Learner] = []

    def furthest(self, settings: tuple[object, ...], wanted: Sequence[Lesson]) -> Learner | None:
        """The one with these settings that has had most of the lessons that are wanted, and no others."""
        fitting = (
            learner
            for learner in (*self._marks, *self._latest)
            if learner.settings == settings and learner.lessons == wanted[: len(learner.lessons)]
        )
        return max(fitting, key=lambda learner: len(learner.lessons), default=None)

    def keep(self, learner: Learner) -> None:
        """It is not to be taught any more; only its copies are."""
        self._latest = [*self._latest, learner][-_LATEST_KEPT:]
        before = len(self._marks[-1].lessons) if self._marks else 0
        if not before <= len(learner.lessons) < before + _FROM_MARK_TO_MARK:
            self._marks = [*self._marks, learner][-_MARKS_KEPT:]


_STATES: WeakKeyDictionary[Study, _States] = WeakKeyDictionary()
