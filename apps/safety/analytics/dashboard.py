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
    description = gettext("Each line shows an interval; the numbers are in the table below.")
    shares = {
        "precision": (gettext("How often the check was right"), _shares(rows, "precision")),
        "overturn": (gettext("How often appeals were successful"), _shares(rows, "overturn_rate")),
        "agreement": (gettext("How often second reviews agreed with the decision"),
                      charts.known_shares((format_place(*key), share) for key, share in agreed.by_clause.items())),
    }  # fmt: skip
    drawn = {
        name: charts.make_whisker_chart(title, description, values)
        for name, (title, values) in shares.items()
        if values
    }
    if times := _times(rows):
        axis_end = charts.round_axis_hours(max(value.high for value in times))
        title = gettext("Median hours to a decision")
        drawn["time"] = charts.make_whisker_chart(
            title, description, times, axis_end=axis_end, axis_labels=("0", gettext("%(n)s h") % {"n": axis_end})
        )
    return drawn


def make_bias_charts(groups: Sequence[GroupErrorRates]) -> list[WhiskerChart]:
    """Return the charts of flagged harmless and of unflagged hateful sentences by group; `[]` without groups."""
    description = gettext("One line per group; the numbers are in the table below.")
    rates = [
        (gettext("Harmless sentences that were flagged"), "harmless_flagged"),
        (gettext("Hateful sentences that were not flagged"), "hateful_unflagged"),
    ]
    return [
        charts.make_whisker_chart(
            title, description, charts.known_shares((str(row.name), getattr(row, rate)) for row in groups)
        )
        for title, rate in rates
        if groups
    ]


def _shares(rows: Sequence[ClauseMetrics], name: str) -> list[ChartValue]:
    return charts.known_shares((format_place(row.clause, row.stage), getattr(row, name)) for row in rows)


def _times(rows: Sequence[ClauseMetrics]) -> list[ChartValue]:
    values = []
    for row in rows:
        if (median := row.decision_time) is None:
            continue
        low, high = median.interval or (median.value, median.value)
        value_text = gettext("%(n)s h") % {"n": number_format(round(median.value, 1), 1)}
        values.append(ChartValue(format_place(row.clause, row.stage), value_text, median.value, low, high))
    return values
