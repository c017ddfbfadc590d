"""Neural architecture search on Optuna and Ray Tune: Optuna proposes, Ray Tune executes, a ledger remembers.

    import nas_tune

    run = nas_tune.search(space="nb201", trainable="image_classifier", max_trials=24, workers=2)
    run.best(5)

Importing this is cheap: the engines are loaded when a search starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.lazy_names import lazy_names

if TYPE_CHECKING:
    from nas_tune import spaces
    from nas_tune.analysis import compare, explain
    from nas_tune.api import open_run, resume, search
    from nas_tune.benchmarks.ranking import Ranking, ranking
    from nas_tune.config import SearchConfig
    from nas_tune.reports import report
    from nas_tune.results import Run
    from nas_tune.session.evaluation import evaluate, trained
    from nas_tune.winners.compress import Compression, compress
    from nas_tune.winners.export import export
    from nas_tune.winners.measure import measure
    from nas_tune.winners.predict import Predictor, load
    from nas_tune.winners.retrain.retrain import retrain
    from nas_tune.winners.retrain.retrained import Retrained
    from nas_tune.winners.specialize import specialize
    from trainables.hardware.cost_predictor import CostPredictor, fit_predictor
    from trainables.hardware.seeds import choose_seeds

from nas_tune.errors import NasTuneError

__all__ = [
    "Compression",
    "CostPredictor",
    "NasTuneError",
    "Predictor",
    "Ranking",
    "Retrained",
    "Run",
    "SearchConfig",
    "choose_seeds",
    "compare",
    "compress",
    "evaluate",
    "explain",
    "export",
    "fit_predictor",
    "load",
    "measure",
    "open_run",
    "ranking",
    "report",
    "resume",
    "retrain",
    "search",
    "spaces",
    "specialize",
    "trained",
]

_HOME = {
    "Compression": "nas_tune.winners.compress",
    "CostPredictor": "trainables.hardware.cost_predictor",
    "Predictor": "nas_tune.winners.predict",
    "Ranking": "nas_tune.benchmarks.ranking",
    "Retrained": "nas_tune.winners.retrain",
    "Run": "nas_tune.results",
    "SearchConfig": "nas_tune.config",
    "choose_seeds": "trainables.hardware.seeds",
    "compare": "nas_tune.analysis",
    "compress": "nas_tune.winners.compress",
    "evaluate": "nas_tune.session.evaluation",
    "explain": "nas_tune.analysis",
    "export": "nas_tune.winners.export",
    "fit_predictor": "trainables.hardware.cost_predictor",
    "load": "nas_tune.winners.predict",
    "measure": "nas_tune.winners.measure",
    "open_run": "nas_tune.api",
    "ranking": "nas_tune.benchmarks.ranking",
    "report": "nas_tune.reports",
    "resume": "nas_tune.api",
    "retrain": "nas_tune.winners.retrain",
    "search": "nas_tune.api",
    "spaces": "nas_tune.spaces:",
    "specialize": "nas_tune.winners.specialize",
    "trained": "nas_tune.session.evaluation",
}

__getattr__ = lazy_names(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
