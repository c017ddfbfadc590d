"""The conformance suite of tasks: what every task promises to training, search and export. For your own task too.

    from trainables.testing import check_task

    def test_my_task(tmp_path) -> None:
        check_task(MyTask, my_space, tmp_path, settings={"data": "small.npz", "batch_size": 8}, bad={"data": "nan.npz"})

The networks of the space are those of `trainables.networks` by the name of the space, so an own builder is registered
before. A few dozen examples are enough. `AssertionError` names the promise that is broken. It imports neither Ray nor
Optuna, and writes below the folder that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from search_spaces import Space
from trainables.costs.zero_cost import PROXIES
from trainables.errors import DataError, TrainableError
from trainables.export import export_network
from trainables.export.deployed import check_deployed
from trainables.tasks.learner import Learner
from trainables.tasks.registry import make_task
from trainables.training.batches import Batch, called, length

__all__ = [
    "begun",
    "check_bad_data",
    "check_checkpoints",
    "check_costs",
    "check_data",
    "check_deployment",
    "check_exports",
    "check_reports",
    "check_settings",
    "check_task",
]

_SPLITS = ("train", "validation", "test")
_IN_EVERY_REPORT = {"train_loss", "lr", "parameters", "macs", "model_bytes"}


def check_task(
    task: Any,
    space: Space,
    folder: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    bad: Mapping[str, Any] | None = None,
    formats: Sequence[str] = ("safetensors",),
) -> None:
    """Check every promise of a task.

    Args:
        task: its class, its name or "module:attribute".
        space: a space whose networks learn the task.
        folder: an empty one, for checkpoints and exported files.
        settings: of the task and of the learner, such as `batch_size`, with data that the task learns from.
        bad: settings with data that the task refuses; None to leave that out.
        formats: what a network is exported to; each takes seconds.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    settings = {"device": "cpu", **(settings or {})}
    check_settings(task)
    if bad is not None:
        check_bad_data(task, space, {**settings, **bad})
    check_data(task, space, settings)
    check_costs(task, space, settings)
    check_reports(task, space, settings)
    check_checkpoints(task, space, settings, folder)
    check_deployment(task, space, settings)
    if formats:
        check_exports(task, space, settings, folder / "files", formats)


def begun(task: Any, space: Space, settings: Mapping[str, Any], epochs: int = 2) -> Learner:
    """Set up the training of one network.

    Args:
        task: the task, or what names it.
        space: of the network.
        settings: of the task and of the learner.
        epochs: the length of the training.

    Returns:
        The learner, before its first epoch. Equal arguments give equal trainings.
    """
    learner = Learner(task=task, space=space, **settings)
    learner.setup(space.sample(0), seed=0, max_epochs=epochs)
    return learner


def check_settings(task: Any) -> None:
    """Check that a setting which the task does not take is refused by its name.

    Args:
        task: the task, or what names it.

    Raises:
        AssertionError: the promise is broken.
    """
    try:
        make_task(task, {"nonsense": 1})
    except TrainableError as error:
        _require("nonsense" in str(error), "an unknown setting is named", error)
    else:
        raise AssertionError("an unknown setting is refused: 'nonsense' was taken")


def check_bad_data(task: Any, space: Space, settings: Mapping[str, Any]) -> None:
    """Check that bad data are refused before a training, with a remedy.

    Args:
        task: the task, or what names it.
        space: of its networks.
        settings: with data that the task refuses.

    Raises:
        AssertionError: the promise is broken.
    """
    try:
        Learner(task=task, space=space, **settings).check()
    except DataError as error:
        _require(";" in str(error), "a message says the value and the rule, then `;` and the remedy", error)
    else:
        raise AssertionError("bad data are refused by `check`, before a training: they were taken")


def check_data(task: Any, space: Space, settings: Mapping[str, Any]) -> None:
    """Check that examples, random views, the order of an epoch and the identity follow from their arguments alone.

    Args:
        task: the task, or what names it.
        space: of its networks.
        settings: of the task and of the learner.

    Raises:
        AssertionError: a promise is broken.
    """
    made, again = (Learner(task=task, space=space, **settings).task for _ in range(2))
    data = made.load(torch.device("cpu"))
    inputs, targets = data.train.rows(torch.tensor([3, 0]))
    _require(length(inputs) == length(targets) == 2, "`rows` has an example for each index", inputs)
    alone, _ = data.train.rows(torch.tensor([0]))
    _require_equal(_rows(inputs, 1), alone, "an example is the same whatever is read beside it")
    _require(length(data.example()) == 1, "`example` is one example", data.example())
    for draw in ("augment", "order"):
        first, second = (_drawn(made, draw, data) for _ in range(2))
        _require_equal(first, second, f"`{draw}` draws from the generator alone: the same state gives the same")
    order = made.order(data, torch.Generator().manual_seed(0))
    inside = order.dim() == 1 and 0 <= int(order.min()) <= int(order.max()) < len(data.train)
    _require(inside, "`order` holds indices of training examples", order)
    _require(made.identity() == again.identity(), "equal settings have one identity", made.identity())
    _require(made.checksum() == again.checksum(), "equal data have one checksum", made.checksum())


