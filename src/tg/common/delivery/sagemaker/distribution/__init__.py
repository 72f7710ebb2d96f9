"""How a job trains on several hosts: one process of each starts the engine, watches it, and ends with the others.

The leader decides: the others connect to it, say how they end, and end when it says so. Nothing here knows the task or
what a place is: it knows the contract alone.
"""
