"""What flows through a graph: its operations in a row, counted, and its paths, whatever the decisions were.

Two cells that compute the same give the same, although their decisions differ: operations through which
nothing flows are left out, and those that change nothing are seen through.
"""

from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

from nasturtium.space.graph import Graph

BLOCKED = frozenset({"none"})
PASSING = frozenset({"skip_connect", "identity", "skip"})

Run = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """What flows through a graph.

    Attributes:
        runs: All runs of 1, 2, ... operations along the edges, one list per length; one that is there twice,
            or along two ways, is listed twice. Input and output count as operations.
        paths: Number of paths from input to output.
        shortest: Operations on the shortest of them, the ends left out; -1 where there is no path.
        longest: The same for the longest.
    """

    runs: tuple[list[Run], ...]
    paths: int
    shortest: int
    longest: int


def flow(graph: Graph, longest_run: int) -> Flow:
    """Returns what flows through a graph, with runs of up to so many operations.

    Runs are those of the Weisfeiler-Lehman and path features of Ru et al. 2021, NAS-BOWL (arXiv:2006.07556)
    and White et al. 2021, BANANAS (arXiv:1910.11858), cut short. The time grows with the runs and the edges,
    not with the paths.
    """
    before = _flowing(graph)
    if not before:
        return Flow(tuple([] for _ in range(longest_run)), 0, -1, -1)
    found: list[list[Run]] = [[] for _ in range(longest_run)]
    ending: dict[int, list[list[Run]]] = {}  # per node and length, the runs that end there
    lengths: dict[int, tuple[int, int, int]] = {0: (1, 0, 0)}  # paths to a node, and their lengths
    for node, sources in before.items():
        op = graph.ops[node]
        passing = op in PASSING
        if sources:
            counts, shorts, longs = zip(*[lengths[source] for source in sources], strict=True)
            step = 0 if passing else 1
            lengths[node] = sum(counts), min(shorts) + step, max(longs) + step
        if passing:
            ending[node] = [[run for s in sources for run in ending[s][n]] for n in range(longest_run)]
            continue
        runs: list[list[Run]] = [[(op,)]]
        for n in range(longest_run - 1):
            runs.append([(*run, op) for source in sources for run in ending[source][n]])
        ending[node] = runs
        for n, new in enumerate(runs):
            found[n] += new
    paths, shortest, longest = lengths[len(graph.ops) - 1]
    return Flow(tuple(found), paths, shortest - 1, longest - 1)  # the output is no operation


@lru_cache(maxsize=100_000)
def column(run: Run, columns: int) -> int:
    """Returns the place of a run in a vector of so many columns: a hash of its text, so no list is kept."""
    return crc32(">".join(run).encode()) % columns


def _flowing(graph: Graph) -> dict[int, list[int]]:
    """Returns the nodes between input and output that something flows through, with their sources."""
    last = len(graph.ops) - 1
    sources: dict[int, list[int]] = {0: []}
    for end, starts in sorted(_sources(graph).items()):
        here = [start for start in starts if start in sources]
        if here and graph.ops[end] not in BLOCKED:
            sources[end] = here
    if last not in sources:
        return {}
    useful = {last}
    for node in range(last, 0, -1):
        if node in useful:
            useful.update(sources[node])
    return {node: starts for node, starts in sources.items() if node in useful}


def _sources(graph: Graph) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for start, end in graph.edges:
        found.setdefault(end, []).append(start)
    return found
