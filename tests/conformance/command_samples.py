"""Replies of clusterd that the tests of the commands show: two groups on two nodes."""

STATUS = {
    "cluster": "demo", "self": "alpha", "president": "alpha", "epoch": 5, "ready": True, "waiting_for": "",
    "takeover_time_ms": 640, "quorum": {"possible": 2, "needed": 2, "present": 1},
    "nodes": [
        {"name": "alpha", "id": 1, "state": "UP", "member": True, "reachable": True, "votes": 1},
        {"name": "beta", "id": 2, "state": "LOST", "member": False, "reachable": False, "votes": 1},
    ],
    "groups": [
        {"name": "nfs-rg", "managed": True, "admin_offline": False, "why": "switched by root@alpha",
         "nodes": [{"node": "alpha", "state": "ONLINE"}, {"node": "beta", "state": "OFFLINE"}],
         "resources": [
             {"name": "nfs-ip", "type": "SUNW.LogicalHostname:3", "enabled": True, "monitored": True, "nodes": [
                 {"node": "alpha", "state": "ONLINE", "status": "OK", "message": "LogicalHostname online."},
                 {"node": "beta", "state": "OFFLINE", "status": "OFFLINE", "message": ""}]},
             {"name": "nfs-res", "type": "SUNW.nfs", "enabled": True, "monitored": True, "nodes": [
                 {"node": "alpha", "state": "ONLINE_NOT_MONITORED", "status": "FAULTED", "message": "probe failed"},
                 {"node": "beta", "state": "OFFLINE", "status": "OFFLINE", "message": ""}]}]},
        {"name": "a-group-with-a-very-long-name", "managed": False, "admin_offline": False, "why": "",
         "nodes": [{"node": "beta", "state": "UNMANAGED"}, {"node": "alpha", "state": "UNMANAGED"}],
         "resources": []},
    ],
}

MORE_STATUS = {
    "paths": [{"a": "alpha:priv0", "b": "beta:priv0", "status": "Path online"},
              {"a": "beta:priv1", "b": "gamma:priv1", "status": "Path faulted"}],
    "ipmp": [{"node": "alpha", "group": "sc_ipmp0", "status": "Online", "adapter": "qfe1", "adapter_status": "Online"},
             {"node": "beta", "group": "ipmp1", "status": "Online", "adapter": "eth1", "adapter_status": "Standby"}],
}

NOT_MEMBER = {**STATUS, "president": "", "epoch": 0, "ready": False,
              "waiting_for": "Cluster doesn't have operational quorum yet; waiting for quorum (1 of 2 votes present, 2 needed)",
              "nodes": [{**n, "member": False, "state": "DOWN"} for n in STATUS["nodes"]], "groups": []}


def prop(name, value, type_="STRING", extension=False, description=""):
    return {"name": name, "value": value, "extension": extension, "type": type_, "tunable": "ANYTIME",
            "description": description}


def resource(name, group, type_, enabled=True, properties=()):
    return {"name": name, "type": type_, "type_version": type_.partition(":")[2], "group": group, "enabled": enabled,
            "monitored": True, "properties": list(properties)}


def group(name, resources, managed=True, **properties):
    return {"name": name, "managed": managed, "resources": resources, "properties": {
        "RG_description": "", "RG_mode": "FAILOVER", "RG_project_name": "default", "RG_affinities": "",
        "Auto_start_on_new_cluster": "TRUE", "Failback": "FALSE", "Nodelist": "alpha,beta", "Maximum_primaries": "1",
        "Desired_primaries": "1", "RG_dependencies": "", "Implicit_network_dependencies": "TRUE",
        "Global_resources_used": "*", "Pingpong_interval": "3600", "Pathprefix": "", "RG_system": "FALSE", **properties}}


CONFIG = {
    "cluster": "demo",
    "types": [
        {"name": "SUNW.LogicalHostname:3", "description": "Logical Hostname Resource Type", "version": "3",
         "basedir": "/usr/cluster/lib/rgm/types/LogicalHostname", "api_version": 7, "failover": True,
         "single_instance": False, "system": True, "init_nodes": "RG_PRIMARIES",
         "methods": {"Start": "lh_start", "Stop": "lh_stop", "Prenet_start": "lh_prenet_start"}, "installed_nodes": [],
         "pkglist": [], "path": "/usr/cluster/lib/rgm/rtreg/SUNW.LogicalHostname"},
        {"name": "ACME.db", "description": "", "version": "", "basedir": "", "api_version": 2, "failover": False,
         "single_instance": True, "system": False, "init_nodes": "RT_INSTALLED_NODES", "methods": {"Start": "/opt/db/start"},
         "installed_nodes": ["alpha", "beta"], "pkglist": ["acme-db", "acme-lib"], "path": ""},
    ],
    "groups": [
        group("nfs-rg", [
            resource("nfs-ip", "nfs-rg", "SUNW.LogicalHostname:3", properties=[
                prop("R_description", "", description="Free text"),
                prop("Resource_dependencies", "", "STRINGARRAY"),
                prop("Failover_mode", "HARD", "ENUM", description="What the RGM does when a start or stop method fails"),
                prop("HostnameList", "nfs1,nfs2", "STRINGARRAY", True, "Host names")]),
            resource("nfs-res", "nfs-rg", "ACME.db", enabled=False, properties=[
                prop("R_description", "the exports, all of them"),
                prop("Resource_dependencies", "nfs-ip,nfs-stor", "STRINGARRAY"),
                prop("Retry_count", "2", "INT")]),
        ]),
        group("web-rg", [resource("web-ip", "web-rg", "SUNW.LogicalHostname:3", properties=[])], managed=False,
              RG_description="the web", Global_resources_used="", Failback="TRUE"),
    ],
}


