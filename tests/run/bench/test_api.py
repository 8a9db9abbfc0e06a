import pytest

import nasturtium as nt
from nasturtium.errors import ConfigError, StoreError, UnknownName
from nasturtium.run.bench.results import Results
from nasturtium.run.bench.rows import FILE
from nasturtium.strategy.random import RandomSearch


class Counting:
    """A watcher that remembers."""

    def __init__(self):
        self.total = self.done = 0
        self.rows = []

    def began(self, total, done):
        self.total, self.done = total, done

    def finished(self, row):
        self.rows.append(row)


class Stopping(Counting):
    """Interrupts, as Ctrl-C does, after so many courses."""

    def finished(self, row):
        super().finished(row)
        if len(self.rows) == 3:
            raise KeyboardInterrupt


def run(toys, methods=("random", "mine.py:Mine"), **given):
    given = {"seeds": 3, "budget": 10, "out": toys / "out", "command": "nasturtium bench"} | given
    return nt.bench("toy.py:table", methods, **given)


def test_every_method_runs_from_every_seed(toys):
    results = run(toys)
    assert [row.key[1:] for row in results.rows] == [
        (m, s) for m in ("random", "mine.py:Mine") for s in range(3)
    ]
    assert results.regret("toy.py:table", "random").shape == (3, 10)
    # Random search by another name does the same.
    assert results.duels("toy.py:table")[0].ties == 3
    assert results.sessions[0].command == "nasturtium bench"
    assert "numpy" in results.sessions[0].versions


def test_the_same_bench_again_runs_nothing_and_a_larger_one_only_the_rest(toys):
    run(toys)
    before = (toys / "out" / FILE).read_bytes()
    again = Counting()
    run(toys, watcher=again)
    assert (again.total, again.done, again.rows) == (6, 6, [])
    assert (toys / "out" / FILE).read_bytes() == before
    more = Counting()
    results = run(toys, ["random", "evolution"], seeds=4, watcher=more)
    assert sorted(row.key[1:] for row in more.rows) == [*(("evolution", s) for s in range(4)), ("random", 3)]
    assert {row.method for row in results.rows} == {"random", "evolution"}
    assert len(Results.load(toys / "out").rows) == 11


def test_an_interrupt_loses_nothing(toys):
    results = run(toys, watcher=Stopping())
    assert len(results.rows) == 3
    rest = Counting()
    assert len(run(toys, watcher=rest).rows) == 6
    assert (rest.done, len(rest.rows)) == (3, 3)


def test_failures_are_data_and_are_run_again_on_demand(toys):
    results = run(toys, "mine.py:Raises", seeds=2)
    assert [row.error.split(":")[0] for row in results.failures] == ["RuntimeError"] * 2
    assert results.methods("toy.py:table") == ()
    once, again = Counting(), Counting()
    run(toys, "mine.py:Raises", seeds=2, watcher=once)
    run(toys, "mine.py:Raises", seeds=2, watcher=again, retry=True)
    assert (len(once.rows), len(again.rows)) == (0, 2)


def test_a_file_that_changed_is_run_again(toys):
    run(toys)
    (toys / "mine.py").write_text("# changed\n" + (toys / "mine.py").read_text())
    watcher = Counting()
    run(toys, watcher=watcher)
    assert {row.method for row in watcher.rows} == {"mine.py:Mine"}


def test_other_rules_need_another_folder(toys):
    run(toys)
    with pytest.raises(StoreError, match="budget is 10 trials there, 20 trials here"):
        run(toys, budget=20)


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"methods": "evolutoin"}, UnknownName, "did you mean 'evolution'"),
        ({"methods": "evolution(population=0)"}, ConfigError, "population is 0"),
        ({"methods": []}, ConfigError, "at least one method"),
        ({"seeds": []}, ConfigError, "at least one seed"),
        ({"budget": "5 parsecs"}, ConfigError, "parsecs"),
        ({"workers": 0}, ConfigError, "workers"),
    ],
)
def test_nothing_is_begun_when_something_is_wrong(toys, given, kind, words):
    with pytest.raises(kind, match=words):
        run(toys, **given)
    assert not (toys / "out").exists()


def test_an_unknown_table_is_named(toys):
    with pytest.raises(UnknownName, match="did you mean 'nasbench_macro'"):
        nt.bench("nasbench_makro", "random")
    with pytest.raises(ConfigError, match="does not say how long"):
        nt.bench("toy.py:without_seconds", "random", budget="1h")


def test_a_class_takes_part_in_this_process(toys):
    class Local(RandomSearch):
        pass

    assert len(run(toys, Local, seeds=1).rows) == 1
    with pytest.raises(ConfigError, match="other processes cannot import"):
        run(toys, Local, seeds=1, workers=2)


def test_processes_find_what_one_finds(toys):
    alone, together = run(toys), run(toys, workers=2, out=toys / "other")
    assert [row.picked for row in together.rows] == [row.picked for row in alone.rows]


def test_what_to_compare_with_may_be_in_the_folder_already(toys):
    run(toys)
    watcher = Counting()
    results = run(toys, "evolution", seeds=2, against="random", watcher=watcher)
    assert {row.method for row in watcher.rows} == {"evolution"}
    (duel,) = results.duels("toy.py:table", against="random")
    assert {duel.better, duel.worse} == {"evolution", "random"}
    assert duel.wins + duel.ties + duel.losses == 2
    assert {row.method for row in run(toys, "evolution", seeds=2, against="evolution").rows} == {"evolution"}


@pytest.mark.parametrize(("against", "seeds"), [("ranom", 3), ("random", "7-9")])
def test_what_is_not_there_to_compare_with_is_refused_before_anything_runs(toys, against, seeds):
    run(toys)
    watcher = Counting()
    for out in (toys / "out", toys / "new", None):
        with pytest.raises(UnknownName, match=rf"unknown method '{against}' .*known: .*evolution"):
            run(toys, "evolution", seeds=seeds, against=against, out=out, watcher=watcher)
    assert (watcher.total, (toys / "new").exists()) == (0, False)


def test_what_only_failed_is_compared_with_nothing(toys):
    results = run(toys, ["random", "evolution", "mine.py:Raises"], seeds=2, against="mine.py:Raises")
    assert results.duels("toy.py:table", against="mine.py:Raises") == []
    with pytest.raises(UnknownName, match="unknown method 'ranom'"):
        results.duels("toy.py:table", against="ranom")
