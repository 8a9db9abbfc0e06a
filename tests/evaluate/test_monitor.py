"""What a monitor sees of series made by hand."""

import math

import numpy as np
import pytest

from nasturtium.architecture import Mixture
from nasturtium.evaluate.alarms import alarms
from nasturtium.evaluate.course import read_course
from nasturtium.evaluate.monitor import Monitor, entropy
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.names import space_named
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.nasbench201 import OPS, from_ops
from nasturtium.strategy.darts import DARTS
from nasturtium.strategy.fair import FairPaths
from nasturtium.strategy.path_dropout import PathDropout
from nasturtium.strategy.paths import UniformPaths
from nasturtium.testing.toys import conditional_space

SPACE = space_named("nasbench201")
NONE, SKIP, POOL = OPS.index("none"), OPS.index("skip_connect"), OPS.index("avg_pool_3x3")


def path(*ops, **metrics):
    return Trial(Candidate(from_ops(SPACE, ops)), {"loss": 1.0, "error": 0.5, **metrics})


def mixture(row, *, gradient=True, **metrics):
    """The same distribution on all edges."""
    point = Mixture(SPACE.fingerprint, (tuple(row),) * 6)
    slope = np.zeros(30) if gradient else None
    return Trial(Candidate(point), {"loss": 1.0, "error": 0.5, **metrics}, gradient=slope)


def watched(trials, total=None):
    monitor = Monitor(SPACE, total or len(trials))
    for trial in trials:
        monitor.fold([trial])
    return monitor.course


def test_entropy_is_a_share_of_the_largest():
    assert entropy([np.full(5, 0.2)]) == pytest.approx(1.0)
    assert entropy([np.array([1.0, 0.0, 0.0])]) == 0.0
    assert entropy([np.array([0.5, 0.5, 0.0, 0.0])]) == pytest.approx(0.5)  # ln 2 / ln 4
    assert entropy([np.array([0.5, 0.5]), np.array([1.0, 0.0]), np.ones(1), np.zeros(3)]) == pytest.approx(
        0.5
    )
    assert math.isnan(entropy([np.ones(1)]))


def test_shares_are_of_what_something_flows_through():
    network = ("none", "skip_connect", "skip_connect", "nor_conv_3x3", "avg_pool_3x3", "none")
    course = watched([path(*network)])
    assert course.skips == (0.5,)  # two of four
    assert course.weightless == (0.75,)  # and the pooling
    assert course.entropy == (0.0,)
    assert not course.learned
    assert course.derived == ()


def test_a_network_of_nothing_has_no_weights():
    course = watched([path(*["none"] * 6)])
    assert (course.skips, course.weightless) == ((0.0,), (1.0,))


def test_what_a_gradient_teaches_is_judged_by_its_argmax():
    row = (0.3, 0.21, 0.2, 0.19, 0.1)
    assert watched([mixture(row)]).derived == (NONE,) * 6
    course = watched([mixture((0.1, 0.3, 0.2, 0.2, 0.2))])
    assert course.learned
    assert course.derived == (SKIP,) * 6
    assert (course.skips, course.weightless) == ((1.0,), (1.0,))
    plain = watched([mixture((0.1, 0.3, 0.2, 0.2, 0.2), gradient=False)])
    assert plain.skips == pytest.approx((0.3 / 0.9,))
    assert plain.weightless == pytest.approx((0.5 / 0.9,))


def test_what_the_method_would_pick_goes_before_what_its_mixture_says():
    picked = from_ops(SPACE, ["nor_conv_3x3"] * 6)
    monitor = Monitor(SPACE, 1, pick=lambda k: [picked][:k])
    monitor.fold([mixture((0.1, 0.6, 0.1, 0.1, 0.1))])
    assert (monitor.course.derived, monitor.course.skips) == (picked.choices, (0.0,))
    silent = Monitor(SPACE, 1, pick=lambda k: [])
    silent.fold([mixture((0.1, 0.6, 0.1, 0.1, 0.1))])
    assert silent.course.derived == (SKIP,) * 6


def test_a_mixture_is_looked_at_as_it_is_now_and_paths_over_the_last_fifty():
    soft = watched([mixture((0.2,) * 5)] * 10 + [mixture((0.9, 0.1, 0.0, 0.0, 0.0))] * 10, total=20)
    assert soft.steps == tuple(range(1, 21))
    assert soft.entropy[9] == pytest.approx(1.0)
    assert soft.entropy[10] == pytest.approx((-0.9 * math.log(0.9) - 0.1 * math.log(0.1)) / math.log(5))
    one, other = path(*["skip_connect"] * 6), path(*["nor_conv_1x1"] * 6)
    hard = watched([one, other] * 30, total=60)
    assert hard.entropy[-1] == pytest.approx(math.log(2) / math.log(5))
    assert hard.skips[-1] == 0.5


def test_series_are_means_since_the_look_before():
    trials = [path(*["none"] * 6, loss=float(number)) for number in range(100)]
    course = watched(trials)
    assert course.steps == tuple(range(2, 101, 2))
    assert course.loss[:2] == (0.5, 2.5)
    assert all(math.isnan(error) for error in course.error)  # of paths there is no validation error
    mixed = watched([mixture((0.2,) * 5, train_loss=3.0, error=0.25)] * 4, total=4)
    assert mixed.loss == (3.0,) * 4
    assert mixed.error == (0.25,) * 4


