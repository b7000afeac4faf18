"""Replies of clusterd with nodes, votes and quorum devices: two nodes that share a disk and use a quorum server."""
from command_samples import CONFIG, STATUS, MORE_STATUS

DISK = {"name": "d4", "type": "scsi3", "access_mode": "scsi3", "path": "/dev/did/rdsk/d4s2", "votes": 1, "default_votes": 1,
        "votes_present": 1, "status": "Online", "enabled": True, "nodes": ["alpha", "beta"], "keys": ["alpha", "beta"],
        "held": True, "proved_ms": 1795296371000, "message": ""}
SERVER = {"name": "qs1", "type": "quorum_server", "access_mode": "quorum_server", "path": "", "votes": 0, "default_votes": 1,
          "votes_present": 0, "status": "Offline", "enabled": False, "nodes": ["alpha"], "keys": [], "held": False, "proved_ms": 0,
          "message": "in maintenance"}
# Shared disks with data: one is fenced, one follows the cluster that fences none.
DISKS = [
    {"name": "d6", "type": "scsi3", "path": "/dev/mapper/d6", "default_fencing": "global", "fencing": "scsi3",
     "nodes": ["alpha", "beta"], "keys": ["alpha"], "status": "Fail",
     "paths": [{"node": "alpha", "status": "Ok"}, {"node": "beta", "status": "Fail"}], "proved_ms": 1795296371000, "message": ""},
    {"name": "lun1", "type": "iscsi", "path": "iscsi://10.1.1.9:3260/iqn.2026-11.test:data/1", "default_fencing": "nofencing",
     "fencing": "nofencing", "nodes": ["alpha"], "keys": [], "status": "Unmonitored",
     "paths": [{"node": "alpha", "status": "Unmonitored"}], "proved_ms": 0, "message": "Connection refused"},
]
NODES = [
    {"name": "alpha", "id": 1, "state": "UP", "member": True, "reachable": True, "votes": 1, "default_votes": 1,
     "votes_present": 1, "incarnation": 1795296300, "fenced": "", "quarantined": False},
    {"name": "beta", "id": 2, "state": "UP", "member": True, "reachable": True, "votes": 1, "default_votes": 1,
     "votes_present": 1, "incarnation": 1795296301, "fenced": "", "quarantined": False},
]
WELL = {**STATUS, **MORE_STATUS, "nodes": NODES, "paths": [{"a": "alpha:hme1", "b": "beta:hme1", "status": "Path online"}],
        "quorum": {"possible": 3, "needed": 2, "present": 3, "installmode": False, "devices": [DISK]}}
# Beta is lost, fenced and quarantined, one device is in maintenance.
POORLY = {**WELL, "nodes": [NODES[0], {**NODES[1], "state": "DOWN", "member": False, "reachable": False, "votes": 0,
                                       "votes_present": 0, "incarnation": 0, "fenced": "by alpha on d4", "quarantined": True}],
          "disks": DISKS,
          "quorum": {"possible": 2, "needed": 2, "present": 2, "installmode": False, "devices": [DISK, SERVER]}}


def node_rows(n, name, address):
    own = f"cluster.nodes.{n}."
    adapter = own + "adapters.1."
    return {own + "name": name, own + "state": "enabled", own + "properties.private_hostname": f"clusternode{n}-priv",
            own + "properties.quorum_vote": "1", own + "properties.quorum_defaultvote": "1",
            own + "properties.quorum_resv_key": f"0x3908EE1C0000000{n}", adapter + "name": "hme1", adapter + "state": "enabled",
            adapter + "properties.device_name": "hme", adapter + "properties.device_instance": "1",
            adapter + "properties.transport_type": "dlpi", adapter + "properties.dlpi_heartbeat_timeout": "10000",
            adapter + "properties.ip_address": address, adapter + "ports.1.name": "0", adapter + "ports.1.state": "enabled"}


