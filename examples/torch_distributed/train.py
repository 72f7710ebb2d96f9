"""The training as a script, which any torchrun starts."""

import os
import sys
from pathlib import Path

import torch
from training import fit

model = fit(
    int(sys.argv[1]), int(sys.argv[2]), lambda epoch, loss: print(f"###METRIC###loss:{loss!r}###step:{epoch}###")
)
if int(os.environ["RANK"]) == 0:
    torch.save(model.state_dict(), Path(os.environ["SM_MODEL_DIR"], "model.pt"))
