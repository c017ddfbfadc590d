"""`python -m trainables`: train one architecture, or search one in a supernet, without Ray and without Optuna.

    python -m trainables train --space nb201 --arch '|nor_conv_3x3~0|+|...|' --data digits --epochs 9
    python -m trainables darts --space darts --data digits --method pcdarts --epochs 50
    python -m trainables list

Results go to stdout, one line per epoch. Errors go to stderr, with exit code 2 where the user can correct them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from search_spaces.errors import NasTuneError, SpaceError
from trainables.errors import TrainableError
from trainables.protocol import Checking, Describing, Evaluating, Searching, Trainable
from trainables.registry import adapt, names
from trainables.settings import parse_settings
from trainables.trial.session import TrialSession

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words after the command; None reads them from `sys.argv`.

    Returns:
        The exit code.
    """
    options = _parser().parse_args(arguments)
    try:
        return {"list": _list, "train": _train, "darts": _darts}[options.command](options)
    except NasTuneError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trainables", description="Train or find one architecture by hand.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list the trainables, networks and data sets by name")
    train = commands.add_parser("train", help="train one architecture and evaluate it on the test images")
    train.add_argument("--space", default="nb201", help="name of the search space (default nb201)")
    train.add_argument("--arch", required=True, help="the architecture: JSON, or the string form of its space")
    train.add_argument("--trainable", default="image_classifier", help="registered name (default image_classifier)")
    _add_common(train)
    darts = commands.add_parser("darts", help="find an architecture in a supernet, by gradients")
    darts.add_argument("--space", default="darts", help="name of the search space (default darts)")
    darts.add_argument("--method", default="darts", help="the search method: darts, pcdarts, gdas, .. (default darts)")
    _add_common(darts)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", help="name or path of the data set (default: the trainable's own)")
    parser.add_argument("--epochs", type=int, default=9, help="epochs of the full training (default 9)")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (default 0)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the trainable")
    parser.add_argument("--checkpoint-dir", type=Path, help="folder to save in after each epoch and to continue from")
    parser.add_argument("--json", action="store_true", help="print JSON, one object per line")


def _list(_: argparse.Namespace) -> int:
    from trainables import networks
    from trainables.data.named import NAMED

    for title, known in (("trainables", names()), ("networks", networks.names()), ("data", NAMED)):
        sys.stdout.write(f"{title}: {', '.join(known)}\n")
    return 0


def _train(options: argparse.Namespace) -> int:
    architecture = _read_architecture(options.space, options.arch)
    trainable = adapt(options.trainable, _settings(options))
    _advance(trainable, architecture, options)
    _say_test(trainable, options)
    return 0


def _darts(options: argparse.Namespace) -> int:
    from search_spaces import Architecture

    settings = {"space": options.space, "method": options.method, **_settings(options)}
    trainable = adapt("darts", settings)
    _advance(trainable, Architecture({}), options)
    _say_test(trainable, options)
    found = trainable.architecture if isinstance(trainable, Searching) else None
    if found is not None:
        genotype = str(getattr(trainable, "genotype", ""))
        said = {"genotype": genotype, "architecture": found.tree if options.json else found.to_json()}
        _say(said, as_json=options.json)
    return 0


def _advance(trainable: Trainable, architecture: Architecture, options: argparse.Namespace) -> None:
    """Train all epochs and print one line for each."""
    if isinstance(trainable, Checking):
        trainable.check()
    for line in trainable.about() if isinstance(trainable, Describing) else ():
        sys.stderr.write(f"note: {line}\n")
    # The session would report an error of `setup` with a traceback; here the user sees the message alone.
    trainable.setup(architecture, seed=options.seed, max_epochs=options.epochs)
    session = TrialSession(
        trainable,
        architecture,
        seed=options.seed,
        max_epochs=options.epochs,
        folder=options.checkpoint_dir,
    )
    finished = False
    while not finished:
        outcome = session.advance()
        for note in outcome.notes:
            sys.stderr.write(f"note: {note}\n")
        if outcome.failure is not None:
            raise TrainableError(f"{outcome.failure.kind}: {outcome.failure.message}")
        if outcome.metrics:
            epoch = {"epoch": outcome.epoch, **outcome.metrics, "seconds": outcome.seconds}
            _say(epoch, as_json=options.json)
        finished = outcome.finished


def _say_test(trainable: Trainable, options: argparse.Namespace) -> None:
    if isinstance(trainable, Evaluating):
        _say({"split": "test", **trainable.evaluate("test")}, as_json=options.json)


def _read_architecture(space_name: str, text: str) -> Architecture:
    """Read an architecture from the command line.

    Args:
        space_name: a registered search space.
        text: JSON where it starts with "{", else the string form that the space's `from_string` reads.

    Returns:
        The member of the space.

    Raises:
        SpaceError: the text is not JSON, or the space has no string form.
    """
    import search_spaces

    space = search_spaces.get(space_name)
    if text.lstrip().startswith("{"):
        try:
            return space.validate(json.loads(text))
        except (json.JSONDecodeError, RecursionError) as error:
            raise SpaceError(f"the architecture is not JSON: {error}; write it as {{...}}") from error
    read = getattr(space, "from_string", None)
    if read is None:
        raise SpaceError(f"architectures of {space_name} have no string form, and {text!r} is not JSON; write {{...}}")
    architecture: Architecture = read(text)
    return architecture


def _settings(options: argparse.Namespace) -> dict[str, object]:
    settings = parse_settings(options.set)
    if getattr(options, "trainable", None) == "image_classifier":
        settings = {"space": options.space, **settings}
    return settings if options.data is None else {**settings, "data": options.data}


def _say(values: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        line = json.dumps(values)
    else:
        shown = {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in values.items()}
        line = "  ".join(f"{name} {value}" for name, value in shown.items())
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
