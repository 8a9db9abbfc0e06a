"""A bench in words: regrets as a reader writes them, who is ahead, and what may be chance."""

import math
from collections.abc import Sequence

from nasturtium.report.quantities import DASH, duration
from nasturtium.run.bench.protocol import Protocol
from nasturtium.run.bench.results import Ranking, Results, Score, Standing
from nasturtium.run.bench.significance import Duel

SMALLEST = 1e-4  # a p-value below is not worth more digits
COLUMN = {"picked": "own pick at the end", "seen": "lowest seen at the end"}
BY = {
    "picked": "its own pick, which a method names when it is asked for the best",
    "seen": "the network with the lowest value seen",
}
MEDIAN_CAPTION = "The same, as medians: half of the seeds did better than the line."
COST_CAPTION = (
    "What a method thinks, beside what it evaluates: the median over trials of the time that it takes to "
    "propose a network and to learn from its result. A circle is over all trials, a line over the last tenth "
    "of each course, when there is most to learn from. Beside a training of minutes, 100 ms are nothing; on "
    "a table or a cheap proxy they are the whole cost."
)


def in_points(metric: str) -> bool:
    """Whether a metric is a share of wrong answers, whose differences are percentage points."""
    return metric.endswith("error")


def regret_text(metric: str, regret: float) -> str:
    """Returns a regret as a reader writes it: in points for an error, else in the metric's unit."""
    if not math.isfinite(regret):
        return DASH
    if in_points(metric):
        return f"{100 * regret:.3f}"
    return f"{regret:.3g}"


def unit_text(metric: str) -> str:
    """Returns what a regret is measured in: ``points``, or the metric."""
    return "points" if in_points(metric) else metric


def mark_text(protocol: Protocol, mark: float) -> str:
    """Returns a mark as a reader writes it: ``100 evaluations``, ``3 h 20 min``."""
    return duration(mark) if protocol.timed else f"{mark:g} evaluations"


def p_text(p: float) -> str:
    """Returns a p-value as a reader writes it: ``p = 0.031``, ``p < 0.0001``."""
    if p < SMALLEST:
        return f"p < {SMALLEST:g}"
    return f"p = {p:.2g}" if p < 0.1 else f"p = {p:.2f}"


def duel_text(duel: Duel) -> str:
    """Returns what the comparison of two methods came to, in a sentence."""
    counts = _counts(duel)
    if duel.decided:
        return f"{duel.better} beats {duel.worse} ({p_text(duel.p)}; {counts})."
    return f"No telling {duel.better} from {duel.worse} ({p_text(duel.p)}; {counts})."


def headline(results: Results, table: str, by: Score) -> tuple[str, ...]:
    """Returns who is ahead on a table, by how much, and whom it beats."""
    standings = results.standings(table, by=by)
    if not standings:
        return (f"No course on {table} has succeeded yet.",)
    best, metric = standings[0], results.metric(table)
    spent = mark_text(results.protocol, results.marks[-1])
    unit = "points" if in_points(metric) else f"in {metric}"
    regret = regret_text(metric, best.mean[-1])
    first = (
        f"After {spent} {best.method} is {regret} {unit} from the best network of {table}, on average "
        f"over {best.seeds} {'seeds' if best.seeds > 1 else 'seed'}."
    )
    return (first, *_rivals(results, table, best, standings[1:], by))


def _rivals(
    results: Results, table: str, best: Standing, others: Sequence[Standing], by: Score
) -> tuple[str, ...]:
    if not others:
        return ()
    if len(results.shared_seeds(table)) < 2:
        return ("One seed proves nothing: give --seeds 20 or more.",)
    duels = {frozenset((duel.better, duel.worse)): duel for duel in results.duels(table, by=by)}
    beaten: list[str] = []
    open_: list[str] = []
    for other in others:
        duel = duels.get(frozenset((best.method, other.method)))
        decided = duel is not None and duel.decided and duel.better == best.method
        (beaten if decided else open_).append(other.method)
    sentences = []
    if beaten:
        sentences.append(f"It beats {_listed(beaten)} by more than chance.")
    if open_:
        sentences.append(f"Whether it is better than {_listed(open_)}, these seeds do not tell.")
    return tuple(sentences)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _counts(duel: Duel) -> str:
    total = duel.wins + duel.ties + duel.losses
    ties = f", {duel.ties} equal" if duel.ties else ""
    return f"better in {duel.wins} of {total} seeds, worse in {duel.losses}{ties}"


def title(results: Results) -> str:
    """Returns what the page is called."""
    if not results.rows:
        return "A bench without courses"
    tables, methods = len(results.tables), len({row.method for row in results.rows})
    where = results.tables[0] if tables == 1 else f"{tables} tables"
    return f"{methods} methods on {where}" if methods > 1 else f"{results.rows[0].method} on {where}"


def lead(results: Results, by: Score) -> tuple[str, ...]:
    """Returns the result in a few sentences, whatever there is of it."""
    if not results.rows:
        return ("No course has finished yet.",)
    if len(results.tables) == 1:
        return headline(results, results.tables[0], by)
    ranking = results.ranking(by=by)
    if ranking is None:
        return ("Not enough courses have succeeded to compare anything over all tables.",)
    first = (
        f"{ranking.methods[0]} has the lowest mean rank over the {len(results.tables)} tables: "
        f"{ranking.ranks[0]:.2f} of {len(ranking.methods)} methods, over {ranking.blocks} searches each."
    )
    return (first, _rank_verdict(ranking))


