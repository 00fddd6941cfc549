"""MNIST: 70,000 handwritten digits, by Yann LeCun, Corinna Cortes and Christopher Burges."""

from __future__ import annotations

from nn.datasets.sources import FILES, ImageSource, Split

SOURCE = ImageSource(
    title="MNIST",
    folder="mnist",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    sha256=dict(
        zip(
            FILES,
            (
                "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
                "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
                "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
                "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
            ),
            strict=True,
        )
    ),
)


def available() -> bool:
    """Tell whether MNIST is at hand, so that `load_data` need not download it.

    Returns:
        True if all four files lie in `CHAINRULE_DATA` or in the cache. They are not opened,
        and the network is not used.

    Example:
        >>> from nn import datasets
        >>> data = datasets.mnist if datasets.mnist.available() else datasets.digits
    """
    return SOURCE.available()


def load_data() -> Split:
    """Load MNIST, from a folder of yours, the cache or a checked download.

    Returns:
        ((x_train, y_train), (x_test, y_test)): uint8 images of shapes (60000, 28, 28) and
        (10000, 28, 28), from 0 for paper to 255 for ink, and their uint8 labels, 0 to 9.

    Raises:
        DataError: if a file is damaged, or found nowhere.
        MissingExtraError: if pooch is needed and not installed.

    Example:
        >>> from nn.datasets import mnist
        >>> if mnist.available():
        ...     (x_train, y_train), (x_test, y_test) = mnist.load_data()
        ...     assert x_train.shape[1:] == x_test.shape[1:] == (28, 28)
    """
    return SOURCE.load_data()
