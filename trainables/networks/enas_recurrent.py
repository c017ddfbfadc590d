"""The networks of the recurrent cells of ENAS: language models (`trainables.networks.recurrent`)."""

from __future__ import annotations

from trainables.networks.family import Family
from trainables.networks.recurrent import SMALL, build_enas_recurrent, texts

__all__ = ["FAMILY"]

FAMILY = Family(build_enas_recurrent, texts, undecided=True, small=SMALL)
