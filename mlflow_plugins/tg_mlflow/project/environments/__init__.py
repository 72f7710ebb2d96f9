"""The files that declare a project's environment, one module for each kind, and what pip and conda write in them.

It knows nothing of projects: it is given paths.
"""
