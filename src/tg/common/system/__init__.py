"""What the operating system needs care with: signals, temporary folders, replaced files, tar archives.

Nothing about trainings, packages or jobs may enter: every other room may use this one. Its functions are imported from
its modules.
"""
