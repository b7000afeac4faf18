"""cldevice, clnode, clquorum, cluster, scconf, scshutdown and scstat -q against a stand-in for clusterd: each form, each option."""

import json
import re
import time

import pytest
from clusterd_double import ClusterdDouble, Error
from command_samples import NOT_MEMBER
from membership_samples import DISK_ROWS, DISKS, OWN_TABLE, POORLY, TABLE, WELL, answers
from test_commands import SOURCE, golden, root, run, words     # noqa: F401

SC_REFUSED, SC_USAGE = 1, 2
OK, CL_EINVAL, CL_ERECONF, CL_EACCESS, CL_ESTATE, CL_EMETHOD, CL_EPROP, CL_EINTERNAL = 0, 3, 5, 6, 9, 10, 15, 18
CL_TIMEOUT, CL_EIO, CL_ENOENT, CL_EOP, CL_EEXIST, CL_ETYPE, CL_ENOTCLMODE = 31, 35, 36, 37, 39, 41, 51


# ---- listings: the command line, the golden file, and what clusterd says ----

LISTINGS = [
    ("clnode list", "clnode-list", WELL), ("clnode list +", "clnode-list", WELL), ("clnode list -v", "clnode-list-v", WELL),
    ("cln list --verbose", "clnode-list-v", WELL), ("clnode list 2", "clnode-list-2", WELL),
    ("clnode show", "clnode-show", WELL), ("clnode show alpha", "clnode-show-alpha", WELL),
    ("clnode show -v beta", "clnode-show-v", POORLY),
    ("clnode status", "clnode-status", WELL), ("clnode status beta", "clnode-status-beta", WELL),
    ("clnode status -m", "clnode-status-m", WELL), ("clnode status -v", "clnode-status-v", WELL),
    ("clquorum list", "clquorum-list", WELL), ("clquorum list -v", "clquorum-list-v", WELL),
    ("clq list -v -t node", "clquorum-list-node", WELL), ("clq list --type=shared_disk,node -n beta", "clquorum-list-beta", POORLY),
    ("clquorum show", "clquorum-show", WELL), ("clquorum show -v d4", "clquorum-show-v", WELL),
    ("clquorum show -t shared_disk", "clquorum-show-d4", WELL), ("clquorum show -n alpha -t quorum_server", "clquorum-show-qs1", POORLY),
    ("clquorum status -n beta", "clquorum-status-n", POORLY),
    ("clquorum status", "clquorum-status", WELL), ("clquorum status d4", "clquorum-status-d4", WELL),
    ("clquorum status -v -t scsi3", "clquorum-status-v", WELL),
    ("cldevice list", "cldevice-list", POORLY), ("cldevice list -v", "cldevice-list-v", POORLY),
    ("cldev list -n beta +", "cldevice-list-beta", POORLY), ("cldevice list --node=beta", "cldevice-list-beta", POORLY),
    ("cldevice list", "cldevice-list-none", WELL),
    ("cldevice show", "cldevice-show", POORLY), ("cldev show -v lun1", "cldevice-show-v", POORLY),
    ("cldevice show -n beta", "cldevice-show-beta", POORLY),
    ("cldevice status", "cldevice-status", POORLY), ("cldevice status -v", "cldevice-status-v", POORLY),
    ("cldevice status -n beta", "cldevice-status-beta", POORLY), ("cldev status d6", "cldevice-status-beta", POORLY),
    ("cldevice status -s fail,Unmonitored", "cldevice-status-s", POORLY),
    ("cldevice status --state=Unknown", "cldevice-status-none", POORLY),
    ("cldevice status", "cldevice-status-none", WELL),
    ("cluster status -t dev", "cldevice-status", POORLY), ("cluster show -t device", "cldevice-show", POORLY),
    ("cluster list", "cluster-list", WELL), ("cluster list demo", "cluster-list", WELL),
    ("cluster show", "cluster-show", WELL), ("cluster show -v -t node,quorum demo", "cluster-show-v", POORLY),
    ("cluster show -t global", "cluster-show-global", WELL), ("cluster show-netprops", "cluster-show-netprops", WELL),
    ("cluster show -t rt,rg", "cluster-show-rt-rg", WELL), ("cluster show -v -t resourcegroup", "cluster-show-v-rg", WELL),
    ("cluster show -t rs", "cluster-show-rs", WELL), ("cluster show -v -t rslh", "cluster-show-v-rslh", WELL),
    ("cluster show -t ressharedaddress", "cluster-show-rssa", WELL),
    ("cluster status -t rslh", "cluster-status-rslh", WELL), ("cluster status -t rssa", "cluster-status-rssa", WELL),
    ("cluster status", "cluster-status", WELL), ("cluster status +", "cluster-status", WELL),
    ("cluster status -v", "cluster-status-v", POORLY), ("cluster status -t rg,rs", "cluster-status-rg-rs", WELL),
    ("cluster status --type=node,intr,quorum,dg", "cluster-status-not-rg", WELL),
    ("cluster status --short", "cluster-status-short-devices", POORLY),
    ("scstat -q", "scstat-q-devices", WELL), ("scstat -qv", "scstat-q-devices-v", POORLY), ("scstat -nv", "scstat-n-v", POORLY),
    ("scstat -q -h beta", "scstat-q-h", POORLY), ("scstat -W", "scstat-W-online", WELL),
    ("scconf -p", "scconf-p", WELL), ("scconf -pv", "scconf-pv", WELL), ("scconf -p -vv", "scconf-pv", WELL),
]


@pytest.mark.parametrize("line, name, status", LISTINGS, ids=[row[0] for row in LISTINGS])
def test_listing(line, name, status, root, run):
    with ClusterdDouble(root, answers(status)):
        got = run(*words(line))
    assert (got.returncode, re.sub(r".*is quarantined.*\n", "", got.stderr)) == (OK, "")
    golden(name + ".txt", got.stdout)


def test_documented_samples(root, run):
    """The samples of the documentation, line for line."""
    with ClusterdDouble(root, answers(POORLY)):
        assert run("cldevice", "status", "-n", "beta").stdout == """\
=== Cluster DID Devices ===

Device Instance             Node                Status
---------------             ----                ------
d6                          alpha               Ok
                            beta                Fail

"""
    with ClusterdDouble(root, answers()):
        assert run("clnode", "status").stdout == """\
=== Cluster Nodes ===

--- Node Status ---

Node Name                                       Status
---------                                       ------
alpha                                           Online
beta                                            Online

"""
        assert run("clquorum", "status").stdout == """\
=== Cluster Quorum ===

--- Quorum Votes Summary ---

            Needed   Present   Possible
            ------   -------   --------
            2        3         3

--- Quorum Votes by Node ---

Node Name        Present       Possible       Status
---------        -------       --------       ------
alpha            1             1              Online
beta             1             1              Online

--- Quorum Votes by Device ---

Device Name      Present       Possible       Status
-----------      -------       --------       ------
d4               1             1              Online

"""
        shown = run("clquorum", "show").stdout
        assert shown.startswith("""\
=== Cluster Nodes ===

Node Name:                                      alpha
  Node ID:                                        1
  Quorum Vote Count:                              1
  Reservation Key:                                0x3908EE1C00000001

""")
        assert shown.endswith("""\
=== Quorum Devices ===

Quorum Device Name:                             d4
  Enabled:                                        yes
  Votes:                                          1
  Global Name:                                    /dev/did/rdsk/d4s2
  Type:                                           shared_disk
  Access Mode:                                    scsi3
  Hosts (enabled):                                alpha, beta

""")


