"""Two real nodes and a quorum device: a disk that both see, an iSCSI target, a quorum server.  Who survives, and who has to
wait."""

import re

import pytest

from conftest import BUILD

from clusterlab_lib import Lab
from cluster_lab import Client, Cluster

GROUP = "web-rg"
PORTAL_PORT = 3260
TARGET = "iqn.2026-11.test:quorum"


def shared_disk(cluster):
    cluster.lab.exec("node1", "dd", "if=/dev/zero", "of=/shared/quorum", "bs=1M", "count=1")
    return ["-t", "shared_disk", "-p", "path=/shared/quorum"]


def client_address(cluster):
    return re.search(r"inet (10\.[\d.]+)/", cluster.lab.sh("client1", "ip -4 addr show scope global"))[1]


def quorum_server(cluster):
    """scqsd on the client machine, with TLS."""
    secret = f"{cluster.lab.name}:{'5a' * 32}\n"
    for machine in ("client1", "node1", "node2"):
        cluster.lab.sh(machine, "mkdir -p /etc/scqsd")
        cluster.lab.exec(machine, "sh", "-c", "umask 077; cat >/etc/scqsd/secret", input=secret)
    cluster.lab.spawn("client1", "/usr/cluster/lib/sc/scqsd")
    cluster.lab.sh("client1", "for i in $(seq 200); do ss -ltn | grep -q :9000 && break; sleep 0.05; done")
    return ["-t", "quorum_server", "-p", f"qshost={client_address(cluster)}", "-p", "secret_file=/etc/scqsd/secret"]


def iscsi(cluster):
    """tgtd on the client machine: what a storage box is for a real cluster."""
    lab = cluster.lab
    address = client_address(cluster)
    lab.sh("client1", "mkdir -p /var/run /var/quorum; truncate -s 16M /var/quorum/lun")
    lab.spawn("client1", "env", "TGT_IPC_SOCKET=/tmp/tgtd", "tgtd", "-f", "--iscsi", f"portal={address}:{PORTAL_PORT}")
    admin = "export TGT_IPC_SOCKET=/tmp/tgtd; tgtadm --lld iscsi"
    lab.sh("client1", f"for i in $(seq 100); do {admin} --op show --mode sys >/dev/null 2>&1 && break; sleep 0.05; done; "
           f"{admin} --op new --mode target --tid 1 -T {TARGET} && "
           f"{admin} --op new --mode logicalunit --tid 1 --lun 1 -b /var/quorum/lun && "
           f"{admin} --op bind --mode target --tid 1 -I ALL")
    return ["-t", "iscsi", "-p", f"portal={address}:{PORTAL_PORT}", "-p", f"target={TARGET}", "-p", "lun=1"]


@pytest.fixture(scope="module", params=[shared_disk, iscsi, quorum_server], ids=lambda f: f.__name__)
def whole(request, lab_name):
    cluster = Cluster(Lab(f"{lab_name[:24]}-{request.param.__name__[:4]}".replace("_", "")), str(BUILD / "stage"))
    try:
        cluster.up(nodes=2)
        cluster.cmd("node1", "clquorum", "add", *request.param(cluster), "d1", check=True)
        cluster.web(GROUP, "app1")
        yield cluster
    finally:
        cluster.lab.down()


def has_device(status):
    device = status["quorum"]["devices"][0]
    return device["status"] == "Online" and sorted(device["keys"]) == ["node1", "node2"] and status["quorum"]["present"] == 3


@pytest.fixture
def cluster(whole):
    whole.mend()
    whole.wait_for(has_device, why="both keys on the device")
    return whole


def put_on(cluster, node):
    if cluster.wait_online(GROUP, timeout=15) != node:
        cluster.cmd("node1", "scswitch", "-z", "-g", GROUP, "-h", node, check=True)


def to_clusterd(cluster, node, sig):
    cluster.lab.sh(node, f"kill -{sig} $(cat /proc/[0-9]*/stat | awk '$2 == \"(clusterd)\" {{ print $1 }}')")


