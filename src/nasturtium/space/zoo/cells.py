"""Cells of pairwise combinations, and the tower of cells that a network is made of.

A cell reads two states: 0, the output of the cell two before it, and 1, that of the cell before it. Each of
its blocks joins two operations on earlier states to a new one, 2, 3 and so on; the cell's output is some of
them side by side. NASNet, AmoebaNet, PNAS and DARTS are spaces of such cells.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any, NamedTuple

from nasturtium.errors import SpaceError
from nasturtium.space.block import Block
from nasturtium.space.graph import INPUT, OUTPUT, Graph
from nasturtium.space.wiring import Value, Wiring
from nasturtium.space.zoo.operations import Style, factorised_reduction, operate, projection

INPUTS = ("two_back", "previous")


class Pair(NamedTuple):
    """One block of a cell.

    Attributes:
        first: State that the first operation reads.
        first_op: That operation.
        second: State that the second operation reads.
        second_op: That operation.
        join: ``add`` or ``concat``.
    """

    first: int
    first_op: str
    second: int
    second_op: str
    join: str = "add"


@dataclass(frozen=True)
class Cell(Block):
    """What all cells share; a kind of cell gives `pairs` and `outputs`."""

    def pairs(self) -> tuple[Pair, ...]:
        """Returns the blocks, each reading only states before it."""
        raise NotImplementedError

    def outputs(self) -> tuple[int, ...]:
        """Returns the states that are the cell's output."""
        raise NotImplementedError

    def write_cell(
        self, net: Wiring, states: tuple[Value, Value], filters: int, *, stride: int, style: Style
    ) -> Value:
        """Writes the cell.

        Args:
            net: Takes the layers down.
            states: Outputs of the cell two before and of the one before, of one height and width.
            filters: Channels of a state.
            stride: Of the operations that read the two given states.
            style: See `operate`.
        """
        known = list(states)
        for number, pair in enumerate(self.pairs(), 1):
            with net.scope(f"block{number}"):
                sides = []
                for place, state, op in (
                    ("left", pair.first, pair.first_op),
                    ("right", pair.second, pair.second_op),
                ):
                    with net.scope(place, f"{place}.{state}.{op}"):
                        step = stride if state < 2 else 1
                        sides.append(operate(net, known[state], op, filters, stride=step, style=style))
                known.append(net.add(*sides) if pair.join == "add" else net.concat(*sides))
        return net.concat(*(self._fitted(net, known, state, filters) for state in self.outputs()))

    def _fitted(self, net: Wiring, known: list[Value], state: int, filters: int) -> Value:
        """A state as part of the output: one that was given may be wider or larger than those made here."""
        x = known[state]
        if state >= 2:
            return x
        with net.scope(f"{INPUTS[state]}_out"):
            if x.shape[1:] != known[-1].shape[1:]:
                return factorised_reduction(net, x, filters)
            return x if x.channels == filters else projection(net, x, filters)

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the cell alone, its input standing for both states."""
        return self.write_cell(net, (x, x), x.channels, stride=1, style="nasnet")

    def canonical(self) -> object:
        """The cell with the sides of each block and the blocks themselves in one order; see `same_cell`."""
        return same_cell(self.pairs(), self.outputs())

    def graph(self) -> Graph:
        """The cell with operations on nodes: two states, two operations of each block, output."""
        return cell_graph({"": self})


@dataclass(frozen=True)
class PairCell(Cell):
    """A cell as NASNet, AmoebaNet and PNAS write it.

    Attributes:
        blocks: Per block (state, operation, state, operation, ``add`` or ``concat``), choices or not.
        output: ``unused`` takes the blocks that no other block reads, ``unread`` the two given states too
            where none reads them, ``all`` every block; a tuple names states.
    """

    blocks: tuple[Any, ...]
    output: Any = "unused"

    def pairs(self) -> tuple[Pair, ...]:
        """Returns the blocks."""
        return tuple(Pair(*block) for block in self.blocks)

    def outputs(self) -> tuple[int, ...]:
        """Returns the states that are the cell's output."""
        if isinstance(self.output, tuple):
            return self.output
        made = range(2, 2 + len(self.blocks))
        if self.output == "all":
            return tuple(made)
        read = {state for pair in self.pairs() for state in (pair.first, pair.second)}
        states = range(made.stop) if self.output == "unread" else made
        return tuple(state for state in states if state not in read)

    @property
    def label(self) -> str:
        """``cell``: the drawing shows its blocks."""
        return "cell"


