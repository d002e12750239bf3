"""SIGHUP: a wish to reload, unless it says that the terminal is gone."""

import os
import pty
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, os, signal, sys
from gateway.signals import Signals, surviving_hang_ups

class Operations:
    def stop(self, intent, wait):
        print("stop", flush=True)

async def heard(word):
    while word not in (line := await asyncio.to_thread(sys.stdin.readline)):
        if not line:  # the test is gone
            sys.exit(1)

async def main():
    signals = Signals()
    print("up", flush=True)
    await heard("told")
    signals.tell(Operations())
    signals.let_reload(lambda: print("reload", flush=True))
    await heard("end")

os.close(os.open(sys.argv[1], os.O_RDWR))  # the first terminal that is opened becomes its own
signal.signal(signal.SIGHUP, signal.SIG_IGN if "ignored" in sys.argv else signal.SIG_DFL)
with surviving_hang_ups():
    os.kill(os.getpid(), signal.SIGHUP)
    asyncio.run(main())
    os.kill(os.getpid(), signal.SIGHUP)
os.kill(os.getpid(), signal.SIGHUP)
print("ends", flush=True)
"""


class Program:
    """The program, with a terminal that a test can close."""

    def __init__(self, *words, terminal=True):
        self.master, slave = pty.openpty()
        own = os.ttyname(slave) if terminal else os.devnull
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, own, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        os.close(slave)
        self.says("up")

    def says(self, line):
        assert self.process.stdout.readline().strip() == line

    def told(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def hang_up(self):
        os.close(self.master)
        self.master = None

    def close(self):
        self.told("end")
        self.says("ends")
        assert self.process.wait(30) == 0
        self.process.stdin.close()
        self.process.stdout.close()
        if self.master is not None:
            os.close(self.master)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_hang_up_of_a_terminal_that_is_there_reloads(terminal):
    program = Program(terminal=terminal)
    program.process.send_signal(signal.SIGHUP)
    program.told("told")
    program.says("reload")
    program.process.send_signal(signal.SIGHUP)
    program.says("reload")
    program.close()


def test_a_terminal_that_is_gone_ends_it():
    program = Program()
    program.told("told")
    program.hang_up()
    program.says("stop")
    program.close()


def test_with_nohup_it_outlives_its_terminal():
    program = Program("ignored")
    program.told("told")
    program.hang_up()
    program.says("reload")
    program.close()