@pytest.mark.parametrize("line, want", [
    ("cluster list --json", lambda j: j == ["demo"]),
    ("cluster show --json", lambda j: j["configuration"]["cluster.name"] == "demo" and len(j["nodes"]) == 2),
    ("cluster show --json -t rt", lambda j: [t["name"] for t in j["config"]["types"]] == ["SUNW.LogicalHostname:3", "ACME.db"]),
    ("cluster show-netprops --json", lambda j: j["private_net_number"] == "172.16.0.0"),
    ("cluster status --json", lambda j: j == POORLY),
    ("cluster status --json -t rg", lambda j: set(j) == {"groups"}),
    ("cluster timers --json", lambda j: [s["name"] for s in j["timeline"]][-1] == "takeover"),
    ("cldevice list --json", lambda j: [d["name"] for d in j] == ["d6", "lun1"]),
    ("cldevice status --json d6", lambda j: (j[0]["keys"], j[0]["status"]) == (["alpha"], "Fail")),
    ("cldevice status --json -s unmonitored", lambda j: [d["name"] for d in j] == ["lun1"]),
    ("cldevice show --json -n beta", lambda j: [d["name"] for d in j] == ["d6"]),
    ("cluster status --json -t device", lambda j: [d["name"] for d in j["disks"]] == ["d6", "lun1"]),
    ("clnode list --json", lambda j: [n["name"] for n in j] == ["alpha", "beta"]),
    ("clnode status --json 2", lambda j: [n["quarantined"] for n in j] == [True]),
    ("clnode show --json alpha", lambda j: j[0]["configuration"]["properties.private_hostname"] == "clusternode1-priv"),
    ("clquorum list --json -t quorum_server", lambda j: [d["name"] for d in j["devices"]] == ["qs1"] and j["nodes"] == []),
    ("clquorum status --json", lambda j: (j["possible"], len(j["nodes"]), len(j["devices"])) == (2, 2, 2)),
    ("clquorum show --json d4", lambda j: j["devices"][0]["keys"] == ["alpha", "beta"]),
])
def test_json(line, want, root, run):
    with ClusterdDouble(root, answers(POORLY)):
        got = run(*words(line))
    assert got.returncode == OK
    assert want(json.loads(got.stdout))


def test_a_node_in_quarantine_is_said(root, run):
    with ClusterdDouble(root, answers(POORLY)):
        for line in ("clnode status", "clquorum status"):
            assert "Node beta is quarantined: it may not join until clnode unquarantine\n" in run(*words(line)).stderr


def test_install_mode_is_said(root, run):
    status = {**WELL, "quorum": {**WELL["quorum"], "installmode": True}}
    with ClusterdDouble(root, answers(status)):
        for line in ("scstat -q", "clnode status", "clquorum status", "cluster status"):
            assert "The cluster is in install mode, without default votes, until" in run(*words(line)).stderr
        assert run("cluster", "status", "--short").stderr == ""


# ---- changes: the command line, and the requests that it becomes ----

def add(name, type_="shared_disk", path=None, **more):
    return {"op": "quorum_add", "name": name, "type": type_, "props": {"path": path} if path else {}, **more}


def disk(name, type_="scsi3", more={}, **props):
    return {"op": "disk_add", "name": name, "type": type_, "props": props, **more}


