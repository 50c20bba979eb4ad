"""The language of a text is told by its letters or its small words, or not at all."""

from __future__ import annotations

import pytest

from apps.lib.text.language_detection import MIN_WORDS, detect_language_code, guess_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The ferry leaves at nine, and the crew is on board for the day.", "en"),
        ("Die Fähre fährt um neun, und die Besatzung ist auf dem Schiff.", "de"),
        ("El barco sale a las nueve y la tripulación está en el puerto.", "es"),
        ("フェリーは九時に出ます。", "ja"),
        ("渡轮九点出发。", "zh"),
        ("페리는 아홉 시에 출발합니다.", "ko"),
        ("Το πλοίο φεύγει στις εννέα.", "el"),
        ("Паром уходит в девять, и все уже на борту, как и было сказано.", "ru"),
        ("7 8 9 14.2 | 16", ""),
        ("日本", ""),  # two letters are too few
        ("", ""),
    ],
)
def test_a_language_is_told(text: str, language: str) -> None:
    assert detect_language_code([text]) == language


def test_a_word_counts_as_often_as_it_stands_there() -> None:
    """One small word, again and again, is as much as several."""
    assert detect_language_code(["ferry the boat " * MIN_WORDS]) == "en"
    assert detect_language_code(["ferry the boat " * (MIN_WORDS - 1)]) == ""


def test_language_is_not_decided_by_a_few_letters_of_another_script() -> None:
    text = "The word フェリー is Japanese for a ferry, and that is what it is on the coast. "
    assert detect_language_code([text + "The ferry is late. " * 9]) == "en"


@pytest.mark.parametrize(
    ("question", "among", "language"),
    [
        ("What does a sponsor do?", "", "en"),
        ("Wie lang muss der Schlüssel sein?", "", "de"),
        ("¿De qué color aparecen los paquetes?", "", "es"),
        ("And a mentor?", "", ""),  # "a" is a word of many languages
        ("And a mentor?", "en de", "en"),
        ("Debian", "en de", ""),
    ],
)
def test_the_language_of_a_question_is_guessed_from_a_word_or_two(question: str, among: str, language: str) -> None:
    assert guess_language(question, frozenset(among.split())) == language
