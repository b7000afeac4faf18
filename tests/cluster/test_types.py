"""The shipped resource types on simulated machines: addresses on the wire, a real web server under the real process monitor.
In place of clusterd stands fake_clusterd.py; the methods are called as the RGM calls them."""
import json
import os
import pathlib
import re
import subprocess
import time

import pytest

from conftest import BUILD, SOURCE

LH = "/usr/cluster/lib/rgm/types/LogicalHostname/"
GDS = "/usr/cluster/lib/rgm/types/gds/"
FAKE = SOURCE / "tests/cluster/fake_clusterd.py"
NODES = ["node1", "node2"]
V4, V6 = "10.88.0.201", "fd88::201"

CONF = """daemon off; master_process off; pid /run/nginx.pid; error_log /tmp/error.log;
events {{}}
http {{ access_log off; server {{ listen {port}; listen [::]:{port}; return 200 "hello\\n"; }} }}
"""


def until(check, seconds=5):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = check()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("still not so")


def prop(name, value, extension=False, kind="STRING"):
    return {"name": name, "value": value, "extension": extension, "type": kind, "tunable": "ANYTIME", "description": ""}


PTYPES = {"Network_aware": "BOOLEAN", "Failover_enabled": "BOOLEAN", "Log_level": "ENUM",
          **{n: "INT" for n in ("Probe_timeout", "Child_mon_level", "Stop_signal", "Monitor_retry_count", "Monitor_retry_interval")}}


def resource(name, kind, props, ext, restarts=0):
    return {"name": name, "type": kind, "type_version": "6", "group": "web-rg", "enabled": True, "monitored": True,
            "properties": [prop(k, v) for k, v in props.items()] + [prop(k, v, True, PTYPES.get(k, "STRING")) for k, v in ext.items()],
            "nodes": [{"node": n, "state": "ONLINE", "status": "OK", "message": "", "num_resource_restarts": restarts,
                       "num_rg_restarts": 0} for n in NODES]}


def web(restarts=0, props={}, ext={}):
    return resource("web", "SUNW.gds:6", {
        "Port_list": "80/tcp6", "Start_timeout": "20", "Stop_timeout": "20", "Thorough_probe_interval": "60",
        "Retry_count": "2", "Retry_interval": "370", "Failover_mode": "SOFT", "Network_resources_used": "",
        "Resource_dependencies": "ip", **props}, {
        "Start_command": "/usr/sbin/nginx -c /tmp/80.conf", "Stop_command": "", "Probe_command": "",
        "Probe_timeout": "5", "Child_mon_level": "-1", "Network_aware": "TRUE", "Stop_signal": "15",
        "Failover_enabled": "TRUE", "Log_level": "NONE", "Monitor_retry_count": "4", "Monitor_retry_interval": "2", **ext},
        restarts)


