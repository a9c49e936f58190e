"""
A large network teaches a small one
===================================

``y`` may hold probabilities. A network that has seen all labelled digits says what it thinks of
each: a 7 that could be a 1 is not the same as one that could not. A linear model that has only a
few rows learns more from such words than from the labels. Label smoothing is the same with a
teacher who gives every class a little.
"""

import matplotlib.pyplot as plt

import xsoftmax
from xsoftmax import MLPClassifier, SoftmaxRegression
from xsoftmax.functional import one_hot, softmax

data = xsoftmax.datasets.digits()

# %%
# The teacher sees all rows. Its logits are divided by 3, so that what it thinks of wrong classes
# is heard too.

teacher = MLPClassifier((200,), "gelu", alpha=0.01, max_iter=40, tol=0, random_state=0)
teacher.fit(data.X_train, data.y_train)
print(f"teacher: accuracy {teacher.score(data.X_test, data.y_test):.3f}")

# %%
# Students see 40 to 400 rows: with labels, with smoothed labels, with the teacher's words.

sizes = [40, 80, 160, 400]
accuracy = {"labels": [], "labels, smoothed": [], "the teacher's words": []}
for n in sizes:
    X, y = data.X_train[:n], one_hot(data.y_train[:n], 10)
    targets = {
        "labels": y,
        "labels, smoothed": 0.9 * y + 0.1 / 10,
        "the teacher's words": softmax(teacher.decision_function(X) / 3, axis=1),
    }
    for name, soft in targets.items():
        student = SoftmaxRegression(C=1.0).fit(X, soft)
        accuracy[name].append(student.score(data.X_test, data.y_test))
        print(f"{n:3d} rows, {name}: accuracy {accuracy[name][-1]:.3f}")

_, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for name, values in accuracy.items():
    ax.semilogx(sizes, values, marker="o", label=f"from {name}")
ax.set(xlabel="rows", ylabel="accuracy", title="A linear student on rows it has not seen")
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.legend()
plt.savefig("distillation.png")
plt.show()
