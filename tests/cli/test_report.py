"""`--report`: one page that needs no other file."""

import json
import re
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import xsoftmax
from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV, plots
from xsoftmax.cli.report import MOST_CLASSES, MOST_MISTAKES, write_report
from xsoftmax.datasets import Dataset, digits

from ..problems import blobs
from .commands import run


class Page(HTMLParser):
    """Tables as text, by the heading above them, and what a page loads."""

    def __init__(self, path):
        super().__init__()
        self.tables, self.heading, self.loads, self.text = {}, "", [], []
        self.tag = None
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.loads += [known[name] for name in ("src", "href") if name in known]
        if tag == "h2":
            self.heading = ""
        if tag == "tr":
            self.tables.setdefault(self.heading, []).append([])
        if tag in ("td", "th"):
            self.tables[self.heading][-1].append("")
        self.tag = tag

    def handle_data(self, data):
        self.text.append(data)
        if self.tag == "h2":
            self.heading += data.strip()
        elif self.tag in ("td", "th") and data.strip():
            self.tables[self.heading][-1][-1] += data

    def handle_endtag(self, tag):
        self.tag = None


def dataset(n_classes=3, n_samples=300, labels=None):
    X, y = blobs(2 * n_samples, 6, n_classes, spread=1.5)
    y = y if labels is None else np.asarray(labels)[y]
    return Dataset("blobs", X[:n_samples], y[:n_samples], X[n_samples:], y[n_samples:])


def report(path, model, data, **changes):
    model.fit(data.X_train, data.y_train)
    write_report(path, "a title", model, data.X_test, data, "rows to test on")
    return Page(path)


@pytest.mark.filterwarnings("ignore:.*best C_")
@pytest.mark.parametrize(
    ("model", "pictures"),
    [
        (SoftmaxRegression(), ["Confusion matrix", "Reliability", "Learning curve"]),
        (SoftmaxRegressionCV([0.1, 1.0]), ["Scores against C"]),
        (MLPClassifier((4,), max_iter=3, tol=0, random_state=0), ["Learning curve"]),
        (make_pipeline(StandardScaler(), SoftmaxRegression()), ["Rows by class"]),
    ],
    ids=["regression", "search", "network", "pipeline"],
)
def test_a_page_of_every_model_needs_no_other_file(tmp_path, model, pictures):
    page = report(tmp_path / "r.html", model, dataset())
    assert all(link.startswith("data:image/png;base64,") for link in page.loads)
    assert set(pictures) <= set(page.text)
    settings = dict(row for row in page.tables["Settings and versions"] if len(row) == 2)
    assert {"xsoftmax", "numpy", "computed with"} <= set(settings)


def test_scores_and_classes_are_those_of_scikit_learn(tmp_path):
    data = dataset(labels=["c", "a", "b"])
    model = SoftmaxRegression().fit(data.X_train, data.y_train)
    page = report(tmp_path / "r.html", model, data)
    text, found = " ".join(page.text), model.predict(data.X_test)
    assert re.search(rf"accuracy\s+{model.score(data.X_test, data.y_test):.4f}", text)
    low, high = map(float, re.search(r"([\d.]+) to ([\d.]+)", text).groups())
    assert low < model.score(data.X_test, data.y_test) < high
    rows = {row[0]: row[1:] for row in page.tables["Classes"][1:]}
    for k, name in enumerate(model.classes_):
        scores = [
            f(data.y_test, found, average=None)[k]
            for f in (precision_score, recall_score, f1_score)
        ]
        assert rows[name] == [str(np.sum(data.y_test == name)), *(f"{x:.4f}" for x in scores)]


def test_the_surest_mistakes_come_first_and_name_their_rows(tmp_path):
    data = dataset()
    model = SoftmaxRegression()
    page = report(tmp_path / "r.html", model, data)
    p, (head, *rows) = model.predict_proba(data.X_test), page.tables["The surest mistakes"]
    assert head[0] == "row"
    assert len(rows) == min(MOST_MISTAKES, np.sum(p.argmax(axis=1) != data.y_test))
    sure = [float(row[3]) for row in rows]
    assert sure == sorted(sure, reverse=True)
    for i, true, predicted, probability, _ in rows:
        assert int(true) == data.y_test[int(i)]
        assert int(predicted) == p[int(i)].argmax() != int(true)
        assert probability == f"{p[int(i)].max():.4f}"


@pytest.mark.parametrize("n_classes", [2, 100])
def test_few_and_many_classes(tmp_path, n_classes):
    data = dataset(n_classes, n_samples=20 * n_classes)
    page = report(tmp_path / "r.html", SoftmaxRegression(), data)
    heads = [row for row in page.tables["Classes"] if row[0] == "class"]
    assert len(page.tables["Classes"]) - len(heads) == n_classes
    assert ("more, with a higher F1" in " ".join(page.text)) == (n_classes > MOST_CLASSES)


def test_labels_that_the_model_does_not_know_are_left_out_and_told(tmp_path):
    data = dataset()
    model = SoftmaxRegression().fit(data.X_train, data.y_train)
    y = data.y_test.copy()
    y[5:9] = 77
    other = Dataset("blobs", data.X_train, data.y_train, data.X_test, y)
    write_report(tmp_path / "r.html", "t", model, data.X_test, other, "rows")
    page = Page(tmp_path / "r.html")
    assert "4 more have labels that the model does not know" in " ".join(page.text)
    rows = [int(row[0]) for row in page.tables["The surest mistakes"][1:]]
    assert not set(rows) & {5, 6, 7, 8}
    assert all(int(row[1]) == y[int(row[0])] for row in page.tables["The surest mistakes"][1:])


