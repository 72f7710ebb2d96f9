"""Contract tests for third-party places, and an in-memory executor for tests of code that uses executors.

Nothing outside this package imports it, and nothing else imports pytest.
"""
