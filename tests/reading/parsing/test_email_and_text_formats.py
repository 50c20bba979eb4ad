"""E-mail, JSON, notebooks, RTF, RST, XML and source code as a reader sees them."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path

import pytest

from apps.reading.parsing.data import json_records as json_parser
from apps.reading.parsing.data import xml_text
from apps.reading.parsing.email import eml
from apps.reading.parsing.formats import find_by_name
from apps.reading.parsing.text import notebook, plain_text, rst, rtf
from apps.reading.parsing.text import source_code as code_parser
from apps.reading.sandbox.runner import detect_format
from tests.documents import sample_files
from tests.reading.parsing.parser_runs import parse_file


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Alice <alice@example.org>", "bob@example.org", "Änderung der Preise"
    made.set_content("Dear Bob,\n\nhere are the prices.")
    made.add_alternative("<p>Dear Bob,</p><p style='display:none'>hidden</p>", subtype="html")
    made.add_attachment(b"Item,Price\nTea,3\n", maintype="text", subtype="csv", filename="prices.csv")
    made.add_attachment(sample_files.docx("Terms of sale."), maintype="application", subtype="x", filename="terms.docx")
    made.add_attachment(b"\x7fELF" + bytes(100), maintype="application", subtype="x", filename="run.exe")
    inner = EmailMessage()
    inner["Subject"] = "Earlier"
    inner.set_content("What do they cost?")
    made.add_attachment(inner)
    return made


def test_a_mail_is_read_with_its_attachments_as_parts(file: Path) -> None:
    title, pages, notes = parse_file(eml.parse, file, bytes(message()))
    assert title == "Änderung der Preise"
    assert pages == [
        "Änderung der Preise\n\nFrom: Alice <alice@example.org>\nTo: bob@example.org\nSubject: Änderung der Preise\n\n"
        "Dear Bob,\n\nhere are the prices.",
        "Attachment: prices.csv\n\nItem: Tea; Price: 3",
        "Attachment: terms.docx\n\nTerms of sale.",
        "Earlier\n\nSubject: Earlier\n\nWhat do they cost?",
    ]
    assert notes == ["Attachments left out: run.exe."]


def test_a_mailbox_is_read_message_by_message(file: Path) -> None:
    box = b"From a@b Mon Jan 1\nSubject: One\n\nFirst.\n\nFrom a@b Mon Jan 2\nSubject: Two\n\nFrom here on.\n"
    assert parse_file(eml.parse, file, box)[1] == [
        "One\n\nSubject: One\n\nFirst.",
        "Two\n\nSubject: Two\n\nFrom here on.",
    ]


def test_a_line_that_began_with_from_is_read_as_it_was_written(file: Path) -> None:
    box = b"From a@b Mon Jan 1\nSubject: One\n\n>From here on.\n>>From there.\n> From: Bo\n>Fromage\n"
    assert parse_file(eml.parse, file, box)[1] == [
        "One\n\nSubject: One\n\nFrom here on.\n>From there.\n> From: Bo\n>Fromage"
    ]
    assert parse_file(eml.parse, file, b"Subject: One\n\n>From a quotation.\n")[1] == [
        "One\n\nSubject: One\n\n>From a quotation."
    ]


def test_a_mailbox_that_goes_on_behind_what_is_read_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = b"Words of a letter.\n" * 4_000
    box = b"".join(b"From a@b Mon Jan 1\nSubject: No. %d\n\n%s\n" % (number, words) for number in range(20))
    monkeypatch.setattr(eml, "MOST_BYTES", 1024**2)
    pages, notes = parse_file(eml.parse, file, box)[1:]
    assert pages[0].startswith("No. 0\n") and notes == [
        "Only the first 1 MB of this file were read. Split it into smaller ones."
    ]
    assert parse_file(eml.parse, file, box[:10_000])[2] == []


def test_json_names_every_value_by_its_path(file: Path) -> None:
    data = {
        "title": "Stock",
        "open": True,
        "items": [{"name": "Tea", "place": {"row": 3}}, {"name": "Rum", "tags": [1, 2]}],
    }
    title, pages, _ = parse_file(json_parser.parse, file, json.dumps(data).encode())
    assert title == "Stock"
    assert pages == ["title: Stock; open: true\n\nitems\n\nname: Tea; place.row: 3\nname: Rum; tags: 1, 2"]


def test_json_lines_are_records(file: Path) -> None:
    assert parse_file(json_parser.parse, file, b'{"a": 1}\n\n{"a": 2, "b": null}\n')[1] == ["a: 1\na: 2"]


def test_json_with_remarks_is_read_as_text(file: Path) -> None:
    _, pages, notes = parse_file(json_parser.parse, file, b'{"a": 1, // one\n}')
    assert (pages, notes) == (['{"a": 1, // one\n}'], ["This is not valid JSON, so it was read as text."])


def test_a_notebook_with_what_it_printed(file: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Sales\n", "by **month**"]},
        {"cell_type": "code", "source": "sum(sales)", "outputs": [{"data": {"text/plain": ["42"], "image/png": "x"}}]},
    ]
    title, pages, notes = parse_file(notebook.parse, file, json.dumps({"cells": cells}).encode())
    assert (title, pages) == ("Sales", ["Sales\n\nby month\n\nsum(sales)\n\n42"])
    assert notes == ["Pictures created by the code were left out."]


RST = b""".. raw:: html

   <b>raw</b>

