"""Tests; a package, since installed libraries leave modules of that name behind."""

import pytest

# What tests share says what it has found, too, when it is not what was expected.
pytest.register_assert_rewrite(
    *(f"tests.{name}" for name in ("aws_emulator", "integration", "kill_scene", "launcher", "support", "tg_mlflow"))
)
