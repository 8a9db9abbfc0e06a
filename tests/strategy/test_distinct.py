"""No network is evaluated twice."""

import pytest

from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Trial
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.exhaustive import Exhaustive
from nasturtium.testing.strategy import tell_all
from nasturtium.testing.toys import conditional_space, flat_space


class Scripted:
    """Asks what it was given, and remembers what it is told."""

    def __init__(self, candidates):
        self.left = list(candidates)
        self.told = []

    def ask(self, n):
        asked, self.left = self.left[:n], self.left[n:]
        return asked

    def tell(self, trials):
        self.told += trials

    def best(self, k):
        return list(dict.fromkeys(trial.architecture for trial in self.told))[:k]


def test_no_network_is_asked_for_twice_and_in_the_end_nothing():
    space = conditional_space()
    strategy = Distinct(Exhaustive(space, order="random"), space.canonical)
    forms = []
    while asked := strategy.ask(3):
        forms += [space.canonical(candidate.point) for candidate in asked]
        strategy.tell(tell_all(space, asked))
    assert len(forms) == len(set(forms))
    assert set(forms) == {space.canonical(architecture) for architecture in space}


def test_a_repeat_is_told_again_with_its_own_candidate():
    space = flat_space()
    one, other = space.unrank(0), space.unrank(1)
    inner = Scripted([Candidate(one), Candidate(one), Candidate(one), Candidate(other)])
    strategy = Distinct(inner, space.canonical)
    (first,) = strategy.ask(1)
    strategy.tell([Trial(Candidate(one, number=0), {"error": 0.5})])
    assert strategy.ask(1) == [Candidate(other)]
    assert [trial.metrics["error"] for trial in inner.told] == [0.5] * 3
    assert first == Candidate(one)


def test_a_repeat_of_a_pending_one_waits_for_the_result():
    space = flat_space()
    one, other = space.unrank(0), space.unrank(1)
    inner = Scripted([Candidate(one), Candidate(one), Candidate(other), Candidate(one)])
    strategy = Distinct(inner, space.canonical)
    assert strategy.ask(3) == [Candidate(one), Candidate(other)]
    assert inner.told == []
    strategy.tell([Trial(Candidate(one, number=0), {"error": 0.5})])
    assert len(inner.told) == 3


def test_equal_networks_are_one_and_the_evaluated_one_is_best():
    space = flat_space()
    one, other = space.unrank(0), space.unrank(1)
    inner = Scripted([Candidate(one), Candidate(other)])
    strategy = Distinct(inner, lambda architecture: "the same")
    assert strategy.ask(2) == [Candidate(one)]
    strategy.tell([Trial(Candidate(one), {"error": 0.5})])
    assert {trial.architecture for trial in inner.told} == {one, other}
    assert strategy.best(5) == [one]


def test_other_fidelities_parents_and_mixtures_pass():
    space = flat_space()
    one = space.unrank(0)
    mixture = Mixture(space.fingerprint, ((1.0,),))
    asked = [Candidate(one), Candidate(one, 3), Candidate(one, 3, parent=1), Candidate(one, 3, parent=1)]
    asked += [Candidate(mixture), Candidate(mixture)]
    strategy = Distinct(Scripted(asked), space.canonical)
    assert strategy.ask(10) == asked
    strategy.tell([Trial(candidate, {"error": 0.5}) for candidate in asked])


def test_tries_are_bounded():
    space = flat_space()
    inner = Scripted([Candidate(space.unrank(0))] * 50 + [Candidate(space.unrank(1))])
    strategy = Distinct(inner, space.canonical, tries=10)
    strategy.tell([Trial(*strategy.ask(1), {"error": 0.5})])
    assert strategy.ask(5) == []
    assert len(inner.left) == 40


def test_what_never_repeats_passes_unchanged():
    space = flat_space()
    assert Distinct(Exhaustive(space), repr).ask(100) == Exhaustive(space).ask(100)


class Stubborn:
    """Asks for one and the same network, and remembers what it is told."""

    def __init__(self, space):
        self.space, self.told = space, []

    def ask(self, n):
        return [Candidate(self.space.unrank(3))] * n

    def tell(self, trials):
        self.told += trials

    def best(self, k):
        return []


def test_where_a_method_has_made_up_its_mind_another_one_goes_on_to_the_end_of_the_space():
    space = conditional_space()
    inner = Stubborn(space)
    strategy = Distinct(inner, space.canonical, other=Exhaustive(space, order="random"))
    forms = []
    while asked := strategy.ask(1):
        forms += [space.canonical(candidate.point) for candidate in asked]
        strategy.tell(tell_all(space, asked))
    assert forms[0] == space.canonical(space.unrank(3))
    assert len(forms) == len(set(forms))
    assert set(forms) == {space.canonical(architecture) for architecture in space}
    assert len({space.canonical(trial.architecture) for trial in inner.told}) == len(forms)


def test_what_another_method_asks_for_has_the_fidelity_that_was_asked_for():
    space = flat_space()
    inner = Scripted([Candidate(space.unrank(0), 3)] * 60)
    strategy = Distinct(inner, space.canonical, other=Exhaustive(space, order="random"))
    first, second = strategy.ask(2)
    assert (first.fidelity, second.fidelity) == (3, 3)
    assert first.point != second.point


def test_a_method_that_asks_nothing_more_has_come_to_its_end():
    space = flat_space()
    inner = Scripted([Candidate(space.unrank(0))] * 10)
    strategy = Distinct(inner, space.canonical, other=Exhaustive(space, order="random"))
    assert len(strategy.ask(5)) == 1


@pytest.mark.parametrize(
    ("asked", "text"),
    [(None, "returned NoneType"), ([flat_space().unrank(0)], "returned a list of Architecture")],
)
def test_what_is_no_candidate_is_said_to_be_none(asked, text):
    inner = Scripted([])
    inner.ask = lambda n: asked
    with pytest.raises(ConfigError, match=rf"Scripted.ask\(1\) {text}; .*Candidate\(architecture\)"):
        Distinct(inner, flat_space().canonical).ask(1)
