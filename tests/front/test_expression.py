"""Arithmetic over metrics."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nasturtium.errors import ConfigError, UnknownName
from nasturtium.front.expression import FUNCTIONS, parse_expression

METRICS = {"error": 0.25, "latency_ms": 3.0, "params": 2000.0}
# Each is a pair: the text, and the same for Python's own eval, where a power of a negative number is complex.
leaves = st.floats(0.1, 10).map(lambda x: f"{x:.3f}") | st.sampled_from(sorted(METRICS))
expressions = st.recursive(
    leaves.map(lambda leaf: (leaf, leaf)),
    lambda inner: (
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(
            lambda t: (f"({t[0][0]} {t[1]} {t[2][0]})", f"({t[0][1]} {t[1]} {t[2][1]})")
        )
        | st.tuples(inner, inner).map(lambda t: (f"({t[0][0]} ** {t[1][0]})", f"pow({t[0][1]}, {t[1][1]})"))
        | inner.map(lambda pair: (f"(-{pair[0]})", f"(-{pair[1]})"))
        | st.tuples(st.sampled_from(["log", "log2", "log10", "exp", "sqrt", "abs"]), inner).map(
            lambda t: (f"{t[0]}({t[1][0]})", f"{t[0]}({t[1][1]})")
        )
        | st.tuples(st.sampled_from(["max", "min"]), inner, inner).map(
            lambda t: (f"{t[0]}({t[1][0]}, {t[2][0]})", f"{t[0]}({t[1][1]}, {t[2][1]})")
        )
    ),
    max_leaves=8,
)


@given(expressions)
def test_an_expression_has_the_value_that_python_gives_it(pair):
    text, reference = pair
    assume(any(name in text for name in METRICS))
    value, names = parse_expression(text)
    assert names == {name for name in METRICS if name in text}
    try:
        wanted = eval(reference, {"pow": math.pow, **FUNCTIONS}, METRICS)
    except (ArithmeticError, ValueError):
        with pytest.raises((ArithmeticError, ValueError)):
            value(METRICS)
    else:
        assert value(METRICS) == pytest.approx(wanted, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("error", 0.2),
        ("error * (latency_ms / 80) ** 0.07", 0.2 * 0.5**0.07),
        ("loss * log(latency_ms) ^ 0.6", 1.5 * math.log(40) ** 0.6),
        ("max(error, 0.3, 0.1)", 0.3),
        (" - error ", -0.2),
        ("2 ** -error", 2**-0.2),
        ("error - 1 - 1", 0.2 - 2),
    ],
)
def test_known_values(text, wanted):
    value, _ = parse_expression(text)
    assert value({"error": 0.2, "latency_ms": 40.0, "loss": 1.5}) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not an expression"),
        ("error *", "not an expression"),
        ("2 * 3", "names no metric"),
        ("sin(error)", "unknown function 'sin'"),
        ("log", "write log"),
        ("log(error, 2)", "takes one argument"),
        ("max(error)", "takes two or more"),
        ("mnasnet(error, latency_ms)", "takes three to five"),
        ("log(x=error)", "not understood"),
        ("error.real", "not understood"),
        ("error[0]", "not understood"),
        ("'error'", "not understood"),
        ("True * error", "not understood"),
        ("error < 3", "not understood"),
        ("error if error else 1", "not understood"),
        ("error // 2", "not understood"),
        ("1j * error", "not understood"),
        ("(lambda: error)()", "not understood"),
        ("__import__('os').system('true')", "not understood"),
        ("error; error", "not an expression"),
        ("x := error", "not an expression"),
        ("(" * 300 + "error" + ")" * 300, "500 are the most"),
        ("9" * 400 + " * error", "too large"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_reason(text, said):
    with pytest.raises(ConfigError, match=said):
        parse_expression(text)


def test_an_unknown_function_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'log2'"):
        parse_expression("lg2(error)")


def test_a_huge_power_overflows_at_once():
    value, _ = parse_expression("9 ** 9 ** 9 ** 9 * error")
    with pytest.raises(OverflowError):
        value({"error": 1.0})
