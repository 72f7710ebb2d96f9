"""Trainings: what to train, on what, how it is split, measured and stored."""