class Agent:
    """One node with a fake clusterd and a real process monitor."""
    def __init__(self, lab, node):
        self.lab, self.node = lab, node
        self.config = {"self": node, "self_id": int(node[-1]), "refuse": {}, "groups": {
            "web-rg": {"name": "web-rg", "managed": True, "properties": {"Nodelist": "node1,node2"},
                       "resources": ["ip", "web"], "nodes": []}},
            "types": {"SUNW.gds:6": {"name": "SUNW.gds:6", "basedir": GDS.rstrip("/"), "version": "6", "api_version": 7,
                                     "failover": False, "methods": {}, "installed_nodes": []}},
            "resources": {"ip": resource("ip", "SUNW.LogicalHostname:3", {}, {"HostnameList": "app1", "NetIfList": ""}),
                          "web": web()}}
        self.save()
        lab.exec(node, "sh", "-c", "cat > /run/fake_clusterd.py", input=FAKE.read_text())
        lab.spawn(node, "/usr/bin/python3", "/run/fake_clusterd.py", "/run/fake.json", "/run/requests")
        lab.spawn(node, "env", "PARHELION_PANIC=log", "/usr/cluster/lib/sc/failfastd")
        lab.sh(node, "while ! test -S /run/cluster/failfastd.sock; do sleep 0.01; done", timeout=10)
        lab.spawn(node, "/usr/cluster/lib/sc/pmfd")
        for name in "clusterd", "pmfd":
            lab.sh(node, f"while ! test -S /run/cluster/{name}.sock; do sleep 0.01; done", timeout=10)
        lab.exec(node, "sh", "-c", "cat > /tmp/80.conf", input=CONF.format(port=80))

    def save(self):
        self.lab.exec(self.node, "sh", "-c", "cat > /run/fake.json.new; mv /run/fake.json.new /run/fake.json",
                      input=json.dumps(self.config))

    def set(self, name, value):
        self.config["resources"][name] = value
        self.save()

    def call(self, program, rs="web", kind="SUNW.gds:6", extra=(), ok=True):
        done = self.lab.exec(self.node, program, *extra, "-R", rs, "-T", kind, "-G", "web-rg", check=False)
        assert (done.returncode == 0) == ok, done.stderr
        return done

    def lh(self, method, ok=True, extra=()):
        return self.call(LH + "lh_" + method, "ip", "SUNW.LogicalHostname:3", extra, ok)

    def gds(self, method, ok=True, extra=()):
        return self.call(GDS + "gds_" + method, extra=extra, ok=ok)

    def requests(self, **like):
        text = self.lab.exec(self.node, "sh", "-c", "cat /run/requests 2>/dev/null || :").stdout
        all_of_them = [json.loads(line) for line in text.splitlines()]
        return [r for r in all_of_them if all(r.get(k) == v for k, v in like.items())]

    def forget(self):
        self.lab.sh(self.node, "rm -f /run/requests")

    def addresses(self):
        text = self.lab.sh(self.node, "ip -o addr show dev eth0")
        return re.findall(r"inet6? (\S+)", text)

    def tag(self, name):
        return self.lab.exec(self.node, "/usr/cluster/bin/pmfadm", "-q", name, check=False).returncode == 0

    def http(self):
        return self.lab.exec("client1", "curl", "-s", "-m2", f"http://{V4}/", check=False).stdout

    def clean(self):
        self.config["refuse"] = {}
        self.config["groups"]["web-rg"]["properties"] = {"Nodelist": "node1,node2"}
        self.config["resources"]["ip"] = resource("ip", "SUNW.LogicalHostname:3", {}, {"HostnameList": "app1"})
        self.set("web", web())
        self.gds("monitor_stop")
        self.gds("svc_stop")
        self.lh("stop")
        self.lh("postnet_stop")
        self.lab.sh(self.node, f"ip addr del {V4}/24 dev eth0 2>/dev/null; ip addr del {V6}/64 dev eth0 2>/dev/null; :")
        self.forget()


@pytest.fixture(scope="module")
def lab(make_lab, tmp_path_factory):
    stage = tmp_path_factory.mktemp("stage")
    subprocess.run(["meson", "install", "-C", str(BUILD), "--quiet", "--no-rebuild"], check=True,
                   env={**os.environ, "DESTDIR": str(stage)}, stdout=subprocess.DEVNULL)
    return make_lab(nodes=2, stage=stage, boot_hook="")


@pytest.fixture(scope="module")
def both(lab):
    return [Agent(lab, node) for node in NODES]


@pytest.fixture
def agents(both):
    yield both
    for agent in both:
        agent.clean()


@pytest.fixture
def agent(agents):
    return agents[0]


# ---- LogicalHostname ----

def ping(lab, address, wait=1):
    return lab.exec("client1", "ping", "-n", "-c1", f"-W{wait}", address, check=False).returncode == 0


def neighbour(lab, address):
    text = lab.sh("client1", f"ip neigh show {address}")
    found = re.search(r"lladdr (\S+)", text)
    return found and found[1]


def mac(lab, node):
    return lab.sh(node, "cat /sys/class/net/eth0/address").strip()


def test_address_comes_and_goes(lab, agent):
    agent.lh("prenet_start")
    assert f"{V4}/24" not in agent.addresses()
    agent.lh("start")
    assert f"{V4}/24" in agent.addresses() and f"{V6}/128" in agent.addresses()
    assert ping(lab, V4) and ping(lab, V6)
    assert agent.requests(op="status", status="OK", msg="LogicalHostname online.", rs="ip", rg="web-rg")
    agent.lh("start")                                       # once more does no harm
    agent.lh("stop")
    assert f"{V4}/24" not in agent.addresses() and f"{V6}/128" not in agent.addresses()
    assert agent.requests(op="status", status="OFFLINE", msg="LogicalHostname offline.")
    agent.lh("stop")
    agent.lh("postnet_stop")
    agent.lh("postnet_stop")
    agent.lh("stop")


