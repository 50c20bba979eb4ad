"""Visio drawings and dBASE tables are refused with a reason; documents stored in these formats stay readable."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from apps.documents.models import Document
from apps.documents.retrieval.filters import get_kind_label, parse_filters
from apps.reading.parsing.detection import refuse_by_extension
from apps.reading.parsing.protocol import ParseError
from apps.reading.sandbox.runner import detect_format
from tests.documents import sample_files

TABLE = b"\x03" + bytes((124, 5, 1)) + struct.pack("<IHH", 1, 65, 9) + bytes(20) + b"NAME".ljust(11, b"\0") + bytes(60)


@pytest.mark.parametrize("name", ["a.vsdx", "A.VSDM", "a.vstx", "a.dbf"])
def test_a_removed_format_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ParseError, match="is no longer read"):
        refuse_by_extension(name)


def test_reading_a_stored_file_again_says_that_its_format_is_no_longer_read(file: Path) -> None:
    file.write_bytes(sample_files.archive(visio__document_xml=b"<x/>"))
    with pytest.raises(ParseError, match=r"a Visio drawing, which is no longer read\. Export it as PDF"):
        detect_format(file, "plan.vsdx")
    file.write_bytes(TABLE)
    with pytest.raises(ParseError, match=r"a dBASE table, which is no longer read\. Open it in"):
        detect_format(file, "people.dbf")


def test_a_document_of_a_removed_format_keeps_its_label_and_can_be_filtered() -> None:
    drawing, table = Document(kind="visio"), Document(kind="dbase")
    assert (drawing.unit, table.unit) == ("page", "part")
    assert (drawing.icon, table.icon) == ("presentation-chart-bar", "table-cells")
    assert (drawing.get_kind_display(), table.get_kind_display()) == ("Visio drawing", "Table (dBASE)")
    assert get_kind_label("visio") == "Visio drawing"
    assert parse_filters({"kinds": ["visio", "dbase"]}).kinds == ("visio", "dbase")
    with pytest.raises(ValueError, match="kind"):
        parse_filters({"kinds": ["poem"]})
