"""The player, operated in a real browser: every control, the sliders against Python, no network."""

import itertools
import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import Select, WebDriverWait

import autograd as ag
from autograd import Tensor
from autograd.draw.javascript import program
from autograd.draw.local import local_derivatives
from autograd.draw.text import number
from autograd.kinds import Elementwise

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1000",
]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="the player is tested in Chromium: install chromium and chromium-driver",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    assert CHROMIUM is not None
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(DRIVER))
    yield driver
    driver.quit()


Open = Callable[..., WebDriver]


@pytest.fixture
def opened(browser: WebDriver, tmp_path: Path) -> Iterator[Open]:
    """Open the player of a result; afterwards the console and the network log must be clean."""
    path = tmp_path / "player.html"

    def open_page(y: Tensor, **style: Any) -> WebDriver:
        ag.draw(y, **style).save(path)
        browser.get(path.as_uri())
        return browser

    browser.get_log("performance")
    yield open_page
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    ours = [r["request"]["url"] for r in requests if r["documentURL"].startswith("file:")]
    assert set(ours) == {path.as_uri()}


def apples() -> Tensor:
    apple, count = Tensor(100, name="apple"), Tensor(2, name="count")
    orange, number_of = Tensor(150, name="orange"), Tensor(3, name="orange_num")
    price = (apple * count + orange * number_of) * Tensor(1.1, name="tax")
    price.name = "price"
    price.backward()
    return price


def sentence(page: WebDriver) -> str:
    return page.find_element(By.ID, "sentence").text


def click(page: WebDriver, element: str) -> None:
    page.find_element(By.ID, element).click()


def state(page: WebDriver) -> list[dict[str, Any]]:
    """Return what every edge carries, with what JSON has no word for as floats."""
    script = (
        "return player.now.map(e => [e.value, e.gradient].map(x => x === null ? x : String(x)))"
    )
    names = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
    found = page.execute_script(script)
    return [
        {
            key: None if x is None else names[x] if x in names else float(x)
            for key, x in zip(("value", "gradient"), pair, strict=True)
        }
        for pair in found
    ]


def texts(page: WebDriver, edge: int) -> list[str]:
    return [t.text for t in page.find_elements(By.CSS_SELECTOR, f"#e{edge} text")]


# ---- playing -------------------------------------------------------------------------------------


def test_stepping_tells_the_story_and_lights_the_edge_in_turn(opened: Open) -> None:
    page = opened(apples())
    assert "13 steps" in sentence(page)
    assert texts(page, 0) == ["100", "←"]
    assert texts(page, 4) == ["…", "←"]
    click(page, "step")
    assert sentence(page) == "Forward: t1 = apple × count = 100 × 2 = 200"
    assert texts(page, 4) == ["200", "←"]
    for _ in range(5):
        click(page, "step")
    assert sentence(page) == (
        "Backward: Back through ×: upstream 1 × local derivative 1.1 (∂price/∂t3 = tax) "
        "= contribution 1.1 to t3."
    )
    lit = [e.get_attribute("id") for e in page.find_elements(By.CSS_SELECTOR, ".label.lit")]
    assert lit == ["e6"]
    click(page, "last")
    assert page.find_element(By.ID, "where").text == "13 of 13"
    shown = [texts(page, i) for i in range(9)]
    assert [s[1] for s in shown] == [
        f"← {g}" for g in ("2.2", "110", "3.3", "165", "1.1", "1.1", "1.1", "650", "1")
    ]


