"""Three real nodes: every step of the demo, and every way to die.  The logic is proved by the simulator; this is the wiring."""

import json
import os
import time

import pytest

from conftest import BUILD

from clusterlab_lib import Lab, LabError
from cluster_lab import Client, Cluster

GROUP = "web-rg"

PROBE_RTR = """RESOURCE_TYPE = probe; VENDOR_ID = TEST; RT_BASEDIR = /opt/probe; API_VERSION = 2; FAILOVER = TRUE;
START = start; STOP = stop;
{ PROPERTY = Start_timeout; MIN = 1; DEFAULT = 60; TUNABLE = ANYTIME; }
{ PROPERTY = Stop_timeout; MIN = 1; DEFAULT = 60; TUNABLE = ANYTIME; }
{ PROPERTY = Failover_mode; DEFAULT = SOFT; TUNABLE = ANYTIME; }
"""
# A method that does what a file says: "fail", "hang", or nothing.
METHOD = """#!/bin/sh
echo "$0 $*" >>/var/log/probe.log
case $(cat /etc/probe-$(basename "$0") 2>/dev/null) in
fail) echo "told to fail"; exit 1 ;;
hang) exec sleep 1000 ;;
esac
"""


@pytest.fixture(scope="module")
def whole(lab_name):
    cluster = Cluster(Lab(lab_name), str(BUILD / "stage"))
    try:
        cluster.up(nodes=3)
        cluster.web(GROUP, "app1")
        yield cluster
    finally:
        cluster.lab.down()


@pytest.fixture
def cluster(whole):
    """All nodes members, the web server online on node1; whatever the last test left is mended."""
    whole.mend()
    if whole.wait_online(GROUP, timeout=15) != "node1":
        whole.cmd("node1", "scswitch", "-z", "-g", GROUP, "-h", "node1", check=True)
    return whole


@pytest.fixture
def client(cluster):
    client = Client(cluster.lab, "app1:80")
    assert client.wait("first", timeout=10), "the client gets no answer"
    yield client
    client.stop()


@pytest.fixture
def probe(cluster):
    """A group "p" of one resource whose methods do as they are told."""
    for node in cluster.nodes():
        cluster.lab.sh(node, "mkdir -p /opt/probe; rm -f /etc/probe-* /var/log/probe.log")
        for name in ("start", "stop"):
            cluster.lab.exec(node, "sh", "-c", f"cat >/opt/probe/{name}; chmod 755 /opt/probe/{name}", input=METHOD)
    cluster.lab.exec("node1", "sh", "-c", "cat >/tmp/probe.rtr", input=PROBE_RTR)
    cluster.cmd("node1", "scrgadm", "-a", "-t", "TEST.probe", "-f", "/tmp/probe.rtr", check=True)
    cluster.cmd("node1", "scrgadm", "-a", "-g", "p", "-h", "node1,node2,node3", check=True)
    cluster.cmd("node1", "scrgadm", "-a", "-j", "pr", "-g", "p", "-t", "TEST.probe", "-y", "Start_timeout=1",
                "-y", "Stop_timeout=1", check=True)
    yield cluster
    for node in cluster.nodes():
        cluster.lab.sh(node, "rm -f /etc/probe-*")
    for command in (["scswitch", "-F", "-g", "p"], ["scswitch", "-n", "-j", "pr"], ["scswitch", "-u", "-g", "p"],
                    ["scrgadm", "-r", "-j", "pr"], ["scrgadm", "-r", "-g", "p"], ["scrgadm", "-r", "-t", "TEST.probe"]):
        cluster.cmd("node1", *command, check=True)


def tell(cluster, node, method, what):
    cluster.lab.exec(node, "sh", "-c", f"cat >/etc/probe-{method}", input=what)


def states(cluster, group, node="node1"):
    status = cluster.status(node)
    return [cluster.group_state(status, group, n) for n in cluster.nodes()]


# ---- the demo, step by step ----

def test_all_nodes_tell_the_same(cluster):
    outputs = {cluster.cmd(n, "scstat", "-n", "-g", check=True).stdout for n in cluster.nodes()}
    assert len(outputs) == 1
    assert "Group: web-rg              node1               Online" in outputs.pop()


