"""Tests that a place of one's own is to pass, and an executor without processes for tests of what uses one.

Nothing outside this package imports it, and nothing else imports pytest.
"""
