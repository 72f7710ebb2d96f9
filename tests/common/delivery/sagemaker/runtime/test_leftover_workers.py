"""Workers that are kept for later."""

import multiprocessing
import os
from multiprocessing import forkserver
from typing import Any

import joblib
import pytest

from tg.common.delivery.sagemaker.runtime.leftover_workers import ending_leftover_workers

pytestmark = pytest.mark.starts_process


def test_a_training_has_workers_of_its_own() -> None:
    workers = []
    for _ in range(2):
        with ending_leftover_workers():
            workers.append(set(joblib.Parallel(n_jobs=2, batch_size=1)(joblib.delayed(os.getpid)() for _ in range(4))))
    assert workers[0].isdisjoint(workers[1])
    server: Any = forkserver._forkserver  # type: ignore[attr-defined]
    with ending_leftover_workers():
        with multiprocessing.get_context("forkserver").Pool(1) as pool:
            assert pool.map(abs, [-1]) == [1]
        assert server._forkserver_pid is not None
    assert server._forkserver_pid is None
