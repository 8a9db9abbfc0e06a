import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nasturtium.errors import StoreError
from nasturtium.front.objectives import parse_constraint, parse_objective
from nasturtium.report import page
from nasturtium.report.contents import Contents, Stage
from nasturtium.report.page import render

MakeContents = Callable[..., Contents]


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


@pytest.fixture(scope="module")
def reader(make_contents: MakeContents) -> Reader:
    return Reader(render(make_contents()))


def test_page_is_one_whole_file_that_fetches_nothing(reader: Reader) -> None:
    assert reader.open == []
    assert reader.fetched == []
    assert len(reader.ids) == len(set(reader.ids))


@pytest.mark.parametrize(
    "said",
    [
        "digits: mobilenet by evolution",
        "3,359,232 architectures",
        "params <= 200000",
        "Here evolution is ahead",
        "one seed",
        "95% interval",
        "runs/first/picks/2/model.safetensors",
        "Diverged: the loss is NaN after 3 steps",
        "nasturtium search --data digits --space mobilenet",
        'method = "evolution"',
        "a processor, 2 cores",
        "nasturtium 0.1, torch 2.13",
        "wall time",
        "classifier 10",
        "pick 0, onnx 148 kB 150 kB 0.4 ms 0.41 ms 2.00% 2.00% 0.00%",
        "pick 0, int8: it loses 2.3 points.",
    ],
)
def test_page_says(reader: Reader, said: str) -> None:
    assert said in reader.words


def test_page_has_a_drawing_of_each_pick_and_both_plots(reader: Reader) -> None:
    assert reader.open == []
    assert {"front", "progress"} <= set(reader.ids)


def test_text_of_the_user_is_escaped(make_contents: MakeContents) -> None:
    nasty = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    contents = make_contents(title=nasty, command=nasty, specification=nasty, asked=((nasty, nasty),))
    points = tuple(replace(point, text=nasty, problem=nasty) for point in contents.search.points)
    picks = tuple(replace(pick, text=nasty, name=nasty, model=nasty) for pick in contents.picks)
    plain = Reader(render(make_contents()))
    reader = Reader(render(replace(contents, method=nasty, search=Stage("search", points), picks=picks)))
    assert reader.open == []
    assert reader.fetched == plain.fetched
    assert nasty in reader.words


def no_trial(make: MakeContents) -> Contents:
    return make(search=Stage("search"), baseline=None, picks=(), later=(), finished=False)


def none_feasible(make: MakeContents) -> Contents:
    return make(constraints=(parse_constraint("params <= 10"),), picks=())


def no_baseline(make: MakeContents) -> Contents:
    return make(baseline=None)


def not_retrained(make: MakeContents) -> Contents:
    contents = make()
    return replace(contents, picks=tuple(replace(pick, again=None, network=None) for pick in contents.picks))


def one_objective(make: MakeContents) -> Contents:
    return make(objectives=(parse_objective("error"),))


def scalarised(make: MakeContents) -> Contents:
    return make(objectives=(parse_objective("error * (latency_ms / 80) ** 0.07"),), picks=())


def three_objectives(make: MakeContents) -> Contents:
    return make(
        objectives=tuple(map(parse_objective, ("error", "latency_ms", "params"))), reference=(0.3, 5, 4e5)
    )


@pytest.mark.parametrize(
    ("build", "said", "ids"),
    [
        (no_trial, "no finished trial", set()),
        (none_feasible, "meets params <= 10", set()),
        (no_baseline, "no random-search baseline", {"front", "progress"}),
        (not_retrained, "No pick was trained again", {"front", "progress"}),
        (one_objective, "Error and cost", {"cost", "progress"}),
        (scalarised, "The lowest error * (latency_ms / 80) ** 0.07", {"cost", "progress"}),
        (three_objectives, "The front", {"front", "front1", "progress"}),
    ],
)
def test_page_of_less_than_a_whole_run(
    make_contents: MakeContents, build: Callable[[MakeContents], Contents], said: str, ids: set[str]
) -> None:
    reader = Reader(render(build(make_contents)))
    assert reader.open == []
    assert said in reader.words
    assert {found for found in reader.ids if re.fullmatch(r"(front|cost|progress)\d*", found)} == ids


def test_budgets_are_said_below_the_front_and_their_metric_first_among_the_costs_of_picks(
    make_contents: MakeContents,
) -> None:
    contents = make_contents(budgets=tuple(map(parse_constraint, ("latency_ms <= 2", "latency_ms <= 1"))))
    words = Reader(render(contents)).words
    assert "Dashed lines are the budgets, 1 ms, 2 ms." in words
    assert re.search(r"test error\s+latency.*parameters.*95% interval", words, re.DOTALL)


def test_a_page_that_cannot_be_written_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "html", lambda run: "page")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write the report"):
        page.write(None, tmp_path / "file" / "report.html")  # type: ignore[arg-type]
    assert page.write(None, tmp_path / "new" / "report.html").read_text() == "page"  # type: ignore[arg-type]
