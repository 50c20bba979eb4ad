"""What is kept, for how long, and what a person can do about it."""

from __future__ import annotations

from django.urls import path

from apps.privacy import hold_views, views

app_name = "privacy"
urlpatterns = [
    path("privacy/", views.page, name="page"),
    path("privacy/consent/", views.consent, name="consent"),
    path("privacy/keeping/", views.keeping_page, name="keeping"),
    path("privacy/copy/", views.copy, name="copy"),
    path("privacy/copy/<uuid:pk>/", views.fetch, name="fetch"),
    path("privacy/erase/", views.erase, name="erase"),
    path("privacy/receipts/<uuid:pk>/", views.receipt, name="receipt"),
    path("privacy/holds/", hold_views.holds, name="holds"),
    path("privacy/holds/<uuid:pk>/", hold_views.case, name="case_hold"),
]
