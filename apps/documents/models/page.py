"""Model of a page's text."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Page(models.Model):
    """Text of one page as parsed, to which all character spans refer. Formats without pages have one page."""

    document = models.ForeignKey("documents.Document", on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField(help_text="From 1")
    text = models.TextField(blank=True)
    width = models.FloatField(default=0, help_text="Points; 0 where there are no pages")
    height = models.FloatField(default=0)
    boxes = models.JSONField(
        null=True,
        blank=True,
        help_text="Words of a recognised page: [start, end, left, top, width, height], places in fractions of the page",
    )
    ocr_key = models.CharField(
        max_length=64, blank=True, default="",
        help_text="Digest of file content and OCR version; empty: the text did not come from OCR",
    )  # fmt: skip
    block_spans = models.JSONField(
        null=True, blank=True, help_text="Blocks that the parser found: [kind, level, start, end]"
    )

    class Meta:
        ordering: ClassVar = ["document", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["document", "number"], name="one_row_a_page")]

    def __str__(self) -> str:
        return f"page {self.number}"
