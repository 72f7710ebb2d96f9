"""A script for SageMaker as there are many: variables say where all is, and its metrics have a form of its own."""

import argparse
import json
import os
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--learning-rate", type=float, default=0.1)
parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
parser.add_argument("--test", default=os.environ["SM_CHANNEL_TEST"])
parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
parser.add_argument("--output-data-dir", default=os.environ["SM_OUTPUT_DATA_DIR"])
parser.add_argument("--hosts", type=json.loads, default=os.environ["SM_HOSTS"])
parser.add_argument("--current-host", default=os.environ["SM_CURRENT_HOST"])
parser.add_argument("--num-gpus", type=int, default=os.environ["SM_NUM_GPUS"])
given = parser.parse_args()


def read(channel):
    return {name: open(os.path.join(channel, name)).read().strip() for name in sorted(os.listdir(channel))}


for epoch in range(given.epochs):
    print(f"[{epoch}] train-loss={given.learning_rate / (epoch + 1)} test-loss={1 + epoch}")
with open(os.path.join(given.model_dir, "model.json"), "w") as file:
    json.dump({"weights": [1, 2]}, file)
os.makedirs(os.path.join(given.output_data_dir, "deep"), exist_ok=True)
with open(os.path.join(given.output_data_dir, "deep", "report.json"), "w") as file:
    found = {"train": read(given.train), "test": read(given.test), "hosts": given.hosts, "host": given.current_host}
    found["hyperparameters"] = json.loads(os.environ["SM_HPS"])
    found["channels"] = json.loads(os.environ["SM_CHANNELS"])
    json.dump({**found, "epochs": os.environ["SM_HP_EPOCHS"], "gpus": given.num_gpus}, file)
sys.stdout.write("[9] train-loss=0.125")  # and no end of the line
