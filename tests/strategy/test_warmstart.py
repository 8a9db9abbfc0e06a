"""A search that starts from seeds and earlier results begins better, whatever their scale."""

from functools import partial

import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.names import table_named
from nasturtium.seeds import rng_for
from nasturtium.space.blocks import classifier, conv
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.strategy.random import RandomSearch
from nasturtium.strategy.warmstart import Warmstarted, carried, rank
from nasturtium.testing.toys import conditional_space, flat_space, single_space, toy_metrics

TWO = (Objective("error"), Objective("params"))


def prior_of(space, count, change=lambda error: error):
    sampled = [space.sample(rng_for(0, "prior", i)) for i in range(count)]
    trials = [Trial(Candidate(one, number=i), toy_metrics(space, one)) for i, one in enumerate(sampled)]
    return [Trial(t.candidate, t.metrics | {"error": change(t.metrics["error"])}) for t in trials]


def course(strategy, space, trials):
    found = []
    for number in range(trials):
        (asked,) = strategy.ask(1)
        found.append(Trial(Candidate(asked.point, number=number), toy_metrics(space, asked.point)))
        strategy.tell(found[-1:])
    return found


def test_seeds_come_first_in_their_order_each_once():
    space = flat_space()
    seeds = [space.unrank(rank) for rank in (40, 3, 40, 77)]
    strategy = Warmstarted(space, seeds=seeds)
    assert [space.rank(one.point) for one in strategy.ask(3)] == [40, 3, 77]
    inner = RegularizedEvolution(space)
    assert strategy.ask(4) == inner.ask(4)


def test_without_a_prior_the_inner_strategy_is_told_what_is_told():
    space = flat_space()
    alone, warm = RegularizedEvolution(space, seed=2), Warmstarted(space, seed=2)
    assert course(alone, space, 40) == course(warm, space, 40)


def test_the_best_of_each_earlier_task_come_next():
    space = flat_space()
    prior = prior_of(space, 20)
    ranked = sorted(prior, key=lambda trial: trial.metrics["error"])
    best = list(dict.fromkeys(trial.architecture for trial in ranked))[:3]
    seed = space.unrank(5)
    asked = Warmstarted(space, seeds=[seed], prior=[prior], first=3).ask(4)
    assert [one.point for one in asked] == [seed, *best]


def test_ranks_decide_and_scales_do_not():
    space = conditional_space()
    plain = Warmstarted(space, prior=[prior_of(space, 30)])
    scaled = Warmstarted(space, prior=[prior_of(space, 30, lambda error: 100 * error**3 - 7)])
    assert course(plain, space, 40) == course(scaled, space, 40)


def test_quantiles_are_normal_and_ties_share_theirs():
    space = flat_space()
    errors = (0.3, 0.1, 0.3, 0.9)
    trials = [Trial(Candidate(space.unrank(i)), {"error": error}) for i, error in enumerate(errors)]
    found = [quantile[0] for quantile in rank(ERROR, trials).quantiles.values()]
    # Standard normal quantiles of 1/8, 1/2 and 7/8.
    assert found == pytest.approx([0.0, -1.1503, 0.0, 1.1503], abs=1e-4)


def test_results_of_this_task_are_lifted_to_what_is_known_of_the_same_networks():
    space, heard = flat_space(), []

    class Listening(RandomSearch):
        def tell(self, trials):
            heard.append([trial.metrics["warm_quantile0"] for trial in trials])

    prior = prior_of(space, 40)
    strategy = Warmstarted(space, inner=Listening, prior=[prior], first=1)
    known = rank(ERROR, prior)
    (candidate,) = strategy.ask(1)
    strategy.tell([Trial(candidate, {"error": 0.77})])
    strategy.ask(1)
    assert heard[-1] == [pytest.approx(known.quantiles[known.order[0]][0])]


