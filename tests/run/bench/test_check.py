from dataclasses import replace

from nasturtium.run.bench.check import check, rules_of
from nasturtium.run.published import NASBENCH201, Published, PublishedProtocol


def test_rows_are_compared_and_absent_methods_said(toys):
    published = PublishedProtocol(
        title="toys",
        table="toy.py:table",
        judge="toy.py:table",
        metric="error",
        seconds=800.0,
        runs=1,
        tolerance=0.15,
        rows=(
            # All 81 networks are seen in 800 s of 10 s each; the lowest error there is, 0.07 in the mean.
            Published("exhaustive", (), 93.0, 0.1, "made up"),
            Published("evolution", (("population", 5),), 10.0, 0.1, "made up"),
            Published("no_such_method", (), 93.0, 0.1, "made up"),
        ),
    )
    (exact, far, absent), results = check(published, seeds=4, out=toys / "out")
    assert exact.seeds == far.seeds == 4
    assert not far.reproduced
    assert far.label == "evolution(population=5)"
    assert absent.seeds == 0
    assert not absent.reproduced
    assert -10 < exact.difference <= 0
    assert {row.method for row in results.rows} == {"exhaustive", "evolution(population=5)"}


def test_the_protocol_of_nasbench201_pays_for_repeats_and_judges_by_full_trainings():
    rules = rules_of(NASBENCH201)
    assert not rules.distinct
    assert rules.budget.amount == 12_000
    assert (rules.judge, rules.metric) == ("nasbench201/cifar10/200", "test_error")


def test_random_search_of_the_published_protocol_is_reproduced():
    # Dong and Yang 2020: 93.70 +- 0.36; 25 seeds leave a standard error of 0.07.
    only = replace(NASBENCH201, rows=NASBENCH201.rows[:1])
    (random,), _ = check(only, seeds=25)
    assert abs(random.difference) < 0.3
