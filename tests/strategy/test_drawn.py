from nasturtium.architecture import Architecture
from nasturtium.protocols import Candidate
from nasturtium.strategy.drawn import Drawn, nearest


class Numbered(Drawn):
    def drawn(self, number):
        return Candidate(Architecture("toy", (number,)))


def test_asking_one_by_one_asks_the_same():
    apart, together = Numbered(), Numbered()
    assert [apart.ask(1)[0] for _ in range(5)] == [*together.ask(2), *together.ask(3)]


def test_it_stops_drawing_where_it_is_wanted_and_takes_the_nearest_where_it_never_is():
    def tried(wanted, tries):
        drawn = []

        def draw():
            drawn.append(Architecture("toy", ((7 * len(drawn)) % 10,)))  # 0, 7, 4, 1, 8, 5, 2, 9, 6, 3
            return drawn[-1]

        found = nearest(draw, lambda one: abs(one.choices[0] - wanted), tries)
        return found.choices[0], len(drawn)

    assert tried(1, 100) == (1, 4)
    assert tried(3, 4) == (4, 4)  # the first of 4 and 2, were there more
    assert tried(20, 1) == (0, 1)