REQUESTS = [
    ("clnode set -p privatehostname=ha1 alpha", [{"op": "node_set", "node": "alpha", "props": {"privatehostname": "ha1"}}]),
    ("clnode set --property=globalzoneshares=2 +", [{"op": "node_set", "node": n, "props": {"globalzoneshares": "2"}}
                                                    for n in ("alpha", "beta")]),
    ("clnode evacuate 2", [{"op": "evacuate", "node": "beta"}]),
    ("clnode evacuate -T 30 beta", [{"op": "evacuate", "node": "beta", "seconds": 30}]),
    ("clnode remove beta", [{"op": "node_remove", "node": "beta"}]),
    ("clnode clear beta", [{"op": "node_remove", "node": "beta"}]),
    ("clnode unquarantine alpha beta", [{"op": "node_unquarantine", "node": n} for n in ("alpha", "beta")]),
    ("clnode create-loadlimit -p limitname=mem -p softlimit=11 -p hardlimit=20 alpha beta",
     [{"op": "loadlimit_create", "node": n, "limit": "mem", "soft": "11", "hard": "20"} for n in ("alpha", "beta")]),
    ("clnode create-loadlimit --property LimitName=mem,hardlimit=20 +",
     [{"op": "loadlimit_create", "node": n, "limit": "mem", "hard": "20"} for n in ("alpha", "beta")]),
    ("clquorum add d5", [add("d5", path="/dev/did/rdsk/d5s2")]),
    ("clquorum add /dev/disk/by-id/wwn-1 d5", [add("wwn-1", path="/dev/disk/by-id/wwn-1"), add("d5", path="/dev/did/rdsk/d5s2")]),
    ("clquorum add -t scsi3 -p path=/dev/sdb -n alpha,beta -F disk1",
     [add("disk1", "scsi3", "/dev/sdb", nodes=["alpha", "beta"], force=True)]),
    ("clquorum add --type quorum_server -p qshost=10.1.1.9 -p port=9000 qs2",
     [{"op": "quorum_add", "name": "qs2", "type": "quorum_server", "props": {"host": "10.1.1.9", "port": "9000"}}]),
    ("clquorum add -t quorum_server -p qshost=10.1.1.9,port=9000 qs2",
     [{"op": "quorum_add", "name": "qs2", "type": "quorum_server", "props": {"host": "10.1.1.9", "port": "9000"}}]),
    ("clquorum add -p path=/dev/a,b,c disk1", [add("disk1", path="/dev/a,b,c")]),
    ("clquorum remove d4", [{"op": "quorum_remove", "name": "d4"}]),
    ("clquorum remove +", [{"op": "quorum_remove", "name": n} for n in ("d4", "qs1")]),
    ("clquorum disable d4", [{"op": "quorum_disable", "name": "d4"}]),
    ("clquorum disable beta qs1", [{"op": "quorum_disable", "name": "qs1"}, {"op": "node_maintain", "node": "beta"}]),
    ("clquorum disable -t shared_disk +", [{"op": "quorum_disable", "name": "d4"}]),
    ("clquorum remove -t quorum_server +", [{"op": "quorum_remove", "name": "qs1"}]),
    ("clquorum enable qs1", [{"op": "quorum_enable", "name": "qs1"}]),
    ("clquorum enable beta", [{"op": "node_reset", "node": "beta"}]),
    ("clquorum enable -t quorum_server +", [{"op": "quorum_enable", "name": "qs1"}]),
    ("clquorum reset", [{"op": "quorum_reset"}]),

    ("cldevice add -p path=/dev/sdb disk1", [disk("disk1", path="/dev/sdb")]),
    ("cldevice add /dev/disk/by-id/wwn-1", [disk("wwn-1", path="/dev/disk/by-id/wwn-1")]),
    ("cldev add --type=scsi3 --property path=/dev/sdb,default_fencing=nofencing --node alpha,beta --force disk1",
     [disk("disk1", path="/dev/sdb", default_fencing="nofencing", more={"nodes": ["alpha", "beta"], "force": True})]),
    ("cldevice add -t iscsi -p portal=10.1.1.9,target=iqn.2026-11.test:data,lun=2 -n alpha,beta lun2",
     [disk("lun2", "iscsi", portal="10.1.1.9", target="iqn.2026-11.test:data", lun="2", more={"nodes": ["alpha", "beta"]})]),
    ("cldevice add -t iscsi lun2", [disk("lun2", "iscsi")]),
    ("cldevice remove d6", [{"op": "disk_remove", "name": "d6"}]),
    ("cldevice remove +", [{"op": "disk_remove", "name": n} for n in ("d6", "lun1")]),
    ("cldevice set -p default_fencing=nofencing d6", [{"op": "disk_set", "name": "d6", "props": {"default_fencing": "nofencing"}}]),
    ("cldev set --property=default_fencing=global +", [{"op": "disk_set", "name": n, "props": {"default_fencing": "global"}}
                                                      for n in ("d6", "lun1")]),

    ("cluster set -p installmode=disabled", [{"op": "installmode", "enabled": False}]),
    ("cluster set -p installmode=enabled -p takeover_time=960 demo",
     [{"op": "installmode", "enabled": True}, {"op": "cluster_set", "props": {"takeover_time": "960"}}]),
    ("cluster set --property global_fencing=nofencing -p fencing_policy=x -p heartbeat_timeout=1 -p heartbeat_quantum=1 "
     "-p udp_session_timeout=480", [{"op": "cluster_set", "props": {
         "global_fencing": "nofencing", "fencing_policy": "x", "heartbeat_timeout": "1", "heartbeat_quantum": "1",
         "udp_session_timeout": "480"}}]),
    ("cluster rename -c other", [{"op": "cluster_set", "props": {"name": "other"}}]),
    ("cluster rename --newclustername=other demo", [{"op": "cluster_set", "props": {"name": "other"}}]),
    ("cluster shutdown -y -g 1", [{"op": "cluster_notice", "text": "The cluster will be shut down in 1 seconds"},
                                  {"op": "cluster_shutdown"}]),
    ("cluster shutdown -y -g 0 -m 'going down' demo",
     [{"op": "cluster_notice", "text": "The cluster will be shut down in 0 seconds: going down"}, {"op": "cluster_shutdown"}]),
    ("scshutdown -y -g 0", [{"op": "cluster_shutdown"}]),
    ("scshutdown -y -g 1 we are going down",
     [{"op": "cluster_notice", "text": "The cluster will be shut down in 1 seconds: we are going down"}, {"op": "cluster_shutdown"}]),

    ("scconf -a -h node=gamma", [{"op": "node_add", "name": "gamma", "links": []}]),
    ("scconf -a -h node=gamma,id=3,link=10.88.1.3,link=10.88.2.3",
     [{"op": "node_add", "name": "gamma", "node_id": 3, "links": ["10.88.1.3", "10.88.2.3"]}]),
    ("scconf -r -h node=beta", [{"op": "node_remove", "node": "beta"}]),
    ("scconf -c -C cluster=other", [{"op": "cluster_set", "props": {"name": "other"}}]),
    ("scconf -a -P node=alpha,privatehostname=ha1", [{"op": "node_set", "node": "alpha", "props": {"privatehostname": "ha1"}}]),
    ("scconf -c -P node=alpha", [{"op": "node_set", "node": "alpha", "props": {"privatehostname": ""}}]),
    ("scconf -r -P node=alpha", [{"op": "node_set", "node": "alpha", "props": {"privatehostname": ""}}]),
    ("scconf -c -w heartbeat_timeout=10000,heartbeat_quantum=1000",
     [{"op": "cluster_set", "props": {"heartbeat_timeout": "10000", "heartbeat_quantum": "1000"}}]),
    ("scconf -c -w heartbeat_quantum=500", [{"op": "cluster_set", "props": {"heartbeat_quantum": "500"}}]),
    ("scconf -a -q globaldev=d5", [add("d5", path="/dev/did/rdsk/d5s2")]),
    ("scconf -aq globaldev=d5,node=alpha,node=beta", [add("d5", path="/dev/did/rdsk/d5s2", nodes=["alpha", "beta"])]),
    ("scconf -a -q globaldev=/dev/sdb,type=scsi3", [add("sdb", "scsi3", "/dev/sdb")]),
    ("scconf -a -q globaldev=disk,path=/dev/sdb", [add("disk", path="/dev/sdb")]),
    ("scconf -a -q name=qs2,type=quorum_server,qshost=10.1.1.9,port=9000",
     [{"op": "quorum_add", "name": "qs2", "type": "quorum_server", "props": {"host": "10.1.1.9", "port": "9000"}}]),
    ("scconf -a -q name=d6,type=scsi", [add("d6", path="/dev/did/rdsk/d6s2")]),
    ("scconf -r -q globaldev=d4", [{"op": "quorum_remove", "name": "d4"}]),
    ("scconf -r -q name=qs1", [{"op": "quorum_remove", "name": "qs1"}]),
    ("scconf -c -q node=beta,maintstate", [{"op": "node_maintain", "node": "beta"}]),
    ("scconf -c -q node=beta,reset", [{"op": "node_reset", "node": "beta"}]),
    ("scconf -c -q globaldev=d4,maintstate", [{"op": "quorum_disable", "name": "d4"}]),
    ("scconf -c -q globaldev=d4,reset", [{"op": "quorum_enable", "name": "d4"}]),
    ("scconf -c -q name=qs1,maintstate", [{"op": "quorum_disable", "name": "qs1"}]),
    ("scconf -c -q name=qs1,reset", [{"op": "quorum_enable", "name": "qs1"}]),
    ("scconf -c -q reset", [{"op": "quorum_reset"}]),
    ("scconf -c -q installmode", [{"op": "installmode", "enabled": True}]),
    ("scconf -c -q installmodeoff", [{"op": "installmode", "enabled": False}]),
    ("scconf -c -q installmodeoff -C cluster=new -q reset", [{"op": "installmode", "enabled": False},
                                                            {"op": "cluster_set", "props": {"name": "new"}}, {"op": "quorum_reset"}]),
]