def warnings(results: Results) -> tuple[str, ...]:
    """Returns what a reader must know before believing anything."""
    found = []
    if results.failures:
        found.append(f"{len(results.failures)} of {len(results.rows)} courses failed; why stands below.")
    few = [table for table in results.tables if len(results.shared_seeds(table)) < 5]
    if few:
        found.append(
            f"On {_listed(few)} fewer than five seeds have been run by all methods: read nothing into the "
            "differences."
        )
    return tuple(found)


def explained(results: Results, by: Score) -> tuple[tuple[str, str], ...]:
    """Returns what a newcomer has to know to read the page: terms and sentences."""
    protocol = results.protocol
    seeds = len({row.seed for row in results.rows})
    seen = (
        "sees one recorded training of each network, with the luck that a single training has"
        if protocol.single
        else "sees the mean of the recorded trainings of each network"
    )
    again = (
        "A network that it asks for again costs nothing."
        if protocol.distinct
        else "A network that it asks for again is paid for again."
    )
    return (
        (
            "Table",
            "Every network of a small search space was trained by others, and the results were recorded. A "
            "method that asks for a network gets the record at once, so hundreds of searches take minutes.",
        ),
        (
            "Course",
            f"One search: a method, a table and a seed, with a budget of {budget_text(results)}. The method "
            f"{seen}. {again} Methods of the same seed see the same numbers; there are {seeds} seeds.",
        ),
        (
            "Regret",
            f"How far what was found is from the best: the score of {BY[by]}, less that of the best network "
            "of the table, both of them means over all recorded trainings. 0 is the best there is."
            + _point_text(results),
        ),
    )


def standing_note(results: Results, table: str, by: Score) -> str:
    """Returns how to read the figures of a table."""
    metric = results.metric(table)
    unit = "percentage points" if in_points(metric) else "its own unit"
    return (
        f"Regret in {metric}, {unit}, of {BY[by]}; lower is better. The interval is that of the last mean "
        "(bootstrap over seeds). Rank is the mean place at the end among the methods with the same seed, 1 "
        f"the best. The lowest {metric} of the table is {_lowest(results, table)}."
    )


def test_note(results: Results, table: str, pairs: int) -> str:
    """Returns what was tested, and how."""
    seeds, end = len(results.shared_seeds(table)), mark_text(results.protocol, results.marks[-1])
    counted = f"{pairs} {'pairs' if pairs > 1 else 'pair'}"
    return (
        f"At {end}, over the {seeds} seeds that all share, by Wilcoxon's signed-rank test, two-sided, "
        f"corrected by Holm for {counted}. p is how often chance alone would show such a difference if there "
        "were none; below 0.05 one method is said to beat the other."
    )


def mean_caption(results: Results) -> str:
    """Returns how to read the curves."""
    spent = "much simulated time" if results.protocol.timed else "many evaluations"
    return (
        f"Mean regret over the seeds after so {spent}; lower is better, and equal steps down are equal "
        "factors. Bands are 95% intervals of the mean (bootstrap): where they overlap much, there is no "
        "telling. The lowest place on the scale stands for 0. Tap a name to hide it."
    )


def rank_words(ranking: Ranking, results: Results) -> tuple[str, ...]:
    """Returns how to read the critical-difference diagram, and what it says."""
    where = (
        f"the {ranking.blocks} pairs of table and seed"
        if len(results.tables) > 1
        else f"{ranking.blocks} seeds"
    )
    return (
        f"Mean rank of each method over {where}, 1 the best. Methods under one thick bar are nearer to each "
        f"other than the critical difference {ranking.difference:.2f} of Nemenyi's test at 5% (Demsar 2006): "
        "the ranks do not tell them apart. That all methods are alike has "
        f"{p_text(ranking.p)} (Friedman's test).",
        _rank_verdict(ranking),
    )


def rules(protocol: Protocol) -> str:
    """Returns the rules in short."""
    budget = (
        duration(protocol.budget.amount) + " simulated"
        if protocol.timed
        else f"{protocol.budget.amount:g} evaluations"
    )
    parts = [
        budget,
        "repeats are free" if protocol.distinct else "repeats are paid for",
        "one training of each network is seen" if protocol.single else "means of trainings are seen",
    ]
    if protocol.judge or protocol.metric:
        parts.append(f"judged by {' of '.join(filter(None, (protocol.metric, protocol.judge)))}")
    return ", ".join(parts)


def budget_text(results: Results) -> str:
    """Returns the budget as a reader writes it."""
    return mark_text(results.protocol, results.protocol.budget.amount)


def _rank_verdict(ranking: Ranking) -> str:
    best = ranking.methods[0]
    near = [
        method
        for method, rank in zip(ranking.methods[1:], ranking.ranks[1:], strict=True)
        if rank - ranking.ranks[0] <= ranking.difference
    ]
    if not near:
        return f"{best} ranks better than each of the others by more than chance."
    return f"By rank alone, {best} cannot be told from {_listed(near)}."


def _point_text(results: Results) -> str:
    metrics = {results.metric(table) for table in results.tables}
    if any(in_points(metric) for metric in metrics):
        return " Errors are in percentage points: 0.1 points are one more image in a thousand wrong."
    return ""


def _lowest(results: Results, table: str) -> str:
    metric = results.metric(table)
    lowest = next((row.optimum for row in results.rows if row.table == table and row.error is None), math.nan)
    return f"{100 * lowest:.2f}%" if in_points(metric) else f"{lowest:.4g}"
