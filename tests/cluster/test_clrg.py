"""A resource group through its whole life on three real nodes, with the commands of the 3.2 interface only."""

import os
import re
import time

import pytest

from conftest import BUILD, do

from clusterlab_lib import Lab
from cluster_lab import Cluster

RTR = """RESOURCE_TYPE = "life"; VENDOR_ID = ACME; RT_VERSION = "1"; API_VERSION = 2; FAILOVER = TRUE; RT_BASEDIR = /opt/life;
START = start; STOP = stop; VALIDATE = validate;
#$upgrade
{ PROPERTY = Stop_timeout; MIN = 1; DEFAULT = 60; TUNABLE = ANYTIME; }
{ PROPERTY = Failover_mode; DEFAULT = NONE; TUNABLE = ANYTIME; }
{ PROPERTY = Words; EXTENSION; STRINGARRAY; DEFAULT = a, b; TUNABLE = ANYTIME; DESCRIPTION = "what it says"; }
{ PROPERTY = Workers; EXTENSION; PER_NODE; INT; DEFAULT = 4; TUNABLE = ANYTIME; DESCRIPTION = "processes"; }
"""
METHOD = """#!/bin/sh
test ! -f /etc/life-$(basename "$0")-fails
"""


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster(Lab(f"clrg-{os.getpid()}"), str(BUILD / "stage"))
    try:
        cluster.up(nodes=3)
        for node in cluster.nodes():
            cluster.lab.sh(node, "mkdir -p /opt/life")
            for name in ("start", "stop", "validate"):
                cluster.lab.exec(node, "sh", "-c", f"cat >/opt/life/{name}; chmod 755 /opt/life/{name}", input=METHOD)
        cluster.lab.exec("node1", "sh", "-c", "cat >/tmp/life.rtr", input=RTR)
        yield cluster
    finally:
        cluster.lab.down()


def rows(text):
    """The lines of a listing in words, without titles."""
    return [line.split() for line in text.splitlines() if line and line[0] not in "=-"][1:]


def where(cluster, group):
    """Node -> state, as clrg status says it."""
    found = rows(do(cluster, f"clrg status {group}"))
    return {row[-3]: row[-1] for row in found if row[-2] in ("No", "Yes")}


def values(cluster, line):
    """Label -> value of a show."""
    pairs = (text.strip().split(":", 1) for text in do(cluster, line).splitlines() if ":" in text)
    return {label: value.strip() for label, value in pairs}


def test_a_group_is_made(cluster):
    do(cluster, "clrt register -f /tmp/life.rtr ACME.life")
    assert "ACME.life:1" in do(cluster, "clrt list").split()
    do(cluster, "clrt register -f /tmp/life.rtr ACME.life:1", code=39)
    do(cluster, "clrg create -n node1,node2 -p RG_description=first life-rg")
    do(cluster, "clrg create life-rg", code=39)
    do(cluster, "clrg add-node -n node3 life-rg")
    assert values(cluster, "clrg show -v life-rg")["Nodelist"] == "node1 node2 node3"
    do(cluster, "clrs create -g life-rg -t life -d -p Words=x,y -p R_description=base base")
    do(cluster, "clrs create -g life-rg -t life -p Resource_dependencies=base -p Workers{node2}=8 top")
    assert do(cluster, "clrs list -g life-rg").split() == ["base", "top"]
    assert where(cluster, "life-rg") == {n: "Unmanaged" for n in cluster.nodes()}
    do(cluster, "clrs create -g life-rg -t none x", code=41)
    do(cluster, "clrs create -g life-rg -t life -p Frob=1 x", code=15)


def test_it_goes_online_and_moves(cluster):
    do(cluster, "clrg online life-rg", code=9)
    do(cluster, "clrg online -emM life-rg")
    assert where(cluster, "life-rg") == {"node1": "Online", "node2": "Offline", "node3": "Offline"}
    assert "top" in do(cluster, "clrs list -s online")
    do(cluster, "clrg switch -n node2 life-rg")
    do(cluster, "clrg switch -n node2,node3 life-rg", code=3)
    do(cluster, "clrg restart life-rg")
    assert where(cluster, "life-rg")["node2"] == "Online"
    do(cluster, "clrg remaster life-rg")
    assert where(cluster, "life-rg")["node1"] == "Online"
    do(cluster, "clrg evacuate -n node1 -T 0 +")
    assert where(cluster, "life-rg")["node1"] == "Offline"
    do(cluster, "clrg offline life-rg")
    assert set(where(cluster, "life-rg").values()) == {"Offline"}
    do(cluster, "clrg online life-rg")
    assert list(where(cluster, "life-rg").values()).count("Online") == 1


