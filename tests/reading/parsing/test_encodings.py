"""Texts in old encodings are read as they were written, also short ones, and tables whatever parts their columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.reading.parsing.common.encoding import detect_encoding
from apps.reading.parsing.data.csv_table import parse
from apps.reading.parsing.protocol import ParsedPage, ParseLimits

WRITTEN = [
    ("Name,Café\nRené,naïve", "cp1252"), ("Straße;Größe\nMüllergäßchen;3 m²", "cp1252"),
    ("Les élèves déjà reçus à l'école où ça brûle.", "cp1252"), ("Hej på dig, smörgåsbord", "cp1252"),
    ("æblegrød på Østerbro", "cp1252"), ("Preis: 5 € für „Größe“ – sofort", "cp1252"), ("20 °C ± 3 µm × 5", "cp1252"),
    ("¿Dónde está la señal? El niño comió piña.", "cp1252"), ("jméno;věk\nŘehoř;3\nčáp;4", "cp1250"),
    ("Zażółć gęślą jaźń", "cp1250"), ("A kőszívű ember fiai, árvíztűrő tükörfúrógép", "cp1250"),
    ("ad;yaş\nÇağrı;3\nİşık;4", "cp1254"), ("Имя;Возраст\nИван;41", "cp1251"), ("Причал закрыт в пятницу.", "koi8-r"),
    ("Αθήνα;3\nΠειραιάς;5", "cp1253"), ("שלום עולם", "cp1255"), ("今日は良い天気です", "shift_jis"),
    ("今日は良い天気です", "euc_jp"), ("이 규정은 회사의 모든 직원에게 적용됩니다.", "euc_kr"),
    ("本规定适用于公司全体员工，需提前两周提出申请。", "gb18030"), ("本規定適用於公司全體員工，需提前兩週。", "big5"),
    ("我们的产品说明书", "gb18030"), ("本規定適用於公司全體員工。\nMr. Wang, 會議記錄：第一項", "big5"),
    ("Les élèves déjà reçus à l'école où ça brûle.", "mac_roman"), ("Müllergäßchen in Größe 3", "mac_roman"),
    ("¿Dónde está la señal? El niño comió piña.", "mac_roman"), ("Hej på dig, smörgåsbord", "mac_roman"),
    ("It’s a “test” – naïve café", "mac_roman"), ("Preis: „Größe“ – sofort", "mac_roman"), ("café", "mac_roman"),
    ("Žmogaus teisės yra įtvirtintos šiame įstatyme, kurį visi žino.", "cp1257"),
    ("Latvijas Republikas likums nosaka kārtību, kādā šķirt lietas.", "cp1257"),
    ("Žmogaus teisės yra įtvirtintos šiame įstatyme", "iso8859-13"),
    ("Eesti õigus on sätestatud põhiseaduses, mõned üksused, žanr, šokk.", "cp1257"),
    ("Tallinn on ilus linn. Õhtu jõudis kätte, öö oli pime.", "cp1252"), ("It’s a “test” – café", "cp1252"),
    ("© 2024 Müller", "cp1252"), ("Greiðslur eru úr sögunni á Ísafirði.", "cp1252"),
    ("名前,大きさ\n林檎,三個\n梨子,四個", "utf-16-le"), ("Name,Größe\nÄpfel,3", "utf-16-be"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "encoding"), WRITTEN, ids=[f"{text[:8]} {encoding}" for text, encoding in WRITTEN])
def test_a_short_text_is_read_as_it_was_written(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    assert data.decode(detect_encoding(data)) == text


def lines(path: Path, text: str) -> list[str]:
    path.write_text(text)
    return [
        item.text[piece.start : piece.end]
        for item in parse(str(path), ParseLimits())
        if isinstance(item, ParsedPage)
        for piece in item.block_spans
    ]


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_commas_in_numbers_part_no_columns(tmp_path: Path, sign: str) -> None:
    text = f"Artikel{sign}Preis\nApfel{sign}1,50\nBirne{sign}2,50\nKirsche{sign}13,99\n"
    assert lines(tmp_path / "a", text) == [
        "Artikel: Apfel; Preis: 1,50\nArtikel: Birne; Preis: 2,50\nArtikel: Kirsche; Preis: 13,99"
    ]


def test_the_sign_that_a_spreadsheet_was_told_parts_the_columns(tmp_path: Path) -> None:
    assert lines(tmp_path / "a", "sep=;\nName;Preis\nApfel;1,5\n") == ["Name: Apfel; Preis: 1,5"]


def test_lines_above_a_table_stand_above_it(tmp_path: Path) -> None:
    text = "Report of the harbour\nMade in May\n\nShip,Tons,Port\nBerta,3,North\nOlga,4,South\nUte,5,East\n"
    assert lines(tmp_path / "a", text) == [
        "Report of the harbour", "Made in May",
        "Ship: Berta; Tons: 3; Port: North\nShip: Olga; Tons: 4; Port: South\nShip: Ute; Tons: 5; Port: East",
    ]  # fmt: skip
