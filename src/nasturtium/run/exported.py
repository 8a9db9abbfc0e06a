"""The files that networks of a run became: what the search promised of each, and what it turned out to be."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from nasturtium.errors import StoreError
from nasturtium.store.schema import storing

FILES = "exports.json"


@dataclass(frozen=True, slots=True)
class Exported:
    """One file.

    Attributes:
        pick: Name of the network.
        format: Of the file.
        path: Of the file.
        difference: Largest absolute difference of its logits to the model's, on random inputs.
        bytes: Its size, or that of its weights.
        promised_bytes: What the search said of that; None where it said nothing.
        latency_ms: Measured; None where it was not.
        promised_ms: What the search said of that.
        split: Whose inputs it was asked about, ``test`` or ``valid``; empty where it was not asked.
        inputs: How many.
        error: Share of its wrong answers.
        model_error: The same of the model in PyTorch.
        alike: Share of answers that are the same.
        warning: Why it should not be used as it is; empty for most.
    """

    pick: str
    format: str
    path: str
    difference: float
    bytes: int
    promised_bytes: float | None = None
    latency_ms: float | None = None
    promised_ms: float | None = None
    split: str = ""
    inputs: int = 0
    error: float | None = None
    model_error: float | None = None
    alike: float | None = None
    warning: str = ""


def note(folder: Path, files: Sequence[Exported]) -> None:
    """Notes files in a run's folder; those of the same pick and format noted before are forgotten.

    Raises:
        StoreError: The folder cannot be written, or what it has cannot be read.
    """
    known = {(one.pick, one.format): one for one in (*noted(folder), *files)}
    path = folder / FILES
    draft = path.with_name(f"{path.name}.new")
    with storing(path):
        draft.write_text(json.dumps([asdict(one) for one in known.values()], indent=1), encoding="utf-8")
        draft.replace(path)


def noted(folder: Path) -> tuple[Exported, ...]:
    """Returns the files that were noted in a run's folder.

    Raises:
        StoreError: They cannot be read.
    """
    path = folder / FILES
    if not path.exists():
        return ()
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return tuple(Exported(**{one.name: row[one.name] for one in fields(Exported)}) for row in rows)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise StoreError(f"cannot read {path}: {problem}; delete it and export again") from problem
