"""What the commands foresee, and what then happens, on three real nodes: explain, --dry-run, simulate --crash, and the crash."""

import json
import os
import time

import pytest

from conftest import BUILD, do

from clusterlab_lib import Lab
from cluster_lab import Cluster

RTR = """RESOURCE_TYPE = "slow"; VENDOR_ID = ACME; API_VERSION = 2; FAILOVER = TRUE; RT_BASEDIR = /opt/slow; START = start; STOP = stop;
{ PROPERTY = Failover_mode; DEFAULT = SOFT; TUNABLE = ANYTIME; }
"""
# A start that takes a while, as a real application's does: it is what the history measures.
METHODS = {"start": "#!/bin/sh\nexec sleep 0.4\n", "stop": "#!/bin/sh\nexec sleep 0.1\n"}


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster(Lab(f"explain-{os.getpid()}"), str(BUILD / "stage"))
    try:
        cluster.up(nodes=3)
        for node in cluster.nodes():
            cluster.lab.sh(node, "mkdir -p /opt/slow")
            for name, text in METHODS.items():
                cluster.lab.exec(node, "sh", "-c", f"cat >/opt/slow/{name}; chmod 755 /opt/slow/{name}", input=text)
        cluster.lab.exec("node1", "sh", "-c", "cat >/tmp/slow.rtr", input=RTR)
        do(cluster, "clrt register -f /tmp/slow.rtr ACME.slow")
        do(cluster, "clrg create -n node2,node3 db-rg")
        do(cluster, "clrg create -n node2,node1,node3 -p RG_affinities=++db-rg web-rg")
        do(cluster, "clrs create -g db-rg -t slow db")
        do(cluster, "clrs create -g web-rg -t slow web")
        do(cluster, "clrg online -M db-rg")
        do(cluster, "clrg online -M web-rg")
        yield cluster
    finally:
        cluster.lab.down()


def ask(cluster, line, node="node1"):
    return json.loads(do(cluster, line + " --json", node=node))


def online(cluster, group, node="node1"):
    """The nodes where it is online."""
    return ask(cluster, f"clrg explain {group}", node)[0]["online"]


def verdicts(cluster, group, node="node1"):
    explained = ask(cluster, f"clrg explain {group}", node)[0]
    return explained, {n["node"]: (n["verdict"], n["why"]) for n in explained["nodes"]}


def test_explain(cluster):
    db, nodes = verdicts(cluster, "db-rg")
    assert (db["online"], db["outside"], db["waits"]) == (["node2"], ["node1"], [])
    assert nodes["node2"] == ("here", "it stays: a group is not moved without need")
    assert nodes["node3"] == ("could", "but node2 is preferred: it is there already")
    web, nodes = verdicts(cluster, "web-rg")
    assert web["online"] == ["node2"]
    assert nodes["node1"] == ("not", "++db-rg: that is not there")
    text = do(cluster, "clrg explain +", node="node3")      # every member can tell
    assert "db-rg: online on node2" in text and "node1: not in the Nodelist" in text


def test_dry_run_changes_nothing(cluster):
    status = do(cluster, "clrg status")
    text = do(cluster, "clrg switch --dry-run -n node3 db-rg")
    order = [text.index(part) for part in ("web-rg goes offline on node2", "db-rg goes offline on node2", "db-rg goes online on node3",
                                           "web-rg goes online on node3")]
    assert order == sorted(order), text
    assert "no history" in text.lower()                     # nothing has stopped yet
    assert "may not be online on node1" in do(cluster, "clrg switch --dry-run -n node1 web-rg", code=9)
    assert "web-rg goes offline" in do(cluster, "clrg offline --dry-run db-rg")
    assert "Stop of db" in do(cluster, "clrs disable --dry-run db")
    assert "db-rg goes online on node3" in do(cluster, "clnode evacuate --dry-run node2")
    assert do(cluster, "clrg status") == status
    assert online(cluster, "web-rg") == ["node2"]


def test_a_switch_goes_as_foreseen(cluster):
    do(cluster, "clrg switch -n node3 db-rg")
    assert (online(cluster, "db-rg"), online(cluster, "web-rg")) == (["node3"], ["node3"])
    do(cluster, "clrg switch -n node2 db-rg")
    explained = verdicts(cluster, "db-rg")[0]
    assert "switched by root@node1" in explained["why"]
    assert [(m["do"], m["node"]) for m in explained["moves"]] == [("online", "node2"), ("offline", "node3"), ("online", "node3")]
    assert (online(cluster, "db-rg"), online(cluster, "web-rg")) == (["node2"], ["node2"])


def test_who_would_go_on(cluster):
    cut = ask(cluster, "cluster simulate --cut node1,node3")
    sides = {tuple(s["nodes"]): (s["fate"], s["survives"]) for s in cut["sides"]}
    assert sides == {("node2",): ("ends", False), ("node1", "node3"): ("goes_on", True)}
    assert {g["group"]: g["after"] for g in cut["groups"]} == {"db-rg": ["node3"], "web-rg": ["node3"]}
    lost = do(cluster, "cluster simulate --crash node1,node2")
    assert "node3: 1 vote, 2 needed: no quorum, these nodes panic" in lost and "not online again" in lost
    leave = ask(cluster, "cluster simulate --leave node2")
    assert [g["after"] for g in leave["groups"]] == [["node3"], ["node3"]] and leave["no_history"] == []
    assert "node9 is not a member" in do(cluster, "cluster simulate --crash node9", code=36)
    assert online(cluster, "db-rg") == ["node2"]            # nothing was done


def test_the_crash_goes_as_foreseen(cluster):
    foreseen = ask(cluster, "cluster simulate --crash node2")
    assert foreseen["no_history"] == []                     # all of it was measured by the switches
    want = {g["group"]: g for g in foreseen["groups"]}
    assert sorted(foreseen["resources_restarted"]) == ["db", "web"]
    began_ms = time.time() * 1000                           # the nodes have this machine's clock
    cluster.lab.crash("node2")
    cluster.wait_online("web-rg", on="node3")
    for group in ("db-rg", "web-rg"):
        assert online(cluster, group) == want[group]["after"] == ["node3"]
        up = [e["w"] for e in cluster.journal("node1") if e["e"] == "msg" and e["msg"].get("t") == "rgm.rep" and
              e["msg"]["rg"] == group and e["msg"]["state"] == "ONLINE" and e["w"] > began_ms]
        measured = up[0] - began_ms
        print(f"{group}: foreseen {want[group]['interrupted_ms']} ms, measured {measured:.0f} ms")
        assert 0.5 * want[group]["interrupted_ms"] < measured < want[group]["interrupted_ms"] + 3000
