"""Which stage of the journal the final trainings are, so that those of other picks never mix."""

from collections.abc import Callable, Sequence
from itertools import count

from nasturtium.architecture import Architecture
from nasturtium.run.spec import Retraining
from nasturtium.store.records import Asked, Event

RETRAIN = "retrain"


def final_stage(
    events: Callable[[str], Sequence[Event]], architectures: Sequence[Architecture], retraining: Retraining
) -> str:
    """Returns the stage for the final trainings of `architectures`: ``retrain``, ``retrain-2`` and so on.

    A run that goes on with more budget may end with other picks than before. Their trainings get a stage
    of their own, and those of the former picks stay in the journal.

    Args:
        events: Gives the events of a stage.
        architectures: The picks.
        retraining: How often and how long each is trained.
    """
    every = [(architecture, retraining.epochs) for architecture in architectures]
    wanted = every * retraining.times
    for generation in count(1):
        stage = RETRAIN if generation == 1 else f"{RETRAIN}-{generation}"
        asks = [event for event in events(stage) if isinstance(event, Asked)]
        asked = [(candidate.point, candidate.fidelity) for ask in asks for candidate in ask.candidates]
        if asked == wanted[: len(asked)]:
            return stage
    raise AssertionError("count() has no end")
