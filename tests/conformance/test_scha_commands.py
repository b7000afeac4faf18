"""The RMAPI in shell against a stand-in for clusterd: each tag of each command to the character, each exit code."""

import os
import pathlib
import re
import subprocess

import pytest
from clusterd_double import ClusterdDouble, Error
from rmapi_samples import ANSWERS, BOOLEANS, CLUSTER, METHODS, NUMBERS, RESOURCE, TYPE

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = SOURCE / os.environ.get("BUILD", "build")
PARHELION = BUILD / "src/cmd/parhelion"
ERRORS = {name: int(value) for name, value in
          re.findall(r"X\(SCHA_ERR_(\w+), +(\d+),", (SOURCE / "include/scha_err.h").read_text())}

RS, RG, RT = "-R web", "-G web-rg", "-T ACME.web:2.1"

# command and tag, operands, what it prints
OUTPUT = [
    ("scha_cluster_get -O CLUSTERNAME", "", "demo\n"),
    ("scha_cluster_get -O NODENAME_LOCAL", "", "alpha\n"),
    ("scha_cluster_get -O NODENAME_NODEID", "2", "beta\n"),
    ("scha_cluster_get -O NODEID_LOCAL", "", "1\n"),
    ("scha_cluster_get -O NODEID_NODENAME", "beta", "2\n"),
    ("scha_cluster_get -O ALL_NODENAMES", "", "alpha\nbeta\n"),
    ("scha_cluster_get -O ALL_NODEIDS", "", "1\n2\n"),
    ("scha_cluster_get -O NODESTATE_LOCAL", "", "UP\n"),
    ("scha_cluster_get -O NODESTATE_NODE", "beta", "DOWN\n"),
    ("scha_cluster_get -O PRIVATELINK_HOSTNAME_LOCAL", "", "clusternode1-priv\n"),
    ("scha_cluster_get -O PRIVATELINK_HOSTNAME_NODE", "beta", "beta-priv\n"),
    ("scha_cluster_get -O ALL_PRIVATELINK_HOSTNAMES", "", "clusternode1-priv\nbeta-priv\n"),
    ("scha_cluster_get -O SYSLOG_FACILITY", "", "24\n"),
    ("scha_cluster_get -O ALL_RESOURCEGROUPS", "", "db-rg\nweb-rg\n"),
    ("scha_cluster_get -O ALL_RESOURCETYPES", "", "ACME.web:2.1\nSUNW.LogicalHostname:3\n"),
    ("scha_cluster_get -O ALL_ZONES", "", "alpha:global\nbeta:global\n"),
    ("scha_cluster_get -O ALL_ZONES_NODEID", "2", "beta:global\n"),
    ("scha_cluster_get -O ALL_NONGLOBAL_ZONES", "", ""),
    ("scha_cluster_get -O ALL_NONGLOBAL_ZONES_NODEID", "1", ""),
    ("scha_cluster_get -O ZONE_LOCAL", "", "global\n"),
    ("scha_cluster_get -O ALL_LOADLIMITS", "", "mem\ncpu\n"),
    ("scha_cluster_get -O HARD_LOADLIMIT", "mem", "alpha=20\nbeta=-1\n"),
    ("scha_cluster_get -O SOFT_LOADLIMIT", "Mem", "alpha=11\nbeta=7\n"),
    ("scha_cluster_get -O LOADLIMIT_PROPS", "cpu", "alpha=0/-1\nbeta=0/4\n"),
    ("scha_cluster_get -Z demo -O CLUSTERNAME", "", "demo\n"),
    ("scha_cluster_get -Z global -O clustername", "", "demo\n"),

    (f"scha_resource_get -O R_DESCRIPTION {RS}", "", "two  words\n"),
    (f"scha_resource_get -O TYPE {RS} {RG}", "", "ACME.web:2.1\n"),
    (f"scha_resource_get -O TYPE_VERSION {RS}", "", "2.1\n"),
    (f"scha_resource_get -O TYPE_VERSION {RS} -Z demo", "", "2.1\n"),
    (f"scha_resourcegroup_get -O RG_STATE {RG} -Z demo", "", "ONLINE\n"),
    (f"scha_resourcetype_get -O START {RT} -Z demo", "", "web_start\n"),
    (f"scha_resource_get -O GROUP {RS}", "", "web-rg\n"),
    (f"scha_resource_get -O RESOURCE_PROJECT_NAME {RS}", "", "\n"),
    (f"scha_resource_get -O LOAD_BALANCING_POLICY {RS}", "", "LB_STICKY\n"),
    (f"scha_resource_get -O ON_OFF_SWITCH {RS}", "", "ENABLED\n"),
    (f"scha_resource_get -O MONITORED_SWITCH {RS}", "", "DISABLED\n"),
    (f"scha_resource_get -O ON_OFF_SWITCH_NODE {RS}", "beta", "ENABLED\n"),
    (f"scha_resource_get -O MONITORED_SWITCH_NODE {RS}", "beta", "DISABLED\n"),
    (f"scha_resource_get -O RESOURCE_STATE {RS}", "", "ONLINE\n"),
    (f"scha_resource_get -O RESOURCE_STATE_NODE {RS}", "beta", "START_FAILED\n"),
    (f"scha_resource_get -O STATUS {RS}", "", "DEGRADED\none of two disks\n"),
    (f"scha_resource_get -O STATUS_NODE {RS}", "beta", "FAULTED\n\n"),
    (f"scha_resource_get -O FAILOVER_MODE {RS}", "", "SOFT\n"),
    (f"scha_resource_get -O NUM_RG_RESTARTS {RS}", "", "1\n"),
    (f"scha_resource_get -O NUM_RESOURCE_RESTARTS {RS}", "", "3\n"),
    (f"scha_resource_get -O NUM_RG_RESTARTS_ZONE {RS}", "global", "1\n"),
    (f"scha_resource_get -O NUM_RESOURCE_RESTARTS_ZONE {RS}", "global", "3\n"),
    *[(f"scha_resource_get -O {n.upper()} {RS}", "", f"{v}\n") for n, v in NUMBERS.items()],
    *[(f"scha_resource_get -O {n.upper()} {RS}", "", "TRUE\n" if n == "Scalable" else "FALSE\n") for n in BOOLEANS],
    (f"scha_resource_get -O NETWORK_RESOURCES_USED {RS}", "", "web-ip\n"),
    (f"scha_resource_get -O PORT_LIST {RS}", "", "80/tcp\n443/tcp\n"),
    (f"scha_resource_get -O LOAD_BALANCING_WEIGHTS {RS}", "", ""),
    (f"scha_resource_get -O RESOURCE_DEPENDENCIES {RS}", "", "db\nweb-ip\n"),
    (f"scha_resource_get -O RESOURCE_DEPENDENCIES_WEAK {RS}", "", "log\n"),
    (f"scha_resource_get -O RESOURCE_DEPENDENCIES_RESTART {RS}", "", "cache\n"),
    (f"scha_resource_get -O RESOURCE_DEPENDENCIES_OFFLINE_RESTART {RS}", "", "stor\n"),
    (f"scha_resource_get -O RESOURCE_DEPENDENCIES_Q {RS}", "", "db{LOCAL_NODE}\nweb-ip\n"),
    (f"scha_resource_get -O RESOURCE_DEPENDENCIES_Q_WEAK {RS}", "", "log\n"),
    (f"scha_resource_get -O RESOURCE_DEPENDENCIES_Q_RESTART {RS}", "", "cache{ANY_NODE}\n"),
    (f"scha_resource_get -O RESOURCE_DEPENDENCIES_Q_OFFLINE_RESTART {RS}", "", "stor\n"),
    (f"scha_resource_get -Q -O resource_dependencies {RS}", "", "db{LOCAL_NODE}\nweb-ip\n"),
    (f"scha_resource_get -Q -O RESOURCE_DEPENDENCIES_RESTART {RS}", "", "cache{ANY_NODE}\n"),
    (f"scha_resource_get -Q -O TYPE {RS}", "", "ACME.web:2.1\n"),
    (f"scha_resource_get -O ALL_EXTENSIONS {RS}", "",
     "Start_command\nProbe_timeout\nNetwork_aware\nConfdir_list\nNothing\nLog_level\nWorkers\n"),
    (f"scha_resource_get -O EXTENSION {RS}", "Start_command", "STRING\n/opt/web/bin/run -f a=b,c\n"),
    (f"scha_resource_get -O EXTENSION {RS}", "probe_timeout", "INT\n30\n"),
    (f"scha_resource_get -O EXTENSION {RS}", "Network_aware", "BOOLEAN\nTRUE\n"),
    (f"scha_resource_get -O EXTENSION {RS}", "Confdir_list", "STRINGARRAY\n/a\n/b\n"),
    (f"scha_resource_get -O EXTENSION {RS}", "Nothing", "STRINGARRAY\n"),
    (f"scha_resource_get -O EXTENSION {RS}", "Log_level", "ENUM\nInfo\n"),
    (f"scha_resource_get -O EXTENSION {RS}", "Workers", "INT\n4\n"),
    (f"scha_resource_get -O EXTENSION_NODE {RS}", "Workers beta", "INT\n8\n"),
    (f"scha_resource_get -O EXTENSION_NODE {RS}", "Workers alpha", "INT\n4\n"),
    (f"scha_resource_get -O RT_BASEDIR {RS}", "", "/opt/web/bin\n"),
    (f"scha_resource_get -O START {RS}", "", "web_start\n"),

    (f"scha_resourcegroup_get -O RG_DESCRIPTION {RG}", "", "the web\n"),
    (f"scha_resourcegroup_get -O PATHPREFIX {RG}", "", "/global/web\n"),
    (f"scha_resourcegroup_get -O RG_PROJECT_NAME {RG}", "", "default\n"),
    (f"scha_resourcegroup_get -O RG_SLM_TYPE {RG}", "", "manual\n"),
    (f"scha_resourcegroup_get -O RG_SLM_PSET_TYPE {RG}", "", "weak\n"),
    (f"scha_resourcegroup_get -O PREEMPTION_MODE {RG}", "", "No_cost\n"),
    (f"scha_resourcegroup_get -O NODELIST {RG}", "", "alpha\nbeta\n"),
    (f"scha_resourcegroup_get -O RESOURCE_LIST {RG}", "", "web\nweb-ip\n"),
    (f"scha_resourcegroup_get -O RG_DEPENDENCIES {RG}", "", "db-rg\n"),
    (f"scha_resourcegroup_get -O RG_AFFINITIES {RG}", "", "++db-rg\n-test-rg\n"),
    (f"scha_resourcegroup_get -O GLOBAL_RESOURCES_USED {RG}", "", "*\n"),
    (f"scha_resourcegroup_get -O LOAD_FACTORS {RG}", "", "mem@20\n"),
    (f"scha_resourcegroup_get -O MAXIMUM_PRIMARIES {RG}", "", "2\n"),
    (f"scha_resourcegroup_get -O DESIRED_PRIMARIES {RG}", "", "1\n"),
    (f"scha_resourcegroup_get -O PINGPONG_INTERVAL {RG}", "", "3600\n"),
    (f"scha_resourcegroup_get -O PRIORITY {RG}", "", "500\n"),
    (f"scha_resourcegroup_get -O RG_SLM_CPU_SHARES {RG}", "", "7\n"),
    (f"scha_resourcegroup_get -O RG_SLM_PSET_MIN {RG}", "", "50\n"),
    (f"scha_resourcegroup_get -O FAILBACK {RG}", "", "FALSE\n"),
    (f"scha_resourcegroup_get -O IMPL_NET_DEPEND {RG}", "", "TRUE\n"),
    (f"scha_resourcegroup_get -O IMPLICIT_NETWORK_DEPENDENCIES {RG}", "", "TRUE\n"),
    (f"scha_resourcegroup_get -O AUTO_START_ON_NEW_CLUSTER {RG}", "", "TRUE\n"),
    (f"scha_resourcegroup_get -O RG_SYSTEM {RG}", "", "FALSE\n"),
    (f"scha_resourcegroup_get -O RG_IS_FROZEN {RG}", "", "FALSE\n"),
    (f"scha_resourcegroup_get -O SUSPEND_AUTOMATIC_RECOVERY {RG}", "", "TRUE\n"),
    (f"scha_resourcegroup_get -O RG_MODE {RG}", "", "SCALABLE\n"),
    (f"scha_resourcegroup_get -O RG_STATE {RG}", "", "ONLINE\n"),
    (f"scha_resourcegroup_get -O rg_state_node {RG}", "beta", "PENDING_ONLINE_BLOCKED\n"),

    (f"scha_resourcetype_get -O RT_DESCRIPTION {RT}", "", "Web server\n"),
    (f"scha_resourcetype_get -O RT_BASEDIR {RT}", "", "/opt/web/bin\n"),
    (f"scha_resourcetype_get -O RT_VERSION {RT}", "", "2.1\n"),
    *[(f"scha_resourcetype_get -O {m.upper()} {RT}", "", f"web_{m.lower()}\n" if m != "Fini" else "\n") for m in METHODS],
    (f"scha_resourcetype_get -O API_VERSION {RT}", "", "7\n"),
    *[(f"scha_resourcetype_get -O {t} {RT}", "", "TRUE\n" if t in ("GLOBAL_ZONE", "RT_SYSTEM") else "FALSE\n") for t in (
        "SINGLE_INSTANCE", "FAILOVER", "PROXY", "GLOBAL_ZONE", "IS_LOGICAL_HOSTNAME", "IS_SHARED_ADDRESS", "RT_SYSTEM")],
    (f"scha_resourcetype_get -O INIT_NODES {RT}", "", "RG_PRIMARIES\n"),
    (f"scha_resourcetype_get -O INSTALLED_NODES {RT}", "", "*\n"),
    (f"scha_resourcetype_get -O PKGLIST {RT}", "", "acme-web\nacme-lib\n"),
    (f"scha_resourcetype_get -O RESOURCE_LIST {RT}", "", "web\n"),
]


