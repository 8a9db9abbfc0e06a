import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.predictor.otmann_gp import Kernel, OtmannGP, spectrum
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.chain import chain
from nasturtium.testing.toys import conditional_space, toy_metrics

pytest.importorskip("ot")


def examples(space, count, seed=0):
    points = [space.sample(rng_for(seed, "examples", i)) for i in range(count)]
    return points, np.array([toy_metrics(space, point)["params"] for point in points])


def test_the_kernel_is_a_sum_over_types_of_exponentials_of_sums_over_nu():
    far = np.array([2.0, 3.0]).reshape(2, 1, 1)
    normalised = np.array([0.5, 0.25]).reshape(2, 1, 1)
    kernel = Kernel(np.array([0.7, 0.2]), np.array([[0.1, 0.3], [1.0, 4.0]]), 0.0)
    wanted = 0.7 * np.exp(-(0.1 * 2 + 0.3 * 3)) + 0.2 * np.exp(-(1 * 0.5**2 + 4 * 0.25**2))
    assert kernel(far, normalised).item() == pytest.approx(wanted)


def test_an_indefinite_matrix_is_projected_to_the_nearest_semi_definite_one():
    turned = np.linalg.qr(rng_for(0, "matrix").normal(size=(6, 6)))[0]
    values = np.array([-2.0, -0.5, 0.1, 1.0, 2.0, 3.0])
    found = spectrum(turned @ np.diag(values) @ turned.T, 0.0)
    assert found.values == pytest.approx(np.clip(values, 0, None), abs=1e-12)
    noisy = spectrum(turned @ np.diag(values) @ turned.T, 0.1)
    projected = turned @ np.diag(np.clip(values, 0, None) + 0.1) @ turned.T
    targets = rng_for(0, "targets").normal(size=6)
    wanted = -0.5 * (targets @ np.linalg.solve(projected, targets) + np.linalg.slogdet(projected)[1])
    assert noisy.log_likelihood(targets) == pytest.approx(wanted)


def test_it_learns_from_examples():
    space = chain()
    points, values = examples(space, 40)
    others, truth = examples(space, 40, seed=1)
    gp = OtmannGP(space)
    gp.fit(points, values)
    mean, std = gp.predict(others)
    assert np.corrcoef(mean, truth)[0, 1] > 0.5
    assert (std > 0).all()
    assert gp.predict(points)[1].mean() < std.mean()


def test_predictions_are_those_of_the_textbook():
    space = conditional_space()
    points, values = examples(space, 15)
    others = [space.unrank(i) for i in range(0, 312, 20)]
    gp = OtmannGP(space, samples=10)
    gp.fit(points, values)
    eigenvalues, vectors = np.linalg.eigh(gp.kernel(*gp.otmann(points)))
    gram = vectors @ np.diag(np.clip(eigenvalues, 0, None) + gp.kernel.noise) @ vectors.T
    cross = gp.kernel(*gp.otmann(others, points))
    targets = (values - values.mean()) / values.std()
    mean, std = gp.predict(others)
    assert mean == pytest.approx(values.mean() + values.std() * cross @ np.linalg.solve(gram, targets))
    variance = gp.kernel.alpha.sum() - np.einsum("ij,ji->i", cross, np.linalg.solve(gram, cross.T))
    assert std == pytest.approx(values.std() * np.sqrt(np.clip(variance, 1e-12, None)), abs=1e-6)


def test_the_same_examples_give_the_same_guesses():
    space = conditional_space()
    points, values = examples(space, 12)
    guesses = []
    for _ in range(2):
        gp = OtmannGP(space, seed=3, samples=8)
        gp.fit(*examples(space, 6, seed=7))  # is forgotten
        gp.fit(points, values)
        guesses.append(gp.predict(points[:5]))
    assert (guesses[0][0] == guesses[1][0]).all()
    kernel = gp.kernel
    gp.condition(points[:4], values[:4])
    assert gp.kernel is kernel


def test_one_example_and_equal_values_are_no_special_case():
    space = conditional_space()
    gp = OtmannGP(space, samples=3)
    gp.fit([space.unrank(0)], np.array([3.0]))
    assert np.isfinite(gp.predict([space.unrank(0), space.unrank(300)])).all()
    gp.fit([space.unrank(0)] * 3, np.full(3, 2.0))
    assert gp.predict([space.unrank(5)])[0] == pytest.approx([2.0])


def test_what_cannot_be_is_said():
    with pytest.raises(ConfigError, match="samples is 0"):
        OtmannGP(conditional_space(), samples=0)
    with pytest.raises(ConfigError, match="call fit"):
        OtmannGP(conditional_space()).predict([])
