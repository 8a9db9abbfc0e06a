import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.strategy.random_then_near import RandomThenNear
from nasturtium.testing.toys import flat_space


def apart(one, other):
    return sum(a != b for a, b in zip(one.choices, other.choices, strict=True))


def test_first_at_random_then_near_the_best_of_those_then_near_the_best_of_all():
    space = flat_space()
    strategy = RandomThenNear(space, seed=1, random=4, perturbations=5, changes=1)
    errors = {0: 0.5, 1: 0.3, 2: 0.6, 3: 0.7, 6: 0.1}
    asked = []
    for _ in range(14):
        (candidate,) = strategy.ask(1)
        asked.append(candidate.point)
        again = asked.index(candidate.point)  # the same network has the same error
        strategy.tell([Trial(candidate, {"error": errors.get(again, 0.9)})])
    best_drawn = min(asked[:4], key=lambda one: errors.get(asked.index(one), 0.9))
    assert all(apart(one, best_drawn) <= 1 for one in asked[4:9])
    best = strategy.best(1)[0]
    assert all(apart(one, best) <= 1 for one in asked[9:])


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="random"):
        RandomThenNear(flat_space(), random=0)
