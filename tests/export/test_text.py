"""A language model leaves as other networks do."""

import runpy

import pytest

from nasturtium.export import card, onnx, source
from nasturtium.export.card import Facts
from nasturtium.net.build import build
from nasturtium.space import blocks as b
from nasturtium.space.space import Space
from nasturtium.tasks import language_modelling


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "letters.txt"
    path.write_text("abc{}'\n" * 100, encoding="utf-8")
    return language_modelling(f"text:{path}", tokens=8)


@pytest.fixture(scope="module")
def network(text):
    space = Space(b.embedding(8), b.causal_transformer(2, 8, 8), b.next_token())
    return space.bind(text.input_shape, text.outputs).network(space.unrank(0))


def test_source_and_onnx_compute_the_same_and_the_source_writes_on(tmp_path, text, network, capsys):
    model = build(network, seed=0).eval()
    onnx.write(model, tmp_path / "net.onnx", text)
    source.write(model, tmp_path / "net.py", text, network=network)
    names = runpy.run_path(str(tmp_path / "net.py"), run_name="__main__")
    assert names["CLASSES"] == text.vocabulary
    written = capsys.readouterr().out
    assert len(written) == 302
    assert set(written) <= set(text.vocabulary)


def test_the_card_says_what_goes_in_and_comes_out(tmp_path, text):
    (tmp_path / "net.onnx").write_bytes(b"x")
    card.write(tmp_path / "net.onnx.md", tmp_path / "net.onnx", text, Facts())
    said = (tmp_path / "net.onnx.md").read_text()
    assert f"Language model over {text.outputs} characters" in said
    assert f"[batch, {text.outputs}, 8]" in said
    assert "image" not in said
    assert "- classes: '\\n', " in said
