"""A report in words: the headline, the comparison with random search, what the intervals cover."""

import math
from collections.abc import Sequence

from nasturtium.front.objectives import Constraint
from nasturtium.report.contents import Contents, Pick, Point, Stage
from nasturtium.report.progress import Comparison, compare
from nasturtium.report.quantities import NAMES, duration, quantity, test_error, test_interval, title_of
from nasturtium.run.retrained import Retrained

COSTS = ("params", "latency_ms", "latency_onnx_ms")
PROOF = (
    "This is one seed of each, which proves nothing: repeat it with five or more seeds before you rely on it."
)
VERDICTS = {
    1: "Here {method} is ahead.",
    -1: "Here random search is ahead: {method} did not pay off.",
    0: "They are about equal: {method} shows no gain over random search here.",
}


def best_pick(picks: Sequence[Pick]) -> Pick | None:
    """Returns the pick with the lowest mean test error; None while none was trained again."""
    means = {number: pick.tested.mean for number, pick in enumerate(picks) if pick.tested}
    return picks[min(means, key=means.__getitem__)] if means else None


def headline(contents: Contents) -> tuple[str, ...]:
    """Returns the result in a few sentences, whatever there is of it."""
    if not contents.search.points:
        return ("The search has no finished trial yet.",)
    if not contents.usable(contents.search):
        return (_nothing_usable(contents),)
    best = best_pick(contents.picks)
    if best is None or best.tested is None:
        return _not_retrained(contents)
    return _result(contents, best, best.tested)


def comparison(contents: Contents) -> tuple[str, ...]:
    """Returns who is ahead, the method or random search at equal cost, and how little one seed proves."""
    if contents.baseline is None or not contents.baseline.points:
        return ("There is no random-search baseline in this run, so nothing says whether the method helped.",)
    result = compare(contents)
    if result is None:
        return ("Search and baseline do not both have a trial that counts, so they cannot be compared.",)
    verdict = VERDICTS[result.lead].format(method=contents.method)
    if contents.method == "random":
        verdict = "Both are random search with different draws: the difference is what chance alone does."
    costs = f"They cost {_cost(contents.search)} and {_cost(contents.baseline)}."
    return (f"{_scores(contents, result)} {costs} {verdict}", PROOF)


def precision(contents: Contents) -> str:
    """Returns what the intervals of the test errors cover and what they do not."""
    best = best_pick(contents.picks)
    if best is None or best.tested is None:
        return "No pick was trained again and tested yet."
    sentences = ["The test split was used once, after the search."]
    if any(pick.tested and pick.tested.interval for pick in contents.picks):
        sentences.append(
            "The 95% interval is that of the mean over trainings with different seeds (Student's t)."
        )
    elif best.tested.inherited:
        sentences.append("The picks have the supernet's weights as they are; none was trained again.")
    else:
        sentences.append("Each pick was trained once, so nothing is known of how much a training varies.")
    if contents.test_images:
        half = _binomial(best.tested.mean, contents.test_images)
        sentences.append(
            f"That the test split has only {contents.test_images:,} images leaves about \N{PLUS-MINUS SIGN} "
            f"{100 * half:.2f} points on top (binomial)."
        )
    return " ".join(sentences)


def _binomial(error: float, images: int) -> float:
    """Half the 95% interval of an error measured on so many images, by the normal approximation."""
    inside = min(max(error, 0.5 / images), 0.5)  # no error seen does not mean that there is none
    return 1.96 * math.sqrt(inside * (1 - inside) / images)


def _result(contents: Contents, best: Pick, again: Retrained) -> tuple[str, ...]:
    costs = [f"{quantity(name, best.found[name])} {NAMES[name]}" for name in COSTS if name in best.found]
    which = f"The best of {len(contents.picks)} picks" if len(contents.picks) > 1 else "The pick"
    once = "the supernet's weights" if again.inherited else "one training"
    trained = f"{len(again.errors)} trainings" if len(again.errors) > 1 else once
    sure = f"95% interval {test_interval(again)}, {trained}" if again.interval else trained
    sentence = (
        f'{which}, "{best.name}", gets {test_error(again)} of the test {contents.answers} wrong ({sure})'
    )
    if costs:
        sentence += f", with {' and '.join((', '.join(costs[:-1]), costs[-1]) if costs[1:] else costs)}"
    where = (f"Its trained weights are in {best.model}.",) if best.model else ()
    return (f"{sentence}.", *where)


def _not_retrained(contents: Contents) -> tuple[str, ...]:
    objective = contents.objectives[0]
    best = min(contents.usable(contents.search), key=lambda point: objective(point.metrics))
    value = quantity(objective.text, objective(best.metrics))
    split = " on the validation split" if {"error", "loss", "perplexity"} & objective.metrics else ""
    return (
        f"Trial {best.number} has the lowest {title_of(objective.text)} of the search: {value}{split}.",
        "No pick was trained again and tested yet. A number by which a network was chosen flatters it; "
        "only the test split tells.",
    )


def _nothing_usable(contents: Contents) -> str:
    finished = [point for point in contents.search.points if point.status == "ok"]
    missed = [c for c in contents.constraints if not any(c.holds(point.metrics) for point in finished)]
    if not finished:
        return f"None of the {len(contents.search.points)} trials succeeded; why stands below."
    wanted = " and ".join(str(constraint) for constraint in contents.constraints) or "the objectives"
    nearest = "; ".join(_nearest(finished, constraint) for constraint in missed)
    return f"None of the {len(finished)} finished trials meets {wanted}{f': {nearest}' if nearest else ''}."


def _nearest(points: Sequence[Point], constraint: Constraint) -> str:
    values = [point.metrics[constraint.metric] for point in points if constraint.metric in point.metrics]
    value = (min if constraint.upper else max)(values, default=math.nan)
    bound = "smallest" if constraint.upper else "largest"
    return f"the {bound} {constraint.metric} seen is {quantity(constraint.metric, value)}"


def _scores(contents: Contents, result: Comparison) -> str:
    if result.several:
        return (
            f"The front of {contents.method} dominates {result.method:.1%} of the box around all trials, "
            f"that of random search {result.baseline:.1%} (hypervolumes)."
        )
    name = contents.objectives[0].text
    ours, theirs = quantity(name, result.method), quantity(name, result.baseline)
    return f"The lowest {title_of(name)} of {contents.method} is {ours}, that of random search {theirs}."


def _cost(stage: Stage) -> str:
    spent = stage.points[-1].spent
    trials = f"{len(stage.points)} trials"
    if not math.isfinite(spent):
        return trials
    shared = f" ({duration(stage.before)} of it on shared weights)" if stage.before else ""
    return f"{trials} in {duration(spent)} of training{shared}"
