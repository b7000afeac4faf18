"""cluster history, diff, undo, export and apply against a stand-in for clusterd."""

import json

import pytest
from clusterd_double import ClusterdDouble, Error
from test_commands import OK, REFUSED, USAGE, golden, root, run     # noqa: F401 (fixtures)

T0 = 1795296371000      # 2026-11-21 21:26:11 UTC
GENS = {"infrastructure": 3, "rgm_rg_web": 12, "rgm_rt_ACME.db": 9}
TABLES = {
    "infrastructure": {"cluster.name": "demo", "cluster.nodes.1.name": "alpha", "cluster.nodes.1.properties.quorum_vote": "1"},
    "rgm_rg_web": {"rg.managed": "TRUE", "rg.prop.Failback": "TRUE", "rg.prop.RG_description": "a \\ b\tc "},
    "rgm_rt_ACME.db": {"rtr": "RESOURCE_TYPE = db;\n\nSTART = start;\n", "path": "/opt/db/rtr", "installed_nodes": ""},
}


def commit(n, was, table, by, cmd, change, **more):
    return {"n": n, "was": was, "table": table, "at": T0 + n * 60000, "by": by, "cmd": cmd, "set": change, **more}


COMMITS = [
    commit(12, 11, "rgm_rg_web", "root@beta", "scrgadm -c -g web -y Failback=TRUE", {"rg.prop.Failback": ["FALSE", "TRUE"]},
           message="beta is faster"),
    commit(11, 10, "rgm_rg_web", "root@alpha", "scrgadm -c -g web -y RG_description=x",
           {"rg.prop.RG_description": ["old", "a \\ b\tc "], "rg.prop.Failback": [None, "FALSE"]}),
    commit(10, 0, "rgm_rg_web", "root@alpha", "scrgadm -a -g web", {"rg.managed": [None, "FALSE"]}, made=True),
    commit(9, 0, "rgm_rt_ACME.db", "root@alpha", "scrgadm -a -t ACME.db", {"rtr": [None, "x" * 400]}, made=True),
    commit(8, 7, "rgm_rg_gone", "root@alpha", "scrgadm -r -g gone", {"rg.managed": ["FALSE", None]}, removed=True),
]


def history(p):
    found = [c for c in COMMITS if p.get("table") in (None, c["table"])]
    return {"entries": found[:p.get("limit", 512)], "last_commit": 12}


def get_table(p):
    name = p["table"]
    if name not in TABLES:
        return Error("NotFound", code=3, message="no such table")
    return {"table": name, "generation": GENS[name], "data": TABLES[name]}


ANSWERS = {
    "History": history, "GetTable": get_table,
    "ListTables": {"tables": [{"table": t, "generation": g} for t, g in sorted(GENS.items())], "last_commit": 12},
}


@pytest.fixture
def clusterd(root):        # noqa: F811
    with ClusterdDouble(root, ANSWERS) as double:
        yield double


def cluster(run, *args, **more):        # noqa: F811
    return run("cluster", *args, **more)


# ---- what is printed ----

@pytest.mark.parametrize("args, name", [
    (["history"], "cluster-history"), (["history", "-n", "2"], "cluster-history-n"), (["diff", "8"], "cluster-diff"),
    (["diff", "12", "10"], "cluster-diff-back"), (["export"], "cluster-export"), (["undo", "12", "--dry-run"], "cluster-undo"),
])
def test_output(args, name, clusterd, run):     # noqa: F811
    got = cluster(run, *args)
    assert (got.returncode, got.stderr) == (OK, "")
    golden(name + ".txt", got.stdout)


def test_history_of_one_table(clusterd, run):   # noqa: F811
    assert cluster(run, "history", "--table", "rgm_rg_web").returncode == OK
    assert clusterd.calls[-1] == ("History", {"table": "rgm_rg_web", "after": 0, "limit": 20})


def test_long_command_line_is_cut(root, run):    # noqa: F811
    long = commit(5, 0, "rgm_rg_x", "root@alpha", "scrgadm " + "é" * 300, {})
    with ClusterdDouble(root, {"History": {"entries": [long], "last_commit": 5}}):
        assert cluster(run, "history").stdout.splitlines()[1] == "        scrgadm " + "é" * 146 + "..."
        assert "é" * 300 in cluster(run, "history", "--json").stdout.encode().decode()


@pytest.mark.parametrize("args, code, text", [
    (["history", "-n", "0"], USAGE, "-n takes a number"),
    (["diff"], USAGE, "COMMIT is missing"),
    (["diff", "x"], USAGE, '"x" is no number of a commit'),
    (["diff", "1", "2", "3"], USAGE, '"3" is not expected here'),
    (["diff", "5"], REFUSED, "commit 7 of table rgm_rg_gone is not in the history any more"),
    (["diff", "12", "99"], REFUSED, "there is no commit 99; the newest is 12"),
    (["undo", "99"], REFUSED, "there is no such commit in the history"),
    (["undo", "11"], REFUSED, "rg.prop.Failback of table rgm_rg_web was changed since by commit 12 of root@beta at 2026-11-21 "
     '21:38:11 with "scrgadm -c -g web -y Failback=TRUE"; undo that one first'),
    (["undo", "10"], REFUSED, "the whole of table rgm_rg_web was changed since by commit 12"),
    (["apply"], USAGE, "FILE is missing"),
    (["apply", "none"], REFUSED, "cannot open none"),
    (["history", "--message", "x"], USAGE, "--message does not go with"),
])
def test_refused(args, code, text, clusterd, run):      # noqa: F811
    got = cluster(run, *args)
    assert (got.returncode, got.stdout) == ({USAGE: 3, REFUSED: 37}[code], "") and text in got.stderr
    assert clusterd.requests == []


