"""Replies of clusterd for clresourcetype, clresourcegroup and clresource: two groups that depend on each other, one suspended."""
from command_samples import group, prop, resource
from membership_samples import NODES, WELL

LH, NFS, NFS31, APP = "SUNW.LogicalHostname:3", "SUNW.nfs:3.2", "SUNW.nfs:3.1", "ACME.app"


def type_(name, description="", nodes=(), **more):
    return {"name": name, "description": description, "version": name.partition(":")[2], "basedir": "/opt/" + name.split(":")[0],
            "api_version": 2, "failover": True, "single_instance": False, "system": False, "proxy": False, "global_zone": False,
            "is_logical_hostname": False, "is_shared_address": False, "init_nodes": "RG_PRIMARIES", "methods": {},
            "installed_nodes": list(nodes), "pkglist": [], "path": "", "properties": {"RT_system": "FALSE", "API_version": "2"}, **more}


def one(name, type_name, states, enabled=True):
    return {"name": name, "type": type_name, "enabled": enabled, "monitored": True, "nodes": [
        {"node": n, "state": s, "status": t, "message": m} for n, (s, t, m) in zip(("alpha", "beta"), states)]}


ONLINE, OFFLINE = ("ONLINE", "OK", ""), ("OFFLINE", "OFFLINE", "")
STATUS = {**WELL, "nodes": NODES, "groups": [
    {"name": "nfs-rg", "managed": True, "admin_offline": False, "suspended": False, "why": "switched by root@alpha",
     "nodes": [{"node": "alpha", "state": "ONLINE"}, {"node": "beta", "state": "OFFLINE"}],
     "resources": [one("nfs-ip", LH, [("ONLINE", "OK", "LogicalHostname online."), OFFLINE]),
                   one("nfs-stor", APP, [ONLINE, OFFLINE]),
                   one("nfs-res", NFS, [("ONLINE", "DEGRADED", "slow"), ("STOP_FAILED", "FAULTED", "")])]},
    {"name": "web-rg", "managed": True, "admin_offline": True, "suspended": True, "why": "",
     "nodes": [{"node": "beta", "state": "OFFLINE"}, {"node": "alpha", "state": "OFFLINE"}],
     "resources": [one("web-res", APP, [OFFLINE, OFFLINE], enabled=False)]},
    {"name": "new-rg", "managed": False, "admin_offline": False, "suspended": False, "why": "",
     "nodes": [{"node": "alpha", "state": "UNMANAGED"}, {"node": "beta", "state": "UNMANAGED"}], "resources": []},
]}
MORE = {"Suspend_automatic_recovery": "FALSE"}
CONFIG = {"cluster": "demo", "types": [
    type_(LH, "Logical Hostname Resource Type", version="3", system=True, methods={"Start": "hafoip_start", "Stop": "hafoip_stop"}),
    type_(NFS, "HA-NFS", pkglist=["SUNWscnfs"]), type_(NFS31, "HA-NFS"), type_(APP, nodes=["alpha", "beta"], proxy=True),
], "groups": [
    group("nfs-rg", [
        resource("nfs-ip", "nfs-rg", LH, properties=[
            prop("R_description", "", description="Free text"), prop("Resource_dependencies", "", "STRINGARRAY"),
            prop("HostnameList", "nfs1,nfs2", "STRINGARRAY", True, "Host names")]),
        resource("nfs-stor", "nfs-rg", APP, properties=[
            {**prop("Workers", "4", "INT", True, "Processes"), "values": {"beta": "8"}}]),
        resource("nfs-res", "nfs-rg", NFS, properties=[
            prop("R_description", "the exports"), prop("Resource_dependencies", "nfs-ip,nfs-stor@alpha", "STRINGARRAY"),
            prop("Retry_count", "2", "INT")]),
    ], **MORE),
    group("web-rg", [resource("web-res", "web-rg", APP, enabled=False, properties=[
        prop("Resource_dependencies_weak", "nfs-res{ANY_NODE}", "STRINGARRAY")])],
        Nodelist="beta,alpha", RG_affinities="+++nfs-rg", Suspend_automatic_recovery="TRUE", Failback="TRUE"),
    group("new-rg", [], managed=False, RG_mode="SCALABLE", Maximum_primaries="2", Desired_primaries="2", RG_description="made today",
          **MORE),
]}
ANSWERS = {"Status": STATUS, "Config": CONFIG, "GetType": {"name": LH}}
