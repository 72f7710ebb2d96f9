"""The class that the walkthrough tells its readers to write; as a program it looks at a job's results the next day.

python -m tests.integration.aws.walkthrough BUCKET JOB_NAME
"""

import json
import pickle
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from tg.common.delivery.delivery import Containering, DependencyList, Packaging
from tg.common.delivery.sagemaker import (
    DOCKERFILE_TEMPLATE,
    Pacing,
    RemoteOptions,
    SagemakerAttachedExecutor,
    SagemakerConfig,
    SagemakerJob,
    SagemakerOptions,
    SagemakerProcessExecutor,
    SagemakerRemoteExecutor,
)
from tg.common.ml import dft
from tg.common.ml import single_frame_training as sft

DISTRIBUTIONS = ("jsonpickle", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")
FAST = Pacing(0.1, 0.05, 0.2, 20, 0.1, 0.3, create_seconds=0.1, patience_seconds=20)


def make_passengers(rows: int = 200) -> pd.DataFrame:
    """Numbers, texts and gaps, as the passengers of the Titanic have; made up."""
    random = np.random.default_rng(0)
    sex = random.choice(["male", "female"], rows)
    age = np.where(random.random(rows) < 0.2, np.nan, random.uniform(1, 80, rows).round())
    survived = random.random(rows) < np.where(sex == "female", 0.7, 0.2)
    return pd.DataFrame(
        {
            "Pclass": random.integers(1, 4, rows).astype(float),
            "Sex": sex,
            "Age": age,
            "Fare": random.exponential(30, rows),
            "Embarked": pd.Series(random.choice(["S", "C", ""], rows)).replace("", None).to_list(),
            "Survived": survived.astype(float),
        },
        index=pd.RangeIndex(1, rows + 1, name="PassengerId"),
    )


def build_task() -> sft.SingleFrameTrainingTask:
    return sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("Survived"),
        model_provider=sft.ModelProvider(
            sft.ModelConstructor("sklearn.linear_model:LogisticRegression", max_iter=1000),
            transformer=dft.DataFrameTransformerFactory.default_factory(),
            keep_column_names=False,
        ),
        evaluator=sft.Evaluation.binary_classification,
        splitter=sft.FoldSplitter(),
        metrics_pool=sft.MetricPool().add_sklearn(roc_auc_score),
    )


class SagemakerRoutine:
    """Sets up everything for one task, whose role is that of ``AWS_ROLE``."""

    def __init__(self, bucket: str, datasets_folder: Path) -> None:
        task = build_task()
        name = type(task).__name__
        task.info["name"] = name
        job = SagemakerJob(task)
        dependencies = DependencyList("training", [f"{each}=={version(each)}" for each in DISTRIBUTIONS])
        packaging = Packaging(name, "0", {"job": job})
        packaging.dependencies = [dependencies]
        packaging.silent = True
        containering = Containering.from_packaging(packaging)
        containering.dependencies = [dependencies]
        containering.dockerfile_template = DOCKERFILE_TEMPLATE
        containering.run_file_name = "train.py"
        containering.silent = True
        settings = SagemakerOptions(
            None, bucket, "titanic_project", datasets_folder, "titanic.parquet", remote=RemoteOptions()
        )
        self.config = SagemakerConfig(job, packaging, containering, settings)

    def attached(self) -> SagemakerAttachedExecutor:
        return SagemakerAttachedExecutor(self.config)

    def process(self) -> SagemakerProcessExecutor:
        return SagemakerProcessExecutor(self.config)

    def remote(self) -> SagemakerRemoteExecutor:
        return SagemakerRemoteExecutor(self.config, pacing=FAST)


def describe_result(bucket: str, job_name: str) -> dict[str, object]:
    """What the walkthrough does with a job's results."""
    loader = SagemakerRoutine(bucket, Path("there-is-no-such-folder")).remote().load_result(job_name)
    try:
        pickle.loads(loader.get_path("runs/0/training_task.pkl").read_bytes())
        refusal = ""
    except ModuleNotFoundError as error:
        refusal = str(error)
    frame = pd.read_parquet(loader.get_path("runs/0/result_df.parquet"))
    return {
        "members": loader.list(),
        "metrics": loader.unpickle("runs/0/metrics.pkl"),
        "refusal": refusal,
        "task": type(loader.unpickle("runs/0/training_task.pkl")).__module__,
        "rows": len(frame),
        "stages": sorted(frame["stage"].unique()),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(describe_result(*sys.argv[1:])))
