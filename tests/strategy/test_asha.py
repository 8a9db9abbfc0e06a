"""ASHA promotes the top 1 / eta of what is known, looks again at each ask, and never idles."""

from nasturtium.protocols import Candidate, Trial
from nasturtium.space.blocks import classifier, conv
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.strategy.asha import ASHA
from nasturtium.testing.toys import flat_space, toy_metrics


def large_space():
    widths = [conv(choice(4, 8, 12), kernel=choice(1, 3, 5)) for _ in range(4)]
    return Space(*widths, classifier(), name="large")


def tell(strategy, candidate, error, number=-1, **changes):
    candidate = Candidate(candidate.point, candidate.fidelity, candidate.parent, number)
    strategy.tell([Trial(candidate, **({"metrics": {"error": error}} | changes))])


def test_only_the_top_third_is_promoted_and_the_best_first():
    strategy = ASHA(flat_space())
    asked = strategy.ask(6)
    for number, (candidate, error) in enumerate(zip(asked, (0.6, 0.1, 0.5, 0.2, 0.4, 0.3), strict=True)):
        tell(strategy, candidate, error, number)
    after = strategy.ask(3)
    assert [(one.fidelity, one.parent) for one in after] == [(3, 1), (3, 3), (1, None)]
    assert [one.point for one in after[:2]] == [asked[1].point, asked[3].point]


def test_two_results_promote_none():
    strategy = ASHA(flat_space())
    for candidate in strategy.ask(2):
        tell(strategy, candidate, 0.1)
    assert strategy.ask(1)[0].fidelity == 1


def test_who_is_not_among_the_best_now_may_be_later():
    strategy = ASHA(flat_space())
    asked = strategy.ask(6)
    for number in range(3):
        tell(strategy, asked[number], (0.2, 0.1, 0.3)[number], number)
    assert strategy.ask(2)[0].parent == 1  # the top third of three is one
    for number in range(3, 6):
        tell(strategy, asked[number], 0.9, number)
    assert strategy.ask(1)[0].parent == 0  # of six it is two: the second was passed over, and is no more


def test_the_highest_rung_that_can_promote_comes_first():
    strategy = ASHA(flat_space())
    asked = strategy.ask(9)
    for number, candidate in enumerate(asked):
        tell(strategy, candidate, number / 10, number)
    second = strategy.ask(3)
    for number, candidate in enumerate(second):
        tell(strategy, candidate, number / 20, 9 + number)
    (third,) = strategy.ask(1)
    assert (third.fidelity, third.parent, third.point) == (9, 9, asked[0].point)


def test_failed_count_as_the_worst_and_infeasible_do_not_count():
    strategy = ASHA(flat_space())
    good, failed, infeasible = strategy.ask(3)
    tell(strategy, good, 0.5, 0)
    tell(strategy, failed, 0.0, 1, status="failed")
    tell(strategy, infeasible, 0.0, 2, status="infeasible")
    (fourth,) = strategy.ask(1)
    assert fourth.fidelity == 1  # two count: a third of that is none
    tell(strategy, fourth, 0.0, 3, status="failed")
    assert strategy.ask(1)[0].point == good.point


def test_it_never_idles():
    space = large_space()
    strategy = ASHA(space)
    waiting = list(strategy.ask(8))
    for number in range(200):
        candidate = waiting.pop(number * 5 % 8)
        tell(strategy, candidate, toy_metrics(space, candidate.point)["error"], number)
        asked = strategy.ask(1)
        assert len(asked) == 1
        waiting += asked
    assert {candidate.fidelity for candidate in waiting} <= {1, 3, 9}


def test_about_one_in_three_goes_on_from_each_rung():
    space = large_space()
    strategy, counts = ASHA(space), {1: 0, 3: 0, 9: 0}
    for number in range(300):
        (candidate,) = strategy.ask(1)
        counts[candidate.fidelity] += 1
        tell(strategy, candidate, toy_metrics(space, candidate.point)["error"], number)
    # A little more than a third: who was promoted early may be passed by others, who go on as well.
    assert 0.9 < counts[3] / (counts[1] / 3) < 1.25
    assert 0.9 < counts[9] / (counts[3] / 3) < 1.4
