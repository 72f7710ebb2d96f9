"""What MLflow calls for ``mlflow run --backend tg-ssh``."""

from tg_mlflow.backend.project_backend import ProjectBackend


class SshBackend(ProjectBackend):
    """Trains on another machine over ssh."""

    name = "tg-ssh"