# ---- what is sent ----

def test_undo(clusterd, run):   # noqa: F811
    assert cluster(run, "undo", "12").returncode == OK
    data = {**TABLES["rgm_rg_web"], "rg.prop.Failback": "FALSE"}
    assert clusterd.requests == [{"op": "table_change", "table": "rgm_rg_web", "base": 12, "data": data,
                                  "message": "undoes commit 12"}]


def test_undo_of_a_new_and_of_a_removed_table(clusterd, run):   # noqa: F811
    assert cluster(run, "undo", "9", "--message", "not wanted").returncode == OK
    assert cluster(run, "undo", "8").returncode == OK
    assert clusterd.requests[1] == {"op": "table_change", "table": "rgm_rt_ACME.db", "base": 9, "data": None,
                                    "message": "not wanted"}
    assert clusterd.requests[0] == {"op": "table_change", "table": "rgm_rg_gone", "base": 0, "data": {"rg.managed": "FALSE"},
                                    "message": "undoes commit 8"}


def export(run):        # noqa: F811
    return cluster(run, "export").stdout


def apply(run, root, text, *args):      # noqa: F811
    (root / "conf").write_text(text)
    return cluster(run, "apply", *args, "conf")


def test_what_was_exported_changes_nothing(root, clusterd, run):        # noqa: F811
    got = apply(run, root, export(run))
    assert (got.returncode, got.stdout) == (OK, "Nothing to change: the cluster is as the file says.\n")
    assert clusterd.requests == []


def test_apply_checks_all_then_commits_types_before_groups(root, clusterd, run):        # noqa: F811
    text = export(run) + "\n[rgm_rg_new] new\nrg.managed = FALSE\n\n[rgm_rt_N] new\nrtr |\n| a\n|\n"
    got = apply(run, root, text.replace("Failback = TRUE", "Failback = FALSE"), "--message", "why")
    assert (got.returncode, got.stderr) == (OK, "")
    sent = [p["request"] for m, p in clusterd.calls if m == "Request"]
    assert [(s["table"], s.get("check", False), s["base"]) for s in sent] == [
        (t, check, base) for check in (True, False) for t, base in (("rgm_rt_N", 0), ("rgm_rg_web", 12), ("rgm_rg_new", 0))]
    assert sent[0]["types"] == {"N": "a\n"} and sent[0]["groups"] == ["rgm_rg_web", "rgm_rg_new"]
    assert sent[3]["data"] == {"rtr": "a\n"} and sent[3]["message"] == "why"
    assert got.stdout == ('table rgm_rt_N\n  rtr: (not set) -> "a\\n"\ntable rgm_rg_web\n'
                          '  rg.prop.Failback: "TRUE" -> "FALSE"\ntable rgm_rg_new\n  rg.managed: (not set) -> "FALSE"\n')


def test_apply_dry_run_and_prune(root, clusterd, run):  # noqa: F811
    text = export(run)
    got = apply(run, root, text[:text.index("[rgm_rg_web]")], "--prune", "--dry-run")
    assert (got.returncode, got.stdout) == (OK, "table rgm_rg_web is removed\ntable rgm_rt_ACME.db is removed\n")
    assert all(r["check"] and r["data"] is None for r in clusterd.requests) and len(clusterd.requests) == 2


def test_apply_to_a_table_that_was_changed(root, clusterd, run):        # noqa: F811
    text = export(run).replace("[rgm_rg_web] generation 12", "[rgm_rg_web] generation 11")
    assert apply(run, root, text).returncode == OK, "it says the same, so nothing is overwritten"
    got = apply(run, root, text.replace("Failback = TRUE", "Failback = FALSE"))
    assert got.returncode == 9 and clusterd.requests == []
    assert ('table rgm_rg_web was changed by root@beta at 2026-11-21 21:38:11 with "scrgadm -c -g web -y Failback=TRUE" since '
            "this file was exported (generation 11, now 12)") in got.stderr


def test_one_bad_table_stops_all(root, run):    # noqa: F811
    def answer(p):
        return Error("Refused", code=15, message="no") if p["request"]["table"] == "rgm_rg_web" else {}
    with ClusterdDouble(root, {**ANSWERS, "Request": answer}) as clusterd:      # noqa: F811
        text = export(run).replace("Failback = TRUE", "Failback = FALSE") + "\n[rgm_rg_new] new\n"
        got = apply(run, root, text)
    assert got.returncode == 15 and got.stderr.endswith("apply table rgm_rg_web - no.\nNothing was changed.\n")
    assert all(r["check"] for r in clusterd.requests)


