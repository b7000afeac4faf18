"""Fence agents on three real nodes: a lost node is dead when an agent has made sure, before its lease would be over."""

import threading
import time

import pytest

from conftest import BUILD

import clusterlab_lib
from clusterlab_lib import Lab
from cluster_lab import Client, Cluster

GROUP = "web-rg"
# A power switch that is worked from outside the machines: it leaves a note, and waits for the answer.
AGENT = """#!/bin/sh
while read -r line; do
	case $line in
	action=*) action=${line#action=} ;;
	port=*)   port=${line#port=} ;;
	passwd=*) passwd=${line#passwd=} ;;
	esac
done
case $action in
metadata) echo '<resource-agent name="fence_lab"><actions><action name="off"/><action name="status"/></actions></resource-agent>' ;;
off)      [ "$passwd" = secret ] || { echo "wrong password" >&2; echo "wrong password"; exit 1; }
          touch "/shared/fence/$port.off"
          while [ ! -e "/shared/fence/$port.is-off" ]; do sleep 0.01; done ;;
status)   [ -e "/shared/fence/$port.is-off" ] && exit 2; exit 0 ;;
*)        exit 1 ;;
esac
"""
BROKEN = "#!/bin/sh\necho 'the switch does not answer'; exit 1\n"
# Says that it did, and did not.
LIAR = AGENT.replace('touch "/shared/fence/$port.off"', "exit 0").replace('[ -e "/shared/fence/$port.is-off" ] && exit 2; exit 0', "exit 0")


class Switch:
    """Cuts the power of whom a note names."""

    def __init__(self, lab):
        self.lab, self.path, self.on = lab, clusterlab_lib.DISKS / lab.name / "shared" / "fence", True
        self.path.mkdir(exist_ok=True)
        self.clear()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def clear(self):
        for note in self.path.iterdir():
            note.unlink()

    def run(self):
        while self.on:
            for note in self.path.glob("*.off"):
                note.unlink()
                if self.lab.status(note.stem).state in ("up", "frozen"):
                    self.lab.crash(note.stem)
                (self.path / f"{note.stem}.is-off").touch()
            time.sleep(0.005)


def install(cluster, name, text):
    for node in cluster.nodes():
        cluster.lab.sh(node, "mkdir -p /opt/cluster/lib/fence /etc/cluster; umask 077; echo secret >/etc/cluster/fence.secret")
        cluster.lab.exec(node, "sh", "-c", f"cat >/opt/cluster/lib/fence/{name}; chmod 755 /opt/cluster/lib/fence/{name}", input=text)


@pytest.fixture(scope="module")
def whole(lab_name):
    cluster = Cluster(Lab(lab_name), str(BUILD / "stage"))
    try:
        cluster.up(nodes=3)
        cluster.web(GROUP, "app1")
        for name, text in (("fence_lab", AGENT), ("fence_broken", BROKEN), ("fence_liar", LIAR)):
            install(cluster, name, text)
        cluster.switch = Switch(cluster.lab)
        yield cluster
    finally:
        if hasattr(cluster, "switch"):
            cluster.switch.on = False
        cluster.lab.down()


@pytest.fixture
def cluster(whole):
    whole.mend()
    whole.switch.clear()
    return whole


def fence_by(cluster, *agents):
    for node in cluster.nodes():
        props = []
        for level in range(1, 4):
            agent = agents[level - 1] if level <= len(agents) else ""
            props += ["-p", f"fence.{level}.agent={agent}", "-p", f"fence.{level}.port={node if agent else ''}",
                      "-p", f"fence.{level}.passwd_file={'/etc/cluster/fence.secret' if agent else ''}"]
        cluster.cmd("node1", "clnode", "set", *props, node, check=True)


def put_on(cluster, node):
    if cluster.wait_online(GROUP, timeout=15) != node:
        cluster.cmd("node1", "scswitch", "-z", "-g", GROUP, "-h", node, check=True)


def moved(cluster):
    cluster.wait_for(lambda s: "ONLINE" in [cluster.group_state(s, GROUP, n) for n in ("node1", "node2")], why="the group elsewhere")


def dead(cluster, node="node1"):
    return [e["msg"] for e in cluster.journal(node) if e.get("e") == "msg" and e["msg"].get("t") == "dead"]


def test_frozen_node_is_fenced(cluster):
    """Its lease alone would not do when a machine can stand still as a whole."""
    fence_by(cluster, "fence_lab")
    cluster.cmd("node1", "cluster", "set", "-p", "fencing_policy=required", check=True)
    put_on(cluster, "node3")
    cluster.lab.freeze("node3")
    moved(cluster)
    assert cluster.lab.status("node3").state != "frozen"
    told = dead(cluster)[-1]
    assert told["how"] == "fenced" and told["by"] == "fence_lab" and told["node"] == 3
    node3 = next(n for n in cluster.status()["nodes"] if n["name"] == "node3")
    assert "fence_lab" in node3["fenced"]
    assert any(e.get("e") == "fence" and not e["error"] for n in ("node1", "node2") for e in cluster.journal(n))
    for log in ("clusterd", "failfastd"):
        assert "secret" not in cluster.log("node1", log).replace("fence.secret", "")


def test_next_level_when_one_fails(cluster):
    fence_by(cluster, "fence_broken", "fence_lab")
    put_on(cluster, "node3")
    cluster.lab.crash("node3")
    moved(cluster)
    assert dead(cluster)[-1]["how"] == "fenced"


def test_required_and_impossible(cluster):
    """Nothing starts elsewhere until somebody has made sure; what says so is for people."""
    fence_by(cluster, "fence_liar", "fence_broken")
    put_on(cluster, "node3")
    cluster.lab.crash("node3")
    cluster.wait_members({"node1", "node2"})
    deadline, said = time.monotonic() + 10, ""
    while "says that the node is still on" not in said or "the switch does not answer" not in said:
        assert time.monotonic() < deadline, [line for line in said.splitlines() if "fenc" in line]
        time.sleep(0.05)
        said = cluster.log("node1") + cluster.log("node2")
    assert cluster.group_state(cluster.status(), GROUP, "node1") != "ONLINE"
    assert cluster.group_state(cluster.status(), GROUP, "node2") != "ONLINE"
    cluster.cmd("node1", "cluster", "set", "-p", "fencing_policy=lease", check=True)        # a person decides otherwise
    moved(cluster)