@dataclass(frozen=True)
class Tower(Block):
    """Cells one on another, each reading the two before it; the body of a network.

    Attributes:
        normal: The cell that keeps height and width.
        reduction: The cell that halves them and doubles the filters; None takes `normal` with stride 2.
        filters: Channels of a state in the first stage.
        layout: Per cell from below, whether it is a reduction.
        stem: Channels of the 3x3 convolution at the start.
        stem_cells: Reductions between that convolution, which then has a stride of 2, and the first cell; of
            two, the first has a quarter of the filters and the second half of them (ImageNet).
        stem_strides: Convolutions of stride 2 at the start instead; the first cell reads the last two of them
            (DARTS on ImageNet, where there are three).
        style: ``nasnet`` fits a state to the cell by an activation and a 1x1 convolution, the older one only
            where its shape differs; ``darts`` fits both always; ``enas`` fits both where their shape differs,
            and then the newer one once more.
    """

    normal: Any
    reduction: Any
    filters: int
    layout: tuple[bool, ...]
    stem: int
    stem_cells: int = 0
    stem_strides: int = 0
    style: Style = "nasnet"

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes stem and cells, and the last activation where the style leaves it to the end."""
        states = self._strided_stem(net, x) if self.stem_strides else self._stem(net, x)
        cells = self._cells()
        for number, (reduces, filters) in enumerate(cells, 1):
            cell = (self.reduction or self.normal) if reduces else self.normal
            with net.part(f"cell{number}", f"{'reduction' if reduces else 'cell'}, {filters} filters"):
                given = self._fitted(net, states, filters, first=number == 1)
                made = cell.write_cell(net, given, filters, stride=2 if reduces else 1, style=self.style)
                if number == len(cells) and self.style != "darts":
                    made = net.act(made)
                states = (states[1], made)
        return states[1]

    def _stem(self, net: Wiring, x: Value) -> tuple[Value, Value]:
        with net.part("stem", f"conv 3x3 -> {self.stem}" + (", stride 2" if self.stem_cells else "")):
            x = net.norm(net.conv(x, self.stem, 3, stride=2 if self.stem_cells else 1))
        return x, x

    def _strided_stem(self, net: Wiring, x: Value) -> tuple[Value, Value]:
        """As in DARTS' release (quark0/darts, cnn/model.py): the first has half the channels."""
        with net.part("stem", f"{self.stem_strides} conv 3x3 -> {self.stem}, stride 2"):
            states = (x, x)
            for number in range(self.stem_strides):
                x = net.act(x) if number else x
                x = net.norm(net.conv(x, self.stem if number else self.stem // 2, 3, stride=2))
                states = (states[1], x)
        return states

    def _cells(self) -> list[tuple[bool, int]]:
        """Per cell from below, whether it reduces, and its filters."""
        cells = [(True, self.filters // 2**number) for number in range(self.stem_cells, 0, -1)]
        filters = self.filters
        for reduces in self.layout:
            filters *= 2 if reduces else 1
            cells.append((reduces, filters))
        return cells

    def _fitted(
        self, net: Wiring, states: tuple[Value, Value], filters: int, *, first: bool
    ) -> tuple[Value, Value]:
        older, newer = states
        with net.scope(INPUTS[0]):
            if older.shape[1:] != newer.shape[1:]:
                older = factorised_reduction(net, older, filters)
            elif self.style == "darts" or (
                older.channels != filters and not (first and self.style == "nasnet")
            ):
                older = projection(net, older, filters)
        with net.scope(INPUTS[1]):
            if self.style == "enas" and newer.channels != filters:
                newer = projection(net, newer, filters)
            return older, projection(net, newer, filters)

    def canonical(self) -> object:
        """The cells in canonical form, and the sizes."""
        cells = (self.normal.canonical(), self.reduction.canonical() if self.reduction else None)
        stem = (self.stem, self.stem_cells, self.stem_strides)
        return (*cells, self.filters, self.layout, *stem, self.style)

    def graph(self) -> Graph:
        """The cells side by side as one graph, the names of nodes beginning with their cell's."""
        if self.reduction is None:
            return cell_graph({"": self.normal})
        return cell_graph({"normal.": self.normal, "reduction.": self.reduction})

    @property
    def label(self) -> str:
        """For example ``tower of 20 cells``."""
        return f"tower of {len(self.layout) + self.stem_cells} cells"


def same_cell(pairs: tuple[Pair, ...], outputs: tuple[int, ...]) -> str:
    """Returns a text that is equal exactly for cells that are equal but for names.

    The sides of a block may be swapped, and blocks may be given in another order: both change nothing but the
    order of weights. Blocks are sorted by what they compute; where several compute the same from weights of
    their own, all orders of those are tried and the least text is taken.
    """
    forms = ["0", "1"]
    for pair in pairs:
        sides = sorted([f"{pair.first_op} {forms[pair.first]}", f"{pair.second_op} {forms[pair.second]}"])
        forms.append(f"{pair.join}({sides[0]}, {sides[1]})")
    by_form: dict[str, list[int]] = {}
    for state in sorted(range(2, len(forms)), key=lambda state: forms[state]):
        by_form.setdefault(forms[state], []).append(state)
    orders = product(*(permutations(group) for group in by_form.values()))
    return min(_spelled(pairs, outputs, [state for group in order for state in group]) for order in orders)


def _spelled(pairs: tuple[Pair, ...], outputs: tuple[int, ...], order: list[int]) -> str:
    name = {0: 0, 1: 1} | {state: number for number, state in enumerate(order, 2)}
    rows = []
    for state in order:
        pair = pairs[state - 2]
        sides = sorted([(name[pair.first], pair.first_op), (name[pair.second], pair.second_op)])
        rows.append(f"{pair.join}{sides}")
    return f"{rows} -> {sorted(name[state] for state in outputs)}"


def cell_graph(cells: dict[str, Cell]) -> Graph:
    """Returns cells side by side between one input and one output, by the beginning of their nodes' names.

    A block has no node of its own: who reads it has an edge from both of its operations.
    """
    names, ops, edges = [INPUT], [INPUT], list[tuple[int, int]]()
    ends: list[int] = []

    def add(name: str, op: str, sources: list[int]) -> int:
        edges.extend((source, len(ops)) for source in sources)
        names.append(name)
        ops.append(op)
        return len(ops) - 1

    for begin, cell in cells.items():
        made = [[add(begin + given, given, [0])] for given in INPUTS]  # per state, the nodes that give it
        for number, pair in enumerate(cell.pairs(), 1):
            left = add(f"{begin}block{number}.left", pair.first_op, made[pair.first])
            right = add(f"{begin}block{number}.right", pair.second_op, made[pair.second])
            made.append([left, right])
        ends += [node for state in cell.outputs() for node in made[state]]
    edges += [(end, len(ops)) for end in ends]
    return Graph((*names, OUTPUT), (*ops, OUTPUT), tuple(sorted(set(edges))))


def stages(repeats: int, reductions: int = 2) -> tuple[bool, ...]:
    """Returns the layout of `repeats` normal cells, a reduction, and so on, ending in normal cells."""
    stage = (False,) * repeats
    return (*stage, *((True, *stage) * reductions))


def thirds(cells: int) -> tuple[bool, ...]:
    """Returns the layout of so many cells in all, of which those that begin the last two thirds reduce."""
    return tuple(number in (cells // 3, 2 * cells // 3) for number in range(cells))


def check_cell(cell: Cell) -> None:
    """Raises SpaceError where a block reads a state that is not before it."""
    for number, pair in enumerate(cell.pairs()):
        if not (0 <= pair.first < number + 2 and 0 <= pair.second < number + 2):
            raise SpaceError(
                f"block {number + 1} reads states {pair.first} and {pair.second}; "
                f"before it there are 0 to {number + 1}"
            )
    if missing := Counter(cell.outputs()) - Counter(range(len(cell.pairs()) + 2)):
        raise SpaceError(f"the output names states {sorted(missing)} that the cell does not have, or twice")