def test_properties_are_changed(cluster):
    do(cluster, "clrs set -p Words+=z -x Words+=q base", code=3)
    do(cluster, "clrs set -p Words+=z base")
    assert values(cluster, "clrs show -p Words base")["Words"] == "x y z"
    do(cluster, "clrs set -x Words-=x -y R_description=changed base")
    shown = values(cluster, "clrs show -v base")
    assert (shown["Words"], shown["R_description"]) == ("y z", "changed")
    assert values(cluster, "clrs show -p Workers top")["Workers{node2}"] == "8"
    do(cluster, "clrg set -p Failback=TRUE -p Pingpong_interval=60 life-rg")
    assert values(cluster, "clrg show -p Failback,Pingpong_interval life-rg")["Failback"] == "True"
    do(cluster, "clrg set -p Pingpong_interval=0 life-rg")
    assert values(cluster, "clrg show -p Pingpong_interval life-rg")["Pingpong_interval"] == "0"
    do(cluster, "clrg set -p Frob=1 life-rg", code=15)


def test_resources_go_on_and_off(cluster):
    do(cluster, "clrs disable base", code=37)
    do(cluster, "clrs disable -r base")
    assert values(cluster, "clrs show top")["Enabled{node1}"] == "False"
    do(cluster, "clrs enable top", code=37)
    do(cluster, "clrs enable -r top")
    assert values(cluster, "clrs show base")["Enabled{node1}"] == "True"
    do(cluster, "clrs unmonitor top")
    assert values(cluster, "clrs show top")["Monitored{node1}"] == "False"
    do(cluster, "clrs monitor top")


def test_resources_go_off_on_one_node(cluster):
    """Disabled on node2 they run on node1, and the group goes to node2 without them."""
    do(cluster, "clrg switch -n node1 life-rg")
    do(cluster, "clrs disable -n node2 base", code=37)
    do(cluster, "clrs disable -n node2 base top")
    assert [values(cluster, "clrs show top")[f"Enabled{{{n}}}"] for n in cluster.nodes()] == ["True", "False", "True"]
    assert [do(cluster, f"scha_resource_get -O ON_OFF_SWITCH_NODE -R top {n}").strip() for n in cluster.nodes()] == [
        "ENABLED", "DISABLED", "ENABLED"]
    assert do(cluster, "scha_resource_get -O ON_OFF_SWITCH -R top", node="node2").strip() == "DISABLED"
    assert "top" in do(cluster, "clrs list -s online")
    do(cluster, "clrg switch -n node2 life-rg")
    assert where(cluster, "life-rg")["node2"] == "Online" and do(cluster, "clrs list -s online") == ""
    do(cluster, "scswitch -e -j base,top -h 2")
    assert do(cluster, "clrs list -s online -g life-rg").split() == ["base", "top"]


def test_a_failed_stop_is_cleared(cluster):
    for node in cluster.nodes():
        cluster.lab.sh(node, "touch /etc/life-stop-fails")
    do(cluster, "clrg offline life-rg", code=37)
    assert "top" in do(cluster, "clrs list -s stop_failed")
    for node in cluster.nodes():
        cluster.lab.sh(node, "rm /etc/life-stop-fails")
    do(cluster, "clrg suspend life-rg", code=9)
    do(cluster, "clrs clear +")
    do(cluster, "clrs clear top", code=9)
    do(cluster, "clrg offline life-rg")
    do(cluster, "clrg online life-rg")


def test_recovery_is_suspended(cluster):
    do(cluster, "clrg suspend life-rg")
    assert rows(do(cluster, "clrg status life-rg"))[0][2] == "Yes"
    do(cluster, "clrg offline +")
    assert "Online" in where(cluster, "life-rg").values()
    do(cluster, "clrg resume life-rg")
    do(cluster, "clrg quiesce life-rg")


def test_methods_are_killed(cluster):
    """A start that hangs: quiesce -k ends it, whatever it has started, and nothing is tried elsewhere."""
    do(cluster, "clrg offline life-rg")
    cluster.lab.exec("node1", "sh", "-c", "cat >/opt/life/start", input="#!/bin/sh\nsleep 1000 & echo $! >/tmp/child; wait\n")
    cluster.lab.sh("node2", "touch /etc/life-start-fails")
    online = cluster.lab.popen("node1", "clrg", "online", "-n", "node1", "life-rg")
    cluster.wait_for(lambda s: cluster.group_state(s, "life-rg", "node1") == "PENDING_ONLINE")
    deadline = time.monotonic() + 20
    while not cluster.lab.exec("node1", "sh", "-c", "cat /tmp/child || :").stdout.strip():
        assert time.monotonic() < deadline
    do(cluster, "clrg quiesce -k life-rg")
    assert online.wait(20) != 0
    assert "Online faulted" in do(cluster, "clrg status life-rg")
    assert where(cluster, "life-rg") == {"node2": "Offline", "node3": "Offline"}
    assert cluster.lab.exec("node1", "sh", "-c", "kill -0 $(cat /tmp/child) || echo gone").stdout == "gone\n"
    cluster.lab.exec("node1", "sh", "-c", "cat >/opt/life/start", input=METHOD)
    cluster.lab.sh("node2", "rm /etc/life-start-fails")
    do(cluster, "clrg offline life-rg")
    do(cluster, "clrg online life-rg")


