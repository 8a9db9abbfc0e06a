"""From ``--workers`` to an evaluator: in this process, in several, or on a Ray cluster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nasturtium.errors import ConfigError
from nasturtium.protocols import Evaluator

Workers = int | str  # 1 is this process; 4 processes; "ray" on this machine; "ray://head:10001" elsewhere


@contextmanager
def working(make: Callable[[], Evaluator], workers: Workers) -> Iterator[Evaluator]:
    """Gives the evaluator that `workers` asks for, and ends its processes afterwards, whatever happens.

    Args:
        make: Makes the evaluator of one worker; it can be pickled where there are several.
        workers: 1 evaluates in this process, a larger number in so many, ``ray`` on a Ray cluster of this
            machine, ``ray://HOST:PORT`` on another.

    Raises:
        ConfigError: It is none of these, or Ray is not installed.
    """
    if workers == 1:
        yield make()
    elif isinstance(workers, int):
        from nasturtium.run.processes import Processes

        with Processes(make, workers) as processes:
            yield processes
    else:
        from nasturtium.run.ray import Ray

        with Ray(make, address=None if workers == "ray" else workers) as cluster:
            yield cluster


def check_workers(workers: Workers) -> None:
    """Raises a ConfigError where `workers` is neither a number of processes nor a Ray cluster."""
    number = isinstance(workers, int) and not isinstance(workers, bool) and workers >= 1
    if not number and not (isinstance(workers, str) and (workers == "ray" or workers.startswith("ray://"))):
        raise ConfigError(
            f"workers is {workers!r}; give a number of processes (4), ray, or the address of a Ray cluster "
            "(ray://head:10001)"
        )
