"""A window for each request of a Django site.

    INSTALLED_APPS = [..., "memlyze.integrations.django"]
    MIDDLEWARE = ["memlyze.integrations.django.middleware.MemlyzeMiddleware", ...]
    MEMLYZE = {"SAMPLE_RATE": 0.01}

The middleware makes the windows; the application brings system checks, `manage.py memlyze` and a
panel for the debug toolbar.
"""

from __future__ import annotations
