"""The model card: what a stranger must know before using an exported network."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nasturtium.cost.measure import Latency
from nasturtium.export.check import Check
from nasturtium.export.normalisation import normalisation, reads_text
from nasturtium.export.replaced import replaced
from nasturtium.protocols import Task
from nasturtium.run.retrained import Retrained

USE = {
    ".onnx": 'logits = onnxruntime.InferenceSession("{file}").run(None, {{"input": x}})[0]',
    ".pt2": 'logits = torch.export.load("{file}").module()(x)',
    ".py": "from {stem} import load, preprocess\n\nlogits = load()(preprocess(images))",
}
# The metrics of a trial that are not costs.
QUALITIES = {"error", "loss", "perplexity", "train_seconds", "epochs"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a network beside its weights.

    Attributes:
        retrained: What its final trainings gave on the test split; None where it was not trained again.
        metrics: What the search found out about it, on the validation split.
        architecture: Its options, as text.
        specification: The search that found it, as the TOML file that repeats it.
        seed: Of that search.
        versions: Name to version of what it was made with.
        devices: What it was searched and trained on.
    """

    retrained: Retrained | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    architecture: str = ""
    specification: str = ""
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[str, ...] = ()


def write(
    path: Path,
    artifact: Path,
    task: Task,
    facts: Facts,
    *,
    check: Check | None = None,
    latency: Latency | None = None,
    device: str = "",
) -> None:
    """Writes the card of `artifact`.

    Args:
        path: Of the card, a Markdown file.
        artifact: The exported file.
        task: What it was trained for.
        facts: Its history; empty where nothing is known, which the card then says.
        check: How it answers beside its model.
        latency: Of the artefact itself.
        device: What that was measured on, in words.

    Raises:
        ExportError: The file cannot be written.
    """
    sections = {
        f"A network for {task.name}": _use(artifact, task),
        "Accuracy": _accuracy(task, facts) + _checked(check),
        "Costs": _costs(artifact, facts, latency, device),
        "Data": _data(task),
        "How it was made": _making(facts),
        "Limitations": _limitations(task, facts),
    }
    text = "\n\n".join(
        f"{'##' if i else '#'} {title}\n\n{body}" for i, (title, body) in enumerate(sections.items())
    )
    with replaced(path) as (file,):
        file.write_text(text + "\n", encoding="utf-8")


def _use(artifact: Path, task: Task) -> str:
    shape = ", ".join(map(str, task.input_shape))
    example = USE[artifact.suffix].format(file=artifact.name, stem=artifact.stem)
    if reads_text(task):
        example = example.replace("preprocess(images)", "x").replace(", preprocess", "")
        return _text_use(artifact, task, shape, example)
    return (
        f"Image classifier with {task.outputs} classes, in `{artifact.name}`.\n\n"
        f"- Input: float32, [batch, {shape}]; any batch.\n"
        f"- Normalisation: {normalisation(task) or 'not known'}. The file takes the result, not raw images.\n"
        f"- Output: logits, [batch, {task.outputs}]; softmax over the last dimension gives shares.\n\n"
        f"```python\n{example}\n```"
    )


def _text_use(artifact: Path, task: Task, shape: str, example: str) -> str:
    made = f"[batch, {task.outputs}, {task.input_shape[-1]}]"
    return (
        f"Language model over {task.outputs} characters, in `{artifact.name}`.\n\n"
        f"- Input: float32, [batch, {shape}], any batch: the places of characters, from 0, in the classes\n"
        "  that the file names. A shorter text may be followed by anything: no character sees a later one.\n"
        f"- Output: logits, {made}; for each character, softmax over the second dimension gives shares of\n"
        "  the one that follows it.\n\n"
        f"```python\n{example}\n```"
    )


def _accuracy(task: Task, facts: Facts) -> str:
    if facts.retrained and facts.retrained.errors:
        return _retrained(task, facts.retrained)
    if "error" in facts.metrics:
        return (
            f"Validation accuracy {1 - facts.metrics['error']:.2%}. The search chose the network by this, so "
            "it is too good; the test split was not touched."
        )
    return "Not known: the network was exported without the run that made it."


def _checked(check: Check | None) -> str:
    if check is None:
        return ""
    warning = f"\n\n**Warning: {check.warning}.**" if check.warning else ""
    return f"\n\nThis very file: {check}.{warning}"


