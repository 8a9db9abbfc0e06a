"""The numbers of a report as a reader writes them: units, thousands, times, confidence intervals."""

import math
from collections.abc import Mapping

from nasturtium.report.draw import thousands
from nasturtium.run.retrained import Retrained

DASH = "\N{EN DASH}"

NAMES: Mapping[str, str] = {
    "error": "error",
    "params": "parameters",
    "macs": "multiply-adds",
    "activation_bytes": "activation bytes",
    "size_bytes": "model size in float32",
    "int8_bytes": "model size in int8",
    "memory_bytes": "peak memory",
    "latency_ms": "latency",
    "latency_onnx_ms": "latency in ONNX Runtime",
    "energy_mj": "energy",
    "train_seconds": "training time",
}
UNITS: Mapping[str, str] = {"_ms": "ms", "_seconds": "s", "_bytes": "B", "_mj": "mJ"}


def quantity(metric: str, value: float | None) -> str:
    """Returns a metric's value as a reader writes it: 1.94%, 38.2 k, 0.412 ms; a dash for none."""
    if value is None or not math.isfinite(value):
        return DASH
    if not metric.isidentifier():
        return f"{value:.4g}"
    if metric.endswith("error"):
        return f"{value:.2%}"
    if metric.endswith("_seconds"):
        return duration(value)
    if metric in ("params", "macs") or metric.endswith("_bytes"):
        return thousands(value) + ("B" if metric.endswith("_bytes") else "")
    unit = next((f" {unit}" for end, unit in UNITS.items() if metric.endswith(end)), "")
    return f"{value:.3g}{unit}"


def test_error(again: Retrained | None) -> str:
    """Returns the mean test error of the final trainings: 1.94%; a dash for none."""
    return quantity("error", again.mean if again else None)


def test_interval(again: Retrained | None) -> str:
    """Returns the 95% confidence interval of the mean test error: 1.52 to 2.36%; a dash for none."""
    if again is None or again.interval is None:
        return DASH
    low, high = again.interval
    return f"{100 * low:.2f} to {high:.2%}"


def duration(seconds: float) -> str:
    """Returns a time as a reader writes it: 0.42 s, 37 s, 4 min 10 s, 2 h 5 min."""
    if not math.isfinite(seconds):
        return DASH
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def title_of(metric: str) -> str:
    """Returns what an axis or a column says: latency (ms); an expression is written as it is."""
    if not metric.isidentifier():
        return metric
    end, unit = next(((end, f" ({unit})") for end, unit in UNITS.items() if metric.endswith(end)), ("", ""))
    return NAMES.get(metric, metric.removesuffix(end).replace("_", " ")) + unit
