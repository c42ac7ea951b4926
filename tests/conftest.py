"""Fixtures that all tests share."""

from __future__ import annotations

pytest_plugins = ["tests.lab.fixtures_real", "tests.lab.fixtures_redis"]
