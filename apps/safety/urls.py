"""URLs of review for staff, and of notices for all users."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView

from apps.safety.views import (
    analytics,
    audit_log,
    blocklists,
    bulk_decisions,
    case_pages,
    notice_pages,
    policies,
    policy_form,
    second_reviews,
    suspensions,
)
from apps.users.permissions import administrator_required, staff_required

app_name = "safety"


def _redirect(name: str) -> Callable[..., HttpResponse]:
    """Return a view that redirects a former address permanently to the page that took its place."""
    view = RedirectView.as_view(pattern_name=f"safety:{name}", permanent=True, query_string=True)
    return cast("Callable[..., HttpResponse]", require_safe(view))


urlpatterns = [
    path("review/audits/", staff_required(_redirect("figures"))),
    path("review/thresholds/", administrator_required(_redirect("policy"))),
    path("review/care/", staff_required(_redirect("queue"))),
    path("review/preferences/", staff_required(_redirect("queue"))),
    path("review/lists/", administrator_required(_redirect("blocklists"))),
    path("review/lists/<slug:name>/", administrator_required(_redirect("blocklist"))),
    path("review/looks/<uuid:pk>/", staff_required(_redirect("second_review"))),
    path("review/", case_pages.show_queue, name="queue"),
    path("review/figures/", analytics.show_analytics, name="figures"),
    path("review/figures/bias/", analytics.run_bias_audit, name="bias"),
    path("review/blocklists/", blocklists.show_blocklists, name="blocklists"),
    path("review/blocklists/<slug:name>/", blocklists.edit_blocklist, name="blocklist"),
    path("review/log/", audit_log.show_log, name="log"),
    path("review/log/verify/", audit_log.verify_whole_log, name="log_verify"),
    path("review/log/export/", audit_log.export_log, name="log_export"),
    path("review/policy/", policies.show_versions, name="policy"),
    path("review/policy/edit/", policy_form.edit_policy, name="policy_edit"),
    path("review/policy/clauses/<slug:code>/", policy_form.show_clause, name="policy_clause"),
    path("review/policy/preview/<slug:code>/", policy_form.preview_clause, name="policy_preview"),
    path("review/policy/<int:pk>/", policies.change_version, name="policy_change"),
    path("review/policy/<int:pk>/changes/", policies.show_policy_changes, name="policy_changes"),
    path("review/<uuid:pk>/", case_pages.show_case, name="case"),
    path("review/<uuid:pk>/picture.png", case_pages.show_picture, name="picture"),
    path("review/<uuid:pk>/claim/", case_pages.claim_case, name="claim"),
    path("review/<uuid:pk>/renew/", case_pages.renew_claim, name="renew"),
    path("review/<uuid:pk>/decide/", case_pages.decide_case, name="decide"),
    path("review/<uuid:pk>/release/", case_pages.release_case, name="release"),
    path("review/<uuid:pk>/undo/", case_pages.undo_decision, name="undo"),
    path("review/<uuid:pk>/similar/", bulk_decisions.gather_batch, name="similar"),
    path("review/batches/<uuid:pk>/", bulk_decisions.show_batch, name="batch"),
    path("review/batches/<uuid:pk>/renew/", bulk_decisions.renew_batch, name="batch_renew"),
    path("review/batches/<uuid:pk>/decide/", bulk_decisions.decide_batch, name="batch_decide"),
    path("review/batches/<uuid:pk>/release/", bulk_decisions.release_batch, name="batch_release"),
    path("review/batches/<uuid:pk>/undo/", bulk_decisions.undo_batch, name="batch_undo"),
    path("review/second-reviews/", second_reviews.claim_review, name="second_review_claim"),
    path("review/second-reviews/<uuid:pk>/", second_reviews.show_review, name="second_review"),
    path("review/second-reviews/<uuid:pk>/renew/", second_reviews.renew_review, name="second_review_renew"),
    path("review/second-reviews/<uuid:pk>/submit/", second_reviews.submit_review, name="second_review_submit"),
    path("review/second-reviews/<uuid:pk>/release/", second_reviews.release_review, name="second_review_release"),
    path("review/<uuid:pk>/second-review/", second_reviews.request_review, name="second_review_request"),
    path("review/<uuid:pk>/reopen/", second_reviews.reopen_case, name="reopen"),
    path("people/<int:pk>/suspend/", suspensions.suspend_account, name="suspend"),
    path("suspended/", suspensions.show_suspension, name="suspended"),
    path("notices/", notice_pages.show_notices, name="notices"),
    path("notices/new/", notice_pages.check_notices, name="new_notices"),
    path("notices/<int:pk>/seen/", notice_pages.dismiss_notice, name="dismiss_notice"),
    path("notices/<int:pk>/appeal/", notice_pages.submit_appeal, name="appeal"),
]
