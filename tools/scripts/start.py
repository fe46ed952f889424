"""Runs a module of this tree as a program: start.py MODULE WORD...

The one place that says where imports begin: at the root of the tree. So a module has one name, its
path, whichever program imports it: tools.scripts.gate.rules. A test of Bazel starts here too; its
root is the folder of what the test declares.
"""

import os
import runpy
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))

if __name__ == "__main__":
    # In place of this folder, which would give its packages a second name.
    sys.path[0] = os.path.dirname(os.path.dirname(FOLDER))
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