# As the original writes it.
TABLE = {
    "cluster.name": "demo", "cluster.state": "enabled", "cluster.properties.cluster_id": "0x3908EE1C",
    "cluster.properties.installmode": "disabled", "cluster.properties.private_net_number": "172.16.0.0",
    "cluster.properties.cluster_netmask": "255.255.248.0", "cluster.properties.private_netmask": "255.255.248.0",
    "cluster.properties.auth_joinlist_type": "sys", "cluster.properties.auth_joinlist_hostslist": "",
    "cluster.properties.transport_heartbeat_timeout": "10000", "cluster.properties.transport_heartbeat_quantum": "1000",
    "cluster.properties.private_maxnodes": "64", "cluster.properties.private_maxprivnets": "10",
    "cluster.properties.global_fencing": "prefer3", "cluster.properties.takeover_time": "640",
    **node_rows(1, "alpha", "172.16.0.129"), **node_rows(2, "beta", "172.16.0.130"),
    "cluster.blackboxes.1.name": "switch1", "cluster.blackboxes.1.state": "enabled",
    "cluster.blackboxes.1.properties.type": "switch", "cluster.blackboxes.1.ports.1.name": "1",
    "cluster.blackboxes.1.ports.2.name": "2",
    "cluster.cables.1.properties.end1": "cluster.nodes.1.adapters.1.ports.1",
    "cluster.cables.1.properties.end2": "cluster.blackboxes.1.ports.1", "cluster.cables.1.state": "enabled",
    "cluster.cables.2.properties.end1": "cluster.nodes.2.adapters.1.ports.1",
    "cluster.cables.2.properties.end2": "cluster.blackboxes.1.ports.2", "cluster.cables.2.state": "enabled",
    "cluster.quorum_devices.1.name": "d4", "cluster.quorum_devices.1.state": "enabled",
    "cluster.quorum_devices.1.properties.votecount": "1", "cluster.quorum_devices.1.properties.gdevname": "/dev/did/rdsk/d4s2",
    "cluster.quorum_devices.1.properties.path_1": "enabled", "cluster.quorum_devices.1.properties.path_2": "enabled",
    "cluster.quorum_devices.1.properties.access_mode": "scsi3", "cluster.quorum_devices.1.properties.type": "shared_disk",
}
# What comes to it with a disk.
DISK_ROWS = {
    "cluster.quorum_devices.2.name": "d6", "cluster.quorum_devices.2.state": "enabled",
    "cluster.quorum_devices.2.properties.votecount": "0", "cluster.quorum_devices.2.properties.type": "scsi3",
    "cluster.quorum_devices.2.properties.role": "data", "cluster.quorum_devices.2.properties.path": "/dev/mapper/d6",
    "cluster.quorum_devices.2.properties.default_fencing": "global", "cluster.quorum_devices.2.properties.path_1": "enabled",
    "cluster.quorum_devices.2.properties.path_2": "enabled",
}
# As "cluster create" writes it.
OWN_TABLE = {
    "cluster.name": "demo", "cluster.state": "enabled", "cluster.properties.cluster_id": "0x3908EE1C",
    "cluster.properties.installmode": "disabled", "cluster.properties.takeover_time": "640",
    "cluster.nodes.1.name": "alpha", "cluster.nodes.1.state": "enabled", "cluster.nodes.1.adapters.1.name": "priv0",
    "cluster.nodes.1.adapters.1.state": "enabled", "cluster.nodes.1.adapters.1.properties.ip_address": "10.88.1.1",
    "cluster.nodes.1.properties.private_hostname": "clusternode1-priv", "cluster.nodes.1.properties.quorum_vote": "1",
    "cluster.nodes.1.properties.quorum_defaultvote": "1", "cluster.nodes.1.properties.quorum_resv_key": "0x3908EE1C00000001",
}


def answers(status=WELL, table=TABLE):
    return {"Status": status, "Config": CONFIG, "GetTable": {"table": "infrastructure", "generation": 1, "data": table}}
