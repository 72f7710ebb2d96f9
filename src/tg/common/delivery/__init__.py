"""Delivery of trainings to the place where they run."""
