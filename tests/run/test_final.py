from nasturtium.architecture import Architecture
from nasturtium.protocols import Candidate
from nasturtium.run.final import final_stage
from nasturtium.run.spec import Retraining
from nasturtium.store.records import Asked, Ended

A, B, C = (Architecture("s", (i,)) for i in range(3))


def asked(*architectures, epochs=None):
    return [Asked(1, (Candidate(a, epochs, number=i),)) for i, a in enumerate(architectures)]


def stage(recorded, architectures, retraining):
    return final_stage(lambda name: recorded.get(name, []), architectures, retraining)


def test_the_first_final_trainings_are_the_stage_retrain():
    assert stage({}, [A, B], Retraining(times=2)) == "retrain"
    assert stage({}, [], Retraining(times=2)) == "retrain"


def test_final_trainings_that_were_cut_short_go_on():
    recorded = {"retrain": [*asked(A, B, A), Ended()]}
    assert stage(recorded, [A, B], Retraining(times=2)) == "retrain"
    assert stage(recorded, [A, B], Retraining(times=3)) == "retrain"


def test_other_picks_or_another_length_get_a_stage_of_their_own():
    recorded = {"retrain": asked(A, B, A, B)}
    assert stage(recorded, [A, C], Retraining(times=2)) == "retrain-2"
    assert stage(recorded, [A, B], Retraining(times=2, epochs=5)) == "retrain-2"
    assert stage(recorded, [A, B], Retraining(times=1)) == "retrain-2"
    recorded["retrain-2"] = asked(A, C)
    assert stage(recorded, [A, C], Retraining(times=2)) == "retrain-2"
    assert stage(recorded, [B, C], Retraining(times=2)) == "retrain-3"
    assert stage(recorded, [A, B], Retraining(times=2)) == "retrain"