.. include:: /etc/passwd

Time off
========

Thirty *days*.

- Call early

====  ====
Kind  Days
====  ====
Paid  30
====  ====

::

    days = 30
"""


def test_rst_includes_nothing(file: Path) -> None:
    assert parse_file(rst.parse, file, RST)[:2] == (
        "Time off", ["Time off\n\nThirty days.\n\n- Call early\n\nKind: Paid; Days: 30\n\ndays = 30"],
    )  # fmt: skip


SPHINX = b"""Options
=======

.. toctree::

   other

.. program:: ctest

.. option:: --output-on-failure

   Print what a failing test wrote, see :envvar:`OUTPUT` and :ref:`the list <options>`.

   .. versionadded:: 3.4

.. only:: html

   Shown on the web.

.. note:: Known to docutils.
"""


def test_unknown_rst_directives_and_roles_keep_their_text(file: Path) -> None:
    (page,) = parse_file(rst.parse, file, SPHINX)[1]
    assert page.split("\n\n") == [
        "Options", "--output-on-failure", "Print what a failing test wrote, see OUTPUT and the list.",
        "versionadded 3.4", "Shown on the web.", "Known to docutils.",
    ]  # fmt: skip


def test_rtf_without_what_is_hidden(file: Path) -> None:
    text = (
        r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator Word;}Gr\'f6\'dfe \u8364?{\v hidden} and\par"
        r"\intbl Kind\cell Days\cell\row\intbl Paid\cell 30\cell\row\pard End\par}"
    )
    assert parse_file(rtf.parse, file, text.encode())[1] == ["Größe € and\n\nKind: Paid; Days: 30\n\nEnd"]
    assert detect_format(file, "letter.doc") == "rtf"


def test_xml_and_feeds(file: Path) -> None:
    feed = (
        b"<rss><channel><title>News</title><item><title>One</title>"
        b"<description>&lt;p&gt;The &lt;b&gt;first&lt;/b&gt;&lt;/p&gt;</description></item></channel></rss>"
    )
    assert parse_file(xml_text.parse, file, feed)[:2] == ("News", ["News\n\nOne\n\nThe first"])


def test_xml_entities_are_not_expanded(file: Path) -> None:
    secret = file.with_name("secret")
    secret.write_text("the secret of the server")
    text = f'<!DOCTYPE a [<!ENTITY s SYSTEM "file://{secret}"><!ENTITY b "{"x" * 10}">]><a>Before &s; &b; after</a>'
    pages = parse_file(xml_text.parse, file, text.encode())[1]
    assert "secret of the server" not in "".join(pages)


def test_code_is_cut_at_what_it_defines(file: Path) -> None:
    source = b"import os\n\n# Adds.\n@cached\ndef add(a, b):\n    return a + b\n\nclass Sum:\n    pass\n"
    assert parse_file(code_parser.parse, file, source, "sums.py")[1] == [
        "Python code\n\nimport os\n\nadd\n\n# Adds.\n@cached\ndef add(a, b):\n    return a + b\n\n"
        "Sum\n\nclass Sum:\n    pass"
    ]


@pytest.mark.parametrize(
    ("name", "kind"), [("a.PY", "code"), ("Makefile", "code"), ("a.jsonl", "json"), ("b.eml", "mail"), ("c", None)]
)
def test_the_name_decides_between_texts(name: str, kind: str | None) -> None:
    found = find_by_name(name)
    assert (found.kind if found else None) == kind


# The head of a document as Word writes it: fonts with the character set of each.
WORD = (
    r"{\rtf1\adeflang1025\ansi\ansicpg1252\uc1\adeff31507\deff0{\fonttbl{\f0\fbidi \froman\fcharset0\fprq2"
    r"{\*\panose 02020603050405020304}Times New Roman;}{\f1\fbidi \fswiss\fcharset204\fprq2 Arial Cyr;}"
    r"{\f2\fcharset161 Arial Greek;}{\f3\fcharset238 Arial CE;}{\f4\fcharset128 MS Mincho;}{\f5\fcharset134 SimSun;}"
    r"{\f6\fcharset177 David;}{\f7\fcharset2 Symbol;}{\f8\fcharset162 Arial Tur;}{\f9\fnil\cpg1257 Baltica;}}"
    r"{\stylesheet{\ql \li0\f1\fs24 Normal;}}\paperw11906\pard\plain \f0\fs22 "
)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r"Dear {\f1 \'cf\'f0\'e8\'e2\'e5\'f2} \'fc", "Dear Привет ü"),
        (r"{\rtlch\fcs1 \af2 \ltrch\fcs0 \f2\lang1032 \'ca\'e1\'eb\'e7}m\'e9", "Καληmé"),
        (r"\f3 \'f8e\'e8\plain \'f8", "řečø"),
        (r"\f4\'83h\'83\\\'83\{x \f5\'d6\'d0\'ce\'c4", "ドソボx 中文"),
        (r"{\f6\'f9\'ec\'e5\'ed} {\f8\'fe\'f0} {\f9\'e0\'f0}", "שלום şğ ąš"),
        (r"\f1\'cf\u1088 \'f0{\f0\'e9}\'e2", "Прéв"),
        ("\\f1 \xcf\xf0\xe8\xe2\xe5\xf2, \\f0 \xe9t\xe9", "Привет, été"),
    ],
)  # fmt: skip
def test_letters_of_rich_text_are_read_by_the_character_set_of_their_font(body: str, text: str) -> None:
    assert [block.text for block in rtf.read_rtf(WORD + body + r"\par}").blocks] == [text]


def test_the_code_page_of_a_rich_text_holds_where_its_fonts_have_none() -> None:
    source = r"{\rtf1\ansi\ansicpg1251{\fonttbl\f0\fcharset0 Arial;\f1\fcharset161 Greek;}\'cf\'f0 \f1\'e1\par}"
    assert [block.text for block in rtf.read_rtf(source).blocks] == ["Пр α"]


def test_amounts_below_each_other_are_rows_with_their_labels(file: Path) -> None:
    receipt = (
        "HARBOUR MARKET\n07/03/2025  17:42      Till 4\n"
        "RYE BREAD 800G            3.45\nOAT DRINK 1L   2 x 1.65   3.30\n  Half price             -4.75\n"
        "---------\n9 ITEMS\nBALANCE DUE         EUR 20.73\nCHANGE                   0.00\n"
    )
    rows = "RYE BREAD 800G | 3.45\nOAT DRINK 1L | 2 x 1.65 | 3.30\nHalf price | -4.75"
    (text,) = parse_file(plain_text.parse, file, receipt.encode())[1]
    assert rows in text and "\n\nBALANCE DUE | EUR 20.73\nCHANGE | 0.00" in text and "Till 4\n\nRYE" in text
    options = "-v            shows more\n-n N          N times, not 3\nThe gap is   wide before   3\nand not   below."
    assert parse_file(plain_text.parse, file, options.encode())[1] == [options]