def check_costs(task: Any, space: Space, settings: Mapping[str, Any]) -> None:
    """Check that costs and zero-cost proxies need no training, or are refused with what else there is.

    Args:
        task: the task, or what names it.
        space: of its networks.
        settings: of the task and of the learner.

    Raises:
        AssertionError: a promise is broken.
    """
    learner, member = Learner(task=task, space=space, **settings), space.sample(0)
    cost = learner.cost(member)
    _require(cost.parameters > 0 and cost.macs > 0, "a network has parameters and multiply-accumulates", cost)
    for name in ("parameters", "macs"):
        found = learner.zero_cost(member, name, seed=0)
        _require(found == getattr(cost, name), f"the proxy {name} is the cost", found)
    for proxy in PROXIES:
        try:
            found = learner.zero_cost(member, proxy, seed=0)
        except TrainableError as error:
            _require("'macs'" in str(error), "a proxy that cannot be computed names those that can", error)
        else:
            _require(found < float("inf"), "a proxy is a number", (proxy, found))


def check_reports(task: Any, space: Space, settings: Mapping[str, Any]) -> None:
    """Check that an epoch reports the metrics that the task declares, in their bounds, and every part is evaluated.

    Args:
        task: the task, or what names it.
        space: of its networks.
        settings: of the task and of the learner.

    Raises:
        AssertionError: a promise is broken.
    """
    learner = begun(task, space, settings)
    metrics = {metric.name: metric for metric in learner.task.metrics}
    primary = learner.task.primary
    _require(len(metrics) == len(learner.task.metrics), "every metric has a name of its own", list(metrics))
    _require(primary in metrics, "the primary metric is declared", primary)
    report = learner.step()
    usual = [name for name, metric in metrics.items() if not metric.on_request]
    _require(list(report)[: len(usual)] == usual, "a report begins with the declared metrics", list(report))
    missing = {*_IN_EVERY_REPORT, f"train_{primary}"} - set(report)
    _require(not missing, "a report has the loss and the primary metric of training, and the costs", missing)
    for split in _SPLITS:
        found = learner.evaluate(split)
        _require(list(found) == list(metrics), f"all metrics are evaluated on {split}", list(found))
        for name, value in found.items():
            inside = metrics[name].low <= value <= metrics[name].high
            _require(inside and metrics[name].mode in ("max", "min"), f"{name} is in its interval", value)


def check_checkpoints(task: Any, space: Space, settings: Mapping[str, Any], folder: Path) -> None:
    """Check that a training which continues from a checkpoint is one that was never stopped, to the last bit.

    Args:
        task: the task, or what names it.
        space: of its networks.
        settings: of the task and of the learner, with `device="cpu"`.
        folder: for the checkpoint.

    Raises:
        AssertionError: the promise is broken.
    """
    whole, first, second = (begun(task, space, settings) for _ in range(3))
    expected = [whole.step(), whole.step()]
    found = first.step()
    _require(found == expected[0], "a training follows from its seed", (found, expected[0]))
    place = folder / "checkpoint"
    place.mkdir(parents=True)
    first.save(place)
    second.load(place)
    found = second.step()
    _require(found == expected[1], "a training continues as if it had not stopped", (found, expected[1]))
    weights = zip(whole.network.parameters(), second.network.parameters(), strict=True)
    _require(all(torch.equal(*pair) for pair in weights), "and has the same weights", "other weights")


def check_deployment(task: Any, space: Space, settings: Mapping[str, Any]) -> None:
    """Check what leaves with a network: its splits, its preparation of raw inputs, and answers for people.

    Args:
        task: the task, or what names it.
        space: of its networks.
        settings: of the task and of the learner.

    Raises:
        AssertionError: a promise is broken.
    """
    learner = begun(task, space, settings)
    learner.step()
    deployed = check_deployed(learner.deployed(), learner)
    sizes = deployed.splits
    _require(sizes["train"] > 0 and sizes["test"] > 0, "there is something to train on and to test on", sizes)
    if deployed.prepare is not None:
        _require_equal(deployed.prepare(deployed.raw), deployed.inputs, "prepared raw inputs are the network's inputs")
    with torch.no_grad():
        answers = learner.task.decode(called(deployed.network, deployed.inputs), learner.data)
    _require(len(answers) == length(deployed.inputs), "`decode` has an answer for each example", answers)


def check_exports(
    task: Any, space: Space, settings: Mapping[str, Any], folder: Path, formats: Sequence[str] = ("safetensors",)
) -> None:
    """Check that exported files compute what the network computes, each loaded in a fresh interpreter.

    Args:
        task: the task, or what names it.
        space: of its networks.
        settings: of the task and of the learner.
        folder: to write.
        formats: of `trainables.export.FORMATS`.

    Raises:
        AssertionError: a file cannot be written, or computes something else.
    """
    learner = begun(task, space, settings)
    learner.step()
    for made in export_network(learner.deployed(), folder, formats):
        _require(not made.problem, f"a network is exported as {made.format}", made.problem)


def _drawn(task: Any, draw: str, data: Any) -> Batch:
    generator = torch.Generator().manual_seed(0)
    if draw == "order":
        found: Batch = task.order(data, generator)
        return found
    inputs, targets = data.train.rows(torch.tensor([3, 0]))
    changed: Batch = task.augment(inputs, targets, data, generator)[0]
    return changed


def _rows(batch: Batch, start: int) -> Batch:
    if isinstance(batch, torch.Tensor):
        return batch[start:]
    if isinstance(batch, dict):
        return {name: _rows(one, start) for name, one in batch.items()}
    return tuple(_rows(one, start) for one in batch)


def _require_equal(one: Batch, other: Batch, promise: str) -> None:
    try:
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
    except AssertionError as error:
        raise AssertionError(f"{promise}: broken by {error}") from error


def _require(holds: bool, promise: str, about: object) -> None:
    if not holds:
        raise AssertionError(f"{promise}: broken by {about!r}")
