"""The common part of `reinforce` and `ppo`: a controller that is trained by the finished trials, by number.

A new sampler is made for every proposal, but its controller is kept: for each study a process keeps some states of the
training, each with the trials that it has learnt from. The longest state that fits the study is trained by the other
trials. A fresh process starts at the first trial and gets the same numbers. A controller learns from every trial, also
from trials of a warm start and of other samplers: rewards and Adam bound the effect of each.
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

from nas_tune.errors import ConfigError
from nas_tune.objectives.standings import Result, standings
from nas_tune.strategies.controllers import Controller, Memory, TableController
from nas_tune.strategies.decision_steps import DecisionCodes, StepBatch, batch_of
from nas_tune.strategies.flat_encoding import FlatEncoding
from nas_tune.strategies.history import History, study_result
from nas_tune.strategies.lstm_controller import LSTMController
from nas_tune.strategies.unseen_sampler import UnseenSampler
from search_spaces import Architecture, Space
from search_spaces.architecture import Scalar

__all__ = ["Episode", "PolicySampler", "PolicyState"]

_LATEST_KEPT = 8
_MARKS_KEPT = 16
_FROM_MARK_TO_MARK = 32
_REFUSED_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Episode:
    """A finished trial as a controller learns from it, an episode of reinforcement learning.

    Attributes:
        number: of the trial.
        trained: epochs of a stopped trial; infinite for a complete one.
        score: greater is better.
        ended: last epoch of a complete trial; infinite if unknown (the default).
    """

    number: int
    trained: float
    score: float
    ended: float = math.inf

    @property
    def complete(self) -> bool:
        """Whether the trial was not stopped."""
        return self.trained == math.inf

    @property
    def result(self) -> Result:
        """The result, to be ordered by `nas_tune.objectives.standings`."""
        return Result((self.score,), self.ended if self.complete else self.trained, self.complete)


@dataclass
class PolicyState:
    """A controller and the episodes that it has learnt from.

    Attributes:
        settings: of the strategy that trains it.
        controller: the policy.
        episodes: in the order in which it learnt from them.
        sorted: length and score of each episode, ascending; it ranks episodes while complete trials are longer than
            stopped ones.
        baseline: the moving average of the rewards.
        shortest: the epochs of the shortest complete trial; infinite without one.
        longest: the epochs of the longest stopped trial; -1 without one.
    """

    settings: tuple[object, ...]
    controller: Controller
    episodes: list[Episode] = field(default_factory=list)
    sorted: list[tuple[float, float]] = field(default_factory=list)
    baseline: float = 0.0
    shortest: float = math.inf
    longest: float = -1

    def copy(self) -> PolicyState:
        """Return a copy that can be trained independently.

        Returns:
            The copy, with its own controller.
        """
        return replace(self, controller=self.controller.copy(), episodes=list(self.episodes), sorted=list(self.sorted))

    def advantages(self, episodes: Sequence[Episode], decay: float) -> NDArray[np.float64]:
        """Take in episodes, and compute by how much each reward exceeds the baseline of its time.

        Args:
            episodes: the next episodes.
            decay: the decay of the baseline, a moving average.

        Returns:
            The advantages, shape (episodes, 1).
        """
        above = []
        for episode in episodes:
            reward = self._reward(episode)
            if not self.episodes:
                self.baseline = reward
            self.episodes.append(episode)
            above.append(reward - self.baseline)
            self.baseline += (1.0 - decay) * (reward - self.baseline)
        return np.array(above)[:, None]

    def _reward(self, episode: Episode) -> float:
        """Compute the reward: the rank among all so far, 0 for the worst to 1 for the best, cubed.

        The paper cubes accuracies. Ranks need no scale and have no outliers; a stopped trial ranks below longer ones.
        """
        place = (episode.trained, episode.score)
        insort(self.sorted, place)
        if episode.complete:
            self.shortest = min(self.shortest, episode.ended)
        else:
            self.longest = max(self.longest, episode.trained)
        if self.shortest <= self.longest:
            middle = self._middle(episode)
        else:
            middle = (bisect_left(self.sorted, place) + bisect_right(self.sorted, place) - 1) / 2
        rank = middle / max(1, len(self.sorted) - 1)
        return rank * rank * rank

    def _middle(self, episode: Episode) -> float:
        """Count the worse trials and half of the equal ones, if some complete trial is no longer than a stopped one."""
        places = standings([one.result for one in (*self.episodes, episode)])
        return len(places) - 1 - places[-1] - (places.count(places[-1]) - 1) / 2


class PolicySampler(UnseenSampler):
    """Proposes draws of a controller that is trained by `batch` trials at a time.

    Args:
        space: the space of the study's parameters.
        seed: the seed of this proposal and of those after it.
        controller: "lstm", or "table" for one logit for each action, which is faster but ignores earlier decisions
            (default: "lstm").
        units: size of the LSTM's hidden state (default: 32).
        rate: learning rate of Adam (default: 0.01).
        entropy: weight of the entropy bonus (default: 0.005).
        decay: decay of the moving average of the rewards, which are cubed ranks (default: 0.9).
        batch: trials of an update (default: 1).
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        controller: str = "lstm",
        units: int = 32,
        rate: float = 0.01,
        entropy: float = 0.005,
        decay: float = 0.9,
        batch: int = 1,
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
        own = (controller, units, rate, entropy, decay, batch)
        self._settings: tuple[object, ...] = (type(self), space.fingerprint, *own)
        """What distinguishes kept states; a subclass adds settings of its own."""
        self._decisions = DecisionCodes.of(space)
        self._encoding = FlatEncoding(space)
        self._controller: Controller | None = None

    def propose(self, study: Study, number: int) -> Architecture:
        """Train the controller by all finished trials, and propose a draw that no trial has."""
        self._controller = self._taught(study, History.of(study, self.space, number))
        return super().propose(study, number)

    def candidates(self, history: History, number: int) -> Iterator[Architecture]:
        """Yield draws of the controller without end."""
        draws = _Draws(self._controller or self._untaught(), self.rng)
        while True:
            yield self._drawn(draws)

    @abstractmethod
    def teach(self, controller: Controller, batch: StepBatch, advantages: NDArray[np.float64]) -> None:
        """Train a controller by one batch.

        Args:
            controller: the controller to update.
            batch: the architectures of the batch.
            advantages: by how much their rewards exceed the baseline, shape (architectures, 1).
        """

    def _drawn(self, draws: _Draws) -> Architecture:
        """Draw a member; if the space's rule refuses several draws in a row, return the member nearest to the last."""
        params: dict[str, Scalar] = {}
        for _ in range(_REFUSED_IN_A_ROW):
            draws.again()
            params = self._decisions.params(self.space, self.rng, draws)
            made = self._encoding.allowed(params)
            if made is not None:
                return made
        return self._encoding.nearest(params)

    def _taught(self, study: Study, history: History) -> Controller:
        (sign,) = history.signs
        trials = {trial.number: trial for trial in history.ended()}
        wanted: list[Episode] = []
        for trial in trials.values():
            result = study_result(trial, [sign])
            trained = math.inf if result.complete else result.epochs
            wanted.append(Episode(trial.number, trained, result.scores[0], result.epochs))
        del wanted[len(wanted) // self.batch * self.batch :]
        states = _STATES.setdefault(study, _States())
        state = states.furthest(self._settings, wanted) or PolicyState(self._settings, self._untaught())
        for start in range(len(state.episodes), len(wanted), self.batch):
            episodes = wanted[start : start + self.batch]
            batch = batch_of([self._decisions.read(self.space, trials[episode.number].params) for episode in episodes])
            state = state.copy()
            self.teach(state.controller, batch, state.advantages(episodes, self.decay))
            states.keep(state)
        return state.controller

    def _untaught(self) -> Controller:
        actions = self._decisions.actions
        return TableController(actions) if self.kind == "table" else LSTMController(actions, self.units)


@dataclass
class _Node:
    """A decision in the tree of draws: the probabilities of its actions, and the next decisions after each."""

    decision: int
    memory: Memory
    probabilities: list[float]
    children: dict[tuple[int, int, float], _Node] = field(default_factory=dict)


class _Draws:
    """Answers by chance, as a controller has it; what several draws of one proposal share is worked out once."""

    def __init__(self, controller: Controller, rng: random.Random) -> None:
        self._controller, self._rng = controller, rng
        self._root = _Node(-1, controller.begin(1), [])
        self.again()

    def again(self) -> None:
        """Begin another draw."""
        self._here, self._action = self._root, -1

    def __call__(self, decision: int, offset: float) -> int:
        branch = self._action, decision, offset
        if branch not in self._here.children:
            self._here.children[branch] = self._child(decision, offset)
        self._here = self._here.children[branch]
        (self._action,) = self._rng.choices(range(len(self._here.probabilities)), self._here.probabilities)
        return self._action

    def _child(self, decision: int, offset: float) -> _Node:
        memory = self._here.memory
        if self._action >= 0:
            memory = self._controller.after(memory, np.array([self._here.decision]), np.array([self._action]))
        memory, log_probabilities = self._controller.step(memory, np.array([decision]), np.array([offset]))
        return _Node(decision, memory, np.exp(log_probabilities[0]).tolist())


class _States:
    """The kept states of one study: the latest, and earlier ones for trials that end long after younger ones."""

    def __init__(self) -> None:
        self._latest: list[PolicyState] = []
        self._marks: list[PolicyState] = []

    def furthest(self, settings: tuple[object, ...], wanted: Sequence[Episode]) -> PolicyState | None:
        """Find the state with these settings that has learnt from most of the wanted episodes, and from no others."""
        furthest: PolicyState | None = None
        for state in (*self._marks, *self._latest):
            fits = state.settings == settings and state.episodes == wanted[: len(state.episodes)]
            if fits and (furthest is None or len(state.episodes) > len(furthest.episodes)):
                furthest = state
        return furthest

    def keep(self, state: PolicyState) -> None:
        """Keep a state; from then on only its copies are trained."""
        self._latest = [*self._latest, state][-_LATEST_KEPT:]
        before = len(self._marks[-1].episodes) if self._marks else 0
        if not before <= len(state.episodes) < before + _FROM_MARK_TO_MARK:
            self._marks = [*self._marks, state][-_MARKS_KEPT:]


_STATES: WeakKeyDictionary[Study, _States] = WeakKeyDictionary()
