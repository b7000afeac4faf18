"""export, and -i: the configuration as XML.  What an export writes is what -i takes; the command line wins over the file."""

import json
import re

import pytest
from clusterd_double import ClusterdDouble
from membership_samples import answers
from rgm_samples import ANSWERS
from test_commands import golden, root, run, words     # noqa: F401
from test_membership_commands import CL_EEXIST, CL_EINVAL, CL_EIO, CL_ENOENT, CL_EOP, OK

MEMBERSHIP = answers()
EXPORTS = [
    ("clresourcetype export ACME.app SUNW.LogicalHostname:3", ANSWERS, "clrt-export"), ("clrg export", ANSWERS, "clrg-export"),
    ("clresourcegroup export -o - web-rg", ANSWERS, "clrg-export-web"), ("clresource export +", ANSWERS, "clrs-export"),
    ("clreslogicalhostname export -v", ANSWERS, "clrslh-export"), ("clressharedaddress export", ANSWERS, "clrssa-export"),
    ("clnode export", MEMBERSHIP, "clnode-export"), ("clnode export beta", MEMBERSHIP, "clnode-export-beta"),
    ("clquorum export", MEMBERSHIP, "clquorum-export"), ("clquorum export d4", MEMBERSHIP, "clquorum-export-d4"),
]


@pytest.mark.parametrize("line, replies, name", EXPORTS, ids=[row[0] for row in EXPORTS])
def test_export(line, replies, name, root, run):
    with ClusterdDouble(root, replies):
        got = run(*words(line))
    assert (got.returncode, got.stderr) == (OK, "")
    golden(f"{name}.xml", got.stdout)


def test_export_into_a_file(root, run, tmp_path):
    with ClusterdDouble(root, ANSWERS):
        assert run("clrg", "export", "-o", tmp_path / "a.xml").stdout == ""
        assert run("clrg", "export").stdout == (tmp_path / "a.xml").read_text()
        got = run("clrg", "export", "-o", tmp_path)
        assert got.returncode == CL_EIO and f"Failed to write {tmp_path}" in got.stderr
        got = run("clrg", "export", "nobody")
        assert got.returncode == CL_ENOENT and got.stdout == ""


FILE = """<?xml version="1.0"?>
<!DOCTYPE cluster SYSTEM "/usr/cluster/lib/xml/cluster.dtd">
<cluster name="other">
  <nodeList>
    <node name="gamma" id="7"/>
    <node name="bare"/>
  </nodeList>
  <clusterTransport>
    <transportNodeList>
      <transportNode nodeRef="gamma">
        <transportAdapter name="eth1"><state value="enabled"/><propertyList>
          <property name="ip_address" value="10.88.1.7"/></propertyList></transportAdapter>
        <transportAdapter name="eth2"><propertyList><property name="ip_address" value="10.88.2.7"/></propertyList></transportAdapter>
      </transportNode>
    </transportNodeList>
  </clusterTransport>
  <clusterQuorum>
    <quorumDeviceList>
      <quorumDevice name="q9" type="quorum_server">
        <quorumDevicePathList><quorumDevicePath nodeRef="alpha"/><quorumDevicePath nodeRef="beta"/></quorumDevicePathList>
        <propertyList><property name="qshost" value="10.0.0.9"/><property name="port" value="9000"/></propertyList>
      </quorumDevice>
    </quorumDeviceList>
  </clusterQuorum>
  <resourcetypeList>
    <resourcetype name="T">
      <resourcetypeRTRFile name="%(rtr)s"/>
      <resourcetypeNodeList><resourcetypeNode nodeRef="beta"/></resourcetypeNodeList>
      <propertyList><property name="RT_system" value="TRUE"/><property name="API_version" value="2" readonly="true"/></propertyList>
    </resourcetype>
  </resourcetypeList>
  <resourcegroupList>
    <resourcegroup name="one">
      <failoverMode value="failover"/>
      <managedState value="true"/>
      <resourcegroupNodeList><resourcegroupNode nodeRef="beta"/><resourcegroupNode nodeRef="alpha"/></resourcegroupNodeList>
      <propertyList><property name="RG_description" value="x &amp; &quot;y&quot;, z"/></propertyList>
    </resourcegroup>
    <resourcegroup name="many"><failoverMode value="scalable"/></resourcegroup>
    <resourcegroup name="new9"><propertyList><property name="RG_dependencies" value="many,web-rg"/></propertyList></resourcegroup>
  </resourcegroupList>
  <resourceList>
    <resource name="ip9" resourcegroupRef="web-rg" resourcetypeRef="SUNW.LogicalHostname:3">
      <propertyList extension="true"><property name="HostnameList" value="www,ftp"/></propertyList>
    </resource>
    <resource name="sa9" resourcegroupRef="web-rg" resourcetypeRef="SUNW.SharedAddress">
      <propertyList extension="true"><property name="HostnameList" value="www"/><property name="AuxNodeList" value="beta"/></propertyList>
    </resource>
    <resource name="app9" resourcegroupRef="web-rg" resourcetypeRef="ACME.app">
      <resourceNodeList>
        <resourceNode nodeRef="alpha"><state value="disabled"/><monitoredState value="true"/></resourceNode>
        <resourceNode nodeRef="beta"><state value="disabled"/></resourceNode>
      </resourceNodeList>
      <propertyList extension="false"><property name="Retry_count" value="5"/><property name="Type_version" value="1" readonly="true"/>
      </propertyList>
      <propertyList extension="true"><property name="Workers" value="4"/><property name="Workers{beta}" value="8"/></propertyList>
    </resource>
    <resource name="top9" resourcegroupRef="new9" resourcetypeRef="ACME.app"><propertyList>
      <property name="Resource_dependencies" value="low9{ANY_NODE},nfs-res"/>
      <property name="Resource_dependencies_weak" value="app9"/></propertyList></resource>
    <resource name="low9" resourcegroupRef="new9" resourcetypeRef="T"/>
  </resourceList>
</cluster>
"""