@pytest.fixture
def run(tmp_path):
    def run(*argv, **env):
        return subprocess.run([PARHELION, *argv], capture_output=True, timeout=60, cwd=tmp_path,
                              env={**os.environ, "PARHELION_ROOT": str(tmp_path), "LC_ALL": "C", **env})
    return run


@pytest.fixture(scope="module")
def clusterd(tmp_path_factory):
    root = tmp_path_factory.mktemp("rmapi")
    with ClusterdDouble(root, ANSWERS) as double:
        yield double, str(root)


@pytest.mark.parametrize("line, operands, want", OUTPUT, ids=[f"{o[0]} {o[1]}".strip() for o in OUTPUT])
def test_output(line, operands, want, clusterd, run):
    got = run(*line.split(), *operands.split(), PARHELION_ROOT=clusterd[1])
    assert (got.returncode, got.stdout.decode(), got.stderr.decode()) == (0, want, "")


# Each tag that can be printed is in the list above; that of private strings nobody can answer yet.
UNANSWERED = ["ALL_PSTRINGS"]


def test_every_tag_is_tested():
    header, _, control = (SOURCE / "include/scha_tags.h").read_text().partition("/* scha_control")
    tags = set(re.findall(r'^#define SCHA_\w+ +"(\w+)"', header, re.M))
    tested = {re.search(r"-O (\w+)", o[0]).group(1).upper() for o in OUTPUT}
    assert tags - tested == set(UNANSWERED)
    assert set(re.findall(r'^#define SCHA_\w+ +"(\w+)"', control, re.M)) == set(CONTROL)


