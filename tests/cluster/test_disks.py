"""Shared disks with data on three real nodes: an iSCSI target has the keys of the members, and of nobody else when a service
starts again.  What is on the disk is read by an initiator that is none of them."""

import json
import re
import socket
import time

import pytest

from conftest import BUILD

from clusterlab_lib import Lab
from cluster_lab import Cluster
from test_quorum import iscsi, to_clusterd

GROUP = "web-rg"
WATCHER = 9                     # no node
ALL = ["node1", "node2", "node3"]


@pytest.fixture(scope="module")
def whole(lab_name):
    cluster = Cluster(Lab(lab_name), str(BUILD / "stage"))
    try:
        cluster.up(nodes=3)
        cluster.disk = iscsi(cluster)
        cluster.lab.sh("client1", "truncate -s 16M /var/quorum/lun2; TGT_IPC_SOCKET=/tmp/tgtd tgtadm --lld iscsi --op new "
                       "--mode logicalunit --tid 1 --lun 2 -b /var/quorum/lun2")
        cluster.key = re.search(r"0x\w{16}", cluster.cmd("node1", "clquorum", "show", check=True).stdout)[0]
        cluster.web(GROUP, "app1")
        yield cluster
    finally:
        cluster.lab.down()


@pytest.fixture
def cluster(whole):
    """With the disk d1, fenced, the keys of all on it."""
    whole.mend()
    if not disk(whole):
        add(whole)
    whole.cmd("node1", "cldevice", "set", "-p", "default_fencing=global", "d1", check=True)
    whole.wait_for(lambda s: s["disks"][0]["keys"] == ALL and s["disks"][0]["status"] == "Ok", why="the keys of all")
    return whole


def add(cluster, *more, name="d1"):
    return cluster.cmd("node1", "cldevice", "add", *cluster.disk, *more, name, check=True)


def disk(cluster, node="node1"):
    """As cldevice tells of it; None: there is none."""
    found = json.loads(cluster.cmd(node, "cldevice", "status", "--json", check=True).stdout)
    return found[0] if found else None


def keys_on_the_disk(cluster, lun="1"):
    """The nodes, by what an initiator that is none of them reads there."""
    properties = {**dict(p.split("=", 1) for p in cluster.disk if "=" in p), "lun": lun}
    keys = {str(n): cluster.key[:-2] + f"{n:02x}" for n in (1, 2, 3, WATCHER)}
    ask = [{"id": 1, "op": "configure", "cluster": "watcher", "cluster_id": cluster.key[:10], "self": WATCHER, "keys": keys,
            "devices": [{"name": "d", "type": "iscsi", "properties": properties}]}, {"id": 2, "op": "check", "device": "d"}]
    here, there = socket.socketpair()
    process = cluster.lab.popen("client1", "/usr/cluster/lib/sc/quorumd", stdin=there)
    there.close()
    with here, here.makefile("rw") as lines:
        lines.write("".join(json.dumps(a) + "\n" for a in ask))
        lines.flush()
        answers = [json.loads(lines.readline()) for _ in ask]
    process.wait()
    assert [a["result"] for a in answers] == ["ok", "ok"], answers
    return [f"node{n}" for n in answers[1]["keys"]]


def put_on(cluster, node):
    if cluster.wait_online(GROUP, timeout=15) != node:
        cluster.cmd("node1", "scswitch", "-z", "-g", GROUP, "-h", node, check=True)


def story(cluster, nodes, since_ms):
    """What their journals have of disks, deaths and groups, in order; all have the same clock."""
    for e in sorted((e for n in nodes for e in cluster.journal(n) if e["m"] >= since_ms), key=lambda e: e["m"]):
        message = e.get("msg", {})
        if e.get("e") == "quorum" and e["request"]["op"] == "take" and e["result"]["result"] == "ok":
            yield f"keys {e['result']['keys']}"
        elif message.get("t") == "dead":
            yield f"dead {message['node']}"
        elif message.get("t") == "rgm.dec":
            yield f"{message['do']} {message['rg']}"


def test_all_have_their_keys_there(cluster):
    assert keys_on_the_disk(cluster) == ALL


def test_listings(cluster):
    assert cluster.cmd("node2", "cldevice", "list").stdout == "d1\n"
    shown = cluster.cmd("node2", "cldev", "show").stdout
    assert "DID Device Name:                                d1\n" in shown
    assert "default_fencing:                                global\n" in shown
    rows = cluster.cmd("node2", "cldevice", "status").stdout.splitlines()
    assert [row.split() for row in rows if row.endswith("Ok")] == [["d1", "node1", "Ok"], ["node2", "Ok"], ["node3", "Ok"]]


def test_it_is_no_quorum_device(cluster):
    assert cluster.status()["quorum"]["possible"] == 3
    for command in ("clquorum list", "clquorum status", "clquorum show", "scstat -q", "scconf -p"):
        assert "d1" not in cluster.cmd("node1", *command.split(), check=True).stdout
    done = cluster.cmd("node1", "clquorum", "add", *cluster.disk, "d1")
    assert done.returncode != 0 and "see cldevice" in done.stderr
    cluster.cmd("node1", "clquorum", "reset", check=True)
    assert cluster.status()["quorum"]["possible"] == 3 and disk(cluster)["keys"] == ALL


