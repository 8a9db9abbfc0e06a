"""The training loop, against one written by hand and against logistic regression."""

import copy
import math

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from nasturtium.evaluate.augment import Augment
from nasturtium.evaluate.fit import evaluate, fit
from nasturtium.evaluate.recipe import Recipe
from nasturtium.seeds import seed_for
from nasturtium.tasks.images import Split


def train(model, task, recipe, seed=0, valid=True, **more):
    held = task.valid if valid else None
    return fit(model, task.train, held, recipe, seed=seed, normalisation=task.normalisation, **more)


def same(one, two):
    state = two.state_dict()
    return all(torch.equal(value, state[key]) for key, value in one.state_dict().items())


def by_hand(model, task, epochs, batch, peak, decay, seed):
    """Nesterov SGD, linear warm-up over 15 % of the steps and a cosine, written out."""
    x, y = task.normalisation(task.train.images), task.train.labels
    weights = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=peak, momentum=0.9, nesterov=True, fused=True)
    total, step = epochs * math.ceil(len(y) / batch), 0
    warm = int(0.15 * total)
    model.train()
    for epoch in range(epochs):
        generator = torch.Generator().manual_seed(seed_for(seed, "fit/epoch", epoch))
        for rows in torch.randperm(len(y), generator=generator).split(batch):
            cosine = peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))
            rate = peak * (step + 1) / (warm + 1) if step < warm else cosine
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows], label_smoothing=0.1).backward()
            optimizer.step()
            step += 1


def test_the_weights_are_those_of_a_loop_written_by_hand_bit_for_bit(few_digits, convnet):
    ours, theirs = convnet(), convnet()
    train(ours, few_digits, Recipe(epochs=3, batch_size=20, lr=0.1, memory_format="contiguous"), seed=5)
    by_hand(theirs, few_digits, epochs=3, batch=20, peak=0.1, decay=5e-4, seed=5)
    assert same(ours, theirs)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_same_seed_gives_the_same_weights_bit_for_bit_and_another_does_not(
    few_digits, convnet, optimizer
):
    recipe = Recipe(epochs=2, optimizer=optimizer, cutout=2)
    models = [convnet(dropout=0.2) for _ in range(3)]
    for model, seed, noise in zip(models, (1, 1, 2), (3, 4, 3), strict=True):
        torch.manual_seed(noise)  # the caller's generator must not matter
        train(model, few_digits, recipe, seed, augment=Augment(1, True))
    assert same(models[0], models[1])
    assert not same(models[0], models[2])


def test_evaluating_more_or_less_often_changes_no_weight(few_digits, convnet):
    one, two = convnet(dropout=0.2), convnet(dropout=0.2)
    train(one, few_digits, Recipe(epochs=2))
    train(two, few_digits, Recipe(epochs=2), valid=False)
    assert same(one, two)


def test_a_small_network_beats_logistic_regression_on_held_out_digits(digits, convnet):
    model = convnet()
    result = train(model, digits, Recipe(epochs=8))
    flat = [split.images.flatten(1).numpy() / 255 for split in (digits.full, digits.test)]
    linear = LogisticRegression(max_iter=3000).fit(flat[0], digits.full.labels)
    reference = 1 - linear.score(flat[1], digits.test.labels)
    error, _ = evaluate(model, digits.test, digits.normalisation, Recipe())
    assert error < reference
    assert result.error < 0.05


def test_error_and_loss_are_those_of_a_plain_evaluation(few_digits, convnet):
    model = convnet()
    result = train(model, few_digits, Recipe(epochs=2))
    with torch.no_grad():
        logits = model.eval()(few_digits.normalisation(few_digits.valid.images))
    labels = few_digits.valid.labels
    assert result.error == float((logits.argmax(1) != labels).double().mean())
    assert result.loss == pytest.approx(float(nn.functional.cross_entropy(logits, labels)), rel=1e-5)
    assert (result.error, result.loss) == evaluate(
        model, few_digits.valid, few_digits.normalisation, Recipe()
    )


