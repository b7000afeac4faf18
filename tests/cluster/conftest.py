"""Fixtures for tests on simulated machines.  The build tree is $BUILD, else build/ in the source tree."""

import os
import pathlib
import sys

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = SOURCE / os.environ.get("BUILD", "build")      # an absolute $BUILD stays as it is
LAB_DIR = BUILD / "lab"

sys.path.insert(0, str(LAB_DIR))
sys.dont_write_bytecode = True


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="simulated machines need root"))


@pytest.fixture(scope="module")
def lab_name(request):
    """Unique, so that test runs side by side do not meet."""
    return f"{request.module.__name__.replace('_', '-')}-{os.getpid()}"[-31:].strip("-")


@pytest.fixture(scope="module")
def make_lab(lab_name):
    """make_lab(nodes=3, ...) -> a Lab that is up; a second argument makes a second one.  All are gone in the end."""
    from clusterlab_lib import Lab
    labs = []

    def make(suffix="", **options):
        lab = Lab(lab_name[:28] + suffix)
        labs.append(lab)
        lab.up(**options)
        return lab

    yield make
    for lab in labs:
        lab.down()


def do(cluster, line, code=0, node="node1"):
    """A command line on a node, which has to end with this code; what it says."""
    got = cluster.cmd(node, *line.split())
    assert got.returncode == code, f"{line}: {got.returncode} {got.stdout}{got.stderr}"
    return got.stdout + got.stderr
