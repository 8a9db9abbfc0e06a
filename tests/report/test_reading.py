from pathlib import Path

import pytest
import torch

from nasturtium.evaluate.recipe import Recipe
from nasturtium.report.page import html, write
from nasturtium.report.progress import compare
from nasturtium.report.reading import command, contents_of
from nasturtium.run.api import search
from nasturtium.run.run import Run
from nasturtium.run.spec import Retraining, Spec
from nasturtium.tasks.images import image_classification
from nasturtium.testing.toys import ToyEvaluator, flat_space


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    space = flat_space()
    folder = tmp_path_factory.mktemp("runs") / "toy"
    bounds = ("params <= 2000",)
    return search(
        space,
        evaluator=ToyEvaluator(space),
        minimize=("error", "params"),
        subject_to=bounds,
        budget=20,
        out=folder,
    )


def test_contents_are_the_run_s(run: Run) -> None:
    contents = contents_of(run)
    assert [point.text for point in contents.search.points] == [
        run.space.text(t.architecture) for t in run.trials()
    ]
    assert [point.metrics for point in contents.search.points] == [dict(t.metrics) for t in run.trials()]
    assert {point.text for point in contents.front(contents.usable(contents.search))} <= {
        p.text for p in run.front
    }
    assert [pick.name for pick in contents.picks] == [pick.name for pick in run.picks]
    assert all(pick.network is not None and pick.tested is None for pick in contents.picks)
    assert contents.baseline is not None
    assert len(contents.baseline.points) == 20


def test_hypervolumes_are_those_of_the_run(run: Run) -> None:
    result = compare(contents_of(run))
    assert result is not None
    assert result.method == pytest.approx(run.hypervolume("search"))
    assert result.baseline == pytest.approx(run.hypervolume("baseline"))


def test_a_run_of_a_space_without_a_name_still_has_a_page(run: Run) -> None:
    contents = contents_of(Run.load(run.folder))
    assert all(pick.network is None for pick in contents.picks)
    assert "=" in contents.search.points[0].text
    assert "toy" in html(Run.load(run.folder))


def test_write_returns_where_the_page_is(run: Run, tmp_path: Path) -> None:
    path = write(run, tmp_path / "report.html")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (
            Spec(subject_to=("params <= 200e3",), out="runs/first", seed=3),
            "nasturtium search --data digits --space mobilenet --method auto --minimize "
            "error latency_ms --subject-to 'params <= 200e3' --budget 5m --seed 3 --out runs/first",
        ),
        (Spec(recipe=Recipe(epochs=3)), "nasturtium search runs/first/run.toml"),
    ],
)
def test_command_repeats_the_specification(spec: Spec, text: str) -> None:
    assert command(spec, "runs/first") == text


@pytest.mark.slow
def test_trained_picks_have_test_errors_and_weights(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    task = image_classification("digits", max_train=100)
    run = search(
        "chain",
        task,
        minimize=("error", "params"),
        budget=2,
        out=tmp_path / "run",
        recipe=Recipe(epochs=1),
        retrain=Retraining(picks=1, times=2),
        baseline=False,
    )
    contents = contents_of(run)
    (pick,) = contents.picks
    assert pick.tested is not None
    assert len(pick.tested.errors) == 2
    assert pick.model is not None
    assert Path(pick.model).is_file()
    assert [stage.name for stage in contents.stages] == ["search", "retrain"]
    assert contents.test_images == len(task.test)