def test_a_stop_that_takes_too_long_says_why(cluster):
    do(cluster, "clrs set -p Stop_timeout=1 top")
    for node in cluster.nodes():
        cluster.lab.exec(node, "sh", "-c", "cat >/opt/life/stop", input="#!/bin/sh\nsleep 1000\ntrue\n")
    do(cluster, "clrg offline life-rg", code=37)
    why = r"pid \d+ \(sleep\) (waits in \w+|sleeps); 1 other process"
    assert re.search(r"Faulted - Stop timed out after 1 s: " + why, do(cluster, "clrs status top"))
    assert re.search(r": Stop of top, 1\d\d\d ms, timed out: " + why, do(cluster, "cluster timeline -g life-rg"))
    for node in cluster.nodes():
        cluster.lab.exec(node, "sh", "-c", "cat >/opt/life/stop", input=METHOD)
    do(cluster, "clrs clear top")
    do(cluster, "clrs set -p Stop_timeout=60 top")
    do(cluster, "clrg offline life-rg")
    do(cluster, "clrg online life-rg")


def test_an_address_of_its_own(cluster):
    do(cluster, "clrslh create -g life-rg -h app1 -d ip")
    assert do(cluster, "clrslh list").split() == ["ip"]
    assert any(name.startswith("SUNW.LogicalHostname:") for name in do(cluster, "clrt list").split())
    do(cluster, "clrslh list base", code=36)
    do(cluster, "clrslh enable ip")
    do(cluster, "clrslh disable ip")
    do(cluster, "clrslh delete ip")
    assert do(cluster, "clrslh list") == ""
    for node in cluster.nodes():
        assert "10.88.0.201" not in cluster.lab.sh(node, "ip -4 address")


def test_a_shared_address(cluster):
    """As an address of the node where its group is; the rules of those that use it come from the cluster."""
    up = "ip -4 -o address show to 10.88.0.201"
    do(cluster, "clrg create -n node1,node2 sa-rg")
    do(cluster, "clrssa create -g sa-rg -h app1 -X node2 sa", code=3)
    do(cluster, "clrssa create -g sa-rg -h app1 -X node3 sa")
    assert do(cluster, "clrssa list").split() == ["sa"]
    assert values(cluster, "clrssa show -v sa")["AuxNodeList"] == "node3"
    do(cluster, "clrg online -M sa-rg")
    do(cluster, "clrg switch -n node2 sa-rg")
    assert "10.88.0.201" in cluster.lab.sh("node2", up) and not cluster.lab.sh("node1", up) + cluster.lab.sh("node3", up)
    assert "they are not distributed yet" in do(cluster, "clrs status sa")
    do(cluster, "clrg delete -F sa-rg")
    assert not cluster.lab.sh("node2", up)
    do(cluster, "clrg create sa-rg")
    do(cluster, "scrgadm -a -S -g sa-rg -l app1")
    assert do(cluster, "clrssa list").split() == ["app1"]
    do(cluster, "clrg delete -F sa-rg")


def test_a_group_is_taken_down_step_by_step_or_by_force(cluster):
    do(cluster, "clrg create other-rg")
    do(cluster, "clrg set -p RG_affinities=+life-rg other-rg")
    do(cluster, "clrs create -g other-rg -t life -d -p Resource_dependencies_weak=top user")
    do(cluster, "clrg delete life-rg", code=9)
    do(cluster, "clrg remove-node -n node3 life-rg")
    do(cluster, "clrs delete top", code=9)
    do(cluster, "clrg delete -F life-rg")
    assert do(cluster, "clrg list").split() == ["other-rg"]
    assert values(cluster, "clrg show -v other-rg")["RG_affinities"] == "<NULL>"
    do(cluster, "clrs delete user")
    do(cluster, "clrg delete other-rg")
    do(cluster, "clrt unregister life")
    assert do(cluster, "clrg list") == do(cluster, "clrs list") == ""
    do(cluster, "clrg status life-rg", code=36)


