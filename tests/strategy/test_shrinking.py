import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import ConfigError
from nasturtium.space.zoo.ofa import ofa
from nasturtium.strategy.sandwich import extremes
from nasturtium.strategy.shrinking import PHASES, ProgressiveShrinking


@pytest.fixture(scope="module")
def space():
    return ofa().bind((3, 32, 32), 10)


@pytest.fixture(scope="module")
def macs(space):
    counted = Counted(space)
    return lambda architecture: counted.counts(architecture).macs


def kinds(space, sampler, step):
    """Kinds of decisions that are open at a step, with the most options of each."""
    found = {}
    for decision, options in zip(space.decisions, sampler.open_at(step), strict=True):
        kind = decision.path.rpartition(".")[2]
        found[kind] = max(found.get(kind, 0), len(options))
    return found


def test_kernels_open_first_then_depths_then_expansions(space, macs):
    # Cai et al. 2020, appendix: 125, 25, 125, 25 and 125 epochs; two depths or expansions before all.
    sampler = ProgressiveShrinking(space, macs, 425)
    opened = [kinds(space, sampler, step) for step in (0, 124, 125, 150, 275, 300, 424)]
    closed = {"side": 4, "kernel": 3, "times": 1, "expand": 1}
    assert opened[:2] == [closed] * 2
    assert opened[2] == closed | {"times": 2}
    assert opened[3] == closed | {"times": 3}
    assert opened[4] == closed | {"times": 3, "expand": 2}
    assert opened[5:] == [{"side": 4, "kernel": 3, "times": 3, "expand": 3}] * 2
    assert sum(phase.share for phase in PHASES) == pytest.approx(1)


def test_what_is_not_open_is_as_in_the_largest_network(space, macs):
    sampler = ProgressiveShrinking(space, macs, 10, paths=2)
    largest = extremes(space, macs)[1]
    first = [candidate.point for candidate in sampler.ask(4)]
    for one in first:
        changed = {
            decision.path.rpartition(".")[2]
            for decision, a, b in zip(space.decisions, one.choices, largest.choices, strict=True)
            if a != b
        }
        assert changed <= {"kernel", "side"}
    assert len(set(first)) == 4


def test_the_largest_network_comes_first_alone(space, macs):
    asked = [one.point for one in ProgressiveShrinking(space, macs, 10, alone=3, paths=2).ask(5)]
    largest = extremes(space, macs)[1]
    assert asked[:3] == [largest] * 3
    assert (
        asked[3:] == [one.point for one in ProgressiveShrinking(space, macs, 10, alone=3, paths=2).ask(5)][3:]
    )
    assert len(set(asked[3:])) == 2


def test_options_next_to_the_largest_open_first(space, macs):
    sampler = ProgressiveShrinking(space, macs, 425)
    index = next(i for i, d in enumerate(space.decisions) if d.path == "stage2.times")
    assert {space.decisions[index].options[i] for i in sampler.open_at(130)[index]} == {2, 3}


def test_asking_one_by_one_asks_the_same(space, macs):
    apart, together = (ProgressiveShrinking(space, macs, 3) for _ in range(2))
    assert [apart.ask(1)[0] for _ in range(9)] == together.ask(9)


def test_what_cannot_be_is_said(space, macs):
    with pytest.raises(ConfigError, match="0 steps"):
        ProgressiveShrinking(space, macs, 0)
