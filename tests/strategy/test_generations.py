import numpy as np

from nasturtium.front.objectives import Objective
from nasturtium.protocols import Trial
from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.strategy.generations import GenerationalEvolution
from nasturtium.testing.strategy import tell_all
from nasturtium.testing.toys import conditional_space, flat_space


def after_first_generation(space, **parameters):
    strategy = GenerationalEvolution(space, **parameters)
    strategy.tell(tell_all(space, strategy.ask(strategy.population)))
    return strategy


def distances(space, one, parents):
    return min(space.distance(one, parent) for parent in parents)


def test_half_of_a_generation_is_crossed_and_half_mutated():
    space = nasbench201()
    strategy = after_first_generation(space, seed=1)
    parents = strategy.best(10)
    children = [candidate.point for candidate in strategy.ask(50)]
    for child in children[:25]:  # every option is that of a parent
        for place, option in enumerate(child.choices):
            assert option in {parent.choices[place] for parent in parents}
    assert all(distances(space, child, parents) >= 1 for child in children[25:])


def test_mutants_change_each_decision_with_the_given_probability():
    space = nasbench201()
    strategy = after_first_generation(space, seed=2, crossovers=0, mutation=0.3, parents=1)
    (parent,) = strategy.best(1)
    rng = np.random.default_rng(0)
    changed = [space.distance(strategy._mutant(rng), parent) for _ in range(2000)]
    # A decision is drawn again with probability 0.3, and is then another option 4 times of 5.
    assert abs(np.mean(changed) / 6 - 0.3 * 0.8) < 0.01


def test_nothing_is_asked_twice_while_there_is_something_new():
    space = nasbench201()
    strategy = GenerationalEvolution(space, population=20, crossovers=10)
    asked = []
    for _ in range(5):
        candidates = strategy.ask(20)
        strategy.tell(tell_all(space, candidates))
        asked += candidates
    assert len({candidate.point for candidate in asked}) > 95  # random ones of the first may coincide


def test_the_infeasible_do_not_count_in_a_generation():
    space = flat_space()
    strategy = GenerationalEvolution(space, population=5, crossovers=2, parents=2)
    strategy.tell([Trial(candidate, {}, "infeasible") for candidate in strategy.ask(5)])
    assert strategy._best == []
    strategy.tell(tell_all(space, strategy.ask(5)))
    assert len(strategy._best) == 2


def test_it_gets_better_than_random():
    space = conditional_space()
    objective = Objective("error")
    strategy = GenerationalEvolution(space, population=10, crossovers=5, parents=4, mutation=0.2)
    first = tell_all(space, strategy.ask(10))
    strategy.tell(first)
    for _ in range(6):
        last = tell_all(space, strategy.ask(10))
        strategy.tell(last)
    means = [np.mean([objective(trial.metrics) for trial in trials]) for trials in (first, last)]
    assert means[1] < means[0]
