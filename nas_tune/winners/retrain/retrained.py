"""A retraining for its user: the trainings as a run, their comparison with the search, and the networks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import Objective
from nas_tune.results import Run
from nas_tune.results.frames import written_aside
from nas_tune.winners.retrain.candidates import Candidate
from nas_tune.winners.retrain.honesty import Honesty, Scored, honesty
from nas_tune.winners.retrain.plan import folders
from nas_tune.winners.retrain.trainable import Retraining

if TYPE_CHECKING:
    from trainables.protocol import Trainable
    from trainables.registry import TrainableTarget

__all__ = ["Retrained"]


class Retrained:
    """Reads a retraining.

    Args:
        folder: of the retraining, or of its run, whose newest retraining is then read; or the open run.

    Raises:
        ConfigError: there is none.
    """

    def __init__(self, folder: str | Path | Run) -> None:
        path = Path(folder.path if isinstance(folder, Run) else folder).absolute()
        found = folders(path)
        self.run = Run(found[-1] if found else path)
        if "candidates" not in self.run.meta["trainable"]["settings"]:
            raise ConfigError(f"{path} has no retraining yet; make one: nas-tune retrain {path}")

    @classmethod
    def all_of(cls, run: Run) -> list[Retrained]:
        """Open the retrainings of a run.

        Args:
            run: an open run.

        Returns:
            The retrainings, the oldest first.
        """
        return [cls(folder) for folder in folders(run.path)]

    @property
    def path(self) -> Path:
        """The folder of the retraining."""
        return self.run.path

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The retrained architectures: the chosen ones, best first, then the random ones."""
        return tuple(Candidate(**table) for table in self._settings["candidates"])

    @property
    def recipe(self) -> Mapping[str, Any]:
        """The settings of the trainable of all trainings; the key `of` is its name."""
        return {"of": self._settings["of"], **self._settings["settings"]}

    @property
    def finished(self) -> bool:
        """Whether every training is over."""
        counts = self.run.state.counts
        return sum(counts[state] for state in ("complete", "pruned", "failed")) == self.run.config.max_trials

    @property
    def honesty(self) -> Honesty:
        """The comparison of the search with the trainings that have ended so far."""
        config, table, origin = self.run.config, self.run.trials(), self._settings["origin"]
        over = table[table["state"].isin(["complete", "failed"])]
        scored = []
        for number, candidate in enumerate(self.candidates):
            mine = over[over["arch.chosen"] == number]
            scores = tuple(float(value) for value in mine[mine["state"] == "complete"]["value"])
            scored.append(Scored(candidate, scores, int((mine["state"] == "failed").sum())))
        return honesty(
            scored,
            judged_by=config.objectives[0],
            searched_by=Objective(origin["metric"], origin["mode"]),
            notes=origin.get("notes", ()),
            run=self.path.parent.name,
            trials=origin["trials"],
            epochs=config.max_epochs,
            seeds=(config.max_trials or 0) // len(scored),
            planned=config.max_trials or 0,
            over=len(over),
            unit=self.run.unit(config.objectives[0].metric),
            search_unit=self.run.unit(origin["metric"]),
        )

    def write(self) -> None:
        """Write honesty.json and honesty.md into the folder. A file is complete, or is not there."""
        found = self.honesty
        plain = json.dumps(found.to_dict(), indent=2, ensure_ascii=False)
        for name, text in (("honesty.json", f"{plain}\n"), ("honesty.md", found.text())):
            with written_aside(self.path / name) as draft:
                draft.write_text(text, encoding="utf-8")

    def trained(
        self, chosen: int = 0, repeat: int = 0, *, trainable: TrainableTarget | None = None, allow_code: bool = False
    ) -> Trainable:
        """Rebuild the trainable of one training after its last epoch. An `ImageClassifier` then has the `network`.

        Args:
            chosen: the number of the candidate, from 0.
            repeat: the number of its training, from 0.
            trainable: the trainable of the retraining, if it cannot be imported by name.
            allow_code: import the code that the run names, although it was not begun by this user on this machine.

        Returns:
            The trainable, set up and loaded.

        Raises:
            ForeignCodeError: the run comes from elsewhere, and names code that is not given here.
            ConfigError: there is no such training, it is not complete, or the trainable keeps no checkpoints.
        """
        from nas_tune.session.evaluation import trained
        from nas_tune.winners.retrain.plan import target_class

        table = self.run.trials()
        mine = table[(table["arch.chosen"] == chosen) & (table["arch.repeat"] == repeat)]
        if mine.empty or mine["state"].iloc[0] != "complete":
            state = "not there" if mine.empty else mine["state"].iloc[0]
            done = table[table["state"] == "complete"]
            known = ", ".join(f"({a}, {b})" for a, b in zip(done["arch.chosen"], done["arch.repeat"], strict=True))
            raise ConfigError(f"training (chosen={chosen}, repeat={repeat}) is {state}; complete: {known or 'none'}")
        wanted = None if trainable is None else target_class(trainable)
        made = trained(self.run, int(mine["trial"].iloc[0]), trainable=wanted, allow_code=allow_code)
        if not isinstance(made, Retraining):
            raise ConfigError(f"{self.path} is not a retraining, but a run of {type(made).__name__}")
        return made.inner

    @property
    def _settings(self) -> Mapping[str, Any]:
        settings: Mapping[str, Any] = self.run.meta["trainable"]["settings"]
        return settings

    def __repr__(self) -> str:
        now = self.honesty
        return f"Retrained({str(self.path)!r}: {now.over} of {now.planned} trainings over)"
