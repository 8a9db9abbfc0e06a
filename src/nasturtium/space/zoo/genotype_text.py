"""A pair of cells as the text that DARTS and its successors print.

    Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ...], normal_concat=range(2, 6),
             reduce=[('max_pool_3x3', 0), ...], reduce_concat=[2, 3, 4, 5])

Two entries (operation, state) make a block, which is their sum. The text is read, never run.
"""

import ast
from collections.abc import Mapping
from typing import TypeAlias

from nasturtium.errors import SpaceError
from nasturtium.space.block import unknown_op
from nasturtium.space.zoo.cells import Pair, PairCell, check_cell
from nasturtium.space.zoo.operations import OPERATIONS

FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
FORM = "Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=..., reduce_concat=...)"
Cells: TypeAlias = tuple[PairCell, PairCell]


def parse_cells(text: str) -> Cells:
    """Returns the normal cell and the reduction of a genotype's text, with or without ``NAME =`` before it.

    Raises:
        SpaceError: The text has another form, or a cell reads a state that is not before it.
        UnknownOp: An operation that no cell has.
    """
    fields = _fields(text)
    if lacking := [name for name in FIELDS if name not in fields]:
        raise SpaceError(f"the genotype has no {', '.join(lacking)}; write {FORM}")
    return _cell("normal", fields), _cell("reduce", fields)


def cells_text(normal: PairCell, reduction: PairCell) -> str:
    """Returns the text of two cells; `parse_cells` undoes it.

    Raises:
        SpaceError: A block joins its sides by anything but a sum, which the text cannot say.
    """
    said: dict[str, object] = {}
    for name, cell in (("normal", normal), ("reduce", reduction)):
        pairs = cell.pairs()
        if any(pair.join != "add" for pair in pairs):
            raise SpaceError(f"a block of the {name} cell joins by concatenation; a genotype's text has sums")
        said[name] = [side for pair in pairs for side in _sides(pair)]
        said[f"{name}_concat"] = list(cell.outputs())
    return f"Genotype({', '.join(f'{name}={said[name]}' for name in FIELDS)})"


def _sides(pair: Pair) -> tuple[tuple[str, int], tuple[str, int]]:
    return (pair.first_op, pair.first), (pair.second_op, pair.second)


def _fields(text: str) -> Mapping[str, ast.expr]:
    """The expressions that the fields are given as, in order or by name."""
    try:
        (statement,) = ast.parse(text.strip()).body
    except (SyntaxError, ValueError) as error:
        raise SpaceError(f"{text[:60]!r} is no genotype: {error}; write {FORM}") from error
    call = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "Genotype":
        raise SpaceError(f"{text[:60]!r} is no genotype; write {FORM}")
    given = dict(zip(FIELDS, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg not in FIELDS or keyword.arg in given:
            raise SpaceError(f"the genotype's field {keyword.arg!r} is unknown or comes twice; write {FORM}")
        given[keyword.arg] = keyword.value
    return given


def _cell(name: str, fields: Mapping[str, ast.expr]) -> PairCell:
    entries = _value(name, fields[name])
    entries = list(entries) if isinstance(entries, list | tuple) else []
    if not entries or len(entries) % 2:
        raise SpaceError(f"{name} of the genotype has {len(entries)} entries; it needs two for each block")
    sides = [_entry(name, number, entry) for number, entry in enumerate(entries, 1)]
    blocks = tuple(
        (left, left_op, right, right_op, "add")
        for (left_op, left), (right_op, right) in zip(sides[::2], sides[1::2], strict=True)
    )
    output = _value(f"{name}_concat", fields[f"{name}_concat"])
    if not isinstance(output, list | tuple | range) or not all(type(state) is int for state in output):
        raise SpaceError(
            f"{name}_concat of the genotype is {output!r}; it must be a list of states, or a range"
        )
    cell = PairCell(blocks, tuple(output))
    check_cell(cell)
    return cell


def _entry(name: str, number: int, entry: object) -> tuple[str, int]:
    match entry:
        case (str(op), int(state)):
            if op not in OPERATIONS:
                raise unknown_op(f"{name} of the genotype, entry {number}", op, tuple(OPERATIONS))
            return op, state
    raise SpaceError(f"{name} of the genotype, entry {number} is {entry!r}; write ('sep_conv_3x3', 0)")


def _value(name: str, expression: ast.expr) -> object:
    """A list, tuple or ``range(...)`` of numbers and texts."""
    try:
        if isinstance(expression, ast.Call) and ast.unparse(expression.func) == "range":
            return range(*(ast.literal_eval(one) for one in expression.args))
        return ast.literal_eval(expression)
    except (ValueError, TypeError) as error:
        raise SpaceError(
            f"{name} of the genotype is {ast.unparse(expression)[:60]!r}; it must be a list, or a range"
        ) from error
