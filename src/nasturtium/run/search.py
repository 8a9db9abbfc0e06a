"""The loop. It knows no strategy and no evaluator by name."""

from nasturtium.protocols import Evaluator, Strategy
from nasturtium.run.record import Record
from nasturtium.run.steps import Steps


def search(strategy: Strategy, evaluator: Evaluator, record: Record | Steps) -> None:
    """Asks, evaluates and tells until the budget is spent or the strategy has no more to ask.

    Args:
        strategy: What decides; fresh, whether the stage is new or resumed.
        evaluator: What finds out.
        record: Budget and journal of the stage: what is asked and told is durable when it returns. Of a
            supernet's training, its steps and checkpoints.
    """
    waiting = record.replay(strategy)
    while True:
        slots = evaluator.slots
        batch, waiting = waiting[:slots], waiting[slots:]
        if not batch and (room := min(slots, record.room())):
            batch = record.asked(room, strategy.ask(room))
        if not batch and not evaluator.pending:
            return record.ended()
        for trials in evaluator.evaluate(batch):
            strategy.tell(record.told(trials))