def test_what_was_exported_is_made_anew(cluster):
    """Types, groups and resources, out and in again: the exports are the same, but for what is unmanaged."""
    do(cluster, "clrt register -f /tmp/life.rtr ACME.life")
    do(cluster, "clrg create -p Failback=TRUE -n node2,node1 base-rg")
    do(cluster, "clrg create -p RG_affinities=++base-rg -p RG_dependencies=base-rg app-rg")
    do(cluster, "clrs create -g app-rg -t ACME.life -d app-res")
    do(cluster, "clrs create -g base-rg -t ACME.life base-res")
    do(cluster, "clrs set -p Resource_dependencies=base-res{ANY_NODE} app-res")
    do(cluster, "clrslh create -g base-rg -h app1 -p R_description=a&b\"<c> base-ip")
    exports = ("clrt export ACME.life:1", "clrg export base-rg app-rg", "clrs export base-res app-res base-ip")
    before = [do(cluster, line) for line in exports]
    for n, line in enumerate(exports):
        do(cluster, line.replace("export", f"export -o /tmp/{n}.xml"))
    do(cluster, "clrg delete -F app-rg base-rg")
    do(cluster, "clrt unregister ACME.life:1")
    do(cluster, "clrt register -i /tmp/0.xml +")
    do(cluster, "clrg create -i /tmp/1.xml +")
    do(cluster, "clrs create -i /tmp/2.xml base-res app-res")
    do(cluster, "clrslh create -i /tmp/2.xml")
    assert [do(cluster, line) for line in exports] == before
    assert values(cluster, "clrs show app-res")["Enabled{node1}"] == "False"
    do(cluster, "clrg online -M base-rg")
    assert where(cluster, "base-rg") == {"node2": "Online", "node1": "Offline"}
    do(cluster, "clrg delete -F app-rg base-rg")


def test_nodes_have_load_limits(cluster):
    """Full is full: the second group goes elsewhere, the third finds no room, and one of higher priority that has to move makes itself some."""
    do(cluster, "clnode create-loadlimit -p limitname=mem -p softlimit=4 -p hardlimit=5 node1 node2")
    do(cluster, "clnode create-loadlimit -p limitname=mem node1", code=39)
    do(cluster, "clnode set-loadlimit -p limitname=mem -p softlimit=6 node1", code=3)
    assert "Load Limit:" in do(cluster, "clnode show node1")
    assert do(cluster, "scha_cluster_get -O ALL_LOADLIMITS").split() == ["mem"]
    assert do(cluster, "scha_cluster_get -O LOADLIMIT_PROPS mem").split() == ["node1=4/5", "node2=4/5", "node3=0/-1"]
    do(cluster, "clrg create -n node1,node2 -p Load_factors=mem@4 -p Preemption_mode=Never stays-rg")
    do(cluster, "clrg create -n node1,node2 -p Load_factors=mem@4 goes-rg more-rg")
    do(cluster, "clrg create -n node3,node1,node2 -p Load_factors=mem@4 -p Priority=600 high-rg")
    do(cluster, "clrg online -M stays-rg goes-rg")
    assert (where(cluster, "stays-rg")["node1"], where(cluster, "goes-rg")["node2"]) == ("Online", "Online")
    do(cluster, "clrg online -M more-rg", code=9)
    do(cluster, "clrg online -M high-rg")
    assert where(cluster, "high-rg")["node3"] == "Online"
    do(cluster, "clnode evacuate node3")
    cluster.wait_for(lambda s: cluster.group_state(s, "high-rg", "node2") == "ONLINE")
    assert (where(cluster, "stays-rg")["node1"], set(where(cluster, "goes-rg").values())) == ("Online", {"Offline"})
    do(cluster, "clnode delete-loadlimit -p limitname=mem +", code=36)
    assert do(cluster, "scha_cluster_get -O ALL_LOADLIMITS") == ""
    do(cluster, "clrg delete -F stays-rg goes-rg more-rg high-rg")


def test_by_menus(cluster):
    """A group is made, brought online and moved, and a resource of it disabled, by somebody who types into clsetup."""
    typed = ["2", "1", "1", "menu-rg", "node2,node1", "", "yes", "q",                   # a group, and back
             "5", "menu-rg", "ACME.life:1", "menu", "Words=a b", "", "no", "yes",       # a resource of it
             "6", "1", "menu-rg", "", "2", "menu-rg", "node1", "", "q",                 # online, switched
             "7", "2", "menu", "", "", "q", "q", "q"]
    got = cluster.lab.exec("node1", "clsetup", "-f", "/tmp/setup.log", input="\n".join(typed) + "\n")
    assert got.returncode == 0 and got.stdout.count("Command completed successfully.") == 5, got.stdout + got.stderr
    assert cluster.lab.sh("node1", "cat /tmp/setup.log").splitlines() == [
        "clresourcegroup create -n node2,node1 menu-rg", "clresource create -g menu-rg -t ACME.life:1 -p 'Words=a b' menu",
        "clresourcegroup online -e -m -M menu-rg", "clresourcegroup switch -n node1 menu-rg", "clresource disable menu"]
    assert where(cluster, "menu-rg") == {"node1": "Online", "node2": "Offline"}
    assert values(cluster, "clrs show menu")["Enabled{node1}"] == "False"
    do(cluster, "clrg delete -F menu-rg")