def test_a_training_that_ends_between_two_looks_has_a_last_one():
    assert watched([path(*["none"] * 6)] * 101, total=101).steps[-2:] == (99, 101)


def test_a_training_that_is_stopped_has_a_last_look():
    monitor = Monitor(SPACE, 500)
    for _ in range(15):
        monitor.fold([path(*["none"] * 6)])
    assert (monitor.course.steps, monitor.course.ended) == ((10,), False)
    monitor.end()
    assert (monitor.course.steps, monitor.course.ended) == ((10, 15), True)
    monitor.end()
    assert monitor.course.steps == (10, 15)


def test_counts_are_of_points_in_which_an_option_ran():
    ops = ("nor_conv_3x3",) * 5 + ("none",)
    active = ((0, 1),) * 6
    point = Mixture(SPACE.fingerprint, ((1.0, 0.0, 0.0, 0.0, 0.0),) * 6, active)
    course = watched([path(*ops), path(*ops), Trial(Candidate(point), {"loss": 1.0})])
    assert course.counts[0] == (1, 1, 0, 2, 0)
    assert course.counts[5] == (3, 1, 0, 0, 0)


def test_a_decision_that_does_not_exist_is_not_trained():
    space = conditional_space()
    monitor = Monitor(space, 1)
    monitor.fold([Trial(Candidate(space.unrank(0)), {"loss": 1.0})])
    exists = [sum(row) for row in monitor.course.counts]
    assert exists == [int(one) for one in space.active(space.unrank(0))]


def test_rewards_are_no_steps():
    monitor = Monitor(SPACE, 10)
    reward = Trial(Candidate(from_ops(SPACE, ["none"] * 6), fidelity=0), {"error": 0.1})
    assert not monitor.fold([reward])
    assert monitor.step == 0
    assert monitor.course.steps == ()
    assert sum(map(sum, monitor.course.counts)) == 0


def test_failed_steps_have_no_loss():
    failed = Trial(Candidate(from_ops(SPACE, ["none"] * 6)), {"loss": math.nan}, "failed", "diverged")
    assert math.isnan(watched([failed]).loss[0])


def test_eigenvalues_are_kept_with_their_steps():
    trials = [
        mixture((0.2,) * 5),
        mixture((0.2,) * 5, eigenvalue=0.3),
        mixture((0.2,) * 5, eigenvalue=math.nan),
    ]
    course = watched(trials)
    assert course.eigenvalues == ((2, 0.3),)
    assert course.metrics["eigenvalue"] == 0.3


def test_a_course_is_read_as_it_was_written():
    course = watched([path(*["none"] * 6), mixture((0.2,) * 5, eigenvalue=1.5)])
    again = read_course(course.table())
    assert repr(again) == repr(course)  # NaN is not equal to itself


def test_metrics_are_the_last_looks_and_the_extremes_of_counts():
    course = watched([path("skip_connect", *["nor_conv_3x3"] * 5)] * 2)
    assert course.metrics == {
        "entropy": 0.0,
        "skips_share": pytest.approx(1 / 6),
        "weightless_share": pytest.approx(1 / 6),
        "least_trained": 0.0,
        "most_trained": 2.0,
    }


def descended(seed, steps, *, pull):
    """DARTS on a loss that likes skips, from the first step on: the toy of its collapse."""
    strategy, monitor = DARTS(SPACE, seed=seed, learning_rate=0.05), Monitor(SPACE, steps)
    worth = np.tile(np.where(np.arange(5) == SKIP, -pull, 0.0), 6)
    noise = rng_for(seed, "tests/monitor")
    course, seen = [], []
    for step in range(1, steps + 1):
        slope = worth + 0.01 * noise.standard_normal(30)
        trial = Trial(strategy.ask(1)[0], {"loss": 1.0, "error": 0.5}, gradient=slope)
        strategy.tell([trial])
        if monitor.fold([trial]):
            course.append(step)
            seen += [(step, alarm.name) for alarm in alarms(monitor.course)]
    return monitor.course, seen


def test_a_collapse_is_told_long_before_the_end():
    course, seen = descended(0, 200, pull=1.0)
    assert course.derived == (SKIP,) * 6
    assert min(step for step, name in seen if name == "skips") <= 40
    assert min(step for step, name in seen if name == "entropy") <= 100


@pytest.mark.parametrize("sampler", [UniformPaths, FairPaths, lambda s, seed: PathDropout(s, 400, seed=seed)])
def test_sampling_at_random_gives_no_warning(sampler):
    for seed in range(3):
        strategy, monitor = sampler(SPACE, seed=seed), Monitor(SPACE, 400)
        for step in range(1, 401):
            monitor.fold([Trial(one, {"loss": 1.0, "error": 0.5}) for one in strategy.ask(1)])
            if step % 40 == 0:
                assert alarms(monitor.course) == []
        assert min(monitor.course.entropy[6:]) > 0.8
