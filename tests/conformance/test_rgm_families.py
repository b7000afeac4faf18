"""clresourcetype, clresourcegroup, clresource, clreslogicalhostname and clressharedaddress against a stand-in for clusterd: each
subcommand, each option, each exit code."""

import copy
import json
import re

import pytest
from clusterd_double import ClusterdDouble, Error
from command_samples import NOT_MEMBER
from rgm_samples import ANSWERS, APP, CONFIG, LH, NFS
from test_commands import SOURCE, golden, root, run, words     # noqa: F401
from test_membership_commands import (CL_EACCESS, CL_EEXIST, CL_EINVAL, CL_EIO, CL_ENOENT, CL_ENOTCLMODE, CL_EOP, CL_EPROP, CL_ERECONF,
                                      CL_ESTATE, CODES, COMMON, OK)

FAMILIES = {"clresourcetype": "clrt", "clresourcegroup": "clrg", "clresource": "clrs", "clreslogicalhostname": "clrslh",
            "clressharedaddress": "clrssa"}

# ---- listings: the command line, and the golden file ----

LISTINGS = [
    ("clresourcetype list", "clrt-list"), ("clrt list +", "clrt-list"), ("clrt list -v", "clrt-list-v"),
    ("clrt list nfs", "clrt-list-nfs"), ("clrt list -n beta SUNW.nfs", "clrt-list-nfs"), ("clrt list --verbose", "clrt-list-v"),
    ("clrt show LogicalHostname", "clrt-show-lh"), ("clresourcetype show -v SUNW.LogicalHostname:3", "clrt-show-v-lh"),
    ("clrt show", "clrt-show"), ("clrt list-props ACME.app", "clrt-list-props"), ("clrt list-props -v", "clrt-list-props-v"),
    ("clrt list-props -v -p RT_system app", "clrt-list-props-v-p"),
    ("clresourcegroup list", "clrg-list"), ("clrg list -v +", "clrg-list-v"), ("clrg list -n beta -s online", "clrg-list-none"),
    ("clrg list -r nfs-ip,none", "clrg-list-nfs"), ("clrg list -t nfs", "clrg-list-nfs"),
    ("clrg list -s unmanaged", "clrg-list-new"),
    ("clrg list -s online -n 1", "clrg-list-nfs"), ("clrg list --state=not_online -r web-res --type app", "clrg-list-web"),
    ("clresourcegroup show", "clrg-show"), ("clrg show -v nfs-rg", "clrg-show-v"),
    ("clrg show -t LogicalHostname -v", "clrg-show-v"),
    ("clrg show -p Failback,nodelist new-rg web-rg", "clrg-show-p"),
    ("clrg show -n alpha -r web-res -s offline -v", "clrg-show-web-v"),
    ("clresourcegroup status", "clrg-status"), ("clrg status -n beta", "clrg-status-n"),
    ("clrg status -s unmanaged +", "clrg-status-new"),
    ("clrg status -v -r nfs-ip nfs-rg web-rg", "clrg-status-v"), ("clrg status -t app -s online", "clrg-status-t"),
    ("clresource list", "clrs-list"), ("clrs list -v", "clrs-list-v"), ("clrs list -g web-rg,new-rg", "clrs-list-web"),
    ("clrs list -t app -n alpha", "clrs-list-app"), ("clrs list -s stop_failed", "clrs-list-failed"),
    ("clrs list --state degraded", "clrs-list-failed"), ("clrs list -s faulted -n alpha", "clrg-list-none"),
    ("clresource show web-res", "clrs-show"), ("clrs show -v -g nfs-rg", "clrs-show-v"),
    ("clrs show -p workers -t app -n beta", "clrs-show-p"),
    ("clresource status", "clrs-status"), ("clrs status -n beta -t nfs", "clrs-status-n"),
    ("clrs status -v -g web-rg", "clrs-status-v"),
    ("clrs status -s offline nfs-ip", "clrs-status-nfs-ip"),
    ("clresource list-props", "clrs-list-props"), ("clrs list-props -v -l all nfs-res", "clrs-list-props-v"),
    ("clrs list-props -l standard nfs-res", "clrs-list-props-standard"),
    ("clrs list-props -p Workers -y Retry_count", "clrs-list-props-p"),
    ("clrs list-props -x Workers -x Retry_count", "clrs-list-props-x"),
    ("clreslogicalhostname list", "clrslh-list"), ("clrslh list -v +", "clrslh-list-v"), ("clrslh status", "clrs-status-nfs-ip"),
    ("clreslogicalhostname show", "clrslh-show"), ("clrslh show -v nfs-ip", "clrslh-show-v"),
    ("clrslh list-props", "clrslh-list-props"),
    ("clrslh status -v", "clrslh-status-v"), ("clrslh list-props -l all -v -p HostnameList -x a -y b", "clrslh-list-props-v"),
    ("clrslh show -g nfs-rg -t LogicalHostname -n 2 -p HostnameList", "clrslh-show-p"),
    ("clrslh list -g nfs-rg -t nfs -s online -n 2", "clrg-list-none"),
    ("clrslh status -g web-rg -t nfs -s online -n 2", "clrg-list-none"),
    ("clressharedaddress list", "clrg-list-none"), ("clrssa status", "clrg-list-none"), ("clrssa show -v", "clrg-list-none"),
    ("clrssa list-props", "clrg-list-none"), ("clrssa list-props -l all -p a -x a -y b", "clrg-list-none"),
    ("clrssa list -g web-rg -t nfs -s online -n 2", "clrg-list-none"),
    ("clrssa status -v -g web-rg -t nfs -s online -n 2", "clrg-list-none"),
    ("clrssa list -s online", "clrg-list-none"), ("clrssa list -v", "clrssa-list-v"),
    ("clrssa list-props -v", "clrssa-list-props-v"), ("clrssa show -g nfs-rg -t nfs -n 2 -p HostnameList", "clrg-list-none"),
]


