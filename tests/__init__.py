"""Tests; a package, since installed libraries leave modules of that name behind."""
