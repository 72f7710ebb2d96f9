"""What runs on the other machine.

:mod:`connection` sends these modules with each request, so that both sides are of one version and nothing is installed
there. They use the standard library, each other by their full names, and ``process_supervisor``, which is sent, too.
"""