@pytest.mark.parametrize("line, name", LISTINGS, ids=[row[0] for row in LISTINGS])
def test_listing(line, name, root, run):
    with ClusterdDouble(root, ANSWERS):
        got = run(*words(line))
    assert (got.returncode, got.stderr) == (OK, "")
    golden(name + ".txt", got.stdout)


def test_documented_samples(root, run):
    """The samples of the documentation, line for line."""
    with ClusterdDouble(root, ANSWERS):
        assert run("clrg", "status", "nfs-rg").stdout == """\
=== Cluster Resource Groups ===

Group Name       Node Name       Suspended      Status
----------       ---------       ---------      ------
nfs-rg           alpha           No             Online
                 beta            No             Offline

"""
        assert run("clrs", "status", "nfs-ip").stdout == """\
=== Cluster Resources ===

Resource Name       Node Name      State        Status Message
-------------       ---------      -----        --------------
nfs-ip              alpha          Online       Online - LogicalHostname online.
                    beta           Offline      Offline

"""
        assert run("clrg", "show", "-v", "nfs-rg").stdout.startswith("""\
=== Resource Groups and Resources ===

Resource Group:                                 nfs-rg
  RG_description:                                 <NULL>
  RG_mode:                                        Failover
  RG_state:                                       Managed
  RG_project_name:                                default
  RG_affinities:                                  <NULL>
  Auto_start_on_new_cluster:                      True
  Failback:                                       False
  Nodelist:                                       alpha beta
  Maximum_primaries:                              1
  Desired_primaries:                              1
  RG_dependencies:                                <NULL>
  Implicit_network_dependencies:                  True
  Global_resources_used:                          <All>
  Pingpong_interval:                              3600
  Pathprefix:                                     <NULL>
  RG_system:                                      False
  Suspend_automatic_recovery:                     False

  --- Resources for Group nfs-rg ---

  Resource:                                     nfs-ip
    Type:                                         SUNW.LogicalHostname:3
    Type_version:                                 3
    Group:                                        nfs-rg
    R_description:
    Resource_project_name:                        default
    Enabled{alpha}:                               True
    Enabled{beta}:                                True
    Monitored{alpha}:                             True
    Monitored{beta}:                              True
""")
        assert run("clrt", "list", "LogicalHostname").stdout == "SUNW.LogicalHostname:3\n"


JSON = [
    ("clrt list --json", lambda j: [t["name"] for t in j] == [t["name"] for t in CONFIG["types"]]),
    ("clrt show --json nfs", lambda j: len(j) == 2), ("clrt list-props --json app", lambda j: len(j) == 1),
    ("clrg list --json -s online", lambda j: [g["name"] for g in j] == ["nfs-rg"]),
    ("clrg show --json web-rg", lambda j: j == [CONFIG["groups"][1]]),
    ("clrg status --json -n beta nfs-rg", lambda j: j[0]["nodes"] == [{"node": "beta", "state": "OFFLINE"}]),
    ("clrs list --json -g web-rg", lambda j: [r["name"] for r in j] == ["web-res"]),
    ("clrs show --json nfs-ip", lambda j: j == [CONFIG["groups"][0]["resources"][0]]),
    ("clrs status --json -n alpha nfs-res", lambda j: j[0]["nodes"][0]["status"] == "DEGRADED"),
    ("clrs list-props --json nfs-ip", lambda j: j == {"HostnameList": "Host names"}),
    ("clrslh list --json", lambda j: [r["name"] for r in j] == ["nfs-ip"]), ("clrssa list --json", lambda j: j == []),
]


@pytest.mark.parametrize("line, want", JSON, ids=[row[0] for row in JSON])
def test_json(line, want, root, run):
    with ClusterdDouble(root, ANSWERS):
        got = run(*words(line))
    assert (got.returncode, got.stderr) == (OK, "")
    assert want(json.loads(got.stdout))


# ---- changes: the command line, and the requests that it becomes ----

def type_add(name, path, nodes=""):
    return {"op": "type_add", "type": name, "rtr": "RTR text\n", "path": path, "installed_nodes": nodes}


def change(name, **more):
    return {"op": "type_change", "type": name, **more}


def group(op, name, **more):
    return {"op": "group_" + op, "rg": name, **more}


def switch(name, *nodes, preferred=False):
    return group("switch", name, nodes=list(nodes), preferred=preferred)


def rs(op, *names, monitor=False, **more):
    return {"op": "resource_" + op, "names": list(names), "monitor": monitor, **more}


def add(name, rg, type_, enabled=True, ext=None, **more):
    return {"op": "resource_add", "rs": name, "rg": rg, "type": type_, "enabled": enabled, **({"ext": ext} if ext else {}), **more}


def rs_change(name, **more):
    return {"op": "resource_change", "rs": name, **more}