@pytest.mark.parametrize("serving", ["node1", "node2"])
def test_cut_both_interconnects(cluster, serving, record_property):
    """One side survives, the one that serves; its clients notice nothing."""
    put_on(cluster, serving)
    other = "node2" if serving == "node1" else "node1"
    client = Client(cluster.lab, "app1:80")
    assert client.wait("first", timeout=10)
    cluster.lab.partition("1|2")
    cluster.lab.wait_end(other)
    assert "lost operational quorum" in cluster.log(other) or "lease" in cluster.log(other, "failfastd")
    cluster.wait_members({serving}, node=serving)
    assert cluster.lab.status(serving).state == "up"
    end = client.stop()
    print(f"gap of the service: {end['max_gap_ms']} ms")
    record_property("gap_ms", end["max_gap_ms"])
    assert end["max_gap_ms"] < 100
    assert cluster.status(serving)["quorum"]["present"] == 2


def hang_clusterd(cluster, node):
    to_clusterd(cluster, node, "STOP")


def cut_power(cluster, node):
    cluster.lab.crash(node)


@pytest.mark.parametrize("serving", ["node1", "node2"])
@pytest.mark.parametrize("strike, said", [(cut_power, "is down"), (hang_clusterd, "is evicted")], ids=["power cut", "clusterd hangs"])
def test_the_server_fails(cluster, serving, strike, said, record_property):
    """A machine whose clusterd hangs stays on the interconnect, and its key on the device; the other one throws it out before
    its own lease ends."""
    put_on(cluster, serving)
    other = "node2" if serving == "node1" else "node1"
    client = Client(cluster.lab, "app1:80")
    assert client.wait("first", timeout=10)
    strike(cluster, serving)
    gap = client.gap_after(0, timeout=20)
    assert gap, cluster.last_words()
    cluster.lab.wait_end(serving)
    cluster.wait_online(GROUP, on=other, node=other)
    client.stop()
    ms = (gap["to"] - gap["from"]) * 1000
    print(f"gap of the service: {ms:.0f} ms")
    record_property("gap_ms", ms)
    assert said in cluster.log(other)


def test_old_configuration_waits(cluster):
    """A off, then B off; A alone must not start with what it has: B may have changed the configuration since."""
    lab = cluster.lab
    lab.crash("node1")
    cluster.wait_members({"node2"}, node="node2")
    cluster.cmd("node2", "scrgadm", "-c", "-g", GROUP, "-y", "RG_description=changed", check=True)
    lab.crash("node2")
    lab.boot("node1")
    status = cluster.wait_for(lambda s: "other nodes have been the cluster" in s["waiting_for"], timeout=20)
    assert "d1" in status["waiting_for"] and not status["ready"]
    assert cluster.cmd("node1", "clquorum", "disable", "d1").returncode != 0
    lab.boot("node2")
    cluster.wait_members()
    assert "changed" in cluster.cmd("node1", "scrgadm", "-pv", "-g", GROUP, check=True).stdout


def test_orderly_stop_of_one(cluster):
    """The other goes on with the device."""
    put_on(cluster, "node1")
    panics = cluster.log("node1", "failfastd").count("Aborting")
    to_clusterd(cluster, "node1", "TERM")
    cluster.wait_online(GROUP, on="node2", node="node2")
    cluster.wait_members({"node2"}, node="node2")
    assert cluster.log("node1", "failfastd").count("Aborting") == panics


def test_the_device_goes_while_both_are_there(cluster):
    """Nothing happens but a message, and arithmetic guards the rest."""
    done = cluster.cmd("node1", "clquorum", "remove", "d1")
    assert done.returncode != 0 and "last one of a cluster of two nodes" in done.stderr
    done = cluster.cmd("node1", "scconf", "-c", "-q", "node=node2,maintstate")
    assert done.returncode != 0 and "node2 is up" in done.stderr
    cluster.wait_members()
