"""Build the charts of the analytics page, one per metric that has data."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.formats import number_format
from django.utils.translation import gettext

from apps.safety.analytics import charts
from apps.safety.analytics.bias_audit import GroupErrorRates
from apps.safety.analytics.charts import ChartValue, WhiskerChart, format_place
from apps.safety.analytics.metrics import ClauseMetrics, ReviewerAgreement


def make_dashboard(rows: Sequence[ClauseMetrics], agreed: ReviewerAgreement) -> dict[str, WhiskerChart]:
    """Return the charts by name; metrics without data are left out."""
    about = gettext("Each line shows an interval; the numbers are in the table below.")
    found = {
        "precision": (gettext("How often the check was right"), _shares(rows, "precision")),
        "overturn": (gettext("How often appeals were successful"), _shares(rows, "overturn")),
        "agreement": (gettext("How often second reviews agreed with the decision"),
                      charts.known_shares((format_place(*key), share) for key, share in agreed.parts.items())),
    }  # fmt: skip
    made = {name: charts.make_whisker_chart(title, about, values) for name, (title, values) in found.items() if values}
    if times := _times(rows):
        most = charts.round_axis_hours(max(one.high for one in times))
        title = gettext("Median hours to a decision")
        made["time"] = charts.make_whisker_chart(
            title, about, times, most=most, ends=("0", gettext("%(n)s h") % {"n": most})
        )
    return made


def make_bias_charts(groups: Sequence[GroupErrorRates]) -> list[WhiskerChart]:
    """Return the charts of noticed harmless and of unnoticed hateful sentences by group; `[]` without groups."""
    about = gettext("One line per group; the numbers are in the table below.")
    sides = [
        (gettext("Harmless sentences that were flagged"), "noticed"),
        (gettext("Hateful sentences that were not flagged"), "unnoticed"),
    ]
    return [
        charts.make_whisker_chart(
            title, about, charts.known_shares((str(row.name), getattr(row, name)) for row in groups)
        )
        for title, name in sides
        if groups
    ]


def _shares(rows: Sequence[ClauseMetrics], name: str) -> list[ChartValue]:
    return charts.known_shares((format_place(row.clause, row.stage), getattr(row, name)) for row in rows)


def _times(rows: Sequence[ClauseMetrics]) -> list[ChartValue]:
    found = []
    for row in rows:
        if (time := row.time) is None:
            continue
        low, high = time.interval or (time.value, time.value)
        said = gettext("%(n)s h") % {"n": number_format(round(time.value, 1), 1)}
        found.append(ChartValue(format_place(row.clause, row.stage), said, time.value, low, high))
    return found
