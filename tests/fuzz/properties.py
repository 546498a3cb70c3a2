"""How hypothesis looks for what breaks a property. Derandomised where CI is set: a build does not depend on luck."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("here", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, database=None)
EVERY = settings.get_profile("ci" if os.environ.get("CI") else "here")
