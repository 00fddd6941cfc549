"""The estimators hold scikit-learn's own contract, and work in its tools."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import nn
from nn.sklearn import MLPClassifier, MLPRegressor


@parametrize_with_checks([MLPClassifier(random_state=0), MLPRegressor(random_state=0, epochs=200)])
def test_estimators_hold_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


def test_pipeline_search_and_cross_validation():
    x, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    classifier = MLPClassifier((20,), optimizer=nn.Adam(0.01), epochs=50, random_state=0)
    pipeline = make_pipeline(StandardScaler(), classifier)
    scores = cross_validate(pipeline, x, names, cv=3)["test_score"]
    assert scores.mean() > 0.9
    search = GridSearchCV(pipeline, {"mlpclassifier__hidden_layer_sizes": [(2,), (20,)]}, cv=3)
    search.fit(x, names)
    assert search.best_params_ == {"mlpclassifier__hidden_layer_sizes": (20,)}
    assert search.predict(x[:1])[0] == "setosa"


def test_the_same_state_gives_the_same_bits():
    x, y = load_iris(return_X_y=True)
    one, two = (MLPClassifier(epochs=3, random_state=1).fit(x, y) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(x), two.predict_proba(x))
    assert len(one.history_["loss"]) == one.n_iter_ == 3
    with pytest.raises(ValueError, match="units"):
        MLPClassifier((0,)).fit(x, y)