@pytest.mark.parametrize("tag", UNANSWERED)
def test_unanswered_tag(tag, clusterd, run):
    got = run("scha_cluster_get", "-O", tag, PARHELION_ROOT=clusterd[1])
    assert (got.returncode, got.stdout) == (ERRORS["TAG"], b"")


NOT_FOUND = {"RSRC": "GetResource", "RG": "GetGroup", "RT": "GetType"}
FAILURES = [
    ("scha_cluster_get -O NO_SUCH_TAG", "TAG"),
    ("scha_cluster_get -O NODESTATE_NODE gamma", "NODE"),
    ("scha_cluster_get -O NODENAME_NODEID 7", "NODE"),
    ("scha_cluster_get -O HARD_LOADLIMIT disk", "PROP"),
    ("scha_cluster_get -O LOADLIMIT_PROPS", "INVAL"),
    ("scha_cluster_get -O NODENAME_NODEID beta", "INVAL"),
    ("scha_cluster_get -O NODENAME_NODEID -- -1", "INVAL"),
    ("scha_cluster_get -O NODENAME_NODEID", "INVAL"),
    ("scha_cluster_get -O CLUSTERNAME alpha", "INVAL"),
    ("scha_cluster_get -Z other -O CLUSTERNAME", "CLUSTER"),
    ("scha_cluster_get CLUSTERNAME", "INVAL"),
    ("scha_cluster_get -x", "INVAL"),
    ("scha_cluster_get -O", "INVAL"),
    ("scha_cluster_get --deadline 5 -O CLUSTERNAME", "INVAL"),
    (f"scha_resource_get -O TYPE", "INVAL"),
    (f"scha_resource_get -O TYPE {RS} -T ACME.web", "INVAL"),
    (f"scha_resource_get -O NODELIST {RS}", "TAG"),
    (f"scha_resource_get -O STATUS_MSG {RS}", "TAG"),
    (f"scha_resource_get -O EXTENSION {RS}", "INVAL"),
    (f"scha_resource_get -O EXTENSION {RS} Retry_count", "PROP"),
    (f"scha_resource_get -O EXTENSION {RS} No_such", "PROP"),
    (f"scha_resource_get -O EXTENSION_NODE {RS} Workers", "INVAL"),
    (f"scha_resource_get -O EXTENSION_NODE {RS} Workers gamma", "NODE"),
    (f"scha_resource_get -O STATUS_NODE {RS} gamma", "NODE"),
    (f"scha_resource_get -O NUM_RG_RESTARTS_ZONE {RS} z1", "NODE"),
    (f"scha_resourcegroup_get -O RG_STATE_NODE {RG} gamma", "NODE"),
    (f"scha_resourcegroup_get -O TYPE {RG}", "TAG"),
    (f"scha_resourcegroup_get -O RG_STATE", "INVAL"),
    (f"scha_resourcetype_get -O RETRY_COUNT {RT}", "TAG"),
    (f"scha_resourcetype_get -O START", "INVAL"),
]