EACH = ["nfs-rg", "web-rg", "new-rg"]
REQUESTS = [
    ("clresourcetype register -f {rtr} T", [type_add("T", "{rtr}")]), ("clrt register -N -f T.rtr T", [type_add("T", "{rtr}")]),
    ("clrt register -n 1,beta ACME.reg", [type_add("ACME.reg", "{reg}/ACME.reg", "alpha,beta")]),
    ("clrt register -p RT_system=TRUE ACME.reg", [type_add("ACME.reg", "{reg}/ACME.reg"), change("ACME.reg", props={"RT_system": "TRUE"})]),
    ("clrt set -n alpha nfs:3.1", [change("SUNW.nfs:3.1", installed_nodes="alpha")]),
    ("clrt set -N -p RT_system=TRUE app", [change(APP, installed_nodes="", props={"RT_system": "TRUE"})]),
    ("clrt set -p RT_system=TRUE ACME.app", [change(APP, props={"RT_system": "TRUE"})]),
    ("clresourcetype add-node -n beta app LogicalHostname", [change(APP, installed_nodes="alpha,beta")]),
    ("clresourcetype remove-node -n beta app", [change(APP, installed_nodes="alpha")]),
    ("clrt remove-node -n beta LogicalHostname", [change(LH, installed_nodes="alpha")]),
    ("clresourcetype unregister nfs:3.1 app", [{"op": "type_remove", "type": "SUNW.nfs:3.1"}, {"op": "type_remove", "type": APP}]),

    ("clresourcegroup create a b", [group("add", "a", props={}), group("add", "b", props={})]),
    ("clrg create -n 2,alpha -p Failback=TRUE -p RG_description=a,b a",
     [group("add", "a", props={"Failback": "TRUE", "RG_description": "a,b", "Nodelist": "beta,alpha"})]),
    ("clrg create -p Load_factors=mem@20 -p Priority=600 -p Preemption_mode=Never -p Pingpong_interval=0 a",
     [group("add", "a", props={"Load_factors": "mem@20", "Priority": "600", "Preemption_mode": "Never", "Pingpong_interval": "0"})]),
    ("clrg create -S a", [group("add", "a", props={"Maximum_primaries": "2", "Desired_primaries": "2"})]),
    ("clrg create --scalable --node=beta -p desired_primaries=0 a",
     [group("add", "a", props={"Nodelist": "beta", "Maximum_primaries": "1", "desired_primaries": "0"})]),
    ("clresourcegroup delete new-rg", [group("remove", "new-rg")]),
    ("clrg delete -F new-rg", [group("remove", "new-rg")]),
    ("clrg delete --force web-rg", [group("offline", "web-rg"), {"op": "resource_remove", "rs": "web-res"}, group("unmanage", "web-rg"),
                                    group("remove", "web-rg")]),
    ("clrg delete -F nfs-rg", [
        group("change", "web-rg", props={"RG_affinities": ""}), group("offline", "nfs-rg"),
        rs_change("web-res", props={"Resource_dependencies_weak": ""}),
        rs("disable", "nfs-res"), {"op": "resource_remove", "rs": "nfs-res"}, rs("disable", "nfs-ip"),
        {"op": "resource_remove", "rs": "nfs-ip"}, rs("disable", "nfs-stor"), {"op": "resource_remove", "rs": "nfs-stor"},
        group("unmanage", "nfs-rg"), group("remove", "nfs-rg")]),
    ("clresourcegroup set -p Failback=TRUE -p RG_affinities+=++x,--y web-rg",
     [group("change", "web-rg", props={"Failback": "TRUE", "RG_affinities": "+++nfs-rg,++x,--y"})]),
    ("clrg set -n beta -p RG_affinities-=+++nfs-rg web-rg", [group("change", "web-rg", props={"RG_affinities": "", "Nodelist": "beta"})]),
    ("clrg set --property nodelist-=alpha +", [group("change", g, props={"nodelist": "beta"}) for g in EACH]),
    ("clresourcegroup add-node -n beta nfs-rg", []),
    ("clrg remove-node -n 1 -S web-rg", [group("change", "web-rg", props={"Nodelist": "beta", "Maximum_primaries": "1",
                                                                        "Desired_primaries": "1"})]),
    ("clresourcegroup remove-node -n alpha nfs-rg", [group("change", "nfs-rg", props={"Nodelist": "beta"})]),
    ("clresourcegroup manage new-rg", [group("manage", "new-rg")]),
    ("clresourcegroup unmanage web-rg", [group("unmanage", "web-rg")]),
    ("clresourcegroup online -eM web-rg", [group("manage", "web-rg"), {**rs("enable", "web-res"), "rg": "web-rg"},
                                           switch("web-rg", preferred=True)]),
    ("clrg online -e -m -M nfs-rg", [group("manage", "nfs-rg")]),
    ("clrg online -n beta new-rg nfs-rg", [switch("new-rg", "beta"), switch("nfs-rg", "alpha", "beta")]),
    ("clrg online +", [switch("new-rg", preferred=True)]),
    ("clrg online -u +", [switch("new-rg", preferred=True), switch("web-rg", preferred=True)]),
    ("clrg online web-rg", [switch("web-rg", preferred=True)]),
    ("clresourcegroup switch -n beta,1 new-rg", [switch("new-rg", "beta", "alpha")]),
    ("clrg switch -emM -n 2 web-rg", [group("manage", "web-rg"), {**rs("enable", "web-res"), "rg": "web-rg"}, switch("web-rg", "beta")]),
    ("clrg switch -u -n 2 +", [switch("nfs-rg", "beta"), switch("web-rg", "beta"), switch("new-rg", "beta")]),
    ("clresourcegroup offline nfs-rg", [group("offline", "nfs-rg")]),
    ("clrg offline +", [group("offline", "nfs-rg"), group("offline", "new-rg")]),
    ("clrg offline -u +", [group("offline", g) for g in EACH]),
    ("clrg offline -n alpha nfs-rg web-rg", [switch("nfs-rg")]), ("clrg offline -n beta nfs-rg", []),
    ("clresourcegroup restart nfs-rg", [group("restart", "nfs-rg", nodes=["alpha"])]),
    ("clrg restart -u +", [group("restart", "nfs-rg", nodes=["alpha"])]),
    ("clrg restart -n 2 web-rg", [group("restart", "web-rg", nodes=["beta"])]),
    ("clresourcegroup remaster nfs-rg", [group("remaster", "nfs-rg")]),
    ("clrg remaster -u +", [group("remaster", g) for g in EACH]),
    ("clresourcegroup evacuate -n beta +", [{"op": "evacuate", "node": "beta", "seconds": 60}]),
    ("clrg evacuate -n 1,2 -T 0", [{"op": "evacuate", "node": "alpha", "seconds": 0}, {"op": "evacuate", "node": "beta", "seconds": 0}]),
    ("clresourcegroup suspend nfs-rg", [group("suspend", "nfs-rg")]),
    ("clresourcegroup resume web-rg", [group("resume", "web-rg")]),
    ("clrg resume +", [group("resume", g) for g in EACH]), ("clresourcegroup quiesce nfs-rg", [group("quiesce", "nfs-rg")]),
    ("clrg suspend -k nfs-rg", [group("suspend", "nfs-rg", kill=True)]), ("clrg quiesce --kill new-rg", [group("quiesce", "new-rg", kill=True)]),

    ("clresource create -g web-rg -t nfs new", [add("new", "web-rg", "nfs")]),
    ("clrs create --resourcegroup=web-rg --type nfs -d -p Retry_count=3 -x A=1 -x B{{2}}=x,y -y R_description=w new",
     [add("new", "web-rg", "nfs", False, {"A": "1", "B{2}": "x,y"}, any={"Retry_count": "3"}, props={"R_description": "w"})]),
    ("clresource delete nfs-ip nfs-res", [{"op": "resource_remove", "rs": "nfs-res"}, {"op": "resource_remove", "rs": "nfs-ip"}]),
    ("clrs delete -F nfs-stor", [rs_change("nfs-res", props={"Resource_dependencies": "nfs-ip"}), rs("disable", "nfs-stor"),
                                 {"op": "resource_remove", "rs": "nfs-stor"}]),
    ("clresource set -p Retry_count=5 nfs-res nfs-ip", [rs_change(n, any={"Retry_count": "5"}) for n in ("nfs-res", "nfs-ip")]),
    ("clrs set -p Resource_dependencies+=x{{LOCAL_NODE}} -y Resource_dependencies_weak=y nfs-res",
     [rs_change("nfs-res", any={"Resource_dependencies": "nfs-ip,nfs-stor@alpha,x{LOCAL_NODE}"},
                props={"Resource_dependencies_weak": "y"})]),
    ("clrs set -x hostnamelist-=nfs1 nfs-ip", [rs_change("nfs-ip", ext={"hostnamelist": "nfs2"})]),
    ("clrs set -x Workers{{beta}}=9 nfs-stor", [rs_change("nfs-stor", ext={"Workers{beta}": "9"})]),
    ("clresource enable web-res nfs-ip", [rs("enable", "web-res"), rs("enable", "nfs-ip")]),
    ("clrs enable -r web-res", [rs("enable", "nfs-ip", "nfs-stor", "nfs-res"), rs("enable", "web-res")]),
    ("clrs enable --recursive nfs-res", [rs("enable", "nfs-ip", "nfs-stor", "nfs-res")]),
    ("clresource disable nfs-ip nfs-res", [rs("disable", "nfs-res", "nfs-ip")]),
    ("clrs disable -r nfs-ip", [rs("disable", "web-res"), rs("disable", "nfs-res", "nfs-ip")]),
    ("clrs disable -g nfs-rg -t app +", [rs("disable", "nfs-stor")]), ("clrs enable -t app +", [rs("enable", "nfs-stor")]),
    ("clrs enable -u -t app -g web-rg +", [rs("enable", "web-res")]), ("clrs disable -u -g web-rg +", [rs("disable", "web-res")]),
    ("clresource monitor nfs-ip", [rs("enable", "nfs-ip", monitor=True)]),
    ("clrs monitor -g web-rg -t app +", [rs("enable", "web-res", monitor=True)]),
    ("clresource unmonitor nfs-ip", [rs("disable", "nfs-ip", monitor=True)]),
    ("clrs unmonitor -g nfs-rg -t nfs +", [rs("disable", "nfs-res", monitor=True)]),
    ("clrs enable -n 2,alpha nfs-res nfs-ip", [rs("enable", "nfs-ip", "nfs-res", nodes=["beta", "alpha"])]),
    ("clrs disable --node=alpha nfs-res", [rs("disable", "nfs-res", nodes=["alpha"])]),
    ("clrs disable -r -n alpha nfs-ip", [rs("disable", "web-res", nodes=["alpha"]),
                                         rs("disable", "nfs-res", "nfs-ip", nodes=["alpha"])]),
    ("clrs disable -n beta -t app -u +", [rs("disable", "nfs-stor", nodes=["beta"]), rs("disable", "web-res", nodes=["beta"])]),
    ("clrs monitor -n beta nfs-ip", [rs("enable", "nfs-ip", monitor=True, nodes=["beta"])]),
    ("clrs unmonitor -n beta nfs-ip", [rs("disable", "nfs-ip", monitor=True, nodes=["beta"])]),
    ("clresource clear nfs-res", [{"op": "resource_clear", "rs": "nfs-res", "nodes": ["beta"]}]),
    ("clrs clear -f STOP_FAILED -n alpha,2 nfs-res", [{"op": "resource_clear", "rs": "nfs-res", "nodes": ["alpha", "beta"]}]),
    ("clrs clear +", [{"op": "resource_clear", "rs": "nfs-res", "nodes": ["beta"]}]),

    ("clreslogicalhostname create -g web-rg www", [add("www", "web-rg", "SUNW.LogicalHostname", ext={"HostnameList": "www"})]),
    ("clrslh create -g web-rg --logicalhost=www,10.1.1.9 -N eth0@1,eth1@2 -d -p R_description=x ip",
     [add("ip", "web-rg", "SUNW.LogicalHostname", False, {"HostnameList": "www,10.1.1.9", "NetIfList": "eth0@1,eth1@2"},
          any={"R_description": "x"})]),
    ("clrslh create -h www -g web-rg ip", [add("ip", "web-rg", "SUNW.LogicalHostname", ext={"HostnameList": "www"})]),
    ("clreslogicalhostname delete nfs-ip", [{"op": "resource_remove", "rs": "nfs-ip"}]),
    ("clrslh delete -F nfs-ip", [rs_change("nfs-res", props={"Resource_dependencies": "nfs-stor@alpha"}), rs("disable", "nfs-ip"),
                                 {"op": "resource_remove", "rs": "nfs-ip"}]),
    ("clreslogicalhostname enable +", [rs("enable", "nfs-ip")]), ("clrslh enable -R -g nfs-rg nfs-ip", [rs("enable", "nfs-ip")]),
    ("clreslogicalhostname disable nfs-ip", [rs("disable", "nfs-ip")]),
    ("clrslh disable -R nfs-ip", [rs("disable", "web-res"), rs("disable", "nfs-res", "nfs-ip")]),
    ("clrslh disable --recursive -g web-rg +", []),
    ("clreslogicalhostname monitor nfs-ip", [rs("enable", "nfs-ip", monitor=True)]), ("clrslh monitor -g web-rg -t nfs +", []),
    ("clreslogicalhostname unmonitor nfs-ip", [rs("disable", "nfs-ip", monitor=True)]), ("clrslh unmonitor -g web-rg -t nfs +", []),
    ("clrslh enable -n beta nfs-ip", [rs("enable", "nfs-ip", nodes=["beta"])]),
    ("clrslh disable -n beta +", [rs("disable", "nfs-ip", nodes=["beta"])]),
    ("clrslh monitor -n beta nfs-ip", [rs("enable", "nfs-ip", monitor=True, nodes=["beta"])]),
    ("clrslh unmonitor -n beta nfs-ip", [rs("disable", "nfs-ip", monitor=True, nodes=["beta"])]),
    ("clrssa enable -n beta +", []), ("clrssa disable -n beta +", []), ("clrssa monitor -n beta +", []),
    ("clrssa unmonitor -n beta +", []),
    ("clreslogicalhostname reset +", []),
    ("clrslh reset -f STOP_FAILED -n 2 nfs-ip", [{"op": "resource_clear", "rs": "nfs-ip", "nodes": ["beta"]}]),
    ("clreslogicalhostname set -p R_description=x nfs-ip", [rs_change("nfs-ip", any={"R_description": "x"})]),
    ("clressharedaddress delete +", []), ("clrssa delete -F +", []), ("clressharedaddress enable +", []),
    ("clrssa enable -R -g a +", []),
    ("clressharedaddress disable +", []), ("clrssa disable -R -g a +", []), ("clressharedaddress monitor +", []),
    ("clrssa monitor -g a -t b +", []), ("clressharedaddress unmonitor +", []), ("clrssa unmonitor -g a -t b +", []),
    ("clressharedaddress reset +", []), ("clrssa reset -f STOP_FAILED -n 2 +", []),
    ("clressharedaddress set -p R_description=x +", []),
    ("clressharedaddress create -g web-rg www", [add("www", "web-rg", "SUNW.SharedAddress", ext={"HostnameList": "www"})]),
    ("clrssa create -g web-rg -h www,ftp -N eth0@1 -X gamma,delta -p R_description=x -d sa",
     [add("sa", "web-rg", "SUNW.SharedAddress", False, {"HostnameList": "www,ftp", "NetIfList": "eth0@1", "AuxNodeList": "gamma,delta"},
          any={"R_description": "x"})]),
]


