"""Trainings as objects: described once, run anywhere."""