def test_switch_while_a_client_asks(cluster, client):
    began = time.monotonic()
    cluster.cmd("node3", "scswitch", "-z", "-g", GROUP, "-h", "node2", check=True)
    gap = client.gap_after(began, 5)
    assert gap is None or gap["ms"] < 1000
    assert states(cluster, GROUP) == ["OFFLINE", "ONLINE", "OFFLINE"]
    assert cluster.lab.exec("node1", "ip", "-o", "addr").stdout.count("10.88.0.201") == 0


def test_killed_server_restarts_in_place(cluster, client):
    began, wall = time.monotonic(), time.time() * 1000
    cluster.cmd("node1", "pkill", "-9", "-x", "nginx", check=True)

    def restarted(_):
        return any(e.get("msg", {}).get("do") == "rs_restart" and e["w"] >= wall for e in cluster.journal("node1"))

    cluster.wait_for(restarted, timeout=10, why="a restart of the resource")
    cluster.wait_online(GROUP, on="node1")
    gap = client.gap_after(began, 2)        # labprobe tells of gaps of 25 ms and more; it may have been shorter
    assert gap is None or (gap["after"] == "node1" and gap["ms"] < 2000)


def test_server_that_keeps_dying_gives_over(cluster, client):
    cluster.cmd("node1", "scswitch", "-z", "-g", GROUP, "-h", "node3", check=True)
    for _ in range(8):
        cluster.cmd("node3", "pkill", "-9", "-x", "nginx")
        time.sleep(0.3)         # not to wait for a state: a server that dies again soon after it was started
        if states(cluster, GROUP)[2] != "ONLINE":
            break
    where = cluster.wait_online(GROUP)
    assert where != "node3", "Retry_count restarts within Retry_interval, then another node"


def test_crash_of_the_serving_node(cluster, client):
    crash = cluster.lab.crash("node1") / 1e9
    gap = client.moved_after(crash, 10)
    assert gap and gap["after"] == "node2"
    assert gap["ms"] < 2000
    story = cluster.cmd("node2", "cluster", "timeline", "-g", GROUP, "--since", "30", check=True).stdout
    for words in ("node1 lost", "node1 is dead", "online on node2", "Start of web", "web-rg ONLINE on node2"):
        assert words in story


def test_crash_of_the_president(cluster):
    president = cluster.president()
    others = [n for n in cluster.nodes() if n != president]
    cluster.lab.crash(president)
    cluster.wait_members(others, node=others[0])
    cluster.wait_for(lambda s: s["president"] in others, node=others[0], why="a new president")
    cluster.wait_online(GROUP, node=others[0])
    done = cluster.cmd(others[1], "scrgadm", "-a", "-g", "after-crash")
    assert done.returncode == 0, done.stderr
    cluster.cmd(others[1], "scrgadm", "-r", "-g", "after-crash", check=True)


def test_request_survives_its_president(probe):
    """The node that asked sends the request again to the next president."""
    cluster, president = probe, probe.president()
    asker = next(n for n in cluster.nodes() if n != president)
    tell(cluster, asker, "start", "hang")
    tell(cluster, president, "start", "hang")
    waiting = cluster.lab.popen(asker, "scswitch", "-Z", "-g", "p")
    cluster.wait_for(lambda s: "PENDING_ONLINE" in [cluster.group_state(s, "p", n) for n in cluster.nodes()])
    cluster.lab.crash(president)
    assert waiting.wait(40) == 0
    cluster.lab.boot(president)
    cluster.wait_members()


def test_two_of_three_lost_leaves_nobody(cluster):
    cluster.lab.crash("node1")
    cluster.lab.crash("node2")
    end = cluster.lab.wait_end("node3", 10)
    assert end.state == "panicked"
    assert "lost operational quorum" in cluster.log("node3")


def test_node_returns(cluster):
    cluster.lab.crash("node2")
    cluster.wait_members(["node1", "node3"])
    cluster.cmd("node1", "scrgadm", "-c", "-g", GROUP, "-y", "RG_description=changed while node2 was down", check=True)
    cluster.lab.boot("node2")
    cluster.wait_members()
    assert "changed while node2 was down" in cluster.cmd("node2", "scrgadm", "-pvv", check=True).stdout
    tables = {cluster.lab.sh(n, "cat /etc/cluster/ccr/global/rgm_rg_web-rg") for n in cluster.nodes()}
    assert len(tables) == 1


