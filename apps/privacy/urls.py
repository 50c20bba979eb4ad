"""URLs of the pages on privacy, retention, data requests and legal holds."""

from __future__ import annotations

from django.urls import path

from apps.privacy import legal_hold_views, views

app_name = "privacy"
urlpatterns = [
    path("privacy/", views.show_privacy, name="page"),
    path("privacy/consent/", views.set_consent, name="consent"),
    path("privacy/keeping/", views.edit_retention, name="keeping"),
    path("privacy/copy/", views.request_export, name="copy"),
    path("privacy/copy/<uuid:pk>/", views.download_export, name="fetch"),
    path("privacy/erase/", views.request_account_erasure, name="erase"),
    path("privacy/receipts/<uuid:pk>/", views.show_receipt, name="receipt"),
    path("privacy/holds/", legal_hold_views.show_holds, name="holds"),
    path("privacy/holds/<uuid:pk>/", legal_hold_views.lift_case_hold, name="case_hold"),
]
