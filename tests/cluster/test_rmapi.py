"""An agent in shell as one is written for the RMAPI, on three real nodes: its methods ask for what they need, its fault monitor
gives the group over, and administrators see what it says."""

import os

import pytest

from conftest import BUILD

from clusterlab_lib import Lab
from cluster_lab import Cluster

RTR = """RESOURCE_TYPE = "ticker";
VENDOR_ID = ACME;
RT_VERSION = "1";
API_VERSION = 2;
FAILOVER = TRUE;
RT_BASEDIR = /opt/ticker;
START = start; STOP = stop; MONITOR_START = mstart; MONITOR_STOP = mstop; MONITOR_CHECK = mcheck; VALIDATE = validate;
#$upgrade
{ PROPERTY = Start_timeout; MIN = 5; DEFAULT = 30; }
{ PROPERTY = Stop_timeout; MIN = 5; DEFAULT = 30; }
{ PROPERTY = Failover_mode; DEFAULT = SOFT; TUNABLE = ANYTIME; }
{ PROPERTY = Retry_count; DEFAULT = 2; TUNABLE = ANYTIME; }
{ PROPERTY = Retry_interval; DEFAULT = 300; TUNABLE = ANYTIME; }
{ PROPERTY = Word; EXTENSION; PER_NODE; STRING; DEFAULT = "tick"; TUNABLE = ANYTIME; DESCRIPTION = "what it says"; }
"""
NEXT = RTR.replace('RT_VERSION = "1"', 'RT_VERSION = "2"').replace("#$upgrade\n", '#$upgrade\n#$upgrade_from "1" ANYTIME\n')

COMMON = r"""#!/bin/sh
PATH=/usr/cluster/bin:/usr/cluster/lib/sc:/usr/bin:/bin
all="$*"
while getopts R:T:G:Z:r:x:X:g:cu option; do
    case $option in R) R=$OPTARG ;; T) T=$OPTARG ;; G) G=$OPTARG ;; esac
done
say() { scds_syslog -p info -t "SC[$T,$G,$R,$(basename "$0")]" -m "$@"; }
base=$(scha_resource_get -O RT_BASEDIR -R "$R" -G "$G")
"""
METHODS = {
    "start": r"""
if test -f /etc/ticker-refuse; then
    scha_control -O IGNORE_FAILED_START -G "$G" -R "$R"; echo "ignore $?" >>/var/log/ticker
    exit 1
fi
word=$(scha_resource_get -O EXTENSION -R "$R" -G "$G" Word | sed -n 2p)
pmfadm -c "$G,$R,0.svc" -n 0 sleep 100000 || exit 1
scha_resource_setstatus -R "$R" -G "$G" -s OK -m "$word on $(scha_cluster_get -O NODENAME_LOCAL)" || exit 1
say "started with %s" "$word"
""",
    "stop": 'pmfadm -q "$G,$R,0.svc" && pmfadm -s "$G,$R,0.svc" -w 10 KILL\nexit 0\n',
    "mstart": 'pmfadm -c "$G,$R,0.mon" -n 0 "$base/probe" -R "$R" -G "$G" -T "$T"\n',
    "mstop": 'pmfadm -q "$G,$R,0.mon" && pmfadm -s "$G,$R,0.mon" -w 10 KILL\nexit 0\n',
    "mcheck": "test ! -f /etc/ticker-unfit\n",
    "validate": 'echo "validate $all" >>/var/log/ticker\n',
    # A monitor that is told what it sees: it waits for a word in a pipe.
    "probe": r"""
test -p /run/ticker-probe || mkfifo /run/ticker-probe
while read -r tag </run/ticker-probe; do
    scha_control -O "$tag" -G "$G" -R "$R" 2>/run/ticker-why
    echo "$tag $?" >>/var/log/ticker
done
""",
}


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster(Lab(f"rmapi-{os.getpid()}"), str(BUILD / "stage"))
    try:
        cluster.up(nodes=3)
        for node in cluster.nodes():
            cluster.lab.sh(node, "mkdir -p /opt/ticker")
            for name, body in METHODS.items():
                cluster.lab.exec(node, "sh", "-c", f"cat >/opt/ticker/{name}; chmod 755 /opt/ticker/{name}", input=COMMON + body)
        cluster.lab.exec("node1", "sh", "-c", "cat >/tmp/ticker.rtr", input=RTR)
        cluster.lab.exec("node1", "sh", "-c", "cat >/tmp/ticker2.rtr", input=NEXT)
        do(cluster, "scrgadm -a -t ACME.ticker:1 -f /tmp/ticker.rtr")
        do(cluster, "scrgadm -a -g t-rg -h node1,node2,node3")
        do(cluster, "scrgadm -a -j t -g t-rg -t ACME.ticker:1 -x Word{node2}=tock -x Word=tick")
        do(cluster, "scswitch -Z -g t-rg")
        yield cluster
    finally:
        cluster.lab.down()


