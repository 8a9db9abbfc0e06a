import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nasturtium.report.bench import html, write
from nasturtium.run.bench.results import Results

MakeResults = Callable[..., Results]


class Reader(HTMLParser):
    """Collects the text of a page and whatever could fetch something, and checks that tags are closed."""

    EMPTY = frozenset({"meta", "link", "br", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.fetched: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.fetched += [v for k in ("src", "href") if (v := values.get(k)) and not v.startswith("data:")]
        self.ids += [value] if (value := values.get("id")) else []
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def test_page_is_one_whole_file_that_fetches_nothing(make_results: MakeResults) -> None:
    reader = Reader(html(make_results()))
    assert reader.open == []
    assert reader.fetched == []
    assert len(reader.ids) == len(set(reader.ids))


def test_it_says_who_is_ahead_and_what_may_be_chance(make_results: MakeResults) -> None:
    words = Reader(html(make_results())).words
    assert "After 100 evaluations auto is" in words
    assert "It beats evolution and random by more than chance." in words or "random by more than" in words
    assert "auto beats random (p" in words
    assert "critical difference" in words
    assert "nasturtium bench --table nasbench_macro" in words
    assert "numpy 2.0" in words


def test_it_explains_its_terms(make_results: MakeResults) -> None:
    words = Reader(html(make_results())).words
    for term in ("Table.", "Course.", "Regret.", "0 is the best there is"):
        assert term in words


def test_several_tables_are_ranked_together(make_results: MakeResults) -> None:
    words = Reader(html(make_results(tables=("nasbench_macro", "nasbench201/cifar10/12")))).words
    assert "3 methods on 2 tables" in words
    assert "auto has the lowest mean rank over the 2 tables" in words


def test_simulated_time_and_other_metrics_are_written_as_such(make_results: MakeResults) -> None:
    words = Reader(html(make_results(budget="12000s", metric="valid_mse"))).words
    assert "3 h 20 min" in words
    assert "valid_mse" in words
    assert "points" not in words


def test_failures_and_few_seeds_are_warned_of(make_results: MakeResults) -> None:
    words = Reader(html(make_results(seeds=2, failing=True))).words
    assert "1 of 7 courses failed" in words
    assert "no idea (mine.py, line 3)" in words
    assert "fewer than five seeds" in words


@pytest.mark.parametrize("by", ["picked", "seen"])
def test_either_score_may_be_shown(make_results: MakeResults, by: str) -> None:
    page = html(make_results(), by=by)  # type: ignore[arg-type]
    assert ("lowest value seen, less" in page) == (by == "seen")


def test_a_single_method_is_a_page_too(make_results: MakeResults) -> None:
    words = Reader(html(make_results(methods=("random",), seeds=1))).words
    assert "random on nasbench_macro" in words
    assert "critical" not in words


def test_a_bench_of_failures_is_a_page_too(make_results: MakeResults) -> None:
    words = Reader(html(make_results(methods=(), failing=True))).words
    assert "No course on nasbench_macro has succeeded yet." in words


def test_against_one_method_only_its_pairs_are_tested(make_results: MakeResults) -> None:
    page = html(make_results(), against="random")
    assert len(re.findall(r"<li>[^<]*(?:beats|No telling)", page)) == 2


def test_it_is_written_where_it_is_wanted(make_results: MakeResults, tmp_path: Path) -> None:
    path = write(make_results(), tmp_path / "new" / "page.html")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_bench_that_has_just_begun_is_a_page_too(make_results: MakeResults) -> None:
    assert "No course has finished yet." in Reader(html(make_results(methods=()))).words
