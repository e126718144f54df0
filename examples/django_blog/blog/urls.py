"""The addresses of the blog."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("articles/<int:number>/", views.article),
    path("comments/", views.comment),
    path("export/", views.export),
]
