"""
Text beside numbers
===================

Which part of scikit-learn does a sentence come from? Its documentation is text that is here. Words
become a sparse matrix of thousands of columns, which is fitted as it is; what is known of a
sentence besides its words (length, capitals) goes beside them in a ColumnTransformer.
"""

import importlib
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import xsoftmax
from xsoftmax import SoftmaxRegression, SoftmaxRegressionCV

# %%
# One row for each sentence of the docstrings of nine modules.

MODULES = ["cluster", "decomposition", "ensemble", "feature_extraction", "linear_model", "metrics"]
MODULES += ["model_selection", "neural_network", "preprocessing"]


def sentences(name):
    """Those of a module and of what it defines."""
    module = importlib.import_module(f"sklearn.{name}")
    things = [module, *(value for value in vars(module).values() if callable(value))]
    classes = [thing for thing in things[1:] if isinstance(thing, type)]
    members = [each for one in classes for each in vars(one).values() if callable(each)]
    texts = {each.__doc__ for each in things + members if isinstance(each.__doc__, str)}
    found = {part for text in texts for part in re.split(r"\.\s|\n\n", text)}
    return [" ".join(part.split()) for part in sorted(found) if len(part.split()) > 5]


rows = pd.DataFrame([(text, name) for name in MODULES for text in sentences(name)])
rows.columns = ["text", "module"]
rows["length"] = rows["text"].str.len()
rows["capitals"] = rows["text"].str.count(r"[A-Z]") / rows["length"]
train, test = train_test_split(rows, test_size=0.3, stratify=rows["module"], random_state=0)
print(f"{len(rows)} sentences of {len(MODULES)} modules")

# %%
# The columns are sparse, and stay sparse.

columns = make_column_transformer(
    (TfidfVectorizer(sublinear_tf=True), "text"), (StandardScaler(), ["length", "capitals"])
)
X = columns.fit_transform(train)
print(f"{X.shape[1]} columns, {X.nnz / X.shape[0]:.0f} of them not 0 in a row")
search = SoftmaxRegressionCV(np.logspace(-1, 3, 9), cv=3, scoring="neg_log_loss").fit(
    X, train["module"]
)
print(f"best C: {search.C_:.3g}")

model = make_pipeline(columns, SoftmaxRegression(C=search.C_)).fit(train, train["module"])
found = model.predict(test)
print(f"accuracy on sentences it has not seen: {np.mean(found == test['module']):.3f}")
words = columns.get_feature_names_out()
for name, coef in zip(model[-1].classes_[:4], model[-1].coef_, strict=False):
    telling = [words[j].removeprefix("tfidfvectorizer__") for j in np.argsort(-coef)[:5]]
    print(f"{name}: {', '.join(telling)}")

xsoftmax.plots.plot_confusion_matrix(test["module"].to_numpy(), found)
plt.savefig("text.png")
plt.show()