# ---- splits and hangs ----

def test_cut_off_node_dies_and_the_others_serve(cluster, client):
    began = time.monotonic()
    cluster.lab.partition("1|2,3")
    gap = client.moved_after(began, 10)
    assert gap and gap["after"] == "node2"
    assert cluster.lab.wait_end("node1", 5).state == "panicked"


def test_one_interconnect_is_enough(cluster, client):
    for node in cluster.nodes():
        cluster.lab.cut(node, "priv0")
    time.sleep(2)               # longer than any detection; nothing may happen
    assert cluster.wait_members()["epoch"] and states(cluster, GROUP) == ["ONLINE", "OFFLINE", "OFFLINE"]
    assert client.stop()["max_gap_ms"] < 200


@pytest.mark.parametrize("frozen_s", [0, 2])
def test_frozen_node_is_replaced_and_dies_when_it_thaws(cluster, client, frozen_s):
    """Its return disturbs nobody: corosync of the others is busy with it for a while."""
    began = time.monotonic()
    cluster.lab.freeze("node1")
    cluster.wait_online(GROUP, on="node2", node="node2", timeout=15)
    time.sleep(max(0, began + frozen_s - time.monotonic()))
    cluster.lab.thaw("node1")
    assert cluster.lab.wait_end("node1", 5).state == "panicked"
    assert client.moved_after(began, 10)
    with pytest.raises(LabError):
        cluster.lab.wait_end("node2", 2)
    assert cluster.wait_members({"node2", "node3"}, node="node2")["ready"]


@pytest.mark.parametrize("daemon", ["clusterd", "pmfd"])
def test_death_of_a_daemon_ends_its_node(cluster, daemon):
    cluster.cmd("node2", "pkill", "-9", "-o", "-x", daemon)        # may die with its node
    assert cluster.lab.wait_end("node2", 5).state == "panicked"
    assert f'Failfast: Aborting because "{daemon}" died 0 seconds ago.' in cluster.log("node2", "failfastd")
    cluster.wait_members(["node1", "node3"])


@pytest.mark.parametrize("daemon, name, reason", [
    ("clusterd", "failfastd", '"clusterd" did not renew its lease'), ("corosync", "failfastd", '"clusterd" did not renew its lease'),
    ("pmfd", "failfastd", '"pmfd" did not renew its lease'), ("failfastd", "clusterd", '"failfastd" stands still')])
def test_daemon_that_stands_still_ends_its_node(cluster, daemon, name, reason):
    cluster.cmd("node2", "pkill", "-STOP", "-o", "-x", daemon)
    assert cluster.lab.wait_end("node2", 9).state == "panicked"
    assert reason in cluster.log("node2", name).splitlines()[-1]
    cluster.wait_members(["node1", "node3"])


def test_failfastd_killed_ends_its_node(cluster):
    cluster.cmd("node2", "pkill", "-9", "-x", "failfastd")
    assert cluster.lab.wait_end("node2", 5).state == "panicked"
    assert '"failfastd" died' in cluster.log("node2")
    cluster.wait_members(["node1", "node3"])


def test_corosync_killed_ends_its_node(cluster):
    cluster.cmd("node3", "pkill", "-9", "-x", "corosync")
    assert cluster.lab.wait_end("node3", 5).state == "panicked"


def test_orderly_stop_moves_groups_and_panics_nobody(cluster, client):
    cluster.cmd("node1", "pkill", "-TERM", "-x", "clusterd", check=True)
    cluster.wait_members(["node2", "node3"], node="node2", timeout=15)
    cluster.wait_online(GROUP, node="node2")
    assert cluster.lab.status("node1").state == "up"
    assert "left the cluster in order" in cluster.log("node1")
    cluster.lab.reboot("node1")
    cluster.wait_members()


# ---- methods ----

def test_method_that_hangs(probe):
    tell(probe, "node1", "start", "hang")
    done = probe.cmd("node1", "scswitch", "-Z", "-g", "p")
    assert done.returncode == 0, done.stderr
    assert states(probe, "p") == ["OFFLINE", "ONLINE", "OFFLINE"]
    assert "Method <start> on resource <pr>, resource group <p>: Timeout." in probe.log("node1")
    assert "sleep 1000" not in probe.lab.sh("node1", "ps -eo args")


