"""What the commands foresee and explain, against a stand-in for clusterd whose state they go on from: clrg explain, cluster simulate,
--dry-run.  The stand-in's groups are two: db-rg on alpha, and web-rg, which may only be where db-rg is."""

import json

import pytest
from clusterd_double import ClusterdDouble, Error
from command_samples import group, prop, resource
from membership_samples import NODES, WELL
from test_commands import SOURCE, golden, root, run, words     # noqa: F401
from test_membership_commands import CL_EINVAL, CL_ENOENT, CL_ENOTCLMODE, CL_EOP, CL_ERECONF, CL_ESTATE, OK
from rgm_samples import OFFLINE, ONLINE, one

RTR = ("RESOURCE_TYPE = app; VENDOR_ID = ACME; RT_BASEDIR = /opt; API_VERSION = 2; START = start; STOP = stop;"
       "{ PROPERTY = Failover_mode; DEFAULT = SOFT; TUNABLE = ANYTIME; }")
UP = {"s": 2, "f": [], "g": 0, "h": 0, "o": 0, "p": 0, "set": 7}


def table(name, generation=7, **data):
    return {"table": name, "generation": generation, "data": data}


def state(rs, **more):
    return {"ver": 5, "off": False, "fb": False, "fr": False, "q": False, "few": False, "intent": 0, "in": [], "re": [], "why": "",
            "nodes": {"1": UP}, "rs": {rs: {"1": {"s": 1, "st": 1, "m": "", "r": [], "g": []}}}, **more}


def rg(rs, **props):
    return {"rg.managed": "TRUE", f"rs.{rs}.type": "ACME.app", f"rs.{rs}.enabled": "TRUE", f"rs.{rs}.monitored": "TRUE",
            **{f"rg.prop.{name}": value for name, value in props.items()}}


SNAPSHOT = {
    "self": "alpha", "at": 1700000000000, "detect_ms": 400, "takeover_ms": 640,
    "state": {"epoch": 3, "forming": False, "nodes": [[1, 3, 11, False], [2, 3, 12, False]],
              "groups": {"db-rg": state("db"), "web-rg": state("web")}},
    "tables": [
        table("infrastructure", **{"cluster.name": "demo", "cluster.nodes.1.name": "alpha", "cluster.nodes.2.name": "beta"}),
        table("rgm_rt_ACME.app", rtr=RTR), table("rgm_rg_db-rg", **rg("db")), table("rgm_rg_web-rg", **rg("web", RG_affinities="++db-rg")),
    ]}


def report(sender, rs, method, ms, ok=True):
    return {"e": "msg", "w": 1, "from": sender, "msg": {"t": "rgm.rep", "rg": "x", "runs": [
        {"rs": rs, "method": method, "ms": ms, "ok": ok, "at": 0, "timed_out": False, "output": ""}]}}


# The median counts, failures do not, and another node's runs only when there are none of its own.
def moved(at, rg_name, what, node, why):
    return {"e": "msg", "w": at, "from": 1, "msg": {"t": "rgm.dec", "rg": rg_name, "do": what, "node": node, "why": why, "at": at}}


MOVES = [moved(1699999000000, "db-rg", "online", 1, "the cluster started"), moved(1699999100000, "db-rg", "offline", 1, "first"),
         moved(1699999200000, "db-rg", "online", 9, "second"), moved(1699999300000, "web-rg", "online", 2, "other"),
         moved(1699999300000, "db-rg", "offline", 9, "third"),
         moved(1699999400120, "db-rg", "online", 1, "dropped, and made anew"), moved(1699999400123, "db-rg", "online", 1, "switched by root@alpha"),
         moved(1699999500000, "db-rg", "rest", 0, "is no move")]
JOURNAL = {"entries": MOVES + [report(2, "db", "Start", ms) for ms in (900.0, 1000.0, 5000.0)] + [
    report(2, "db", "Start", 60000.0, ok=False), report(1, "db", "Start", 20.0), report(1, "db", "Stop", 300.0),
    report(1, "web", "Start", 250.0), {"e": "view", "nodes": [1, 2], "w": 2}]}
EXPLAINED = {
    "db-rg": {"group": "db-rg", "managed": True, "online": ["alpha"], "why": "switched by root@alpha", "outside": [], "waits": [], "nodes": [
        {"node": "alpha", "state": "ONLINE", "verdict": "here", "why": "it stays: a group is not moved without need", "failed_starts": 0,
         "gave_over": False},
        {"node": "beta", "state": "OFFLINE", "verdict": "could", "why": "but alpha is preferred: it is there already", "failed_starts": 0,
         "gave_over": True}]},
    "web-rg": {"group": "web-rg", "managed": True, "online": [], "why": "", "outside": ["beta"], "nodes": [
        {"node": "alpha", "state": "OFFLINE", "verdict": "not", "why": "++db-rg: that is not there", "failed_starts": 0,
         "gave_over": False}],
        "waits": [{"what": "it may only be where db-rg is, and that is online nowhere", "cure": "clresourcegroup explain db-rg"}]},
}
GROUPS = [group("db-rg", [resource("db", "db-rg", "ACME.app", properties=[prop("R_description", "")])]),
          group("web-rg", [resource("web", "web-rg", "ACME.app", properties=[prop("R_description", "")])])]