@pytest.mark.parametrize("line, code", FAILURES, ids=[f[0] for f in FAILURES])
def test_failure(line, code, clusterd, run):
    got = run(*line.split(), PARHELION_ROOT=clusterd[1])
    assert (got.returncode, got.stdout) == (ERRORS[code], b"")
    assert got.stderr.startswith(line.split()[0].encode() + b":  ")
    value_only = line.endswith((" beta", " -1"))            # the line is well, the number is not
    assert (b"\nusage: " in got.stderr) == (code == "INVAL" and not value_only)


@pytest.mark.parametrize("line, code", [(f"scha_resource_get -O TYPE {RS}", "RSRC"), (f"scha_resourcegroup_get -O RG_STATE {RG}", "RG"),
                                        (f"scha_resourcetype_get -O START {RT}", "RT")])
def test_no_such_object(line, code, tmp_path, run):
    with ClusterdDouble(tmp_path, {NOT_FOUND[code]: Error("NotFound", code=ERRORS[code], message="it does not exist")}):
        got = run(*line.split())
    assert (got.returncode, got.stdout) == (ERRORS[code], b"")


def test_counters_need_an_interval(tmp_path, run):
    without = {**RESOURCE, "properties": [p for p in RESOURCE["properties"] if p["name"] != "Retry_interval"]}
    with ClusterdDouble(tmp_path, {**ANSWERS, "GetResource": without}):
        for tag in ("NUM_RG_RESTARTS", "NUM_RESOURCE_RESTARTS", "RETRY_INTERVAL"):
            assert run("scha_resource_get", "-O", tag, *RS.split()).returncode == ERRORS["PROP"]