ADDITIONS = [
    ("clnode add -e 10.88.1.3,eth2=10.88.2.3 gamma",
     [{"op": "node_add", "name": "gamma", "links": ["10.88.1.3", {"adapter": "eth2", "address": "10.88.2.3"}]}]),
    ("clnode add --id 7 -c demo -e 10.88.1.3 gamma", [{"op": "node_add", "name": "gamma", "node_id": 7, "links": ["10.88.1.3"]}]),
]
ADDED = {"table": "infrastructure", "generation": 9, "data": {"cluster.name": "demo", "cluster.nodes.3.name": "gamma"}}


@pytest.mark.parametrize("line, want", ADDITIONS, ids=[r[0] for r in ADDITIONS])
def test_clnode_add(line, want, root, run):
    """The request, and then what the new machine needs: the table and the key, in a file for root."""
    key = bytes(range(128))
    (root / "etc/corosync").mkdir(parents=True)
    (root / "etc/corosync/authkey").write_bytes(key)
    with ClusterdDouble(root, {**answers(POORLY), "GetTable": ADDED}) as clusterd:
        got = run(*words(line))
    assert (got.returncode, got.stderr) == (OK, "") and "cluster create -i /root/join-gamma.json" in got.stdout
    assert clusterd.requests == want
    made = root / "var/cluster/join-gamma.json"
    assert made.stat().st_mode & 0o777 == 0o600
    assert json.loads(made.read_text()) == {"join": "gamma", "generation": 9, "table": ADDED["data"], "authkey": key.hex()}


def test_clnode_add_without_the_key(root, run):
    """The node is added all the same."""
    with ClusterdDouble(root, {**answers(POORLY), "GetTable": ADDED}):
        got = run("clnode", "add", "-e", "10.88.1.3", "gamma")
    assert got.returncode == OK and "what its machine needs could not be written" in got.stderr


@pytest.mark.parametrize("line, want", REQUESTS, ids=[r[0] for r in REQUESTS])
def test_request(line, want, root, run):
    with ClusterdDouble(root, answers(POORLY)) as clusterd:
        got = run(*words(line))
    assert (got.returncode, got.stdout, got.stderr) == (OK, "", "")
    assert [p["request"] for m, p in clusterd.calls if m == "Request"] == want
    assert all(words(p["cmd"]) == words(line) for m, p in clusterd.calls if m == "Request")


LIMITS = {"cluster.nodes.1.loadlimits.mem.hard": "20", "cluster.nodes.1.loadlimits.mem.soft": "11",
          "cluster.nodes.1.loadlimits.memory.soft": "3"}


@pytest.mark.parametrize("line, want, code, text", [
    ("set-loadlimit -p limitname=MEM,hardlimit= alpha", [{"op": "loadlimit_set", "node": "alpha", "limit": "MEM", "hard": ""}], OK, ""),
    ("set-loadlimit -p limitname=mem -p softlimit=1 +", [{"op": "loadlimit_set", "node": "alpha", "limit": "mem", "soft": "1"}], CL_ENOENT,
     "clnode:  (C100036) Failed to set load limit mem of node beta - the node has no such load limit.\n"),
    ("delete-loadlimit -p limitname=memory alpha", [{"op": "loadlimit_delete", "node": "alpha", "limit": "memory"}], OK, ""),
    ("create-loadlimit -p limitname=Mem beta alpha", [{"op": "loadlimit_create", "node": "beta", "limit": "Mem"}], CL_EEXIST,
     "clnode:  (C100039) Failed to create load limit Mem of node alpha - the node has a load limit of this name already.\n"),
    ("create-loadlimit -p limitname=me alpha", [{"op": "loadlimit_create", "node": "alpha", "limit": "me"}], OK, ""),
])
def test_load_limit(line, want, code, text, root, run):
    """What is there already, or is not, is told of each node by itself; the others get their request."""
    with ClusterdDouble(root, {**answers(), "GetTable": {"table": "infrastructure", "data": {**TABLE, **LIMITS}}}) as clusterd:
        got = run("clnode", *words(line))
    assert (got.returncode, got.stderr, got.stdout) == (code, text, "") and clusterd.requests == want


def test_load_limits_are_shown(root, run):
    with ClusterdDouble(root, {**answers(), "GetTable": {"table": "infrastructure", "data": {**TABLE, **LIMITS}}}):
        shown, as_json = run("clnode", "show", "alpha").stdout, json.loads(run("clnode", "show", "--json", "alpha").stdout)
    assert shown.endswith("""\
  --- Load Limits for alpha ---

  Load Limit:                                   mem
    Soft Limit:                                   11
    Hard Limit:                                   20

  Load Limit:                                   memory
    Soft Limit:                                   3
    Hard Limit:                                   <NULL>

""")
    assert as_json[0]["configuration"]["loadlimits.mem.hard"] == "20"


@pytest.mark.parametrize("line, text", [
    ("clquorum remove -v d4", "clquorum:  Done - remove quorum device d4.\n"),
    ("clnode evacuate --verbose 2", "clnode:  Done - evacuate node beta.\n"),
    ("cldevice add -v -p path=/dev/x d7", "cldevice:  Done - add disk d7.\n"),
])
def test_verbose_change(line, text, root, run):
    with ClusterdDouble(root, answers()):
        assert run(*words(line)).stdout == text


# ---- refusals: nothing is sent ----

