"""Rewards and advantages."""

import pytest

from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Constraint, subject_to
from nasturtium.protocols import Candidate, Trial
from nasturtium.strategy.lessons import Lessons
from nasturtium.testing.strategy import TWO
from nasturtium.testing.toys import flat_space

SPACE = flat_space()


def lessons(objectives=ERROR, **given):
    return Lessons(objectives, **({"seed": 0, "power": 1.0, "decay": 0.9, "batch": 1} | given))


def told(taught, rank, metrics, status="ok"):
    """Asks for an architecture and tells its result; the lessons."""
    architecture = SPACE.unrank(rank)
    taught.ask(architecture)
    return taught.tell(Trial(Candidate(architecture), metrics, status))


def advantages(taught, *errors):
    return [told(taught, i, {"error": error})[0].advantage for i, error in enumerate(errors)]


def test_the_baseline_is_the_average_of_the_rewards_before():
    # Rewards 0.5, 0.7, 0.9; averages before them 0, 0.5, (0.9 * 0.5 + 0.7) / 1.9.
    expected = [0.5, 0.2, 0.9 - (0.9 * 0.5 + 0.7) / 1.9]
    assert advantages(lessons(), 0.5, 0.3, 0.1) == pytest.approx(expected)


def test_advantages_in_standard_deviations_do_not_depend_on_the_scale():
    one, other = (
        advantages(lessons(standard=True), *(0.5 + scale * error for error in (0.0, 0.3, -0.2, 0.1)))
        for scale in (1.0, 0.01)
    )
    assert one == pytest.approx(other)
    # The first has nothing to be compared with; the second is one deviation, its own, from it.
    assert one[:2] == pytest.approx([0, -1])
    assert one[2] > 1


def test_the_reward_is_a_power_of_the_accuracy():
    assert advantages(lessons(power=3), 0.5) == pytest.approx([0.125])
    assert advantages(lessons(power=3), 1.5) == pytest.approx([-0.125])  # a loss may be above 1


def test_a_failure_is_rewarded_like_the_worst_so_far():
    taught = lessons(decay=0)  # the baseline is the reward before
    assert told(taught, 0, {}, "failed") == []  # nothing to compare with
    told(taught, 1, {"error": 0.4})
    told(taught, 2, {"error": 0.2})
    assert [lesson.advantage for lesson in told(taught, 3, {}, "failed")] == pytest.approx([0.6 - 0.8])
    assert [lesson.advantage for lesson in told(taught, 4, {"error": float("nan")})] == pytest.approx([0.0])
    assert taught.best(9) == [SPACE.unrank(2), SPACE.unrank(1)]


def test_a_broken_constraint_is_rewarded_like_the_worst_so_far():
    bounded = subject_to(ERROR, [Constraint("params", "<=", 10)])
    taught = lessons(bounded, decay=0)
    told(taught, 0, {"error": 0.4, "params": 5})
    told(taught, 1, {"error": 0.2, "params": 5})
    (lesson,) = told(taught, 2, {"error": 0.1, "params": 50})
    assert lesson.advantage == pytest.approx(0.6 - 0.8)
    assert taught.best(1) == [SPACE.unrank(1)]


def test_what_was_not_asked_for_teaches_nothing_but_may_be_the_best():
    taught = lessons()
    assert taught.tell(Trial(Candidate(SPACE.unrank(7)), {"error": 0.1})) == []
    assert taught.baseline == 0
    assert taught.best(1) == [SPACE.unrank(7)]


def test_each_draw_of_an_architecture_is_a_lesson_of_its_own():
    taught, architecture = lessons(), SPACE.unrank(3)
    taught.ask(architecture, -1.0)
    taught.ask(architecture, -2.0)
    trial = Trial(Candidate(architecture), {"error": 0.1})
    assert [taught.tell(trial)[0].log_prob for _ in range(2)] == [-1.0, -2.0]
    assert taught.tell(trial) == []


def test_lessons_come_in_batches():
    taught = lessons(batch=3)
    sizes = [len(told(taught, i, {"error": 0.1})) for i in range(7)]
    assert sizes == [0, 0, 3, 0, 0, 3, 0]


def test_several_objectives_are_a_reward_between_0_and_1():
    taught = lessons(TWO, decay=0)
    for i, (error, params) in enumerate([(0.5, 9e6), (0.1, 8e6), (0.9, 1e6), (0.2, 2e6)]):
        (lesson,) = told(taught, i, {"error": error, "params": params})
        assert -1.1 <= lesson.advantage <= 1.1


@pytest.mark.parametrize("given", [{"power": 0}, {"decay": 1}, {"batch": 0}])
def test_parameters_that_make_no_sense_are_refused(given):
    with pytest.raises(ConfigError, match="they must be above 0"):
        lessons(**given)