def _retrained(task: Task, retrained: Retrained) -> str:
    errors = retrained.errors
    where = _test_split(task)
    lines = [f"Test accuracy **{1 - retrained.mean:.2%}** on {where}, mean of {len(errors)} training(s)."]
    if retrained.interval:
        low, high = retrained.interval
        lines.append(
            f"95 % confidence interval over trainings: {1 - high:.2%} to {1 - low:.2%} (Student's t, "
            f"{len(errors)} seeds)."
        )
    else:
        lines.append(
            "No confidence interval: one training does not show how much accuracy varies with the seed."
        )
    lines.append(f"The weights in this file are those of the first training: {1 - errors[0]:.2%}.")
    return " ".join(lines)


def _test_split(task: Task) -> str:
    said = task.describe()
    for answers in ("images", "characters"):
        if count := said.get(answers, {}).get("test"):
            return f"the {count:,} test {answers}"
    return "the test split"


def _costs(artifact: Path, facts: Facts, latency: Latency | None, device: str) -> str:
    """A table of what the search promised, and of what this file has."""
    promised = dict(facts.metrics)
    size, ms = (promised.pop(name, None) for name in promises(artifact))
    rows = [
        (
            f"size of the {'weights' if artifact.suffix == '.py' else 'file'}",
            "" if size is None else f"{size:,.0f} bytes",
            f"{size_of(artifact):,} bytes",
        )
    ]
    if latency or ms is not None:
        rows.append(
            (
                "latency, one input",
                "" if ms is None else f"{ms:.4g} ms",
                f"{latency.median_ms:.4g} ms +- {latency.spread_ms:.2g} ms" if latency else "",
            )
        )
    rows += [(name, f"{value:,.6g}", "") for name, value in sorted(promised.items()) if name not in QUALITIES]
    table = "\n".join(f"| {name} | {said} | {found} |" for name, said, found in rows)
    measured = f"\n\nThe file was measured on: {device}." if latency else ""
    return f"| cost | promised by the search | this file |\n|---|---|---|\n{table}{measured}"


def promises(artifact: Path) -> tuple[str, str]:
    """Returns the metrics by which a search promises the size of a file and the latency of it.

    There is none for the latency of int8.
    """
    if artifact.name.endswith(".int8.onnx"):
        return "int8_bytes", ""
    return "size_bytes", "latency_onnx_ms" if artifact.suffix == ".onnx" else "latency_ms"


def size_of(artifact: Path) -> int:
    """Returns the bytes of an exported file; of source, those of its weights."""
    weights = artifact.with_suffix(".safetensors") if artifact.suffix == ".py" else artifact
    return weights.stat().st_size


def _data(task: Task) -> str:
    said: dict[str, Any] = task.describe()
    return "\n".join(f"- {name.replace('_', ' ')}: {_said(value)}" for name, value in said.items())


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(one)}" for name, one in value.items())
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str) and value and not value.isprintable():
        return repr(value)  # a line end among characters
    if isinstance(value, list | tuple):
        shown = ", ".join(map(_said, value[:20]))
        return shown if len(value) <= 20 else f"{shown}, and {len(value) - 20} more"
    return str(value) if value not in (None, "") else "not known"


def _making(facts: Facts) -> str:
    return "\n\n".join(_made(facts)) or "Not known: the network was exported without the run that made it."


def _made(facts: Facts) -> Iterator[str]:
    if facts.specification:
        yield (
            "Found by `nasturtium search search.toml`, with this `search.toml`"
            f" (seed {facts.seed}):\n\n```toml\n{facts.specification.strip()}\n```"
        )
    if facts.architecture:
        yield f"Architecture:\n\n```\n{facts.architecture.strip()}\n```"
    if facts.versions:
        yield "Versions: " + ", ".join(f"{name} {version}" for name, version in facts.versions.items()) + "."
    if facts.devices:
        yield "Searched and trained on: " + "; ".join(facts.devices) + "."


def _limitations(task: Task, facts: Facts) -> str:
    text = reads_text(task)
    first = f"It names one of its {task.outputs} classes for every input, also for images of none of them."
    lines = [
        "It has learnt how its text is written, not what is true." if text else first,
        f"Its accuracy holds for {'texts' if text else 'images'} like those of {task.name}, prepared in the "
        "same way.",
        "Softmax shares are not calibrated probabilities.",
        "A latency holds for the device that it was measured on; another may rank networks differently.",
    ]
    errors = facts.retrained.errors if facts.retrained else ()
    if errors and math.isclose(min(errors), 0.0):
        lines.append(
            "No test image was wrong: the test split is too easy or too small to tell how good it is."
        )
    return "\n".join(f"- {line}" for line in lines)