def test_commit_that_fails_in_the_middle(root, run):    # noqa: F811
    def answer(p):
        bad = p["request"]["table"] == "rgm_rg_web" and not p["request"].get("check")
        return Error("Refused", code=7, message="somebody was faster") if bad else {}
    with ClusterdDouble(root, {**ANSWERS, "Request": answer}):
        text = (export(run).replace("Failback = TRUE", "Failback = FALSE") + "\n[rgm_rg_z] new\nrg.managed = FALSE\n"
                "\n[rgm_rt_N] new\nrtr = x\n")
        got = apply(run, root, text)
    assert got.returncode != OK
    assert "Applied before it: rgm_rt_N.  Not applied: rgm_rg_z, and the table that failed.\n" in got.stderr


@pytest.mark.parametrize("text, says", [
    ("", "there is no table in it"),
    ("key = value\n", "line 1: this belongs to no section"),
    ("[rgm_rg_a]\n", "line 1: a section begins with"),
    ("[rgm_rg_a] generation x\n", "line 1: the generation is no number"),
    ("[rgm_rg_a] generation 0\n", "line 1: the generation is no number"),
    ("[rgm_rg_a] old\n", 'line 1: behind the name of the table stands "generation NUMBER" or "new"'),
    ("[rgm_rg_a] new\n[rgm_rg_a] new\n", "line 2: the table has a section before"),
    ("[rgm_rg_a] new\n\n# x\nrg.managed\n", "line 4: this is neither"),
    ("[rgm_rg_a] new\nrg.managed=TRUE\n", "line 2: this is neither"),
    ("[rgm_rg_a] new\nrg.managed = TRUE\nrg.managed = TRUE\n", "line 3: the key is there twice"),
    ("[rgm_rg_a] new\nrg.prop.x = \\q\n", "line 2: the value has a broken escape"),
    ("[rgm_rg_a] new\nrg.prop.x |\nrg.managed = TRUE\n", 'line 3: a line that begins with "|" was expected'),
    ("[rgm_rg_a] new\nrg.prop.x |\n|y\n", 'line 3: a blank stands behind "|"'),
    ("[rgm_rg_a] new\nrg.manage = TRUE\n", "line 1: table rgm_rg_a knows no key \"rg.manage\"; the nearest is rg.managed"),
    ("[nonsense] new\n", "there is no table \"nonsense\""),
])
def test_text_that_is_wrong(text, says, root, clusterd, run):   # noqa: F811
    got = apply(run, root, text)
    assert got.returncode == 37 and says in got.stderr, got.stderr
    assert clusterd.requests == []


def test_values_survive_the_text(root, run):    # noqa: F811
    values = ["", " ", "a ", " a", "a = b", "\\", "\\n", "\n", "a\n", "\na", "a\n\nb\n", "\t", "\r\n", "| x", "é", "# no comment",
              "[x] new", " \n \n"]
    table = {f"rg.prop.p{i}": v for i, v in enumerate(values)}
    with ClusterdDouble(root, {**ANSWERS, "ListTables": {"tables": [{"table": "rgm_rg_v", "generation": 5}]},
                               "GetTable": {"table": "rgm_rg_v", "generation": 5, "data": table}}):
        text = cluster(run, "export", "file")
        assert (text.returncode, text.stdout) == (OK, "")
        got = cluster(run, "apply", "file")
        assert (got.returncode, got.stderr, got.stdout) == (OK, "", "Nothing to change: the cluster is as the file says.\n")


def test_secrets_stay_out_and_stay(root, run):  # noqa: F811
    table = {"cluster.nodes.1.name": "alpha", "cluster.properties.nas_password": "hush"}
    with ClusterdDouble(root, {**ANSWERS, "ListTables": {"tables": [{"table": "infrastructure", "generation": 5}]},
                               "GetTable": {"table": "infrastructure", "generation": 5, "data": table}}) as clusterd:   # noqa: F811
        text = export(run)
        assert "hush" not in text and "alpha" in text
        assert "Nothing to change" in apply(run, root, text).stdout
        assert apply(run, root, text + "cluster.state = enabled\n").returncode == OK
    assert clusterd.requests[0]["data"]["cluster.properties.nas_password"] == "hush"


def test_apply_from_standard_input(root, clusterd):     # noqa: F811
    import os
    import subprocess
    from test_commands import PARHELION
    got = subprocess.run([PARHELION, "cluster", "apply", "-"], input="[rgm_rg_q] new\n", capture_output=True, text=True,
                         timeout=20, env={**os.environ, "PARHELION_ROOT": str(root)})
    assert got.returncode == OK and clusterd.requests[-1]["table"] == "rgm_rg_q"


def test_show_schema(run):      # noqa: F811
    golden("cluster-show-schema.txt", cluster(run, "show-schema").stdout)
    rows = json.loads(cluster(run, "show-schema", "--json").stdout)
    assert {"table": "rgm_rg_*", "key": "rg.managed", "values": "TRUE|FALSE", "meaning": "the group is managed"} in rows