@pytest.fixture
def files(root):
    """Where RTR files are found, and one of its own."""
    reg = root / "opt/cluster/lib/rgm/rtreg"
    reg.mkdir(parents=True)
    (reg / "ACME.reg").write_text("RTR text\n")
    (root / "T.rtr").write_text("RTR text\n")
    return {"rtr": root / "T.rtr", "reg": reg}


def fill(value, files):
    return json.loads(re.sub(r"\{(rtr|reg)\}", lambda m: str(files[m.group(1)]), json.dumps(value)))


@pytest.mark.parametrize("line, want", REQUESTS, ids=[row[0] for row in REQUESTS])
def test_request(line, want, root, run, files):
    line = line.format(**files)
    with ClusterdDouble(root, ANSWERS) as clusterd:
        got = run(*words(line))
    sent = [p for m, p in clusterd.calls if m == "Request"]
    assert (got.returncode, got.stdout, got.stderr) == (OK, "", "")
    assert sorted((p["request"] for p in sent), key=json.dumps) == sorted(fill(want, files), key=json.dumps)
    assert all(words(p["cmd"]) == words(line) for p in sent)


@pytest.mark.parametrize("line", ["clrg delete -F nfs-rg", "clrs disable -r nfs-ip", "clrs enable -r web-res",
                                  "clresourcegroup online -eM web-rg", "clresource delete nfs-ip nfs-res"])
