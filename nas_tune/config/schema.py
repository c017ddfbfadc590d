"""Every key of a configuration: its type, its default and what it decides.

`SearchConfig` is immutable and equal by value; `from_toml(to_toml())` and `from_json(to_json())` return an equal one.
Whether a named space, trainable or strategy exists and takes its settings is not checked here, but where it is made.
Relative paths are relative to the current directory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)

from nas_tune.config.component import Component
from nas_tune.config.conflicts import conflicts, misspelt_metrics
from nas_tune.config.names import default_run_name
from nas_tune.config.own_data import with_kept_data
from nas_tune.config.own_objects import with_named_objects
from nas_tune.config.problems import ConfigProblems, Expected, field_problems, shown
from nas_tune.config.self_search import searches, self_search
from nas_tune.config.task import is_learner, with_defaults_of_task, with_task
from nas_tune.config.text import parse_toml, toml_text
from nas_tune.config.value_types import (
    DeviceTable,
    Folder,
    Folders,
    LimitTable,
    MetricNames,
    Modes,
    Reference,
    Registered,
    RunName,
    Seconds,
    Text,
    TrialCount,
    Workers,
)
from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import Objective, mode_left_out, objectives_of
from trainables.hardware.device import Device
from trainables.metrics import ACCURACY
from trainables.supernet.methods import METHODS

__all__ = ["Decides", "Key", "Resources", "SearchConfig"]

_BATCH = 8
_RULES = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


Decides = Literal["result", "length", "limits", "trials", "care", "folder"]


@dataclass(frozen=True)
class Key:
    """What a key of the configuration decides, as the field's annotation says it.

    Attributes:
        decides: "result": what a search finds, so that no resume may change it. "length": how long it searches.
            "limits": what its result must keep.
            "trials": where trials run, and how many at a time. "care": what is retried and kept. "folder": where the
            run lies.
        leads_out: whether the value leads out of this machine or out of the run's folder.
    """

    decides: Decides
    leads_out: bool = False


class Resources(BaseModel):
    """What one trial gets. Fractions share a device: gpus = 0.25 runs four trials on each GPU.

    With `devices` above 1, this number of processes trains one architecture together, each on a device of its own,
    which gets `cpus` and `gpus`: one whole GPU, or none.
    """

    model_config = _RULES

    cpus: Annotated[float, Field(gt=0), Expected("a number above 0, fractions allowed")] = 1.0
    gpus: Annotated[float, Field(ge=0), Expected("a number, 0 or more, fractions allowed")] = 0.0
    devices: Annotated[int, Field(ge=1), Expected("a whole number, at least 1")] = 1


class SearchConfig(BaseModel):
    """The checked configuration of a search. The text below each field describes its key.

    Args:
        values: the keys; `estimator` is another name of `trainable`. `task` is a name or a table with a name and
            settings; it becomes settings of the trainable `learner` (see `nas_tune.config.task`). So do settings of the
            task beside it, such as `data`.

    Raises:
        ConfigProblems: (a `ConfigError`) one line for each key, and each combination of keys, that breaks a rule.
    """

    model_config = _RULES

    name: Annotated[RunName, Key("folder")] = None
    """The name of the run. By default it is made of the space and the strategy, such as nb201-auto."""
    run_dir: Annotated[Folder, Key("folder")] = None
    """The folder of the run. By default `runs/<name>` below the current directory."""

    space: Annotated[Reference, Expected("the name of a space, or 'module:attribute'"), Key("result")]
    """The search space: a name (`nas-tune spaces`), or "module:attribute"."""
    trainable: Annotated[Reference, Expected("the name of a trainable, or 'module:attribute'"), Key("result")] = (
        Component("image_classifier")
    )
    """What evaluates an architecture. By default image_classifier; with a task the learner of that task. One that
    trains nothing, such as "shared", may be called `estimator`."""
    strategy: Annotated[Registered, Expected("the name of a strategy"), Key("result")] = Component("auto")
    """What proposes architectures (`nas-tune strategies`). A method of `trainables.supernet` (`darts`, `spos`, ..) is
    one too; its trials are whole searches, and the defaults of scheduler and metric are then "none" and
    "discrete_accuracy"."""
    initial: Annotated[Registered | None, Expected("the name of an initial design"), Key("result")] = None
    """What is tried before the strategy proposes, such as "zero_cost". What is enqueued comes first."""
    scheduler: Annotated[Registered, Expected("the name of a scheduler"), Key("result")] = Component("asha")
    """What stops weak trials early (`nas-tune strategies`); "none" trains each to the end."""

    metric: Annotated[MetricNames, Key("result")] = ACCURACY.name
    """The metric of each epoch that is optimized, or a list of several. With several the result is a Pareto front. The
    default is accuracy; in a search with a task it is the task's primary metric."""
    mode: Annotated[Modes, Key("result")]
    """Whether more ("max") or less ("min") of the metric is better. May be left out for accuracy and the metrics of a
    task. Several metrics have one mode each, or one for all."""

    limits: Annotated[LimitTable, Key("limits")] = None
    """Bounds on what a network costs, and on reported metrics. With `{ parameters = "100k", recall = ">= 0.8" }` a
    larger network is refused before it is trained, because its size is known before, and a trial with less recall ranks
    behind all others. A resume may change the limits."""

    audit: Annotated[float, Field(ge=0, le=1), Expected("a share from 0 to 1"), Key("limits")] = 0.02
    """The share of architectures that are measured although a prediction refuses them. The summary tells how many of
    these a limit allows."""

    max_trials: Annotated[TrialCount, Key("length")] = None
    """The number of trials of the whole run, resumed sessions included."""
    max_seconds: Annotated[Seconds, Key("length")] = None
    """Seconds of the whole run, resumed sessions included."""
    forever: Annotated[bool, Expected("true or false"), Key("length")] = False
    """Search until stopped, without a budget."""
    max_epochs: Annotated[int, Field(ge=1), Expected("a whole number, at least 1"), Key("result")] = 9
    """Epochs of a full training."""

    workers: Annotated[Workers, Key("trials")] = 1
    """The number of trials at the same time; -1 runs as many as the resources hold. A search with one worker, or with
    `deterministic`, is repeatable."""
    deterministic: Annotated[bool, Expected("true or false"), Key("result")] = False
    """Find the same with any number of workers. Trials are proposed in batches, each after the end of the last one."""
    batch: Annotated[TrialCount, Key("result")] = None
    """The number of trials of a batch, with `deterministic` only. The default is 8."""
    executor: Annotated[
        Literal["ray", "inline", "simulated"],
        Expected("one of 'ray', 'inline', 'simulated'", ("ray", "inline", "simulated")),
        Key("trials"),
    ] = "ray"
    """Where trials run: "ray" (worker processes), "inline" (this process) or "simulated". "ray" works here or on a
    cluster; "inline" runs one trial at a time; "simulated" runs this process in virtual time, for trainables that
    report what an epoch would have cost (tables)."""
    address: Annotated[Text | None, Expected("the address of a Ray cluster"), Key("trials", leads_out=True)] = None
    """A running Ray cluster: "auto", "host:port" or "ray://host:port". By default one is started here."""
    resources: Annotated[Resources, Expected("a table with cpus, gpus and devices"), Key("trials")] = Resources()
    """The processors and GPUs of each trial; fractions share a device."""

    warm_start: Annotated[Folders, Key("result")] = ()
    """Other runs, whose trials the strategy knows from the start. Their values may be on another scale."""
    warm_start_trials: Annotated[int, Field(ge=0), Expected("a whole number, 0 or more"), Key("result")] = 5
    """The number of architectures from `warm_start` that are tried first."""

    device: Annotated[DeviceTable, Key("result", leads_out=True)] = None
    """The device on which latency and energy are measured. A table with `engine` ("onnxruntime", "torch", "compile",
    "cuda" or "command"), `threads`, `batch`, `precision`, and with "command" the program of yours that measures. By
    default onnxruntime on one thread of this machine."""

    seed: Annotated[int, Field(ge=0, lt=2**32), Expected("a whole number from 0 to 4294967295"), Key("result")] = 0
    """The seed of the proposals and of every trial."""
    max_retries: Annotated[int, Field(ge=0), Expected("a whole number, 0 or more"), Key("care")] = 3
    """The number of times that a trial goes on after its worker has died."""
    epoch_timeout: Annotated[Seconds, Key("care")] = None
    """Seconds that an epoch may take; then its trial ends as failed."""
    keep_checkpoints: Annotated[int, Field(ge=0), Expected("a whole number, 0 or more"), Key("care")] = 5
    """The number of best finished trials whose checkpoint is kept."""
    storage: Annotated[Folder, Key("care", leads_out=True)] = None
    """A second folder, to which the ledger is copied."""
    backup_seconds: Annotated[float, Field(gt=0), Expected("a number of seconds above 0"), Key("care")] = 60.0
    """Seconds between two copies of the ledger."""

    def __init__(self, /, **values: Any) -> None:
        if "estimator" in values and "trainable" not in values:
            values = {"trainable" if key == "estimator" else key: value for key, value in values.items()}
        # The trial is a whole search that must not be stopped, and its metric is that of what it finds.
        strategy = _name_of(values.get("strategy"))
        values = with_named_objects(with_kept_data(values))
        values = with_task(values, type(self).model_fields.keys())
        if searches(strategy):
            values = {"scheduler": "none", **values, **_judged_by(strategy, values)}
        values = with_defaults_of_task(values, in_supernet=strategy in METHODS)
        if values.get("mode") is None and (mode := mode_left_out(values.get("metric", ACCURACY.name))):
            values = {**values, "mode": mode}
        if values.get("deterministic") is True and values.get("batch") is None:
            values = {**values, "batch": _BATCH}
        problems = [] if values.get("mode") is not None else list(misspelt_metrics(values.get("metric", ACCURACY.name)))
        if problems:
            # The missing mode is not reported, too, before the metric is spelt right.
            values = {**values, "mode": "max"}
        try:
            super().__init__(**values)
        except ValidationError as error:
            problems += field_problems(error, type(self))
        problems += conflicts(values, type(self).model_fields.keys())
        if problems:
            raise ConfigProblems(problems) from None

    @classmethod
    def keys_that_decide(cls, *decides: Decides) -> list[str]:
        """List the keys that decide some kind of thing.

        Args:
            decides: one or more kinds; see `Key`.

        Returns:
            The keys, in the order of the fields.
        """
        return [name for name, key in _keys(cls) if key.decides in decides]

    @classmethod
    def keys_that_lead_out(cls) -> list[str]:
        """List the keys whose value leads out of this machine or out of the run's folder.

        Returns:
            The keys, in the order of the fields.
        """
        return [name for name, key in _keys(cls) if key.leads_out]

    def reaches(self, *keys: str) -> dict[str, Any]:
        """Find where values of the configuration lead out of this machine or out of the run's folder.

        Args:
            keys: of `keys_that_lead_out`.

        Returns:
            Their values as `to_dict` has them, by key, without those that lead nowhere: a key without a value, and a
            device that runs no command.
        """
        found = {key: _plain(getattr(self, key)) for key in keys}
        if self.device is not None and self.device.command is None:
            found.pop("device", None)
        return {key: value for key, value in found.items() if value is not None}

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives of the search, the leading one first."""
        return objectives_of(self.metric, self.mode)

    @property
    def run_name(self) -> str:
        """The name given, or one made of the space and the strategy."""
        return self.name or default_run_name(self.space.name, self.strategy.name)

    @property
    def run_folder(self) -> Path:
        """The folder of the run, as given or `runs/<name>`; not resolved, not created."""
        return Path(self.run_dir).expanduser() if self.run_dir else Path("runs") / self.run_name

    def replace(self, **changes: Any) -> Self:
        """Copy the configuration with some keys changed, and check it as a whole again.

        Args:
            changes: the new values by key. A new metric also needs a new mode, where its name does not imply one.

        Raises:
            ConfigProblems: the changed configuration breaks a rule.
        """
        kept = self.to_dict()
        if changes.get("metric", kept["metric"]) != kept["metric"]:
            del kept["mode"]
        return type(self)(**{**kept, **changes})

    def to_dict(self) -> dict[str, Any]:
        """Convert the configuration to plain data; `SearchConfig(**config.to_dict()) == config`.

        Returns:
            Every key in order, defaults included.
        """
        return {key: _plain(getattr(self, key)) for key in type(self).model_fields}

    def to_json(self) -> str:
        """Write the configuration as JSON.

        Returns:
            One line, defaults included.
        """
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a configuration that `to_json` has written.

        Args:
            text: a JSON object.

        Raises:
            ConfigError: the text is not a JSON object, or a key breaks a rule (`ConfigProblems`).
        """
        try:
            values = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ConfigError(f"configuration: not JSON: {error}") from error
        if not isinstance(values, dict):
            raise ConfigError(f"configuration: got {shown(values)}, expected a JSON object")
        return cls(**values)

    def to_toml(self) -> str:
        """Write the configuration as TOML.

        Returns:
            Every key with a value, defaults included. Keys without one are left out, because TOML has no null.

        Raises:
            ConfigError: a setting holds None; `to_json` can write that.
        """
        return toml_text({key: value for key, value in self.to_dict().items() if value is not None})

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Read a configuration from TOML.

        Args:
            text: the TOML.

        Raises:
            ConfigError: the text is not TOML (the message has the line and column), or a key breaks a rule
                (`ConfigProblems`).
        """
        return cls(**parse_toml(text, "configuration"))


def _keys(config: type[BaseModel]) -> Iterator[tuple[str, Key]]:
    for name, field in config.model_fields.items():
        for found in field.metadata:
            if isinstance(found, Key):
                yield name, found


def _name_of(strategy: object) -> str:
    """The name in the value of the key `strategy`; empty where the value has none."""
    name = strategy.get("name") if isinstance(strategy, Mapping) else getattr(strategy, "name", strategy)
    return name if isinstance(name, str) else ""


def _judged_by(strategy: str, values: Mapping[str, object]) -> dict[str, object]:
    """The metric and mode of a strategy that searches by itself, where the configuration names no metric."""
    if "metric" in values or (strategy in METHODS and is_learner(values.get("trainable"))):
        return {}
    search = self_search(strategy)
    return {"metric": search.metric, "mode": values.get("mode") or search.mode}


def _plain(value: object) -> object:
    if isinstance(value, Component | Device):
        return value.plain()
    if isinstance(value, tuple):
        return list(value)
    return value.model_dump() if isinstance(value, BaseModel) else value
