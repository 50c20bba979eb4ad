"""URLs of review for staff, and of notices for all users."""

from __future__ import annotations

from django.urls import path

from apps.safety.views import (
    account_suspension,
    analytics,
    audit_log,
    blocklists,
    bulk_decisions,
    cases,
    notices,
    policies,
    policy_changes,
    policy_form,
    reviewer_preferences,
    saved_views,
    second_reviews,
    suspended,
)

app_name = "safety"

urlpatterns = [
    path("review/", cases.show_queue, name="queue"),
    path("review/care/", reviewer_preferences.edit_preferences, name="care"),
    path("review/views/", saved_views.save_view, name="view_save"),
    path("review/views/<int:pk>/delete/", saved_views.delete_view, name="view_delete"),
    path("review/figures/", analytics.show_analytics, name="figures"),
    path("review/figures/bias/", analytics.run_bias_audit, name="bias"),
    path("review/lists/", blocklists.show_blocklists, name="lists"),
    path("review/lists/<slug:name>/", blocklists.edit_blocklist, name="list"),
    path("review/log/", audit_log.show_log, name="log"),
    path("review/log/verify/", audit_log.verify_whole_log, name="log_verify"),
    path("review/log/export/", audit_log.export_log, name="log_export"),
    path("review/policy/", policies.show_versions, name="policy"),
    path("review/policy/edit/", policy_form.edit_policy, name="policy_edit"),
    path("review/policy/preview/<slug:code>/", policy_form.preview_clause, name="policy_preview"),
    path("review/policy/<int:pk>/", policies.change_version, name="policy_change"),
    path("review/policy/<int:pk>/changes/", policy_changes.show_policy_changes, name="policy_changes"),
    path("review/<uuid:pk>/", cases.show_case, name="case"),
    path("review/<uuid:pk>/picture.png", cases.show_picture, name="picture"),
    path("review/<uuid:pk>/claim/", cases.claim_case, name="claim"),
    path("review/<uuid:pk>/keep/", cases.renew_claim, name="keep"),
    path("review/<uuid:pk>/decide/", cases.decide_case, name="decide"),
    path("review/<uuid:pk>/leave/", cases.release_case, name="leave"),
    path("review/<uuid:pk>/undo/", cases.undo_decision, name="undo"),
    path("review/<uuid:pk>/alike/", bulk_decisions.gather_batch, name="alike"),
    path("review/batches/<uuid:pk>/", bulk_decisions.show_batch, name="batch"),
    path("review/batches/<uuid:pk>/keep/", bulk_decisions.renew_batch, name="batch_keep"),
    path("review/batches/<uuid:pk>/decide/", bulk_decisions.decide_batch, name="batch_decide"),
    path("review/batches/<uuid:pk>/leave/", bulk_decisions.release_batch, name="batch_leave"),
    path("review/batches/<uuid:pk>/undo/", bulk_decisions.undo_batch, name="batch_undo"),
    path("review/looks/", second_reviews.claim_review, name="look_take"),
    path("review/looks/<uuid:pk>/", second_reviews.show_review, name="look"),
    path("review/looks/<uuid:pk>/keep/", second_reviews.renew_review, name="look_keep"),
    path("review/looks/<uuid:pk>/give/", second_reviews.submit_review, name="look_give"),
    path("review/looks/<uuid:pk>/leave/", second_reviews.release_review, name="look_leave"),
    path("review/<uuid:pk>/second/", second_reviews.request_review, name="second"),
    path("review/<uuid:pk>/reopen/", second_reviews.reopen_case, name="reopen"),
    path("people/<int:pk>/suspend/", account_suspension.suspend_account, name="suspend"),
    # former addresses
    path("review/audits/", analytics.redirect_old_audits, name="old_audits"),
    path("review/thresholds/", policies.redirect_old_thresholds, name="old_thresholds"),
    path("suspended/", suspended.show_suspension, name="suspended"),
    path("notices/", notices.show_notices, name="notices"),
    path("notices/new/", notices.check_notices, name="new_notices"),
    path("notices/<int:pk>/seen/", notices.dismiss_notice, name="dismiss_notice"),
    path("notices/<int:pk>/appeal/", notices.submit_appeal, name="appeal"),
]
