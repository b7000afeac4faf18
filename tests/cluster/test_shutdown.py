"""The end in order: of the whole cluster, and of one node.  Nobody panics."""

import time

import pytest

from conftest import BUILD

from clusterlab_lib import Lab
from cluster_lab import Cluster

GROUP = "web-rg"


@pytest.fixture(scope="module")
def cluster(lab_name):
    cluster = Cluster(Lab(lab_name), str(BUILD / "stage"))
    try:
        cluster.up(nodes=3, clients=0)
        cluster.web(GROUP, "app1")
        yield cluster
    finally:
        cluster.lab.down()


def last_words(cluster, node):
    """failfast.log is there from the start of failfastd; a panic leaves a line."""
    path = cluster.lab.disk_path(node, "/var/cluster/logs/failfast.log")
    return path.read_text() if path.exists() else ""


@pytest.fixture(autouse=True)
def nobody_panics(cluster):
    yield
    assert {n: last_words(cluster, n) for n in cluster.nodes()} == {n: "" for n in cluster.nodes()}


@pytest.mark.parametrize("command", [["cluster", "shutdown", "-y", "-g", "0"], ["scshutdown", "-y", "-g", "0"]])
def test_shutdown_of_the_cluster_and_its_return(cluster, command):
    assert cluster.wait_online(GROUP) == "node1"
    began = time.time() * 1000
    done = cluster.cmd("node2", *command)
    assert done.returncode == 0, done.stderr + cluster.last_words()
    for node in cluster.nodes():
        assert cluster.lab.wait_end(node, 10).state == "off", cluster.last_words()
        assert "left the cluster in order" in cluster.log(node)
    methods = [r["rs"] + " " + r["method"] for e in cluster.journal("node1") if e["w"] >= began
               for r in e.get("msg", {}).get("runs", [])]
    assert methods == ["web Monitor_stop", "web Stop", "app1 Stop", "app1 Postnet_stop"]
    for node in cluster.nodes():
        cluster.lab.boot(node)
    cluster.wait_members()
    cluster.wait_online(GROUP)


def test_stop_of_one_node(cluster):
    cluster.wait_online(GROUP)
    for node in ("node1", "node3"):
        cluster.cmd(node, "pkill", "-TERM", "-x", "clusterd", check=True)
        others = [n for n in cluster.nodes() if n != node]
        cluster.wait_members(others, node="node2", timeout=15)
        cluster.wait_online(GROUP, node="node2")
        assert cluster.lab.status(node).state == "up"
        cluster.lab.reboot(node)
        cluster.wait_members(node="node2")