@pytest.mark.parametrize("value", ["OFFLINE", "STARTING", "STOPPING", "STOP_FAILED", "MONITOR_FAILED", "ONLINE_NOT_MONITORED",
                                   "DETACHED", "ONLINE", "START_FAILED"])
def test_states_of_a_resource(value, tmp_path, run):
    with ClusterdDouble(tmp_path, {"GetResource": {**RESOURCE, "nodes": [{**RESOURCE["nodes"][0], "state": value}]}}):
        assert run("scha_resource_get", "-O", "RESOURCE_STATE", *RS.split()).stdout.decode() == value + "\n"


@pytest.mark.parametrize("value", ["OK", "DEGRADED", "FAULTED", "UNKNOWN", "OFFLINE"])
def test_status_of_a_resource(value, tmp_path, run):
    with ClusterdDouble(tmp_path, {"GetResource": {**RESOURCE, "nodes": [{**RESOURCE["nodes"][0], "status": value}]}}):
        assert run("scha_resource_get", "-O", "STATUS", *RS.split()).stdout.decode() == value + "\none of two disks\n"


@pytest.mark.parametrize("value", ["NONE", "HARD", "SOFT", "RESTART_ONLY", "LOG_ONLY"])
def test_failover_modes(value, tmp_path, run):
    props = [{**p, "value": value} if p["name"] == "Failover_mode" else p for p in RESOURCE["properties"]]
    with ClusterdDouble(tmp_path, {"GetResource": {**RESOURCE, "properties": props}}):
        assert run("scha_resource_get", "-O", "FAILOVER_MODE", *RS.split()).stdout.decode() == value + "\n"


