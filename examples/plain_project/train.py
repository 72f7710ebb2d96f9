"""Fits an elastic net to scikit-learn's diabetes data, and records it with MLflow."""

import argparse

import mlflow
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alpha", type=float, default=0.1)
    parser.add_argument("--l1-ratio", type=float, default=0.5)
    args = parser.parse_args()

    features, target = load_diabetes(return_X_y=True, as_frame=True)
    train_features, test_features, train_target, test_target = train_test_split(features, target, random_state=0)
    with mlflow.start_run():
        model = ElasticNet(alpha=args.alpha, l1_ratio=args.l1_ratio).fit(train_features, train_target)
        predicted = model.predict(test_features)
        mlflow.log_params({"alpha": args.alpha, "l1_ratio": args.l1_ratio})
        mlflow.log_metric("mae", mean_absolute_error(test_target, predicted))
        mlflow.log_metric("r2", r2_score(test_target, predicted))
        mlflow.sklearn.log_model(model, name="model")


if __name__ == "__main__":
    main()