STATUS = {**WELL, "nodes": NODES, "groups": [
    {"name": name, "managed": True, "admin_offline": False, "suspended": False, "why": "",
     "nodes": [{"node": "alpha", "state": "ONLINE"}, {"node": "beta", "state": "OFFLINE"}],
     "resources": [one(rs, "ACME.app", [ONLINE, OFFLINE])]} for name, rs in (("db-rg", "db"), ("web-rg", "web"))]}


def split(fate, favoured=True, nodes=1, devices=0, reachable=0, names=()):
    return {"fate": fate, "favoured": favoured, "node_votes": nodes, "device_votes": devices, "reachable_votes": reachable, "needed": 2,
            "devices": list(names)}


def quorum(parameters):
    """alpha and beta with a quorum device that either could win; alpha serves."""
    alone = not parameters.get("others")
    if parameters["side"] == ["alpha"]:
        return split("takes_device" if alone else "races", True, reachable=1, names=["d1"])
    if parameters["side"] == ["beta"]:
        return split("takes_device" if alone else "races", alone, reachable=1, names=["d1"])
    return split("goes_on", nodes=2)


def explain(parameters):
    return EXPLAINED.get(parameters["group"]) or Error("NotFound", code=12, message="resource group does not exist")


ANSWERS = {"Status": STATUS, "Config": {"cluster": "demo", "types": [], "groups": GROUPS}, "Snapshot": SNAPSHOT, "Journal": JOURNAL,
           "Split": quorum, "Explain": explain}

TEXTS = [
    ("clrg explain db-rg web-rg", "clrg-explain"), ("clresourcegroup explain +", "clrg-explain"),
    ("cluster simulate --crash alpha", "cluster-simulate-crash"), ("cluster simulate --crash=alpha,beta", "cluster-simulate-crash-all"),
    ("cluster simulate --cut beta", "cluster-simulate-cut"), ("cluster simulate --leave alpha", "cluster-simulate-leave"),
    ("clrg switch --dry-run -n beta db-rg", "clrg-switch-dry-run"), ("clrg offline --dry-run db-rg", "clrg-offline-dry-run"),
    ("clrg online --dry-run db-rg", "clrg-online-dry-run"), ("clrg restart --dry-run web-rg", "clrg-restart-dry-run"),
    ("clrg remaster --dry-run db-rg", "clrg-online-dry-run"), ("clrg evacuate --dry-run -n alpha", "clrg-evacuate-dry-run"),
    ("clnode evacuate --dry-run alpha", "clrg-evacuate-dry-run"), ("clrs disable --dry-run web", "clrs-disable-dry-run"),
    ("clrs enable --dry-run web", "clrg-online-dry-run"), ("clrslh enable --dry-run +", "nothing-dry-run"),
    ("clrslh disable --dry-run +", "nothing-dry-run"), ("clrssa enable --dry-run +", "nothing-dry-run"),
    ("clrssa disable --dry-run +", "nothing-dry-run"),
]


@pytest.mark.parametrize("line, name", TEXTS, ids=[row[0] for row in TEXTS])
def test_text(line, name, root, run):
    with ClusterdDouble(root, ANSWERS) as clusterd:
        got = run(*words(line))
    assert (got.returncode, got.stderr) == (OK, "")
    golden(name + ".txt", got.stdout)
    assert clusterd.requests == []                          # nothing is asked of the cluster


def simulated(root, run, *line, **answers):
    with ClusterdDouble(root, {**ANSWERS, **answers}):
        got = run("cluster", "simulate", *line, "--json")
    assert (got.returncode, got.stderr) == (OK, "")
    return json.loads(got.stdout)


FORESEEN = [line for line, _ in TEXTS] + ["clrg explain --json db-rg"]      # for the tests that look for each option


def test_json(root, run):
    crash = simulated(root, run, "--crash", "alpha")
    assert (crash["event"], crash["nodes"]) == ("crash", ["alpha"])
    assert [(s["nodes"], s["fate"], s["survives"]) for s in crash["sides"]] == [(["beta"], "takes_device", True)]
    db, web = crash["groups"]
    assert (db["before"], db["after"], db["interrupted_ms"], db["back"]) == (["alpha"], ["beta"], 640 + 1000, True)
    assert (web["after"], web["interrupted_ms"]) == (["beta"], 640 + 250)
    assert (crash["resources_restarted"], crash["no_history"]) == (["db", "web"], [])
    with ClusterdDouble(root, ANSWERS):
        explained = json.loads(run("clrg", "explain", "--json", "db-rg").stdout)[0]
    assert [(m["do"], m["node"], m["why"]) for m in explained.pop("moves")] == [
        ("online", "alpha", "switched by root@alpha"), ("offline", "a node that is gone", "third"), ("online", "a node that is gone", "second")]
    assert explained == EXPLAINED["db-rg"]


