"""The history of the configuration, and the configuration as text, on three real nodes."""

import json
import os
import re

import pytest

from conftest import BUILD

from clusterlab_lib import Lab
from cluster_lab import Cluster

PROBE_RTR = """RESOURCE_TYPE = checked; VENDOR_ID = TEST; RT_BASEDIR = /opt/checked; API_VERSION = 2; FAILOVER = TRUE;
START = method; STOP = method; VALIDATE = method; UPDATE = method;
{ PROPERTY = Failover_mode; DEFAULT = SOFT; TUNABLE = ANYTIME; }
{ PROPERTY = Speed; EXTENSION; INT; DEFAULT = 1; TUNABLE = ANYTIME; DESCRIPTION = "how fast"; }
{ PROPERTY = Fixed; EXTENSION; STRING; DEFAULT = "a"; TUNABLE = AT_CREATION; DESCRIPTION = "once"; }
"""
# Writes down how it was called; Validate refuses a speed of 13.
METHOD = """#!/bin/sh
echo "$*" >>/var/log/checked.log
case "$*" in *Speed=13*) echo "13 is too fast"; exit 1 ;; esac
exit 0
"""


@pytest.fixture(scope="module")
def whole():
    cluster = Cluster(Lab(f"hist-{os.getpid()}"), str(BUILD / "stage"))
    try:
        cluster.up(nodes=3)
        yield cluster
    finally:
        cluster.lab.down()


@pytest.fixture
def cluster(whole):
    whole.mend()
    return whole


def on(cluster, node, *command):
    return cluster.cmd(node, *command, check=True).stdout


def history(cluster, node="node1", *more):
    return json.loads(on(cluster, node, "cluster", "history", "--json", "-n", "600", *more))["entries"]


def histories(cluster):
    return [history(cluster, n) for n in cluster.nodes()]


def put(cluster, node, path, text):
    cluster.lab.exec(node, "sh", "-c", f"cat >{path}", input=text)


def group(cluster, name, *props):
    on(cluster, "node1", "scrgadm", "-a", "-g", name, "-h", "node1,node2,node3", *props)


def ungroup(cluster, name):
    on(cluster, "node1", "scrgadm", "-r", "-g", name)


# ---- history, diff, undo ----

def test_history_tells_who_what_and_why(cluster):
    group(cluster, "h1")
    on(cluster, "node2", "scrgadm", "-c", "-g", "h1", "-y", "RG_description=the web", "--message", "people asked for it")
    first, second = history(cluster, "node3", "--table", "rgm_rg_h1")[::-1][-2:]
    assert first["made"] and first["cmd"].startswith("scrgadm -a -g h1") and first["by"] == "root@node1"
    assert second["by"] == "root@node2" and second["message"] == "people asked for it" and second["was"] == first["n"]
    assert second["set"] == {"rg.prop.RG_description": [None, "the web"]}
    assert len({json.dumps(h) for h in histories(cluster)}) == 1
    text = on(cluster, "node1", "cluster", "history", "-n", "1")
    assert re.match(rf" *{second['n']}  \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d  root@node2 +rgm_rg_h1\n", text)
    assert "# people asked for it" in text and "'RG_description=the web'" in text
    n = second["n"]
    assert on(cluster, "node2", "cluster", "diff", str(n - 1)) == (
        'table rgm_rg_h1\n  rg.prop.RG_description: (not set) -> "the web"\n')
    assert on(cluster, "node2", "cluster", "diff", str(n), str(n - 1)) == (
        'table rgm_rg_h1\n  rg.prop.RG_description: "the web" -> (not set)\n')

    dry = on(cluster, "node3", "cluster", "undo", str(n), "--dry-run")
    assert '"the web" -> (not set)' in dry and len(history(cluster)) == len(history(cluster, "node3"))
    on(cluster, "node3", "cluster", "undo", str(n))
    assert history(cluster)[0]["message"] == f"undoes commit {n}"
    assert "the web" not in on(cluster, "node1", "scrgadm", "-pvv")
    assert on(cluster, "node1", "cluster", "diff", str(n - 1)) == ""

    on(cluster, "node1", "scrgadm", "-c", "-g", "h1", "-y", "RG_description=new")
    refused = cluster.cmd("node1", "cluster", "undo", str(n))
    assert refused.returncode != 0
    assert "rg.prop.RG_description of table rgm_rg_h1 was changed since by commit" in refused.stderr
    assert "of root@node1 at 20" in refused.stderr and "scrgadm -c -g h1 -y RG_description=new" in refused.stderr
    ungroup(cluster, "h1")
    removed = history(cluster)[0]
    assert removed["removed"]
    on(cluster, "node1", "cluster", "undo", str(removed["n"]))
    assert "new" in on(cluster, "node2", "scrgadm", "-pvv", "-g", "h1")
    ungroup(cluster, "h1")


