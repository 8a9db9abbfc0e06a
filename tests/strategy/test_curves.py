"""Searches of real benchmark tables end where other implementations of the same methods end.

The expected regrets (lowest error found so far less the lowest of the table, in percent, mean over 100 or 200
runs) were computed on the same tables by an implementation that shares no code with this one; repeats cost
nothing. Accepted is what lies within 15 % or 0.1 points, widened by two standard errors of the mean over the
runs made here.
"""

from functools import cache

import numpy as np
import pytest

from nasturtium.protocols import Trial
from nasturtium.space.zoo.nasbench201 import OPS, nasbench201
from nasturtium.space.zoo.nasbench_macro import nasbench_macro
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.strategy.local import LocalSearch
from nasturtium.strategy.random import RandomSearch

QUERIES_201 = (50, 100, 150, 300)
QUERIES_MACRO = (25, 50, 100, 200)


def random_search(space, seed):
    return RandomSearch(space, seed=seed)


def evolution_10_3(space, seed):
    return RegularizedEvolution(space, seed=seed, population=10, sample=3)


def evolution_20_5(space, seed):
    return RegularizedEvolution(space, seed=seed, population=20, sample=5)


def local_best(space, seed):
    return LocalSearch(space, seed=seed, improvement="best")


def local_first(space, seed):
    return LocalSearch(space, seed=seed, improvement="first")


@pytest.fixture(scope="module")
def table_201(data_root):
    """NAS-Bench-201, CIFAR-10 validation accuracy after 12 epochs: the error of each choices, in percent."""
    with np.load(data_root / "nasbench201" / "nb201_tss.npz", allow_pickle=False) as table:
        names = [str(name) for name in table["op_names"]]
        code = [OPS.index(name) for name in names]
        ops = [tuple(code[op] for op in row) for row in table["ops"].tolist()]
        return dict(zip(ops, (100 - table["val_acc_12"][0]).tolist(), strict=True))


@pytest.fixture(scope="module")
def table_macro(data_root):
    """NAS-Bench-Macro, CIFAR-10, mean of three trainings: the test error of each choices, in percent."""
    with np.load(data_root / "nasbench_macro" / "nb_macro_cifar10.npz", allow_pickle=False) as table:
        ops = [tuple(row) for row in table["ops"].tolist()]
        return dict(zip(ops, (100 - table["test_acc"].mean(axis=1)).tolist(), strict=True))


@cache
def spaces():
    return {"nasbench201": nasbench201(), "nasbench_macro": nasbench_macro()}


def regrets(make, space, table, queries, runs):
    """Returns the regret after so many queries, [runs, queries]."""
    lowest = min(table.values())
    curves = np.empty((runs, max(queries)))
    for run in range(runs):
        strategy = Distinct(make(space, run), lambda architecture: repr(architecture.choices))
        for query in range(max(queries)):
            (candidate,) = strategy.ask(1)
            error = table[candidate.point.choices]
            curves[run, query] = error - lowest
            strategy.tell([Trial(candidate, {"error": error})])
    return np.minimum.accumulate(curves, axis=1)[:, np.array(queries) - 1]


def assert_near(found, expected):
    means, errors = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(len(found))
    wanted = np.array(expected)
    allowed = np.maximum(0.15 * wanted, 0.1) + 2 * errors
    assert (np.abs(means - wanted) <= allowed).all(), f"{means.round(3)} +- {errors.round(3)}, not {wanted}"


@pytest.mark.parametrize(
    ("make", "expected", "runs"),
    [
        (random_search, (1.58, 1.15, 1.04, 0.71), 40),
        (evolution_10_3, (1.32, 0.66, 0.44, 0.21), 40),
        (local_best, (1.82, 0.62, 0.33, 0.08), 60),
        (local_first, (0.79, 0.34, 0.18, 0.01), 60),
    ],
)
def test_nasbench201_regret_is_the_computed_one(make, expected, runs, table_201):
    assert_near(regrets(make, spaces()["nasbench201"], table_201, QUERIES_201, runs), expected)


@pytest.mark.parametrize(
    ("make", "expected", "runs"),
    [
        (random_search, (0.488, 0.357, 0.273, 0.189), 40),
        (evolution_10_3, (0.401, 0.210, 0.088, 0.023), 40),
        (evolution_20_5, (0.438, 0.222, 0.061, 0.009), 40),
        (local_best, (0.626, 0.229, 0.042, 0.016), 40),
    ],
)
def test_nasbench_macro_regret_is_the_computed_one(make, expected, runs, table_macro):
    assert_near(regrets(make, spaces()["nasbench_macro"], table_macro, QUERIES_MACRO, runs), expected)


def test_the_order_of_the_methods_is_the_known_one(table_201):
    space = spaces()["nasbench201"]
    random, evolution, best, first = (
        regrets(make, space, table_201, (100, 150), 40).mean(axis=0)
        for make in (random_search, evolution_10_3, local_best, local_first)
    )
    assert (evolution < random).all()
    assert (first < best).all()
    assert (first < evolution).all()
