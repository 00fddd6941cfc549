"""Fashion-MNIST: 70,000 photographs of clothes, by Han Xiao, Kashif Rasul and Roland Vollgraf."""

from __future__ import annotations

from nn.datasets.sources import FILES, ImageSource, Split

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

SOURCE = ImageSource(
    title="Fashion-MNIST",
    folder="fashion_mnist",
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    sha256=dict(
        zip(
            FILES,
            (
                "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
                "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
                "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
                "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
            ),
            strict=True,
        )
    ),
)


def available() -> bool:
    """Tell whether Fashion-MNIST is at hand, so that `load_data` need not download it.

    Returns:
        True if all four files lie in `CHAINRULE_DATA` or in the cache. They are not opened,
        and the network is not used.

    Example:
        >>> from nn import datasets
        >>> data = datasets.fashion_mnist if datasets.fashion_mnist.available() else datasets.iris
    """
    return SOURCE.available()


def load_data() -> Split:
    """Load Fashion-MNIST, from a folder of yours, the cache or a checked download.

    Returns:
        ((x_train, y_train), (x_test, y_test)): uint8 images of shapes (60000, 28, 28) and
        (10000, 28, 28), and their uint8 labels, indices into `CLASS_NAMES`.

    Raises:
        DataError: if a file is damaged, or found nowhere.
        MissingExtraError: if pooch is needed and not installed.

    Example:
        >>> from nn.datasets import fashion_mnist
        >>> if fashion_mnist.available():
        ...     (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
        ...     assert x_train.shape[1:] == x_test.shape[1:] == (28, 28)
        >>> fashion_mnist.CLASS_NAMES[9]
        'Ankle boot'
    """
    return SOURCE.load_data()
