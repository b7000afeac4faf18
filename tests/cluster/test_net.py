"""Interconnect paths and public adapters as scstat shows them, on real nodes with real cables to pull."""

import time

import pytest

from conftest import BUILD

from clusterlab_lib import Lab
from cluster_lab import Cluster

NODES = ["node1", "node2", "node3"]
PATHS = [(f"{a}:{link}", f"{b}:{link}") for a, b in (("node1", "node2"), ("node1", "node3"), ("node2", "node3"))
         for link in ("priv0", "priv1")]
# The transport is patient with a link that has just come up: ten times the usual time-out, a little less each second.
STEADY_S = 11


@pytest.fixture(scope="module")
def whole(lab_name):
    cluster = Cluster(Lab(lab_name), str(BUILD / "stage"))
    try:
        cluster.up(nodes=3, clients=0)
        yield cluster
    finally:
        cluster.lab.down()


@pytest.fixture
def cluster(whole):
    """All cables plugged in, and every node sees it."""
    whole.lab.heal()
    for node in NODES:
        wait_paths(whole, node, set())
        wait_adapters(whole, node, set())
    return whole


def wait_paths(cluster, node, faulted, timeout=10):
    """Until node shows exactly these paths as faulted and all others as online."""
    want = [(a, b, "Path faulted" if (a, b) in faulted else "Path online") for a, b in PATHS]
    cluster.wait_for(lambda s: [(p["a"], p["b"], p["status"]) for p in s["paths"]] == want, node, timeout,
                     f"faulted paths {sorted(faulted)}")


def wait_adapters(cluster, node, offline, timeout=10):
    want = [(n, "sc_ipmp0", "eth0", "Offline" if n in offline else "Online") for n in NODES]
    cluster.wait_for(lambda s: [(g["node"], g["group"], g["adapter"], g["status"]) for g in s["ipmp"]] == want, node, timeout,
                     f"no public network on {sorted(offline)}")


def journal_of_net(cluster, node):
    return [e for e in cluster.journal(node) if e["e"] == "net"]


def test_listing(cluster):
    rows = cluster.cmd("node3", "scstat", "-W", check=True).stdout.splitlines()
    rows = [row.split(maxsplit=4)[2:] for row in rows if row.startswith("  Transport path:")]
    assert rows == [[a, b, "Path online"] for a, b in PATHS]
    rows = cluster.cmd("node1", "scstat", "-i", check=True).stdout.splitlines()
    rows = [row.split()[2:] for row in rows if row.startswith("  IPMP Group:")]
    assert rows == [[node, "sc_ipmp0", "Online", "eth0", "Online"] for node in NODES]


def test_nothing_to_tell_while_nodes_come(cluster):
    for node in NODES:
        assert journal_of_net(cluster, node) == []


def test_votes(cluster):
    assert [n["votes"] for n in cluster.status("node2")["nodes"]] == [1, 1, 1]


def test_cut_interconnect(cluster):
    before = cluster.status("node1")["epoch"]
    cut = {p for p in PATHS if "node2:priv0" in p}
    time.sleep(STEADY_S)        # there is no event for it
    cluster.lab.cut("node2", "priv0")
    for node in ("node1", "node3"):
        wait_paths(cluster, node, cut, timeout=3)
    wait_paths(cluster, "node2", cut)
    cluster.lab.heal("node2", "priv0")
    for node in NODES:
        wait_paths(cluster, node, set())
    assert cluster.status("node1")["epoch"] == before
    told = cluster.cmd("node1", "cluster", "timeline", check=True).stdout
    assert "node2: interconnect priv0 to node1 lost" in told
    assert "node3: interconnect priv0 to node2 restored" in told
    assert "interconnect priv1" not in told
    assert "Path node2:priv0 to node1 is faulted" in cluster.log("node2")


def test_cut_public_network(cluster):
    before = cluster.status("node1")["epoch"]
    cluster.lab.cut("node2", "pub0")
    for node in NODES:
        wait_adapters(cluster, node, {"node2"}, timeout=3)
    assert "  IPMP Group: node2               sc_ipmp0 Offline        eth0      Offline" in \
        cluster.cmd("node1", "scstat", "-i", check=True).stdout
    cluster.lab.heal("node2", "pub0")
    for node in NODES:
        wait_adapters(cluster, node, set())
    assert cluster.status("node1")["epoch"] == before
    assert "node2: public adapter eth0 lost its link" in cluster.cmd("node3", "cluster", "timeline", check=True).stdout


def test_node_that_is_gone(cluster):
    entries = len(journal_of_net(cluster, "node1"))
    cluster.lab.crash("node3")
    cluster.wait_members(["node1", "node2"])
    wait_paths(cluster, "node1", {p for p in PATHS if "node3" in str(p)})
    assert [g["node"] for g in cluster.status("node2")["ipmp"]] == ["node1", "node2"]
    cluster.lab.boot("node3")
    cluster.wait_members()
    for node in NODES:
        wait_paths(cluster, node, set())
        wait_adapters(cluster, node, set())
    assert len(journal_of_net(cluster, "node1")) == entries, "its death and its return say enough"
