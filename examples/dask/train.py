"""The training as a script."""

import json
import os
import sys

from distributed import Client
from moments import fit

with Client() as client:  # finds the scheduler by itself
    client.wait_for_workers(max(1, len(json.loads(os.environ["SM_HOSTS"])) - 1))
    for name, weight in zip(("a", "b", "c", "intercept"), fit(client, int(sys.argv[1])), strict=True):
        print(f"###METRIC###weight_{name}:{float(weight)!r}###")
