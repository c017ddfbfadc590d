"""The task `language`: examples follow each other where a state is carried, and n-grams stand beside."""

from __future__ import annotations

import math
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

import search_spaces
from trainables.compression import CompressionSettings, compress_network
from trainables.errors import DataError, TrainableError
from trainables.tasks.language import Language
from trainables.tasks.language_control import ngrams
from trainables.tasks.learner import Learner
from trainables.tasks.registry import guessed, make_task
from trainables.training.loop import judged

CPU = torch.device("cpu")
IDS = np.random.default_rng(0).integers(0, 5, 600)
CELL = search_spaces.get("recurrent", nodes=2).sample(0)
SMALL = {"network": {"embedding": 8, "hidden": 8}}


def task(**settings):
    return make_task("language", {"data": IDS, "context": 8, **settings})


def learner(epochs=1, **settings):
    made = Learner(
        task="language", **{"data": IDS, "context": 8, "space": "recurrent", "batch_size": 4, **SMALL, **settings}
    )
    made.setup(CELL, seed=0, max_epochs=epochs)
    return made


def generator():
    return torch.Generator().manual_seed(3)


def test_an_epoch_cuts_the_text_at_a_random_place():
    one = task()
    data = one.load(CPU)
    starts = one.order(data, generator())
    assert len(starts) == 59  # of 480 training tokens
    assert {int(start) % 8 for start in starts} == {int(starts[0]) % 8}
    assert len({*starts.tolist()}) == 59
    assert starts.max() < len(data.train)
    short = task(epoch_tokens=100)
    assert len(short.order(short.load(CPU), generator())) == 12


@pytest.mark.parametrize("epoch_tokens", [None, 200])
def test_rows_of_a_batch_go_on_where_those_before_end(epoch_tokens):
    one = task(epoch_tokens=epoch_tokens)
    data = one.load(CPU)
    batches = one.batches(data, data.train, 4, carried=True, generator=generator())
    assert len(batches) == (14 if epoch_tokens is None else 6)
    for before, after in pairwise(batches):
        assert torch.equal(after, before + 8)
    seen = torch.cat(batches)
    assert len(seen.unique()) == len(seen)
    assert seen.max() < len(data.train)


def test_an_evaluation_sees_each_example_once():
    one = task()
    data = one.load(CPU)
    for part, step in ((data.train, 8), (data.test, 1)):
        count = (len(part) - 1) // step + 1
        for carried in (True, False):
            seen = torch.cat([*one.batches(data, part, 5, carried=carried)])
            assert sorted(seen.tolist()) == list(range(0, count * step, step))


@pytest.mark.slow
def test_the_state_is_carried_over_an_evaluation():
    made = learner(data=np.tile(IDS, 5))
    network, data = made.network, made.task.load(CPU)
    for weight in network.parameters():
        weight.data *= 20  # so that the state matters
    total = 0.0
    for piece in (torch.arange(19), torch.arange(19, 37)):  # two pieces, each computed here in one go
        inputs, targets = data.test.rows(piece)
        with torch.no_grad():
            logits = network(inputs.reshape(1, -1))[0]
        total += float(functional.cross_entropy(logits, targets.reshape(-1), reduction="sum")) / 8
    carried = made.evaluate("test")["loss"]
    assert carried == pytest.approx(total / 37, rel=1e-5)
    apart = judged(lambda tokens: network(tokens), made.task, data, data.test)["loss"]
    assert abs(apart - carried) > 1e-4


def test_the_state_is_carried_in_training_detached_and_reset():
    both = learner(epoch_tokens=64)
    seen = []
    unroll = both.network.unroll
    both.network.unroll = lambda tokens, state=None: (seen.append((tokens, state)), unroll(tokens, state))[1]
    both.step()
    first, second, evaluation = (state for _, state in seen[:3])
    assert first is None
    assert second.shape == (4, 8)
    assert not second.requires_grad
    assert evaluation is None


@pytest.mark.slow
@pytest.mark.parametrize("space", ["recurrent", "enas_recurrent", "transformer_lm"])
def test_networks_of_every_space_for_language_learn_a_pattern(space):
    pattern = "the cat sat on the mat\n" * 60
    settings = {"transformer_lm": {"embeddings": (16,), "depths": (1, 1)}}.get(space, {"nodes": 2})
    made = Learner(
        task="language",
        data=pattern,
        context=12,
        space=space,
        batch_size=8,
        lr=0.02,
        **({} if space == "transformer_lm" else {"network": {"embedding": 16, "hidden": 16}}),
    )
    made.setup(search_spaces.get(space, **settings).sample(0), seed=0, max_epochs=6)
    losses = [made.step()["loss"] for _ in range(6)]
    assert losses[-1] < 0.7 * losses[0]


def test_metrics_follow_from_the_loss_and_their_names_say_what_a_token_is():
    one = task()
    data = one.load(CPU)
    logits, targets = torch.randn(3, 4, 5, generator=generator()), torch.randint(5, (3, 4), generator=generator())
    meter = one.meter(data, [metric.name for metric in one.metrics])
    for rows in (slice(0, 2), slice(2, 3)):
        meter.add(logits[rows], targets[rows])
    nats = float(functional.cross_entropy(logits.reshape(-1, 5), targets.reshape(-1)))
    right = float((logits.argmax(-1) == targets).float().mean())
    expected = {"loss": nats, "bits_per_token": nats / math.log(2), "perplexity": math.exp(nats), "accuracy": right}
    assert meter.result() == pytest.approx(expected)
    assert one.meter(data, ()).result() == {}
    names = {kind: make_task("language", {"data": "x.txt", "tokens": kind}).metrics[1].name for kind in ("bytes", None)}
    assert names == {"bytes": "bits_per_byte", None: "bits_per_character"}


class Half:
    """One of two processes, as a thread."""

    alone, size = False, 2

    def __init__(self, rank, sent, barrier):
        self.rank, self._sent, self._barrier = rank, sent, barrier

    def share(self, count):
        middle = count // 2
        return slice(0, middle) if self.rank == 0 else slice(middle, count)

    def sum_(self, tensors):
        self._sent[self.rank] = [tensor.clone() for tensor in tensors]
        self._barrier.wait(5)
        for place, tensor in enumerate(tensors):
            tensor.copy_(self._sent[0][place] + self._sent[1][place])
        self._barrier.wait(5)


def test_processes_together_evaluate_what_one_alone_does():
    made = learner()
    data = made.task.load(CPU)
    alone = judged(made.network, made.task, data, data.validation)
    sent, barrier = [None, None], threading.Barrier(2)

    def measured(rank):
        return judged(made.network, made.task, data, data.validation, Half(rank, sent, barrier))

    with ThreadPoolExecutor(2) as threads:
        for found in threads.map(measured, range(2)):
            assert found == pytest.approx(alone, rel=1e-6)


def test_n_grams_are_interpolated_as_witten_and_bell_do():
    one = task(context=4, validation_share=0.2, test_share=0.2)
    data = one.load(CPU)
    train, text = data.train.tokens.tolist(), data.test.tokens[: len(data.test) * 4 + 1].tolist()

    def probability(token, history):
        lower = 1 / 5 if not history else None
        followers = Counter(
            train[place + len(history)]
            for place in range(len(train) - len(history))
            if train[place : place + len(history)] == history
        )
        lower = lower if lower is not None else probability(token, history[1:])
        count, different = followers.total(), len(followers)
        return (followers[token] + different * lower) / (count + different) if count else lower

    controls = one.controls()
    assert [control.name for control in controls] == ["unigram", "bigram", "trigram"]
    for order, control in enumerate(controls):
        places = range(1, len(text))
        total = -sum(math.log(probability(text[at], text[max(0, at - order) : at])) for at in places)
        assert control.scores["test"]["loss"] == pytest.approx(total / len(places), rel=1e-5)
        assert set(control.scores["test"]) == {"loss", "bits_per_token", "perplexity"}
    huge = make_task("language", {"data": IDS, "context": 8, "vocabulary": 3_000_000})
    assert "too many" in ngrams(huge.load(CPU), lambda nats: {"loss": nats})[2].failure