# ---- export, apply ----

def export(cluster, node="node1"):
    return on(cluster, node, "cluster", "export")


def apply(cluster, text, *options, node="node1"):
    put(cluster, node, "/tmp/apply.conf", text)
    return cluster.cmd(node, "cluster", "apply", *options, "/tmp/apply.conf")


def test_export_and_apply(cluster):
    group(cluster, "e1", "-y", "RG_description=one")
    text = export(cluster)
    assert text == export(cluster, "node3"), "the same everywhere"
    done = apply(cluster, text)
    assert (done.returncode, done.stdout) == (0, "Nothing to change: the cluster is as the file says.\n")

    changed = text.replace("RG_description = one", "RG_description = two")
    done = apply(cluster, changed, "--dry-run", node="node2")
    assert done.returncode == 0 and '  rg.prop.RG_description: "one" -> "two"' in done.stdout
    assert export(cluster) == text
    done = apply(cluster, changed, "--message", "from git", node="node2")
    assert done.returncode == 0, done.stderr
    last = history(cluster)[0]
    assert last["by"] == "root@node2" and last["cmd"].startswith("cluster apply") and last["message"] == "from git"
    assert "two" in on(cluster, "node3", "scrgadm", "-pvv", "-g", "e1")

    done = apply(cluster, text.replace("RG_description = one", "RG_description = three"), node="node3")
    assert done.returncode != 0
    assert re.search(r"table rgm_rg_e1 was changed by root@node2 at 20\S+ \S+ with .cluster apply --message .from git. "
                     r"/tmp/apply.conf. since this file was exported \(generation \d+, now \d+\)", done.stderr), done.stderr
    assert "two" in on(cluster, "node3", "scrgadm", "-pvv", "-g", "e1")

    more = export(cluster) + "\n[rgm_rg_e2] new\nrg.managed = FALSE\nrg.prop.Nodelist = node2,node3\n"
    done = apply(cluster, more)
    assert done.returncode == 0, done.stderr
    assert "e2" in on(cluster, "node2", "scrgadm", "-pvv", "-g", "e2")
    fewer = export(cluster)
    fewer = fewer[:fewer.index("[rgm_rg_e2]")]
    assert apply(cluster, fewer).stdout.startswith("Nothing to change")
    done = apply(cluster, fewer, "--prune")
    assert done.returncode == 0 and "table rgm_rg_e2 is removed" in done.stdout, done.stderr
    assert "[rgm_rg_e2]" not in export(cluster)
    ungroup(cluster, "e1")


@pytest.mark.parametrize("old, new, says", [
    ("cluster.nodes.2.properties.quorum_vote = 1", "cluster.nodes.2.properties.quorum_vote = 0", "use clquorum"),
    ("cluster.nodes.2.name = node2", "cluster.nodes.2.name = other", "clnode"),
    ("cluster.nodes.2.state =", "cluster.nodes.2.stat =", "the nearest is cluster.nodes.<id>.state"),
    ("cluster.properties.takeover_time = 640", "cluster.properties.takeover_time = 1000", "cluster set"),
    ("rg.managed = FALSE", "rg.managed = maybe", "must be one of TRUE,FALSE"),
    ("rg.prop.Nodelist = node1,node2,node3", "rg.prop.Nodelist = node9", "node node9 is not in the configuration"),
    ("rg.prop.Nodelist = node1,node2,node3", "rg.prop.Nodelits = node1", "resource groups have no property Nodelits"),
    ("rg.managed = FALSE", "rg.managed = FALSE\nrs.x.type = NO.type", "resource type NO.type is not registered"),
    ("rg.managed = FALSE", "rg.managed = FALSE\nrs.x.enabled = TRUE", "resource x has no type"),
])
def test_apply_refuses_what_makes_no_sense(cluster, old, new, says):
    group(cluster, "bad")
    try:
        text = export(cluster)
        assert old in text
        done = apply(cluster, text.replace(old, new))
        assert done.returncode != 0 and says in done.stderr, done.stderr
        assert export(cluster) == text, "nothing half done"
    finally:
        ungroup(cluster, "bad")


