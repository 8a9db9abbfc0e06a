import json

import pytest

from nasturtium.errors import StoreError
from nasturtium.run.bench.course import Row
from nasturtium.run.bench.protocol import Protocol, budget_of
from nasturtium.run.bench.rows import FILE, Session, adding, read

RULES = Protocol(budget_of(30))
SESSION = Session("2026-01-01T00:00:00+00:00", "nasturtium bench", "a machine", 2, {"numpy": "2"})


def row(seed, error=None):
    return Row("table", "random", seed, optimum=0.1, at=(30.0,), picked=(0.2,), seen=(0.2,), error=error)


def filled(folder, seeds=(0, 1)):
    with adding(folder, RULES) as (file, _):
        file.begin(SESSION)
        for seed in seeds:
            file.add(row(seed))


def test_what_is_added_is_read_again(tmp_path):
    filled(tmp_path)
    kept = read(tmp_path)
    assert kept.protocol == RULES
    assert kept.sessions == (SESSION,)
    assert list(kept.rows.values()) == [row(0), row(1)]
    assert all(json.loads(line) for line in (tmp_path / FILE).read_text().splitlines())


def test_a_truncated_last_line_is_dropped_and_written_anew(tmp_path):
    filled(tmp_path)
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-20])
    assert list(read(tmp_path).rows.values()) == [row(0)]
    with adding(tmp_path, RULES) as (file, before):
        assert list(before.values()) == [row(0)]
        file.add(row(1))
    assert list(read(tmp_path).rows.values()) == [row(0), row(1)]


def test_the_newest_row_of_a_course_counts(tmp_path):
    with adding(tmp_path, RULES) as (file, _):
        file.add(row(0, "failed"))
        file.add(row(0))
    assert list(read(tmp_path).rows.values()) == [row(0)]


def test_other_rules_are_refused_and_nothing_is_changed(tmp_path):
    filled(tmp_path)
    before = (tmp_path / FILE).read_bytes()
    with (
        pytest.raises(StoreError, match="budget is 30 trials there, 40 trials here"),
        adding(tmp_path, Protocol(budget_of(40))),
    ):
        pass
    assert (tmp_path / FILE).read_bytes() == before


def test_a_damaged_line_is_named(tmp_path):
    filled(tmp_path)
    path = tmp_path / FILE
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join((*lines[:2], b"{\n", *lines[2:])))
    with pytest.raises(StoreError, match="line 3"):
        read(tmp_path)


def test_what_is_no_bench_is_refused(tmp_path):
    with pytest.raises(StoreError, match="no bench"):
        read(tmp_path)
    (tmp_path / FILE).write_text('{"other": 1}\n')
    with pytest.raises(StoreError, match="line 1"), adding(tmp_path, RULES):
        pass
    assert (tmp_path / FILE).read_text() == '{"other": 1}\n'


def test_a_file_that_broke_off_in_its_first_line_starts_over(tmp_path):
    (tmp_path / FILE).write_text('{"nasturti')
    with pytest.raises(StoreError, match="empty"):
        read(tmp_path)
    filled(tmp_path)
    assert len(read(tmp_path).rows) == 2


def test_one_process_at_a_time(tmp_path):
    with (
        adding(tmp_path, RULES),
        pytest.raises(StoreError, match="another process"),
        adding(tmp_path, RULES),
    ):
        pass
