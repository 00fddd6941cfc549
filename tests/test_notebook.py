"""A notebook is executed, and what it displays is read."""

import base64
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = [
    "import numpy as np, autograd as ag, nn\nfrom autograd import Tensor",
    "x = Tensor(3.0, name='<b>x</b> & y')\ny = x * x\ny.backward()\nx",
    "y",
    "Tensor(np.arange(100.0).reshape(10, 10), name='W')",
    "ag.draw(y)",
    "ag.draw(y, level='scalars', theme='dark')",
    "ag.explain(y, x)",
    "ag.explain(y)",
    "graph = ag.trace(lambda a, b: np.exp(a) * b, 1.0, 2.0)\ngraph",
    "model = nn.MLP([2, 4, 1], 'tanh', seed=0)\nmodel.build((None, 2))\nmodel",
    "model.compile('sgd', 'mse')\nhistory = model.fit(np.eye(2), np.ones(2), epochs=3, verbose=0)\n"
    "history",
    "nn.History()",
    "model.draw()",
    "model.summary()",
]


@pytest.fixture(scope="module")
def displayed() -> list[dict[str, Any]]:
    """Return what each cell displayed: data by kind, printed text under its stream."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = []
    for cell in notebook.cells:
        found: dict[str, Any] = {}
        for output in cell.outputs:
            if output.output_type == "stream":
                found[output.name] = found.get(output.name, "") + output.text
            else:
                found.update(output.data)
        shown.append(found)
    return shown


def test_a_tensor_shows_value_and_gradient_and_its_name_as_text(displayed: Any) -> None:
    html = displayed[1]["text/html"]
    assert "<td>&lt;b&gt;x&lt;/b&gt; &amp; y</td><td>3</td><td>6</td><td>()</td>" in html
    assert "<td>9</td><td>1</td><td>()</td><td>multiply</td>" in displayed[2]["text/html"]
    assert "<td>no gradient yet</td><td>(10, 10)</td>" in displayed[3]["text/html"]
    assert "<br>" in displayed[3]["text/html"]


def test_figures_are_pictures_with_a_text_beside_them(displayed: Any) -> None:
    for cell in (4, 5, 12):
        assert displayed[cell]["image/svg+xml"].lstrip().startswith("<?xml")
        assert displayed[cell]["text/plain"].startswith("<Figure of ")
    assert "dense_1" in displayed[12]["image/svg+xml"]
    assert all("stderr" not in shown for shown in displayed)


def test_explanations_are_formulas_and_lessons_text(displayed: Any) -> None:
    assert displayed[6]["text/latex"].startswith("$$")
    assert "Backward: multiply by local derivatives" in displayed[7]["text/html"]
    assert "<b>" not in displayed[7]["text/html"]


def test_a_graph_is_a_table_of_its_equations(displayed: Any) -> None:
    html = displayed[8]["text/html"]
    assert "<td>a</td><td>input</td><td>float64</td>" in html
    assert "<td>exp(a)</td>" in html
    assert displayed[8]["text/plain"].endswith("return v1")


def test_a_model_is_its_summary_and_a_history_its_curves(displayed: Any) -> None:
    html = displayed[9]["text/html"]
    assert "<td>dense (Dense)</td><td>(None, 4)</td><td>12</td>" in html
    assert "Total params: 17" in html
    assert base64.b64decode(displayed[10]["image/png"]).startswith(b"\x89PNG")
    assert displayed[10]["text/plain"].startswith("<History of 3 epochs: loss ")
    assert displayed[11] == {"text/plain": "<History of 0 epochs: nothing>"}
    assert 'Model: "mlp"' in displayed[13]["stdout"]
