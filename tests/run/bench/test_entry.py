import pytest

from nasturtium.errors import ConfigError, UnknownName
from nasturtium.run.bench.entry import Entry, entry_of
from nasturtium.run.names import table_named
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.strategy.random import RandomSearch


def test_parameters_stand_in_brackets():
    entry = entry_of(" evolution( population=50,sample = 10 ) ")
    assert entry == Entry("evolution", (("population", 50), ("sample", 10)))
    assert entry.label == "evolution(population=50, sample=10)"
    assert entry_of(entry.label) == entry
    assert entry_of("random").label == "random"


@pytest.mark.parametrize("value", [3, 0.5, True, "word", "12,200", "12", "true", "", "it's"])
def test_a_label_is_read_as_what_it_was_written_from(value, monkeypatch):
    monkeypatch.setattr("nasturtium.run.bench.entry.check_parameters", lambda *given: None)
    entry = Entry("evolution", (("heat", value),))
    assert entry_of(entry.label) == entry


def test_the_strategy_has_the_parameters_and_the_objective_of_the_table(toys):
    strategy = entry_of("evolution(population=7)").strategy(table_named("toy.py:table"), 3)
    assert isinstance(strategy, RegularizedEvolution)
    assert (strategy.population, strategy.seed) == (7, 3)


def test_a_users_file_and_a_class_take_part(toys):
    assert entry_of("mine.py:Mine").method().__name__ == "Mine"
    assert entry_of(RandomSearch).method() is RandomSearch


def test_a_file_that_changes_is_another_method(toys):
    before = entry_of("mine.py:Mine")
    digest, method = before.digest, before.method()
    (toys / "mine.py").write_text("# changed\n" + (toys / "mine.py").read_text())
    assert before.digest != digest
    assert before.method() is not method
    assert entry_of("random").digest == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("evolutoin", "did you mean 'evolution'"),
        ("evolution(popsize=3)", "unknown parameter 'popsize'"),
        ("evolution(population)", "name=value"),
        ("evolution(population=)", "name=value"),
        ("evolution(population=3", "not understood"),
        ("", "not understood"),
    ],
)
def test_what_cannot_be_understood_is_said(given, words):
    with pytest.raises(ConfigError, match=words.replace("(", r"\(")):
        entry_of(given)


def test_an_unknown_method_is_an_unknown_name():
    with pytest.raises(UnknownName):
        entry_of("nothing_of_the_kind")


def test_a_method_that_trains_a_supernet_is_not_for_tables():
    with pytest.raises(ConfigError, match="spos trains a supernet"):
        entry_of("spos(epochs=3)")
