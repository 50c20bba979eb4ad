"""Addresses of the Test tab of a collection, and of what people said about answers."""

from __future__ import annotations

from django.urls import path

from apps.evaluation import feedback_views, tuning_views
from apps.evaluation import golden_views as views

app_name = "evaluation"
urlpatterns = [
    path("feedback/", feedback_views.feedback, name="feedback"),
    path("feedback/<int:pk>/", feedback_views.opened, name="feedback_one"),
    path("feedback/<int:pk>/handled/", feedback_views.handle, name="feedback_handle"),
    path("feedback/preferences.jsonl", feedback_views.preference_pairs, name="preferences"),
    path("collections/<uuid:pk>/test/", views.test, name="test"),
    path("collections/<uuid:pk>/golden/", views.questions, name="golden"),
    path("collections/<uuid:pk>/golden/state/", views.state, name="golden_state"),
    path("collections/<uuid:pk>/golden/run/", views.run, name="golden_run"),
    path("collections/<uuid:pk>/golden/answers/", views.check_answers, name="golden_answers"),
    path("collections/<uuid:pk>/settings/search/", tuning_views.search_settings, name="tuning"),
    path("collections/<uuid:pk>/settings/search/state/", tuning_views.state, name="tuning_state"),
    path("collections/<uuid:pk>/settings/search/<int:number>/swap/", tuning_views.swap, name="tuning_swap"),
    path("collections/<uuid:pk>/settings/search/<int:number>/discard/", tuning_views.discard, name="tuning_discard"),
    path("collections/<uuid:pk>/golden/<int:number>/remove/", views.remove, name="golden_remove"),
]
