"""The command ``tg-mlflow``: reads the command line, calls one function, and words the outcome.

What a command does belongs into other rooms. A command's module is imported when the command is used.
"""
