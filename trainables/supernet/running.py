"""A search that runs: an epoch, what it reports, and when it ends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from trainables.errors import EndOfTraining
from trainables.metrics import DISCRETE, TRAINING
from trainables.supernet.builder import SearchBuilder
from trainables.supernet.collapse import Alarm, Skips, alpha_entropy, skips_of
from trainables.supernet.stages import StagedSearch

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture
    from trainables.supernet.methods.base import SearchStage

__all__ = ["RunningSearch"]


class RunningSearch:
    """A search from its set-up on: its stages, what it has found, and its notes.

    Args:
        builder: makes the supernets and selects architectures.
        seed: decides everything random.
        epochs: epochs of all stages together.
        identity: what a checkpoint must share with this search; see `trainables.trial.checkpoint.check_identity`.
    """

    def __init__(self, builder: SearchBuilder, seed: int, epochs: int, identity: dict[str, object]) -> None:
        self.builder, self.identity = builder, identity
        self.staged: StagedSearch = builder.begin(seed, epochs)
        self.architecture: Architecture | None = None
        self._last: Architecture | None = None
        self._sound: Architecture | None = None
        self._alarm = Alarm(builder.settings.collapse_share)
        self._is_collapsed = self._is_stopped = False
        self._sized: tuple[tuple[str, SearchStage], int] | None = None
        self._notes: list[str] = []

    def step(self) -> dict[str, float | int]:
        """One epoch and its report, as `DartsTrainable.step` describes it."""
        if self.staged.is_over or self._is_stopped:
            raise EndOfTraining(f"the search has no further epoch after epoch {self.staged.epoch}")
        search = self.staged.go_on()
        trained = search.train_epoch()
        validation = search.data.validation
        whole = search.evaluate(validation)
        before, found = self._last, self.builder.select(search, is_last=self.staged.is_over)
        skips = skips_of(search.supernet, search.supernet.taken(found))
        eigenvalue = search.eigenvalue() if self.builder.settings.eigenvalue else None
        collapsed = search.has_learned and self._listen(skips, eigenvalue)
        kept = self._kept(found)
        discrete = search.evaluate_member(kept, validation)
        primary = search.task.primary
        gap = search.criterion.score(whole) - search.criterion.score(discrete)
        return {
            **whole,
            **{f"{TRAINING}{name}": value for name, value in trained.items()},
            **{f"{DISCRETE}{name}": value for name, value in discrete.items() if name == primary},
            **({"gap": gap} if math.isfinite(gap) else {}),
            "entropy": alpha_entropy(search.supernet),
            "skips": skips.count,
            "collapsed": int(collapsed),
            "changed": int(before is None or before.id != found.id),
            "lr": search.rate,
            "parameters": self._parameters_of(kept),
            "supernet_parameters": sum(weight.numel() for weight in search.supernet.weight_parameters()),
            **({} if eigenvalue is None else {"eigenvalue": eigenvalue}),
            **({} if self.builder.limits is None else self.builder.limits.costs(kept)),
        }

    def _parameters_of(self, found: Architecture) -> int:
        """Of the network that is found, by itself; counted once for an architecture."""
        stage = self.staged.stage
        if self._sized is None or self._sized[0] != (found.id, stage):
            self._sized = ((found.id, stage), self.builder.parameters_of(found, stage, self.staged.search.data))
        return self._sized[1]

    def _kept(self, found: Architecture) -> Architecture:
        """Keep what is found now; of a search that ended in a collapse the last that showed no sign of it."""
        self._last = found
        if not self._alarm.was_crowded:
            self._sound = found
        self.architecture = self._sound if self._is_stopped and self._sound is not None else found
        return self.architecture

    def _listen(self, skips: Skips, eigenvalue: float | None) -> bool:
        was, wrong = self._is_collapsed, self._alarm.update(skips, eigenvalue)
        self._is_collapsed = bool(wrong)
        self._is_stopped = self._is_collapsed and self.builder.settings.stop_on_collapse
        if self._is_collapsed and not was:
            ended = "; the search ends here" if self._is_stopped else ""
            self._notes.append(f"the search has collapsed at epoch {self.staged.epoch}: {wrong}{ended}")
        return self._is_collapsed

    def new_notes(self) -> list[str]:
        """Take the notes since the last call.

        Returns:
            Texts for a person.
        """
        method = self.staged.search.supernet.method
        notes = [*method.notes, *self._notes]
        method.notes, self._notes = [], []
        if self.builder.limits is not None:
            notes, self.builder.limits.notes = [*notes, *self.builder.limits.notes], []
        return notes

    def evaluate(self, split: str) -> dict[str, float]:
        """Evaluate supernet and architecture on a split of the data."""
        search = self.staged.search
        part = search.data.split(split)
        found = dict(search.evaluate(part))
        if self.architecture is not None:
            primary, discrete = search.task.primary, search.evaluate_member(self.architecture, part)
            found |= {f"{DISCRETE}{name}": value for name, value in discrete.items() if name == primary}
        return found

    def _found(self) -> dict[str, Architecture | None]:
        return {name: getattr(self, name) for name in ("architecture", "_last", "_sound")}

    def state_dict(self) -> dict[str, Any]:
        """All that decides the epochs to come.

        Returns:
            Tensors, numbers and text, for `write_tensors`.
        """
        return {
            "search": self.staged.state_dict(),
            **{name: None if found is None else found.tree for name, found in self._found().items()},
            "eigenvalues": self._alarm.eigenvalues,
            "crowded": self._alarm.was_crowded,
            "collapsed": self._is_collapsed,
            "stopped": self._is_stopped,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken, of an equal search.

        Args:
            state: what `state_dict` of an equal search gave.
        """
        self.staged.load_state_dict(state["search"])
        space = self.staged.search.supernet.space
        for name in self._found():
            setattr(self, name, None if state[name] is None else space.validate(state[name]))
        self._alarm.eigenvalues = list(state["eigenvalues"])
        self._alarm.was_crowded = state["crowded"]
        self._is_collapsed, self._is_stopped = state["collapsed"], state["stopped"]