def test_every_button_key_and_slider_of_the_player_works(opened: Open) -> None:
    page = opened(apples())

    def where() -> str:
        return page.find_element(By.ID, "where").text

    click(page, "step")
    click(page, "step")
    click(page, "back")
    assert where() == "1 of 13"
    click(page, "last")
    click(page, "first")
    assert where() == "0 of 13"
    body = page.find_element(By.TAG_NAME, "body")
    for key, expected in (
        (Keys.ARROW_RIGHT, "1"),
        (Keys.END, "13"),
        (Keys.ARROW_LEFT, "12"),
        (Keys.HOME, "0"),
    ):
        body.send_keys(key)
        assert where() == f"{expected} of 13"
    slider = page.find_element(By.ID, "position")
    slider.send_keys(Keys.ARROW_RIGHT)
    assert where() == "1 of 13"
    page.find_elements(By.CSS_SELECTOR, "#steps button")[4].click()
    assert where() == "5 of 13"
    assert page.find_elements(By.CSS_SELECTOR, "#steps [aria-current=step]")[0].text == (
        "The gradient of price with respect to itself is 1."
    )
    click(page, "theme")
    assert page.find_element(By.TAG_NAME, "html").get_attribute("class") == "dark"
    click(page, "theme")
    assert page.find_element(By.TAG_NAME, "html").get_attribute("class") == ""


def test_playing_runs_to_the_end_and_stops(opened: Open) -> None:
    page = opened(apples())
    Select(page.find_element(By.ID, "speed")).select_by_visible_text("very fast")
    page.find_element(By.TAG_NAME, "body").send_keys(Keys.SPACE)
    play = page.find_element(By.ID, "play")
    assert (play.text, play.get_attribute("aria-pressed")) == ("Pause", "true")
    WebDriverWait(page, 20).until(
        lambda p: p.find_element(By.ID, "where").text == "13 of 13" and play.text == "Play"
    )
    play.click()  # again, from the start
    assert page.find_element(By.ID, "where").text == "1 of 13"
    play.click()
    assert play.text == "Play"


def test_zooming_panning_and_fitting(opened: Open) -> None:
    page = opened(apples())
    svg = page.find_element(By.CSS_SELECTOR, "#stage svg")

    def view() -> list[float]:
        return [float(x) for x in str(svg.get_dom_attribute("viewBox")).split()]

    whole = view()
    click(page, "closer")
    assert view()[2] == pytest.approx(0.8 * whole[2])
    click(page, "farther")
    assert view() == pytest.approx(whole, abs=1e-6)
    body = page.find_element(By.TAG_NAME, "body")
    body.send_keys("+")
    assert view()[2] < whole[2]
    body.send_keys(Keys.SHIFT, Keys.ARROW_RIGHT)
    assert view()[0] > whole[0]
    before = view()
    stage = page.find_element(By.ID, "stage")
    ActionChains(page).drag_and_drop_by_offset(stage, 50, 20).perform()
    assert view()[0] < before[0]
    assert view()[1] < before[1]
    ActionChains(page).scroll_from_origin(
        webdriver.common.actions.wheel_input.ScrollOrigin.from_element(stage), 0, -100
    ).perform()
    assert view()[2] < before[2]
    click(page, "fit")
    assert view() == whole


def test_hovering_or_focusing_a_node_shows_its_formula_and_derivative(opened: Open) -> None:
    page = opened(apples())
    formula = page.find_element(By.ID, "formula")
    ActionChains(page).move_to_element(page.find_element(By.ID, "v2")).perform()
    assert formula.text == (
        "t1 = apple × count = 200; gradient 1.1. ∂t1/∂apple = count = 2; ∂t1/∂count = apple = 100"
    )
    page.execute_script("document.getElementById('v0').focus()")
    assert formula.text == "apple = 100; gradient 2.2"


def test_a_value_used_twice_shows_the_sum(opened: Open) -> None:
    x = Tensor(3.0, name="x")
    y = x * x + x
    y.backward()
    page = opened(y)
    click(page, "last")
    assert sentence(page) == "Backward: x is used 3 times; its gradient is the sum 3 + 3 + 1 = 7."


# ---- the sliders ---------------------------------------------------------------------------------


def set_exactly(page: WebDriver, key: str, value: float) -> None:
    field = page.find_element(By.ID, f"exact-{key}")
    field.clear()
    field.send_keys(repr(value))