def test_start_does_not_wait_for_its_announcements(lab, agent):
    """As the RGM runs it: by the process monitor, which waits for the method and its output."""
    program = """import json, socket
s = socket.socket(socket.AF_UNIX)
s.connect("/run/cluster/pmfd.sock")
s.sendall(json.dumps({"method": "org.parhelion.Pmf.Run", "parameters": {
    "argv": ["%slh_start", "-R", "ip", "-T", "SUNW.LogicalHostname:3", "-G", "web-rg"],
    "env": ["PATH=/usr/bin:/bin"], "timeout_ms": 10000}}).encode() + b"\\0")
print(s.makefile("rb").read1().rstrip(b"\\0").decode())
""" % LH
    reply = json.loads(lab.exec("node1", "python3", "-c", program).stdout)["parameters"]
    print(f"lh_start by pmfd: {reply['ms']:.1f} ms")
    assert reply["exit"] == 0 and reply["ms"] < 100
    assert ping(lab, V4)


def test_what_the_node_begins_comes_from_its_own_address(lab, agent):
    agent.lh("start")
    assert "src 10.88.0.1 " in lab.sh("node1", "ip route get 10.88.0.101")
    assert "src fd88::1 " in lab.sh("node1", "ip -6 route get fd88::101")


def test_client_learns_of_the_move_at_once(lab, agents):
    first, second = agents
    first.lh("start")
    assert ping(lab, V4) and ping(lab, V6)
    assert neighbour(lab, V4) == neighbour(lab, V6) == mac(lab, "node1")
    first.lh("stop")
    second.lh("start")
    until(lambda: neighbour(lab, V4) == neighbour(lab, V6) == mac(lab, "node2"), 0.5)
    assert ping(lab, V4) and ping(lab, V6)


def test_no_announcement_after_the_address_has_left(lab, agents):
    first, second = agents
    ping(lab, V4)
    first.lh("start")
    assert ping(lab, V4)
    first.lh("stop")
    second.lh("start")
    time.sleep(1.5)                                         # the first node's repetitions would come in this time
    assert neighbour(lab, V4) == mac(lab, "node2")


@pytest.mark.parametrize("address", [f"{V4}/24", f"{V6}/64 nodad"])
def test_duplicate_is_refused_naming_the_mac(lab, agents, address):
    first, second = agents
    lab.sh("node2", f"ip addr add {address} dev eth0")
    done = first.lh("start", ok=False)
    assert f"is in use by {mac(lab, 'node2')} on eth0" in done.stderr
    assert f"{V4}/24" not in first.addresses() and f"{V6}/128" not in first.addresses()
    first.lh("stop")


def test_an_address_of_somebody_else_on_this_node_is_left_alone(lab, agent):
    lab.sh("node1", f"ip addr add {V4}/24 dev eth0")
    assert "not through this resource" in agent.lh("prenet_start", ok=False).stderr
    assert "not through this resource" in agent.lh("start", ok=False).stderr
    agent.lh("stop")
    assert f"{V4}/24" in agent.addresses()


def test_stop_needs_neither_names_nor_cluster(lab, agent):
    agent.lh("start")
    lab.sh("node1", "cp /etc/hosts /etc/hosts.keep; : > /etc/hosts; mv /run/cluster/clusterd.sock /run/cluster/away")
    try:
        agent.lh("stop")
        assert f"{V4}/24" not in agent.addresses()
    finally:
        lab.sh("node1", "cp /etc/hosts.keep /etc/hosts; mv /run/cluster/away /run/cluster/clusterd.sock")


@pytest.mark.parametrize("given, complaint", [
    (["-x", "HostnameList=app1"], None),
    (["-x", "HostnameList=app1,app2", "-x", "NetIfList=eth0@node1,eth0@2"], None),
    (["-x", "HostnameList=app1", "-x", "NetIfList=priv0@1"], "no interface priv0"),
    (["-x", "HostnameList=app1", "-x", "NetIfList=eth7@node1"], "there is no interface eth7"),
    (["-x", "HostnameList=no-such-host", "-x", "CheckNameService=FALSE"], "host name no-such-host has no address"),
    (["-x", "HostnameList=app1,192.0.2.7"], "is on the subnet of 192.0.2.7"),
    (["-x", "HostnameList="], "HostnameList is empty"),
    (["-x", "HostnameList=node1"], "is up on eth0 of this node already"),
])
def test_validate_address(agent, given, complaint):
    args = ["-c", *given, "-r", "Start_timeout=300", "-g", "Nodelist=node1,node2"]
    done = agent.lh("validate", ok=complaint is None, extra=args)
    assert (complaint or "") in done.stderr


