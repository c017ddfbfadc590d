"""From a run to files: the network of a trial in open formats, and a card that says where it comes from."""

from __future__ import annotations

from nas_tune.winners.export.card import CARD
from nas_tune.winners.export.exporting import Export, export

__all__ = ["CARD", "Export", "export"]