def do(cluster, line, node="node1"):
    return cluster.cmd(node, *line.split(), check=True).stdout


def get(cluster, line, node="node1"):
    done = cluster.cmd(node, *line.split())
    return done.returncode, done.stdout.splitlines()


def log(cluster, node):
    return cluster.cmd(node, "cat", "/var/log/ticker").stdout.splitlines()


def logged(cluster, node, line):
    cluster.lab.sh(node, f"until grep -qx '{line}' /var/log/ticker; do sleep 0.02; done", timeout=20)


def at_home(cluster):
    """Online on node1, whatever the last test left, and nobody is told anything."""
    for node in cluster.nodes():
        cluster.lab.sh(node, "rm -f /etc/ticker-*")
    if get(cluster, "scha_resourcegroup_get -O RG_STATE -G t-rg") != (0, ["ONLINE"]):
        do(cluster, "scswitch -F -g t-rg")
        do(cluster, "scswitch -z -g t-rg -h node1")
    for node in cluster.nodes():
        cluster.lab.sh(node, ": >/var/log/ticker")


def test_what_every_node_is_told(cluster):
    for node in cluster.nodes():
        assert get(cluster, "scha_resourcegroup_get -O RG_STATE_NODE -G t-rg node1", node) == (0, ["ONLINE"])
        assert get(cluster, "scha_resource_get -O STATUS_NODE -R t node1", node) == (0, ["OK", "tick on node1"])
        assert get(cluster, "scha_resource_get -O TYPE -R t", node) == (0, ["ACME.ticker:1"])
        assert get(cluster, "scha_resource_get -O EXTENSION_NODE -R t Word node2", node) == (0, ["STRING", "tock"])
        assert get(cluster, "scha_cluster_get -O NODESTATE_NODE node3", node) == (0, ["UP"])
        assert get(cluster, "scha_cluster_get -O ALL_RESOURCEGROUPS", node) == (0, ["t-rg"])
        assert get(cluster, "scha_cluster_get -O NODENAME_LOCAL", node) == (0, [node])
        assert get(cluster, "scha_resourcetype_get -O INSTALLED_NODES -T ticker", node) == (0, ["*"])
    assert get(cluster, "scha_resource_get -O RESOURCE_STATE -R t", "node2") == (0, ["OFFLINE"])
    assert get(cluster, "scha_resource_get -O EXTENSION -R t Word", "node2") == (0, ["STRING", "tock"])
    assert get(cluster, "scha_cluster_get -O PRIVATELINK_HOSTNAME_NODE node2")[0] == 0


def test_validate_heard_of_the_node(cluster):
    at_home(cluster)
    do(cluster, "scrgadm -c -j t -x Word{node3}=tack")
    assert any(line.endswith("-G t-rg -X Word{3}=tack") and "-u -R t" in line for line in log(cluster, "node1"))
    assert get(cluster, "scha_resource_get -O EXTENSION -R t Word", "node3") == (0, ["STRING", "tack"])


def test_restarts_are_counted(cluster):
    at_home(cluster)
    before = int(get(cluster, "scha_resource_get -O NUM_RESOURCE_RESTARTS -R t")[1][0])
    assert get(cluster, "scha_control -O RESOURCE_RESTART -G t-rg -R t") == (0, [])
    assert get(cluster, "scha_control -O RESOURCE_IS_RESTARTED -G t-rg -R t") == (0, [])
    assert get(cluster, "scha_resource_get -O NUM_RESOURCE_RESTARTS -R t") == (0, [str(before + 2)])
    assert get(cluster, "scha_resource_get -O NUM_RESOURCE_RESTARTS -R t", "node2") == (0, ["0"])
    assert get(cluster, "scha_control -O CHECK_RESTART -G t-rg -R t") == (0, [])


