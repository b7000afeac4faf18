"""ccradm: on the files of a node that is no member, and through the cluster."""

import hashlib
import json

import pytest
from clusterd_double import ClusterdDouble, Error
from test_commands import OK, golden, root, run         # noqa: F401 (fixtures)

RG = {"rg.managed": "FALSE", "rg.prop.Nodelist": "a,b"}


def checksum(gen, body):
    return hashlib.md5((f"ccr_gennum\t{gen}\n" + body).encode()).hexdigest().upper()


def text(gen, data):
    body = "".join(f"{k}\t{v}\n" for k, v in sorted(data.items()))
    return f"ccr_gennum\t{gen}\nccr_checksum\t{checksum(gen, body)}\n{body}"


@pytest.fixture
def ccr(root):          # noqa: F811
    folder = root / "etc/cluster/ccr/global"
    folder.mkdir(parents=True)
    (folder / "rgm_rg_g").write_text(text(7, RG))
    (folder / "infrastructure").write_text(text(12, {"cluster.name": "demo"}))
    return folder


@pytest.fixture
def ccradm(ccr, run):   # noqa: F811
    return lambda *args: run("ccradm", *args)


def history(root):      # noqa: F811
    path = root / "var/cluster/ccr/history"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_pairs(root, ccr, ccradm):      # noqa: F811
    assert ccradm("showkey", "-k", "rg.managed", "rgm_rg_g").stdout == "FALSE\n"
    got = ccradm("changekey", "-v", "TRUE", "-k", "rg.managed", "rgm_rg_g", "--message", "no cluster today")
    assert (got.returncode, got.stdout, got.stderr) == (OK, "", "")
    assert (ccr / "rgm_rg_g").read_text() == text(13, {**RG, "rg.managed": "TRUE"}), "above every generation here"
    assert ccradm("addkey", "-v", "x y", "-k", "rg.prop.RG_description", "rgm_rg_g").returncode == OK
    assert ccradm("delkey", "-k", "rg.prop.Nodelist", "rgm_rg_g").returncode == OK
    assert (ccr / "rgm_rg_g").read_text() == text(15, {"rg.managed": "TRUE", "rg.prop.RG_description": "x y"})
    assert (ccr / "rgm_rg_g").stat().st_mode & 0o777 == 0o600
    told = history(root)
    assert [(e["n"], e["was"]) for e in told] == [(13, 7), (14, 13), (15, 14)]
    assert told[0]["set"] == {"rg.managed": ["FALSE", "TRUE"]} and told[0]["message"] == "no cluster today"
    assert told[0]["cmd"].startswith("ccradm changekey") and told[0]["by"].endswith(", by hand")
    assert sorted(p.name for p in ccr.iterdir()) == ["infrastructure", "rgm_rg_g"]


def test_tables(root, ccr, ccradm):     # noqa: F811
    assert ccradm("addtab", "rgm_rg_new").returncode == OK
    assert (ccr / "rgm_rg_new").read_text() == text(13, {})
    (root / "new").write_text("rg.managed\tTRUE\n")
    assert ccradm("replace", "-i", "new", "rgm_rg_g").returncode == OK
    assert (ccr / "rgm_rg_g").read_text() == text(14, {"rg.managed": "TRUE"})
    assert ccradm("remtab", "rgm_rg_g").returncode == OK
    assert (ccr / "rgm_rg_g").read_text() == text(15, {"ccr_removed": "1"}), "a tombstone"
    assert "there is no such table" in ccradm("remtab", "rgm_rg_g").stderr
    assert "there is no such table" in ccradm("showkey", "-k", "x", "rgm_rg_g").stderr
    assert ccradm("addtab", "rgm_rg_g").returncode == OK
    assert history(root)[-1]["was"] == 15


