"""Arithmetic over metrics, read from text: ``error * (latency_ms / 80) ** 0.07``.

The text is parsed by Python's own grammar and rebuilt from a short list of node types, so nothing else can
run.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping

from nasturtium.errors import ConfigError, unknown
from nasturtium.front.rewards import fbnet, mnasnet

Expression = Callable[[Mapping[str, float]], float]

FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "abs": abs,
    "exp": math.exp,
    "fbnet": fbnet,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "max": max,
    "min": min,
    "mnasnet": mnasnet,
    "sqrt": math.sqrt,
}
_TAKES: Mapping[str, tuple[int, float, str]] = {  # fewest and most arguments; the others take one
    "fbnet": (2, 4, "two to four"),
    "max": (2, math.inf, "two or more"),
    "min": (2, math.inf, "two or more"),
    "mnasnet": (3, 5, "three to five"),
}
_BINARY: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,  # unlike **, never complex
}
_UNARY: Mapping[type[ast.unaryop], Callable[[float], float]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_LONGEST = 500  # characters; keeps the grammar's recursion shallow


def parse_expression(text: str) -> tuple[Expression, frozenset[str]]:
    """Returns what computes the expression from metrics, and the names of the metrics in it.

    Numbers, metric names, ``+ - * / **`` (also written ``^``), parentheses and `FUNCTIONS` are understood.
    The result raises ArithmeticError or ValueError where the arithmetic has no value, such as the logarithm
    of 0.

    Raises:
        ConfigError: The text is not such an expression, or names no metric.
    """
    return _parsed(_tree(text), text)


def parse_alternatives(text: str) -> tuple[tuple[Expression, frozenset[str]], ...]:
    """Returns the expressions that stand between ``or``: ``error or -synflow`` has two, ``error`` one."""
    tree = _tree(text)
    either = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.Or) else [tree]
    return tuple(_parsed(part, text) for part in either)


def _tree(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise ConfigError(f"the objective is {len(text)} characters long; {_LONGEST} are the most")
    try:
        tree = ast.parse(text.strip().replace("^", "**"), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(
            f"objective {text!r} is not an expression: {_reason(error)}; write one metric (error) "
            "or arithmetic of metrics (error * (latency_ms / 80) ** 0.07)"
        ) from None
    return tree.body


def _parsed(tree: ast.expr, text: str) -> tuple[Expression, frozenset[str]]:
    names: set[str] = set()
    expression = _compiled(tree, text, names)
    if not names:
        raise ConfigError(f"objective {text!r} names no metric; write for example error or latency_ms")
    return expression, frozenset(names)


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, SyntaxError) else (str(error) or "it is nested too deeply")


def _compiled(node: ast.expr, text: str, names: set[str]) -> Expression:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _constant(value, text)
        case ast.Name(id=name):
            if name in FUNCTIONS:
                raise ConfigError(f"objective {text!r}: {name} is a function; write {name}(...)")
            names.add(name)
            return operator.itemgetter(name)
        case ast.UnaryOp(op=op, operand=inner) if type(op) in _UNARY:
            return _applied(_UNARY[type(op)], [_compiled(inner, text, names)])
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _applied(_BINARY[type(op)], [_compiled(left, text, names), _compiled(right, text, names)])
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _called(name, arguments, text, names)
    raise ConfigError(
        f"objective {text!r}: {ast.unparse(node)!r} is not understood; known are numbers, "
        f"metrics, + - * / ** and {', '.join(FUNCTIONS)}"
    )


def _constant(value: float, text: str) -> Expression:
    try:
        number = float(value)  # a float, so that 9 ** 9 ** 9 overflows at once instead of filling the memory
    except OverflowError:
        raise ConfigError(f"objective {text!r} has a number that is too large") from None
    return lambda metrics: number


def _called(name: str, arguments: list[ast.expr], text: str, names: set[str]) -> Expression:
    if name not in FUNCTIONS:
        raise unknown("function", name, FUNCTIONS, where=f"objective {text!r}")
    fewest, most, wanted = _TAKES.get(name, (1, 1, "one"))
    if not fewest <= len(arguments) <= most:
        raise ConfigError(f"objective {text!r}: {name} takes {wanted} argument(s), not {len(arguments)}")
    return _applied(FUNCTIONS[name], [_compiled(argument, text, names) for argument in arguments])


def _applied(function: Callable[..., float], parts: list[Expression]) -> Expression:
    match parts:
        case [one]:
            return lambda metrics: function(one(metrics))
        case [left, right]:
            return lambda metrics: function(left(metrics), right(metrics))
    return lambda metrics: function(*(part(metrics) for part in parts))
