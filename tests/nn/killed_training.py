"""Trains with backups in children that are killed at random moments, until one gets to the end.

python killed_training.py FOLDER KILLS SEED HOW: prints the number of kills, of trainings that were
completed, and of different results (weights, optimizer, history). HOW: "epochs" for whole ones,
"steps" for a few batches each, drawn with replacement.
"""

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

import nn
from nn.saving import state

folder, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
HOW = {
    "epochs": {"epochs": 6},
    "steps": {"epochs": 9, "steps_per_epoch": 7, "replace": True},
}[sys.argv[4]]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)).astype(np.float32)
Y = (X.sum(1) > 0).astype(int)


def train():
    model = nn.Sequential(
        [
            nn.Input((4,)),
            nn.Dense(6, "tanh"),
            nn.BatchNormalization(),
            nn.Dropout(0.3),
            nn.Dense(2, "softmax"),
        ],
        seed=0,
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(
        X,
        Y,
        batch_size=10,
        **HOW,
        validation_data=(X, Y),
        verbose=0,
        callbacks=[
            nn.BackupAndRestore(folder / "backup", save_freq=1, delete_checkpoint=False),
            nn.EarlyStopping("loss", patience=9, restore_best_weights=True),
        ],
    )
    slots = [s[name] for s in model.optimizer.state for name in sorted(s)]
    digest = hashlib.sha256(json.dumps([history.history, history.epoch]).encode())
    for array in (*model.get_weights(), *slots):
        digest.update(array.tobytes())
    state.write(folder / "result.npz", {"digest": digest.hexdigest()})


def child():
    """Return the process number of a child that trains."""
    number = os.fork()
    if number == 0:
        try:
            train()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            os._exit(1)
        os._exit(0)
    return number


def clear():
    for path in (folder / "backup" / "training.npz", folder / "result.npz"):
        path.unlink(missing_ok=True)


moments = np.random.default_rng(seed)
started = time.perf_counter()
os.waitpid(child(), 0)
whole = time.perf_counter() - started
results = {state.read(folder / "result.npz")["digest"]}
clear()
killed = completed = 0
while killed < kills:
    number = child()
    # long enough to get beyond the planning of the steps, which every start begins with
    time.sleep(moments.uniform(0, 0.75 * whole))
    os.kill(number, signal.SIGKILL)
    _, status = os.waitpid(number, 0)
    if os.WIFSIGNALED(status):
        killed += 1
    elif os.WEXITSTATUS(status):
        sys.exit(1)
    backup = folder / "backup" / "training.npz"
    if backup.is_file():
        state.read(backup)  # raises if it is not whole
    if (folder / "result.npz").is_file():
        completed += 1
        results.add(state.read(folder / "result.npz")["digest"])
        clear()
while not (folder / "result.npz").is_file():
    os.waitpid(child(), 0)
completed += 1
results.add(state.read(folder / "result.npz")["digest"])
print(json.dumps({"kills": killed, "completed": completed, "results": len(results)}))
