"""Devices as mixtures of known ones."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from nasturtium.cost.transfer import telling, transferred
from nasturtium.errors import ConfigError

RNG = np.random.default_rng(0)
PARTS = RNG.random((3, 300)) + 0.1  # three things that networks need time for
KNOWN = np.exp(0.03 * RNG.standard_normal((6, 300))) * (RNG.random((6, 3)) @ PARTS)


def test_ten_measurements_make_a_device_of_six_known_ones() -> None:
    true = np.array([0.5, 0.6, 0.4]) @ PARTS
    rows = np.arange(10)
    mixture = transferred(KNOWN, rows, true[rows] * np.exp(0.05 * RNG.standard_normal(10)))
    assert min(mixture.weights) >= 0
    assert spearmanr(mixture(KNOWN)[10:], true[10:]).statistic > 0.95
    assert np.median(np.abs(mixture(KNOWN)[10:] / true[10:] - 1)) < 0.1


def test_a_device_unlike_all_others_may_take_signs() -> None:
    shares = np.array([[1.0, 0.2], [1.0, 0.5], [1.0, 0.8]])  # none is bound by the second thing alone
    known, true = shares @ PARTS[:2], PARTS[1]
    rows = np.arange(10)
    mixture = transferred(known, rows, true[rows])
    assert min(mixture.weights) < 0
    assert spearmanr(mixture(known)[10:], true[10:]).statistic > 0.95


def test_networks_to_measure_are_different_and_tell_devices_apart() -> None:
    rows = telling(KNOWN, 10)
    assert len(set(rows.tolist())) == 10
    logs = np.log(KNOWN) - np.log(KNOWN).mean(axis=1, keepdims=True)
    assert logs[:, rows].std() > logs.std()
    assert len(telling(KNOWN[:, :4], 10)) == 4


def test_two_measurements_are_too_few() -> None:
    with pytest.raises(ConfigError, match="2 measurements"):
        transferred(KNOWN, np.arange(2), np.ones(2))
    with pytest.raises(ConfigError, match="0 known devices"):
        transferred(np.zeros((0, 5)), np.arange(3), np.ones(3))
