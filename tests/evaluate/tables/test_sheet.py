import pytest

from nasturtium.errors import DataError
from nasturtium.evaluate.tables.sheet import read_sheet


def sheet(tmp_path, text):
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return read_sheet(path)


def test_rows_are_the_lines_of_the_file(tmp_path):
    found = sheet(tmp_path, '\ufeffa,b\n1,"x, y"\n\n 2 ,\n')
    assert found.header == ("a", "b")
    assert found.rows == ((2, {"a": "1", "b": "x, y"}), (4, {"a": "2", "b": ""}))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no rows under the names"),
        ("a,b\n", "no rows under the names"),
        ("a,a\n1,2\n", "column 'a': each column needs a name of its own"),
        ("a,\n1,2\n", "column '': each column needs a name of its own"),
        ("a,b\n1,2\n3\n", "row 3: 1 cells under 2 names; text with commas goes in quotes"),
        ('a,b\n1,"2\n', "cannot be read as CSV"),
    ],
)
def test_what_is_no_table_says_where(tmp_path, text, problem):
    with pytest.raises(DataError, match=problem):
        sheet(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"there is no file .*none\.csv"):
        read_sheet(tmp_path / "none.csv")


def test_parquet_is_read_alike(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "mine.parquet"
    table = pyarrow.table({"width": [8, 16], "act": ["relu", None], "error": [0.25, float("nan")]})
    parquet.write_table(table, path)
    assert read_sheet(path).rows == (
        (1, {"width": "8", "act": "relu", "error": "0.25"}),
        (2, {"width": "16", "act": "", "error": "nan"}),
    )
    path.write_bytes(b"no parquet")
    with pytest.raises(DataError, match="cannot be read as parquet"):
        read_sheet(path)
