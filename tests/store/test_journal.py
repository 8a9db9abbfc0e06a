import shutil
import sqlite3
from dataclasses import replace

import pytest

from nasturtium.errors import JournalError, StoreError
from nasturtium.store import schema
from nasturtium.store.journal import FILE, Journal, _differences
from nasturtium.testing.store import HEADER, StoreConformance, asked, told, write


class TestJournal(StoreConformance):
    def make(self, folder, header):
        return Journal.resume(folder, header)


def filled(folder, trials=200):
    with Journal.resume(folder, HEADER) as journal:
        for number in range(trials):
            write(journal, "search", [asked(number), told(number)])
    return folder / FILE


def assert_untouched(path, error, match):
    before = path.read_bytes()
    with pytest.raises(error, match=match):
        Journal.resume(path.parent, HEADER)
    with pytest.raises(error):
        Journal.read(path.parent)
    assert path.read_bytes() == before


def test_a_closed_journal_is_one_file(tmp_path):
    filled(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {FILE, "lock"}


def test_a_journal_cut_anywhere_is_refused_and_left_as_it_is(tmp_path):
    path = filled(tmp_path)
    whole = path.read_bytes()
    for size in (0, 1, 15, 16, 99, 100, 4095, 4096, 5000, len(whole) // 2, len(whole) - 4096, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert_untouched(path, JournalError, "left as it is|restore it")


def test_a_journal_with_a_page_of_noise_is_refused_and_left_as_it_is(tmp_path):
    path = filled(tmp_path)
    whole = bytearray(path.read_bytes())
    whole[8192 : 8192 + 4096] = bytes(range(256)) * 16
    path.write_bytes(whole)
    assert_untouched(path, JournalError, "damaged")


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / FILE
    path.write_text("dear diary, " * 100)
    assert_untouched(path, JournalError, "not an SQLite file")


def test_the_database_of_another_program_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / FILE
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE header (name, value)")
    database.close()
    assert_untouched(path, JournalError, "another program")


def test_a_newer_format_is_refused_and_left_as_it_is(tmp_path):
    path = filled(tmp_path)
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {schema.FORMAT + 1}")
    database.close()
    assert_untouched(path, JournalError, "Upgrade nasturtium")


def test_another_search_is_refused_and_told_what_differs(tmp_path):
    path = filled(tmp_path, trials=1)
    before = path.read_bytes()
    other = replace(HEADER, identity={"method": "random", "seed": "0", "budget": "1"})
    with pytest.raises(JournalError, match="method is evolution there, random here") as caught:
        Journal.resume(tmp_path, other)
    assert "budget is not set there, 1 here" in str(caught.value)
    assert "seed" not in str(caught.value)
    assert path.read_bytes() == before


def test_a_setting_that_did_not_exist_yet_may_be_off(tmp_path):
    filled(tmp_path, 3)
    newer = replace(HEADER, identity={**HEADER.identity, "recipe.new": "0.0"})
    with Journal.resume(tmp_path, newer) as journal:
        assert len(journal.events("search")) == 6
    switched_on = replace(HEADER, identity={**HEADER.identity, "recipe.new": "0.9"})
    with pytest.raises(JournalError, match=r"recipe\.new is .* there, 0\.9 here"):
        Journal.resume(tmp_path, switched_on)


def test_another_search_that_asked_nothing_gives_way(tmp_path):
    Journal.resume(tmp_path, HEADER).close()
    other = replace(HEADER, identity={"method": "random"})
    with Journal.resume(tmp_path, other) as journal:
        assert journal.header == other


def test_a_resume_may_ask_for_more_of_the_same_search(tmp_path):
    filled(tmp_path, trials=1)
    more = replace(HEADER, spec={"budget": "10m"})
    with Journal.resume(tmp_path, more) as journal:
        assert journal.header.spec == {"budget": "10m"}
    with Journal.read(tmp_path) as journal:
        assert journal.header == more


def test_a_log_left_by_a_killed_process_is_read(tmp_path):
    journal = Journal.resume(tmp_path / "killed", HEADER)
    write(journal, "search", [asked(0), told(0)])
    shutil.copytree(
        tmp_path / "killed", tmp_path / "copy"
    )  # as a kill leaves it: the log is not yet in the file
    journal.close()
    assert (tmp_path / "copy" / f"{FILE}-wal").stat().st_size > 0
    with Journal.resume(tmp_path / "copy", HEADER) as again:
        assert again.events("search") == [asked(0), told(0)]


def test_a_log_cut_short_is_a_shorter_run(tmp_path):
    journal = Journal.resume(tmp_path / "cut", HEADER)
    for number in range(20):
        write(journal, "search", [asked(number), told(number)])
    shutil.copytree(tmp_path / "cut", tmp_path / "copy")
    journal.close()
    log = tmp_path / "copy" / f"{FILE}-wal"
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    every = [event for number in range(20) for event in (asked(number), told(number))]
    with Journal.resume(tmp_path / "copy", HEADER) as again:
        events = again.events("search")
    assert 0 < len(events) < len(every)
    assert events == every[: len(events)]


def test_a_folder_without_a_journal_says_so(tmp_path):
    with pytest.raises(JournalError, match="no run in"):
        Journal.read(tmp_path)


def test_a_full_disk_keeps_what_was_told_and_says_what_to_do(tmp_path):
    with Journal.resume(tmp_path, HEADER) as journal:
        write(journal, "search", [asked(0), told(0)])
        pages = journal._database.execute("PRAGMA page_count").fetchone()[0]
        journal._database.execute(f"PRAGMA max_page_count = {pages}")  # as SQLite sees a disk without room
        with pytest.raises(StoreError, match="make room"):
            write(journal, "search", [event for n in range(1, 2000) for event in (asked(n), told(n))])
    with Journal.resume(tmp_path, HEADER) as again:
        events = again.events("search")
        assert events[:2] == [asked(0), told(0)]
        assert events == [event for n in range(2000) for event in (asked(n), told(n))][: len(events)]
        write(again, "search", [asked(5000)])


def test_a_file_in_place_of_the_folder_is_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "out").write_text("not a folder")
    with pytest.raises(StoreError, match="another folder"):
        Journal.resume(tmp_path / "out", HEADER)


def test_a_folder_that_cannot_be_written_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)  # permissions do not stop root, which tests may run as
    with pytest.raises(StoreError, match=r"Permission denied.*another folder"):
        Journal.resume(tmp_path / "out", HEADER)


def test_what_a_former_version_did_not_say_is_as_it_was_then():
    then = {"seed": "0"}
    assert _differences(then, then | {"recipe.nesterov": "True", "recipe.clip_value": "None"}) == []
    assert _differences(then, then | {"evaluator": "1f0c", "costs": "Weight"}) == []
    assert _differences(then, then | {"recipe.nesterov": "False"}) == [
        "recipe.nesterov is not set there, False here"
    ]
    assert _differences(then | {"evaluator": "1f0c"}, then | {"evaluator": "77aa"}) == [
        "evaluator is 1f0c there, 77aa here"
    ]