WRONG = [
    ("clnode", CL_EINVAL, "usage: clnode SUBCOMMAND"),
    ("clnode frob", CL_EINVAL, 'There is no subcommand "frob"'),
    ("clnode export -v -o /proc/x", CL_EIO, "Failed to write /proc/x"),
    ("clnode rename -n x", CL_EOP, "renaming a node is not built yet"),
    ("clnode create-loadlimit -p limitname=a", CL_EINVAL, 'node is missing; "+" stands for all'),
    ("clnode create-loadlimit -p softlimit=1 alpha", CL_EINVAL, "-p limitname=NAME is missing"),
    ("clnode create-loadlimit -p limitname= alpha", CL_EINVAL, "-p limitname=NAME is missing"),
    ("clnode create-loadlimit -p limitname=a -p frob=1 alpha", CL_EPROP, "Failed to set frob - there is no such property"),
    ("clnode create-loadlimit alpha", CL_EINVAL, "-p is missing"),
    ("clnode create-loadlimit -p limitname=a gamma", CL_ENOENT, "Failed to find node gamma"),
    ("clnode set-loadlimit -p limitname=a alpha", CL_EINVAL, "-p softlimit= and -p hardlimit= are missing"),
    ("clnode set-loadlimit -p limitname=a,softlimit=1 alpha", CL_ENOENT, "Failed to set load limit a of node alpha - the node has no such"),
    ("clnode delete-loadlimit -p limitname=a alpha", CL_ENOENT, "Failed to delete load limit a of node alpha"),
    ("clnode delete-loadlimit -p limitname=a -p softlimit=1 alpha", CL_EPROP, "Failed to set softlimit"),
    ("clnode status -x", CL_EINVAL, "There is no option -x"),
    ("clnode list none", CL_ENOENT, "Failed to find node none - there is none of this name"),
    ("clnode evacuate", CL_EINVAL, 'node is missing; "+" stands for all'),
    ("clnode evacuate + alpha", CL_EINVAL, '"+" stands for all, and alone'),
    ("clnode evacuate -T soon alpha", CL_EINVAL, "-T takes a number of seconds from 0 to 65535"),
    ("clnode set alpha", CL_EINVAL, "-p is missing"),
    ("clnode set -p frob=1 alpha", CL_EPROP, "Failed to set frob - there is no such property"),
    ("clnode set -p privatehostname alpha", CL_EINVAL, "-p takes name=value"),
    ("clnode set -p privatehostname+=x alpha", CL_EINVAL, "no property here is a list"),
    ("clnode remove -F beta", CL_EOP, "by force (-F) is not built yet"),
    ("clnode remove -n alpha", CL_EOP, "give the command without -n on another member"),
    ("clnode remove -G /g beta", CL_EOP, "global devices are not built yet"),
    ("clnode clear -F beta", CL_EOP, "by force (-F) is not built yet"),
    ("clnode add gamma", CL_EINVAL, "-e is missing"),
    ("clnode add -e 10.1.1.1", CL_EINVAL, "node is missing"),
    ("clnode add -e 10.1.1.1 a b", CL_EINVAL, '"b" is not expected here'),
    ("clnode add -e 10.1.1.1 alpha", CL_EEXIST, "there is a node of this name already"),
    ("clnode add -e 10.1.1.1 --id 65 gamma", CL_EINVAL, "--id takes a number from 1 to 64"),
    ("clnode add -e 10.1.1.1 -c other gamma", CL_EINVAL, "-c names another cluster"),
    ("clnode add -n alpha -e 10.1.1.1 gamma", CL_EOP, "joining by -n is not built yet"),
    ("clnode add -i file gamma", CL_ENOENT, "cannot open file"),
    ("clnode add -e 1.1.1.1 -G /g gamma", CL_EOP, "global devices are not built yet"),
    ("clquorum export -v -o /proc/x", CL_EIO, "Failed to write /proc/x"),
    ("clquorum add", CL_EINVAL, "device is missing"),
    ("clquorum add -a", CL_EOP, "needs the list of shared disks"),
    ("clquorum add -i none +", CL_ENOENT, "cannot open none"),
    ("clquorum add d4", CL_EEXIST, "there is a quorum device of this name already"),
    ("clquorum add -t frob d5", CL_ETYPE, "there is no type frob of quorum devices"),
    ("clquorum add -t netapp_nas d5", CL_ETYPE, "netapp_nas are not built yet"),
    ("clquorum add -p path d5", CL_EINVAL, "-p takes name=value"),
    ("clquorum remove d9", CL_ENOENT, "there is no quorum device and no node of this name"),
    ("clquorum remove alpha", CL_EINVAL, "alpha is a node; a quorum device is needed"),
    ("clquorum disable", CL_EINVAL, "device|node is missing"),
    ("clquorum reset d4", CL_EINVAL, '"d4" is not expected here'),
    ("clquorum list -t a,,b", CL_EINVAL, "a name is empty"),
    ("clquorum status --frob", CL_EINVAL, "There is no option --frob"),

    ("cldevice", CL_EINVAL, "usage: cldevice SUBCOMMAND"),
    ("cldevice frob", CL_EINVAL, 'There is no subcommand "frob"'),
    ("cldevice check", CL_EOP, "device ids are not built yet"), ("cldevice clear", CL_EOP, "device ids are not built yet"),
    ("cldevice combine -t x -g y -d z d6", CL_EOP, "replicated disks are not built yet"),
    ("cldevice export -o x", CL_EOP, "the export as XML is not built yet"),
    ("cldevice monitor +", CL_EOP, "monitoring of disk paths is not built yet"),
    ("cldevice populate", CL_EOP, "device ids are not built yet"), ("cldevice refresh", CL_EOP, "device ids are not built yet"),
    ("cldevice rename -d d7 d6", CL_EOP, "device ids are not built yet"), ("cldevice repair d6", CL_EOP, "device ids are not built yet"),
    ("cldevice replicate -D beta", CL_EOP, "replicated disks are not built yet"),
    ("cldevice unmonitor +", CL_EOP, "monitoring of disk paths is not built yet"),
    ("cldevice add", CL_EINVAL, "device is missing"),
    ("cldevice add -t shared_disk d7", CL_ETYPE, "there is no type shared_disk of disks; there are scsi3 and iscsi"),
    ("cldevice add -p path d7", CL_EINVAL, "-p takes name=value"),
    ("cldevice add -p path=/dev/x d4", CL_EEXIST, "there is a quorum device of this name"),
    ("cldevice remove d9", CL_ENOENT, "Failed to find disk d9 - there is none of this name"),
    ("cldevice remove d4", CL_ENOENT, "Failed to find disk d4"),
    ("cldevice set d6", CL_EINVAL, "-p is missing"),
    ("cldevice set -p path=/dev/x d6", CL_EPROP, "Failed to set path - there is no such property"),
    ("cldevice set -p default_fencing=global", CL_EINVAL, "device is missing"),
    ("cldevice list -n a,,b", CL_EINVAL, "a name is empty"),
    ("cldevice status -s good", CL_EINVAL, '-s takes Ok, Fail, Unmonitored or Unknown, not "good"'),
    ("cldevice status d9", CL_ENOENT, "Failed to find disk d9"),
    ("cldevice status --frob", CL_EINVAL, "There is no option --frob"),

    ("cluster list other", CL_ENOENT, "this node belongs to another cluster"),
    ("cluster set -p takeover_time=960,takeover_time=970", CL_EINVAL, "Property takeover_time is given twice"),
    ("cluster show other", CL_ENOENT, "this node belongs to another cluster"),
    ("cluster status other", CL_ENOENT, "this node belongs to another cluster"),
    ("cluster set -p takeover_time=960 other", CL_ENOENT, "this node belongs to another cluster"),
    ("cluster rename -c new other", CL_ENOENT, "this node belongs to another cluster"),
    ("cluster shutdown -y other", CL_ENOENT, "this node belongs to another cluster"),
    ("cluster shutdown -y -g soon", CL_EINVAL, "-g takes a number of seconds from 0 to 86400"),
    ("cluster show -t frob", CL_ETYPE, "there is no such type"), ("cluster status -t frob", CL_ETYPE, "there is no such type"),
    ("cluster show -t snmphost", CL_EOP, "Failed to show objects of type snmphost - that is not built yet"),
    ("cluster status -t rt", CL_EOP, "that is not built yet"),
    ("cluster status -t zonecluster", CL_EOP, "that is not built yet"),
    ("cluster show -t node,,quorum", CL_EINVAL, "a name is empty"),
    ("cluster status --short -t node", CL_EINVAL, "does not go with"),
    ("cluster set", CL_EINVAL, "-p is missing"), ("cluster set -p frob=1", CL_EPROP, "Failed to set frob - there is no such property"),
    ("cluster set -p installmode=yes", CL_EPROP, 'it takes enabled or disabled, not "yes"'),
    ("cluster rename", CL_EINVAL, "-c is missing"),
    ("cluster check", CL_EOP, "not built yet"), ("cluster list-checks", CL_EOP, "not built yet"),
    ("cluster monitor-heartbeat", CL_EOP, "not built yet"),
    ("cluster restore-netprops", CL_EOP, "not built yet"), ("cluster set-netprops -p x=y", CL_EOP, "not built yet"),
    ("scshutdown -g -1", SC_USAGE, "-g takes a number of seconds"), ("scshutdown -x", SC_USAGE, "There is no option -x"),
    ("cluster timers --takeover-time 300", CL_EPROP, "takeover_time 300 ms is outside 480 to 60000 ms"),
    ("cluster timers --takeover-time 60001", CL_EPROP, "takeover_time 60001 ms is outside"),
    ("cluster timers --takeover-time soon", CL_EINVAL, "--takeover-time takes a number of milliseconds"),

    ("scconf", SC_USAGE, "The options do not say what to do"),
    ("scconf -a", SC_USAGE, "-h, -P, -q, -A, -B, -m, -D or -T must be given"),
    ("scconf -a -c -q reset", SC_USAGE, "does not go with"),
    ("scconf -a -C cluster=x", SC_USAGE, "-C does not go with the other options"),
    ("scconf -c -q frob", SC_USAGE, '-c -q takes autoconfig[,noop] | node,maintstate | node,reset'),
    ("scconf -c -q node=beta", SC_USAGE, 'not "node=beta"'),
    ("scconf -c -q node=,reset", SC_USAGE, 'not "node=,reset"'),
    ("scconf -c -q ''", SC_USAGE, 'not ""'),
    ("scconf -c -q reset -q frob", SC_USAGE, 'not "frob"'),
    ("scconf -a -h link=10.1.1.1", SC_USAGE, "-a -h takes node[,id][,link]"),
    ("scconf -a -h node=gamma,id=65", SC_REFUSED, "id takes a number from 1 to 64"),
    ("scconf -a -q name=x,type=frob", SC_REFUSED, "there is no type frob of quorum devices"),
    ("scconf -a -q name=x,type=netapp_nas", SC_REFUSED, "netapp_nas are not built yet"),
    ("scconf -a -q autoconfig", SC_REFUSED, "the list of shared disks, which is not built yet"),
    ("scconf -a -q autoconfig,noop", SC_REFUSED, "not built yet"),
    ("scconf -a -A trtype=dlpi,name=hme2,node=alpha", SC_REFUSED, "changing the interconnect is not built yet"),
    ("scconf -c -A name=hme1,node=alpha,state=disabled", SC_REFUSED, "changing the interconnect is not built yet"),
    ("scconf -r -B name=switch1", SC_REFUSED, "changing the interconnect is not built yet"),
    ("scconf -a -m endpoint=alpha:hme1,endpoint=switch1", SC_REFUSED, "changing the interconnect is not built yet"),
    ("scconf -a -D type=svm,name=dg,nodelist=alpha:beta", SC_REFUSED, "device groups are not built yet"),
    ("scconf -a -T node=gamma", SC_REFUSED, "who may join is not built yet"),
    ("scconf -r -T all", SC_REFUSED, "who may join is not built yet"),
    ("scconf -c -T authtype=des", SC_REFUSED, "who may join is not built yet"),
    ("scconf -c -S node=alpha,scsched=1", SC_REFUSED, "shares of a node are not built yet"),
    ("scconf -p --json -a", SC_USAGE, "does not go with"),
]


