"""MLflow's tracking server: a client, tags, the life of a run, and which process records it.

It knows nothing of trainings, projects and places.
"""