# ---- gds ----

def test_service_starts_is_seen_and_stops(agent):
    agent.lh("start")
    agent.gds("svc_start")
    assert agent.http() == "hello\n"
    assert agent.tag("web-rg,web,0.svc")
    agent.gds("svc_stop")
    assert not agent.tag("web-rg,web,0.svc") and agent.http() == ""
    agent.gds("svc_stop")


def busy():
    """Times prove nothing while other work fills the processors."""
    return os.getloadavg()[0] > os.cpu_count()


def kill_server(lab):
    """When it was killed, on the clock that all nodes share."""
    return float(lab.exec("node1", "python3", "-c", "import os, signal, time\n"
                          "pid = int(os.popen('pgrep -x nginx').read())\nt = time.monotonic()\n"
                          "os.kill(pid, signal.SIGKILL)\nprint(t)").stdout)


def test_death_is_answered_at_once(lab, agent):
    agent.lh("start")
    took = []
    for _ in range(5):                                      # the best counts: the machine may have other things to do
        agent.forget()
        agent.gds("svc_start")
        agent.gds("monitor_start")
        agent.gds("monitor_start")                          # idempotent
        assert agent.tag("web-rg,web,0.mon")
        until(lambda: agent.requests(op="status", rs="web", status="OK"))
        killed = kill_server(lab)
        restart = until(lambda: agent.requests(op="control", tag="RESOURCE_RESTART", rg="web-rg", rs="web"))[0]
        assert agent.requests(op="status", rs="web", status="DEGRADED")
        took.append((restart["came"] - killed) * 1000)
        agent.gds("monitor_stop")
        assert not agent.tag("web-rg,web,0.mon")
    print("kill -> RESOURCE_RESTART, ms:", *(f"{t:.1f}" for t in took))
    assert min(took) < 20 or busy()


def test_restart_in_place_is_quick(lab, agent):
    """The methods of a restart, one after the other as the RGM runs them."""
    agent.lh("start")
    agent.gds("svc_start")
    agent.gds("monitor_start")
    script = "; ".join(f"{GDS}gds_{m} -R web -T SUNW.gds:6 -G web-rg" for m in
                       ("monitor_stop", "svc_stop", "svc_start", "monitor_start"))
    program = ("import subprocess, time\nfor _ in range(5):\n t = time.monotonic()\n"
               f" subprocess.run(['sh', '-e', '-c', {script!r}], check=True)\n print((time.monotonic() - t) * 1000)")
    took = [float(line) for line in lab.exec("node1", "python3", "-c", program).stdout.split()]
    print("monitor_stop, svc_stop, svc_start, monitor_start, ms:", *(f"{t:.1f}" for t in took))
    assert agent.http() == "hello\n"
    assert min(took) < 100 or busy()


def test_limit_reached_means_failover(lab, agent):
    agent.lh("start")
    agent.set("web", web(restarts=2))
    agent.gds("svc_start")
    agent.gds("monitor_start")
    lab.sh("node1", "pkill -9 -x nginx")
    until(lambda: agent.requests(op="control", tag="GIVEOVER"))
    assert not agent.requests(op="control", tag="RESOURCE_RESTART")
    assert agent.requests(op="status", rs="web", status="FAULTED")


@pytest.mark.parametrize("seen", [True, False])
def test_refused_failover_is_followed_by_a_restart(lab, agent, seen):
    """seen: the monitor watched the tree die; else it found it dead."""
    agent.lh("start")
    agent.config["refuse"] = {"GIVEOVER": [16, "no other node"]}
    agent.set("web", web(restarts=2))
    agent.gds("svc_start")
    if seen:
        agent.gds("monitor_start")
        until(lambda: agent.requests(op="status", rs="web", status="OK"))
    lab.sh("node1", "pkill -9 -x nginx")
    if not seen:
        until(lambda: not agent.tag("web-rg,web,0.svc"))
        agent.gds("monitor_start")
    until(lambda: agent.requests(op="control", tag="RESOURCE_RESTART"))
    assert [r["tag"] for r in agent.requests(op="control")][:2] == ["GIVEOVER", "RESOURCE_RESTART"]