def box(page: WebDriver, vertex: str) -> list[str]:
    return [t.text for t in page.find_elements(By.CSS_SELECTOR, f"#{vertex} text")]


def test_a_leaf_box_follows_the_story_and_the_sliders(opened: Open) -> None:
    page = opened(apples())
    assert box(page, "v0") == ["apple", "100", "←"]
    click(page, "last")
    assert box(page, "v0") == ["apple", "100", "← 2.2"]
    set_exactly(page, "v1", 5.0)
    assert box(page, "v0") == ["apple", "100", "← 5.5"]
    assert box(page, "v1") == ["count", "5", "← 110"]


def test_downwards_gradients_point_upwards(opened: Open) -> None:
    page = opened(apples(), direction="down")
    assert texts(page, 0) == ["100", "↑"]
    click(page, "last")
    assert texts(page, 0) == ["100", "↑ 2.2"]
    assert box(page, "v0") == ["apple", "100", "↑ 2.2"]


def test_the_first_bad_number_is_marked_and_the_mark_follows_the_sliders(opened: Open) -> None:
    x = Tensor(2.0, name="x")
    y = np.log(x) + np.sqrt(x)
    y.backward()
    page = opened(y)
    click(page, "last")

    def marked() -> list[str]:
        return [e.text for e in page.find_elements(By.CSS_SELECTOR, ".broken")]

    assert marked() == []
    set_exactly(page, "v0", -1.0)
    assert marked() == ["nan"]
    assert len(page.find_elements(By.CSS_SELECTOR, ".first-bad")) == 1
    set_exactly(page, "v0", 0.0)
    assert marked() == ["-inf"]
    set_exactly(page, "v0", 1.0)
    assert marked() == []


def test_a_matrix_product_opened_into_scalars_is_live(opened: Open, tmp_path: Path) -> None:
    a = Tensor([[1.0, 2.0], [3.0, 4.0]], name="A")
    y = (a @ np.array([5.0, 6.0])).sum()
    y.backward()
    page = opened(y)
    assert page.find_elements(By.CSS_SELECTOR, ".slider") == []
    page = opened(y, level="scalars")
    assert len(page.find_elements(By.CSS_SELECTOR, ".slider")) == 4
    page.execute_script("player.set({v0: 10})")
    assert state(page)[-1]["value"] == 10 * 5 + 2 * 6 + 3 * 5 + 4 * 6


def test_a_slider_recomputes_the_figure_the_sentences_and_the_gradients(opened: Open) -> None:
    page = opened(apples())
    click(page, "last")
    set_exactly(page, "v0", 200.0)
    assert texts(page, 8) == ["935", "← 1"]
    assert texts(page, 1) == ["2", "← 220"]
    assert page.find_element(By.ID, "gradient-v7").text == "gradient 850"
    assert "local derivative 200" in sentence(page)
    slider = page.find_element(By.ID, "range-v1")
    slider.send_keys(Keys.ARROW_RIGHT)
    moved = float(str(slider.get_attribute("value")))
    assert moved > 2.0
    assert page.find_element(By.ID, "exact-v1").get_attribute("value") == str(moved).rstrip("0")
    assert state(page)[8]["value"] == pytest.approx((200 * moved + 450) * 1.1, rel=1e-14)


