"""The model card: what an exported network is, how it was found, its metrics, and which facts were not measured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nas_tune.objectives.objective import objectives_of
from nas_tune.winners.export.facts import Facts
from nas_tune.winners.export.head import yaml_head
from trainables.export import FORMATS, Exported
from trainables.export.naming import INPUT
from trainables.export.program import uses_torchvision
from trainables.export.standardized import described_inputs
from trainables.metrics import TEST, TRAINING, declaration_of

__all__ = ["CARD", "OLDER_CARD", "card", "docstring_lines", "heading"]

CARD = "README.md"
OLDER_CARD = "MODEL_CARD.md"
"""What the card was called before."""
_NOT_MEASURED = "not measured"
_COSTS = ("parameters", "macs", "model_bytes", "lr")


def docstring_lines(facts: Facts) -> list[str]:
    """Choose the facts for the docstring of `model.py`.

    Args:
        facts: of the network.

    Returns:
        Its lines.
    """
    lines = [
        f"From trial {facts.trial} of the run {facts.run}: {facts.origin}.",
        f"Architecture: {facts.written}",
    ]
    if facts.test:
        lines.append(f"Test split of {facts.deployed.data or 'its data'}: {_listed(facts.test)}")
    return lines


def heading(facts: Facts) -> str:
    """Write the beginning of the card, which names the network and the origin of its weights.

    Args:
        facts: of the network.

    Returns:
        Markdown.
    """
    return f"# {facts.deployed.space}, trial {facts.trial} of {facts.run}\n\nWeights: {facts.origin}."


def card(facts: Facts, results: Sequence[Exported]) -> str:
    """Write the whole card.

    Args:
        facts: of the network.
        results: of the export, by format.

    Returns:
        Markdown, after a head in YAML.
    """
    sections = [
        [yaml_head(facts, {one.format: bool(one.files) for one in results}), "", heading(facts)],
        ["## Architecture", "", *_table(_architecture(facts)), "", "```", facts.written.replace("```", "'''"), "```"],
        ["## How it was found", "", *_table(_search(facts))],
        ["## Data", "", *_table(_data(facts))],
        ["## Metrics", "", *_metrics(facts)],
        ["## Files", "", *_files(results), "", *_inputs(facts, results), *_loading(facts, results)],
        ["## Hardware and versions", "", *_table(_hardware(facts))],
        ["## Limits", "", *(f"- {line}" for line in _limits(facts))],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _architecture(facts: Facts) -> Iterator[tuple[str, str]]:
    yield "space", facts.deployed.space
    yield "canonical id", facts.identifier
    if facts.deployed.settings is not None:
        yield "settings of its builder", json.dumps(dict(facts.deployed.settings))
    for name, inputs in facts.deployed.named.items():
        dtype = str(inputs.dtype).removeprefix("torch.")
        title = name if name == INPUT else f"input {name}"
        yield title, f"({', '.join(['batch', *map(str, inputs.shape[1:])])}), {dtype}"
    yield "parameters", f"{facts.cost.parameters:,}" if facts.cost else _NOT_MEASURED
    if facts.supernet_parameters is not None:
        yield "parameters of the supernet in which it was found", f"{facts.supernet_parameters:,}"
    yield "multiply-accumulates of one example", f"{facts.cost.macs:,}" if facts.cost else _NOT_MEASURED
    yield "bytes of parameters and buffers", f"{facts.cost.model_bytes:,}" if facts.cost else _NOT_MEASURED


def _search(facts: Facts) -> Iterator[tuple[str, str]]:
    config = facts.config
    yield "strategy", _component(config["strategy"])
    yield "scheduler", _component(config["scheduler"])
    of = ", on the validation split" if facts.is_learner and not facts.retrained else ", as the trials reported it"
    yield "optimized", ", ".join(f"{name} ({mode})" for name, mode in _optimized(config).items()) + of
    for line in facts.limits:
        yield "limit", line
    yield "budget", _budget(config)
    counts = ", ".join(f"{count} {state}" for state, count in facts.counts.items() if count)
    yield "spent", f"{counts} trials; {facts.all_epochs} epochs; {facts.all_seconds:,.0f} s of training"
    yield "seed of the search", str(config["seed"])
    yield "seed of this training", str(facts.seed)
    of_all = f" of all {facts.trainings} trainings of the trial" if facts.several else ""
    yield "this training", f"{facts.state}, {facts.epochs} epochs, {facts.seconds:,.1f} s{of_all}"
    yield "trainable of the search", _component(config["trainable"])
    if facts.retrained:
        settings = {key: value for key, value in facts.recipe.items() if key not in ("of", "name")}
        yield "trainable of this training", _component({"name": facts.recipe["of"], **settings})


def _data(facts: Facts) -> Iterator[tuple[str, str]]:
    deployed = facts.deployed
    yield "data set", deployed.data or "not told"
    for name, count in deployed.splits.items():
        yield f"{name} examples", f"{count:,}"
    if deployed.classes:
        yield "classes", ", ".join(deployed.classes[:20]) + (", .." if len(deployed.classes) > 20 else "")
    if deployed.mean:
        rounded = [", ".join(f"{one:.6g}" for one in values) for values in (deployed.mean, deployed.std)]
        yield "normalisation", f"(raw - mean) / std, mean {rounded[0]}, std {rounded[1]}"
    if deployed.output_mean:
        rounded = [", ".join(f"{one:.6g}" for one in values) for values in (deployed.output_mean, deployed.output_std)]
        yield "outputs", f"in the units of the targets; in training mean {rounded[0]}, std {rounded[1]}"


def _metrics(facts: Facts) -> Iterator[str]:
    yield "| split | metric | value | spread over seeds | 95 % interval over examples |"
    yield "|---|---|---|---|---|"
    for name, value in facts.reported.items():
        if name not in _COSTS and not name.startswith(TEST):
            row = f"| {_split(facts, name)} | {_cell(name)} | {_measured(facts, name, value)}"
            yield f"{row} | {_over_seeds(facts, name)} | {_NOT_MEASURED} |"
    if facts.test is None:
        yield f"| test | all | {_NOT_MEASURED}: {_cell(facts.test_problem)} | {_NOT_MEASURED} | {_NOT_MEASURED} |"
    for name, value in (facts.test or {}).items():
        interval = _NOT_MEASURED
        if name in facts.spread:
            low, high, count = facts.spread[name]
            interval = f"{low:.4f} to {high:.4f} (Wilson, {count:,} examples)"
        row = f"| test | {_cell(name)} | {_measured(facts, name, value)}"
        yield f"{row} | {_over_seeds(facts, TEST + name)} | {interval} |"
    yield ""
    yield " ".join(_behind(facts))


def _measured(facts: Facts, name: str, value: float) -> str:
    """The value of a metric with its unit, if one is declared."""
    found = declaration_of(name, facts.declared)
    return f"{value:.4f} {_cell(found.unit)}" if found is not None and found.unit else f"{value:.4f}"


def _split(facts: Facts, name: str) -> str:
    """The split of a reported metric, where it is known."""
    if declaration_of(name, facts.metrics) is None:
        return "as reported"
    return "training" if name.startswith(TRAINING) else "validation"


def _over_seeds(facts: Facts, name: str) -> str:
    if name not in facts.seeds:
        return _NOT_MEASURED
    mean, deviation, count = facts.seeds[name]
    return f"{mean:.4f} +- {deviation:.4f} ({facts.several or f'{count} seeds'})"


def _behind(facts: Facts) -> Iterator[str]:
    """The trainings and the data behind the metrics, as far as the ledger has them."""
    if facts.retrained:
        yield "The network was trained from scratch after the search."
        yield from _trained_on(facts)
        if facts.trainings > 1:
            yield f"Of {facts.trainings} seeds these are the weights of the first, whatever the results of the others."
    if facts.several:
        yield (
            f"The trial trained the architecture {facts.trainings} times ({facts.several}); these are the weights of "
            "the training with the best value of what was optimized, and its values. The spread is that of all."
        )
    if facts.trainings == 1:
        yield "One training with one seed stands behind these numbers, so a spread over seeds is not measured."
    if not facts.retrained and facts.valued > 1:
        chose = " and ".join(_cell(name) for name in _optimized(facts.config))
        yield f"The search compared {facts.valued} trials by {chose}: the value of the best of them is too good."
    if facts.is_learner and facts.searched_without_test:
        yield "No training saw the test split, and it chose neither the architecture nor these weights."
    elif facts.test is not None:
        yield "Whether a training or the search saw the test split is not recorded."


def _trained_on(facts: Facts) -> Iterator[str]:
    whole = bool(facts.recipe.get("whole"))
    if facts.is_learner:
        what = facts.examples
        parts = f"the training and the validation {what} together" if whole else f"the training {what} alone"
        yield f"It learned from {parts}."
    elif whole:
        yield "Its trainable was set to train on all of the data but the test split (whole = true)."
    else:
        yield "Its trainable chose the part of the data, and that choice is not recorded."


def _files(results: Sequence[Exported]) -> Iterator[str]:
    yield "| format | files | inputs | bytes | greatest difference from the network | tolerance |"
    yield "|---|---|---|---|---|---|"
    for one in results:
        names = ", ".join(file.name for file in one.files) or f"none: {_cell(one.problem)}"
        difference = _NOT_MEASURED if one.difference is None else f"{one.difference:.2g}"
        inputs = one.inputs or "as the network's"
        yield f"| {one.format} | {names} | {inputs} | {one.bytes:,} | {difference} | {one.tolerance:g} |"
    yield ""
    yield (
        "A format with a difference was loaded in a fresh interpreter and compared with the network on random "
        "batches of 1"
    )
    yield "and of 5; the tolerance is a part of the greatest output, or ten times what the network itself is off by"
    yield "rounding to float32, if that is more. Files of other formats in this folder, if there are any, are from an"
    yield "earlier export of the same weights."
    for one in results:
        if one.problem and one.difference is not None:
            yield f"The format {one.format} was {_cell(one.problem)}."


def _inputs(facts: Facts, results: Sequence[Exported]) -> Iterator[str]:
    """The inputs that the files take."""
    for kind in sorted({one.inputs for one in results if one.files and one.inputs}):
        names = ", ".join(one.format for one in results if one.files and one.inputs == kind)
        yield f"- {names}: {described_inputs(facts.deployed, raw=kind == 'raw')}."
    if facts.deployed.changes:
        yield "- The check in the fresh interpreter gave each file what it takes. ONNX and pt2 files say it themselves,"
        classes = "the classes, " if facts.deployed.classes else ""
        scale = "the mean and the deviation" if facts.deployed.standardizes else "what the inputs and outputs mean"
        yield f"  with {classes}{scale} (pt2: in `metadata.json`)."
        yield ""


def _loading(facts: Facts, results: Sequence[Exported]) -> Iterator[str]:
    yield "In this folder:"
    yield ""
    if facts.deployed.task and any(one.files for one in results):
        yield "    nas-tune predict . DATA --out predictions.csv                             # needs nas_tune"
    for one in results:
        if one.files and not one.problem and (shows := FORMATS.get(one.format).shows):
            yield f"    {shows}"
    needing = [file.name for one in results for file in one.files if file.is_file() and uses_torchvision(file)]
    if needing:
        yield ""
        yield f"{' and '.join(needing)}: install torchvision too, and import it before `torch.export.load`, which needs"
        yield "its operations."
    if any(one.format == "pt2" and one.files for one in results):
        yield ""
        yield "`torch.export.load` may fall back to pickle, which runs what a file says: load your own only."


def _hardware(facts: Facts) -> Iterator[tuple[str, str]]:
    yield (
        "trained on",
        f"{', '.join(facts.nodes)} (host; its processors are not recorded)" if facts.nodes else "not recorded",
    )
    yield "trained with", _listed(facts.trained_with)
    yield "exported on", facts.exported_on
    yield "exported with", _listed(facts.exported_with)


def _limits(facts: Facts) -> Iterator[str]:
    yield f"Made for {facts.deployed.data or 'its training data'}; what it does with anything else is not measured."
    if facts.trainings == 1:
        yield "Spread over seeds is not measured: it was trained once."
    yield "Latency and memory in use are not measured."
    yield "Calibration, robustness to noise or attack, and fairness between groups are not measured."
    if facts.state != "complete":
        yield f"The trial is {facts.state}: it was trained for {facts.epochs} of {facts.config['max_epochs']} epochs."


def _table(rows: Iterator[tuple[str, str]]) -> Iterator[str]:
    yield "| | |"
    yield "|---|---|"
    for name, value in rows:
        yield f"| {name} | {_cell(value)} |"


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def _component(value: Mapping[str, Any] | str) -> str:
    if isinstance(value, str):
        return value
    settings = ", ".join(f"{key} = {item}" for key, item in value.items() if key != "name")
    return f"{value['name']} ({settings})" if settings else str(value["name"])


def _optimized(config: Mapping[str, Any]) -> dict[str, str]:
    """Each metric of a configuration with its mode."""
    return {one.metric: one.mode for one in objectives_of(config["metric"], config["mode"])}


def _budget(config: Mapping[str, Any]) -> str:
    parts = [f"max_epochs {config['max_epochs']}"]
    for key in ("max_seconds", "max_trials"):
        if config[key] is not None:
            parts.insert(0, f"{key} {config[key]}")
    return ", ".join([*parts, *(["forever"] if config["forever"] else [])])


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.4f}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )
