"""Steps of a supernet's training are those of its networks, and go on exactly from a checkpoint."""

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional

from nasturtium import blocks as b
from nasturtium import choice
from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError, StoreError
from nasturtium.evaluate.optimizer import optimizer_for
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.training import Feed, Training, parts_of
from nasturtium.net.extract import extract
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate
from nasturtium.space.space import Space
from nasturtium.strategy.paths import UniformPaths

RECIPE = Recipe(epochs=2, batch_size=32, augment="none", label_smoothing=0.0, threads=1)


def space():
    """Two choices of blocks and one of a kernel; no dropout, so that a step is a function of its batch."""
    return Space(
        b.conv(8, kernel=choice(3, 5)),
        choice(b.conv(8), b.separable(8), b.identity(), name="middle"),
        choice(b.max_pool(2, stride=2), b.avg_pool(2, stride=2), name="pool"),
        b.classifier(),
        input_shape=(1, 8, 8),
        outputs=10,
    )


def training(task, *, recipe=RECIPE, norms="running", **settings):
    return Training(Supernet(space(), seed=1, norms=norms), task, recipe, **settings)


def step(trainer, *points, fidelity=None):
    (trials,) = trainer.evaluate([Candidate(point, fidelity) for point in points])
    return trials


def some(count, seed=0):
    return [space().sample(np.random.default_rng([seed, i])) for i in range(count)]


def uniform(one=None):
    rows = tuple(tuple(1 / len(d.labels) for _ in d.labels) for d in space().decisions)
    return Mixture(space().fingerprint, rows)


