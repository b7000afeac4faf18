"""Nodes that come to a running cluster, and go from it."""

import os
import shutil
import time

import pytest

from conftest import BUILD

from clusterlab_lib import Lab
from cluster_lab import Cluster

GROUP = "web-rg"
# Of four machines three are the cluster at first.
SETUP = """#!/bin/sh
[ "$LAB_NODE" != node4 ] || exit 0
LAB_NODES="node1 node2 node3" exec /usr/cluster/lib/sc/lab-setup
"""


@pytest.fixture(scope="module")
def cluster(lab_name, tmp_path_factory):
    setup = tmp_path_factory.mktemp("setup") / "setup"
    setup.write_text(SETUP)
    setup.chmod(0o755)
    cluster = Cluster(Lab(lab_name), str(BUILD / "stage"))
    try:
        cluster.lab.up(nodes=4, clients=0, stage=cluster.stage, setup=str(setup))
        cluster.wait_members(["node1", "node2", "node3"])
        cluster.web_files(GROUP)
        for command in cluster.web_commands(GROUP, "app1", ["node1", "node2"]):
            cluster.cmd("node1", *command, check=True)
        yield cluster
    finally:
        cluster.lab.down()


def votes(cluster, node="node1"):
    quorum = cluster.status(node)["quorum"]
    return quorum["present"], quorum["needed"], quorum["possible"]


def conf(cluster, node):
    return cluster.lab.sh(node, "cat /etc/corosync/corosync.conf")


def wait(what, timeout=10):
    deadline = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_node_comes_and_goes(cluster):
    lab, before = cluster.lab, cluster.status()["epoch"]
    done = cluster.cmd("node2", "clnode", "add", "-e", "10.88.1.4,10.88.2.4", "node4", check=True)
    assert "cluster create -i /root/join-node4.json" in done.stdout
    assert votes(cluster) == (3, 3, 4)
    for node in ("node1", "node2", "node3"):
        wait(lambda: "name: node4" in conf(cluster, node))
        wait(lambda: "corosync has the nodes of the configuration" in cluster.log(node))
    # Nothing happened to those who are there.
    time.sleep(1)               # longer than a ring takes to fall apart
    assert cluster.status()["epoch"] == before and cluster.wait_online(GROUP) == "node1"

    path = "/var/cluster/join-node4.json"
    assert lab.sh("node2", f"stat -c %a {path}") == "600\n"
    lab.exec("node4", "sh", "-c", "umask 077; cat >/root/join-node4.json", input=lab.sh("node2", f"cat {path}"))
    done = cluster.cmd("node4", "cluster", "create", "-i", "/root/join-node4.json", "--dry-run", check=True)
    assert "would write the infrastructure table" in done.stdout
    cluster.cmd("node4", "cluster", "create", "-i", "/root/join-node4.json", check=True)
    lab.spawn("node4", "/usr/cluster/lib/sc/node-boot")
    cluster.wait_members(["node1", "node2", "node3", "node4"])
    assert votes(cluster) == (4, 3, 4)
    assert len({cluster.cmd(n, "scstat", "-n", "-g", check=True).stdout for n in cluster.nodes()}) == 1

    # It is a node like any other.
    cluster.cmd("node4", "scrgadm", "-c", "-g", GROUP, "-y", "Nodelist=node1,node2,node4", check=True)
    cluster.cmd("node4", "scswitch", "-z", "-g", GROUP, "-h", "node4", check=True)
    assert cluster.wait_online(GROUP) == "node4"
    lab.crash("node4")
    assert cluster.wait_online(GROUP, on="node1") == "node1"
    lab.boot("node4")
    cluster.wait_members()

    # And goes.
    refused = cluster.cmd("node1", "clnode", "remove", "node4")
    assert refused.returncode != 0 and "node node4 is up" in refused.stderr
    cluster.cmd("node4", "pkill", "-TERM", "-x", "clusterd", check=True)
    # Out of the membership first, declared gone a moment later.
    cluster.wait_for(lambda s: [n["state"] for n in s["nodes"] if n["name"] == "node4"] == ["DOWN"], why="node4 down")
    lab.crash("node4")
    refused = cluster.cmd("node1", "clnode", "remove", "node4")
    assert refused.returncode != 0 and "in the Nodelist of resource group web-rg" in refused.stderr
    cluster.cmd("node1", "scrgadm", "-c", "-g", GROUP, "-y", "Nodelist=node1,node2", check=True)
    cluster.cmd("node1", "clnode", "remove", "node4", check=True)
    assert votes(cluster) == (3, 2, 3)
    assert cluster.cmd("node3", "clnode", "list", check=True).stdout.split() == ["node1", "node2", "node3"]
    wait(lambda: "node4" not in conf(cluster, "node3"))
    assert cluster.lab.status("node1").state == "up"


