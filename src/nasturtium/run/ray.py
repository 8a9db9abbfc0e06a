"""Evaluation on a Ray cluster: one actor a worker, each with an evaluator of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Evaluator, Trial
from nasturtium.run.jobs import Job, Jobs, Lost, Outcome, trials_of
from nasturtium.run.parcel import Parcel

try:
    import ray
    from ray.exceptions import RayError, RayTaskError
except ImportError as missing:  # pragma: no cover - Ray is an extra
    raise ConfigError('evaluation on Ray needs Ray: pip install "nasturtium[ray]"') from missing

TICK = 0.1  # seconds between looks at the time limit


class Ray:
    """Evaluates candidates on the workers of a Ray cluster, or of this machine where there is none.

    Each worker is an actor that makes an evaluator and keeps it, so that data is read once a worker. The
    actors are asked for when they are first needed and wait until the cluster has room for them. A worker
    that dies, or whose node does, is replaced; its candidate is tried again `retries` times and is then a
    failed trial. A worker that was sent to a node which is already gone does not count. What the evaluator
    itself raises ends the search.

    A candidate with a parent finds its weights only where the run folder is a file system that all nodes see.

    Args:
        make: Makes an evaluator, called in each worker; it must be possible to pickle it.
        workers: How many; None is as many as the CPUs and GPUs of the cluster have room for now.
        address: Of the cluster, for example ``ray://head:10001``; None joins the one this process is
            connected to, or else starts one on this machine.
        cpus: CPU cores that each worker reserves, and its threads.
        gpus: GPUs that each worker reserves: 0.5 puts two workers on one.
        seconds: Time for one candidate, after which its worker is killed; None is no limit.
        retries: How often a candidate is tried again after its worker died.

    Raises:
        ConfigError: Ray is not installed, or the cluster has no room for one worker.
    """

    def __init__(
        self,
        make: Callable[[], Evaluator],
        workers: int | None = None,
        *,
        address: str | None = None,
        cpus: float = 1.0,
        gpus: float = 0.0,
        seconds: float | None = None,
        retries: int = 1,
    ) -> None:
        if workers is not None and workers < 1:
            raise ConfigError(f"workers is {workers}; it must be 1 or more")
        if cpus <= 0 or gpus < 0 or retries < 0 or (seconds is not None and seconds <= 0):
            raise ConfigError(
                f"cpus is {cpus}, gpus {gpus}, seconds {seconds} and retries {retries}; cpus and seconds "
                "must be above 0, the others not below"
            )
        if not ray.is_initialized():
            ray.init(address=address, include_dashboard=None if address else False, log_to_driver=False)
        size = workers or _room(cpus, gpus)
        self._crew = _Crew(ray.put(Parcel.of(make)), size, cpus, gpus, seconds)
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
        """Starts on `batch`; waits for a result only where no worker is free or nothing was given."""
        return self._jobs.evaluate(batch)

    def close(self) -> None:
        """Ends the workers; the cluster stays."""
        self._crew.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


class _Evaluating:
    """The actor."""

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel
        self.evaluator: Evaluator | None = None

    def ready(self) -> bool:
        """Returns once the actor is there."""
        return True

    def trials(self, candidate: Candidate) -> list[Trial]:
        """Returns the trials of one candidate; makes the evaluator here, so that what that raises is told."""
        if self.evaluator is None:
            self.evaluator = self.parcel.evaluator()
        return trials_of(self.evaluator, candidate)


@dataclass(slots=True)
class _Worker:
    """One actor; `ready` is the promise that it is there, `since` when it began on its job, once it is."""

    actor: Any
    ready: Any
    job: Job | None = None
    answer: Any = None
    since: float | None = None


class _Crew:
    """The actors, as `Jobs` wants them."""

    def __init__(self, parcel: Any, size: int, cpus: float, gpus: float, seconds: float | None) -> None:
        self.size, self.seconds = size, seconds
        self._parcel = parcel
        self._kind = ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=0)(_Evaluating)
        self._workers: list[_Worker] = []

    def start(self, job: Job) -> None:
        """Gives a job to an idle worker, or to a new one."""
        worker = next((one for one in self._workers if one.job is None), None)
        if worker is None:
            actor = self._kind.remote(self._parcel)
            worker = _Worker(actor, actor.ready.remote())
            self._workers.append(worker)
        worker.job, worker.since = job, None
        worker.answer = worker.actor.trials.remote(job.candidate)

    def wait(self, *, block: bool) -> list[tuple[Job, Outcome]]:
        """Returns the jobs that ended; see `Crew`."""
        busy = {worker.answer: worker for worker in self._workers if worker.job is not None}
        if not busy:
            return []
        patience = (None if self.seconds is None else TICK) if block else 0
        ready, _ = ray.wait(list(busy), num_returns=1, timeout=patience)
        ended = [self._ended(busy[answer]) for answer in ready]
        if self.seconds is not None:
            late = [worker for worker in self._workers if worker.job and _seconds(worker) > self.seconds]
            reason = f"it took longer than {self.seconds:g} s and was stopped"
            ended += [(self._dismissed(worker), Lost(reason, final=True)) for worker in late]
        return ended

    def close(self) -> None:
        """Ends all actors."""
        for worker in self._workers:
            ray.kill(worker.actor)
        self._workers.clear()

    def _ended(self, worker: _Worker) -> tuple[Job, Outcome]:
        try:
            trials = ray.get(worker.answer)
        except RayTaskError as error:  # what the evaluator raised
            self.close()
            raise error.cause from error
        except RayError as error:
            lines = str(error).strip().splitlines() or ["no reason given"]
            began = _began(worker)
            return self._dismissed(worker), Lost(f"the worker died: {lines[0]}", began=began)
        job, worker.job, worker.answer = worker.job, None, None
        assert job is not None
        return job, trials

    def _dismissed(self, worker: _Worker) -> Job:
        job = worker.job
        assert job is not None
        self._workers.remove(worker)
        ray.kill(worker.actor)
        return job


def _seconds(worker: _Worker) -> float:
    """Returns how long a worker has been at its job, not counting the time until it was there."""
    if worker.since is None and ray.wait([worker.ready], timeout=0)[0]:
        worker.since = time.monotonic()
    return 0.0 if worker.since is None else time.monotonic() - worker.since


def _began(worker: _Worker) -> bool:
    """Whether a worker was ever there: actors are sent to a node until the cluster knows that it is gone."""
    if not ray.wait([worker.ready], timeout=0)[0]:
        return False
    try:
        ray.get(worker.ready)
    except RayError:
        return False
    return True


def _room(cpus: float, gpus: float) -> int:
    """Returns how many workers the nodes of the cluster have room for, each whole on one node."""
    room = 0
    for node in ray.nodes():
        if node["Alive"]:
            has = node["Resources"]
            room += int(min(has.get("CPU", 0) // cpus, has.get("GPU", 0) // gpus if gpus else float("inf")))
    if room < 1:
        raise ConfigError(f"no node of the Ray cluster has {cpus:g} CPUs and {gpus:g} GPUs for a worker")
    return room