@pytest.mark.parametrize("change, action", [
    ({"props": {"Failover_mode": "RESTART_ONLY"}}, None), ({"props": {"Failover_mode": "LOG_ONLY"}}, None),
    ({"ext": {"Failover_enabled": "FALSE"}}, None), ({"props": {"Retry_count": "-1"}}, "RESOURCE_RESTART"),
])
def test_modes(lab, agent, change, action):
    agent.lh("start")
    agent.set("web", web(restarts=2, **change))
    agent.gds("svc_start")
    agent.gds("monitor_start")
    lab.sh("node1", "pkill -9 -x nginx")
    if action:
        until(lambda: agent.requests(op="control", tag=action))
    else:
        until(lambda: agent.requests(op="status", rs="web", status="FAULTED"))
        time.sleep(0.2)
        assert not agent.requests(op="control")


@pytest.mark.parametrize("code, action", [(100, "RESOURCE_RESTART"), (201, "GIVEOVER"), (60, "RESOURCE_RESTART")])
def test_probe_command(lab, agent, code, action):
    lab.sh("node1", "echo 0 > /tmp/probe")
    agent.lh("start")
    agent.set("web", web(props={"Thorough_probe_interval": "1"},
                         ext={"Probe_command": "exit $(cat /tmp/probe)", "Log_level": "INFO"}))
    agent.config["resources"]["web"]["properties"].append(prop("Validate_command", "", True))
    # "exit" is no program: the check of the command line takes a real one
    agent.gds("svc_start", ok=False)
    agent.set("web", web(props={"Thorough_probe_interval": "1"},
                         ext={"Probe_command": "/bin/sh -c 'exit $(cat /tmp/probe)'", "Log_level": "INFO"}))
    agent.gds("svc_start")
    agent.gds("monitor_start")
    time.sleep(1.2)
    assert not agent.requests(op="control")
    lab.sh("node1", f"echo {code} > /tmp/probe")
    until(lambda: agent.requests(op="control"))
    assert agent.requests(op="control")[0]["tag"] == action
    log = lab.sh("node1", "cat /var/cluster/logs/DS/web-rg/web/probe_log.txt")
    assert "PROBE-INFO> The probe result is 0\n" in log and f"PROBE-ERR> The probe result is {code}" in log
    assert "START-INFO> Start succeeded. [" in lab.sh("node1", "cat /var/cluster/logs/DS/web-rg/web/start_stop_log.txt")


def test_start_waits_for_the_service(lab, agent):
    lab.sh("node1", "printf '#!/bin/sh\\nsleep 0.5\\nexec /usr/sbin/nginx -c /tmp/80.conf\\n' > /tmp/slow; chmod +x /tmp/slow")
    agent.lh("start")
    agent.set("web", web(ext={"Start_command": "/tmp/slow"}))
    before = time.monotonic()
    agent.gds("svc_start")
    assert 0.5 < time.monotonic() - before < 0.8
    assert agent.http() == "hello\n"


def test_start_fails_when_the_tree_keeps_dying(agent):
    agent.lh("start")
    agent.set("web", web(ext={"Start_command": "/bin/false"}))
    done = agent.gds("svc_start", ok=False)
    assert "Application failed to stay up" in done.stderr
    assert not agent.tag("web-rg,web,0.svc")


def test_start_command_may_let_go_of_its_tree(lab, agent):
    """Daemons that leave the tree: the script has the tag dropped, and the check decides."""
    lab.sh("node1", "printf '#!/bin/sh\\nsleep 20 &\\n/usr/cluster/bin/pmfadm -s web-rg,web,0.svc\\n"
           "sleep 1; exec setsid /usr/sbin/nginx -c /tmp/80.conf\\n' > /tmp/letgo; chmod +x /tmp/letgo")
    agent.lh("start")
    agent.set("web", web(ext={"Start_command": "/tmp/letgo"}))
    agent.gds("svc_start")
    assert agent.http() == "hello\n"


def test_stubborn_application_is_killed(lab, agent):
    lab.sh("node1", "printf '#!/bin/sh\\ntrap \"\" TERM\\nwhile :; do sleep 1; done\\n' > /tmp/stubborn; chmod +x /tmp/stubborn")
    agent.set("web", web(props={"Stop_timeout": "2"}, ext={"Start_command": "/tmp/stubborn", "Network_aware": "FALSE"}))
    agent.gds("svc_start")
    before = time.monotonic()
    agent.gds("svc_stop")
    assert 1.5 < time.monotonic() - before < 1.95
    assert lab.exec("node1", "pgrep", "-f", "[s]tubborn", check=False).stdout == ""


