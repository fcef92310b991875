"""The quadratic target of Kumar et al.: a square of one linear function, with separate streams for x and beta."""

import torch

from grokscope.tasks.polynomial_regression import PolynomialRegression, build


def test_labels_are_half_the_square_of_one_linear_function() -> None:
    task = build(PolynomialRegression(dimension=6, n_samples=200))
    x, y = task.inputs.double(), task.labels[:, 0].double()
    # y is x^T (beta beta^T / 2) x: fitted on its 21 monomials, the form must be positive and of rank one.
    rows, columns = torch.triu_indices(6, 6)
    fitted = torch.linalg.lstsq(x[:, rows] * x[:, columns], y[:, None]).solution[:, 0]
    form = torch.zeros(6, 6).double()
    form[rows, columns] = fitted
    eigenvalues = torch.linalg.eigvalsh((form + form.T) / 2)
    # Labels are float32: 1e-4.
    assert float(eigenvalues[:-1].abs().max()) < 1e-4 * float(eigenvalues[-1])


def test_the_law_of_the_inputs_and_the_size_of_the_targets() -> None:
    task = build(PolynomialRegression(n_samples=2000, dimension=1000))
    # Variance 1/1000 with a standard error of sqrt(2 / 2e6) of it; 4 standard errors.
    assert abs(float(task.inputs.var()) * 1000 - 1) < 4 * (2 / 2e6) ** 0.5
    # E y = |beta|^2 / (2 D) = 0.5 +- 0.022, its mean over 2,000 samples +- 0.016: together 0.027; 4 standard errors.
    assert abs(float(task.labels.mean()) - 0.5) < 0.11
    assert (task.labels >= 0).all()


def test_more_samples_change_neither_beta_nor_the_samples_before_them() -> None:
    few, many = build(PolynomialRegression(n_samples=100)), build(PolynomialRegression(n_samples=300))
    assert torch.equal(many.inputs[:100], few.inputs)
    assert torch.equal(many.labels[:100], few.labels)
    other = build(PolynomialRegression(n_samples=100, data_seed=1))
    assert not torch.equal(other.inputs, few.inputs)


def test_no_answer_is_called_correct() -> None:
    task = build(PolynomialRegression())
    assert (task.n_inputs, task.n_outputs, task.n_classes, task.tolerance) == (1550, 1, 0, None)