@pytest.mark.parametrize("line, code, text", WRONG, ids=[w[0] for w in WRONG])
def test_wrong(line, code, text, root, run):
    with ClusterdDouble(root, answers()) as clusterd:
        got = run(*words(line))
    assert (got.returncode, got.stdout) == (code, "")
    assert text in got.stderr
    assert re.match(rf"sc\w+:  [^ ]|cl\w+:  \(C{100000 + code}\) [^ ]|usage: ", got.stderr)
    assert clusterd.requests == []


def test_what_is_found_is_done_all_the_same(root, run):
    with ClusterdDouble(root, answers()) as clusterd:
        got = run("clnode", "evacuate", "none", "beta", "nobody")
    assert got.returncode == CL_ENOENT and got.stderr.count("\n") == 2
    assert clusterd.requests == [{"op": "evacuate", "node": "beta"}]


def test_a_device_that_fails_does_not_hold_up_the_nodes(root, run):
    def answer(p):
        return Error("Refused", code=9, message="no") if p["request"]["op"] == "quorum_disable" else {}
    with ClusterdDouble(root, {**answers(), "Request": answer}) as clusterd:
        got = run("clquorum", "disable", "beta", "d4")
    assert got.returncode == CL_ESTATE and [r["op"] for r in clusterd.requests] == ["node_maintain", "quorum_disable"]


def test_a_name_comes_before_an_id(root, run):
    nodes = [{**WELL["nodes"][0], "name": "2"}, WELL["nodes"][1]]
    with ClusterdDouble(root, answers({**WELL, "nodes": nodes})):
        assert run("clnode", "list", "2").stdout == "2\n"


CODES = [(1, 1), (3, CL_EINVAL), (5, CL_ERECONF), (6, CL_EACCESS), (8, CL_EOP), (9, CL_ESTATE), (10, CL_EMETHOD),
         (11, CL_ENOENT), (12, CL_ENOENT), (13, CL_ETYPE), (14, CL_ENOENT), (15, CL_EPROP), (17, CL_EINVAL),
         (18, CL_EINTERNAL), (31, CL_TIMEOUT), (32, CL_EOP), (64, CL_EOP)]


@pytest.mark.parametrize("scha, code", CODES)
def test_what_the_cluster_refuses_has_its_own_code(scha, code, root, run):
    with ClusterdDouble(root, {**answers(), "Request": Error("Refused", code=scha, message="it says no")}):
        got = run("clnode", "evacuate", "alpha")
        assert (got.returncode, got.stderr) == (code, f"clnode:  (C{100000 + code}) Failed to evacuate node alpha - it says no.\n")
        got = run("scswitch", "-S", "-h", "alpha")
        assert (got.returncode, got.stderr) == (1, "scswitch:  Failed to evacuate node alpha - it says no.\n")


COMMAND_LINES = sorted({row[0] for row in LISTINGS + REQUESTS})


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_daemon_down(line, run, root):
    got = run(*words(line))
    assert (got.returncode, got.stdout) == (CL_ENOTCLMODE if line.startswith("cl") else 4, "")
    assert got.stderr.count("\n") == 1 and "clusterd is not running on this node (nobody listens at " in got.stderr


