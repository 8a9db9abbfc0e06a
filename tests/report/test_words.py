from collections.abc import Callable
from dataclasses import replace

from nasturtium.front.objectives import parse_constraint, parse_objective
from nasturtium.report.contents import Contents, Stage
from nasturtium.report.words import best_pick, comparison, headline, precision

MakeContents = Callable[..., Contents]


def test_headline_names_the_pick_of_lowest_test_error_with_its_interval(make_contents: MakeContents) -> None:
    contents = make_contents()
    best = best_pick(contents.picks)
    assert best is not None
    assert best.tested is not None
    assert best.tested.mean == min(pick.tested.mean for pick in contents.picks if pick.tested)
    text = " ".join(headline(contents))
    assert best.name in text
    assert f"{best.tested.mean:.2%}" in text
    assert "95% interval" in text
    assert str(best.model) in text


def test_headline_without_retraining_says_that_the_validation_error_flatters(
    make_contents: MakeContents,
) -> None:
    contents = make_contents()
    untested = tuple(replace(pick, again=None) for pick in contents.picks)
    text = " ".join(headline(replace(contents, picks=untested)))
    assert "validation split" in text
    assert "flatters" in text


def test_headline_without_a_feasible_trial_gives_the_nearest_value(make_contents: MakeContents) -> None:
    contents = make_contents(constraints=(parse_constraint("params <= 10"),), picks=())
    smallest = min(point.metrics["params"] for point in contents.search.points if point.metrics)
    text = " ".join(headline(contents))
    assert "params <= 10" in text
    assert f"{smallest / 1000:.3g} k" in text


def test_headline_of_failures_and_of_nothing(make_contents: MakeContents) -> None:
    failed = tuple(point for point in make_contents().search.points if point.status == "failed")
    assert (
        "None of the 7 trials succeeded"
        in headline(make_contents(search=Stage("search", failed), picks=()))[0]
    )
    assert "no finished trial" in headline(make_contents(search=Stage("search"), picks=()))[0]


def test_comparison_says_who_is_ahead_what_it_cost_and_that_one_seed_is_no_proof(
    make_contents: MakeContents,
) -> None:
    contents = make_contents()
    text = " ".join(comparison(contents))
    assert "Here evolution is ahead" in text
    assert "120 trials in" in text
    assert "one seed" in text
    swapped = replace(contents, search=contents.baseline, baseline=contents.search)
    assert "random search is ahead" in " ".join(comparison(swapped))


def test_comparison_of_one_objective_gives_both_values(make_contents: MakeContents) -> None:
    text = comparison(make_contents(objectives=(parse_objective("error"),)))[0]
    assert text.startswith("The lowest error of evolution is")


def test_comparison_without_a_baseline_says_so(make_contents: MakeContents) -> None:
    assert "no random-search baseline" in comparison(make_contents(baseline=None))[0]


def test_precision_tells_trainings_and_test_images_apart(
    make_contents: MakeContents, again: Callable[..., object]
) -> None:
    contents = make_contents()
    assert "Student's t" in precision(contents)
    assert "360 images" in precision(contents)
    once = tuple(replace(pick, again=again([0.02])) for pick in contents.picks)  # type: ignore[arg-type]
    assert "trained once" in precision(replace(contents, picks=once))


def test_of_a_text_characters_are_wrong(make_contents: MakeContents) -> None:
    assert "of the test characters wrong" in " ".join(headline(make_contents(answers="characters")))