def test_stop_command(lab, agent):
    agent.lh("start")
    agent.set("web", web(ext={"Stop_command": "/bin/sh -c 'touch /tmp/stopped; kill $(pgrep -x nginx)'"}))
    agent.gds("svc_start")
    agent.gds("svc_stop")
    assert lab.sh("node1", "ls /tmp/stopped; rm /tmp/stopped") == "/tmp/stopped\n"
    assert not agent.tag("web-rg,web,0.svc")


def script(lab, path, text, mode="755"):
    lab.exec("node1", "sh", "-c", f"cat > {path}; chmod {mode} {path}", input=text)


def test_variables(lab, agent):
    """Every one, and what is none."""
    script(lab, "/tmp/vars", '#!/bin/sh\nprintf "%s\\n" "$@" > /tmp/vars.out\nexec sleep 1000\n')
    want = {"HOSTNAMES": "app1", "RS_NAME": "web", "RG_NAME": "web-rg", "RT_NAME": "SUNW.gds", "RG_NODELIST": "node1,node2",
            "RS_START_TIMEOUT": "20", "RS_STOP_TIMEOUT": "20", "RS_RETRY_COUNT": "2", "RS_RETRY_INTERVAL": "370",
            "RS_THOROUGH_PROBE_INTERVAL": "60", "RS_RESOURCE_DEPENDENCIES": "ip", "RS_RESOURCE_DEPENDENCIES_WEAK": "",
            "RS_SCALABLE": "FALSE", "RS_NUM_RESTARTS": "1", "RG_NUM_RESTARTS": "0", "RT_BASEDIR": GDS.rstrip("/"),
            "RT_API_VERSION": "7", "RT_RT_VERSION": "6", "RT_FAILOVER": "FALSE", "RT_SINGLE_INSTANCE": "FALSE",
            "RT_INSTALLED_NODES": "*", "RS_MONITOR_START_TIMEOUT": "77", "RS_MONITOR_STOP_TIMEOUT": "78", "RS_CHEAP_PROBE_INTERVAL": "11",
            "RG_DESIRED_PRIMARIES": "1", "RG_MAXIMUM_PRIMARIES": "1", "RG_GLOBAL_RESOURCES_USED": "*",
            "RG_IMPLICIT_NETWORK_DEPENDENCIES": "TRUE", "RG_PATHPREFIX": "/global", "RG_PINGPONG_INTERVAL": "3600",
            "RG_RESOURCE_LIST": "ip,web", "SCHA_STATUS": "OK", "NO_SUCH": "%NO_SUCH", "rs_name": "%rs_name"}
    properties = agent.config["groups"]["web-rg"]["properties"]
    properties.update(Desired_primaries="1", Maximum_primaries="1", Global_resources_used="*", Implicit_network_dependencies="TRUE",
                      Pathprefix="/global", Pingpong_interval="3600")
    agent.set("web", web(restarts=1, props={"Scalable": "FALSE", "Resource_dependencies_weak": "", "Monitor_start_timeout": "77",
                                            "Monitor_stop_timeout": "78", "Cheap_probe_interval": "11"},
                         ext={"Network_aware": "FALSE", "Start_command": "/tmp/vars " + " ".join(f"'{n}=%{n}'" for n in want)}))
    agent.gds("svc_start")
    until(lambda: "rs_name=" in lab.sh("node1", "cat /tmp/vars.out"))
    got = dict(line.split("=", 1) for line in lab.sh("node1", "cat /tmp/vars.out").splitlines())
    assert got == want


