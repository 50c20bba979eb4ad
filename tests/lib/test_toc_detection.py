"""Tables of contents, indexes and noise are told from prose by their shape."""

from __future__ import annotations

import pytest

from apps.lib.text.toc_detection import is_toc_or_noise


@pytest.mark.parametrize(
    "text",
    [
        "3.1.2 Quoting . . . . . . . . . . . . . . . . 6",
        "2.3 | Registering as a Debian member . . . . . . . . . . . . | 6",
        "1.1 What is Bash?..........1\n1.2 What is a shell?.........1\n2 Definitions.........3",
        "9.4 How are installed packages logged? ...... 48 9.5 Which tools are there for kernels? 51 10 Kernels 52",
        "4.2.1 Builtin commands 17",
        "1 Getting started 3 2 The first steps 6 3 Modifying the source 12 4 Required files 18",
        "Vorwort ________ 4",
        "crane, 12, 45-47",
        "anchor, 3\nbarge, 12, 40\ncrane, 12, 45-47\ndock, 8",
        "XXXIX. | Veterans of the St. Moritz Ski Club | At end of Chap. VI, between pp. 166 and 167",
        "Frontispiece The harbour, facing p. 4 The crane, facing p. 12 The dock, p. 40 The anchor, p. 45",
        "| --- | --- | --- |",
        "* * * * * * * * * *",
        "E M O M N S T A R I l",
        "82",
    ],
)
def test_contents_indexes_and_noise_are_known(text: str) -> None:
    assert is_toc_or_noise(text)


@pytest.mark.parametrize(
    "text",
    [
        "The harbour library opened in 1931.",
        "It was bought in Lisbon, 1931.",
        "Team: Blues; Location: STL; Stanley Cups: 1",
        "2019 | 12 | 13 | 14",
        "Parses words (see 3.2, page 9), expands them (see 3.5, page 24), cuts (page 30) and runs them (page 40).",
        "Wait ... then press Reset.",
        f"{'The pump is opened by a key that the harbour office lends out. ' * 3}Fill in the hours: ........ 12",
        "To reset the pump, close the red valve, wait 12 seconds and hold the grey button.",
        "a. Wer im Hafen liegt, zahlt 4 Euro. b. Wer nur anlegt, zahlt nichts.",
        "Opened 1931; closed 1974, 1980 and 2003 because of floods.",
        "En 1931 se abrió la biblioteca, y en 1974 se cerró.",
    ],
)
def test_meaningful_text_is_no_table_of_contents(text: str) -> None:
    assert not is_toc_or_noise(text)
