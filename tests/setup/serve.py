"""Runs a Python module as a program, and ends with the process that started it.

The test that started us holds the other end of our standard input. When the test ends, for any reason, the pipe closes and this program ends.
"""

import os
import runpy
import sys
import threading


def end_with_the_parent():
    while os.read(0, 1024):
        pass
    os._exit(0)


threading.Thread(target=end_with_the_parent, daemon=True).start()
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