def test_one_step_after_the_other(line, root, run):
    with ClusterdDouble(root, ANSWERS) as clusterd:
        assert run(*words(line)).returncode == OK
    assert [p["request"] for m, p in clusterd.calls if m == "Request"] == dict(REQUESTS)[line]


def test_register_all_that_is_not_registered(root, run, files):
    (files["reg"] / "SUNW.nfs").write_text("RTR text\n")
    with ClusterdDouble(root, ANSWERS) as clusterd:
        assert run("clrt", "register", "+").returncode == OK
    sent = [r["type"] for r in clusterd.requests]
    assert "ACME.reg" in sent and "SUNW.nfs" not in sent and "SUNW.LogicalHostname" not in sent


def test_the_type_of_a_logical_host_is_registered_on_the_way(root, run):
    with ClusterdDouble(root, {**ANSWERS, "GetType": Error("NotFound", code=13, message="no")}) as clusterd:
        got = run("clrslh", "create", "-g", "web-rg", "www")
    shipped = (SOURCE / "types").exists() and [r["op"] for r in clusterd.requests] == ["resource_add", "type_add"]
    assert (got.returncode == OK) == shipped


@pytest.mark.parametrize("line, text", [
    ("clrg offline -v nfs-rg", "clresourcegroup:  Done - take offline resource group nfs-rg.\n"),
    ("clrs disable -v nfs-ip nfs-res", "clresource:  Done - disable resources nfs-res, nfs-ip.\n"),
    ("clrt unregister --verbose app", "clresourcetype:  Done - unregister resource type ACME.app.\n"),
])
def test_verbose_change(line, text, root, run):
    with ClusterdDouble(root, ANSWERS):
        assert run(*words(line)).stdout == text