def test_power_cut(cluster):
    """The key is gone before the group starts elsewhere, and comes back with the node."""
    put_on(cluster, "node3")
    since_ms = time.monotonic() * 1000
    cluster.lab.crash("node3")
    cluster.wait_for(lambda s: cluster.group_state(s, GROUP, "node3") != "ONLINE" and
                     "ONLINE" in [cluster.group_state(s, GROUP, n) for n in ("node1", "node2")], why="the group elsewhere")
    assert keys_on_the_disk(cluster) == ["node1", "node2"]
    for node in ("node1", "node2"):
        assert disk(cluster, node)["paths"][2] == {"node": "node3", "status": "Unknown"}
    seen = list(story(cluster, ("node1", "node2"), since_ms))
    assert seen.index("keys [1, 2]") < seen.index("dead 3") < seen.index(f"online {GROUP}"), seen
    cluster.lab.boot("node3")
    cluster.wait_members()
    cluster.wait_for(lambda s: s["disks"][0]["keys"] == ALL and s["disks"][0]["status"] == "Ok", why="the key of node3 again")
    assert keys_on_the_disk(cluster) == ALL


def test_a_node_that_booted_can_take_the_disk(cluster):
    """It left in order, so its key stayed.  But the target binds that to the session, and the one from before the boot is gone."""
    cluster.cmd("node1", "cldevice", "remove", "d1", check=True)
    add(cluster, "-n", "node1,node2")
    to_clusterd(cluster, "node1", "TERM")
    cluster.wait_members({"node2", "node3"}, node="node2")
    assert keys_on_the_disk(cluster) == ["node1", "node2"]
    cluster.lab.reboot("node1")
    cluster.wait_members(node="node2")
    cluster.wait_for(lambda s: s["disks"][0]["keys"] == ["node1", "node2"] and s["disks"][0]["status"] == "Ok", why="both keys")
    cluster.lab.crash("node2")
    cluster.wait_for(lambda s: [n["state"] for n in s["nodes"] if n["name"] == "node2"] == ["DOWN"], why="the death of node2")
    assert keys_on_the_disk(cluster) == ["node1"]
    cluster.cmd("node1", "cldevice", "remove", "d1", check=True)


def test_two_disks_of_a_target(cluster):
    """Each has a session of its own."""
    cluster.cmd("node1", "cldevice", "add", *cluster.disk[:-1], "lun=2", "d2", check=True)
    cluster.lab.crash("node3")
    cluster.wait_for(lambda s: [n["state"] for n in s["nodes"] if n["name"] == "node3"] == ["DOWN"], why="the death of node3")
    assert [keys_on_the_disk(cluster, lun) for lun in ("1", "2")] == 2 * [["node1", "node2"]]
    cluster.cmd("node1", "cldevice", "remove", "d2", check=True)
    assert keys_on_the_disk(cluster, "2") == []


def test_not_fenced_any_more(cluster):
    cluster.cmd("node1", "cldevice", "set", "-p", "default_fencing=nofencing", "d1", check=True)
    d = disk(cluster)
    assert (d["fencing"], d["status"], d["keys"]) == ("nofencing", "Unmonitored", [])
    assert keys_on_the_disk(cluster) == []
    cluster.cmd("node1", "cldevice", "set", "-p", "default_fencing=scsi3", "+", check=True)
    assert disk(cluster)["status"] == "Ok"
    assert keys_on_the_disk(cluster) == ALL


def test_keys_that_stay(cluster):
    cluster.cmd("node1", "cldevice", "set", "-p", "default_fencing=nofencing-noscrub", "d1", check=True)
    assert disk(cluster)["fencing"] == "nofencing"
    assert keys_on_the_disk(cluster) == ALL


def test_for_the_whole_cluster(cluster):
    try:
        cluster.cmd("node1", "cluster", "set", "-p", "global_fencing=nofencing", check=True)
        assert disk(cluster)["fencing"] == "nofencing"
        assert keys_on_the_disk(cluster) == []
    finally:
        cluster.cmd("node1", "cluster", "set", "-p", "global_fencing=prefer3", check=True)
    assert disk(cluster)["status"] == "Ok"


def test_export_and_apply(cluster):
    """The configuration as text has the disk; a change of it is left to its command."""
    text = cluster.cmd("node1", "cluster", "export", check=True).stdout
    assert "role" in text
    cluster.lab.exec("node1", "sh", "-c", "cat >/root/config", input=text)
    cluster.cmd("node1", "cluster", "apply", "/root/config", check=True)
    cluster.lab.exec("node1", "sh", "-c", "cat >/root/config", input=re.sub(r"(default_fencing\W+)global", r"\1nofencing", text))
    done = cluster.cmd("node1", "cluster", "apply", "/root/config")
    assert done.returncode != 0 and "cldevice" in done.stderr
    assert disk(cluster)["fencing"] == "scsi3"


def test_removed(cluster):
    cluster.cmd("node1", "cldevice", "remove", "d1", check=True)
    assert disk(cluster) is None
    assert keys_on_the_disk(cluster) == []
    add(cluster, "-n", "node1,node2")
    cluster.wait_for(lambda s: s["disks"][0]["keys"] == ["node1", "node2"], why="the keys of two")
    cluster.cmd("node1", "cldevice", "remove", "+", check=True)
    assert disk(cluster) is None