def add(name, rg, type_, enabled=True, ext=None, **more):
    return {"op": "resource_add", "rs": name, "rg": rg, "type": type_, "enabled": enabled, **({"ext": ext} if ext else {}), **more}


ONE = {"op": "group_add", "rg": "one", "props": {"RG_mode": "Failover", "Nodelist": "beta,alpha", "RG_description": 'x & "y", z'}}
NEW = {"op": "group_add", "rg": "new9", "props": {"RG_dependencies": "many,web-rg"}}
MANY = {"op": "group_add", "rg": "many", "props": {"RG_mode": "Scalable"}}
APP9 = add("app9", "web-rg", "ACME.app", False, any={"Retry_count": "5", "Workers": "4", "Workers{beta}": "8"})
IP9 = add("ip9", "web-rg", "SUNW.LogicalHostname", ext={"HostnameList": "www,ftp"})
SA9 = add("sa9", "web-rg", "SUNW.SharedAddress", ext={"HostnameList": "www", "AuxNodeList": "beta"})
T9 = {"op": "type_add", "type": "T", "rtr": "RTR text\n", "path": "{rtr}", "installed_nodes": "beta"}
TAKEN = [
    ("clresourcegroup create -i {file} +", [ONE, MANY, NEW]), ("clrg create -i {file}", [ONE, MANY, NEW]), ("clrg create -i {file} many", [MANY]),
    ("clrg create -i {file} -n alpha -p rg_description=w one",
     [{"op": "group_add", "rg": "one", "props": {"RG_mode": "Failover", "Nodelist": "alpha", "rg_description": "w"}}]),
    ("clrg create -i {file} -S many", [{"op": "group_add", "rg": "many", "props": {"Maximum_primaries": "2", "Desired_primaries": "2"}}]),
    ("clresource create -i {file} app9", [APP9]),
    ("clrs create -i {file} -g nfs-rg -t nfs -x Workers=1 -y Retry_count=2 app9",
     [add("app9", "nfs-rg", "nfs", False, {"Workers": "1"}, any={"Workers{beta}": "8"}, props={"Retry_count": "2"})]),
    ("clrs create -i {file} -d -p HostnameList=a ip9", [add("ip9", "web-rg", "SUNW.LogicalHostname:3", False, any={"HostnameList": "a"})]),
    ("clreslogicalhostname create -i {file} +", [IP9]), ("clrslh create -i {file} ip9", [IP9]),
    ("clrslh create -i {file} -g nfs-rg -h a -N eth0@1 -d ip9",
     [add("ip9", "nfs-rg", "SUNW.LogicalHostname", False, {"HostnameList": "a", "NetIfList": "eth0@1"})]),
    ("clresourcetype register -i {file} +", [T9, {"op": "type_change", "type": "T", "props": {"RT_system": "TRUE"}}]),
    ("clrt register -N -p RT_system=FALSE -i {file} T",
     [{**T9, "installed_nodes": ""}, {"op": "type_change", "type": "T", "props": {"RT_system": "FALSE"}}]),
    ("clressharedaddress create -i {file} +", [SA9]), ("clrssa create -i {file} -g nfs-rg -X gamma -h a -N eth0@1 -d sa9",
     [add("sa9", "nfs-rg", "SUNW.SharedAddress", False, {"HostnameList": "a", "NetIfList": "eth0@1", "AuxNodeList": "gamma"})]),
    ("clresource create -a -i {file} app9", [APP9]),
    ("clrs create -i {file} --automatic -y R_description=w top9", [
        T9, {"op": "type_change", "type": "T", "props": {"RT_system": "TRUE"}}, MANY,
        NEW,
        add("low9", "new9", "T"), APP9,
        add("top9", "new9", "ACME.app", any={"Resource_dependencies": "low9{ANY_NODE},nfs-res", "Resource_dependencies_weak": "app9"},
            props={"R_description": "w"})]),
]


