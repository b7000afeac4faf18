"""The listings of membership and quorum from real daemons: that what clusterd tells is what the commands expect."""

import json

import pytest

from conftest import BUILD

from clusterlab_lib import Lab
from cluster_lab import Cluster


@pytest.fixture(scope="module")
def cluster(lab_name):
    cluster = Cluster(Lab(lab_name), str(BUILD / "stage"))
    try:
        cluster.up(nodes=2)
        yield cluster
    finally:
        cluster.lab.down()


@pytest.mark.parametrize("line, lines", [
    ("clnode list", ["node1", "node2"]),
    ("clnode list -v", ["node1               cluster"]),
    ("clnode status", ["=== Cluster Nodes ===", f"{'node1':48}Online", f"{'node2':48}Online"]),
    ("clnode show node1", ["Node Name:                                      node1", "  Node ID:                                        1"]),
    ("clquorum status", ["            2        2         2", "node1            1             1              Online"]),
    ("clquorum show", ["Node Name:                                      node2", "  Quorum Vote Count:                              1"]),
    ("cluster status", ["=== Cluster Quorum ===", "=== Cluster Resource Groups ==="]),
    ("cluster show", ["=== Cluster ===", "  installmode:                                    disabled"]),
    ("scconf -p", ["Cluster install mode:                              disabled", "Cluster nodes:                                     node1 node2"]),
    ("scstat -qv", ["  Quorum votes present:       2", "  Node votes:       node2               1        1       Online"]),
])
def test_listing(cluster, line, lines):
    for node in ("node1", "node2"):
        got = cluster.cmd(node, *line.split())
        assert (got.returncode, got.stderr) == (0, "")
        for text in lines:
            assert text in got.stdout.splitlines()


def test_json_is_json(cluster):
    for line in ("clnode show", "clquorum show", "cluster show", "cluster status", "cluster list", "scconf -p"):
        assert json.loads(cluster.cmd("node1", *line.split(), "--json", check=True).stdout)


def test_evacuate_by_clnode(cluster):
    got = cluster.cmd("node1", "clnode", "evacuate", "-v", "node2")
    assert (got.returncode, got.stdout) == (0, "clnode:  Done - evacuate node node2.\n")