def test_method_that_fails_everywhere(probe):
    for node in probe.nodes():
        tell(probe, node, "start", "fail")
    done = probe.cmd("node2", "scswitch", "-Z", "-g", "p")
    assert done.returncode != 0 and "did not come online" in done.stderr
    assert states(probe, "p") == ["OFFLINE"] * 3
    assert probe.log("node1").count("Method <start> failed on resource <pr>") == 2, "two tries a node, then it rests"
    assert "told to fail" in probe.log("node1")
    for node in probe.nodes():
        tell(probe, node, "start", "")
    probe.cmd("node2", "scswitch", "-Z", "-g", "p", check=True)
    assert states(probe, "p") == ["ONLINE", "OFFLINE", "OFFLINE"]


def test_stop_that_fails_locks_the_group(probe):
    probe.cmd("node1", "scswitch", "-Z", "-g", "p", check=True)
    tell(probe, "node1", "stop", "fail")
    done = probe.cmd("node1", "scswitch", "-z", "-g", "p", "-h", "node2")
    assert done.returncode != 0
    assert states(probe, "p") == ["ERROR_STOP_FAILED", "OFFLINE", "OFFLINE"], "it must not start elsewhere"
    done = probe.cmd("node1", "scswitch", "-z", "-g", "p", "-h", "node2")
    assert done.returncode != 0 and "scswitch -c" in done.stderr
    tell(probe, "node1", "stop", "")
    probe.cmd("node1", "scswitch", "-c", "-h", "node1", "-j", "pr", "-f", "STOP_FAILED", check=True)
    probe.cmd("node1", "scswitch", "-z", "-g", "p", "-h", "node2", check=True)
    assert states(probe, "p") == ["OFFLINE", "ONLINE", "OFFLINE"]


def test_methods_get_the_documented_arguments(probe):
    probe.cmd("node1", "scswitch", "-Z", "-g", "p", check=True)
    assert probe.lab.sh("node1", "cat /var/log/probe.log") == "/opt/probe/start -R pr -T TEST.probe -G p\n"


# ---- configuration ----

def test_rtr_file_with_an_error(cluster):
    cluster.lab.exec("node1", "sh", "-c", "cat >/tmp/bad.rtr",
                     input="RESOURCE_TYPE = bad;\nSTART = /bin/true;\nSTOP /bin/true;\n")
    done = cluster.cmd("node1", "scrgadm", "-a", "-t", "bad", "-f", "/tmp/bad.rtr")
    assert done.returncode != 0 and "/tmp/bad.rtr:3:" in done.stderr


def test_damaged_table_is_taken_from_a_member(cluster):
    table = "/etc/cluster/ccr/global/rgm_rg_web-rg"
    good = cluster.lab.sh("node2", f"cat {table}")
    cluster.lab.crash("node3")
    cluster.wait_members(["node1", "node2"])
    with open(cluster.lab.disk_path("node3", table), "r+") as copy:
        copy.seek(200)
        copy.write("damage")
    cluster.lab.boot("node3")
    cluster.wait_members()
    assert cluster.lab.sh("node3", f"cat {table}") == good
    assert "checksum is wrong" in cluster.log("node3")
    assert "damage" in cluster.lab.sh("node3", f"cat {table}.damaged")


def test_damaged_infrastructure_is_refused_with_the_cure(cluster):
    lab, table = cluster.lab, "/etc/cluster/ccr/global/infrastructure"
    lab.crash("node3")
    path = lab.disk_path("node3", table)
    with open(path) as copy:
        good = copy.read()
    try:
        with open(path, "w") as copy:
            copy.write(good.replace("node3", "node9"))
        lab.boot("node3")
        cluster.wait_members(["node1", "node2"])
        for command in (["cluster", "corosync-conf"], ["/usr/cluster/lib/sc/clusterd", "-n"]):
            done = cluster.cmd("node3", *command)
            assert done.returncode != 0 and "checksum is wrong" in done.stderr, done.stderr
            assert "another node" in done.stderr, "the cure"
    finally:
        lab.exec("node3", "sh", "-c", f"cat >{table}", input=good)
        lab.reboot("node3")
    cluster.wait_members()


