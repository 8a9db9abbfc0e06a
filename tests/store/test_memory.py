from nasturtium.run.budget import Budget
from nasturtium.run.record import Record
from nasturtium.run.search import search
from nasturtium.store.journal import Journal
from nasturtium.store.memory import MemoryJournal
from nasturtium.store.records import Header
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.testing.toys import ToyEvaluator, flat_space


def trials(journal):
    space = flat_space()
    record = Record(journal, "search", Budget(30, "trials"))
    search(RegularizedEvolution(space), ToyEvaluator(space, failing=0.1), record)
    return record.trials


def test_the_loop_does_the_same_in_memory_as_on_disk(tmp_path):
    with Journal.resume(tmp_path, Header(flat_space().fingerprint)) as journal:
        assert trials(journal) == trials(MemoryJournal())


def test_a_search_in_memory_goes_on_from_its_journal():
    journal = MemoryJournal()
    assert trials(journal) == trials(journal)
    assert journal.events("elsewhere") == []
