"""Real data to learn from: MNIST, Fashion-MNIST, scikit-learn's digits and irises."""

from nn.datasets import digits, fashion_mnist, iris, mnist
from nn.datasets.idx import DataError

__all__ = ["DataError", "digits", "fashion_mnist", "iris", "mnist"]
