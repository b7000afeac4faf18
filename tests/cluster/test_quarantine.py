"""A node that dies again and again waits for a person."""

import pytest

from conftest import BUILD

from clusterlab_lib import Lab
from cluster_lab import Cluster


@pytest.fixture(scope="module")
def cluster(lab_name):
    cluster = Cluster(Lab(lab_name), str(BUILD / "stage"))
    try:
        cluster.up(nodes=3, clients=0)
        yield cluster
    finally:
        cluster.lab.down()


def die_and_boot(cluster, node):
    cluster.lab.crash(node)
    cluster.wait_members(["node1", "node2"])
    cluster.lab.boot(node)


def test_a_node_that_keeps_dying_waits(cluster):
    lab = cluster.lab
    cluster.cmd("node1", "cluster", "set", "-p", "quarantine_deaths=3", check=True)
    for _ in range(2):
        die_and_boot(cluster, "node3")
        cluster.wait_members()
    die_and_boot(cluster, "node3")
    status = cluster.wait_for(lambda s: "quarantined" in s["waiting_for"], node="node3", why="the quarantine")
    assert "clnode unquarantine node3" in status["waiting_for"]
    assert [n["name"] for n in status["nodes"] if n.get("quarantined")] == ["node3"]
    done = cluster.cmd("node3", "clnode", "status")
    assert "Node node3 is quarantined" in done.stderr
    done = cluster.cmd("node3", "scrgadm", "-a", "-g", "x")
    assert done.returncode != 0 and "clnode unquarantine node3" in done.stderr
    cluster.wait_members(["node1", "node2"])

    # It lasts over another boot, and an orderly stop is no cure.
    lab.crash("node3")
    lab.boot("node3")
    cluster.wait_for(lambda s: "quarantined" in s["waiting_for"], node="node3", why="the quarantine")
    cluster.cmd("node3", "pkill", "-TERM", "-x", "clusterd", check=True)
    assert "quarantined" in lab.sh("node3", "cat /var/cluster/cmm/starts")
    lab.crash("node3")
    lab.boot("node3")
    cluster.wait_for(lambda s: "quarantined" in s["waiting_for"], node="node3", why="the quarantine")

    done = cluster.cmd("node1", "clnode", "unquarantine", "node3")
    assert done.returncode != 0 and "on node3 itself" in done.stderr
    cluster.cmd("node3", "clnode", "unquarantine", "node3", check=True)
    cluster.wait_members()
    done = cluster.cmd("node3", "clnode", "unquarantine", "node3")
    assert done.returncode != 0 and "not quarantined" in done.stderr


def test_an_orderly_stop_clears_the_list(cluster):
    lab = cluster.lab
    assert lab.sh("node2", "cat /var/cluster/cmm/starts")
    cluster.cmd("node2", "pkill", "-TERM", "-x", "clusterd", check=True)
    cluster.wait_members(["node1", "node3"])
    assert lab.sh("node2", "ls /var/cluster/cmm") == "epoch\n"
    cluster.boot_again("node2")
    cluster.wait_members()


def test_wrong_values_are_refused(cluster):
    for value in ("quarantine_deaths=101", "quarantine_deaths=x", "quarantine_minutes=0"):
        done = cluster.cmd("node1", "cluster", "set", "-p", value)
        assert done.returncode != 0 and "is a number from" in done.stderr
