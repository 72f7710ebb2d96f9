"""The command ``tg-mlflow``: reads the command line, calls one function, and reports the outcome.

The work of a command is done in other rooms. A command's module is imported when the command is used.
"""
