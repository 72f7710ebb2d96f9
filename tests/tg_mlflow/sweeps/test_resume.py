import json
from pathlib import Path

import pytest

from tests.memory_server import MemoryClient
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.sweeps.record import FORMAT, PLAN
from tg_mlflow.sweeps.resume import resume_sweep


def test_a_sweep_of_a_place_that_is_not_installed_is_not_resumed(tmp_path: Path) -> None:
    client = MemoryClient()
    parent = client.create_run("0", tags={"tg.sweep": "{}"})
    plan = {"format": FORMAT, "place": "tg-proces", "folder": str(tmp_path), "project_name": "points"}
    plan |= {"config": {}, "package": "package/a.tar.gz", "members": []}
    client.files[parent.info.run_id, PLAN] = json.dumps(plan).encode()
    with pytest.raises(RunNotOursError) as caught:
        resume_sweep(client, parent)
    assert str(caught.value) == (
        f"run {parent.info.run_id!r} is from the place 'tg-proces', which is not installed here; did you mean "
        "'tg-process'?"
    )
    assert client.get_run(parent.info.run_id).info.status == "RUNNING"
