"""scrgadm, scswitch, scstat and cluster against a stand-in for clusterd: each form of each command, what it sends, what it
prints, how it exits.  REGOLD=1 writes the golden files anew: read the diff before you commit it."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import threading
import time

import pytest
from clusterd_double import ClusterdDouble, Error
from command_samples import CONFIG, JOURNAL, MORE_STATUS, NOT_MEMBER, STATUS, T0, TIMELINE_STATUS, msg

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
BUILD = SOURCE / os.environ.get("BUILD", "build")      # an absolute $BUILD stays as it is
PARHELION = BUILD / "src/cmd/parhelion"
OK, REFUSED, USAGE, DEADLINE, NO_DAEMON, PERMISSION = range(6)
CL_EINVAL, CL_EOP, CL_ENOTCLMODE = 3, 37, 51
CL = {OK: 0, REFUSED: CL_EOP, USAGE: CL_EINVAL, DEADLINE: 31, NO_DAEMON: CL_ENOTCLMODE, PERMISSION: 6}
ANSWERS = {"Status": STATUS, "Config": CONFIG, "GetType": {"name": "SUNW.LogicalHostname:3"}}


@pytest.fixture
def root(tmp_path):
    return tmp_path


@pytest.fixture
def run(root):
    def run(*argv, cwd=None, stdin=None, **env):
        return subprocess.run([PARHELION, *argv], capture_output=True, text=True, timeout=60, cwd=cwd or root, input=stdin,
                              env={**os.environ, "PARHELION_ROOT": str(root), "TZ": "UTC", **env})
    return run


def exit_of(kind, line):
    """The exit code: the families of subcommands have their own."""
    return CL[kind] if line.startswith("cl") else kind


def golden(name, text):
    path = HERE / "golden" / name
    if os.environ.get("REGOLD"):
        path.write_text(text)
    assert text == path.read_text()


# ---- changes: the command line, and the requests that it becomes ----

def add(name, group, type_, props=None, ext=None):
    return {"op": "resource_add", "rs": name, "rg": group, "type": type_, "props": props or {}, "ext": ext or {},
            "enabled": False}


def type_add(type_, rtr, path, nodes=""):
    return {"op": "type_add", "type": type_, "rtr": rtr, "path": path, "installed_nodes": nodes}


LH = "SUNW.LogicalHostname"
REQUESTS = [
    ("scrgadm -a -t T -f {rtr}", [type_add("T", "RTR text\n", "{rtr}")]),
    ("scrgadm -a -t T -f {rtr} -h *", [type_add("T", "RTR text\n", "{rtr}")]),
    ("scrgadm -a -t T -f T.rtr -h alpha,2", [type_add("T", "RTR text\n", "{rtr}", "alpha,2")]),
    ("scrgadm -a -t ACME.reg", [type_add("ACME.reg", "registered\n", "{reg}/ACME.reg")]),
    ("scrgadm -a -t ACME.reg:2", [type_add("ACME.reg:2", "registered\n", "{reg}/ACME.reg")]),
    ("scrgadm -c -t T -h alpha", [{"op": "type_change", "type": "T", "installed_nodes": "alpha"}]),
    ("scrgadm -c -t T -h *", [{"op": "type_change", "type": "T", "installed_nodes": ""}]),
    ("scrgadm -c -t T -y RT_system=TRUE", [{"op": "type_change", "type": "T", "props": {"RT_system": "TRUE"}}]),
    ("scrgadm -c -t T -h alpha -y RT_system=false",
     [{"op": "type_change", "type": "T", "installed_nodes": "alpha", "props": {"RT_system": "false"}}]),
    ("scrgadm -r -t T", [{"op": "type_remove", "type": "T"}]),
    ("scrgadm -a -g G", [{"op": "group_add", "rg": "G", "props": {}}]),
    ("scrgadm -a -g G -h beta,alpha -y Failback=TRUE -y RG_description=a=b,c",
     [{"op": "group_add", "rg": "G", "props": {"Nodelist": "beta,alpha", "Failback": "TRUE", "RG_description": "a=b,c"}}]),
    ("scrgadm -c -g G -y Pingpong_interval=5", [{"op": "group_change", "rg": "G", "props": {"Pingpong_interval": "5"}}]),
    ("scrgadm -c -g G -h alpha -y Failback=TRUE",
     [{"op": "group_change", "rg": "G", "props": {"Nodelist": "alpha", "Failback": "TRUE"}}]),
    ("scrgadm -c -g G -h beta", [{"op": "group_change", "rg": "G", "props": {"Nodelist": "beta"}}]),
    ("scrgadm -r -g G", [{"op": "group_remove", "rg": "G"}]),
    ("scrgadm -a -j R -t T -g G", [add("R", "G", "T")]),
    ("scrgadm -ajR -gG -tT -y Retry_count=2 -x Confdir_list=/a,/b -x Empty=",
     [add("R", "G", "T", {"Retry_count": "2"}, {"Confdir_list": "/a,/b", "Empty": ""})]),
    ("scrgadm -c -j R -y Retry_count=3", [{"op": "resource_change", "rs": "R", "props": {"Retry_count": "3"}, "ext": {}}]),
    ("scrgadm -c -j R -x A{alpha}=1 -x A{2}=3", [{"op": "resource_change", "rs": "R", "props": {}, "ext": {"A{alpha}": "1", "A{2}": "3"}}]),
    ("scrgadm -c -j R -x A=1 -x B=2", [{"op": "resource_change", "rs": "R", "props": {}, "ext": {"A": "1", "B": "2"}}]),
    ("scrgadm -r -j R", [{"op": "resource_remove", "rs": "R"}]),
    ("scrgadm -a -L -g G -l web1", [add("web1", "G", LH, {}, {"HostnameList": "web1"})]),
    ("scrgadm -a -S -g G -l www,ftp", [add("www", "G", "SUNW.SharedAddress", {}, {"HostnameList": "www,ftp"})]),
    ("scrgadm -a -S -j sa -g G -l www -n eth1@1 -X gamma,4 -y R_description=x",
     [add("sa", "G", "SUNW.SharedAddress", {"R_description": "x"}, {"HostnameList": "www", "NetIfList": "eth1@1", "AuxNodeList": "gamma,4"})]),
    ("scrgadm -a -L -j ip -g G -l web1,web2 -n eth1@1,eth1@2 -y Retry_count=1",
     [add("ip", "G", LH, {"Retry_count": "1"}, {"HostnameList": "web1,web2", "NetIfList": "eth1@1,eth1@2"})]),

    ("scswitch -z -g A -h alpha", [{"op": "group_switch", "rg": "A", "nodes": ["alpha"], "preferred": False}]),
    ("scswitch -z -g A,B -h alpha,2", [{"op": "group_switch", "rg": "A", "nodes": ["alpha", "2"], "preferred": False},
                                       {"op": "group_switch", "rg": "B", "nodes": ["alpha", "2"], "preferred": False}]),
    ("scswitch -z -g A -h ''", [{"op": "group_switch", "rg": "A", "nodes": [], "preferred": False}]),
    ("scswitch -z -g A", [{"op": "group_switch", "rg": "A", "nodes": [], "preferred": True}]),
    ("scswitch -z", [{"op": "group_switch", "rg": "nfs-rg", "nodes": [], "preferred": True}]),
    ("scswitch -Z -g A,B", [{"op": "group_bring", "rg": "A"}, {"op": "group_bring", "rg": "B"}]),
    ("scswitch -Z", [{"op": "group_bring", "rg": "nfs-rg"}]),
    ("scswitch -F -g A", [{"op": "group_offline", "rg": "A"}]),
    ("scswitch -S -h alpha", [{"op": "evacuate", "node": "alpha"}]),
    ("scswitch -S -h alpha -K 60", [{"op": "evacuate", "node": "alpha", "seconds": 60}]),
    ("scswitch -s -g A", [{"op": "group_suspend", "rg": "A"}]),
    ("scswitch -r", [{"op": "group_resume", "rg": "nfs-rg"}]),
    ("scswitch -r -g A", [{"op": "group_resume", "rg": "A"}]),
    ("scswitch -Q -g A -k", [{"op": "group_quiesce", "rg": "A", "kill": True}]),
    ("scswitch -s -k -g A", [{"op": "group_suspend", "rg": "A", "kill": True}]),
    ("scswitch -Q -g A,B", [{"op": "group_quiesce", "rg": "A"}, {"op": "group_quiesce", "rg": "B"}]),
    ("scswitch -R -h alpha,beta -g A", [{"op": "group_restart", "rg": "A", "nodes": ["alpha", "beta"]}]),
    ("scswitch -e -j nfs-ip", [{"op": "resource_enable", "names": ["nfs-ip"], "monitor": False}]),
    ("scswitch -e -M -j nfs-ip", [{"op": "resource_enable", "names": ["nfs-ip"], "monitor": True}]),
    ("scswitch -n -j nfs-res,web-ip,nfs-ip", [{"op": "resource_disable", "names": ["nfs-res", "nfs-ip"], "monitor": False},
                                              {"op": "resource_disable", "names": ["web-ip"], "monitor": False}]),
    ("scswitch -n -j nfs-res,web-ip -h alpha,2", [
        {"op": "resource_disable", "names": ["nfs-res"], "monitor": False, "nodes": ["alpha", "2"]},
        {"op": "resource_disable", "names": ["web-ip"], "monitor": False, "nodes": ["alpha", "2"]}]),
    ("scswitch -e -M -j nfs-ip -h beta", [{"op": "resource_enable", "names": ["nfs-ip"], "monitor": True, "nodes": ["beta"]}]),
    ("scswitch -nM -j nfs-res", [{"op": "resource_disable", "names": ["nfs-res"], "monitor": True}]),
    ("scswitch -o -g A", [{"op": "group_manage", "rg": "A"}]),
    ("scswitch -u -g A", [{"op": "group_unmanage", "rg": "A"}]),
    ("scswitch -c -h alpha -j R,S -f STOP_FAILED", [{"op": "resource_clear", "rs": "R", "nodes": ["alpha"]},
                                                    {"op": "resource_clear", "rs": "S", "nodes": ["alpha"]}]),
]


def words(line):
    return shlex.split(line)


@pytest.fixture
def rtr(root):
    path = root / "T.rtr"
    path.write_text("RTR text\n")
    reg = root / "opt/cluster/lib/rgm/rtreg"
    reg.mkdir(parents=True)
    (reg / "ACME.reg").write_text("registered\n")
    (reg / LH).write_text("logical host\n")
    return {"rtr": str(path), "reg": str(reg)}


@pytest.mark.parametrize("line, want", REQUESTS, ids=[r[0] for r in REQUESTS])
def test_request(line, want, root, run, rtr):
    line = line.replace("{rtr}", rtr["rtr"])
    want = json.loads(json.dumps(want).replace("{rtr}", rtr["rtr"]).replace("{reg}", rtr["reg"]))
    with ClusterdDouble(root, ANSWERS) as clusterd:
        got = run(*words(line))
    assert (got.returncode, got.stdout, got.stderr) == (OK, "", "")
    assert clusterd.requests == sorted(want, key=json.dumps)
    assert all(words(p["cmd"]) == words(line) for m, p in clusterd.calls if m == "Request")


def test_verbose_says_what_was_done(root, run):
    with ClusterdDouble(root, ANSWERS):
        got = run("scrgadm", "-a", "-g", "G", "-v")
    assert (got.returncode, got.stdout, got.stderr) == (OK, "scrgadm:  Done - create resource group G.\n", "")


def test_logical_host_registers_its_type_first(root, run, rtr):
    if pathlib.Path("/usr/cluster/lib/rgm/rtreg", LH).exists():
        pytest.skip("an installed type comes before the one of this test")
    with ClusterdDouble(root, {"GetType": Error("NotFound", code=13, message="no")}) as clusterd:
        assert run("scrgadm", "-a", "-L", "-g", "G", "-l", "web1").returncode == OK
    ops = [p["request"]["op"] for m, p in clusterd.calls if m == "Request"]
    assert ops == ["type_add", "resource_add"]
    assert clusterd.requests[1]["rtr"] == "logical host\n"


def test_history_quotes_what_a_shell_would_split(root, run):
    argv = ["scrgadm", "-c", "-g", "G", "-y", "RG_description=two 'words'", "-y", "Pathprefix="]
    with ClusterdDouble(root) as clusterd:
        run(*argv)
    assert shlex.split(clusterd.calls[0][1]["cmd"]) == argv


# ---- refusals of the command itself: nothing is sent ----

WRONG = [
    ("scrgadm", USAGE, "The options do not say what to do"),
    ("scrgadm -a", USAGE, "is missing"),
    ("scrgadm -a -g", USAGE, "-g needs an argument"),
    ("scrgadm -Q", USAGE, "There is no option -Q"),
    ("scrgadm --frob", USAGE, "There is no option --frob"),
    ("scrgadm -a -g G extra", USAGE, '"extra" is not expected here'),
    ("scrgadm -a -g G -x A=1", USAGE, "-x does not go with the other options"),
    ("scrgadm -a -c -g G", USAGE, "does not go with the other options"),
    ("scrgadm -a -g G -g H", USAGE, "-g is given twice"),
    ("scrgadm -a -g G -y Failback", USAGE, '-y takes name=value, not "Failback"'),
    ("scrgadm -a -g G -y =1", USAGE, "-y takes name=value"),
    ("scrgadm -a -g G -y A=1 -y a=2", USAGE, "Property a is given twice"),
    ("scrgadm -a -g G -h alpha -y nodelist=beta", USAGE, "-h and property Nodelist say the same"),
    ("scrgadm -a -g G -h alpha,,beta", USAGE, "a name is empty"),
    ("scrgadm -c -g G", USAGE, "-h or -y must be given"),
    ("scrgadm -c -j R", USAGE, "-y or -x must be given"),
    ("scrgadm -a -g G --deadline 0", USAGE, "--deadline takes a number of seconds"),
    ("scrgadm -a -g G --json", USAGE, "--json does not go with"),
    ("scrgadm -a -S -g G -l h -X ''", USAGE, "-X is empty"),
    ("scrgadm -a -L -g G -l h -X alpha", USAGE, "-X"),
    ("scrgadm -a -t NO.such", REFUSED, "there is no RTR file NO.such in /usr/cluster/lib/rgm/rtreg or"),
    ("scrgadm -a -t ../etc", REFUSED, "no name of a resource type"),
    ("scrgadm -a -t T -f /nowhere", REFUSED, "cannot open /nowhere"),
    ("scrgadm -a -t T -f /", REFUSED, "/ is no file"),
    ("scswitch", USAGE, "The options do not say what to do"),
    ("scswitch -z -h alpha", USAGE, "-z with -h needs -g"),
    ("scswitch -z -Z", USAGE, "does not go with"),
    ("scswitch -F", USAGE, "-g is missing"),
    ("scswitch -S -h alpha,beta", USAGE, "-S takes one node"),
    ("scswitch -S -h ''", USAGE, "-S takes one node"),
    ("scswitch -R -h '' -g A", USAGE, "-h is empty"),
    ("scswitch -o -g ''", USAGE, "-g is empty"),
    ("scswitch -e -j ''", USAGE, "-j is empty"),
    ("scswitch -c -h alpha -j R -f BOOT_FAILED", USAGE, "BOOT_FAILED is reserved"),
    ("scswitch -c -h alpha -j R -f X", USAGE, '-f takes STOP_FAILED, not "X"'),
    ("scswitch -e -j nfs-ip -h ''", USAGE, "-h is empty"), ("scswitch -n -M -j nfs-ip -h ,", USAGE, "a name is empty"),
    ("scswitch -S -h alpha -K soon", USAGE, "-K takes seconds, 0 to 65535"),
    ("scswitch -z -D dg -h alpha", REFUSED, "device groups are not built yet"),
    ("scswitch -F -D dg", REFUSED, "device groups are not built yet"),
    ("scswitch -m -D dg", REFUSED, "device groups are not built yet"),
    ("scstat -x", USAGE, "There is no option -x"),
    ("scstat -W -v", USAGE, "-v adds nothing to what these letters show"),
    ("scstat -Divv", USAGE, "it goes with -n, -q and -g"),
    ("cluster", USAGE, "usage: cluster SUBCOMMAND"),
    ("cluster check", REFUSED, "(C100037) Failed to run cluster check - configuration checks are not built yet"),
    ("cluster frob", USAGE, 'cluster:  (C100003) There is no subcommand "frob"'),
    ("cluster timeline --since yesterday", USAGE, "--since takes seconds or HH:MM:SS"),
    ("cluster create", USAGE, "-i is missing"),
]


@pytest.mark.parametrize("line, code, text", WRONG, ids=[w[0] for w in WRONG])
def test_wrong(line, code, text, root, run):
    with ClusterdDouble(root, ANSWERS) as clusterd:
        got = run(*words(line))
    assert (got.returncode, got.stdout) == (exit_of(code, line), "")
    assert text in got.stderr
    assert re.match(r"sc\w+:  [^ ]|cl\w+:  \(C1000\d\d\) [^ ]|usage: ", got.stderr)
    assert clusterd.requests == []


def test_argument_that_is_not_text(root, run):
    assert "Argument 3 is not UTF-8 text" in run("scrgadm", "-a", "-g", b"\xff").stderr


def test_rtr_that_is_not_text(root, run):
    (root / "bad").write_bytes(b"RESOURCE\0TYPE")
    got = run("scrgadm", "-a", "-t", "T", "-f", "bad")
    assert got.returncode == REFUSED and "it is not text" in got.stderr


# ---- refusals of the cluster ----

def refused(text):
    return Error("Refused", code=9, message=text)


@pytest.mark.parametrize("answer, code, text", [
    (refused("resource group A is busy"), REFUSED, "scswitch:  Failed to take resource group A offline - resource group A is busy.\n"),
    (Error("org.varlink.service.PermissionDenied"), PERMISSION,
     "scswitch:  Failed to take resource group A offline - permission denied: changing the cluster needs root or a member of "
     "the group cluster-admin.\n"),
    (Error("org.varlink.service.MethodNotFound", method="x"), REFUSED,
     "scswitch:  Failed to take resource group A offline - clusterd of this node does not know this request "
     "(org.varlink.service.MethodNotFound); it is of another version.\n"),
])
def test_refused(answer, code, text, root, run):
    with ClusterdDouble(root, {"Request": answer}):
        got = run("scswitch", "-F", "-g", "A")
    assert (got.returncode, got.stdout, got.stderr) == (code, "", text)


def test_rtr_errors_come_back_with_their_place(root, run, rtr):
    with ClusterdDouble(root, {"Request": refused("/x/T.rtr:3:7: expected ;")}):
        got = run("scrgadm", "-a", "-t", "T", "-f", rtr["rtr"])
    assert (got.returncode, got.stderr) == (REFUSED, "scrgadm:  Failed to register resource type T - /x/T.rtr:3:7: expected ;.\n")


def test_each_failure_is_reported_and_the_others_are_done(root, run):
    def answer(p):
        return {} if p["request"]["rg"] in "ACE" else refused(f"{p['request']['rg']} said no")
    with ClusterdDouble(root, {"Request": answer}) as clusterd:
        got = run("scswitch", "-Z", "-g", "A,B,C,D,E")
    assert len(clusterd.requests) == 5
    assert got.returncode == REFUSED
    assert got.stderr == ("scswitch:  Failed to bring resource group B online - B said no.\n"
                          "scswitch:  Failed to bring resource group D online - D said no.\n")


def test_groups_are_worked_on_side_by_side(root, run):
    barrier = threading.Barrier(40, timeout=20)

    def answer(_):
        barrier.wait()
        return {}
    with ClusterdDouble(root, {"Request": answer}):
        got = run("scswitch", "-Z", "-g", ",".join(f"g{i}" for i in range(40)))
    assert (got.returncode, got.stderr) == (OK, "")


def test_more_groups_than_connections(root, run):
    with ClusterdDouble(root) as clusterd:
        got = run("scswitch", "-Z", "-g", ",".join(f"g{i}" for i in range(700)))
    assert (got.returncode, got.stderr, len(clusterd.requests)) == (OK, "", 700)


def test_unknown_resource_changes_nothing(root, run):
    with ClusterdDouble(root, ANSWERS) as clusterd:
        got = run("scswitch", "-e", "-j", "nfs-ip,none")
    assert (got.returncode, clusterd.requests) == (REFUSED, [])
    assert got.stderr == "scswitch:  Failed to enable resource none - resource none does not exist; nothing was changed.\n"


# ---- no daemon, no answer ----

@pytest.mark.parametrize("line", ["scstat", "scrgadm -p", "scrgadm -a -g G", "scswitch -Z", "scswitch -F -g A,B,C",
                                  "scswitch -e -j R", "cluster status", "cluster timers", "cluster timeline",
                                  "scrgadm -a -L -g G -l h"])
def test_daemon_down(line, run, root):
    got = run(*words(line))
    assert (got.returncode, got.stdout) == (exit_of(NO_DAEMON, line), "")
    assert got.stderr.count("\n") == 1
    assert f"clusterd is not running on this node (nobody listens at {root}/run/cluster/clusterd.sock)" in got.stderr


def test_daemon_ends(root, run):
    with ClusterdDouble(root) as clusterd:
        clusterd.answers["Request"] = lambda _: [c.shutdown(2) for c in clusterd.connections] and None
        got = run("scswitch", "-F", "-g", "A")
    assert got.returncode == NO_DAEMON and "clusterd ended before it answered" in got.stderr


def test_deadline(root, run):
    def answer(p):
        return {} if p["request"]["rg"] == "A" else None
    begin = time.monotonic()
    with ClusterdDouble(root, {"Request": answer, "Status": None}):
        got = run("scswitch", "-z", "-g", "A,B", "-h", "alpha", "--deadline", "1")
        assert (got.returncode, got.stderr) == (DEADLINE, "scswitch:  Failed to switch resource group B to alpha - not finished "
                                                "within 1 s (--deadline); the cluster goes on with it, and scstat "
                                                "shows how it stands.\n")
        got = run("scstat", "--deadline", "1")
        assert (got.returncode, got.stdout) == (DEADLINE, "")
        assert got.stderr == ("scstat:  Failed to read the state of the cluster - clusterd did not answer within 1 s "
                              "(--deadline).\n")
    assert 1.9 < time.monotonic() - begin < 20


# ---- listings ----

LISTINGS = [
    ("scstat", "scstat"), ("scstat -p", "scstat"), ("scstat -pvv", "scstat-v"), ("scstat -n", "scstat-n"),
    ("scstat -g", "scstat-g"), ("scstat -q", "scstat-q"), ("scstat -D", "scstat-D"), ("scstat -gn", "scstat-ng"),
    ("scstat -h beta", "scstat-h"), ("scstat -h 2", "scstat-h"), ("scstat -g -v", "scstat-gv"), ("scstat -g -vv", "scstat-gv"),
    ("scrgadm -p", "scrgadm-p"), ("scrgadm -pv", "scrgadm-pv"), ("scrgadm -pvv", "scrgadm-pvv"),
    ("scrgadm -p -g web-rg", "scrgadm-p-g"), ("scrgadm -pv -t LogicalHostname", "scrgadm-pv-t"),
    ("scrgadm -pvv -j nfs-ip", "scrgadm-pvv-j"), ("cluster status --short", "cluster-status-short"),
]


@pytest.mark.parametrize("line, name", LISTINGS, ids=[line for line, _ in LISTINGS])
def test_listing(line, name, root, run):
    with ClusterdDouble(root, ANSWERS):
        got = run(*words(line))
    assert (got.returncode, got.stderr) == (OK, "")
    golden(name + ".txt", got.stdout)


@pytest.mark.parametrize("line, name", [("scstat -W", "scstat-W"), ("scstat -i", "scstat-i"), ("scstat -Wi -h alpha", "scstat-Wi-h")])
def test_listing_of_what_the_status_may_hold(line, name, root, run):
    with ClusterdDouble(root, {"Status": {**STATUS, **MORE_STATUS}}):
        got = run(*words(line))
    assert (got.returncode, got.stderr) == (OK, "")
    golden(name + ".txt", got.stdout)


@pytest.mark.parametrize("letter, header", [("W", "-- Cluster Transport Paths --"), ("i", "-- IPMP Groups --")])
def test_listing_without_rows(letter, header, root, run):
    with ClusterdDouble(root, ANSWERS):
        got = run("scstat", "-" + letter)
    lines = got.stdout.splitlines()
    assert got.returncode == OK and lines[0] == header and len(lines) == 5


def test_labels_that_scripts_read(root, run):
    """The words after a label, as scripts split them."""
    with ClusterdDouble(root, ANSWERS):
        out = run("scstat").stdout
    assert re.findall(r"Cluster node: +(\S+) +(\S+)\n", out) == [("alpha", "Online"), ("beta", "Offline")]
    assert ("a-group-with-a-very-long-name", "beta", "Unmanaged") in re.findall(r"Group: (\S+) +(\S+) +(\S+)\n", out)
    assert "Online    Online - LogicalHostname online.\n" in out
    assert "Online_not_monitored Faulted - probe failed\n" in out


def test_json(root, run):
    with ClusterdDouble(root, ANSWERS):
        assert json.loads(run("scstat", "--json").stdout) == STATUS
        groups = json.loads(run("scstat", "-g", "--json").stdout)
        assert groups["groups"] == STATUS["groups"] and "nodes" not in groups and "quorum" not in groups
        config = json.loads(run("scrgadm", "-p", "--json").stdout)
        assert config == {"types": CONFIG["types"], "groups": CONFIG["groups"], "resources": []}
        only = json.loads(run("scrgadm", "-p", "-j", "web-ip", "--json").stdout)
        assert [r["name"] for r in only["resources"]] == ["web-ip"] and only["types"] == [] == only["groups"]
        assert json.loads(run("cluster", "status", "--json").stdout) == STATUS
        assert json.loads(run("cluster", "timers", "--json").stdout)["token_ms"] == 170


@pytest.mark.parametrize("line, text", [
    ("scrgadm -p -g none", "scrgadm:  Failed to print resource group none - there is no resource group none.\n"),
    ("scrgadm -p -j none", "scrgadm:  Failed to print resource none - there is no resource none.\n"),
    ("scrgadm -p -t none", "scrgadm:  Failed to print resource type none - there is no resource type none.\n"),
    ("scstat -h none", "scstat:  Failed to show node none - there is no such node in the configuration.\n"),
])
def test_listing_of_nothing(line, text, root, run):
    with ClusterdDouble(root, ANSWERS):
        got = run(*words(line))
    assert (got.returncode, got.stdout, got.stderr) == (REFUSED, "", text)


def test_not_a_member(root, run):
    with ClusterdDouble(root, {"Status": NOT_MEMBER, "Request": refused("this node is not a member of the cluster: " +
                                                                        NOT_MEMBER["waiting_for"])}):
        got = run("scstat")
        assert got.returncode == OK
        assert "Cluster node:     alpha               Offline" in got.stdout
        assert got.stderr.startswith("scstat:  This node (alpha) is not a member of the cluster now, and shows what it knows - ")
        assert NOT_MEMBER["waiting_for"] in got.stderr
        got = run("scswitch", "-F", "-g", "A")
        assert got.returncode == REFUSED and "waiting for quorum" in got.stderr
        assert "This node is not a member: " in run("cluster", "status", "--short").stdout


def test_status_of_another_version(root, run):
    """Members that are missing or of another kind are no reason to fall over."""
    for status in ({}, {"nodes": "x", "groups": [1, {"nodes": [2], "resources": [None]}], "quorum": []}):
        with ClusterdDouble(root, {"Status": status, "Config": status, "Journal": {"entries": [1, {"e": "msg"}, {"e": "view"}]}}):
            for line in ("scstat", "scrgadm -pvv", "cluster status", "cluster status --short", "cluster timeline"):
                assert run(*words(line)).returncode == OK


# ---- help, manual ----

COMMANDS = ["scrgadm", "scswitch", "scstat", "cluster create", "cluster corosync-conf", "cluster status", "cluster timeline",
            "cluster timers", "cluster apply", "cluster diff", "cluster export", "cluster history", "cluster show-schema",
            "cluster undo"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command, run):
    got = run(*command.split(), "--help")
    assert got.returncode == OK and got.stderr == ""
    assert got.stdout.startswith(command + ": ") and "--deadline SECONDS" in got.stdout


def test_values_per_node_are_shown(root, run):
    workers = {"name": "Workers", "value": "4", "extension": True, "type": "INT", "tunable": "ANYTIME", "description": "",
               "values": {"beta": "8"}}
    group = CONFIG["groups"][0]
    config = {**CONFIG, "groups": [{**group, "resources": [{**group["resources"][1], "properties": [workers]}]}]}
    with ClusterdDouble(root, {"Config": config}):
        lines = run("scrgadm", "-pvv", "-j", "nfs-res").stdout.splitlines()
    assert [" ".join(line.split()) for line in lines if "property value" in line] == [
        "(nfs-rg:nfs-res:Workers) Res property value: 4", "(nfs-rg:nfs-res:Workers{beta}) Res property value: 8"]


@pytest.mark.parametrize("command", ["pmfadm", "hatimerun", "halockrun"])
def test_manual_has_every_option_of_usage(command, run):
    """These have no --help: called with nothing they print their usage, in which "-av" stands for -a and -v."""
    page = (SOURCE / "docs/man" / f"{command}.1m.scd").read_text().replace("\\", "")
    usage = run(command).stderr
    given = re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", usage[usage.index("usage:"):])
    options = {o for w in given for o in ([w] if w.startswith("--") else ["-" + letter for letter in w[1:]])}
    assert len(options) > 3
    for option in sorted(options):
        assert f"\n*{option}*" in page, f"{option} of {command}"


def test_called_by_its_name(root):
    link = root / "scstat"
    link.symlink_to(PARHELION)
    got = subprocess.run([link, "--help"], capture_output=True, text=True, timeout=20)
    assert got.stdout.startswith("scstat: ")


# ---- cluster timeline ----

@pytest.mark.parametrize("line, name", [("cluster timeline", "timeline"), ("cluster timeline -g nfs-rg", "timeline-g")])
def test_timeline(line, name, root, run):
    with ClusterdDouble(root, {"Status": TIMELINE_STATUS, "Journal": {"entries": JOURNAL}}) as clusterd:
        got = run(*words(line))
    assert (got.returncode, got.stderr) == (OK, "")
    golden(name + ".txt", got.stdout)
    assert clusterd.calls[-1] == ("Journal", {"since_ms": 0})


def test_timeline_json(root, run):
    with ClusterdDouble(root, {"Status": TIMELINE_STATUS, "Journal": {"entries": JOURNAL}}):
        story = json.loads(run("cluster", "timeline", "--json").stdout)
    title = [i["title"] for i in story["incidents"]]
    assert title[2] == "gamma lost: last heard 431 ms before"
    facts = story["incidents"][2]["facts"]
    assert facts[0]["delta_ms"] == 0 and facts == sorted(facts, key=lambda f: f["at"])
    assert {"group", "node", "kind", "text", "tone", "at", "delta_ms"} == set(facts[0])


def test_timeline_of_what_timed_out(root, run):
    waits = "pid 7 (mount.nfs) waits in rpc_wait, uninterruptible; 2 other processes"
    journal = JOURNAL + [
        msg(21000, 2, t="rgm.rep", v=1, rg="nfs-rg", state="ERROR_STOP_FAILED", runs=[
            {"rs": "nfs-res", "method": "Stop", "at": T0 + 20900, "ms": 60012, "ok": False, "timed_out": True, "stuck": waits}]),
        msg(22000, 1, t="rgm.req", id="1-9-2", op="resource_change", rs="nfs-res", by="root@alpha", cmd="clrs set -p a=b nfs-res"),
        msg(23000, 2, t="rgm.ran", v=1, id="1-9-2", exit=-1, timed_out=True, output="noise", stuck=waits)]
    with ClusterdDouble(root, {"Status": TIMELINE_STATUS, "Journal": {"entries": journal}}):
        got = run("cluster", "timeline").stdout
    assert f"  beta: Stop of nfs-res, 60012 ms, timed out: {waits}\n" in got
    assert re.search(rf"  beta gives no answer in time to .*nfs-res: {re.escape(waits)}\n", got)


@pytest.mark.parametrize("since, back_s", [("90", 90), ("00:00:00", None)])
def test_timeline_since(since, back_s, root, run):
    with ClusterdDouble(root, {"Status": STATUS, "Journal": {"entries": []}}) as clusterd:
        assert run("cluster", "timeline", "--since", since).returncode == OK
    asked = clusterd.calls[-1][1]["since_ms"] / 1000
    want = time.time() - back_s if back_s else time.time() // 86400 * 86400
    assert abs(asked - want) < 5


def test_timeline_has_colour_on_a_terminal_only(root):
    import pty
    with ClusterdDouble(root, {"Status": TIMELINE_STATUS, "Journal": {"entries": JOURNAL}}):
        parent, child = pty.openpty()
        env = {**os.environ, "PARHELION_ROOT": str(root)}
        env.pop("NO_COLOR", None)
        subprocess.run([PARHELION, "cluster", "timeline", "-g", "other-rg"], stdout=child, timeout=20, env=env, check=True)
        os.close(child)
        text = os.read(parent, 65536).decode()
        os.close(parent)
    assert "\033[31mfailed: scswitch" in text


# ---- cluster create, cluster corosync-conf ----

KEY = bytes(range(128))


def description(**changes):
    d = {"name": "demo", "takeover_time_ms": 640, "cluster_id": "0x3908EE1C", "authkey": KEY.hex(), "nodes": [
        {"name": "node1", "id": 1, "links": ["10.88.1.1", "10.88.2.1"]},
        {"name": "node2", "id": 2, "links": ["10.88.1.2", {"adapter": "eth2", "address": "10.88.2.2"}], "votes": 0}]}
    d.update(changes)
    return {k: v for k, v in d.items() if v is not None}


def create(run, root, d, *args):
    (root / "cluster.json").write_text(json.dumps(d))
    return run("cluster", "create", "-i", "cluster.json", *args)


def mode(path):
    return path.stat().st_mode & 0o7777


def test_create(root, run):
    got = create(run, root, description(), "-n", "node2")
    assert (got.returncode, got.stdout, got.stderr) == (OK, "", "")
    table, nodeid = root / "etc/cluster/ccr/global/infrastructure", root / "etc/cluster/nodeid"
    key = root / "etc/corosync/authkey"
    golden("infrastructure.txt", table.read_text())
    assert (nodeid.read_text(), key.read_bytes()) == ("2\n", KEY)
    assert (mode(table), mode(key), mode(nodeid), mode(table.parent)) == (0o600, 0o400, 0o644, 0o700)
    assert sorted(p.name for p in table.parent.iterdir()) == ["infrastructure"]

    before = table.read_text()
    got = create(run, root, description(name="other"), "-n", "node2")
    assert got.returncode == CL_EOP and "is a node of a cluster already" in got.stderr
    assert table.read_text() == before


def test_create_gives_the_same_table_everywhere(root, run):
    """All nodes begin with generation 1, so their tables must not differ: not by node, not by clock."""
    tables = []
    for node in ("node1", "node2"):
        assert create(run, root, description(cluster_id=None), "-n", node).returncode == OK
        tables.append((root / "etc/cluster/ccr/global/infrastructure").read_bytes())
        shutil.rmtree(root / "etc")
        time.sleep(1.1)
    assert tables[0] == tables[1]
    assert re.search(rb"cluster_id\t0x[0-9A-F]{8}\n", tables[0])


def test_create_keys(root, run):
    (root / "key").write_bytes(KEY)
    assert create(run, root, description(authkey=None, authkey_file="key"), "-n", "node1").returncode == OK
    (root / "etc/cluster/ccr/global/infrastructure").unlink()
    assert create(run, root, description(authkey=None), "-n", "node1").returncode == OK         # the one in place
    (root / "etc/cluster/ccr/global/infrastructure").unlink()
    got = create(run, root, description(authkey="00" * 128), "-n", "node1")
    assert got.returncode == CL_EOP and "authkey exists and says something else" in got.stderr
    got = create(run, root, description(), "-n", "node2")
    assert got.returncode == CL_EOP and "nodeid exists and says something else" in got.stderr


def node(**changes):
    return [{"name": "node1", "id": 1, "links": ["10.88.1.1"], **changes}]


@pytest.mark.parametrize("changes, text", [
    ({"name": "a b"}, "is no name for a cluster"),
    ({"name": None}, "is no name for a cluster"),
    ({"takeover_time_ms": 10}, "takeover_time 10 ms is outside 480 to 60000 ms"),
    ({"takeover_time_ms": -1}, "is outside"),
    ({"takeover_time_ms": 10**12}, "is outside"),
    ({"takeover_time_ms": "640"}, "no whole number"),
    ({"cluster_id": "demo"}, "is no number of 32 bits"),
    ({"cluster_id": "0x1FFFFFFFF"}, "is no number of 32 bits"),
    ({"nodes": None}, 'has no "nodes"'),
    ({"nodes": ["node1"]}, "is no JSON object"),
    ({"nodez": []}, 'unknown member "nodez"'),
    ({"nodes": node(link=[])}, 'node "node1" has an unknown member "link"'),
    ({"nodes": node(id=0)}, '"id" must be a number from 1 to 64'),
    ({"nodes": node(id=65)}, '"id" must be a number from 1 to 64'),
    ({"nodes": node(name="x\ty")}, "is no name for a node"),
    ({"nodes": node(links=[])}, '"links" must hold 1 to 8'),
    ({"nodes": node(links=["1.2.3.%d" % i for i in range(9)])}, '"links" must hold 1 to 8'),
    ({"nodes": node(links=["host"])}, '"host" is no IP address'),
    ({"nodes": node(votes=2)}, '"votes" must be 0 or 1'),
    ({"nodes": node() + node()}, "id 1 is given to a node before it"),
    ({"nodes": node() + node(id=2)}, "name node1 is given to a node before it"),
    ({"nodes": node() + node(id=2, name="node2")}, "address 10.88.1.1 is given to a node before it"),
    ({"nodes": node() + node(id=2, name="node2", links=["1.1.1.1", "1.1.1.2"])}, "the nodes before it have 1"),
    ({"nodes": node(name="other")}, "the description has no node node1"),
    ({"authkey": "00"}, '"authkey" must be 256 hexadecimal digits'),
    ({"authkey": "x" * 256}, '"authkey" must be 256 hexadecimal digits'),
    ({"authkey_file": "key"}, "exclude each other"),
    ({"authkey": None, "authkey_file": "none"}, "cannot open ./none"),
])
def test_create_wrong(changes, text, root, run):
    got = create(run, root, description(**changes), "-n", "node1")
    assert got.returncode == CL_EOP
    assert got.stderr.startswith("cluster:  (C100037) Failed to create the cluster - ") and text in got.stderr
    assert not (root / "etc/cluster/ccr/global/infrastructure").exists()


def test_create_makes_the_key_on_the_first_node(root, run):
    got = create(run, root, description(authkey=None), "-n", "node2")
    assert got.returncode == CL_EOP and "there is no key" in got.stderr and "on its first node" in got.stderr
    got = create(run, root, description(authkey=None), "-n", "node1", "--dry-run")
    assert (got.returncode, got.stdout.count("would ")) == (OK, 5) and not (root / "etc").exists()
    got = create(run, root, description(authkey=None), "-n", "node1")
    assert got.returncode == OK and "cluster create -i /root/description.json" in got.stdout
    made = root / "etc/cluster/description.json"
    assert mode(made) == 0o600
    assert json.loads(made.read_text()) == description(authkey=(root / "etc/corosync/authkey").read_bytes().hex())
    shutil.copy(made, root / "cluster.json")
    shutil.rmtree(root / "etc")
    got = run("cluster", "create", "-i", "cluster.json", "-n", "node2")
    assert (got.returncode, got.stdout, got.stderr) == (OK, "", "")


def test_create_undoes_what_it_did(root, run):
    """The table is written last; where it cannot be, nothing is left."""
    (root / "etc/cluster/ccr").mkdir(parents=True)
    (root / "etc/cluster/ccr/global").write_text("in the way")
    got = create(run, root, description(authkey=None), "-n", "node1")
    assert got.returncode == CL_EOP and "ccr/global" in got.stderr
    assert [p.name for p in (root / "etc").rglob("*") if p.is_file()] == ["global"]


JOIN = {"join": "node3", "generation": 12, "authkey": KEY.hex(), "table": {
    "cluster.name": "demo", "cluster.nodes.1.name": "node1", "cluster.nodes.3.name": "node3"}}


def test_create_from_a_join_description(root, run):
    assert create(run, root, JOIN).returncode == OK
    assert (root / "etc/cluster/nodeid").read_text() == "3\n"
    assert (root / "etc/cluster/ccr/global/infrastructure").read_text().startswith("ccr_gennum\t12\n")


@pytest.mark.parametrize("changes, text", [
    ({"table": None}, "no join description"), ({"generation": 0}, "no join description"),
    ({"table": {"cluster.nodes.3.name": 3}}, "is no text"), ({"join": "node4"}, "has no node node4"),
])
def test_create_from_a_wrong_join_description(changes, text, root, run):
    got = create(run, root, {**JOIN, **changes})
    assert got.returncode == CL_EOP and text in got.stderr
    assert not (root / "etc/cluster").exists()


def test_create_from_no_json(root, run):
    (root / "cluster.json").write_text('{\n  "name": }')
    got = run("cluster", "create", "-i", "cluster.json")
    assert got.returncode == CL_EOP and "cluster.json:2:" in got.stderr


def test_corosync_conf(root, run):
    create(run, root, description(), "-n", "node1")
    got = run("cluster", "corosync-conf")
    assert (got.returncode, got.stderr) == (OK, "")
    golden("corosync.conf", got.stdout.replace(str(root), ""))
    got = run("cluster", "corosync-conf", "-w")
    assert (got.returncode, got.stdout, got.stderr) == (OK, "", "")
    conf = root / "etc/corosync/corosync.conf"
    assert conf.read_text().replace(str(root), "") == (HERE / "golden/corosync.conf").read_text()
    assert mode(conf) == 0o644
    assert run("cluster", "corosync-conf", "-w").returncode == OK       # again, over the old one


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("corosync") or not shutil.which("unshare"),
                    reason="needs root, corosync and unshare")
@pytest.mark.parametrize("takeover_ms", [480, 640, 3000, 60000])
def test_corosync_takes_its_configuration(takeover_ms, root, run):
    create(run, root, description(takeover_time_ms=takeover_ms), "-n", "node1")
    assert run("cluster", "corosync-conf", "-w").returncode == OK
    got = subprocess.run(["unshare", "-n", "sh", "-c", "ip link set lo up; ip addr add 10.88.1.1/24 dev lo; "
                          f"ip addr add 10.88.2.1/24 dev lo; exec corosync -t -c {root}/etc/corosync/corosync.conf"],
                         capture_output=True, text=True, timeout=60)
    assert got.returncode == 0, got.stderr


def test_corosync_conf_without_a_cluster(root, run):
    got = run("cluster", "corosync-conf")
    assert got.returncode == CL_EOP and "this machine is not a node of a cluster" in got.stderr
    create(run, root, description(), "-n", "node1")
    table = root / "etc/cluster/ccr/global/infrastructure"
    table.write_text(table.read_text().replace("node1", "node9"))
    got = run("cluster", "corosync-conf", "-w")
    assert got.returncode == CL_EOP and "checksum" in got.stderr
    assert not (root / "etc/corosync/corosync.conf").exists()
