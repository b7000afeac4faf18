"""Replies of clusterd for the RMAPI: a resource with a property of each kind, its group, its type, a cluster of two nodes."""


def prop(name, value, type_="STRING", extension=False, **more):
    return {"name": name, "value": value, "extension": extension, "type": type_, "tunable": "ANYTIME", "description": "", **more}


METHODS = ["Start", "Stop", "Prenet_start", "Postnet_stop", "Monitor_start", "Monitor_stop", "Monitor_check", "Validate",
           "Update", "Init", "Fini", "Boot"]
DEPENDENCIES = {"": "db{LOCAL_NODE},web-ip", "_weak": "log", "_restart": "cache{ANY_NODE}", "_offline_restart": "stor"}
BOOLEANS = ["Scalable", "UDP_affinity", "Weak_affinity", "Generic_affinity", "Round_robin", "Global_zone_override", "Pre_evict"]
NUMBERS = {"Retry_count": "2", "Retry_interval": "370", "Cheap_probe_interval": "20", "Thorough_probe_interval": "60",
           "Affinity_timeout": "-1", "Conn_threshold": "100", **{f"{m}_timeout": str(300 + i) for i, m in enumerate(METHODS)}}

RESOURCE = {
    "name": "web", "type": "ACME.web:2.1", "type_version": "2.1", "group": "web-rg", "enabled": True, "monitored": False,
    "self": "alpha", "seq": 5, "type_seq": 3, "network_resources": ["web-ip"],
    "properties": [
        prop("R_description", "two  words"), prop("Resource_project_name", ""), prop("Load_balancing_policy", "LB_STICKY"),
        prop("Failover_mode", "SOFT", "ENUM"),
        *[prop(n, v, "INT") for n, v in NUMBERS.items()],
        *[prop(n, "TRUE" if n == "Scalable" else "FALSE", "BOOLEAN") for n in BOOLEANS],
        prop("Port_list", "80/tcp,443/tcp", "STRINGARRAY"), prop("Load_balancing_weights", "", "STRINGARRAY"),
        *[prop("Resource_dependencies" + n, v, "STRINGARRAY") for n, v in DEPENDENCIES.items()],
        prop("Start_command", "/opt/web/bin/run -f a=b,c", "STRING", True), prop("Probe_timeout", "30", "INT", True),
        prop("Network_aware", "true", "BOOLEAN", True), prop("Confdir_list", "/a,/b", "STRINGARRAY", True),
        prop("Nothing", "", "STRINGARRAY", True), prop("Log_level", "Info", "ENUM", True),
        prop("Workers", "4", "INT", True, values={"beta": "8"}),
    ],
    "nodes": [
        {"node": "alpha", "state": "ONLINE", "status": "DEGRADED", "message": "one of two disks", "num_resource_restarts": 3,
         "num_rg_restarts": 1},
        {"node": "beta", "state": "START_FAILED", "status": "FAULTED", "message": "", "num_resource_restarts": 0,
         "num_rg_restarts": 0}],
}

GROUP = {
    "name": "web-rg", "managed": True, "self": "alpha", "seq": 5, "resources": ["web", "web-ip"],
    "nodes": [{"node": "alpha", "state": "ONLINE"}, {"node": "beta", "state": "PENDING_ONLINE_BLOCKED"}],
    "properties": {
        "RG_description": "the web", "Pathprefix": "/global/web", "RG_project_name": "default", "RG_slm_type": "manual",
        "RG_slm_pset_type": "weak", "Preemption_mode": "No_cost", "Nodelist": "alpha,beta", "RG_dependencies": "db-rg",
        "RG_affinities": "++db-rg,-test-rg", "Global_resources_used": "*", "Load_factors": "mem@20", "Maximum_primaries": "2",
        "Desired_primaries": "1", "Pingpong_interval": "3600", "Priority": "500", "RG_slm_CPU_SHARES": "7", "RG_slm_pset_min": "50",
        "Failback": "FALSE", "Implicit_network_dependencies": "TRUE", "Auto_start_on_new_cluster": "TRUE", "RG_system": "FALSE",
        "RG_is_frozen": "FALSE", "Suspend_automatic_recovery": "TRUE", "RG_mode": "Scalable"},
}

TYPE = {
    "name": "ACME.web:2.1", "description": "Web server", "version": "2.1", "basedir": "/opt/web/bin", "api_version": 7,
    "failover": False, "single_instance": False, "system": True, "is_logical_hostname": False, "is_shared_address": False,
    "proxy": False, "global_zone": True, "init_nodes": "RG_PRIMARIES",
    "methods": {m: f"web_{m.lower()}" for m in METHODS if m != "Fini"}, "installed_nodes": [], "pkglist": ["acme-web", "acme-lib"],
    "path": "", "resources": ["web"], "seq": 3,
}

CLUSTER = {
    "name": "demo", "self": "alpha", "self_id": 1, "seq": 9, "groups": ["db-rg", "web-rg"],
    "types": ["ACME.web:2.1", "SUNW.LogicalHostname:3"],
    "nodes": [{"name": "alpha", "id": 1, "state": "UP", "private_name": "", "loadlimits": [{"name": "mem", "soft": 11, "hard": 20}]},
              {"name": "beta", "id": 2, "state": "LOST", "private_name": "beta-priv",
               "loadlimits": [{"name": "cpu", "soft": 0, "hard": 4}, {"name": "MEM", "soft": 7, "hard": -1}]}],
}

ANSWERS = {"GetResource": RESOURCE, "GetGroup": GROUP, "GetType": TYPE, "GetCluster": CLUSTER}