def test_outputs_are_decoded_as_text():
    one = make_task("language", {"data": "abc\n" * 99, "context": 3})
    data = one.load(CPU)
    logits = functional.one_hot(torch.tensor([[1, 2, 3], [3, 0, 1]]), 4)
    assert one.decode(logits, data) == ["abc", "c\na"]  # the characters in order are a line break, a, b, c


def test_a_folder_of_texts_may_have_notes_beside_them(tmp_path):
    (tmp_path / "input.txt").write_text("to be or not to be " * 20)
    (tmp_path / "README.md").write_text("where the text is from")
    assert guessed({"data": str(tmp_path)})[0] == "language"
    (tmp_path / "cat.png").write_bytes(b"")
    assert guessed({"data": str(tmp_path)})[0] == "classification"


@pytest.mark.slow
def test_a_recurrent_network_is_compressed_with_or_without_its_state():
    made = learner()
    made.step()
    tuning = made.tuning()
    assert tuning.judge(made.network, "test") == made.evaluate("test")
    assert tuning.judge(made.network.__call__, "test")["loss"] != made.evaluate("test")["loss"]


@pytest.mark.slow
def test_a_compression_says_what_the_carried_state_is_worth(tmp_path):
    made = learner()
    made.step()
    plan = CompressionSettings(quantize="int8", calibration=8)
    done = compress_network(made.deployed(), made.tuning(), tmp_path, plan)
    alone = made.tuning().judge(made.network.__call__, "test")["loss"]
    assert done.stages[0].metrics["loss"] == pytest.approx(alone, rel=1e-4)
    (note,) = [note for note in done.notes if "recurrent" in note]
    carried = made.evaluate("test")["loss"]
    assert f"with its state carried, the network before compression has loss {carried:.4f}" in note


def test_it_is_guessed_and_other_spaces_are_refused():
    assert guessed({"data": "story.txt"})[0] == "language"
    with pytest.raises(TrainableError, match=r"nb201 take no text; .*: enas_recurrent, recurrent, transformer_lm"):
        Learner(task="language", data="story.txt", space="nb201")


@pytest.mark.slow
def test_it_recommends_how_to_train_and_a_user_decides():
    assert isinstance(learner().task, Language)
    assert learner()._settings.optimization.optimizer == "adamw"
    assert learner(optimizer="sgd")._settings.optimization.optimizer == "sgd"
    assert learner().task.full_recipe() == {"whole": True}
    assert learner().task.identity()["data.data"] == learner().task.checksum()


TEXT = "the cat sat on the mat\n" * 30


def read(x, **settings):
    one = task(**{"data": TEXT, **settings})
    data = one.load(CPU)
    data = one.restored(one.exported(data)["reading"], (), finished=True)
    return data, *one.read(x, torch.zeros(0, 8, dtype=torch.int64), data)


def test_texts_to_predict_from_are_cut_into_examples(tmp_path):
    (tmp_path / "new.txt").write_text("the cat sat\non the mat", encoding="utf-8")
    for x in ("the cat sat\non the mat", tmp_path / "new.txt"):
        data, rows, names = read(x)
        assert [data.vocabulary.decode(row) for row in rows.numpy()] == ["the cat ", "sat\non t", " the mat"]
        assert names == ["token 0", "token 8", "token 14"]
    data, rows, names = read(["the cat sat", "the mat\nthe"])
    assert [data.vocabulary.decode(row) for row in rows.numpy()] == [" cat sat", "mat\nthe"[-8:].rjust(8)]
    assert names == ["text 0", "text 1"]
    assert torch.equal(read(rows)[1], rows)


@pytest.mark.parametrize(
    ("x", "settings", "message"),
    [
        (["e mat"], {}, "a text has 5 tokens, and the network takes 8; give longer texts"),
        ("the CAT sat\n", {}, "character 4 is 'C', which the training text lacks"),
        ("nothing.txt", {}, "there is no text 'nothing.txt'"),
        (np.full((1, 8), 99), {}, "x has a token beyond the vocabulary of"),
        (["the cat sat on"], {"data": IDS}, "x is a text, and the network takes ids of tokens"),
    ],
)
def test_texts_that_the_network_does_not_take_are_refused(x, settings, message):
    with pytest.raises(DataError, match=message):
        read(x, **settings)