@pytest.fixture
def files(root):
    (root / "T.rtr").write_text("RTR text\n")
    (root / "c.xml").write_text(FILE % {"rtr": root / "T.rtr"})
    return {"file": str(root / "c.xml"), "rtr": str(root / "T.rtr")}


def sent(clusterd):
    return sorted(clusterd.requests, key=json.dumps)


def fill(value, files):
    return json.loads(re.sub(r"\{(file|rtr)\}", lambda m: files[m.group(1)], json.dumps(value)))


@pytest.mark.parametrize("line, want", TAKEN, ids=[row[0] for row in TAKEN])
def test_input(line, want, root, run, files):
    line = line.format(**files)
    with ClusterdDouble(root, ANSWERS) as clusterd:
        got = run(*words(line))
    assert (got.returncode, got.stdout, got.stderr) == (OK, "", "")
    assert sent(clusterd) == sorted(fill(want, files), key=json.dumps)
    assert all(words(p["cmd"]) == words(line) for m, p in clusterd.calls if m == "Request")


CLUSTER = [
    ("clquorum add -i {file} +", [{"op": "quorum_add", "name": "q9", "type": "quorum_server", "nodes": ["alpha", "beta"],
                                   "props": {"host": "10.0.0.9", "port": "9000"}}]),
    ("clquorum add -i {file} -p port=1 -n alpha,beta -F q9",
     [{"op": "quorum_add", "name": "q9", "type": "quorum_server", "nodes": ["alpha", "beta"], "force": True,
       "props": {"host": "10.0.0.9", "port": "1"}}]),
]


@pytest.mark.parametrize("line, want", CLUSTER, ids=[row[0] for row in CLUSTER])
def test_input_of_the_cluster(line, want, root, run, files):
    with ClusterdDouble(root, MEMBERSHIP) as clusterd:
        got = run(*words(line.format(**files)))
    assert (got.returncode, got.stdout, got.stderr) == (OK, "", "")
    assert sent(clusterd) == want


def test_node_of_a_file(root, run, files):
    with ClusterdDouble(root, MEMBERSHIP) as clusterd:
        run("clnode", "add", "-i", files["file"], "gamma")
        got = run("clnode", "add", "-i", files["file"], "bare")
    assert clusterd.requests[:1] == [{"op": "node_add", "name": "gamma", "node_id": 7, "links": [
        {"adapter": "eth1", "address": "10.88.1.7"}, {"adapter": "eth2", "address": "10.88.2.7"}]}]
    assert got.returncode == CL_EINVAL and "neither the file nor the command line says -e" in got.stderr


def test_standard_input(root, run, files):
    with ClusterdDouble(root, ANSWERS) as clusterd:
        got = run("clrg", "create", "-i", "-", "one", stdin=open(files["file"], encoding="utf-8").read())
    assert (got.returncode, sent(clusterd)) == (OK, [ONE])