def test_a_fresh_inner_strategy_hears_everything_when_results_have_doubled():
    space, made = flat_space(), []

    class Counting(RandomSearch):
        def __init__(self, space, **settings):
            super().__init__(space, **settings)
            self.heard = 0
            made.append(self)

        def tell(self, trials):
            self.heard += len(trials)

    prior = prior_of(space, 10)
    known = len(rank(ERROR, prior).order)
    course(Warmstarted(space, inner=Counting, prior=[prior], first=0), space, 17)
    assert [strategy.heard - known for strategy in made] == [1, 3, 7, 15, 16]
    assert len({strategy.seed for strategy in made}) == len(made)


def test_only_this_task_is_among_the_best():
    space = flat_space()
    strategy = Warmstarted(space, prior=[prior_of(space, 20)])
    assert strategy.best(3) == []
    trials = course(strategy, space, 8)
    assert set(strategy.best(30)) == {trial.architecture for trial in trials}


def test_failed_earlier_trials_are_left_out():
    space = flat_space()
    failed = [Trial(Candidate(space.unrank(i)), {}, "failed", "then") for i in range(5)]
    assert course(Warmstarted(space, prior=[failed]), space, 10) == course(Warmstarted(space), space, 10)


@pytest.mark.parametrize("objectives", [ERROR, TWO])
def test_the_inner_strategy_goes_on_from_the_best_of_before(objectives):
    space = conditional_space()
    inner = partial(RegularizedEvolution, population=10)
    warm = [
        trial.metrics["error"]
        for seed in range(5)
        for trial in course(
            Warmstarted(space, seed=seed, objectives=objectives, inner=inner, prior=[prior_of(space, 60)]),
            space,
            15,
        )
    ]
    cold = [
        trial.metrics["error"]
        for seed in range(5)
        for trial in course(RegularizedEvolution(space, seed=seed, objectives=objectives), space, 15)
    ]
    assert np.mean(warm) < np.mean(cold) - 0.1 * (len(objectives) == 1)


def test_trials_are_carried_to_a_space_that_has_their_networks():
    def grown(*widths):
        return Space(conv(choice(*widths)), classifier(), name=f"grown {len(widths)}")

    old, new = grown(4, 8, 16), grown(8, 16, 32)
    trials = [Trial(Candidate(one, 3, 7, number=i), {"error": i / 9}) for i, one in enumerate(old)]
    moved = carried(old, new, trials)
    assert [new.text(trial.architecture) for trial in moved] == [old.text(t.architecture) for t in trials[1:]]
    assert all(trial.candidate.parent is None and trial.candidate.fidelity == 3 for trial in moved)
    assert carried(single_space(), new, [Trial(Candidate(single_space().unrank(0)))]) == []


def test_strangers_are_refused():
    space, other = flat_space(), conditional_space()
    with pytest.raises(ConfigError, match="1 of the 1 architectures given"):
        Warmstarted(space, seeds=[other.unrank(0)])
    with pytest.raises(ConfigError, match="not of flat"):
        Warmstarted(space, prior=[prior_of(other, 3)])
    with pytest.raises(ConfigError, match="first is -1"):
        Warmstarted(space, first=-1)


def test_nasbench201_another_data_set_is_a_good_start():
    """Cells found good on CIFAR-100 begin a search on CIFAR-10, each trained 12 epochs.

    The two rank cells alike (Spearman 0.97, computed on the table), so that 100 random results of the one are
    worth more to the other than the 25 evaluations made here.
    """
    table, other = (table_named(f"nasbench201/{name}/12") for name in ("cifar10", "cifar100"))
    space = table.space

    def regret(make, seed):
        strategy = Distinct(make(seed), space.canonical)
        for number in range(25):
            (asked,) = strategy.ask(1)
            strategy.tell([table.trial(Candidate(asked.point, number=number))])
        return table.truth(strategy.best(1)[0])["error"] - table.optimum("error")

    def prior(seed):
        cells = [other.space.sample(rng_for(seed, "cifar100", i)) for i in range(100)]
        return carried(other.space, space, [other.trial(Candidate(one)) for one in cells])

    cold = [regret(lambda seed: RegularizedEvolution(space, seed=seed), seed) for seed in range(12)]
    warm = [
        regret(lambda seed: Warmstarted(space, seed=seed, prior=[prior(seed)]), seed) for seed in range(12)
    ]
    assert np.mean(warm) < 0.6 * np.mean(cold)