def test_names_are_text_and_never_markup(tmp_path):
    data = dataset(labels=["<b>x</b>", "a & b", "<script>alert(1)</script>"])
    page = report(tmp_path / "r.html", SoftmaxRegression(), data)
    content = (tmp_path / "r.html").read_text()
    assert "<script" not in content
    assert "<b>x" not in content
    assert {row[0] for row in page.tables["Classes"][1:]} == set(np.unique(data.y_test))


def test_a_class_of_one_row_has_no_interval_and_no_mistake_is_said(tmp_path):
    X = np.repeat(np.eye(3) * 9, [10, 10, 1], axis=0)
    y = np.repeat([0, 1, 2], [10, 10, 1])
    page = report(tmp_path / "r.html", SoftmaxRegression(C=100.0), Dataset("d", X, y, X, y))
    assert "There are none." in " ".join(page.text)


def test_a_picture_that_fails_costs_a_warning(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise OSError("no fonts")

    monkeypatch.setattr(plots, "plot_reliability", broken)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        page = report(tmp_path / "r.html", SoftmaxRegression(), dataset())
    assert "picture Reliability was not drawn: no fonts" in [str(w.message) for w in caught]
    assert "Reliability" not in page.text
    assert "Confusion matrix" in page.text


def test_images_are_shown_beside_their_mistakes(tmp_path):
    page = report(tmp_path / "r.html", SoftmaxRegression(), digits())
    assert {"Predictions, the wrong ones first", "Weights"} <= set(page.text)
    assert len(page.loads) == 5 + len(page.tables["The surest mistakes"]) - 1


def test_commands_write_reports_and_replace_none_unasked(tmp_path):
    arguments = "--no-plots", "--quiet", "--json", "--report", "r.html", "--out", "m"
    result = json.loads(run("train", *arguments, cwd=tmp_path)[0])
    assert result["report"] == "r.html"
    text = " ".join(Page(tmp_path / "r.html").text)
    assert re.search(rf"accuracy\s+{result['test_accuracy']:.4f}", text)
    _, err = run("train", *arguments[:-1], "other", cwd=tmp_path, code=1)
    assert "r.html is there already" in err
    assert not (tmp_path / "other").exists()
    out, _ = run("evaluate", "--model", "m", "--report", "e.html", cwd=tmp_path)
    assert "wrote e.html" in out
    assert (
        Page(tmp_path / "e.html").tables["Classes"] == Page(tmp_path / "r.html").tables["Classes"]
    )
    assert json.loads(run("evaluate", "--model", "m", "--json", cwd=tmp_path)[0])["report"] is None


@pytest.mark.parametrize("command", ["sweep", "probe"])
def test_searches_write_reports(tmp_path, command):
    data = digits()
    for name, X, y in (("a", data.X_train, data.y_train), ("b", data.X_test, data.y_test)):
        np.savez(tmp_path / f"{name}.npz", X=X, y=y)
    rows = ["a.npz", "--test", "b.npz"] if command == "sweep" else ["a.npz", "b.npz"]
    options = "--Cs", "0.1,1,10,100", "--no-plots", "--quiet", "--report", "r.html"
    run(command, *rows, *options, cwd=tmp_path)
    page = Page(tmp_path / "r.html")
    assert "Scores against C" in page.text
    assert ["SoftmaxRegressionCV", ""] in page.tables["Settings and versions"]


def test_what_a_command_reads_is_never_replaced(flowers, tmp_path):
    folder = flowers[0]
    table, model = tmp_path / "t.csv", tmp_path / "m.safetensors"
    table.write_bytes((folder / "train.csv").read_bytes())
    model.write_bytes((folder / "xsoftmax-out" / "model.safetensors").read_bytes())
    before = table.read_bytes(), model.read_bytes()
    for arguments in (
        ("export", model, "--to", "sklearn", "--out", model),
        ("predict", table, "--model", model, "--out", table),
        ("evaluate", table, "--model", model, "--report", table),
    ):
        _, err = run(*arguments, "--force", cwd=tmp_path, code=1)
        assert "is read by this command" in err or "must end in" in err
    assert (table.read_bytes(), model.read_bytes()) == before


def test_a_page_ends_in_html_and_stands_beside_the_model(tmp_path):
    for path in ("m/model.safetensors", "m/recall.png", "-", "r.pdf"):
        _, err = run("train", "--out", "m", "--report", path, "--quiet", cwd=tmp_path, code=1)
        assert "must end in .html" in err
    assert not (tmp_path / "m").exists()


@pytest.mark.filterwarnings("ignore:.*best C_")
def test_a_search_from_a_file_has_its_scores(tmp_path):
    data = dataset()
    search = SoftmaxRegressionCV([0.1, 1.0]).fit(data.X_train, data.y_train)
    model = xsoftmax.load(xsoftmax.save(search, tmp_path / "m.safetensors"))
    write_report(tmp_path / "r.html", "t", model, data.X_test, data, "rows")
    assert "Scores against C" in Page(tmp_path / "r.html").text