def test_permission(root, run):
    with ClusterdDouble(root, {**answers(), "Request": Error("org.varlink.service.PermissionDenied")}):
        got = run("clquorum", "disable", "d4", "alpha")
    assert got.returncode == CL_EACCESS and got.stderr.count("permission denied") == 1


def test_not_a_member(root, run):
    refusal = Error("Refused", code=5, message="this node is not a member of the cluster: " + NOT_MEMBER["waiting_for"])
    with ClusterdDouble(root, {**answers(NOT_MEMBER), "Request": refusal}):
        got = run("clnode", "status")
        assert got.returncode == OK
        assert got.stderr.startswith("clnode:  (C100000) This node (alpha) is not a member of the cluster now, and shows what it")
        got = run("clnode", "evacuate", "alpha", "beta")
        assert got.returncode == CL_ERECONF and got.stderr.count("waiting for quorum") == 1


def test_status_of_another_version(root, run):
    for status in ({}, {"nodes": "x", "quorum": []}, {"nodes": [1, {}], "quorum": {"devices": [2, {"nodes": [3], "keys": {}}]}}):
        with ClusterdDouble(root, answers(status, {})):
            for line in COMMAND_LINES:
                assert run(*words(line)).returncode in (OK, SC_REFUSED, CL_ENOENT, CL_EINVAL), line


def test_scconf_stops_at_the_first_failure(root, run):
    def answer(p):
        return Error("Refused", code=9, message="no") if p["request"]["op"] == "node_maintain" else {}
    with ClusterdDouble(root, {**answers(), "Request": answer}) as clusterd:
        got = run(*words("scconf -c -v -q installmodeoff -q node=beta,maintstate -q reset"))
    assert (got.returncode, got.stdout) == (SC_REFUSED, "scconf:  Done - leave install mode.\n")
    assert got.stderr == "scconf:  Failed to put into maintenance node beta - no.\n"
    assert [r["op"] for r in clusterd.requests] == ["installmode", "node_maintain"]


def test_scstat_quorum_documented_sample(root, run):
    with ClusterdDouble(root, answers()):
        assert run("scstat", "-q").stdout == """\
-- Quorum Summary --

  Quorum votes possible:      3
  Quorum votes needed:        2
  Quorum votes present:       3

-- Quorum Votes by Node --

                    Node Name           Present Possible Status
                    ---------           ------- -------- ------
  Node votes:       alpha               1        1       Online
  Node votes:       beta                1        1       Online

-- Quorum Votes by Device --

                    Device Name         Present Possible Status
                    -----------         ------- -------- ------
  Device votes:     /dev/did/rdsk/d4s2  1        1       Online

"""


def test_scconf_print_documented_sample(root, run):
    with ClusterdDouble(root, answers()):
        out = run("scconf", "-p").stdout
        assert json.loads(run("scconf", "-p", "--json").stdout)["cluster.name"] == "demo"
    assert out.startswith("""\
Cluster name:                                      demo
Cluster ID:                                        0x3908EE1C
Cluster install mode:                              disabled
Cluster private net:                               172.16.0.0
Cluster private netmask:                           255.255.248.0
Cluster new node authentication:                   unix
Cluster new node list:                             <NULL - Allow any node>
Cluster nodes:                                     alpha beta

Cluster node name:                                 alpha
  Node ID:                                         1
  Node enabled:                                    yes
  Node private hostname:                           clusternode1-priv
  Node quorum vote count:                          1
  Node reservation key:                            0x3908EE1C00000001
  Node transport adapters:                         hme1

  Node transport adapter:                          hme1
    Adapter enabled:                               yes
    Adapter transport type:                        dlpi
    Adapter property:                              device_instance=1
""")
    assert out.endswith("""\
Quorum devices:                                    d4
Quorum device name:                                d4
  Quorum device votes:                             1
  Quorum device enabled:                           yes
  Quorum device name:                              /dev/did/rdsk/d4s2
  Quorum device hosts (enabled):                   alpha beta
  Quorum device hosts (disabled):
""")


def test_scconf_print_has_no_disks(root, run):
    """They stand among the quorum devices in the table."""
    with ClusterdDouble(root, answers(table={**TABLE, **DISK_ROWS})):
        golden("scconf-p.txt", run("scconf", "-p").stdout)


def test_scconf_print_of_our_own_table(root, run):
    with ClusterdDouble(root, answers(table=OWN_TABLE)):
        got = run("scconf", "-p")
    assert (got.returncode, got.stderr) == (OK, "")
    golden("scconf-p-own.txt", got.stdout)


def test_cluster_show_documented_sample(root, run):
    with ClusterdDouble(root, answers()):
        assert run("cluster", "show", "-t", "global").stdout == """\
=== Cluster ===

Cluster Name:                                   demo
  clusterid:                                      0x3908EE1C
  installmode:                                    disabled
  heartbeat_timeout:                              10000
  heartbeat_quantum:                              1000
  private_netaddr:                                172.16.0.0
  private_netmask:                                255.255.248.0
  max_nodes:                                      64
  max_privatenets:                                10
  global_fencing:                                 prefer3
  fencing_policy:                                 <NULL>
  takeover_time:                                  640
  Node List:                                      alpha, beta

"""


def test_cluster_show_of_our_own_table(root, run):
    with ClusterdDouble(root, answers(table=OWN_TABLE)):
        got = run("cluster", "show")
    assert (got.returncode, got.stderr) == (OK, "")
    golden("cluster-show-own.txt", got.stdout)


def test_cluster_list_cmds(run):
    assert run("cluster", "list-cmds").stdout.split() == [
        "cldevice", "clnode", "clquorum", "clreslogicalhostname", "clresource", "clresourcegroup", "clresourcetype", "clressharedaddress", "clsetup",
        "cluster"]
    assert "quorum devices and votes" in run("cluster", "list-cmds", "-v").stdout


@pytest.mark.parametrize("line", ["cluster shutdown -g 0", "scshutdown -g 0"])
@pytest.mark.parametrize("answer, sent", [("yes\n", 1), ("y\n", 1), ("no\n", 0), ("", 0), ("yesterday we went away\n", 0)])
def test_shutdown_asks(line, answer, sent, root, run):
    import os
    import subprocess
    from test_commands import PARHELION
    with ClusterdDouble(root) as clusterd:
        got = subprocess.run([PARHELION, *words(line)], input=answer, capture_output=True, text=True, timeout=20,
                             env={**os.environ, "PARHELION_ROOT": str(root)})
    assert "Do you want to continue? (yes or no) " in got.stdout
    assert len(clusterd.requests) == sent
    assert got.returncode == OK if sent else got.returncode in (SC_REFUSED, CL_EOP) and "not confirmed" in got.stderr


def test_shutdown_waits_for_the_grace(root, run):
    """The grace does not count against the deadline."""
    with ClusterdDouble(root, {"Request": {}}):
        assert run(*words("scshutdown -y -g 2 --deadline 1")).returncode == OK


# ---- cluster timers ----

