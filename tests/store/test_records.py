import json
import math

from hypothesis import given
from hypothesis import strategies as st

from nasturtium.architecture import Architecture, Mixture
from nasturtium.store.records import read_metrics, read_point, write_metrics, write_point

shares = st.floats(0, 1)
points = st.builds(Architecture, st.just("s"), st.lists(st.integers(0, 99)).map(tuple)) | st.builds(
    Mixture, st.just("s"), st.lists(st.lists(shares, min_size=1).map(tuple)).map(tuple)
)


@given(points)
def test_points_are_read_as_they_were_written(point):
    assert read_point(write_point(point), "s") == point


@given(st.dictionaries(st.text(), st.floats()))
def test_metrics_are_read_as_they_were_written(metrics):
    read = read_metrics(write_metrics(metrics))
    assert repr(read) == repr(metrics)  # NaN is not equal to itself, and -0.0 is equal to 0.0


def test_written_metrics_are_strict_json():
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    json.loads(write_metrics({"a": math.nan, "b": math.inf, "c": 1}), parse_constant=refuse)