@pytest.fixture
def checked(cluster):
    for node in cluster.nodes():
        cluster.lab.sh(node, "mkdir -p /opt/checked; rm -f /var/log/checked.log")
        put(cluster, node, "/opt/checked/method", METHOD)
        cluster.lab.sh(node, "chmod 755 /opt/checked/method")
    put(cluster, "node1", "/tmp/checked.rtr", PROBE_RTR)
    on(cluster, "node1", "scrgadm", "-a", "-t", "TEST.checked", "-f", "/tmp/checked.rtr")
    group(cluster, "c")
    on(cluster, "node1", "scrgadm", "-a", "-j", "cr", "-g", "c", "-t", "TEST.checked", "-x", "Speed=2")
    on(cluster, "node1", "scswitch", "-Z", "-g", "c")
    yield cluster
    on(cluster, "node1", "scswitch", "-F", "-g", "c")
    for command in (["scswitch", "-n", "-j", "cr"], ["scswitch", "-u", "-g", "c"], ["scrgadm", "-r", "-j", "cr"],
                    ["scrgadm", "-r", "-g", "c"], ["scrgadm", "-r", "-t", "TEST.checked"]):
        on(cluster, "node1", *command)


def calls(cluster, node):
    return cluster.lab.sh(node, "cat /var/log/checked.log 2>/dev/null; rm -f /var/log/checked.log")


def test_apply_to_a_running_group(checked):
    """Validate on every node, Update where it runs; and what the group's own commands refuse."""
    for node in checked.nodes():
        calls(checked, node)
    text = export(checked)
    assert apply(checked, text.replace("ext.Speed = 2", "ext.Speed = 5")).returncode == 0
    assert "-u -R cr" in calls(checked, "node3")
    assert 'ext.Speed: "2" -> "5"' in on(checked, "node2", "cluster", "diff", str(history(checked)[1]["n"]))
    assert len(calls(checked, "node1").splitlines()) == 2 + 1, "Validate when it is checked and when it is done, then Update"

    text = export(checked)
    for old, new, says in [
            ("ext.Speed = 5", "ext.Speed = 13", ": 13 is too fast"),
            ("ext.Speed = 5", "ext.Speed = fast", "Speed"),
            ("rs.cr.enabled = TRUE", "rs.cr.enabled = TRUE\nrs.cr.ext.Fixed = b", "only when the resource is created"),
            ("rs.cr.type = TEST.checked", "rs.cr.type = SUNW.gds", "SUNW.gds is not registered"),
            ("rg.managed = TRUE", "rg.managed = FALSE", "resource cr is enabled: disable"),
            ("rg.prop.Nodelist = node1,node2,node3", "rg.prop.Nodelist = node2,node3", "is online on a node that the new")]:
        done = apply(checked, text.replace(old, new))
        assert done.returncode != 0 and says in done.stderr, (new, done.stderr)
    assert export(checked) == text
    off = apply(checked, text.replace("rs.cr.enabled = TRUE", "rs.cr.enabled = FALSE"))
    assert off.returncode == 0, off.stderr
    states = [n["state"] for g in checked.status()["groups"] if g["name"] == "c" for r in g["resources"] for n in r["nodes"]]
    assert set(states) == {"OFFLINE"}, "it is answered when the group has followed"
    number = history(checked)[0]["n"]
    on(checked, "node2", "cluster", "undo", str(number))
    states = [n["state"] for g in checked.status()["groups"] if g["name"] == "c" for r in g["resources"] for n in r["nodes"]]
    assert "ONLINE" in states


def test_two_administrators_collide(cluster):
    group(cluster, "coll", "-y", "RG_description=start")
    text = export(cluster)
    running = []
    for node, value in zip(cluster.nodes(), ("red", "green", "blue")):
        put(cluster, node, "/tmp/apply.conf", text.replace("RG_description = start", f"RG_description = {value}"))
    for node in cluster.nodes():
        running.append(cluster.lab.popen(node, "cluster", "apply", "/tmp/apply.conf"))
    codes = [p.wait(60) for p in running]
    assert codes.count(0) == 1, "one wins, the others are told"
    values = {h["set"]["rg.prop.RG_description"][1] for h in history(cluster, "node2", "--table", "rgm_rg_coll")
              if h["cmd"].startswith("cluster apply")}
    assert len(values) == 1
    ungroup(cluster, "coll")


