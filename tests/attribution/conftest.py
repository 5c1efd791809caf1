"""As in tests/training: one thread, because the machine may be busy."""

from __future__ import annotations

from tests.training.conftest import _one_thread  # noqa: F401
