"""A strategy that searches by itself: it keeps the best of the twigs that it draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from search_spaces import Architecture

__all__ = ["Draws", "Search"]


class Draws:
    """Looks at one more twig each epoch, the wider the better."""

    trains_networks: ClassVar[bool] = False

    def __init__(self, space: str, widest: int = 3) -> None:
        self.widest, self.width = widest, 0

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Begin with none."""
        self.width = 0

    def step(self) -> dict[str, float]:
        """Draw."""
        self.width = min(self.width + 1, self.widest)
        return {"accuracy": self.width / 10}

    @property
    def architecture(self) -> Architecture | None:
        """The best so far."""
        return Architecture({"width": self.width, "act": "relu"}) if self.width else None

    def save(self, folder: Path) -> None:
        """Write the best."""
        (folder / "width").write_text(str(self.width), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read the best."""
        self.width = int((folder / "width").read_text(encoding="utf-8"))


class Search:
    """Keeps the best of the twigs that it draws."""

    metric, mode, weights = "accuracy", "max", "nothing is trained"
    refuses: ClassVar[dict[str, str]] = {}
    trainable: ClassVar[type] = Draws

    def __init__(self, name: str) -> None:
        self.name = name

    def check(self, config: Any, given: object) -> None:
        """All can be combined with it."""

    def settings(self, config: Any, space: Any) -> dict[str, Any]:
        """Those of the strategy."""
        return {"space": space.name, **config.strategy.settings}
