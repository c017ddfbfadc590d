"""Retraining: the best architectures of a search are trained from scratch, and compared with their search scores.

    retrain.py      retrain: the public function
    options.py      RetrainingOptions: the arguments of retrain
    plan.py         the architectures to train, the settings and the folder
    judging.py      the metric, and whether more of it is better
    origin.py       the trainable of a run's architectures
    full_recipe.py  the settings that a search leaves out to be quick
    candidates.py   the chosen architectures, and random ones of the same cost
    trainable.py    the trainable of a retraining's trials, which wraps that of the run
    retrained.py    Retrained: reads a retraining
    honesty.py      the report
    agreement.py    its statistics

A retraining is a run: its ledger is in `<run>/retrain`, its trials are pairs of architecture and repeat.
"""

from __future__ import annotations

from nas_tune.winners.retrain.honesty import Honesty
from nas_tune.winners.retrain.retrain import carry_out, retrain
from nas_tune.winners.retrain.retrained import Retrained

__all__ = ["Honesty", "Retrained", "carry_out", "retrain"]