def test_file_of_start_commands(lab, agent):
    """One tree a line; only the one that dies is started again, while restarts are left."""
    script(lab, "/tmp/trees", "sleep 1111\nsleep 2222\n", "644")
    agent.set("web", web(ext={"Network_aware": "FALSE", "Start_command": "/tmp/trees"}))
    agent.gds("svc_start")
    assert agent.tag("web-rg,web,0.svc") and agent.tag("web-rg,web,1.svc") and not agent.tag("web-rg,web,2.svc")
    agent.gds("monitor_start")
    until(lambda: agent.requests(op="status", rs="web", status="OK"))
    first, second = (lab.sh("node1", f"pgrep -xf 'sleep {n}'") for n in (1111, 2222))
    lab.sh("node1", "pkill -9 -xf 'sleep 2222'")
    until(lambda: agent.requests(op="control", tag="RESOURCE_IS_RESTARTED"))
    assert second != until(lambda: lab.sh("node1", "pgrep -xf 'sleep 2222' || :"))
    assert first == lab.sh("node1", "pgrep -xf 'sleep 1111'") and len(agent.requests(op="control")) == 1
    lab.sh("node1", "rm /tmp/trees")                        # Stop finds them all the same
    agent.gds("monitor_stop")
    agent.gds("svc_stop")
    assert lab.sh("node1", "pgrep -xf 'sleep (1111|2222)' || :") == ""


def test_child_mon_level(lab, agent):
    """Level 0: the end of the command itself is its death, whatever it left."""
    script(lab, "/tmp/level", "#!/bin/sh\nsetsid sleep 3333 &\nsleep 0.4\n")
    agent.set("web", web(ext={"Network_aware": "FALSE", "Start_command": "/tmp/level", "Child_mon_level": "0"}))
    agent.gds("svc_start")
    until(lambda: not agent.tag("web-rg,web,0.svc"))
    lab.sh("node1", "pkill -9 -xf 'sleep 3333'")
    agent.set("web", web(ext={"Network_aware": "FALSE", "Start_command": "/tmp/level"}))
    agent.gds("svc_start")
    time.sleep(0.5)
    assert agent.tag("web-rg,web,0.svc")


def test_stop_signal(lab, agent):
    script(lab, "/tmp/usr", "#!/bin/sh\ntrap 'echo hup > /tmp/got; exit' HUP\ntrap '' TERM\nwhile :; do sleep 0.05; done\n")
    agent.set("web", web(ext={"Network_aware": "FALSE", "Start_command": "/tmp/usr", "Stop_signal": "1"}))
    agent.gds("svc_start")
    agent.gds("svc_stop")
    assert lab.sh("node1", "cat /tmp/got; rm /tmp/got") == "hup\n"


def test_stop_command_that_fails_is_followed_by_kill(lab, agent):
    agent.set("web", web(ext={"Network_aware": "FALSE", "Start_command": "/bin/sleep 4444", "Stop_command": "/bin/false", "Log_level": "ERR"}))
    agent.gds("svc_start")
    agent.gds("svc_stop")
    assert lab.sh("node1", "pgrep -xf '/bin/sleep 4444' || :") == ""
    log = lab.sh("node1", "cat /var/cluster/logs/DS/web-rg/web/start_stop_log.txt")
    assert "STOP-ERR> Stop_command /bin/false failed with exit status 1." in log
    assert "STOP-INFO" not in log.splitlines()[-1]          # Log_level=ERR


def test_probe_that_hangs_counts_half(lab, agent):
    agent.set("web", web(props={"Thorough_probe_interval": "1"}, ext={
        "Network_aware": "FALSE", "Start_command": "/bin/sleep 5555", "Probe_timeout": "2", "Log_level": "INFO",
        "Probe_command": "/bin/sh -c '! test -e /tmp/hang || exec sleep 60'"}))
    agent.gds("svc_start")
    lab.sh("node1", "touch /tmp/hang")
    agent.gds("monitor_start")
    until(lambda: agent.requests(op="control", tag="RESOURCE_RESTART"), 12)
    log = lab.sh("node1", "rm /tmp/hang; grep -c 'PROBE-ERR> The probe result is 50' /var/cluster/logs/DS/web-rg/web/probe_log.txt")
    assert int(log) == 2
    assert lab.sh("node1", "pgrep -xf 'sleep 60' || :") == ""


def test_immediate_failover_forbidden(lab, agent):
    """201 with Failover_enabled FALSE is an ordinary failure."""
    agent.set("web", web(props={"Thorough_probe_interval": "1"}, ext={
        "Network_aware": "FALSE", "Start_command": "/bin/sleep 6666", "Failover_enabled": "FALSE",
        "Probe_command": "/bin/sh -c '! test -e /tmp/bad || exit 201'"}))
    agent.gds("svc_start")
    lab.sh("node1", "touch /tmp/bad")
    agent.gds("monitor_start")
    until(lambda: agent.requests(op="control"))
    lab.sh("node1", "rm /tmp/bad")
    assert agent.requests(op="control")[0]["tag"] == "RESOURCE_RESTART"


