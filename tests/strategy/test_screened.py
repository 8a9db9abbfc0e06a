import math

import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.strategy.paths import UniformPaths
from nasturtium.strategy.sandwich import Sandwich
from nasturtium.strategy.screened import Screened
from nasturtium.testing.toys import flat_space


def loss_of(architecture):
    """A number that differs from network to network."""
    return sum((i + 1) * choice for i, choice in enumerate(architecture.choices)) % 7


def looked_at(candidates):
    return [Trial(one, {"loss": loss_of(one.point)}) for one in candidates]


@pytest.mark.parametrize(("keep", "end"), [("best", min), ("worst", max)])
def test_of_each_group_the_one_with_the_lowest_or_highest_loss_is_trained(keep, end):
    space = flat_space()
    sampler = Screened(space, keep=keep, candidates=3, paths=2)
    for _ in range(5):
        questions = [*sampler.ask(4), *sampler.ask(4)]
        assert [one.fidelity for one in questions] == [0] * 6
        assert sampler.ask(4) == []
        sampler.tell(looked_at(questions))
        trained = sampler.ask(4)
        groups = ([one.point for one in questions[i : i + 3]] for i in (0, 3))
        assert [one.point for one in trained] == [end(group, key=loss_of) for group in groups]
        assert all(one.fidelity is None for one in trained)
        sampler.tell(looked_at(trained))


def test_a_score_asks_nothing_of_the_training():
    space = flat_space()
    plain = UniformPaths(space, seed=0).ask(10)
    groups = [[one.point for one in plain[i : i + 5]] for i in (0, 5)]
    trained = Screened(space, candidates=5, paths=2, score=lambda some: [loss_of(one) for one in some]).ask(2)
    assert [one.point for one in trained] == [min(group, key=loss_of) for group in groups]


def test_what_failed_is_trained_only_where_all_failed():
    sampler = Screened(flat_space(), keep="worst", candidates=3, paths=1)
    questions = sampler.ask(3)
    trials = looked_at(questions)
    sampler.tell([Trial(questions[0], {"loss": math.nan}, "failed"), *trials[1:]])
    (chosen,) = sampler.ask(1)
    assert chosen.point == max((one.point for one in questions[1:]), key=loss_of)
    sampler.tell(looked_at([chosen]))
    questions = sampler.ask(3)
    sampler.tell([Trial(one, {}, "failed") for one in questions])
    assert len(sampler.ask(3)) == 1


def test_a_sandwich_asks_for_losses_before_its_round():
    space = flat_space()
    sandwich = Sandwich(space, loss_of, inner=Screened, paths=4)
    for _ in range(3):
        questions = [*sandwich.ask(4), *sandwich.ask(4)]
        assert [one.fidelity for one in questions] == [0] * 6
        sandwich.tell(looked_at(questions))
        step = sandwich.ask(4)
        assert (*step[:2],) == sandwich.ends
        assert [one.fidelity for one in step] == [None] * 4
        assert {one.point for one in step[2:]} <= {one.point for one in questions}
        assert sandwich.ask(4) == []
        sandwich.tell(looked_at(step))


def test_asking_one_by_one_asks_the_same():
    apart, together = (Sandwich(flat_space(), loss_of, inner=Screened, seed=3) for _ in range(2))
    for _ in range(20):
        once = together.ask(2)
        assert once == [*apart.ask(1), *apart.ask(1)]
        apart.tell(looked_at(once))
        together.tell(looked_at(once))


def test_what_cannot_be_is_said():
    with pytest.raises(ConfigError, match="keep is 'median'"):
        Screened(flat_space(), keep="median")
    with pytest.raises(ConfigError, match="candidates is 0"):
        Screened(flat_space(), candidates=0)
