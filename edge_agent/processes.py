"""Worker processes that end with the command that started them, however it ends.

Every worker holds the reading end of a pipe whose writing end only the parent has. Nothing is ever written: the end of
the pipe is the word. The parent closes it when it is interrupted or told to stop, and the kernel does when the parent
is killed.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import FrameType
from typing import NoReturn, ParamSpec, TypeVar

from edge_agent.errors import EdgeAgentError

TERMINATED = 128 + signal.SIGTERM
"""Exit status that a shell shows for SIGTERM."""

P = ParamSpec("P")
T = TypeVar("T")


class WorkerPool(ProcessPoolExecutor):
    """Worker processes to which Ctrl-C, which a terminal sends to all, means nothing: their parent tells them."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queue a call; a process that is started for it inherits that SIGINT is held back."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def worker_pool(jobs: int) -> Iterator[WorkerPool]:
    """Open so many workers, freshly started; on leaving they are awaited, or on an error or signal ended at once.

    Raises
    ------
    SystemExit
        With status 143 when SIGTERM came: what is open up the stack is put in order first.
    EdgeAgentError
        If a worker was ended by something else.
    """
    context = get_context("spawn")
    reading, writing = context.Pipe(duplex=False)
    with reading, writing, _terminated_in_order():
        pool = WorkerPool(jobs, mp_context=context, initializer=_end_with, initargs=(reading,))
        try:
            yield pool
            pool.shutdown()
        except BrokenProcessPool as error:
            raise EdgeAgentError(
                "a worker process was killed, perhaps for want of memory; name fewer --jobs"
            ) from error
        finally:
            with uninterrupted():
                writing.close()
                pool.shutdown(cancel_futures=True)


def _end_with(reading: Connection) -> None:
    """Watch the parent, in a worker."""
    threading.Thread(target=_watch, args=(reading,), daemon=True, name="parent-watch").start()


def _watch(reading: Connection) -> NoReturn:
    reading.poll(None)
    os._exit(1)


@contextlib.contextmanager
def _terminated_in_order() -> Iterator[None]:
    """Let SIGTERM unwind the stack where only the main thread could be asked to."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _unwind)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _unwind(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(TERMINATED)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore further signals while other processes are ended: an impatient Ctrl-C changes nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)