def test_whole_configuration_of_another_day(cluster):
    """Groups with resources and their type, removed by hand, come back from the file in one go."""
    put(cluster, "node1", "/tmp/checked.rtr", PROBE_RTR)
    for node in cluster.nodes():
        cluster.lab.sh(node, "mkdir -p /opt/checked")
        put(cluster, node, "/opt/checked/method", METHOD)
        cluster.lab.sh(node, "chmod 755 /opt/checked/method")
    on(cluster, "node1", "scrgadm", "-a", "-t", "TEST.checked", "-f", "/tmp/checked.rtr")
    group(cluster, "day")
    for name in ("d1", "d2"):
        on(cluster, "node1", "scrgadm", "-a", "-j", name, "-g", "day", "-t", "TEST.checked")
    text = export(cluster)
    remove = [["scrgadm", "-r", "-j", "d1"], ["scrgadm", "-r", "-j", "d2"], ["scrgadm", "-r", "-g", "day"],
              ["scrgadm", "-r", "-t", "TEST.checked"]]
    for command in remove:
        on(cluster, "node2", *command)
    again = re.sub(r"\[(rgm_rg_day|rgm_rt_TEST.checked)\] generation \d+", r"[\1] new", text)
    done = apply(cluster, again)
    assert done.returncode == 0, done.stderr
    strip = re.compile(r"generation \d+")
    assert strip.sub("", export(cluster)) == strip.sub("", text)
    for command in remove:
        on(cluster, "node2", *command)


# ---- nodes that come and go ----

def test_node_that_was_away_has_the_whole_history(cluster):
    cluster.lab.crash("node3")
    cluster.wait_members(["node1", "node2"])
    group(cluster, "away")
    ungroup(cluster, "away")
    cluster.lab.boot("node3")
    cluster.wait_members()
    assert [h["cmd"] for h in history(cluster, "node3")[:2]] == ["scrgadm -r -g away",
                                                                "scrgadm -a -g away -h node1,node2,node3"]
    assert len({json.dumps(h) for h in histories(cluster)}) == 1
    files = {cluster.lab.sh(n, "cat /var/cluster/ccr/history") for n in cluster.nodes()}
    assert len(files) == 1


def test_history_survives_power_off(cluster):
    group(cluster, "off", "-y", "RG_description=before the power cut")
    ungroup(cluster, "off")
    before = history(cluster)
    for node in cluster.nodes():
        cluster.lab.crash(node)
    with open(cluster.lab.disk_path("node2", "/var/cluster/ccr/history"), "a") as torn:
        torn.write('{"n":999,"half')
    os.unlink(cluster.lab.disk_path("node1", "/var/cluster/ccr/history"))
    for node in cluster.nodes():
        cluster.lab.boot(node)
    cluster.wait_members()
    assert histories(cluster) == [before] * 3
    assert "1 damaged lines were left out" in cluster.log("node2")


def test_table_that_was_changed_by_hand(cluster):
    """ccradm on a node that has left: it wins when a person says so and all begin anew, and loses else."""
    ccradm = "/usr/cluster/lib/sc/ccradm"
    group(cluster, "hand", "-y", "RG_description=one")
    assert on(cluster, "node2", ccradm, "showkey", "-k", "rg.prop.RG_description", "rgm_rg_hand") == "one\n"
    on(cluster, "node2", ccradm, "changekey", "-v", "two", "-k", "rg.prop.RG_description", "rgm_rg_hand")
    assert history(cluster)[0]["cmd"].startswith(f"{ccradm} changekey")
    refused = cluster.cmd("node2", ccradm, "recover", "-o", "rgm_rg_hand")
    assert refused.returncode != 0 and "clusterd runs on this node" in refused.stderr

    def leave_and_change(value):
        on(cluster, "node3", "pkill", "-TERM", "-x", "clusterd")
        cluster.wait_members(["node1", "node2"])
        on(cluster, "node3", ccradm, "changekey", "-v", value, "-k", "rg.prop.RG_description", "rgm_rg_hand", "--message", "alone")

    leave_and_change("lost")
    cluster.lab.reboot("node3")
    cluster.wait_members()
    assert "two" in export(cluster, "node3") and "lost" not in export(cluster, "node3")

    leave_and_change("lost again")                  # newer, but node3 was not with the last members
    for node in cluster.nodes():
        cluster.lab.crash(node)
    for node in cluster.nodes():
        cluster.lab.boot(node)
    cluster.wait_members()
    assert "lost again" not in export(cluster, "node3")

    leave_and_change("won")
    on(cluster, "node3", ccradm, "recover", "-o", "rgm_rg_hand", "--message", "alone")
    for node in cluster.nodes():
        cluster.lab.crash(node)
    for node in cluster.nodes():
        cluster.lab.boot(node)
    cluster.wait_members()
    assert {export(cluster, n).count("RG_description = won") for n in cluster.nodes()} == {1}
    assert len({json.dumps(h) for h in histories(cluster)}) == 1
    told = history(cluster, "node1", "--table", "rgm_rg_hand")[0]
    assert told["by"] == "root@node3, by hand" and told["message"] == "alone"
    ungroup(cluster, "hand")
