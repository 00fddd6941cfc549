"""What is told how training goes, and may change its course."""

from nn.callbacks.callback import Callback, CallbackList, History
from nn.callbacks.checkpoint import BackupAndRestore, ModelCheckpoint
from nn.callbacks.logging import CSVLogger, LambdaCallback, TensorBoard
from nn.callbacks.rates import LearningRateScheduler, ReduceLROnPlateau
from nn.callbacks.stopping import EarlyStopping, TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]