UNARY = ["tanh", "exp", "sin", "sigmoid", "relu", "square", "absolute", "sqrt", "log", "sign"]
UNARY += ["reciprocal", "negative", "positive", "log1p", "arctan", "cos", "expm1", "log10"]
UNARY += ["silu", "gelu", "mish", "elu", "selu", "leaky_relu", "softplus", "erf", "exp2", "rint"]
UNARY += ["deg2rad", "softsign", "log_sigmoid", "relu6", "hard_sigmoid"]
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum", "arctan2", "power"]
BINARY += ["fmod", "fmax", "fmin", "hypot"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(st.sampled_from(UNARY + BINARY), min_size=1, max_size=14),
    seed=st.integers(0, 2**32),
)
def test_sliders_equal_python_on_random_expressions(
    opened: Open, steps: list[str], seed: int
) -> None:
    def computed(start: np.ndarray[Any, Any]) -> Tensor:
        rng = np.random.default_rng(seed)
        pool = [Tensor(float(v), name=f"x{i}") for i, v in enumerate(start)]
        with np.errstate(all="ignore"):
            for step in steps:
                a, b = (pool[i] for i in rng.integers(0, len(pool), 2))
                row = getattr(ag, step)
                pool.append(row(a) if step in UNARY else row(a, b))
            y = sum(pool[1:], pool[0])
            y.backward()
        return y

    rng = np.random.default_rng(seed + 1)
    first, second = rng.uniform(0.2, 2.0, (2, 3)), rng.uniform(-2.0, 2.0, (2, 3))
    page = opened(computed(first[0]))
    for start in (first[1], second[0]):
        figure = ag.draw(computed(start))
        keys = [v.key for v in figure.vertices if v.kind == "leaf"]
        names = [v.name for v in figure.vertices if v.kind == "leaf"]
        by_name = {f"x{i}": float(v) for i, v in enumerate(start)}
        page.execute_script(
            "player.set(arguments[0])", {k: by_name[n] for k, n in zip(keys, names, strict=True)}
        )
        for edge, found in zip(figure.edges, state(page), strict=True):
            # transcendental functions of two libraries differ by an ulp or so each
            assert found["value"] == pytest.approx(edge.value, rel=1e-12, abs=1e-12, nan_ok=True)
            if edge.differentiable:
                assert found["gradient"] == pytest.approx(
                    edge.gradient, rel=1e-10, abs=1e-10, nan_ok=True
                )


CORNERS = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, -0.5, 2.0, 2.5, 3.0, -7.5, 1e-8, 40.0, -700.0, 1200.0]
EXTREMES = [math.inf, -math.inf, math.nan]
NO_LIMITS = ["i0", "i1", "j0", "j1"]  # SciPy's are nan at infinity, ours are the limits
WITHOUT = ["polygamma", "beta", "betaln", "bessel_i", "bessel_j"]


@pytest.fixture(scope="module")
def blank(browser: WebDriver) -> WebDriver:
    browser.get("data:text/html,<title>no page</title>")
    return browser


@pytest.mark.parametrize(
    "row",
    [row for row in ag.ROWS.values() if isinstance(row, Elementwise) and row.name not in WITHOUT],
    ids=lambda row: row.name,
)
def test_every_row_of_numbers_is_the_same_in_javascript(blank: WebDriver, row: Any) -> None:
    rng = np.random.default_rng(0)
    points = [*rng.normal(size=(60, row.arity)), *(4 * rng.normal(size=(60, row.arity)))]
    corners = CORNERS if row.name in NO_LIMITS else CORNERS + EXTREMES
    points += [np.array(p) for p in itertools.product(corners, repeat=row.arity)][:400]
    expected, given, code = [], [], ""
    with np.errstate(all="ignore"):
        for point in points:
            if row.name == "power" and (*point,) in ((-math.inf, 0.5), (-math.inf, 1.5)):
                continue  # NumPy takes the square root, which is nan there; pow(-inf, 0.5) is inf
            y = row(*(Tensor(float(x), name=f"x{i}") for i, x in enumerate(point)))
            expected.append([y.item(), *(0.0 if s is None else s for s in local_derivatives(y))])
            if not code:
                figure = ag.draw(y)
                code = program(figure.vertices, figure.edges)
                keys = {v.name: v.key for v in figure.vertices}
            given.append({keys[f"x{i}"]: str(float(x)) for i, x in enumerate(point)})
    assert code
    found = blank.execute_script(
        f"""{code}
        const read = (x) => x.endsWith("inf") ? (x[0] === "-" ? -1 : 1) / 0 : Number(x);
        return arguments[0].map(p => {{
          for (const key in p) p[key] = read(p[key]);
          const {{values, slopes}} = compute(p);
          return [values.{keys["result"]}, ...Object.values(slopes)].map(String);
        }});""",
        given,
    )
    numbers = [[float(x.replace("Infinity", "inf")) for x in numerals] for numerals in found]
    # other libraries and other series for the same function; gelu and sinc cancel at their zeros
    np.testing.assert_allclose(numbers, expected, rtol=1e-9, atol=1e-12)


