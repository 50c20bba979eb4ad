"""Review for staff, notices for everybody."""

from __future__ import annotations

from django.urls import path

from apps.safety import (
    bulk_views,
    care_views,
    change_views,
    figure_views,
    list_views,
    log_views,
    notice_views,
    opinion_views,
    policy_views,
    review_views,
    suspended_views,
    suspension_views,
)

app_name = "safety"

urlpatterns = [
    path("review/", review_views.queue, name="queue"),
    path("review/care/", care_views.page, name="care"),
    path("review/figures/", figure_views.page, name="figures"),
    path("review/figures/bias/", figure_views.measure_bias, name="bias"),
    path("review/lists/", list_views.page, name="lists"),
    path("review/lists/<slug:name>/", list_views.one, name="list"),
    path("review/log/", log_views.page, name="log"),
    path("review/log/verify/", log_views.verify, name="log_verify"),
    path("review/log/export/", log_views.export, name="log_export"),
    path("review/policy/", policy_views.versions, name="policy"),
    path("review/policy/<int:pk>/", policy_views.change, name="policy_change"),
    path("review/policy/<int:pk>/changes/", change_views.page, name="policy_changes"),
    path("review/<uuid:pk>/", review_views.case, name="case"),
    path("review/<uuid:pk>/picture.png", review_views.picture, name="picture"),
    path("review/<uuid:pk>/claim/", review_views.claim, name="claim"),
    path("review/<uuid:pk>/keep/", review_views.keep, name="keep"),
    path("review/<uuid:pk>/decide/", review_views.decide, name="decide"),
    path("review/<uuid:pk>/leave/", review_views.leave, name="leave"),
    path("review/<uuid:pk>/undo/", review_views.undo, name="undo"),
    path("review/<uuid:pk>/alike/", bulk_views.gather, name="alike"),
    path("review/batches/<uuid:pk>/", bulk_views.show, name="batch"),
    path("review/batches/<uuid:pk>/keep/", bulk_views.keep, name="batch_keep"),
    path("review/batches/<uuid:pk>/decide/", bulk_views.decide, name="batch_decide"),
    path("review/batches/<uuid:pk>/leave/", bulk_views.leave, name="batch_leave"),
    path("review/batches/<uuid:pk>/undo/", bulk_views.undo, name="batch_undo"),
    path("review/looks/", opinion_views.take, name="look_take"),
    path("review/looks/<uuid:pk>/", opinion_views.show, name="look"),
    path("review/looks/<uuid:pk>/keep/", opinion_views.keep, name="look_keep"),
    path("review/looks/<uuid:pk>/give/", opinion_views.give, name="look_give"),
    path("review/looks/<uuid:pk>/leave/", opinion_views.leave, name="look_leave"),
    path("review/<uuid:pk>/second/", opinion_views.ask, name="second"),
    path("review/<uuid:pk>/reopen/", opinion_views.reopen, name="reopen"),
    path("people/<int:pk>/suspend/", suspension_views.suspend, name="suspend"),
    path("suspended/", suspended_views.page, name="suspended"),
    path("notices/", notice_views.notices, name="notices"),
    path("notices/<int:pk>/appeal/", notice_views.appeal, name="appeal"),
]
