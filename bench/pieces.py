"""Long benches in pieces: each is written down as it finishes, so that what was stopped goes on."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import Any


def carry_out(pieces: Mapping[str, Callable[[], Any]], path: Path, workers: int) -> dict[str, Any]:
    """Runs the pieces that a file lacks and returns what came of each, by its name.

    Args:
        pieces: By name; what they return can be written as JSON, and they can be pickled.
        path: The file, a line for each piece.
        workers: Processes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    known = written(path)
    left = {name: piece for name, piece in pieces.items() if name not in known}
    started = time.monotonic()
    with ProcessPoolExecutor(workers) as pool, path.open("a", encoding="utf-8") as file:
        futures = {pool.submit(piece): name for name, piece in left.items()}
        for number, future in enumerate(as_completed(futures), 1):
            name = futures[future]
            known[name] = future.result()
            file.write("\n" + json.dumps({name: known[name]}))  # a line of its own, whatever the last one was
            file.flush()
            minutes = (time.monotonic() - started) / 60
            print(f"{number} of {len(left)}, {minutes:.1f} minutes: {name}", file=sys.stderr, flush=True)
    return {name: known[name] for name in pieces}


def written(path: Path) -> dict[str, Any]:
    """Returns what a file says; a line that a crash cut short says nothing."""
    known: dict[str, Any] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        with suppress(ValueError):
            known |= json.loads(line)
    return known
