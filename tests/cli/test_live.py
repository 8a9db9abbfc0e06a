from nasturtium.architecture import Architecture
from nasturtium.cli.live import _Lines, _View
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.budget import Budget, Purse
from nasturtium.run.sharing import SUPERNET
from nasturtium.run.spec import Spec


def step(loss, status="ok"):
    return Trial(Candidate(Architecture("toy", (0,))), {"loss": loss}, status)


def test_a_training_of_a_supernet_is_shown_by_its_steps():
    view, purse = _View(Spec()), Purse(Budget(200, "steps"))
    view.began(SUPERNET, purse, ())
    assert view.share() == 0
    for number in range(100):
        purse.asked(1)
        view.told(SUPERNET, [step(float(number))])
    assert view.title() == "supernet"
    assert view.share() == 0.5
    assert view.standing() == "100 of 200 steps; loss 74.000"  # the mean of the last 51


def test_lines_say_when_a_supernet_begins_and_ends(capsys):
    lines, purse = _Lines(Spec()), Purse(Budget(2, "steps"))
    lines.began(SUPERNET, purse, ())
    purse.asked(2)
    lines.told(SUPERNET, [step(1.0), step(float("nan"), "failed")])
    lines.ended(SUPERNET)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "supernet: budget 2 steps"
    assert said[-1] == "supernet: done, 2 of 2 steps; loss 1.000"


def test_while_nothing_succeeds_the_first_reason_is_shown():
    view = _View(Spec())
    view.began("search", Purse(Budget(4, "trials")), ())
    lost = Trial(Candidate(Architecture("toy", (0,))), {}, "failed", "DivergedError: the loss was nan\nmore")
    view.told("search", [lost])
    assert view.standing() == "1 trials; 1 failed, the first: DivergedError: the loss was nan"
    view.told("search", [Trial(lost.candidate, {"error": 0.5, "latency_ms": 1.0})])
    assert view.standing().endswith("1 failed")


def test_what_a_monitor_says_is_shown_and_its_warnings_stay(capsys):
    view, purse = _View(Spec()), Purse(Budget(10, "steps"))
    view.began(SUPERNET, purse, ())
    purse.asked(1)
    view.told(SUPERNET, [step(1.0)])
    view.noted(SUPERNET, "entropy 0.90, skips 20%")
    assert view.standing() == "1 of 10 steps; loss 1.000; entropy 0.90, skips 20%"
    view.warned(SUPERNET, "Skips. They win. Stop.")
    assert capsys.readouterr().err == "warning: Skips. They win. Stop.\n"
    view.began("subnets", Purse(Budget(10, "trials")), ())
    assert "entropy" not in view.standing()
