"""The headers and libscha as an agent has them: from the stage, with the compilers of the machine.  The ABI is a file, abi.py."""

import os
import pathlib
import re
import shutil
import subprocess

import abi
import pytest
from clusterd_double import ClusterdDouble, Error
from rmapi_samples import ANSWERS

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / os.environ.get("BUILD", "build")
PREFIX = BUILD / "stage/usr/cluster"
HEADERS = ["scha.h", "scha_err.h", "scha_tags.h", "scha_types.h"]
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
# C++98 knows no long long and no comma at the end of an enum: there the pedant is left out.
C = [["gcc", "-std=c99", "-pedantic"], ["gcc", "-std=gnu99"], ["gcc", "-std=gnu17", "-pedantic"], ["clang", "-std=c99", "-pedantic"]]
CXX = [["g++", "-std=c++98"], ["g++", "-std=c++17", "-pedantic"], ["clang++", "-std=c++11", "-pedantic"]]


def compiled(compiler, source, target, *more):
    if not shutil.which(compiler[0]):
        pytest.skip(f"there is no {compiler[0]}")
    return subprocess.run([*compiler, *WARNINGS, f"-I{PREFIX}/include", "-o", target, source, f"-L{PREFIX}/lib",
                           f"-Wl,-rpath,{PREFIX}/lib", "-lscha", *more], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("compiler", C + CXX, ids=" ".join)
def test_a_header_stands_alone(header, compiler, tmp_path):
    source = tmp_path / ("a.cc" if "++" in compiler[0] else "a.c")
    source.write_text(f"#include <{header}>\n#include <{header}>\nint main(void) {{ return 0; }}\n")
    got = compiled(compiler, source, tmp_path / "a")
    assert (got.returncode, got.stderr) == (0, "")


# An agent as one is written: own text; compiles as C and as C++.
AGENT = r"""
#include <scha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const char *what, scha_err_t e)
{
    printf("%s: %s\n", what, scha_strerror(e));
    return (int)e;
}

static void print_extension(scha_resource_t rs, const char *name)
{
    scha_extprop_value_t *ext = NULL;
    scha_err_t e = scha_resource_get(rs, SCHA_EXTENSION, name, &ext);
    scha_prop_type_t kind;
    uint_t i;

    if (e != SCHA_ERR_NOERR) {
        (void)complain(name, e);
        return;
    }
    printf("%s =", name);
    kind = ext->prop_type;
    switch (kind) {
    case SCHA_PTYPE_STRING:  printf(" %s", ext->val.val_str); break;
    case SCHA_PTYPE_INT:     printf(" %d", ext->val.val_int); break;
    case SCHA_PTYPE_ENUM:    printf(" %s", ext->val.val_enum); break;
    case SCHA_PTYPE_BOOLEAN: printf(" %s", ext->val.val_boolean == B_TRUE ? "yes" : "no"); break;
    case SCHA_PTYPE_STRINGARRAY:
        for (i = 0; i < ext->val.val_strarray->array_cnt; i++)
            printf(" %s", ext->val.val_strarray->str_array[i]);
        break;
    default: printf(" ?");
    }
    printf("\n");
}

int main(void)
{
    scha_cluster_t cluster;
    scha_resource_t rs;
    scha_resourcegroup_t rg;
    scha_resourcetype_t rt;
    scha_str_array_t *list = NULL, *extensions = NULL;
    scha_uint_array_t *ids = NULL;
    scha_status_value_t *status = NULL;
    scha_failover_mode_t mode;
    scha_rsstate_t state;
    scha_rgstate_t rgstate;
    scha_rgmode_t rgmode;
    scha_switch_t on;
    scha_node_state_t node_state;
    scha_initnodes_flag_t init;
    boolean_t failover;
    uint_t i, id;
    int n;
    char *text = NULL, *node = NULL;
    scha_err_t e;

    e = scha_cluster_open(&cluster);
    if (e != SCHA_ERR_NOERR)
        return complain("cluster", e);
    e = scha_cluster_get(cluster, SCHA_NODENAME_LOCAL, &text);
    if (e != SCHA_ERR_NOERR)
        return complain("node", e);
    (void)scha_cluster_get(cluster, SCHA_NODEID_NODENAME, "beta", &id);
    (void)scha_cluster_get(cluster, SCHA_NODENAME_NODEID, (uint_t)1, &node);
    (void)scha_cluster_get(cluster, SCHA_ALL_NODEIDS, &ids);
    (void)scha_cluster_get(cluster, SCHA_NODESTATE_NODE, "beta", &node_state);
    printf("%s %s %u, %u nodes, beta is %s\n", text, node, id, ids->array_cnt, node_state == SCHA_NODE_UP ? "up" : "down");
    (void)scha_cluster_close(cluster);

    e = scha_resource_open("web", "web-rg", &rs);
    if (e != SCHA_ERR_NOERR)
        return complain("web", e);
    (void)scha_resource_get(rs, SCHA_RETRY_COUNT, &n);
    (void)scha_resource_get(rs, SCHA_FAILOVER_MODE, &mode);
    (void)scha_resource_get(rs, SCHA_RESOURCE_STATE_NODE, "beta", &state);
    (void)scha_resource_get(rs, SCHA_STATUS, &status);
    (void)scha_resource_get(rs, SCHA_ON_OFF_SWITCH, &on);
    (void)scha_resource_get(rs, SCHA_PORT_LIST, &list);
    printf("%d %d %d %d <%s> %d %s\n", n, mode == SCHA_FOMODE_SOFT, state == SCHA_RSSTATE_START_FAILED,
           status->status == SCHA_RSSTATUS_DEGRADED, status->status_msg, on == SCHA_SWITCH_ENABLED, list->str_array[1]);
    (void)scha_resource_get(rs, SCHA_ALL_EXTENSIONS, &extensions);
    for (i = 0; i < extensions->array_cnt; i++)
        print_extension(rs, extensions->str_array[i]);
    print_extension(rs, "No_such");
    (void)scha_resource_close(rs);

    e = scha_resourcegroup_open("web-rg", &rg);
    if (e != SCHA_ERR_NOERR)
        return complain("web-rg", e);
    (void)scha_resourcegroup_get(rg, SCHA_RG_STATE, &rgstate);
    (void)scha_resourcegroup_get(rg, SCHA_RG_MODE, &rgmode);
    (void)scha_resourcegroup_get(rg, SCHA_GLOBAL_RESOURCES_USED, &list);
    printf("%d %d %d %u\n", rgstate == SCHA_RGSTATE_ONLINE, rgmode == RGMODE_SCALABLE, list->is_ALL_value == B_TRUE, list->array_cnt);
    (void)scha_resourcegroup_close(rg);

    e = scha_resourcetype_open("ACME.web", &rt);
    if (e != SCHA_ERR_NOERR)
        return complain("ACME.web", e);
    (void)scha_resourcetype_get(rt, SCHA_FAILOVER, &failover);
    (void)scha_resourcetype_get(rt, SCHA_INIT_NODES, &init);
    (void)scha_resourcetype_get(rt, SCHA_START, &text);
    printf("%d %d %s\n", failover == B_FALSE, init == SCHA_INFLAG_RG_PRIMARIES, text);
    (void)scha_resourcetype_close(rt);

    e = scha_resource_setstatus("web", "web-rg", SCHA_RSSTATUS_FAULTED, "probe failed");
    if (e != SCHA_ERR_NOERR)
        return complain("setstatus", e);
    e = scha_control(SCHA_GIVEOVER, "web-rg", "web");
    printf("giveover: %d %s\n", (int)e, scha_strerror(e));
    if (scha_cluster_getnodename(&node) == SCHA_ERR_NOERR) {
        printf("%s\n", node);
        free(node);
    }
    return strcmp(scha_strerror_i18n(SCHA_ERR_NOERR), scha_strerror(SCHA_ERR_NOERR));
}
"""

SAYS = """alpha alpha 2, 2 nodes, beta is down
2 1 1 1 <one of two disks> 1 443/tcp
Start_command = /opt/web/bin/run -f a=b,c
Probe_timeout = 30
Network_aware = yes
Confdir_list = /a /b
Nothing =
Log_level = Info
Workers = 4
No_such: invalid property
1 1 1 0
1 1 web_start
giveover: 16 sanity checks refused the request
alpha
"""


@pytest.mark.parametrize("compiler", C + CXX, ids=" ".join)
def test_an_agent(compiler, tmp_path):
    source = tmp_path / ("agent.cc" if "++" in compiler[0] else "agent.c")
    source.write_text(AGENT)
    got = compiled(compiler, source, tmp_path / "agent")
    assert (got.returncode, got.stderr) == (0, "")

    def request(parameters):
        refused = Error("Refused", code=16, message="no other node can take it")
        return refused if parameters["request"]["op"] == "control" else {}
    with ClusterdDouble(tmp_path, {**ANSWERS, "Request": request}):
        got = subprocess.run([tmp_path / "agent"], capture_output=True, text=True, timeout=60, check=False,
                             env={**os.environ, "PARHELION_ROOT": str(tmp_path)})
    assert (got.returncode, got.stdout) == (0, SAYS)


# Some clients look the functions up by name.
BY_NAME = r"""
#include <dlfcn.h>
#include <scha.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    void *lib = dlopen(argc > 1 ? argv[1] : "", RTLD_NOW), *h;
    scha_err_t (*open)(scha_cluster_t *) = (scha_err_t (*)(scha_cluster_t *))dlsym(lib, "scha_cluster_open");
    scha_err_t (*get)(scha_cluster_t, const char *, ...) =
        (scha_err_t (*)(scha_cluster_t, const char *, ...))dlsym(lib, "scha_cluster_get");
    char *name;

    if (open(&h) != SCHA_ERR_NOERR || get(h, "SCHA" + 4, &name) != SCHA_ERR_TAG || get(h, SCHA_CLUSTERNAME, &name) != SCHA_ERR_NOERR)
        return 1;
    return puts(name) < 0;
}
"""


@pytest.mark.parametrize("name", ["libscha.so", "libscha.so.1"])
def test_by_dlopen(name, tmp_path):
    source = tmp_path / "a.c"
    source.write_text(BY_NAME)
    subprocess.run(["gcc", f"-I{PREFIX}/include", "-o", tmp_path / "a", source], check=True)
    with ClusterdDouble(tmp_path, ANSWERS):
        got = subprocess.run([tmp_path / "a", PREFIX / "lib" / name], capture_output=True, text=True, timeout=60, check=False,
                             env={**os.environ, "PARHELION_ROOT": str(tmp_path)})
    assert (got.returncode, got.stdout) == (0, "demo\n")


@pytest.mark.skipif(not shutil.which("pkg-config"), reason="needs pkg-config")
def test_pkg_config(tmp_path):
    env = {**os.environ, "PKG_CONFIG_PATH": str(PREFIX / "lib/pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(BUILD / "stage")}
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libscha"], env=env, capture_output=True, text=True, check=True)
    source = tmp_path / "agent.c"
    source.write_text(AGENT)
    subprocess.run(["gcc", "-std=c99", "-o", tmp_path / "agent", source, *flags.stdout.split()], check=True)


# ---- the ABI ----

STRUCTS = {"scha_str_array_t": ["array_cnt", "is_ALL_value", "str_array"], "scha_uint_array_t": ["array_cnt", "uint_array"],
           "scha_status_value_t": ["status", "status_msg"], "scha_extprop_value_t": ["prop_type", "val"]}


def constants():
    """Names of all enum literals and tags that the headers define."""
    types = (PREFIX / "include/scha_types.h").read_text()
    literals = [n for block in re.findall(r"typedef enum \{(.*?)\}", types, re.S) for n in re.findall(r"\b[A-Z][A-Za-z_]+\b", block)]
    errors = re.findall(r"X\((SCHA_ERR_\w+),", (PREFIX / "include/scha_err.h").read_text())
    tags = re.findall(r"^#define (SCHA_\w+) +\"", (PREFIX / "include/scha_tags.h").read_text(), re.M)
    return literals + errors, tags


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the sizes of the file are those of x86_64")
def test_abi(tmp_path):
    numbers, tags = constants()
    lines = [f'printf("enum {n} %d\\n", (int){n});' for n in numbers] + [f'printf("tag {t} %s\\n", {t});' for t in tags]
    abi.check("libscha", "scha.h", lines, STRUCTS, tmp_path)


def test_exports_are_what_the_header_declares():
    header = (PREFIX / "include/scha.h").read_text()
    declared = set(re.findall(r"\b(scha_\w+)\(", header))
    assert set(abi.functions("libscha")) == declared
    assert all("@@SCHA_1" in s for s in abi.symbols("libscha"))