def test_without_a_quorum_all_ends(root, run):
    lost = simulated(root, run, "--crash", "alpha", Split=split("ends"))
    assert [(g["group"], g["after"], g["back"]) for g in lost["groups"]] == [("db-rg", [], False), ("web-rg", [], False)]
    left = simulated(root, run, "--leave", "alpha", Split=split("ends"))
    assert [g["after"] for g in left["groups"]] == [[], []]
    assert [s["node"] for s in left["steps"] if s["e"] == "node" and s["state"] == "dies"] == ["beta"]


def test_the_side_that_asks_first_goes_on(root, run):
    for named in ("alpha", "beta"):
        cut = simulated(root, run, "--cut", named)
        assert {s["nodes"][0]: s["survives"] for s in cut["sides"]} == {"alpha": True, "beta": False}
        assert cut["groups"] == []                          # alpha serves, and keeps what it has


def test_no_history(root, run):
    crash = simulated(root, run, "--crash", "alpha", Journal={"entries": []})
    assert crash["no_history"] == ["db.Start", "web.Start"] and crash["groups"][0]["interrupted_ms"] == 640


def test_a_node_that_is_lost_is_waited_for(root, run):
    """The state that is gone on from: beta is lost, and may run what is offline here."""
    snapshot = json.loads(json.dumps(SNAPSHOT))
    snapshot["state"]["nodes"][1][1] = 1
    snapshot["state"]["groups"]["db-rg"]["nodes"] = {"2": UP}
    snapshot["state"]["groups"]["web-rg"].update(nodes={}, off=True)
    with ClusterdDouble(root, {**ANSWERS, "Snapshot": snapshot}):
        got = run("clrg", "online", "--dry-run", "web-rg")
    text = got.stdout
    assert text.index("beta is known to be dead") < text.index("db-rg goes online on alpha")


REFUSED = [
    ("clrg switch --dry-run -n beta web-rg", CL_ESTATE, "may not be online on beta (RG_affinities ++db-rg: that is not there)"),
    ("cluster simulate", CL_EINVAL, "--crash is missing"), ("cluster simulate --crash alpha --cut beta", CL_EINVAL, "does not go with"),
    ("cluster simulate --crash gamma", CL_ENOENT, "gamma is not a member of the cluster now"),
    ("cluster simulate --cut alpha,beta", CL_EINVAL, "these are all members"), ("cluster simulate --leave alpha,,beta", CL_EINVAL, "empty"),
    ("clrg explain", CL_EINVAL, "group is missing"), ("clrg explain none", CL_ENOENT, "Failed to find resource group none"),
]


@pytest.mark.parametrize("line, code, text", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(line, code, text, root, run):
    with ClusterdDouble(root, ANSWERS) as clusterd:
        got = run(*words(line))
    assert got.returncode == code and text in got.stderr
    assert clusterd.requests == []


@pytest.mark.parametrize("line", ["cluster simulate --crash alpha", "clrg switch --dry-run -n beta db-rg"])
def test_what_the_daemon_cannot_tell(line, root, run):
    assert run(*words(line)).returncode == CL_ENOTCLMODE
    refusal = Error("Refused", code=5, message="this node is not a member of the cluster now")
    with ClusterdDouble(root, {**ANSWERS, "Snapshot": refusal}):
        assert run(*words(line)).returncode == CL_ERECONF
    forming = {**SNAPSHOT, "state": {**SNAPSHOT["state"], "forming": True}}
    with ClusterdDouble(root, {**ANSWERS, "Snapshot": forming}):
        assert "the cluster is forming" in run(*words(line)).stderr
    with ClusterdDouble(root, {k: v for k, v in ANSWERS.items() if k != "Snapshot"}):
        got = run(*words(line))
    assert got.returncode == CL_EOP and "another version" in got.stderr


@pytest.mark.parametrize("snapshot", [{}, {"state": 1, "tables": 2}, {"state": {"nodes": [1, [], [99]], "groups": []}, "tables": [3]},
                                      {**SNAPSHOT, "tables": []}, {**SNAPSHOT, "tables": SNAPSHOT["tables"][:1] + SNAPSHOT["tables"][2:]}])
def test_a_snapshot_of_another_kind(snapshot, root, run):
    with ClusterdDouble(root, {**ANSWERS, "Snapshot": snapshot}):
        for line in ("cluster simulate --crash alpha", "clrg switch --dry-run -n beta db-rg"):
            assert 0 <= run(*words(line)).returncode < 100