@pytest.mark.parametrize("value", ["UNMANAGED", "OFFLINE", "PENDING_ONLINE", "PENDING_OFFLINE", "PENDING_ONLINE_BLOCKED", "ONLINE",
                                   "ONLINE_FAULTED", "ERROR_STOP_FAILED"])
def test_states_of_a_group(value, tmp_path, run):
    group = {**ANSWERS["GetGroup"], "managed": value != "UNMANAGED", "nodes": [{"node": "alpha", "state": value}]}
    with ClusterdDouble(tmp_path, {"GetGroup": group}):
        assert run("scha_resourcegroup_get", "-O", "RG_STATE", *RG.split()).stdout.decode() == value + "\n"


def test_init_nodes_and_installed_nodes(tmp_path, run):
    with ClusterdDouble(tmp_path, {"GetType": {**TYPE, "init_nodes": "RT_INSTALLED_NODES", "installed_nodes": ["beta"]}}):
        assert run("scha_resourcetype_get", "-O", "INIT_NODES", *RT.split()).stdout == b"RT_INSTALLED_NODES\n"
        assert run("scha_resourcetype_get", "-O", "INSTALLED_NODES", *RT.split()).stdout == b"beta\n"


def test_private_names(tmp_path, run):
    with ClusterdDouble(tmp_path, {"GetCluster": {**CLUSTER, "nodes": CLUSTER["nodes"][::-1]}}):
        assert run("scha_cluster_get", "-O", "ALL_PRIVATELINK_HOSTNAMES").stdout == b"beta-priv\nclusternode1-priv\n"


# ---- setters ----

CONTROL = ["GIVEOVER", "RESTART", "RESOURCE_RESTART", "RESOURCE_IS_RESTARTED", "CHECK_GIVEOVER", "CHECK_RESTART",
           "IGNORE_FAILED_START", "RESOURCE_DISABLE", "CHANGE_STATE_ONLINE", "CHANGE_STATE_OFFLINE"]


@pytest.mark.parametrize("tag", CONTROL)
@pytest.mark.parametrize("more", [[], ["-Z", "global"]], ids=["", "-Z"])
def test_control(tag, more, tmp_path, run):
    with ClusterdDouble(tmp_path) as clusterd:
        got = run("scha_control", "-O", tag.lower(), "-G", "web-rg", "-R", "web", *more)
    assert (got.returncode, got.stdout, got.stderr) == (0, b"", b"")
    assert clusterd.requests == [{"op": "control", "tag": tag, "rg": "web-rg", "rs": "web"}]


