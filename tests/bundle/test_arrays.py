"""Long JSON arrays, an element at a time, are read and written as whole ones would be."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlift.bundle import arrays
from qlift.bundle.arrays import read_array, read_file, write_array
from qlift.bundle.files import digest_of, dump

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=8), VALUES, max_size=5), max_size=8)


@given(OBJECTS, st.integers(1, 40), st.sampled_from([None, 2]))
def test_what_is_read_is_what_json_would_read(objects: list[Any], chunk: int, indent: int | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # However the text is cut into pieces.
        patch.setattr(arrays, "CHUNK", chunk)
        assert list(read_array(io.StringIO(json.dumps(objects, indent=indent)))) == objects


@settings(max_examples=30)
@given(OBJECTS)
def test_what_is_written_is_what_dump_would_write(objects: list[Any]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        sha256, count = write_array(path, (json.dumps(o, indent=2, ensure_ascii=False) for o in objects))
        assert path.read_text(encoding="utf-8") == dump(objects)
        assert (sha256, count) == (digest_of(path), len(objects))
        assert list(read_file(path)) == objects


@pytest.mark.parametrize(
    "text",
    ["", "{}", '"x"', "[1]", '[{"a": 1}', '[{"a": 1} {"b": 2}]', '[,{"a": 1}]', '[{"a": }]', "[{}, 1]"],
)
def test_what_is_no_list_of_objects(text: str) -> None:
    with pytest.raises(ValueError, match="list"):
        list(read_array(io.StringIO(text)))


def test_a_long_list_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    write_array(path, (json.dumps({"id": n, "text": "x" * 500}) for n in range(60_000)))
    assert path.stat().st_size > 30_000_000
    tracemalloc.start()
    assert sum(1 for _ in read_file(path)) == 60_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12_000_000