def test_monitor_retries(agent):
    agent.set("web", web(ext={"Network_aware": "FALSE", "Start_command": "/bin/sleep 7777", "Monitor_retry_count": "7",
                              "Monitor_retry_interval": "9"}))
    agent.gds("svc_start")
    agent.gds("monitor_start")
    shown = agent.lab.exec("node1", "/usr/cluster/bin/pmfadm", "-l", "web-rg,web,0.mon").stdout
    assert "-n 7 -t 9" in shown and "gds_probe -R web -G web-rg -T SUNW.gds:6" in shown


def test_update_renews_the_monitor(lab, agent):
    agent.lh("start")
    agent.gds("svc_start")
    agent.gds("update")
    assert not agent.tag("web-rg,web,0.mon")
    agent.gds("monitor_start")
    pid = lab.sh("node1", "pgrep -f '[g]ds_probe'")
    agent.gds("update")
    assert lab.sh("node1", "pgrep -f '[g]ds_probe'") != pid


@pytest.mark.parametrize("given, complaint", [
    ([], None),
    (["-x", "Start_command="], "Start_command must be set"),
    (["-x", "Start_command=/no/such/program -x"], "/no/such/program cannot be executed"),
    (["-r", "Port_list="], "Port_list must be set"),
    (["-r", "Port_list=80"], None),
    (["-r", "Port_list=80/sctp"], "80/sctp is no port/protocol with tcp"),
    (["-x", "Start_command=/bin/sleep %RS_NAME%RS_BOGUS"], None),
    (["-x", "Start_command=%RT_BASEDIR/nothing"], f"{GDS}nothing cannot be executed"),
    (["-x", "Start_command=/etc/passwd"], "root:x:0:0:root:/root:/bin/bash"),
    (["-x", "Start_command=/dev/null"], "/dev/null cannot be executed"),
    (["-x", "Stop_command=/no/stop"], "Stop_command: /no/stop cannot be executed"),
    (["-x", "Probe_command=/no/probe"], "Probe_command: /no/probe cannot be executed"),
    (["-x", "Validate_command=true"], "absolute path"),
    (["-x", "Stop_signal=32"], "there is no signal 32 to stop with"),
    (["-x", "Stop_signal=40"], None),
    (["-x", "Probe_timeout=0"], "Probe_timeout must be positive"),
    (["-r", "Stop_timeout=0"], "Stop_timeout must be positive"),
    (["-r", "Port_list=", "-x", "Network_aware=FALSE"], None),
    (["-x", "Validate_command=/bin/false"], "Validate_command /bin/false failed with exit status 1"),
    (["-x", "Validate_command=/bin/true"], None),
])
def test_validate_service(agent, given, complaint):
    everything = ["-c", "-x", "Start_command=/bin/sleep 1=2", "-r", "Port_list=80/tcp,81/udp", "-g", "Nodelist=node1"]
    assert (complaint or "") in agent.gds("validate", ok=complaint is None, extra=everything + given).stderr


def test_exec_times(lab, agents):
    """Not a test of speed, but where the numbers come from."""
    first, _ = agents
    first.lh("start")
    first.gds("svc_start")
    program = """import os, sys, time
for args in sys.argv[1:]:
    argv = args.split()
    took = []
    for _ in range(20):
        t = time.perf_counter()
        os.waitpid(os.posix_spawn(argv[0], argv, os.environ), 0)
        took.append((time.perf_counter() - t) * 1000)
    print(f"{argv[0].rsplit('/')[-1]:20} {sorted(took)[10]:6.2f} ms")
"""
    ip, rs = " -R ip -T SUNW.LogicalHostname:3 -G web-rg", " -R web -T SUNW.gds:6 -G web-rg"
    calls = [LH + "lh_prenet_start" + ip, LH + "lh_start" + ip, LH + "lh_stop" + ip, LH + "lh_postnet_stop" + ip,
             LH + "lh_validate -c -x HostnameList=app2" + ip, GDS + "gds_monitor_start" + rs, GDS + "gds_update" + rs,
             GDS + "gds_monitor_check" + rs, GDS + "gds_monitor_stop" + rs, GDS + "gds_svc_stop" + rs,
             GDS + "gds_validate" + rs]
    print(lab.exec("node1", "python3", "-c", program, *calls).stdout)