@pytest.mark.parametrize("code", ["CHECKS", "STATE", "RECONF", "RSRC", "RG", "ACCESS", "TIMEOUT", "FAIL", "METHOD", "DEPEND", "PROP"])
def test_control_refused(code, tmp_path, run):
    answer = Error("Refused", code=ERRORS[code], message="no other node can take it")
    with ClusterdDouble(tmp_path, {"Request": answer}):
        got = run(*"scha_control -O GIVEOVER -G web-rg -R web".split())
    assert (got.returncode, got.stdout) == (ERRORS[code], b"")
    assert got.stderr.startswith(b"scha_control:  ") and got.stderr.endswith(b": no other node can take it\n")


@pytest.mark.parametrize("line, code", [
    ("scha_control -O JUMP -G web-rg -R web", "TAG"), ("scha_control -O RESTART -G web-rg", "INVAL"),
    ("scha_control -O RESTART -G web-rg -R web web2", "INVAL"), ("scha_control -O RESTART -G web-rg -R web -Z z1", "NODE"),
    ("scha_resource_setstatus -R web -G web-rg -s GREEN", "RSTATUS"), ("scha_resource_setstatus -R web -s OK", "INVAL"),
    ("scha_resource_setstatus -R web -G web-rg -s OK -Z z1", "NODE")])
def test_setter_failure(line, code, tmp_path, run):
    with ClusterdDouble(tmp_path) as clusterd:
        got = run(*line.split())
    assert (got.returncode, got.stdout, clusterd.calls) == (ERRORS[code], b"", [])


@pytest.mark.parametrize("word, sent", [(w, w) for w in ("OK", "DEGRADED", "FAULTED", "UNKNOWN", "OFFLINE")] + [("ONLINE", "OK"),
                                                                                                              ("faulted", "FAULTED")])
@pytest.mark.parametrize("message", [None, "", "100% of \"it\""])
def test_setstatus(word, sent, message, tmp_path, run):
    with ClusterdDouble(tmp_path) as clusterd:
        got = run("scha_resource_setstatus", "-s", word, *([] if message is None else ["-m", message]), "-R", "web", "-G", "web-rg")
    assert (got.returncode, got.stdout, got.stderr) == (0, b"", b"")
    assert clusterd.requests == [{"op": "status", "rg": "web-rg", "rs": "web", "status": sent, "msg": message or ""}]


def test_setstatus_takes_any_bytes(tmp_path, run):
    with ClusterdDouble(tmp_path) as clusterd:
        got = run("scha_resource_setstatus", "-s", "OK", "-m", b"caf\xe9", "-R", "web", "-G", "web-rg")
    assert got.returncode == 0 and clusterd.requests[0]["msg"] == "caf?"


def test_no_daemon(run):
    got = run("scha_cluster_get", "-O", "CLUSTERNAME")
    assert (got.returncode, got.stdout) == (ERRORS["INTERNAL"], b"")


def test_a_reply_that_makes_no_sense(tmp_path, run):
    with ClusterdDouble(tmp_path, {"GetResource": {**RESOURCE, "enabled": "perhaps"}}):
        assert run("scha_resource_get", "-O", "ON_OFF_SWITCH", *RS.split()).returncode == ERRORS["INTERNAL"]


# ---- as agents use them ----