def test_where_contributes_an_exact_zero_in_the_player_too(opened: Open) -> None:
    x = Tensor(1.0, name="x")
    with np.errstate(invalid="ignore"):
        y = np.where(x.data >= 0, x, np.sqrt(-x))
    y.backward()
    page = opened(y)
    set_exactly(page, "v0", 4.0)
    assert page.find_element(By.ID, "gradient-v0").text == "gradient 1"


def test_without_backward_the_player_computes_the_gradients_itself(opened: Open) -> None:
    x = Tensor(3.0, name="x")
    page = opened(x * x)
    click(page, "last")
    assert sentence(page) == "Backward: x is used 2 times; its gradient is the sum 3 + 3 = 6."


def test_numbers_are_written_as_in_python(opened: Open) -> None:
    page = opened(apples())
    rng = np.random.default_rng(0)
    values = [0.0, -0.0, 1.0, 123456.0, 1234567.0, 999999.5, 0.0001, 0.00009999995, 1e-300, 1e22]
    values += [float(v) for v in rng.normal(size=300) * 10.0 ** rng.integers(-12, 12, 300)]
    assert page.execute_script("return arguments[0].map(player.number)", values) == [
        number(v) for v in values
    ]


# ---- what cannot be changed live -----------------------------------------------------------------


def test_arrays_play_without_sliders_and_the_page_says_why(opened: Open) -> None:
    w = Tensor(np.arange(6.0).reshape(2, 3), name="W")
    y = np.tanh(w).sum()
    y.backward()
    page = opened(y)
    click(page, "last")
    assert "its rule turns the upstream gradient" in sentence(page)
    assert page.find_element(By.ID, "why").text == (
        "This computation cannot be changed here, because it holds arrays."
    )
    assert page.find_elements(By.CSS_SELECTOR, ".slider") == []


def test_below_an_image_without_gradient_its_note_stays(opened: Open) -> None:
    page = opened(Tensor(np.ones((3, 8, 8)), name="w") * 2.0)
    said = [t.text for t in page.find_elements(By.CSS_SELECTOR, "#v0 text")]
    assert said == ["w", "3×8×8", "all 1", "←", "the first of 3 images"]


def test_a_value_that_was_given_has_a_page_without_steps(opened: Open) -> None:
    page = opened(Tensor(np.eye(9), name="image"))
    assert page.find_element(By.ID, "where").text == "0 of 0"
    click(page, "step")
    click(page, "play")
    assert "a value that was given" in page.find_element(By.ID, "why").text
    assert box(page, "v0")[0] == "image"


def test_a_long_chain_plays_collapsed(opened: Open) -> None:
    x = Tensor(1.0, name="x")
    y = x
    for _ in range(1000):
        y = y * 1.001
    y.backward()
    page = opened(y)
    click(page, "last")
    assert "parts of it are collapsed" in page.find_element(By.ID, "why").text
    assert "992 operations" in page.find_element(By.ID, "steps").text


