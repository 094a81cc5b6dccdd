"""Freed memory that the system need not clear again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from sbir_cli.encoder.allocator import keep_buffers

FAULTS = """
import resource
import numpy as np
from sbir_cli.encoder.allocator import keep_buffers
{call}
def work():
    for _ in range(50):
        np.ones(4_000_000, np.uint8)
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_pages_that_were_freed_are_not_taken_from_the_system_again() -> None:
    def faults(call: str) -> int:
        code = FAULTS.format(call=call)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        return int(done.stdout)

    returned, kept = (
        faults("import ctypes; ctypes.CDLL(None).mallopt(-3, 1 << 17)"),
        faults("keep_buffers()"),
    )
    assert kept < 1000 < returned


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("ctypes.CDLL", lambda name: pytest.fail("asked"))
    keep_buffers()