AGENT = r"""
prop() { scha_resource_get -O EXTENSION -R web -G web-rg "$1" | { read -r type; read -r value; echo "$value"; }; }
word() { echo $(scha_resource_get -O EXTENSION -R web -G web-rg "$1") | awk '{ print $2 }'; }
echo "retry $(scha_resource_get -O RETRY_COUNT -R web -G web-rg) probe $(prop Probe_timeout) $(word Probe_timeout)"
for node in $(scha_resourcegroup_get -O NODELIST -G web-rg); do
    scha_cluster_get -O NODESTATE_NODE $node
done
scha_resource_get -O RESOURCE_STATE -R nobody -G web-rg; echo "exit $?"
facility=$(scha_cluster_get -O SYSLOG_FACILITY)
$SC/scds_syslog -p info -t "SC[ACME.web:2.1,web-rg,web,start]" -m "facility %d, %s" "$facility" "-v is no option here"
scha_resource_setstatus -R web -G web-rg -s OK -m "up" && scha_control -O RESOURCE_RESTART -G web-rg -R web
"""


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_shell_agent(shell, tmp_path):
    for name in ("scha_resource_get", "scha_resourcegroup_get", "scha_cluster_get", "scha_resource_setstatus", "scha_control",
                 "scds_syslog"):
        (tmp_path / name).symlink_to(PARHELION)

    def get_resource(parameters):
        return RESOURCE if parameters["resource"] == "web" else Error("NotFound", code=ERRORS["RSRC"], message="none")
    with ClusterdDouble(tmp_path, {**ANSWERS, "GetResource": get_resource}) as clusterd:
        got = subprocess.run([shell, "-c", AGENT], capture_output=True, text=True, timeout=60, env={
            **os.environ, "PARHELION_ROOT": str(tmp_path), "SC": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert got.returncode == 0
    assert got.stdout == "retry 2 probe 30 30\nUP\nDOWN\nexit 14\n"
    assert [r["op"] for r in clusterd.requests] == ["control", "status"]


# ---- scds_syslog: where there is no syslog the line is on stderr ----

LOGGED = [
    (["-m", "plain"], "Cluster.Framework", "error", "plain"),
    (["-p", "info", "-t", "SC[t,g,r,m]", "-m", "%s failed with %d", "it", "7"], "SC[t,g,r,m]", "info", "it failed with 7"),
    (["-p", "WARNING", "-m", "100%% of %5.1f|%-4s|%04d|%x|%c", "2.26", "ab", "-7", "255", "xyz"], "Cluster.Framework", "warning",
     "100% of   2.3|ab  |-007|ff|x"),
    (["-p", "err", "-m", "two %s, %s and %s"], "Cluster.Framework", "error", "two ,  and "),
    (["-p", "debug", "-m", "left over %s", "a", "b"], "Cluster.Framework", "debug", "left over a"),
    (["-p", "notice", "-m", "odd %k %"], "Cluster.Framework", "notice", "odd %k %"),
    (["-m", "%ld %lu %hd", "--", "-5", "5", "6"], "Cluster.Framework", "error", "-5 5 6"),
    (["-m", "two\nlines"], "Cluster.Framework", "error", "two lines"),
    (["-m", "%n%s", "safe"], "Cluster.Framework", "error", "%nsafe"),
]


@pytest.mark.skipif(os.access("/dev/log", os.W_OK), reason="this machine has a syslog, which shall not be written to")
@pytest.mark.parametrize("argv, tag, level, text", LOGGED, ids=[" ".join(l[0]).replace("\n", " ") for l in LOGGED])
def test_scds_syslog(argv, tag, level, text, run):
    got = run("scds_syslog", *argv)
    assert (got.returncode, got.stdout) == (0, b"")
    line = re.fullmatch(r"\w+ +\d+ [\d:.]+ (\S+)\[\d+\]: \[ID (\d{6}) daemon\.(\w+)\] (.*)\n", got.stderr.decode())
    assert line and (line.group(1), line.group(3), line.group(4)) == (tag, level, text)


@pytest.mark.skipif(os.access("/dev/log", os.W_OK), reason="this machine has a syslog, which shall not be written to")
def test_one_format_has_one_id(run):
    ids = {run("scds_syslog", "-m", "probe of %s", who).stderr.split(b"[ID ")[1][:6] for who in ("a", "b")}
    assert len(ids) == 1


@pytest.mark.parametrize("argv", [[], ["-p", "loud", "-m", "x"], ["-p", "info"], ["-m"], ["-m", "x" * 2000]])
def test_scds_syslog_usage(argv, run):
    got = run("scds_syslog", *argv)
    assert got.returncode == ERRORS["INVAL"] and got.stderr.startswith(b"scds_syslog:  ")


def test_help(run):
    for command in ("scha_cluster_get", "scha_control", "scds_syslog"):
        got = run(command, "--help")
        assert got.returncode == 0 and got.stdout.startswith(command.encode() + b": ")
