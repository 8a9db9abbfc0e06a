"""Evaluation in processes of this machine: spawned workers, each with an evaluator of its own."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import Self

from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Evaluator, Trial
from nasturtium.run.jobs import Job, Jobs, Lost, Outcome
from nasturtium.run.parcel import Parcel
from nasturtium.run.worker import READY, Raised, work

TICK = 0.1  # seconds between looks at time and memory
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
GUARD = 'a script that starts processes needs `if __name__ == "__main__":` around what it does'


class Processes:
    """Evaluates candidates in several processes at once.

    Each worker is spawned when it is first needed, makes an evaluator and keeps it. It gives trials as that
    evaluator does: a training is seeded by its candidate's number, so that one worker gives, bit by bit, what
    the evaluator would give in this process.

    A worker that dies (killed, out of memory, a crash in native code) is replaced; its candidate is tried
    again `retries` times and is then a failed trial, and so, without another try, is one that takes too
    long or too much memory. What the evaluator itself raises ends the search, as it would in this process.

    Workers end with the `with` block, with `close`, or with this process, however that ends.

    Args:
        make: Makes an evaluator, for example ``functools.partial(Scratch, space, task, recipe)``; called in
            each worker, so it must be possible to pickle it.
        workers: How many processes.
        threads: CPU threads of each; None shares the cores out.
        memory_gb: Resident memory, in 10^9 bytes, above which a worker is killed; None is no limit. Linux
            only.
        seconds: Time for one candidate, after which its worker is killed; None is no limit.
        retries: How often a candidate is tried again after its worker died.

    Raises:
        ConfigError: A number that makes no sense, or a `make` that cannot be pickled.
    """

    def __init__(
        self,
        make: Callable[[], Evaluator],
        workers: int = 2,
        *,
        threads: int | None = None,
        memory_gb: float | None = None,
        seconds: float | None = None,
        retries: int = 1,
    ) -> None:
        _check(workers, threads, memory_gb, seconds, retries)
        cores = threads or max(1, _cores() // workers)
        self._crew = _Crew(Parcel.of(make), workers, cores, memory_gb, seconds)
        self._jobs = Jobs(self._crew, retries)

    @property
    def slots(self) -> int:
        """Workers that have nothing to do."""
        return self._jobs.slots

    @property
    def pending(self) -> int:
        """Candidates whose trials were not given out yet."""
        return self._jobs.pending

    def evaluate(self, batch: Sequence[Candidate]) -> Iterator[Sequence[Trial]]:
        """Starts on `batch`; waits for a result only where no worker is free or nothing was given.

        Raises:
            NasturtiumError: What an evaluator raised, for example a StoreError of a disk that is full.
            ConfigError: Workers die before they have an evaluator.
        """
        return self._jobs.evaluate(batch)

    def close(self) -> None:
        """Ends the workers; what they worked on is lost."""
        self._crew.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


@dataclass(slots=True)
class _Worker:
    """One process; `since` is when it began on its job or, until it is ready, when it was started."""

    process: SpawnProcess
    connection: Connection
    job: Job | None = None
    ready: bool = False
    since: float = 0.0


class _Crew:
    """The processes, as `Jobs` wants them."""

    def __init__(
        self, parcel: Parcel, size: int, threads: int, memory_gb: float | None, seconds: float | None
    ) -> None:
        self.size, self.threads, self.memory_gb, self.seconds = size, threads, memory_gb, seconds
        self._workers: list[_Worker] = []
        self._stillborn = 0
        # A file, since a pipe would make each start wait until the process before it has read a data set.
        handle, self._parcel = tempfile.mkstemp(prefix="nasturtium-", suffix=".evaluator")
        with os.fdopen(handle, "wb") as file:
            pickle.dump(parcel, file)
        weakref.finalize(self, _leave, self._workers, self._parcel)

    def start(self, job: Job) -> None:
        """Gives a job to an idle worker, or to a new one."""
        worker = next((one for one in self._workers if one.job is None), None) or self._spawned()
        worker.job, worker.since = job, time.monotonic()
        with suppress(OSError):  # where it died since its last job: `wait` finds out
            worker.connection.send(job.candidate)

    def wait(self, *, block: bool) -> list[tuple[Job, Outcome]]:
        """Returns the jobs that ended; see `Crew`."""
        busy = {worker.connection: worker for worker in self._workers if worker.job is not None}
        limited = self.memory_gb is not None or self.seconds is not None
        found = wait(list(busy), (TICK if limited else None) if block else 0)
        heard = [busy[connection] for connection in found if isinstance(connection, Connection)]
        ended = [end for worker in heard if (end := self._heard(worker)) is not None]
        if limited:
            ended += [end for worker in list(self._workers) if (end := self._stopped(worker)) is not None]
        return ended

    def close(self) -> None:
        """Ends all processes."""
        _end(self._workers)

    def _spawned(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, self._parcel), daemon=True)
        with _environment(dict.fromkeys(THREADS, str(self.threads))):  # libraries read it as they are loaded
            process.start()
        theirs.close()  # so that the death of the process ends the connection
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _heard(self, worker: _Worker) -> tuple[Job, Outcome] | None:
        """Takes a message of a worker; returns its job where that has ended."""
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            return self._died(worker)
        if isinstance(message, Raised):
            self.close()
            where = RuntimeError(f"an evaluator raised in a worker:\n{message.text}")
            if message.error is None:
                raise where
            raise message.error from where
        if message == READY:
            worker.ready, worker.since, self._stillborn = True, time.monotonic(), 0
            return None
        job, worker.job = worker.job, None
        assert job is not None
        return job, message

    def _died(self, worker: _Worker) -> tuple[Job, Outcome]:
        worker.process.join(1)  # the connection may end a moment before the process does
        job = self._dismissed(worker)
        code = worker.process.exitcode
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn > 1:
                self.close()
                raise ConfigError(
                    f"worker processes end before they have an evaluator ({_cause(code)}); what they printed "
                    f"says why. {GUARD}"
                )
        return job, Lost(f"the worker process died: {_cause(code)}")

    def _stopped(self, worker: _Worker) -> tuple[Job, Outcome] | None:
        """Kills a worker that takes too long or too much memory."""
        if worker.job is None or not worker.ready:
            return None
        reason = None
        if self.seconds is not None and time.monotonic() - worker.since > self.seconds:
            reason = f"it took longer than {self.seconds:g} s and was stopped"
        if self.memory_gb is not None and (used := _resident_gb(worker.process.pid)) > self.memory_gb:
            reason = f"it took {used:.2f} GB of memory, more than {self.memory_gb:g} GB, and was stopped"
        return (self._dismissed(worker), Lost(reason, final=True)) if reason else None

    def _dismissed(self, worker: _Worker) -> Job:
        job = worker.job
        assert job is not None
        self._workers.remove(worker)
        _end([worker])
        return job


def _end(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.process.kill()
    for worker in workers:
        worker.process.join()
        worker.connection.close()
    workers.clear()


def _leave(workers: list[_Worker], parcel: str) -> None:
    _end(workers)
    Path(parcel).unlink(missing_ok=True)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by signal {-code}, {signal.strsignal(-code)}"
    return f"exit code {code}"


def _resident_gb(pid: int | None) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0  # it has just ended
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e9


def _check(
    workers: int, threads: int | None, memory_gb: float | None, seconds: float | None, retries: int
) -> None:
    for name, value, least in (("workers", workers, 1), ("threads", threads, 1), ("retries", retries, 0)):
        if value is not None and value < least:
            raise ConfigError(f"{name} is {value}; it must be {least} or more")
    for name, limit in (("memory_gb", memory_gb), ("seconds", seconds)):
        if limit is not None and not limit > 0:
            raise ConfigError(f"{name} is {limit}; it must be above 0")
    if memory_gb is not None and sys.platform != "linux":
        raise ConfigError("memory_gb can only be watched on Linux; leave it out here")
