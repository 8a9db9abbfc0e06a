import os
from contextlib import closing

from nasturtium.run.bench.course import Course
from nasturtium.run.bench.entry import entry_of
from nasturtium.run.bench.grid import THREADS, run_courses
from nasturtium.run.bench.protocol import Protocol, budget_of


def courses(methods, seeds):
    rules = Protocol(budget_of(12))
    return [Course("toy.py:table", entry_of(m), seed, rules) for seed in range(seeds) for m in methods]


def without_times(rows):
    plain = [row.as_json() for row in sorted(rows, key=lambda row: row.key)]
    return [{k: v for k, v in row.items() if k not in ("ms", "wall_seconds")} for row in plain]


def test_processes_give_what_one_gives_and_a_dead_one_costs_one_course(toys):
    before = {name: os.environ.get(name) for name in THREADS}
    sound = courses(["random", "mine.py:Mine"], 2)
    rows = list(run_courses([*sound[:2], *courses(["mine.py:Dies"], 1), *sound[2:]], 2))
    alive = [row for row in rows if row.method != "mine.py:Dies"]
    assert without_times(alive) == without_times(run_courses(sound, 1))
    (dead,) = [row for row in rows if row.method == "mine.py:Dies"]
    assert dead.error == "the worker process died (exit code 7)"
    assert {name: os.environ.get(name) for name in THREADS} == before


def test_closing_ends_the_workers(toys):
    import multiprocessing

    with closing(run_courses(courses(["random"], 6), 2)) as rows:
        next(rows)
        assert multiprocessing.active_children()
    assert not multiprocessing.active_children()
