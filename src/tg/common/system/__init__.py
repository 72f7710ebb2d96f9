"""Careful use of the operating system: signals, temporary folders, atomic files, tar archives.

It knows nothing of trainings, packages and jobs: every other room may use it. Its functions are imported from its
modules.
"""
