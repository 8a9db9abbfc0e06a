"""Does a profile of this machine keep its promises, and is one network two only by name?

    python bench/device_profile.py                      # 12 minutes on one core of a quiet machine
    python bench/device_profile.py --budget 60 --pairs 5

The small mobile space for images of 32x32, one thread, PyTorch and onnxruntime. First 20 networks are each
measured twice in calls of their own, under two names: a difference counts as significant as `measure.differ`
says. Then a profile is made within the budget (seconds, both runtimes), and its models are judged on the
networks held out. Writes bench/results/device_profile-cpu.json and prints it; look at `load` and `drift`
before the figures: a busy machine measures its load.
"""

import argparse
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from machine import machine
from nasturtium.cost.costs import Measured
from nasturtium.cost.measure import differ
from nasturtium.cost.profile import RUNTIMES, Course
from nasturtium.run.profiling import build_profile
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.mobilenet import mobilenet

RESULT = Path(__file__).parent / "results" / "device_profile-cpu.json"


def two_names(measured: Measured, metric: str, pairs: int) -> dict[str, Any]:
    """Returns how often a network differs from itself, and by how much."""
    networks = [measured.space.sample(rng_for(0, "two names", i)) for i in range(pairs)]
    first = [measured.measure([one], metric)[0] for one in networks]
    second = [measured.measure([one], metric)[0] for one in networks]
    apart = sorted(abs(b.median_ms / a.median_ms - 1) for a, b in zip(first, second, strict=True))
    return {
        "pairs": pairs,
        "significant": sum(differ(a, b) for a, b in zip(first, second, strict=True)),
        "median_difference": apart[len(apart) // 2],
        "largest_difference": apart[-1],
    }


def figures(course: Course) -> dict[str, Any]:
    """Returns what a profile says of itself."""
    latencies = sorted(one.ms for one in course.samples)
    return {
        "networks": len(course.samples),
        "latency_ms": [latencies[0], latencies[len(latencies) // 2], latencies[-1]],
        "model": course.model,
        "quality": {name: asdict(one) for name, one in course.quality.items()},
        "drift": course.drift,
    }


def main() -> None:
    """Runs both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--budget", type=float, default=540.0, help="seconds of the profile")
    parser.add_argument("--pairs", type=int, default=20, help="networks measured under two names")
    asked = parser.parse_args()
    head, space = machine(), mobilenet()
    names = {runtime: two_names(Measured(space), metric, asked.pairs) for runtime, metric in RUNTIMES.items()}
    start = time.perf_counter()
    profile = build_profile(space, tuple(RUNTIMES), seconds=asked.budget)
    result = {
        "bench": "device_profile",
        **head,
        "device": str(profile.device),
        "two_names": names,
        "profile_seconds": round(time.perf_counter() - start, 1),
        "profile": {course.metric: figures(course) for course in profile.courses},
        "load_after": list(os.getloadavg()),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