# ---- hostile names, small screens, size ----------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "</script><script>document.title='run'</script>",
        "<img src=x onerror=\"document.title='run'\">",
        '"; document.title="run"; "',
        "{{script}} {{data}}",
        "a & b < c > d \\ 'e'",
        "سعر 🍎",
        "\u2028line\u2029",
        "<!--",
    ],
)
def test_a_hostile_name_is_text_and_runs_nothing(opened: Open, name: str) -> None:
    x = Tensor(2.0, name=name)
    y = x * 3
    y.name = name
    y.backward()
    page = opened(y)
    click(page, "last")
    title = page.title
    assert title != "run"
    assert title.startswith("How ")
    wanted = name.replace("\u2028", "↵").replace("\u2029", "↵")[:30]
    assert wanted in page.find_element(By.CSS_SELECTOR, ".slider .name").text
    assert page.execute_script("return document.scripts.length") == 3
    assert page.find_elements(By.TAG_NAME, "img") == []


def test_a_phone_scrolls_down_only_and_buttons_are_large_enough(opened: Open) -> None:
    page = opened(apples())
    size = page.get_window_size()
    try:
        page.set_window_size(500, 900)  # the narrowest window Chromium makes
        page.execute_script("document.body.style.width = '360px'")
        assert page.execute_script("return document.body.scrollWidth") <= 360
        for button in page.find_elements(By.CSS_SELECTOR, ".controls button"):
            assert button.size["height"] >= 40
    finally:
        page.set_window_size(size["width"], size["height"])


def test_a_wide_figure_on_a_phone_is_readable_and_follows_the_story(opened: Open) -> None:
    y = x = Tensor(0.5, name="x")
    for _ in range(12):
        y = np.sin(y) + x
    y.backward()
    page = opened(y)
    size = page.get_window_size()

    def inside(edge: int) -> bool:
        label, stage = (
            page.execute_script("return arguments[0].getBoundingClientRect().toJSON()", element)
            for element in (page.find_element(By.ID, f"e{edge}"), page.find_element(By.ID, "stage"))
        )
        return bool(stage["left"] <= label["left"] and label["right"] <= stage["right"])

    def height() -> float:
        return float(
            page.execute_script(
                "return document.querySelector('#e0 text').getBoundingClientRect().height"
            )
        )

    try:
        page.set_window_size(500, 900)
        page.refresh()
        assert height() >= 9
        closer = height()
        first, last = 0, len(state(page)) - 1
        assert inside(first)
        assert not inside(last)
        for _ in range(24):
            click(page, "step")
        assert inside(last)
        page.execute_script("dispatchEvent(new Event('beforeprint'))")
        assert inside(first)
        assert inside(last)
        page.execute_script("dispatchEvent(new Event('afterprint'))")
        assert not inside(first)
        assert height() == pytest.approx(closer, rel=1e-3)
        click(page, "fit")
        click(page, "first")
        click(page, "step")
        assert inside(first)
        assert inside(last)
    finally:
        page.set_window_size(size["width"], size["height"])


def test_everything_that_acts_has_a_name_and_the_print_view_keeps_figure_and_steps(
    opened: Open,
) -> None:
    page = opened(apples())
    for element in page.find_elements(By.CSS_SELECTOR, "button, input, select, [role=img]"):
        if element.is_displayed():
            assert element.accessible_name, element.get_attribute("outerHTML")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not page.find_element(By.ID, "play").is_displayed()
        assert page.find_element(By.CSS_SELECTOR, "#stage svg").is_displayed()
        assert page.find_element(By.ID, "steps").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_player_of_200_nodes_is_smaller_than_300_kb(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(2, 50))
    w, x = (
        [Tensor(float(v), name=f"{n}{i}") for i, v in enumerate(d)]
        for n, d in zip("wx", draws, strict=True)
    )
    products = [a * b for a, b in zip(w, x, strict=True)]
    y = np.tanh(sum(products[1:], products[0]))
    y.backward()
    figure = ag.draw(y)
    path = figure.save(tmp_path / "large.html")
    assert sum(v.kind in ("leaf", "operation") for v in figure.vertices) == 200
    assert path.stat().st_size < 300_000
