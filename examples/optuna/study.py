"""Has Optuna look for the best values of a task; each of its trials is a training, and a run in MLflow."""

import argparse

import optuna
from optuna.distributions import FloatDistribution
from tasks import DigitsTask

import tg_mlflow

# The attributes of the task that vary.
SPACE = {
    "learning_rate": FloatDistribution(1e-5, 1, log=True),
    "alpha": FloatDistribution(1e-6, 0.1, log=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--backend", default="tg-process")
    args = parser.parse_args()

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=0),
        # A trial ends when it is worse than half of the others were at the same epoch.
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=2),
    )
    with tg_mlflow.TgObjective(DigitsTask(), SPACE, "accuracy", args.backend, run_name="digits") as objective:
        study.optimize(objective, n_trials=args.trials)
    for trial in study.trials:
        print(f"trial-{trial.number}  {trial.state.name:8}  {trial.value:.4f}  {trial.params}")
    print(f"The best is trial-{study.best_trial.number}; all are below run {objective.run_id}")


if __name__ == "__main__":
    main()
