"""Trainings: tasks, their data, splits, models, metrics and results."""