def test_message_goes_with_the_change(root, run):
    with ClusterdDouble(root, ANSWERS) as clusterd:
        assert run("clrg", "suspend", "--message", "repair", "nfs-rg").returncode == OK
    assert clusterd.requests[0]["message"] == "repair"


def test_who_cannot_be_managed_is_not_switched(root, run):
    def answer(p):
        return Error("Refused", code=9, message="no") if p["request"] == group("manage", "web-rg") else {}
    with ClusterdDouble(root, {**ANSWERS, "Request": answer}) as clusterd:
        got = run("clrg", "online", "-M", "web-rg", "new-rg")
    assert got.returncode == CL_ESTATE
    assert clusterd.requests == sorted([group("manage", "web-rg"), group("manage", "new-rg"), switch("new-rg", preferred=True)],
                                       key=json.dumps)


def test_what_is_found_is_done_all_the_same(root, run):
    with ClusterdDouble(root, ANSWERS) as clusterd:
        got = run("clrg", "suspend", "none", "nfs-rg", "nobody")
    assert got.returncode == CL_ENOENT and got.stderr.count("\n") == 2
    assert clusterd.requests == [group("suspend", "nfs-rg")]


def on_single_nodes():
    """ANSWERS, but nfs-ip is disabled on beta and not monitored on alpha."""
    config = copy.deepcopy(CONFIG)
    ip = next(r for g in config["groups"] for r in g["resources"] if r["name"] == "nfs-ip")
    ip.update(disabled_on=["beta"], unmonitored_on=["alpha"])
    return {**ANSWERS, "Config": config}


def test_switched_on_single_nodes(root, run):
    with ClusterdDouble(root, on_single_nodes()) as clusterd:
        shown = re.findall(r"^ +((?:Enabled|Monitored)\{.*\}): +(.*)$", run("clrs", "show", "nfs-ip").stdout, re.M)
        assert shown == [("Enabled{alpha}", "True"), ("Enabled{beta}", "False"),
                         ("Monitored{alpha}", "False"), ("Monitored{beta}", "True")]
        rows = re.findall(r"^ +\((\S+)\) (Res (?:monitor )?enabled): +(.*)$", run("scrgadm", "-pvv", "-j", "nfs-ip").stdout, re.M)
        assert rows == [("nfs-rg:nfs-ip", "Res enabled", "True"), ("nfs-rg:nfs-ip", "Res monitor enabled", "True"),
                        ("nfs-rg:nfs-ip{beta}", "Res enabled", "False"), ("nfs-rg:nfs-ip{alpha}", "Res monitor enabled", "False")]
        assert "group nfs-rg, enabled but disabled on beta, monitored but not monitored on alpha" in run(
            "clrs", "status", "-v", "nfs-ip").stdout
        exported = run("clrs", "export", "nfs-ip").stdout
        nodes = re.findall(r'nodeRef="(\w+)">\s*<state value="(\w+)"/>\s*<monitoredState value="(\w+)"/>', exported)
        assert nodes == [("alpha", "enabled", "false"), ("beta", "disabled", "true")]
        (root / "x.xml").write_text(exported.replace('name="nfs-ip"', 'name="ip2"'))
        assert run("clrs", "create", "-i", root / "x.xml", "ip2").returncode == OK
        assert run("clrg", "online", "-em", "nfs-rg").returncode == OK
    made = [(r["op"], r.get("names"), r.get("monitor"), r.get("nodes")) for r in clusterd.requests[:3]]
    assert made == [("resource_add", None, None, None), ("resource_disable", ["ip2"], True, ["alpha"]),
                    ("resource_enable", ["ip2"], False, ["alpha"])]
    assert clusterd.requests[0]["enabled"] is False
    assert [rs("enable", "nfs-ip", rg="nfs-rg"), rs("enable", "nfs-ip", monitor=True, rg="nfs-rg")] == clusterd.requests[3:5]


# ---- refusals: nothing is sent ----

