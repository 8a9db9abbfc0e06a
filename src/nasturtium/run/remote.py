"""Measuring on another machine: one small command there, JSON lines to and fro."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from types import TracebackType
from typing import IO, Any

from nasturtium.architecture import Architecture
from nasturtium.cost.costs import Measured
from nasturtium.cost.device import Device
from nasturtium.cost.measure import Latency
from nasturtium.errors import ConfigError, NasturtiumError
from nasturtium.run.names import space_named
from nasturtium.space.space import Space


class Remote:
    """Measures architectures of a space through a command, such as ``ssh pi nasturtium measure-worker``.

    The space must have the same name there, and be the same: its fingerprint is compared. Use it in a
    ``with`` block, which ends the command.

    Args:
        command: What to run, in words of a shell.
        space: Bound to the shapes of a task.
        name: That `space_named` finds the space by, there.
        threads: That a network runs on.
        batch: Inputs that a run takes at once.
        place: ``cpu`` or ``cuda``, there.

    Raises:
        ConfigError: The command cannot be run, does not answer, or refuses.
    """

    def __init__(
        self,
        command: str,
        space: Space,
        name: str,
        *,
        threads: int = 1,
        batch: int = 1,
        place: str = "cpu",
    ) -> None:
        self.command, self.batch = command, batch
        try:
            self._process = subprocess.Popen(
                shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        except (OSError, ValueError) as error:
            raise ConfigError(f"cannot run {command!r}: {error}") from error
        hello = {
            "space": name,
            "fingerprint": space.fingerprint,
            "input_shape": space.input_shape,
            "outputs": space.outputs,
            "threads": threads,
            "batch": batch,
            "place": place,
        }
        try:
            self.device = Device(**self._asked(hello)["device"])
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Remote:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def measure(self, architectures: Sequence[Architecture], name: str) -> list[Latency]:
        """Measures architectures beside each other in random order, there."""
        answer = self._asked({"metric": name, "choices": [one.choices for one in architectures]})
        return [Latency(**{**one, "blocks_ms": tuple(one["blocks_ms"])}) for one in answer["latencies"]]

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()  # closes both pipes

    def _asked(self, message: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(json.dumps(message), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
            answer = json.loads(line)
        except (OSError, json.JSONDecodeError) as error:
            raise ConfigError(
                f"{self.command!r} does not answer as nasturtium measure-worker does: {error}"
            ) from error
        if "error" in answer:
            raise ConfigError(f"{self.command!r} says: {answer['error']}")
        return answer


def measure_worker(asks: IO[str], answers: IO[str]) -> None:
    """Answers a `Remote`, line by line, until there are no more lines.

    Args:
        asks: First the space, then batches of architectures; each line is JSON.
        answers: A line of JSON for each.
    """
    measured: Measured | None = None
    for line in asks:
        try:
            message = json.loads(line)
            if measured is None:
                measured = _opened(message)
                answer: Any = {"device": asdict(measured.device)}
            else:
                space = measured.space
                batch = [Architecture(space.fingerprint, tuple(one)) for one in message["choices"]]
                answer = {"latencies": [asdict(one) for one in measured.measure(batch, message["metric"])]}
        except (NasturtiumError, json.JSONDecodeError, KeyError, TypeError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def _opened(message: Any) -> Measured:
    space = space_named(message["space"]).bind(tuple(message["input_shape"]), message["outputs"])
    if space.fingerprint != message["fingerprint"]:
        raise ConfigError(f"space {message['space']} is another one here; install the same version")
    threads, batch, place = message["threads"], message["batch"], message["place"]
    return Measured(space, threads=threads, batch=batch, place=place)
