"""What makes an evaluator reaches another process, with the user's file that it needs."""

import pickle
import subprocess
import sys
from functools import partial

import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate
from nasturtium.run.names import resolve
from nasturtium.run.parcel import Parcel
from nasturtium.testing.toys import ToyEvaluator, flat_space

FILE = """
from nasturtium.protocols import Trial
from nasturtium.testing.toys import flat_space


class Theirs:
    slots, pending, space = 1, 0, flat_space()

    def evaluate(self, batch):
        return [[Trial(candidate, {"error": 0.25})] for candidate in batch]
"""

ELSEWHERE = """
import pickle, sys
from nasturtium.protocols import Candidate

with open(sys.argv[1], "rb") as file:
    evaluator = pickle.load(file).evaluator()
((trial,),) = evaluator.evaluate([Candidate(evaluator.space.unrank(1), number=0)])
print(trial.metrics["error"])
"""


def test_a_parcel_gives_the_evaluator():
    evaluator = Parcel.of(partial(ToyEvaluator, flat_space())).evaluator()
    ((trial,),) = evaluator.evaluate([Candidate(flat_space().unrank(0), number=0)])
    assert trial.status == "ok"


def test_what_a_users_file_defines_arrives(tmp_path):
    (tmp_path / "theirs.py").write_text(FILE)
    theirs = resolve("space", f"{tmp_path / 'theirs.py'}:Theirs")
    (tmp_path / "other.py").write_text("found = 1")
    resolve("space", f"{tmp_path / 'other.py'}:found")
    parcel = Parcel.of(theirs)
    assert parcel.files == (str(tmp_path / "theirs.py"),)
    (tmp_path / "parcel").write_bytes(pickle.dumps(parcel))
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path / "parcel")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.stdout == "0.25\n", ended.stderr


def test_a_maker_that_cannot_be_sent_is_refused():
    with pytest.raises(ConfigError, match=r"functools\.partial"):
        Parcel.of(lambda: ToyEvaluator(flat_space()))
