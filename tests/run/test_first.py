"""Architectures to try first that a constraint forbids are not passed over in silence."""

import pytest

import nasturtium as nt
from nasturtium.errors import ConfigError
from nasturtium.report.reading import contents_of
from nasturtium.run.record import Unwatched
from nasturtium.run.run import Run
from nasturtium.testing.toys import ToyCosts, ToyEvaluator, flat_space

SPACE = flat_space()
BY_PARAMS = sorted(SPACE, key=lambda one: ToyCosts(SPACE)(one, ["params"])["params"])
SMALL, MIDDLE, LARGE = BY_PARAMS[0], BY_PARAMS[len(BY_PARAMS) // 2], BY_PARAMS[-1]


class Listener(Unwatched):
    def __init__(self):
        self.heard = []

    def warned(self, stage, warning):
        self.heard.append(warning)


def params(architecture):
    return ToyCosts(SPACE)(architecture, ["params"])["params"]


def search(out, first, bound, budget=2):
    listener = Listener()
    run = nt.search(
        SPACE,
        evaluator=ToyEvaluator(SPACE),
        costs=ToyCosts(SPACE),
        minimize="error",
        subject_to=f"params <= {bound}",
        method="random",
        baseline=False,
        budget=budget,
        try_first=first,
        out=out,
        observer=listener,
    )
    return run, listener.heard


def test_those_that_break_a_constraint_are_named_once_and_the_others_tried(tmp_path):
    bound = params(MIDDLE) - 1
    run, heard = search(tmp_path, [LARGE, SMALL, MIDDLE], bound)
    assert [trial.architecture for trial in run.trials()][:1] == [SMALL]
    assert len(heard) == 1
    assert f"2 of 3 architectures break params <= {bound:.12g}" in heard[0]
    assert f"params is {params(MIDDLE):.6g}" in heard[0]
    assert SPACE.text(MIDDLE) in heard[0]
    again, silence = search(tmp_path, [LARGE, SMALL, MIDDLE], bound, budget=3)
    assert (len(again.trials()), silence) == (3, [])
    facts = dict(contents_of(Run.load(tmp_path, space=SPACE)).asked)
    assert facts["tried first"].startswith("1 of 3 given, 2 passed over")


def test_a_search_whose_every_first_architecture_breaks_one_is_refused_with_the_nearest(tmp_path):
    nearest = f"params <= {params(SMALL):.12g}; of the nearest params is {params(MIDDLE):.6g}"
    with pytest.raises(ConfigError, match=nearest):
        search(tmp_path, [LARGE, MIDDLE], params(SMALL))


def test_those_that_meet_the_constraints_are_tried_in_silence(tmp_path):
    run, heard = search(tmp_path, [SMALL, MIDDLE], params(MIDDLE))
    assert heard == []
    assert [trial.architecture for trial in run.trials()] == [SMALL, MIDDLE]