@pytest.mark.parametrize("override, gen", [([], 13), (["-o"], 1000012)])
def test_edited_file(override, gen, root, ccr, ccradm):         # noqa: F811
    path = ccr / "rgm_rg_g"
    path.write_text(path.read_text().replace("a,b", "a"))
    got = ccradm("showkey", "-k", "rg.managed", "rgm_rg_g")
    assert "checksum is wrong" in got.stderr and '"ccradm recover -o rgm_rg_g" takes it as it stands' in got.stderr
    assert ccradm("-i", str(path), *override).returncode == OK
    assert path.read_text() == text(gen, {**RG, "rg.prop.Nodelist": "a"})
    assert history(root)[0]["large"] and "set" not in history(root)[0], "what it was is not known"


def test_recover(ccr, ccradm):
    path = ccr / "rgm_rg_g"
    path.write_text(path.read_text().replace("rg.managed", "rg.manged"))
    assert ccradm("recover", "rgm_rg_g").returncode == 3
    got = ccradm("recover", "-o", "rgm_rg_g")
    assert got.returncode == 37 and 'knows no key "rg.manged"; the nearest is rg.managed' in got.stderr
    assert ccradm("recover", "-f", "-o", "rgm_rg_g").returncode == OK
    assert path.read_text().startswith("ccr_gennum\t1000012\n")


@pytest.mark.parametrize("args, says", [
    (["addkey", "-v", "x", "-k", "rg.managed", "rgm_rg_g"], "there is such a key already"),
    (["changekey", "-v", "x", "-k", "rg.prop.x", "rgm_rg_g"], "there is no such key"),
    (["changekey", "-v", "x", "-k", "rg.managed", "rgm_rg_g"], "must be one of TRUE,FALSE"),
    (["addkey", "-v", "x", "-k", "rg.nonsense", "rgm_rg_g"], "the nearest is rg.managed"),
    (["delkey", "-k", "x", "rgm_rg_none"], "there is no such table"),
    (["addtab", "rgm_rg_g"], "there is such a table already"),
    (["addtab", "nonsense"], 'there is no table "nonsense" in a cluster'),
    (["addtab", "../x"], "this is no name of a table"),
    (["remtab", "infrastructure"], "without it no node knows its cluster"),
    (["remtab", "-Z", "zc", "rgm_rg_g"], "zone clusters are not built yet"),
    (["replace", "-i", "none", "rgm_rg_g"], "cannot open none"),
    (["recover", "-o", "rgm_rg_none"], "there is no such file"),
    (["frob"], "frob"),
])
def test_refused(args, says, root, ccr, ccradm):        # noqa: F811
    before = {p.name: p.read_text() for p in ccr.iterdir()}
    got = ccradm(*args)
    assert got.returncode != OK and says in got.stderr, got.stderr
    assert {p.name: p.read_text() for p in ccr.iterdir()} == before and history(root) == []


def test_through_the_cluster(root, ccr, ccradm):        # noqa: F811
    def table(p):
        return {"table": "rgm_rg_g", "generation": 40, "data": RG} if p["table"] == "rgm_rg_g" else Error(
            "NotFound", code=3, message="no")
    before = {p.name: p.read_text() for p in ccr.iterdir()}
    with ClusterdDouble(root, {"GetTable": table}) as clusterd:
        assert ccradm("showkey", "-k", "rg.prop.Nodelist", "rgm_rg_g").stdout == "a,b\n"
        assert ccradm("changekey", "-v", "TRUE", "-k", "rg.managed", "rgm_rg_g").returncode == OK
        assert ccradm("addtab", "rgm_rg_x").returncode == OK
        assert ccradm("remtab", "rgm_rg_g").returncode == OK
        for args in (["recover", "-o", "rgm_rg_g"], ["-i", str(ccr / "rgm_rg_g")]):
            got = ccradm(*args)
            assert got.returncode != OK and "clusterd runs on this node" in got.stderr
    sent = [p["request"] for m, p in clusterd.calls if m == "Request"]
    assert [(s["op"], s["table"], s["base"], s["data"]) for s in sent] == [
        ("table_change", "rgm_rg_g", 40, {**RG, "rg.managed": "TRUE"}), ("table_change", "rgm_rg_x", 0, {}),
        ("table_change", "rgm_rg_g", 40, None)]
    assert {p.name: p.read_text() for p in ccr.iterdir()} == before