@pytest.mark.parametrize("line, locale, name", [
    ("cluster timers", "C", "cluster-timers"), ("cluster timers", "C.UTF-8", "cluster-timers-utf8"),
    ("cluster timers --takeover-time=60000", "C", "cluster-timers-60000"),
])
def test_timers(line, locale, name, root, run):
    with ClusterdDouble(root, answers()):
        got = run(*words(line), LC_ALL=locale)
    assert (got.returncode, got.stderr) == (OK, "")
    golden(name + ".txt", got.stdout)


@pytest.mark.parametrize("takeover_ms", [480, 640, 777, 3000, 59999])
def test_time_line_is_to_scale(takeover_ms, run):
    shown = json.loads(run("cluster", "timers", "--takeover-time", str(takeover_ms), "--json").stdout)
    out = run("cluster", "timers", "--takeover-time", str(takeover_ms), LC_ALL="C").stdout
    axis = re.search(r"^ {12}(\+[+-]+\+)$", out, re.M)[1]
    for span in shown["timeline"]:
        bar = re.search(rf"^{span['name']:12}( *)([#^]+) .* (\d+) ms  {re.escape(span['why'])}$", out, re.M)
        assert int(bar[3]) == span["end_ms"]
        assert abs(len(bar[1]) - span["start_ms"] / takeover_ms * (len(axis) - 1)) <= 0.5
        if "#" in bar[2]:
            assert abs(len(bar[1] + bar[2]) - span["end_ms"] / takeover_ms * (len(axis) - 1)) <= 1
    t = {k[:-3]: v for k, v in shown.items() if k.endswith("_ms")}
    assert f"3 x beat {t['beat']} + token {t['token']} + consensus {t['consensus']} + head start {t['head']} + device {t['device']}\n  = " in out
    assert out.endswith(f"lease {t['lease']} + margin {t['margin']} = {t['lease'] + t['margin']} <= takeover_time {takeover_ms}\n")


def test_time_line_fits_a_terminal(root):
    import fcntl
    import os
    import pty
    import struct
    import subprocess
    import termios
    from test_commands import PARHELION
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    subprocess.run([PARHELION, "cluster", "timers", "--takeover-time", "640"], stdout=child, timeout=20, check=True,
                   env={**os.environ, "LC_ALL": "C"})
    os.close(child)
    text = os.read(parent, 65536).decode()
    os.close(parent)
    lines = text[text.index("From the"):].splitlines()
    assert max(map(len, lines)) <= 80 and len(lines) > 10


# Options that go with every form, or every change, and are tested with the commands that came first.
COMMON = {"--help", "--deadline", "--json", "-v", "--verbose", "--message"}


# ---- completion ----

@pytest.mark.parametrize("line, want", [
    ("clnode ", {"add", "clear", "create-loadlimit", "delete-loadlimit", "evacuate", "export", "list", "remove", "set", "set-loadlimit",
                 "show", "show-rev", "status", "unquarantine"}),
    ("clnode sh", {"show", "show-rev"}), ("cluster shut", {"shutdown"}), ("cluster frob", set()),
    ("clnode evacuate ", {"alpha", "beta"}), ("clq disable d", {"d4"}), ("cldev remove d", {"d6"}), ("cldevice show lun", {"lun1"}),
    ("cldevice r", {"remove"}), ("clquorum status -n b", {"beta"}),
    ("clnode status -", {"-m"}), ("clnode set --pr", {"--property"}),
    ("scswitch -S -h al", {"alpha"}), ("scswitch -z -g n", {"nfs-rg"}), ("scswitch -e -j nfs-", {"nfs-ip", "nfs-res"}),
    ("clsetup ", set()), ("clsetup -", {"-f", "--file"}), ("scsetup --f", {"--file"}),
    ("scconf -", {"-" + c for c in "acrpvHChPqwABmDTS"}),
])
def test_completion(line, want, root):
    import os
    import subprocess
    from test_commands import PARHELION
    for name in ("cluster", "cldevice", "cldev", "clnode", "clquorum", "clq", "clsetup", "scconf", "scsetup", "scstat", "scswitch"):
        (root / "bin").mkdir(exist_ok=True)
        (root / "bin" / name).symlink_to(PARHELION)
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _parhelion; '
              '((${#COMPREPLY[@]} == 0)) || printf "%s\\n" "${COMPREPLY[@]}"')
    with ClusterdDouble(root, answers({**WELL, "disks": DISKS})):
        got = subprocess.run(["bash", "-c", script, "bash", SOURCE / "packaging/bash-completion", *line.split(" ")],
                             capture_output=True, text=True, timeout=20,
                             env={**os.environ, "PATH": f"{root}/bin:{os.environ['PATH']}", "PARHELION_ROOT": str(root)})
    assert (got.stderr, set(got.stdout.split()) - COMMON) == ("", want - COMMON)


# ---- help, manual ----

COMMANDS = ["scconf", "scshutdown"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command, run):
    text = run(command, "--help").stdout
    tried = "".join(row[0] + " " for row in LISTINGS + REQUESTS + WRONG if row[0].startswith(command))
    assert text.startswith(command + ": ")
    for option in re.findall(r"^  (--?[\w-]+)", text, re.M):
        assert option in COMMON | {"-H"} or option in tried or re.search(f" -\\w*{option[1:]}", tried), option
    if "-H " in text:
        assert run(command, "-H").stdout == text

FAMILIES = ["cldevice", "clnode", "clquorum", "cluster"]


def subcommands(run, family):
    return re.findall(r"^  ([\w-]+)", run(family, "--help").stdout, re.M)


@pytest.mark.parametrize("family", FAMILIES)
def test_help(family, run):
    assert run(family, "-?").stdout == run(family, "--help").stdout
    assert re.match(rf"{family} \d+\.\d+\.\d+\n$", run(family, "-V").stdout)
    for word in subcommands(run, family):
        got = run(family, word, "-?")
        assert got.returncode == OK or "not built yet" in got.stderr
        if got.returncode == OK:
            assert got.stdout.startswith(f"{family} {word}: ") and got.stdout == run(family, word, "--help").stdout


@pytest.mark.parametrize("family", FAMILIES)
def test_every_option_is_tested(family, run):
    """Each option of each subcommand is in a row of the tables above."""
    from test_foresee import FORESEEN
    tried = [words(row[0]) for row in LISTINGS + REQUESTS + WRONG] + [["clnode", "list", "--json"], ["clnode", "show", "--json"]] + [
        words(line) for line in FORESEEN]
    for word in subcommands(run, family):
        if word in ("corosync-conf", "create", "timeline", "history", "diff", "undo", "export", "apply"):
            continue            # tested elsewhere
        used = {w.split("=")[0] for line in tried if line[1:2] == [word] and family.startswith(line[0]) for w in line}
        for names in re.findall(r"^  (-.*?)(?:  | [A-Z\[]|$)", run(family, word, "--help").stdout, re.M):
            names = set(names.split(", "))
            assert names & COMMON or names & used, f"{names} of {family} {word}"
