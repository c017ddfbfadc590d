"""Retraining: what a search found is trained from scratch, and compared with what the search said of it.

    retrain.py      retrain: the door
    plan.py         what will be trained, by which settings, in which folder
    judging.py      by which metric, and whether more of it is better
    origin.py       what trains the architectures of a run
    full_recipe.py  the settings that a search leaves out to be quick
    candidates.py   the chosen architectures, and random ones of the same cost
    trainable.py    the trainable of a retraining's trials, around that of the run
    retrained.py    Retrained: the trainings, read again
    honesty.py      the report
    agreement.py    its statistics

A retraining is a run: its ledger lies in `<run>/retrain`, its trials are pairs of architecture and repeat.
"""

from __future__ import annotations

from nas_tune.winners.retrain.honesty import Honesty
from nas_tune.winners.retrain.retrain import carry_out, retrain
from nas_tune.winners.retrain.retrained import Retrained

__all__ = ["Honesty", "Retrained", "carry_out", "retrain"]