WRONG = [
    ("no such file", "clrg create -i {root}/none.xml +", None, CL_ENOENT, "none.xml"),
    ("no XML", "clrg create -i {root}/w.xml +", "hello", CL_EINVAL, "line 1: "),
    ("not closed", "clrg create -i {root}/w.xml +", "<cluster name='x'>\n", CL_EINVAL, "line 2: "),
    ("an unknown element", "clrg create -i {root}/w.xml +", "<cluster name='x'>\n<rgs/></cluster>", CL_EINVAL, "rgs"),
    ("an unknown attribute", "clrg create -i {root}/w.xml +", "<cluster name='x' y='z'/>", CL_EINVAL, "attribute y"),
    ("a wrong mode", "clrg create -i {root}/w.xml +",
     "<cluster name='x'><resourcegroupList><resourcegroup name='a'>\n<failoverMode value='both'/></resourcegroup></resourcegroupList></cluster>",
     CL_EINVAL, "failoverMode"),
    ("an entity of a file", "clrg create -i {root}/w.xml +",
     "<!DOCTYPE cluster [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>\n<cluster name='&e;'/>", CL_EINVAL, "line 2: "),
    ("not in the file", "clrg create -i {root}/w.xml nobody", "<cluster name='x'/>", CL_ENOENT, "find resource group nobody"),
    ("there already", "clrg create -i {root}/w.xml +",
     "<cluster name='x'><resourcegroupList><resourcegroup name='web-rg'/></resourcegroupList></cluster>", CL_EEXIST, "web-rg"),
    ("-a: a type that is nowhere", "clrs create -a -i {root}/w.xml +",
     "<cluster name='x'><resourceList><resource name='s' resourcegroupRef='web-rg' resourcetypeRef='No.type'/></resourceList></cluster>",
     CL_ENOENT, "find resource type No.type"),
    ("-a: a group that is nowhere", "clrs create -a -i {root}/w.xml s",
     "<cluster name='x'><resourceList><resource name='s' resourcegroupRef='no-rg' resourcetypeRef='ACME.app'/></resourceList></cluster>",
     CL_ENOENT, "find resource group no-rg"),
    ("-a: a dependency that is nowhere", "clrs create -a -i {root}/w.xml s",
     "<cluster name='x'><resourceList><resource name='s' resourcegroupRef='web-rg' resourcetypeRef='ACME.app'><propertyList>"
     "<property name='Resource_dependencies' value='lost{{ANY_NODE}}'/></propertyList></resource></resourceList></cluster>",
     CL_ENOENT, "find resource lost"),
]


@pytest.mark.parametrize("line, text, code, says", [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_wrong(line, text, code, says, root, run):
    if text is not None:
        (root / "w.xml").write_text(text)
    with ClusterdDouble(root, ANSWERS) as clusterd:
        got = run(*words(line.format(root=root)))
    assert (got.returncode, got.stdout, clusterd.requests) == (code, "", [])
    assert says in got.stderr and got.stderr.count("\n") == 1


def test_what_is_exported_can_be_taken(root, run, tmp_path):
    """Of all that is exported nothing is refused as unknown by the format; the objects are there already."""
    for family, replies in (("clrt", ANSWERS), ("clrg", ANSWERS), ("clrs", ANSWERS), ("clrslh", ANSWERS), ("clquorum", MEMBERSHIP)):
        with ClusterdDouble(root, replies):
            assert run(family, "export", "-o", tmp_path / "x.xml").returncode == OK
            word = {"clrt": "register", "clquorum": "add"}.get(family, "create")
            got = run(family, word, "-i", tmp_path / "x.xml", "+")
        assert got.returncode == CL_EEXIST and "already" in got.stderr and "line " not in got.stderr


def test_needed_come_first(root, run, files):
    """One after the other, each after what it needs."""
    with ClusterdDouble(root, ANSWERS) as clusterd:
        assert run("clrs", "create", "-a", "-i", files["file"], "top9").returncode == OK
    order = [p["request"].get("rs") or p["request"].get("rg") or p["request"]["type"] for m, p in clusterd.calls if m == "Request"]
    assert order == ["many", "new9", "T", "T", "low9", "app9", "top9"]
