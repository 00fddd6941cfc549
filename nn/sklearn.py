"""Estimators for scikit-learn: they work in pipelines, searches and cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.errors import require
from nn import optimizers, random
from nn.models import MLP

_base: Any = require("sklearn.base", "nn", "use estimators of scikit-learn")
_checks: Any = require("sklearn.utils.validation", "nn", "use estimators of scikit-learn")
_classes: Any = require("sklearn.utils.multiclass", "nn", "use estimators of scikit-learn")


class _Perceptron(_base.BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor share.

    Args:
        hidden_layer_sizes: the widths of the hidden layers.
        activation: of the hidden layers.
        optimizer: a name or object of `nn.optimizers`; it is copied.
        epochs: how often to go through the data.
        batch_size: examples a step, at most as many as there are.
        random_state: a seed, a RandomState of NumPy, or None.
        verbose: 0, 1 or 2.
    """

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (100,),
        activation: str = "relu",
        optimizer: Any = "adam",
        epochs: int = 100,
        batch_size: int = 32,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state
        self.verbose = verbose

    def _train(self, X: Any, t: Any, outputs: int, last: str | None, loss: str) -> None:
        seed = _base_seed(self.random_state)
        sizes = [X.shape[1], *self.hidden_layer_sizes, outputs]
        self.model_: Any = MLP(sizes, self.activation, last, seed=seed, dtype="float64")
        optimizer = optimizers.get(self.optimizer)
        self.model_.compile(type(optimizer).from_config(optimizer.get_config()), loss)
        history = self.model_.fit(
            X,
            t,
            epochs=self.epochs,
            batch_size=min(self.batch_size, len(X)),
            verbose=self.verbose,
        )
        self.history_ = history.history
        self.n_iter_ = len(history.epoch)

    def _outputs(self, X: Any) -> Any:
        _checks.check_is_fitted(self)
        X = _checks.validate_data(self, X, dtype=np.float64, reset=False)
        return self.model_.predict(X, batch_size=1024, verbose=0)


class MLPClassifier(_base.ClassifierMixin, _Perceptron):  # type: ignore[misc]
    """A multilayer perceptron that tells classes apart, trained by crossentropy.

    Args:
        settings: those of `_Perceptron`.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> MLPClassifier(epochs=50, random_state=0).fit(X, y).score(X, y) > 0.9
        True
    """

    def fit(self, X: Any, y: Any) -> MLPClassifier:
        """Learn from rows X with labels y, numbers or texts."""
        X, y = _checks.validate_data(self, X, y, dtype=np.float64)
        _classes.check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            # one class is always right; scikit-learn asks estimators to accept it
            self.model_, self.history_, self.n_iter_ = None, {}, 1
            return self
        self._train(X, labels, len(self.classes_), "softmax", "sparse_categorical_crossentropy")
        return self

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class."""
        _checks.check_is_fitted(self)
        if self.model_ is None:
            X = _checks.validate_data(self, X, dtype=np.float64, reset=False)
            return np.ones((len(X), 1))
        return self._outputs(X)

    def predict(self, X: Any) -> Any:
        """Return the likeliest class."""
        _checks.check_is_fitted(self)
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]


class MLPRegressor(_base.RegressorMixin, _Perceptron):  # type: ignore[misc]
    """A multilayer perceptron that predicts numbers, trained by the mean squared error.

    Args:
        settings: those of `_Perceptron`.

    Example:
        >>> X = np.linspace(-1, 1, 50)[:, None]
        >>> y = X[:, 0] ** 2
        >>> MLPRegressor(epochs=300, random_state=0).fit(X, y).score(X, y) > 0.9
        True
    """

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that several targets are welcome."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> MLPRegressor:
        """Learn from rows X with targets y, one number or several a row."""
        X, y = _checks.validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True
        )
        y = y.astype(np.float64)
        self._shape = y.shape[1:]
        # targets of any size: the network learns them standardised
        self._mean, self._scale = y.mean(axis=0), np.where(y.std(axis=0) > 0, y.std(axis=0), 1.0)
        t = ((y - self._mean) / self._scale).reshape(len(y), -1)
        self._train(X, t, t.shape[1], None, "mean_squared_error")
        return self

    def predict(self, X: Any) -> Any:
        """Return the predicted numbers."""
        out = self._outputs(X)
        return out.reshape(len(out), *self._shape) * self._scale + self._mean


def _base_seed(state: Any) -> Any:
    """Return a seed of ours from what scikit-learn calls a random_state."""
    if state is None:
        return None
    if isinstance(state, np.random.RandomState):
        return int(state.randint(2**31 - 1))
    return random.generator(state)