def test_steps_of_one_path_are_those_of_its_network_trained_by_hand(few_digits):
    trainer = training(few_digits)
    path = some(1)[0]
    model = extract(trainer.supernet, path).train().to(memory_format=trainer.execution.memory_format)
    optimizer = optimizer_for(model, RECIPE)
    feed = Feed(trainer._train.batches)
    for number in range(4):
        (trial,) = step(trainer, path)
        pair = feed.next()
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(pair.images), pair.labels)
        loss.backward()
        for group, own in zip(optimizer.param_groups, trainer.optimizer.param_groups, strict=True):
            group["lr"] = own["lr"]  # the schedule has tests of its own
        optimizer.step()
        assert trial.metrics["loss"] == pytest.approx(loss.item(), rel=1e-5), number
    trained = extract(trainer.supernet, path)
    for mine, by_hand in zip(trained.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(mine, by_hand, rtol=1e-4, atol=1e-6)


def test_the_gradients_of_several_paths_are_summed_for_one_step(few_digits):
    paths = some(3)
    together = training(few_digits, recipe=Recipe(epochs=1, batch_size=32, augment="none", momentum=0.0))
    before = copy.deepcopy(together.supernet)
    pair = Feed(together._train.batches).next()
    step(together, *paths)
    for path in paths:
        loss = functional.cross_entropy(before(pair.images, path), pair.labels, label_smoothing=0.1)
        loss.backward()
    optimizer = optimizer_for(before, Recipe(epochs=1, momentum=0.0))
    for group, own in zip(optimizer.param_groups, together.optimizer.param_groups, strict=True):
        group["lr"] = own["lr"]
    optimizer.step()
    for mine, by_hand in zip(together.supernet.parameters(), before.parameters(), strict=True):
        torch.testing.assert_close(mine, by_hand, rtol=1e-5, atol=1e-7)
    assert together.step == 1


def test_what_a_path_does_not_use_stays_as_it_was(few_digits):
    trainer = training(few_digits)
    before = copy.deepcopy(dict(trainer.supernet.named_parameters()))
    path = space().architecture(middle="identity", pool="avg_pool")
    step(trainer, path)
    step(trainer, path)
    changed = {n for n, p in trainer.supernet.named_parameters() if not torch.equal(p, before[n])}
    assert changed
    assert not any("middle" in name or "separable" in name for name in changed)


def test_a_reward_trains_nothing_and_takes_validation_images(few_digits):
    trainer = training(few_digits)
    before = copy.deepcopy(trainer.supernet.state_dict())
    pair = Feed(trainer._valid.batches).next()
    (trial,) = step(trainer, some(1)[0], fidelity=0)
    assert trainer.step == 0
    for name, value in trainer.supernet.state_dict().items():
        assert torch.equal(value, before[name]), name
    logits = trainer.supernet.eval()(pair.images, some(1)[0])
    assert trial.metrics["error"] == pytest.approx(float((logits.argmax(1) != pair.labels).float().mean()))
    assert trial.metrics["loss"] == pytest.approx(
        functional.cross_entropy(logits, pair.labels).item(), rel=1e-5
    )


def test_a_mixture_is_trained_and_then_told_its_gradient_on_validation_images(few_digits):
    trainer = training(few_digits, norms="batch")
    pair = Feed(trainer._valid.batches).next()
    (trial,) = step(trainer, uniform())
    weights = [torch.tensor(row, requires_grad=True) for row in uniform().weights]
    loss = functional.cross_entropy(trainer.supernet(pair.images, uniform(), weights), pair.labels)
    loss.backward()
    expected = torch.cat([w.grad for w in weights]).numpy()
    np.testing.assert_allclose(trial.gradient, expected, rtol=1e-5, atol=1e-8)
    assert trial.metrics["loss"] == pytest.approx(loss.item(), rel=1e-6)
    assert trial.metrics["train_loss"] > 0
    assert trainer.step == 1


def test_a_loss_that_is_no_number_fails_the_step_and_changes_no_weight(few_digits):
    trainer = training(few_digits, norms="batch")
    step(trainer, some(1)[0])
    with torch.no_grad():
        bad = next(p for n, p in trainer.supernet.named_parameters() if "classifier" in n)
        good, bad[0] = bad.clone(), float("inf")
    before = copy.deepcopy(trainer.supernet.state_dict())
    (trial,) = step(trainer, some(1)[0])
    assert trial.status == "failed"
    assert "learning rate" in trial.error
    for name, value in trainer.supernet.state_dict().items():
        assert torch.equal(value, before[name]), name
    with torch.no_grad():
        bad.copy_(good)
    assert step(trainer, some(1)[0])[0].status == "ok"


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_training_goes_on_from_a_checkpoint_to_the_same_bits(few_digits, tmp_path, optimizer):
    recipe = Recipe(epochs=3, batch_size=32, optimizer=optimizer, threads=1)
    whole, first = training(few_digits, recipe=recipe), training(few_digits, recipe=recipe)
    paths = [candidate.point for candidate in UniformPaths(space(), seed=5).ask(9)]
    losses = [step(whole, path)[0].metrics for path in paths]
    for path in paths[:6]:
        step(first, path)
    first.save(tmp_path / "checkpoint.safetensors", {"note": torch.tensor([7])})
    second = training(few_digits, recipe=recipe)
    assert second.load(tmp_path / "checkpoint.safetensors")["note"].tolist() == [7]
    assert [step(second, path)[0].metrics for path in paths[6:]] == losses[6:]
    for name, value in whole.supernet.state_dict().items():
        assert torch.equal(value, second.supernet.state_dict()[name]), name


def test_a_checkpoint_of_another_supernet_is_refused(few_digits, tmp_path):
    training(few_digits).save(tmp_path / "checkpoint.safetensors", {})
    other = Space(b.conv(4), b.classifier(), input_shape=(1, 8, 8), outputs=10)
    trainer = Training(Supernet(other), few_digits, RECIPE)
    with pytest.raises(StoreError, match="no checkpoint of this supernet"):
        trainer.load(tmp_path / "checkpoint.safetensors")
    (tmp_path / "broken").write_bytes(b"not tensors")
    with pytest.raises(StoreError, match="cannot read"):
        trainer.load(tmp_path / "broken")


def test_momenta_that_are_there_from_the_start_change_nothing():
    """torch's own SGD starts a momentum with the first gradient; from zero it comes to the same."""
    weights = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    model = torch.nn.ParameterDict({"w": weights})
    by_torch, ours = copy.deepcopy(model), copy.deepcopy(model)
    for one, prepare in ((by_torch, False), (ours, True)):
        optimizer = optimizer_for(one, Recipe(lr=0.1))
        if prepare:
            for p in one.parameters():
                optimizer.state[p]["momentum_buffer"] = torch.zeros_like(p)
        for gradient in ([0.5, 0.1], [-0.3, 0.2], [0.1, 0.1]):
            one["w"].grad = torch.tensor(gradient)
            optimizer.step()
    assert torch.equal(by_torch["w"], ours["w"])


def test_the_feed_goes_on_anywhere(few_digits):
    feed = Feed(training(few_digits, recipe=Recipe(epochs=2, batch_size=32))._train.batches)
    pairs = [feed.next() for _ in range(12)]  # over the ends of epochs
    for at in (0, 3, 4, 5, 9, 11):
        other = Feed(feed.batches)
        other.taken = at
        assert torch.equal(other.peek().images, pairs[at].images)
        assert torch.equal(other.next().labels, pairs[at].labels)
        if at < 11:
            assert torch.equal(other.next().images, pairs[at + 1].images)


def test_split_paths_have_parts_of_the_minibatch_that_count_by_their_size(few_digits):
    paths = some(3, seed=4)
    trainer = training(few_digits, paths=3, split=True, norms="batch")
    twin = copy.deepcopy(trainer.supernet)
    pair = trainer._train.peek()
    trials = step(trainer, *paths)
    parts = parts_of(pair, 3)
    assert [len(part.labels) for part in parts] == [11, 11, 10]
    twin.train()
    for path, part, trial in zip(paths, parts, trials, strict=True):
        loss = functional.cross_entropy(twin(part.images, path), part.labels)
        assert trial.metrics["loss"] == pytest.approx(loss.item(), rel=1e-5)
        (loss * len(part.labels) / 32).backward()
    mine = {name: p.grad for name, p in trainer.supernet.named_parameters()}
    for name, p in twin.named_parameters():
        if p.grad is None:
            assert mine[name] is None
        else:
            torch.testing.assert_close(mine[name], p.grad, rtol=1e-4, atol=1e-6)


def test_a_part_needs_two_images(few_digits):
    with pytest.raises(ConfigError, match="32 images for 17 paths"):
        step(training(few_digits, paths=17, split=True), *some(17))


@pytest.mark.parametrize(
    ("kernel", "wanted"), [(1, torch.contiguous_format), (5, torch.channels_last)], ids=["1x1", "5x5"]
)
def test_a_layer_that_channels_last_breaks_is_seen_in_any_network_of_the_space(few_digits, kernel, wanted):
    """The backward pass of such a layer corrupts memory, see `execution.breaks_channels_last`."""
    last = choice(b.conv(8, kernel=3, stride=2), b.conv(8, kernel=kernel, stride=2))
    space = Space(b.conv(4), last, b.classifier()).bind(few_digits.input_shape, few_digits.outputs)
    assert Training(Supernet(space), few_digits, RECIPE).execution.memory_format == wanted