def test_the_record_of_a_training_is_complete(few_digits, convnet):
    seen = []
    result = train(convnet(), few_digits, Recipe(epochs=3), progress=lambda *told: seen.append(told))
    assert (result.epochs, result.stop, len(result.train_losses)) == (3, "done", 3)
    assert result.curve[-1] == result.error
    assert seen == list(zip((1, 2, 3), result.curve, strict=True))
    assert result.images == 3 * len(few_digits.train)
    assert result.train_seconds > 0


def test_no_epochs_only_evaluates(few_digits, convnet):
    model = convnet()
    result = train(model, few_digits, Recipe(), epochs=0)
    assert same(model, convnet())
    assert 0.5 < result.error <= 1
    assert result.epochs == 0


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_divergence_ends_at_once_and_is_data(few_digits, convnet, optimizer):
    result = train(convnet(), few_digits, Recipe(epochs=50, lr=1e30, optimizer=optimizer))
    assert result.diverged
    assert math.isnan(result.error)
    assert result.epochs <= 2


def test_without_validation_a_divergence_is_seen_too(few_digits, convnet):
    assert train(convnet(), few_digits, Recipe(epochs=50, lr=1e30), valid=False).diverged


def test_patience_stops_and_gives_the_best_epochs_weights(few_digits, convnet):
    model = convnet()
    # Labels without any sense cannot be learnt: the validation error soon stops falling.
    labels = torch.randint(0, 10, (len(few_digits.train),), generator=torch.Generator().manual_seed(0))
    train_split = Split(few_digits.train.images, labels)
    recipe = Recipe(epochs=40, patience=2)
    result = fit(model, train_split, few_digits.valid, recipe, seed=0, normalisation=few_digits.normalisation)
    assert result.stop == "patience"
    assert result.epochs < 40
    assert result.error == min(result.curve)
    assert result.curve.index(result.error) == result.epochs - 1 - 2
    assert evaluate(model, few_digits.valid, few_digits.normalisation, recipe)[0] == result.error


def test_a_time_limit_stops_after_the_step_in_hand(few_digits, convnet):
    result = train(convnet(), few_digits, Recipe(epochs=10_000, max_seconds=0.05))
    assert result.stop == "time"
    assert 0 < result.images < 10_000 * len(few_digits.train)
    assert 0 <= result.error <= 1


@pytest.mark.parametrize("left_over", [0, 1, 2])
def test_a_last_batch_of_any_size_trains_norms_over_single_pixels(few_digits, left_over):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.Linear(8, 10))
    split = Split(few_digits.train.images[: 32 + left_over], few_digits.train.labels[: 32 + left_over])
    result = fit(
        model, split, None, Recipe(epochs=1, batch_size=16), seed=0, normalisation=few_digits.normalisation
    )
    assert result.images == 32 + left_over


def test_bfloat16_trains_as_well(few_digits, convnet):
    result = train(convnet(), few_digits, Recipe(epochs=1, precision="bfloat16"))
    assert math.isfinite(result.loss)


def test_gradient_clipping_bounds_the_first_step(few_digits, convnet):
    model = convnet()
    before = copy.deepcopy(model)
    recipe = Recipe(
        epochs=1, batch_size=1000, clip_norm=1e-2, warmup=0.0, lr=1.0, weight_decay=0.0, momentum=0.0
    )
    train(model, few_digits, recipe)
    moved = sum(
        float(((a - b).detach() ** 2).sum())
        for a, b in zip(model.parameters(), before.parameters(), strict=True)
    )
    assert math.sqrt(moved) == pytest.approx(1e-2, rel=1e-3)


def test_the_model_comes_back_contiguous_and_in_evaluation_mode(few_digits, convnet):
    model = convnet()
    train(model, few_digits, Recipe(epochs=1))
    assert not model.training
    assert all(p.is_contiguous() for p in model.parameters())
