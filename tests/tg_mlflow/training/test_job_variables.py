import pytest

from tests.memory_server import MemoryClient
from tests.tg_mlflow.memory_jobs import make_executor
from tg.common.delivery.sagemaker import Executor
from tg.common.delivery.sagemaker.executor import Traits
from tg.common.secrets import SecretMask
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.local import LocalConfig
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.training.job_variables import build_job_variables


class Server(MemoryClient):
    uri = "memory://"

    @property
    def tracking_uri(self) -> str:
        return self.uri


@pytest.fixture
def client() -> Server:
    return Server(mask=SecretMask(["memories"]), patience_seconds=0)


def executor(**traits: bool) -> Executor:
    made = make_executor()
    made.traits = Traits(**traits)
    return made


def build(client: Server, config: PlaceConfig, **traits: bool) -> dict[str, str]:
    return build_job_variables(client, client.create_run("7").info.run_id, executor(**traits), config)


def test_a_job_learns_its_run_and_the_experiment_without_secrets(client: Server) -> None:
    assert build(client, ProcessConfig()) == {"TG_RUN_ID": f"{1:032x}", "TG_EXPERIMENT": "***"}
    # In this process, there is nothing to be told of a server.
    assert set(build(client, ProcessConfig(mlflow="direct"), is_in_process=True)) == {"TG_RUN_ID", "TG_EXPERIMENT"}


@pytest.mark.parametrize(
    ("uri", "config"),
    [
        ("sqlite:////home/ada/mlflow.db", ProcessConfig(mlflow="direct")),
        ("http://localhost:5000", ProcessConfig(mlflow="direct")),
        ("https://mlflow.example.org", LocalConfig(mlflow="direct")),
        ("http://localhost:5000", LocalConfig(mlflow="direct", network="host")),
        ("postgresql://db.example.org/mlflow", LocalConfig(mlflow="direct")),
    ],
)
def test_a_job_that_reaches_the_server_is_told_of_it(client: Server, uri: str, config: PlaceConfig) -> None:
    client.uri = uri
    assert build(client, config) == {
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_RUN_ID": f"{1:032x}",
        "MLFLOW_EXPERIMENT_ID": "7",
    }


@pytest.mark.parametrize(
    ("uri", "config", "message"),
    [
        ("http://ada:s3cret-word@mlflow.example.org", ProcessConfig(mlflow="direct"), r"ada:\*\*\*@.* holds a secret"),
        ("https://x.org/?token=s3cret-word", LocalConfig(mlflow="direct"), r"token=\*\*\*.* holds a secret"),
        ("sqlite:////home/ada/mlflow.db", LocalConfig(mlflow="direct"), "is a file of this machine"),
        ("/home/ada/mlruns", LocalConfig(mlflow="direct"), "is a file of this machine"),
        ("file:///home/ada/mlruns", LocalConfig(mlflow="direct", network="host"), "is a file of this machine"),
        ("http://127.0.0.1:5000", LocalConfig(mlflow="direct"), "is of this machine alone"),
        ("http://localhost:5000", LocalConfig(mlflow="direct", network="none"), "is of this machine alone"),
    ],
)
def test_a_server_that_a_job_cannot_reach_is_refused(
    client: Server, uri: str, config: PlaceConfig, message: str
) -> None:
    client.uri = uri
    with pytest.raises(
        BackendConfigError, match=f"^mlflow is 'direct', but .*{message}.*; leave mlflow out, or"
    ) as told:
        build(client, config)
    assert "s3cret-word" not in str(told.value)


def test_a_job_on_another_machine_does_not_see_this_ones_files(client: Server) -> None:
    client.uri = "sqlite:///mlflow.db"
    with pytest.raises(BackendConfigError, match="jobs of tg-process do not see"):
        build(client, ProcessConfig(mlflow="direct"), is_found_anywhere=True)