@pytest.mark.parametrize("line, code", [
    ("scha_control -O RESTART -G t-rg -R nobody", 14), ("scha_control -O RESTART -G nobody -R t", 12),
    ("scha_resource_setstatus -R nobody -G t-rg -s OK", 14), ("scha_resource_setstatus -R t -G nobody -s OK", 12),
    ("scha_control -O CHANGE_STATE_ONLINE -G t-rg -R t", 15), ("scha_control -O IGNORE_FAILED_START -G t-rg -R t", 9),
    ("scha_resource_get -O RETRY_COUNT -R nobody", 14), ("scha_resourcegroup_get -O RG_STATE -G nobody", 12),
    ("scha_resourcetype_get -O START -T nobody", 13), ("scha_resource_get -O CHEAP_PROBE_INTERVAL -R t", 15)])
def test_refused(cluster, line, code):
    at_home(cluster)
    assert get(cluster, line)[0] == code


def test_only_where_the_group_is_online(cluster):
    at_home(cluster)
    assert get(cluster, "scha_control -O RESTART -G t-rg -R t", "node2")[0] == 9


# The monitor is stopped while its request is carried out, so it does not live to write the answer down.
def test_monitor_gives_over(cluster):
    at_home(cluster)
    cluster.lab.sh("node2", "touch /etc/ticker-unfit")
    cluster.lab.sh("node1", "echo CHECK_GIVEOVER >/run/ticker-probe")
    logged(cluster, "node1", "CHECK_GIVEOVER 0")
    assert get(cluster, "scha_resourcegroup_get -O RG_STATE -G t-rg") == (0, ["ONLINE"])
    cluster.lab.sh("node1", "echo GIVEOVER >/run/ticker-probe")
    cluster.wait_online("t-rg", on="node3", timeout=20)
    assert get(cluster, "scha_resource_get -O STATUS -R t", "node3") == (0, ["OK", "tack on node3"])


def test_nobody_is_fit(cluster):
    at_home(cluster)
    for node in ("node2", "node3"):
        cluster.lab.sh(node, "touch /etc/ticker-unfit")
    cluster.lab.sh("node1", "echo GIVEOVER >/run/ticker-probe")
    logged(cluster, "node1", "GIVEOVER 16")
    assert "no other node can take" in cluster.cmd("node1", "cat", "/run/ticker-why").stdout
    assert get(cluster, "scha_resourcegroup_get -O RG_STATE -G t-rg") == (0, ["ONLINE"])


def test_a_start_that_shall_not_move_the_group(cluster):
    at_home(cluster)
    cluster.lab.sh("node1", "touch /etc/ticker-refuse")
    cluster.cmd("node1", "scswitch", "-R", "-h", "node1", "-g", "t-rg")
    assert "ignore 0" in log(cluster, "node1")
    assert get(cluster, "scha_resourcegroup_get -O RG_STATE -G t-rg") == (0, ["ONLINE_FAULTED"])
    assert get(cluster, "scha_resource_get -O RESOURCE_STATE -R t") == (0, ["START_FAILED"])


def test_the_next_version(cluster):
    at_home(cluster)
    do(cluster, "scrgadm -a -t ACME.ticker:2 -f /tmp/ticker2.rtr")
    do(cluster, "scrgadm -c -j t -y Type_version=2")
    assert get(cluster, "scha_resource_get -O TYPE -R t", "node2") == (0, ["ACME.ticker:2"])
    assert get(cluster, "scha_resource_get -O TYPE_VERSION -R t") == (0, ["2"])
    assert get(cluster, "scha_resource_get -O EXTENSION -R t Word", "node2") == (0, ["STRING", "tock"])
    assert get(cluster, "scha_resource_get -O RESOURCE_STATE -R t") == (0, ["ONLINE"])


def test_disable(cluster):
    at_home(cluster)
    assert get(cluster, "scha_control -O RESOURCE_DISABLE -G t-rg -R t") == (0, [])
    assert get(cluster, "scha_resource_get -O ON_OFF_SWITCH -R t", "node3") == (0, ["DISABLED"])
    assert get(cluster, "scha_resource_get -O RESOURCE_STATE -R t") == (0, ["OFFLINE"])
    do(cluster, "scswitch -e -j t")
