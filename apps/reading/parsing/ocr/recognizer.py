"""Recognise the text of a scanned page with rapidocr (PP-OCR models shipped in its package, verified by SHA-256).

A page takes seconds of one core. A few lines are recognised at a time, and the caller gets control after each step.
Which pages are recognised, and when, is decided in `ingestion/ocr.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import cache
from typing import Any

from apps.reading.parsing.ocr.page_assembly import FractionBox, RecognisedLine, assemble_page
from apps.reading.parsing.protocol import ParsedPage, WordBox, strip_invisible

LONGEST = 2000  # pixels of the longer side, enough for text printed in 8 points
SMALL = 1200  # pixels; an image whose longer side is less than half of this is enlarged
LINES = 12  # lines recognised per step
ORIENTATION_LINES = 16  # longest lines by which an upside-down page is detected
MIN_CONFIDENCE = 0.5  # confidence, 0 to 1, below which a line is dropped


def recognise_page(
    path: str, kind: str, number: int, longest: int = LONGEST
) -> Iterator[tuple[ParsedPage, list[WordBox]] | None]:
    """Yield None after each step, then the page and the places of its words as fractions of the page.

    `number` counts from 1; the longer side of the picture has at most `longest` pixels. Raises ParseError if the file
    cannot be read.
    """
    import numpy as np

    upright = _picture(path, kind, number, longest)
    yield None
    crops, detected, record = _detect(upright)
    quarter_turns = _count_quarter_turns(crops, detected)
    picture = np.ascontiguousarray(np.rot90(upright, quarter_turns))
    if quarter_turns:
        yield None
        crops, detected, record = _detect(picture)
    lines: list[RecognisedLine] = []
    for at in range(0, len(crops), LINES):
        yield None
        lines += _read(picture, crops[at : at + LINES], detected, at, record)
    yield assemble_page(number, lines, quarter_turns)


def _picture(path: str, kind: str, number: int, longest: int) -> Any:
    """Return the image as an array of shape (height, width, 3), in BGR, as the models were trained."""
    import numpy as np

    if kind == "pdf":
        from apps.reading.parsing.pdf.parser import open_pdf

        with closing(open_pdf(path)) as document, closing(document[number - 1]) as page:
            scale = min(longest / max(page.get_size()), 4.0)
            picture = page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
    else:
        from apps.reading.parsing.raster_image import read_frame

        picture = read_frame(path, number, longest)
        times = min(3, SMALL // max(picture.size))
        if times > 1:  # small letters are detected better when enlarged
            picture = picture.resize((picture.width * times, picture.height * times))
    return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])


@cache
def _engine() -> Any:
    """Return the engine, limited to one core and offline: models come with the package, and the sandbox refuses
    threads."""
    import cv2
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    threads = "EngineConfig.onnxruntime."
    return RapidOCR(
        params={
            f"{threads}intra_op_num_threads": 1,
            f"{threads}inter_op_num_threads": 1,
            "Global.log_level": "critical",
            "Global.return_word_box": True,
            "Global.text_score": MIN_CONFIDENCE,
            "Det.limit_type": "max",  # the default would scale the shorter side to 736 pixels
            "Det.limit_side_len": LONGEST,
        }
    )


def _detect(picture: Any) -> tuple[list[Any], Any, dict[str, Any]]:
    """Return images of the lines, their places, and the map from these to the whole image; no images if there is no
    text."""
    from rapidocr.main import RapidOCRError

    small, record = _engine().preprocess_img(picture)
    try:
        crops, detected = _engine().detect_and_crop(small, record)
    except RapidOCRError:
        return [], None, record
    return crops, detected, record


def _count_quarter_turns(crops: list[Any], detected: Any) -> int:
    """Return the number of quarter turns, counter-clockwise, after which the lines can be read."""
    if not crops:
        return 0
    sizes = [(abs(box[1] - box[0]).max(), abs(box[3] - box[0]).max()) for box in detected.boxes]
    sideways = sum(high > 1.5 * wide for wide, high in sizes) > len(sizes) / 2
    longest = sorted(crops, key=lambda crop: -crop.shape[1])[:ORIENTATION_LINES]
    labels = [label for label, _ in _engine()._load_cls_model()(longest).cls_res]
    head = labels.count("180") > len(labels) / 2
    return (1 if not head else 3) if sideways else (2 if head else 0)


def _read(picture: Any, crops: list[Any], detected: Any, at: int, record: dict[str, Any]) -> Iterator[RecognisedLine]:
    from rapidocr.ch_ppocr_cls import TextClsOutput
    from rapidocr.ch_ppocr_det import TextDetOutput

    engine = _engine()
    part = slice(at, at + len(crops))
    places = TextDetOutput(boxes=detected.boxes[part], scores=detected.scores[part])
    answer = engine.build_final_output(picture, places, TextClsOutput(), engine.recognize_txt(crops), crops, record)
    height, width = picture.shape[:2]
    for box, text, words in _rows(answer):
        yield RecognisedLine(
            text,
            _to_fractions(box, width, height),
            [(word, _to_fractions(spot, width, height)) for word, _, spot in words],
        )


def _rows(answer: Any) -> Iterator[tuple[Any, str, Any]]:
    texts = getattr(answer, "txts", None)
    if texts is None or answer.boxes is None:
        return
    words = answer.word_results if answer.word_results and len(answer.word_results) == len(texts) else [()] * len(texts)
    for box, text, inside in zip(answer.boxes, texts, words, strict=True):
        if text.strip():
            yield box, strip_invisible(" ".join(text.split())), inside


def _to_fractions(box: Any, width: int, height: int) -> FractionBox:
    xs, ys = [float(x) / width for x, _ in box], [float(y) / height for _, y in box]
    return min(xs), min(ys), max(xs), max(ys)
