"""Many courses at once, each worker a process of its own with one thread."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait

from nasturtium.run.bench.course import Course, Row, failed, run_course

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
PATIENCE = 5.0  # seconds that a worker is given to end


def run_courses(courses: Sequence[Course], workers: int) -> Generator[Row, None, None]:
    """Runs courses and yields what came of each, as they finish.

    A course whose worker dies (killed, out of memory, crashed in a library) is a failed row, and another
    worker takes its place. Closing the iterator ends the workers.

    Args:
        courses: What to run, in order.
        workers: Processes; 1 runs them in this one.
    """
    yield from map(run_course, courses) if workers == 1 else _shared_out(courses, workers)


class _Worker:
    """A process that runs one course after the other, and its end of the line to it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context(
            "spawn"
        )  # a fork would share locks of threads that are not there
        self.line, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs,))
        with _environment(dict.fromkeys(THREADS, "1")):
            self.process.start()
        theirs.close()
        self.course: Course | None = None

    def give(self, course: Course) -> None:
        self.course = course
        self.line.send(course)

    def take(self) -> Row:
        """What came of the course that was given; to be called when the line has something to say."""
        assert self.course is not None
        course, self.course = self.course, None
        try:
            row: Row = self.line.recv()
        except (EOFError, ConnectionError):
            self.process.join(PATIENCE)
            return failed(course, f"the worker process died (exit code {self.process.exitcode})")
        return row

    def stop(self) -> None:
        self.line.close()
        self.process.terminate()
        self.process.join(PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


def _shared_out(courses: Sequence[Course], workers: int) -> Iterator[Row]:
    waiting = deque(courses)
    crew: list[_Worker] = []
    try:
        for _ in range(min(workers, len(waiting))):
            crew.append(_Worker())
            crew[-1].give(waiting.popleft())
        while lines := {worker.line: worker for worker in crew if worker.course is not None}:
            for line in wait(list(lines)):
                worker = lines[line]  # type: ignore[index]  # `wait` gives back what it was given
                row = worker.take()
                if not worker.process.is_alive():
                    crew.remove(worker)
                    worker.stop()
                    worker = _Worker()
                    crew.append(worker)
                if waiting:
                    worker.give(waiting.popleft())
                yield row
    finally:
        for worker in crew:
            worker.stop()


def _work(line: "Connection[Row, Course]") -> None:
    # Ctrl-C goes to every process of the terminal: the parent decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with line:
        while True:
            try:
                line.send(run_course(line.recv()))
            except (EOFError, ConnectionError):  # the parent has gone, or needs no more
                return


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables, which a process that starts inherits and libraries read."""
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