NO_FILE = "cannot open x"
WRONG = [
    ("clrt", CL_EINVAL, "usage: clresourcetype SUBCOMMAND"), ("clrg frob", CL_EINVAL, 'There is no subcommand "frob"'),
    ("clrt export -o /proc/x", CL_EIO, "Failed to write /proc/x"), ("clrt export -v none", CL_ENOENT, "resource type none"),
    ("clrg export -v -o /proc/x", CL_EIO, "Failed to write /proc/x"), ("clrg export -o x none", CL_ENOENT, "resource group none"),
    ("clrs export -v -o /proc/x", CL_EIO, "Failed to write /proc/x"), ("clrslh export -v -o /proc/x", CL_EIO, "Failed to write /proc/x"),
    ("clrssa export -v -o x nfs-ip", CL_ENOENT, "Failed to find resource nfs-ip"),
    ("clrt list none", CL_ENOENT, "Failed to find resource type none - it is not registered"),
    ("clrt list -n gamma", CL_ENOENT, "Failed to find node gamma"),
    ("clrt unregister", CL_EINVAL, 'type is missing; "+" stands for all'),
    ("clrt unregister nfs", CL_EINVAL, "several versions are registered: name one of them"),
    ("clrt set nfs:3.2", CL_EINVAL, "-n or -p must be given"), ("clrt set -n alpha -N app", CL_EINVAL, "-n does not go with"),
    ("clrt add-node app", CL_EINVAL, "-n is missing"), ("clrt remove-node -n alpha,beta app", CL_EINVAL, "no node would be left"),
    ("clrt register ACME.app", CL_EEXIST, "it is registered already"),
    ("clrt register none", CL_ENOENT, "there is no RTR file none"),
    ("clrt register -f x +", CL_EINVAL, "-f goes with one type"), ("clrt register -i x", CL_ENOENT, NO_FILE),
    ("clrt register -f /none T", CL_ENOENT, "/none"), ("clrt register -p RT_system T", CL_EINVAL, "-p takes name=value"),
    ("clrg list none", CL_ENOENT, "Failed to find resource group none - there is none of this name"),
    ("clrg status -s a,,b", CL_EINVAL, "a name is empty"), ("clrg show --frob", CL_EINVAL, "There is no option --frob"),
    ("clrg create", CL_EINVAL, "group is missing"),
    ("clrg create nfs-rg", CL_EEXIST, "there is a resource group of this name already"),
    ("clrg create -i x", CL_ENOENT, NO_FILE), ("clrg create -p Nodelist+=a x", CL_EINVAL, "+= and -= go with what exists already"),
    ("clrg create -p a=1 -p a=2 x", CL_EINVAL, "Property a is given twice"),
    ("clrg set web-rg", CL_EINVAL, "-n or -p must be given"), ("clrg set -p Failback+=x web-rg", CL_EPROP, "it is no list"),
    ("clrg set -p Frob+=x web-rg", CL_EPROP, "there is no such property"), ("clrg switch web-rg", CL_EINVAL, "-n is missing"),
    ("clrg switch -n gamma web-rg", CL_ENOENT, "Failed to find node gamma"),
    ("clrg online -n , web-rg", CL_EINVAL, "a name is empty"),
    ("clrg online + nfs-rg", CL_EINVAL, '"+" stands for all, and alone'),
    ("clrg online -k nfs-rg", CL_EINVAL, "There is no option -k"),
    ("clrg offline", CL_EINVAL, "group is missing"), ("clrg remove-node -n alpha,beta nfs-rg", CL_EINVAL, "no node would be left"),
    ("clrg add-node -S nfs-rg", CL_EINVAL, "-n is missing"), ("clrg evacuate +", CL_EINVAL, "-n is missing"),
    ("clrg evacuate -n alpha nfs-rg", CL_EINVAL, "Nodes are evacuated of all groups"),
    ("clrg evacuate -n alpha -T soon", CL_EINVAL, "-T takes a number of seconds from 0 to 65535"),
    ("clrs list none", CL_ENOENT, "Failed to find resource none"), ("clrs create -g web-rg x", CL_EINVAL, "-t is missing"),
    ("clrs create -g web-rg -t nfs", CL_EINVAL, "resource is missing"), ("clrs create -i x", CL_ENOENT, NO_FILE), ("clrs create -i x -a", CL_ENOENT, NO_FILE),
    ("clrs create -g web-rg -t nfs nfs-ip", CL_EEXIST, "there is a resource of this name already"),
    ("clrs set nfs-ip", CL_EINVAL, "-p, -x or -y must be given"),
    ("clrs set -x HostnameList nfs-ip", CL_EINVAL, "-x takes name=value"),
    ("clrs set -y Frob-=1 nfs-ip", CL_EPROP, "there is no such property"),
    ("clrs set -p R_description+=x nfs-ip", CL_EPROP, "it is no list"),
    ("clrs enable -n gamma nfs-ip", CL_ENOENT, "Failed to find node gamma"), ("clrs monitor -n , nfs-ip", CL_EINVAL, "a name is empty"),
    ("clrs clear -f INIT_FAILED nfs-ip", CL_EINVAL, "-f takes STOP_FAILED"),
    ("clrs clear nfs-ip", CL_ESTATE, "it is in this state on no node"),
    ("clrs list-props -l some", CL_EINVAL, "-l takes all, extension or standard"),
    ("clrs delete", CL_EINVAL, "resource is missing"),
    ("clrslh list nfs-res", CL_ENOENT, "Failed to find resource nfs-res"), ("clrslh create www", CL_EINVAL, "-g is missing"),
    ("clrslh create -g web-rg -h , www", CL_EINVAL, "a name is empty"), ("clrslh create -i x", CL_ENOENT, NO_FILE),
    ("clrslh set -i x nfs-ip", CL_ENOENT, NO_FILE), ("clrssa set -i x +", CL_ENOENT, NO_FILE),
    ("clrssa create -g web-rg -X , sa", CL_EINVAL, "a name is empty"), ("clrssa create www", CL_EINVAL, "-g is missing"),
    ("clrslh create -g web-rg -X alpha ip", CL_EINVAL, "There is no option -X"),
    ("clrssa create -i x -g a", CL_ENOENT, NO_FILE),
    ("clrssa list nfs-ip", CL_ENOENT, "Failed to find resource nfs-ip"),
]


@pytest.mark.parametrize("line, code, text", WRONG, ids=[w[0] for w in WRONG])
def test_wrong(line, code, text, root, run):
    with ClusterdDouble(root, ANSWERS) as clusterd:
        got = run(*words(line))
    assert (got.returncode, got.stdout) == (code, "")
    assert text in got.stderr
    assert re.match(rf"cl\w+:  \(C{100000 + code}\) [^ ]|usage: ", got.stderr)
    assert clusterd.requests == []


