import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate
from nasturtium.strategy.random import RandomSearch
from nasturtium.strategy.smac import SMAC
from nasturtium.testing.strategy import ONE, TWO, StrategyConformance, tell_all
from nasturtium.testing.toys import conditional_space, flat_space, toy_metrics


def test_without_smac3_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "smac", None)
    with pytest.raises(ConfigError, match=r'pip install "nasturtium\[bo\]"'):
        SMAC(flat_space())


class TestWithSMAC3:
    @pytest.fixture(autouse=True)
    def installed(self):
        pytest.importorskip("smac", exc_type=ImportError)

    def test_its_space_has_the_same_conditions(self):
        space = conditional_space()
        strategy = SMAC(space, ordered=False)
        theirs = strategy._configuration_space()
        theirs.seed(0)
        drawn = {strategy._architecture(dict(one)) for one in theirs.sample_configuration(3000)}
        assert drawn <= set(space)
        assert len(drawn) > 0.9 * space.count
        for one in space:
            taken = dict(strategy._configuration(one))
            here = {d.path for d, there in zip(space.decisions, space.active(one), strict=True) if there}
            assert set(taken) == here, "a decision that exists is not asked about, or one that does not is"

    def test_it_beats_random_search_on_a_toy(self):
        space = flat_space()
        lowest = []
        for make in (
            lambda seed: SMAC(space, seed=seed, startup=6),
            lambda seed: RandomSearch(space, seed=seed),
        ):
            errors = []
            for seed in range(4):
                strategy = make(seed)
                for _ in range(20):
                    strategy.tell(tell_all(space, strategy.ask(1)))
                errors.append(toy_metrics(space, strategy.best(1)[0])["error"])
            lowest.append(np.mean(errors))
        assert lowest[0] < lowest[1]

    def test_another_process_asks_the_same(self):
        script = """
from nasturtium.strategy.smac import SMAC
from nasturtium.testing.strategy import tell_all
from nasturtium.testing.toys import flat_space

space = flat_space()
strategy = SMAC(space, startup=4)
for _ in range(10):
    asked = strategy.ask(1)
    print(asked[0].point.choices)
    strategy.tell(tell_all(space, asked))
"""
        courses = [
            subprocess.run(
                [sys.executable, "-c", script],
                env={**os.environ, "PYTHONHASHSEED": hash_seed},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for hash_seed in ("1", "2")
        ]
        assert courses[0] == courses[1]

    def test_it_never_asks_twice_until_the_space_is_used_up_and_then_goes_on(self):
        space = flat_space()
        strategy = SMAC(space, startup=5, retrain=8)
        asked = []
        for _ in range(90):
            found = strategy.ask(1)
            asked += found
            strategy.tell(tell_all(space, found))
        assert len(asked) == 90
        first = [candidate.point for candidate in asked[:60]]
        assert len(set(first)) == 60

    def test_it_learns_from_what_it_did_not_ask_for(self):
        space = flat_space()
        told, alone = SMAC(space, startup=2), SMAC(space, startup=2)
        told.tell(tell_all(space, [Candidate(space.unrank(rank)) for rank in range(60, 81)]))
        assert told.best(1)
        assert told.ask(6) != alone.ask(6)

    def test_it_writes_no_file_and_leaves_logging_alone(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        handlers = list(logging.getLogger().handlers)
        space = flat_space()
        strategy = SMAC(space, startup=3)
        for _ in range(6):
            strategy.tell(tell_all(space, strategy.ask(1)))
        assert not list(Path.cwd().iterdir())
        assert logging.getLogger().handlers == handlers
        assert capsys.readouterr() == ("", "")

    @pytest.mark.parametrize("wrong", [{"startup": 0}, {"retrain": 0}, {"challengers": 0}])
    def test_what_makes_no_sense_is_refused(self, wrong):
        with pytest.raises(ConfigError, match="must be 1 or more"):
            SMAC(flat_space(), **wrong)


class TestSMACConformance(StrategyConformance):
    budget = 12

    @pytest.fixture(autouse=True)
    def installed(self):
        pytest.importorskip("smac", exc_type=ImportError)

    def cases(self):
        yield flat_space(), ONE
        yield conditional_space(), TWO

    def make(self, space, seed, objectives):
        return SMAC(space, seed=seed, objectives=objectives, startup=6, retrain=8, challengers=50)
