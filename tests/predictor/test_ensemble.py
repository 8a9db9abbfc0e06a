import random

import numpy as np
import pytest
import torch

from nasturtium.errors import ConfigError
from nasturtium.predictor.ensemble import Training, dense, layers
from nasturtium.predictor.graph import GraphEnsemble
from nasturtium.predictor.lstm import LSTMEnsemble
from nasturtium.predictor.mlp import MLPEnsemble
from nasturtium.testing.toys import conditional_space, flat_space, toy_metrics

KINDS = (MLPEnsemble, LSTMEnsemble, GraphEnsemble)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def examples(space, n=20):
    some = [space.unrank(i * 3 % space.count) for i in range(n)]
    return some, np.array([toy_metrics(space, one)["error"] for one in some])


def test_each_member_is_a_network_of_its_own():
    generator = torch.Generator().manual_seed(0)
    weights = layers(generator, 3, [4, 5, 1])
    x = torch.randn(1, 7, 4, generator=generator)
    together = dense(weights, x)
    assert together.shape == (3, 7, 1)
    for member in range(3):
        net = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1))
        with torch.no_grad():
            for i in (0, 2):
                net[i].weight.copy_(weights[i][member].T)
                net[i].bias.copy_(weights[i + 1][member, 0])
            assert torch.allclose(net(x[0]), together[member], atol=1e-6)


def test_the_recurrence_is_torch_s_lstm():
    space = flat_space()
    some, values = examples(space)
    ensemble = LSTMEnsemble(space, members=2, hidden=6, embedding=5, epochs=1)
    ensemble.fit(some, values)
    table, entering, returning, bias, out, offset = ensemble._weights
    rows, there = ensemble._inputs(some, examples=False)
    for member in range(2):
        lstm = torch.nn.LSTM(5, 6, batch_first=True)
        with torch.no_grad():
            # torch's gates come as input, forget, cell, output; ours with the cell last.
            order = torch.cat([torch.arange(12), torch.arange(18, 24), torch.arange(12, 18)])
            lstm.weight_ih_l0.copy_(entering[member].T[order])
            lstm.weight_hh_l0.copy_(returning[member].T[order])
            lstm.bias_ih_l0.copy_(bias[member, 0][order])
            lstm.bias_hh_l0.zero_()
            states, _ = lstm(rows @ table[member])
            expected = (states[:, -1] @ out[member] + offset[member]).squeeze(-1)
            found = ensemble._guessed(ensemble._weights, [rows[None], there[None]])
            assert torch.allclose(found[member], expected, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_global_generator_of_torch_is_not_moved(kind):
    before = torch.get_rng_state(), random.getstate()
    space = flat_space()
    ensemble = kind(space, epochs=2)
    ensemble.fit(*examples(space))
    ensemble.predict(examples(space)[0])
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]


@pytest.mark.parametrize("kind", KINDS)
def test_it_trains_where_gradients_are_off(kind):
    space = flat_space()
    with torch.no_grad():
        first = kind(space, epochs=3)
        first.fit(*examples(space))
    second = kind(space, epochs=3)
    second.fit(*examples(space))
    assert np.array_equal(first.predict(examples(space)[0]), second.predict(examples(space)[0]))


@pytest.mark.parametrize("loss", ["l1", "l2", "mape"])
@pytest.mark.parametrize("folds", [False, True])
def test_every_loss_learns_the_examples(loss, folds):
    space = flat_space()
    some, values = examples(space)
    ensemble = MLPEnsemble(space, loss=loss, folds=folds, epochs=150)
    ensemble.fit(some, values)
    mean, _ = ensemble.predict(some)
    assert np.abs(mean - values).mean() < 0.4 * values.std()


def test_folds_make_members_differ_where_they_have_not_looked():
    space = flat_space()
    some, values = examples(space, 10)
    same, other = (MLPEnsemble(space, folds=folds, epochs=150) for folds in (False, True))
    for ensemble in (same, other):
        ensemble.fit(some, values)
    assert other.predict(some)[1].mean() > same.predict(some)[1].mean()


@pytest.mark.parametrize("kind", KINDS)
def test_architectures_longer_than_any_example_are_guessed(kind):
    space = conditional_space()
    by_length = sorted(space, key=lambda one: sum(space.active(one)))
    short, long = by_length[:40], by_length[-40:]
    ensemble = kind(space, epochs=5)
    ensemble.fit(short, np.array([toy_metrics(space, one)["error"] for one in short]))
    mean, std = ensemble.predict(long)
    assert np.isfinite(mean).all()
    assert np.isfinite(std).all()


def test_words_of_the_caller_are_read():
    space = flat_space()
    some, values = examples(space)
    blocks = MLPEnsemble(
        space,
        encoding="blocks",
        epochs=100,
        blocks_of=lambda one: [[f"width={one.choices[0]}", f"width={one.choices[2]}"]],
    )
    lstm = LSTMEnsemble(space, epochs=2, words_of=lambda one: [f"width={one.choices[0]}"])
    for ensemble in (blocks, lstm):
        ensemble.fit(some, values)
        left, right = space.architecture(conv1__kernel=1), space.architecture(conv1__kernel=5)
        mean, _ = ensemble.predict([left, right])
        assert mean[0] == mean[1], "what the words do not say was seen"


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"batch": 0}, {"rate": 0.0}, {"decay": -1.0}, {"loss": "huber"}, {"scale": "log"}],
)
def test_a_training_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigError):
        Training(**wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_an_ensemble_of_nothing_is_refused(kind):
    with pytest.raises(ConfigError, match="members is 0"):
        kind(flat_space(), members=0)