@pytest.mark.parametrize("scha, code", CODES)
def test_what_the_cluster_refuses_has_its_own_code(scha, code, root, run):
    with ClusterdDouble(root, {**ANSWERS, "Request": Error("Refused", code=scha, message="it says no")}):
        got = run("clrg", "suspend", "nfs-rg")
    assert (got.returncode, got.stderr) == (
        code, f"clresourcegroup:  (C{100000 + code}) Failed to suspend resource group nfs-rg - it says no.\n")


COMMAND_LINES = sorted({row[0] for row in LISTINGS + REQUESTS if "{" not in row[0]})


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_daemon_down(line, run, root):
    got = run(*words(line))
    assert (got.returncode, got.stdout) == (CL_ENOTCLMODE, "")
    assert got.stderr.count("\n") == 1 and "clusterd is not running on this node (nobody listens at " in got.stderr


def test_permission(root, run):
    with ClusterdDouble(root, {**ANSWERS, "Request": Error("org.varlink.service.PermissionDenied")}):
        for line in ("clrg suspend +", "clrs disable +", "clrt unregister app LogicalHostname"):
            got = run(*words(line))
            assert got.returncode == CL_EACCESS and got.stderr.count("permission denied") == 1


def test_not_a_member(root, run):
    refusal = Error("Refused", code=5, message="this node is not a member of the cluster")
    with ClusterdDouble(root, {**ANSWERS, "Status": {**NOT_MEMBER, "groups": []}, "Request": refusal}):
        for family in ("clrg", "clrs"):
            assert "This node (alpha) is not a member of the cluster now, and shows what it" in run(family, "status").stderr
        assert run("clrg", "suspend", "nfs-rg").returncode == CL_ERECONF


def test_replies_of_another_version(root, run):
    """Members that are missing or of another kind are no reason to fall over."""
    odd = {"nodes": [1, {}], "types": [2, {"name": "x", "installed_nodes": [3], "properties": []}],
           "groups": [1, {"name": "g", "nodes": [2], "properties": 7, "resources": [None, {"properties": [0, {}], "nodes": 5}]}]}
    for reply in ({}, {"nodes": "x", "groups": 5, "types": {}}, odd):
        with ClusterdDouble(root, {"Status": reply, "Config": reply, "GetType": {}}):
            for line in COMMAND_LINES:
                assert run(*words(line)).returncode in (OK, CL_EINVAL, CL_ENOENT, CL_ESTATE, CL_EPROP), line


# ---- help, manual, completion ----

def subcommands(run, family):
    return re.findall(r"^  ([\w-]+)", run(family, "--help").stdout, re.M)


@pytest.mark.parametrize("family", FAMILIES)
def test_help(family, run):
    assert run(family, "-?").stdout == run(FAMILIES[family], "--help").stdout
    assert re.match(rf"{family} \d+\.\d+\.\d+\n$", run(FAMILIES[family], "-V").stdout)
    for word in subcommands(run, family):
        got = run(family, word, "-?")
        assert got.returncode == OK or "not built yet" in got.stderr
        if got.returncode == OK:
            assert got.stdout.startswith(f"{family} {word}: ") and got.stdout == run(family, word, "--help").stdout


@pytest.mark.parametrize("family", FAMILIES)
def test_every_option_is_tested(family, run):
    """Each option of each subcommand is in a row of the tables above."""
    from test_foresee import FORESEEN
    tried = [words(row[0]) for row in LISTINGS + REQUESTS + WRONG + JSON] + [words(line) for line in FORESEEN]
    for word in subcommands(run, family):
        lines = [line for line in tried if line[1:2] == [word] and line[0] in (family, FAMILIES[family])]
        assert lines, word
        given = {w.split("=")[0] for line in lines for w in line} | {
            "-" + c for line in lines for w in line if re.fullmatch("-[a-zA-Z]+", w) for c in w[1:]}
        for names in re.findall(r"^  (-.*?)(?:  | [A-Z\[]|$)", run(family, word, "--help").stdout, re.M):
            names = set(names.split(", "))
            assert names & COMMON or names & given, f"{names} of {family} {word}"


@pytest.mark.parametrize("line, want", [
    ("clrg re", {"remaster", "remove-node", "restart", "resume"}), ("clresourcetype un", {"unregister"}),
    ("clrg online n", {"nfs-rg", "new-rg"}), ("clrs status nfs-", {"nfs-ip", "nfs-stor", "nfs-res"}),
    ("clrslh enable ", {"nfs-ip"}),
    ("clrt show SUNW.n", {"SUNW.nfs:3.2", "SUNW.nfs:3.1"}), ("clrg switch -n b", {"beta"}), ("clrs list -g w", {"web-rg"}),
    ("clrs create -t A", {APP}), ("clrg list -r web", {"web-res"}), ("clrs clear --fl", {"--flag"}),
])
def test_completion(line, want, root):
    import os
    import subprocess
    from test_commands import PARHELION
    for name in [*FAMILIES, *FAMILIES.values(), "clnode", "scstat"]:
        (root / "bin").mkdir(exist_ok=True)
        (root / "bin" / name).symlink_to(PARHELION)
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _parhelion; '
              '((${#COMPREPLY[@]} == 0)) || printf "%s\\n" "${COMPREPLY[@]}"')
    with ClusterdDouble(root, ANSWERS):
        got = subprocess.run(["bash", "-c", script, "bash", SOURCE / "packaging/bash-completion", *line.split(" ")],
                             capture_output=True, text=True, timeout=20,
                             env={**os.environ, "PATH": f"{root}/bin:{os.environ['PATH']}", "PARHELION_ROOT": str(root)})
    assert (got.stderr, set(got.stdout.split())) == ("", want)