def msg(w, sender, **message):
    return {"w": T0 + w, "m": 5000 + w, "e": "msg", "from": sender, "msg": message}


T0 = 1795296371000      # 2026-11-21 21:26:11 UTC

JOURNAL = [
    {"w": T0 - 60000, "m": 1, "e": "view", "nodes": [1, 2, 3], "silent": {}},
    msg(-59990, 1, t="hello", v=1),
    msg(-59980, 2, t="stored", v=1, epoch=4),
    {"w": T0 - 59970, "m": 1, "e": "cmm", "text": "CMM: node reconfiguration #4 completed."},
    {"w": T0 - 59970, "m": 1, "e": "cmm", "text": "CMM: Cluster has reached quorum."},
    {"w": T0 - 59970, "m": 1, "e": "epoch", "epoch": 4, "members": [1, 2, 3], "ready": [], "lost": [], "president": 0,
     "formed": True},
    msg(-59900, 1, t="ready", v=1, epoch=4),
    msg(-30000, 1, t="rgm.req", id="1-9-1", op="group_switch", rg="other-rg", by="root@alpha",
        cmd="scswitch -z -g other-rg -h beta"),
    msg(-29990, 1, t="rgm.dec", rg="other-rg", do="switch", nodes=[2], why="switched by root@alpha"),
    msg(-29000, 1, t="rgm.rsp", id="1-9-1", to=1, code=32, text="resource group other-rg did not come online"),
    {"w": T0, "m": 5000, "e": "view", "nodes": [1, 2], "silent": {"3": 431}},
    {"w": T0 + 4, "m": 5004, "e": "epoch", "epoch": 5, "members": [1, 2], "ready": [1, 2], "lost": [3], "president": 1,
     "formed": False},
    msg(60, 1, t="digest", v=1, mark=1, digest="00"),
    msg(209, 1, t="dead", v=1, node=3, how="lease", silent_ms=640),
    msg(210, 1, t="rgm.dec", v=1, rg="nfs-rg", ver=3, do="online", node=2, why="node gamma died"),
    msg(211, 2, t="rgm.rep", v=1, rg="nfs-rg", state="PENDING_ONLINE", rs={"nfs-ip": {"s": "STARTING", "st": "UNKNOWN", "m": "Starting"}}),
    msg(260, 2, t="rgm.rep", v=1, rg="nfs-rg", state="PENDING_ONLINE", runs=[
        {"rs": "nfs-ip", "method": "Prenet_start", "at": T0 + 212, "ms": 20, "ok": True, "timed_out": False},
        {"rs": "nfs-ip", "method": "Start", "at": T0 + 233, "ms": 26.4, "ok": True, "timed_out": False}],
        rs={"nfs-ip": {"s": "ONLINE", "st": "OK", "m": "LogicalHostname online."},
            "nfs-res": {"s": "STARTING", "st": "UNKNOWN", "m": "Starting"}}),
    msg(400, 2, t="rgm.rep", v=1, rg="nfs-rg", state="ONLINE_FAULTED", failed="nfs-res", runs=[
        {"rs": "nfs-res", "method": "Start", "at": T0 + 90000, "ms": 139, "ok": False, "timed_out": False}],
        rs={"nfs-res": {"s": "START_FAILED", "st": "FAULTED", "m": "Start failed"}}),
    msg(900, 2, t="rgm.status", rg="nfs-rg", rs="nfs-res", status="DEGRADED", msg="slow disk"),
    msg(1500, 1, t="ccr.prep", table="rgm_rg_nfs-rg", by="root@alpha", cmd="scrgadm -c -g nfs-rg -y Failback=TRUE", n=12),
    {"w": T0 + 10000, "m": 15000, "e": "net", "node": 2, "paths": [{"to": 1, "adapter": "priv0", "up": False}],
     "adapters": [{"name": "eth0", "up": False}]},
    {"w": T0 + 11000, "m": 16000, "e": "net", "node": 2, "paths": [{"to": 1, "adapter": "priv0", "up": True}],
     "adapters": [{"name": "eth0", "up": True}]},
    msg(20000, 2, t="rgm.rep", v=1, rg="nfs-rg", state="ONLINE", rs={"nfs-res": {"s": "ONLINE", "st": "OK", "m": ""}}),
]

TIMELINE_STATUS = {**STATUS, "nodes": STATUS["nodes"] + [
    {"name": "gamma", "id": 3, "state": "DOWN", "member": False, "reachable": False, "votes": 1}]}
