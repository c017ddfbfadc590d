"""The search methods by name, one small class a paper."""

from __future__ import annotations

from trainables.settings import check_name, check_settings
from trainables.supernet.methods.base import Draws, Method, Stage
from trainables.supernet.methods.darts import Darts
from trainables.supernet.methods.drnas import DrNas
from trainables.supernet.methods.enas import Enas
from trainables.supernet.methods.fairdarts import FairDarts
from trainables.supernet.methods.gdas import Gdas
from trainables.supernet.methods.ofa import Ofa
from trainables.supernet.methods.pcdarts import PartialChannelDarts
from trainables.supernet.methods.pdarts import ProgressiveDarts
from trainables.supernet.methods.proxylessnas import ProxylessNas
from trainables.supernet.methods.snas import Snas
from trainables.supernet.methods.spos import Spos

__all__ = ["METHODS", "Draws", "Method", "Stage", "method_of"]

METHODS: dict[str, type[Method]] = {
    "darts": Darts,
    "drnas": DrNas,
    "enas": Enas,
    "fairdarts": FairDarts,
    "gdas": Gdas,
    "ofa": Ofa,
    "pcdarts": PartialChannelDarts,
    "pdarts": ProgressiveDarts,
    "proxylessnas": ProxylessNas,
    "snas": Snas,
    "spos": Spos,
}
"""By the name that settings and command lines say."""


def method_of(name: str, settings: dict[str, object]) -> Method:
    """A fresh method; `TrainableError` for an unknown name, and for a setting that it does not take."""
    check_name("method", name, tuple(METHODS))
    check_settings(f"the method {name}", METHODS[name], settings)
    return METHODS[name](**settings)