def test_full_disk_refuses_a_change_whole(cluster):
    lab = cluster.lab
    lab.small_disk("node2", "/etc/cluster", "256K")
    try:
        lab.sh("node2", "cat /dev/zero >/etc/cluster/fill 2>/dev/null || true")
        before = lab.sh("node1", "cat /etc/cluster/ccr/global/rgm_rg_web-rg")
        done = cluster.cmd("node1", "scrgadm", "-c", "-g", GROUP, "-y", "RG_description=" + "x" * 20000)
        assert done.returncode != 0
        assert "node 2 cannot store it: No space left on device; nothing was changed" in done.stderr
        assert {lab.sh(n, "cat /etc/cluster/ccr/global/rgm_rg_web-rg") for n in cluster.nodes()} == {before}
        assert lab.status("node2").state == "up"
        lab.sh("node2", "rm /etc/cluster/fill")
        cluster.cmd("node1", "scrgadm", "-c", "-g", GROUP, "-y", "RG_description=fits", check=True)
    finally:
        lab.crash("node2")      # the small disk goes with it; the one below is older, and is brought up to date


def test_commands_without_a_cluster(cluster):
    cluster.lab.crash("node1")
    cluster.lab.crash("node2")
    cluster.lab.wait_end("node3", 10)
    cluster.lab.boot("node3")
    deadline = time.monotonic() + 20
    while True:
        done = cluster.cmd("node3", "scstat", "-n")
        if "waiting for quorum" in done.stderr:
            break
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.05)
    assert done.returncode == 0 and "Cluster node:     node1               Offline" in done.stdout
    done = cluster.cmd("node3", "scswitch", "-F", "-g", GROUP)
    assert done.returncode != 0 and "not a member" in done.stderr


def test_one_node_cluster_needs_no_corosync(lab_name):
    cluster = Cluster(Lab(lab_name[:26] + "-1"), str(BUILD / "stage"))
    try:
        cluster.up(nodes=1)
        cluster.web(GROUP, "app1")
        client = Client(cluster.lab, "app1:80")
        assert client.wait("first", timeout=10)["body"] == "node1"
        client.stop()
    finally:
        cluster.lab.down()


def test_everyday_commands(probe):
    """Every form of scswitch and scrgadm on a living group, from different nodes."""
    def on(node, *command):
        return probe.cmd(node, *command, check=True).stdout

    def calls():
        text = probe.lab.sh("node2", "cat /var/log/probe.log 2>/dev/null; rm -f /var/log/probe.log")
        return [line.split()[0].rsplit("/", 1)[1] for line in text.splitlines()]

    def state():
        return [n["state"] for g in probe.status()["groups"] if g["name"] == "p" for r in g["resources"]
                for n in r["nodes"]]

    on("node3", "scswitch", "-Z", "-g", "p")
    on("node1", "scswitch", "-z", "-g", "p", "-h", "node2")
    assert calls() == ["start"] and states(probe, "p") == ["OFFLINE", "ONLINE", "OFFLINE"]
    on("node1", "scswitch", "-R", "-h", "node2", "-g", "p")
    assert calls() == ["stop", "start"]
    on("node3", "scswitch", "-n", "-j", "pr")
    assert calls() == ["stop"] and state() == ["OFFLINE"] * 3 and states(probe, "p")[1] == "ONLINE"
    on("node2", "scrgadm", "-c", "-j", "pr", "-y", "Start_timeout=33")
    assert "33" in on("node3", "scrgadm", "-pvv", "-j", "pr")
    on("node3", "scswitch", "-e", "-j", "pr")
    assert calls() == ["start"] and state()[1] == "ONLINE"
    on("node3", "scswitch", "-n", "-M", "-j", "pr")
    assert state()[1] == "ONLINE_NOT_MONITORED" and calls() == []
    on("node3", "scswitch", "-e", "-M", "-j", "pr")
    on("node1", "scswitch", "-S", "-h", "node2")
    assert states(probe, "p")[1] == "OFFLINE" and "ONLINE" in states(probe, "p")
    on("node1", "scswitch", "-F", "-g", "p")
    assert states(probe, "p") == ["OFFLINE"] * 3
    refused = probe.cmd("node1", "scrgadm", "-r", "-g", "p")
    assert refused.returncode != 0 and "still has resource pr" in refused.stderr
    refused = probe.cmd("node1", "scswitch", "-z", "-g", "p", "-h", "node9")
    assert refused.returncode != 0 and "node9" in refused.stderr
