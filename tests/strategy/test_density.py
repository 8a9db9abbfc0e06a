"""Kernel densities agree with their formulas, and coordinates with architectures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasturtium.seeds import rng_for
from nasturtium.space.blocks import classifier, conv
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.strategy.density import Coordinates, Density, fit_density
from nasturtium.testing.toys import conditional_space, flat_space, single_space

NUMERIC, THREE = np.array([0]), np.array([3])


def rows(*values):
    return np.array(values, float).reshape(len(values), -1)


def test_gaussian_kernel_is_the_closed_form():
    density = Density(rows(0, 1), np.array([0.5]), NUMERIC)
    peak = 1 / (0.5 * np.sqrt(2 * np.pi))
    assert density(rows(0, 0.5)) == pytest.approx([peak * (1 + np.exp(-2)) / 2, peak * np.exp(-0.5)])


def test_categorical_kernel_is_that_of_aitchison_and_aitken():
    density = Density(rows(0, 0, 2), np.array([0.3]), THREE)
    assert density(rows(0, 1, 2)) == pytest.approx([(0.7 + 0.7 + 0.15) / 3, 0.15, (0.15 + 0.15 + 0.7) / 3])
    assert density(rows(0, 1, 2)).sum() == pytest.approx(1)


def test_the_kernel_of_several_coordinates_is_their_product():
    both = Density(rows((0, 0), (1, 2)), np.array([0.5, 0.3]), np.array([0, 3]))
    one, other = (Density(rows(v), np.array([0.5]), NUMERIC) for v in (0, 1))
    assert both(rows((0.2, 2))) == pytest.approx((one(rows(0.2)) * 0.15 + other(rows(0.2)) * 0.7) / 2)


def test_bandwidths_follow_the_normal_reference_rule():
    numbers = rows(0, 0.25, 0.5, 1)
    (width,) = fit_density(numbers, NUMERIC, 1e-3).widths
    assert width == pytest.approx(1.06 * numbers.std() * 4 ** (-1 / 5))
    assert fit_density(rows(1, 1, 1), THREE, 0.01).widths == [0.01]
    assert fit_density(rows(0, 2, 0, 2), THREE, 0.01).widths == [pytest.approx(2 / 3)]


def test_samples_are_kept_as_often_as_the_bandwidth_says():
    density = Density(rows(2), np.array([0.3]), THREE)
    drawn = density.sample(rng_for(0, "density"), 20_000, 3.0)[:, 0]
    shares = np.bincount(drawn.astype(int), minlength=3) / len(drawn)
    assert shares == pytest.approx([0.1, 0.1, 0.8], abs=0.015)


def test_numeric_samples_stay_between_0_and_1_and_near():
    density = Density(rows(0, 1), np.array([0.1]), NUMERIC)
    drawn = density.sample(rng_for(0, "density"), 5_000, 1.0)[:, 0]
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert np.abs(drawn - np.rint(drawn)).mean() == pytest.approx(0.1 * np.sqrt(2 / np.pi), rel=0.05)
    wide = density.sample(rng_for(0, "density"), 5_000, 3.0)[:, 0]
    assert np.abs(wide - np.rint(wide)).mean() > np.abs(drawn - np.rint(drawn)).mean()


def test_three_numbers_in_order_are_numeric_and_all_else_is_categorical():
    space = Space(
        conv(choice(4, 8, 16), kernel=choice(3, 5)),
        conv(choice(8, 4, 16)),
        conv(choice(16, 8, 4)),
        classifier(),
    )
    kinds = dict(
        zip([decision.path for decision in space.decisions], Coordinates(space).options, strict=True)
    )
    assert list(kinds.values()) == [0, 2, 3, 0]


@pytest.mark.parametrize("make", [flat_space, conditional_space, single_space])
@given(seed=st.integers(0, 2**32))
def test_coordinates_lead_back_to_the_architecture(make, seed):
    space = make()
    coordinates, rng = Coordinates(space), rng_for(seed, "coordinates")
    some = [space.sample(rng) for _ in range(5)]
    raw = np.array([coordinates.row(one) for one in some])
    filled = coordinates.imputed(raw, rng)
    assert not np.isnan(filled).any()
    assert np.array_equal(filled[~np.isnan(raw)], raw[~np.isnan(raw)])
    assert [coordinates.architecture(row) for row in filled] == some


@given(seed=st.integers(0, 2**32))
def test_samples_are_architectures(seed):
    space = conditional_space()
    coordinates, rng = Coordinates(space), rng_for(seed, "samples")
    raw = np.array([coordinates.row(space.sample(rng)) for _ in range(12)])
    density = fit_density(coordinates.imputed(raw, rng), coordinates.options, 1e-3)
    assert all(map(space.__contains__, map(coordinates.architecture, density.sample(rng, 20, 3.0))))