def test_ports_are_those_that_the_hint_names(cluster):
    listening = cluster.cmd("node1", "ss", "-Hulnp", check=True).stdout
    ports = {line.split()[3].rsplit(":", 1)[1] for line in listening.splitlines() if "corosync" in line}
    assert ports == {"5405", "5406"}


def test_create_twice_changes_nothing(cluster):
    files = "cat /etc/cluster/nodeid /etc/cluster/ccr/global/infrastructure /etc/corosync/authkey | md5sum"
    before = cluster.lab.sh("node1", files)
    description = '{"name": "other", "nodes": [{"name": "node1", "id": 7, "links": ["10.88.1.1", "10.88.2.1"]}]}'
    cluster.lab.exec("node1", "sh", "-c", "cat >/root/d.json", input=description)
    done = cluster.cmd("node1", "cluster", "create", "-i", "/root/d.json")
    assert done.returncode != 0 and "is a node of a cluster already" in done.stderr
    assert cluster.lab.sh("node1", files) == before


@pytest.fixture
def empty(cluster):
    """node4 as a machine on which there has never been a cluster."""
    lab = cluster.lab
    if lab.status("node4").state == "up":
        lab.crash("node4")
    for path in ("/etc/cluster", "/var/cluster", "/etc/corosync"):
        shutil.rmtree(lab.disk_path("node4", path), ignore_errors=True)
    lab.boot("node4")
    return cluster


@pytest.mark.parametrize("description, why", [
    ('{"name": "x", "nodes": [{"name": "node4", "id": 1, "links": ["10.88.1.99"]}]}', "no adapter of this machine has it"),
    ('{"name": "x", "nodes": [{"name": "node9", "id": 1, "links": ["10.88.1.4"]}]}', "has no node node4"),
])
def test_create_looks_at_the_machine(empty, description, why):
    empty.lab.exec("node4", "sh", "-c", "cat >/root/d.json", input=description)
    done = empty.cmd("node4", "cluster", "create", "-i", "/root/d.json")
    assert done.returncode != 0 and why in done.stderr
    assert not os.path.exists(empty.lab.disk_path("node4", "/etc/cluster/nodeid"))


def test_create_hints_at_the_firewall(empty):
    lab = empty.lab
    lab.sh("node4", "nft add table inet filter; nft 'add chain inet filter input { type filter hook input priority 0; policy drop; }'")
    lab.exec("node4", "sh", "-c", "cat >/root/d.json",
             input='{"name": "x", "nodes": [{"name": "node4", "id": 4, "links": ["10.88.1.4", "10.88.2.4"]}]}')
    done = empty.cmd("node4", "cluster", "create", "-i", "/root/d.json", "--dry-run", check=True)
    assert "nft insert rule inet filter input udp dport 5405-5406 accept" in done.stderr
    lab.sh("node4", "nft flush ruleset")
    done = empty.cmd("node4", "cluster", "create", "-i", "/root/d.json", "--dry-run", check=True)
    assert "firewall" not in done.stderr
