import numpy as np
import pytest
import torch

from nasturtium.errors import ConfigError
from nasturtium.seeds import rng_for
from nasturtium.testing.toys import conditional_space, flat_space, toy_metrics

pytest.importorskip("gpytorch")

from nasturtium.predictor.arc_gp import ArcGP
from nasturtium.predictor.arc_model import ArcModel, exact, maximise


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def examples(space, count, seed=0):
    points = [space.sample(rng_for(seed, "examples", i)) for i in range(count)]
    return points, np.array([toy_metrics(space, point)["error"] for point in points])


def test_predictions_are_those_of_gpytorch():
    space = conditional_space()
    points, values = examples(space, 25)
    points = sorted(points, key=lambda point: point.choices)
    values = np.array([toy_metrics(space, point)["error"] for point in points])
    others = [space.unrank(i) for i in range(0, 312, 7)]
    gp = ArcGP(space, steps=10)
    gp.fit(points, values)
    embedding = gp.embedding
    coordinates = torch.from_numpy(embedding.coordinates(points))
    model = ArcModel(coordinates, torch.from_numpy((values - values.mean()) / values.std()), embedding)
    with exact():
        maximise(model, 10)
        assert model.kernel().omega == pytest.approx(gp.kernel.omega)
        with torch.no_grad():
            posterior = model.eval()(torch.from_numpy(embedding.coordinates(others)))
    mean, std = gp.predict(others)
    assert mean == pytest.approx(values.mean() + values.std() * posterior.mean.numpy(), abs=1e-6)
    assert std == pytest.approx(values.std() * posterior.variance.sqrt().numpy(), abs=1e-5)


def test_it_learns_what_the_values_hang_on():
    space = flat_space()
    points = [space.sample(rng_for(0, "examples", i)) for i in range(40)]
    values = np.array([(point.choices[1] - 1) ** 2 for point in points], dtype=float)
    gp = ArcGP(space)
    gp.fit(points, values)
    assert (gp.kernel.omega * gp.kernel.rho).argmax() == 1
    every = list(space)
    mean, _ = gp.predict(every)
    assert mean == pytest.approx([(point.choices[1] - 1) ** 2 for point in every], abs=0.1)


def test_the_same_examples_give_the_same_guesses_and_no_global_number_is_drawn():
    space = conditional_space()
    points, values = examples(space, 15)
    before = torch.random.get_rng_state()
    guesses = []
    for _ in range(2):
        gp = ArcGP(space, seed=1, steps=5, starts=2)
        gp.fit(*examples(space, 10, seed=9))  # is forgotten
        gp.fit(points, values)
        guesses.append(gp.predict(list(space)))
    assert (guesses[0][0] == guesses[1][0]).all()
    assert (guesses[0][1] == guesses[1][1]).all()
    assert torch.equal(before, torch.random.get_rng_state())


def test_conditioning_takes_other_examples_and_keeps_the_hyper_parameters():
    space = conditional_space()
    gp = ArcGP(space, steps=10)
    gp.fit(*examples(space, 20))
    kernel = gp.kernel
    points, values = examples(space, 30, seed=5)
    gp.condition(points, values)
    assert gp.kernel is kernel
    mean, std = gp.predict(points)
    assert np.corrcoef(mean, values)[0, 1] > 0.95
    assert std.min() < gp.predict(list(space))[1].max()


def test_one_example_and_equal_values_are_no_special_case():
    space = flat_space()
    gp = ArcGP(space, steps=5)
    gp.fit([space.unrank(0)], np.array([3.0]))
    mean, std = gp.predict([space.unrank(0), space.unrank(80)])
    assert np.isfinite([*mean, *std]).all()
    gp.fit([space.unrank(0), space.unrank(0), space.unrank(7)], np.array([2.0, 2.0, 2.0]))
    assert gp.predict(list(space))[0] == pytest.approx(2.0)


def test_what_cannot_be_is_said():
    with pytest.raises(ConfigError, match="steps is -1"):
        ArcGP(flat_space(), steps=-1)
    with pytest.raises(ConfigError, match="call fit"):
        ArcGP(flat_space()).predict([])
