import numpy as np
import pytest
from scipy.stats import spearmanr

from nasturtium.errors import ConfigError
from nasturtium.predictor.features import Features
from nasturtium.predictor.ridge import Ridge
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.nasbench201 import OPS, nasbench201
from nasturtium.testing.toys import flat_space

DRAWS = 10


def rows_of(space, architectures):
    return Features(space, "one_hot").fit(architectures)


def test_it_is_the_closed_form():
    space = flat_space()
    examples = [space.sample(rng_for(0, "ridge", i)) for i in range(30)]
    values = rng_for(0, "ridge values").standard_normal(30)
    ridge = Ridge(space, encoding="one_hot", penalty=2.0)
    ridge.fit(examples, values)
    x = rows_of(space, examples)
    x, y = x - x.mean(axis=0), values - values.mean()
    inverse = np.linalg.inv(x.T @ x + 2 * np.eye(x.shape[1]))
    weights = inverse @ x.T @ y
    mean, std = ridge.predict(examples)
    assert mean == pytest.approx(x @ weights + values.mean())
    noise = ((y - x @ weights) @ (y - x @ weights) + 2 * weights @ weights) / 30
    assert std == pytest.approx(np.sqrt(noise * (np.einsum("ni,ij,nj->n", x, inverse, x) + 1 / 30)))


def test_it_is_less_certain_of_what_is_further_from_the_examples():
    space = flat_space()
    ridge = Ridge(space, encoding="one_hot")
    ridge.fit([space.unrank(i) for i in (0, 1, 2, 0, 1, 2, 3, 80)], np.array([0, 1, 2, 0.1, 1.1, 2.1, 3, 8]))
    _, std = ridge.predict([space.unrank(0), space.unrank(80)])
    assert std[0] < std[1]


def test_a_penalty_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="penalty is 0"):
        Ridge(flat_space(), penalty=0)


@pytest.fixture(scope="module")
def table(data_root):
    """Architectures of NAS-Bench-201 and their validation errors after 12 epochs, [3 data sets, rows]."""
    space = nasbench201()
    with np.load(data_root / "nasbench201" / "nb201_tss.npz", allow_pickle=False) as file:
        code = [OPS.index(str(name)) for name in file["op_names"]]
        ranks = {tuple(code[op] for op in row): i for i, row in enumerate(file["ops"].tolist())}
        every = list(space)
        order = [ranks[one.choices] for one in every]
        return space, every, 1 - file["val_acc_12"][:, order].astype(float) / 100


# Held-out rank correlations by an implementation that shares no code with this one, mean of several draws.
@pytest.mark.parametrize(
    ("data", "encoding", "expected"),
    [
        (0, "one_hot", {25: 0.381, 50: 0.500, 100: 0.577, 200: 0.616, 500: 0.644}),
        (0, "path", {25: 0.501, 50: 0.588, 100: 0.651, 200: 0.665, 500: 0.697}),
        (1, "one_hot", {25: 0.397, 50: 0.538, 100: 0.605, 200: 0.667, 500: 0.690}),
        (1, "path", {25: 0.489, 50: 0.608, 100: 0.674, 200: 0.719, 500: 0.744}),
        (2, "one_hot", {25: 0.447, 50: 0.530, 100: 0.618, 200: 0.660, 500: 0.685}),
        (2, "path", {25: 0.519, 50: 0.586, 100: 0.647, 200: 0.701, 500: 0.726}),
    ],
)
def test_sample_efficiency_on_nasbench201_is_the_computed_one(data, encoding, expected, table):
    space, every, errors = table
    ridge = Ridge(space, encoding=encoding)
    held_out = every[::7]  # not ::5, which would hold one operation fixed
    for n, wanted in expected.items():
        reached = []
        for draw in range(DRAWS):
            rows = rng_for(draw, f"examples {n}").choice(len(every), n, replace=False)
            ridge.fit([every[i] for i in rows], errors[data][rows])
            reached.append(spearmanr(ridge.predict(held_out)[0], errors[data][::7]).statistic)
        allowed = 0.05 + 2 * np.std(reached, ddof=1) / DRAWS**0.5
        assert abs(np.mean(reached) - wanted) <= allowed, f"{np.mean(reached):.3f}, not {wanted} at {n}"
