"""`nas_tune.ranking`: how well the shared weights of trained supernets order architectures, beside what costs less.

    found = nas_tune.ranking(["spos0", "spos1"], "nb201_cifar10.parquet", architecture="arch_str", truth="c10_test_200")
    found.measures

A supernet is there to put architectures in order without training them. It is judged by the true values of a sample of
architectures: from a table, or from trainings that are done here and kept. Beside it stand, on the same sample, what
one has for nothing (parameters, multiply-accumulates, zero-cost proxies) and what costs more (a short training). The
measures are those of `nas_tune.benchmarks.ranking.measures`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nas_tune.benchmarks.ranking.checks import check_arguments, check_sample, check_truth
from nas_tune.benchmarks.ranking.measures import FEWEST, Measured, Measures, mean_of
from nas_tune.benchmarks.ranking.scoring import (
    PROXY_NAMES,
    Progress,
    Score,
    counted,
    is_maximized,
    proxy_scores,
    shared_scores,
)
from nas_tune.benchmarks.ranking.supernets import found_in
from nas_tune.benchmarks.ranking.trainings import Trainings, sample_of, trained_scores
from nas_tune.benchmarks.ranking.truths import Sample, TruthTable, drawn
from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import Mode
from nas_tune.results import Run
from search_spaces import Architecture
from trainables.supernet.estimator import Scorer

__all__ = ["MEAN", "Ranking", "ranking"]

MEAN = "mean"
"""The supernet of the rows that hold means over several."""
_COUNTED = "parameters"
"""The score that a supernet has to beat."""


@dataclass(frozen=True)
class Ranking:
    """How well scores order architectures.

    Attributes:
        measures: a row for each score of each supernet, for the mean of several supernets, and for each other score.
            Its columns: `score`; `supernet`, missing for scores that need none; `architectures`, the number of them;
            `tau`, `equal_size_tau`, `top_..` and `regret`, each with the ends `.._low` and `.._high` of its interval of
            95 %; and `seconds` of CPU time for the scores of all architectures, without the training of a supernet.
        scores: a row for each architecture: `architecture` (JSON), `architecture_id`, `truth` and every score.
        notes: sentences for a reader: what the sample and the true values are, and whether shared weights do better
            than the number of parameters.
    """

    measures: pd.DataFrame
    scores: pd.DataFrame
    notes: tuple[str, ...]


def ranking(
    supernets: Run | str | os.PathLike[str] | Sequence[Run | str | os.PathLike[str]],
    table: str | os.PathLike[str] | None = None,
    *,
    architecture: str | None = None,
    truth: str | None = None,
    beside: Sequence[str] = (),
    mode: Mode | None = None,
    train: int | None = None,
    epochs: int | None = None,
    training: Mapping[str, object] | None = None,
    keep: str | os.PathLike[str] = "ranking-trainings",
    trial: int | None = None,
    count: int = 1000,
    seed: int = 0,
    proxies: Sequence[str] = PROXY_NAMES,
    size: str = "parameters",
    band: float = 0.01,
    top: int = 10,
    resamples: int = 500,
    images: int | None = 500,
    calibration: int = 256,
    refit_head: bool | None = None,
    allow_code: bool = False,
    progress: Progress | None = None,
) -> Ranking:
    """Judge how well the shared weights of trained supernets order architectures.

    Args:
        supernets: one or several of: a run of a method of `trainables.supernet`, its folder, or the folder of a
            checkpoint that `DartsTrainable.save` wrote. They are of one space, such as those of several seeds.
        table: a Parquet or CSV file of trained architectures, or an ONNX surrogate, here or below `NAS_TUNE_TABLES`;
            "digits" is the table of the package.
        architecture: the column of architectures, in the notation of the space or as JSON; by default "architecture".
        truth: the column of true values.
        beside: columns to be judged as scores too, such as the accuracy after a few epochs.
        mode: whether more ("max") or less ("min") of the true value is better; by default as of the primary metric of
            the task.
        train: where there is no table, how many architectures to draw and to train. Their true values are those on the
            test examples, or on the validation examples where there are none for testing.
        epochs: of each training. With a table each architecture of the sample is trained for so long, and its value on
            the validation examples is one more score.
        training: settings of the trainings, as of the trainable `learner`; they replace those of the run and of the
            supernet's task.
        keep: the folder in which trainings are kept, so that a second call finds them.
        trial: the number of the trial of each run; by default every trial with a checkpoint.
        count: how many architectures of the table to draw, no two of them isomorphic.
        seed: of the sample, the bootstrap, the proxies and the trainings.
        proxies: zero-cost proxies to compute.
        size: "parameters" or "macs": what is nearly equal in `equal_size_tau`.
        band: by how much two sizes may differ to be nearly equal, as a share of the greater one.
        top: how many of the best by score have their true values averaged.
        resamples: draws of the bootstrap.
        images: validation examples that score; None for all.
        calibration: training examples to which normalisations are fitted before an architecture is scored.
        refit_head: whether a head is fitted to these examples too, by ridge regression, for each architecture; by
            default as the search did.
        allow_code: import the code that a run from elsewhere, or a checkpoint, names.
        progress: wraps each loop over architectures, as progress bars do.

    Returns:
        The measures, the scores and notes.

    Raises:
        ForeignCodeError: a run comes from elsewhere and names code, or a checkpoint does.
        ConfigError: an argument cannot be, there is no supernet, or the table is of another space.
        CheckpointError: a checkpoint is damaged.
        TrainableError: a setting of the trainings cannot be.
        RunFolderError: a training cannot be kept.
    """
    check_arguments(
        table=table,
        columns={"architecture": architecture, "truth": truth, "beside": beside or None, "mode": mode},
        train=train,
        epochs=epochs,
        training=training,
        whole={"count": (count, FEWEST), "seed": (seed, 0), "top": (top, 1), "resamples": (resamples, 1)},
        examples={"images": (images, 1), "calibration": (calibration, 2)},
        band=band,
        size=size,
        proxies=proxies,
        allow_code=allow_code,
    )
    shown = _plain if progress is None else progress
    opened = None if table is None else TruthTable(os.fspath(table), architecture, truth, beside)
    found = found_in(_listed(supernets), trial, allow_code=allow_code)
    builder = found[0].builder
    learner = builder.learner(**{**found[0].training, **(training or {})})
    is_max = is_maximized(builder.task) if mode is None else mode == "max"
    trainings = Trainings(learner, keep, epochs=epochs or 0, seed=seed)
    if opened is not None and builder.space is not None:
        opened.check(builder.space)
    scorers = [Scorer(one.saved.search(one.builder), calibration, refit_head=refit_head) for one in found]
    space = scorers[0].supernet.space
    if opened is not None:
        sample = opened.sample(space, count, seed, is_max=is_max)
        check_sample(len(sample.architectures), top)
    else:
        members = drawn(space, train or 0, seed)
        check_sample(len(members), top)
        sample = sample_of(trainings, members, is_max=is_max, progress=shown)
    check_truth(sample.truth)
    sizes = counted(learner, sample.architectures, shown)
    zero_cost, refused = proxy_scores(learner, sample.architectures, proxies, seed, shown)
    in_table = [Score(name, values, is_max) for name, values in sample.beside.items()]
    by_training = trained_scores(trainings, sample, whole=opened is not None, is_max=is_max, progress=shown)
    shared: list[Score] = []
    for one, scorer in zip(found, scorers, strict=True):
        shared += shared_scores(scorer, one.label, sample.architectures, images, shown)
    of_size = next(one.values for one in sizes if one.name == size)
    measures = Measures(sample.truth, of_size, is_max=is_max, top=top, band=band, resamples=resamples, seed=seed)
    notes = [f"{name} is left out: {why}" for name, why in refused.items()]
    return _judged(sample, measures, shared, [*sizes, *zero_cost, *in_table, *by_training], notes)


def _listed(
    supernets: Run | str | os.PathLike[str] | Sequence[Run | str | os.PathLike[str]],
) -> list[Run | str | os.PathLike[str]]:
    given = [supernets] if isinstance(supernets, Run | str | os.PathLike) else list(supernets)
    if not given:
        raise ConfigError("supernets is empty; give at least one run or checkpoint of a supernet")
    return given


def _plain(architectures: Sequence[Architecture], what: str) -> Iterable[Architecture]:
    return architectures


def _judged(
    sample: Sample, measures: Measures, shared: Sequence[Score], others: Sequence[Score], notes: Sequence[str]
) -> Ranking:
    """Measure every score, and the mean over supernets where there are several."""
    rows: list[dict[str, object]] = []
    means: dict[str, Measured] = {}
    for name in dict.fromkeys(one.name for one in shared):
        of_name = [one for one in shared if one.name == name]
        measured = [measures.of(one.worth) for one in of_name]
        means[name] = mean_of(measured)
        rows += [_row(one, each, sample) for one, each in zip(of_name, measured, strict=True)]
        if len(of_name) > 1:
            seconds = float(np.mean([one.seconds for one in of_name]))
            rows.append(_row(Score(name, sample.truth, seconds=seconds, supernet=MEAN), means[name], sample))
    by_name = {one.name: measures.of(one.worth) for one in others}
    rows += [_row(one, by_name[one.name], sample) for one in others]
    frame = pd.DataFrame({"architecture": [one.to_json() for one in sample.architectures]})
    frame["architecture_id"] = [one.id for one in sample.architectures]
    frame["truth"] = sample.truth
    for one in (*others, *shared):
        frame[one.name if one.supernet is None else f"{one.name} {one.supernet}"] = one.values
    told = [*sample.notes, *notes, f"pairs of architectures of nearly equal size: {measures.near_pairs}"]
    told += [_verdict(name, mean, by_name[_COUNTED], measures) for name, mean in means.items()]
    return Ranking(pd.DataFrame(rows), frame, tuple(told))


def _row(score: Score, measured: Measured, sample: Sample) -> dict[str, object]:
    return {
        "score": score.name,
        "supernet": score.supernet,
        "architectures": len(sample.architectures),
        **measured.row(),
        "seconds": score.seconds,
    }


def _verdict(name: str, shared: Measured, counting: Measured, measures: Measures) -> str:
    """Say whether shared weights order better than counting does, as far as the intervals tell."""
    row = shared.less(counting).row()
    is_max = {"tau": True, "equal_size_tau": True, measures.top_name: measures.is_max}
    told = [f"{what} {_compared(row, what, is_max=more)}" for what, more in is_max.items()]
    return f"{name} against {_COUNTED}: {', '.join(told)}"


def _compared(row: Mapping[str, float], name: str, *, is_max: bool) -> str:
    difference, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    if math.isnan(difference):
        return "cannot be compared"
    word = "not told apart"
    if low > 0 or high < 0:
        word = "better" if (low > 0) == is_max else "worse"
    return f"{word} ({difference:+.3g}, from {low:+.3g} to {high:+.3g})"
