"""Jobs side by side: all are done, in threads of which torch has one each, and the first error comes through."""

import threading
import time

import pytest
import torch

from grokscope.numerics.side_by_side import one_thread_each, side_by_side


@pytest.fixture(params=[1, 2, 4])
def n_threads(request: pytest.FixtureRequest):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_every_job_is_done_once_on_one_thread_of_torch(n_threads: int) -> None:
    done: list[tuple[int, int]] = []
    with one_thread_each():
        for _ in range(50):
            done.clear()
            side_by_side([lambda i=i: done.append((i, torch.get_num_threads())) for i in range(7)])
            assert sorted(done) == [(i, 1) for i in range(7)]
    assert torch.get_num_threads() == n_threads, "what the caller had comes back"


def test_as_many_threads_work_as_torch_had(n_threads: int) -> None:
    together, arrived = threading.Barrier(n_threads, timeout=20), []
    with one_thread_each():
        side_by_side([lambda: arrived.append(together.wait())] * n_threads)  # goes on when all are at work at once
    assert sorted(arrived) == list(range(n_threads))


def test_a_job_that_is_taken_by_nobody_else_is_done_by_the_caller() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    busy, free = threading.Event(), threading.Event()
    caller, doers = threading.get_ident(), []

    def first() -> None:
        if threading.get_ident() != caller:  # the helper sticks here, as on a processor that another program has
            busy.set()
            assert free.wait(20)

    def second() -> None:
        doers.append(threading.get_ident())

    try:
        with one_thread_each():
            hold = threading.Thread(target=lambda: (busy.wait(5), time.sleep(0.01), free.set()))
            hold.start()
            side_by_side([first, second, second, second])
            hold.join()
    finally:
        torch.set_num_threads(before)
    assert len(doers) == 3


def test_without_leave_and_within_jobs_all_is_done_in_order_by_the_caller() -> None:
    order: list[int] = []
    side_by_side([lambda i=i: order.append(i) for i in range(5)])
    assert order == list(range(5))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    found: list[list[int]] = []

    def nested() -> None:
        own, me = [], threading.get_ident()
        side_by_side([lambda i=i: own.append((i, threading.get_ident() == me)) for i in range(5)])
        found.append(own)

    try:
        with one_thread_each():
            side_by_side([nested, nested])
    finally:
        torch.set_num_threads(before)
    assert found == [[(i, True) for i in range(5)]] * 2


def test_an_error_is_raised_when_all_jobs_are_over_and_the_next_round_works(n_threads: int) -> None:
    done: list[int] = []

    def fail() -> None:
        raise ArithmeticError("no such number")

    with one_thread_each():
        with pytest.raises(ArithmeticError, match="no such number"):
            side_by_side([fail, lambda: time.sleep(0.01), lambda: done.append(1)])
        side_by_side([lambda: done.append(2), lambda: done.append(3)])
    assert sorted(done)[-2:] == [2, 3]
    assert n_threads == 1 or 1 in done


def test_gradients_can_be_taken_in_every_thread(n_threads: int) -> None:
    x = torch.tensor(3.0)

    def slope() -> None:
        with torch.enable_grad():
            leaf = x.clone().requires_grad_()
            found.append(float(torch.autograd.grad(leaf**n_threads, leaf)[0]))

    found: list[float] = []
    with one_thread_each():
        side_by_side([slope] * 4)
    assert found == [n_threads * 3.0 ** (n_threads - 1)] * 4
