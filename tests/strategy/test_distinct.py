"""No network is evaluated twice."""

from nasturtium.architecture import Mixture
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
