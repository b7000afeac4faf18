"""libdsdev as an agent has it: from the stage, with the compilers of the machine.  The ABI is a file, abi.py."""

import os
import re
import shutil
import subprocess

import abi
import pytest
from clusterd_double import ClusterdDouble
from rmapi_samples import ANSWERS
from test_scha_api import BUILD, C, CXX, HERE, PREFIX, WARNINGS

HEADER = "rgm/libdsdev.h"
AGENT = HERE.parent / "cluster/agent/echo.c"
STRUCTS = {"scds_net_resource_t": ["name", "num_hostnames", "hostnames"],
           "scds_net_resource_list_t": ["num_netresources", "netresources"],
           "scds_port_t": ["port", "proto"], "scds_port_list_t": ["num_ports", "ports"],
           "scds_netaddr_t": ["hostname", "port_proto"], "scds_netaddr_list_t": ["num_netaddrs", "netaddrs"],
           "scds_socket_t": ["status", "fd", "err"]}


def compiled(compiler, source, target, *more):
    if not shutil.which(compiler[0]):
        pytest.skip(f"there is no {compiler[0]}")
    return subprocess.run([*compiler, *WARNINGS, f"-I{PREFIX}/include", "-o", target, source, f"-L{PREFIX}/lib",
                           f"-Wl,-rpath,{PREFIX}/lib", *more], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("compiler", C + CXX, ids=" ".join)
def test_the_header_stands_alone(compiler, tmp_path):
    source = tmp_path / ("a.cc" if "++" in compiler[0] else "a.c")
    source.write_text(f"#include <{HEADER}>\n#include <{HEADER}>\n"
                      "int main(void) { scha_err_t e = SCHA_ERR_NOERR; return (int)e + LOG_ERR + SIGKILL < 0; }\n")
    got = compiled(compiler, source, tmp_path / "a")
    assert (got.returncode, got.stderr) == (0, "")


# Strict modes hide gethrtime(), which needs clock_gettime(2): agents are built without.
@pytest.mark.parametrize("compiler", [["gcc", "-std=gnu99"], ["gcc", "-std=c99", "-D_DEFAULT_SOURCE"], ["clang", "-std=gnu17"],
                                      ["g++", "-x", "c++"]], ids=" ".join)
def test_an_agent_is_built_and_answers(compiler, tmp_path):
    program = tmp_path / "echo_validate"
    got = compiled(compiler, AGENT, program, "-ldsdev", "-lscha")
    assert (got.returncode, got.stderr) == (0, "")
    with ClusterdDouble(tmp_path, ANSWERS):
        done = subprocess.run([program, "-R", "web", "-T", "ACME.web", "-G", "web-rg"], capture_output=True, text=True, timeout=60,
                              check=False, env={**os.environ, "PARHELION_ROOT": str(tmp_path)})
    assert done.returncode == 1                             # that resource has no Greeting
    assert "SC[ACME.web,web-rg,web,echo_validate]" in done.stderr and "Greeting must be set" in done.stderr


def test_libdsdev_alone_will_do(tmp_path):
    assert (PREFIX / "lib/libdsdev.so").exists()
    got = compiled(["gcc", "-std=gnu17"], AGENT, tmp_path / "echo", "-ldsdev")
    assert (got.returncode, got.stderr) == (0, "")


# Values that other functions do not show, and one that agents look up by name.
CALLS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <rgm/libdsdev.h>
#include <stdio.h>

int main(int argc, char *argv[])
{
    scds_handle_t h;
    scha_err_t (*check)(scds_handle_t, scds_hasp_status_t *);
    scds_hasp_status_t hasp = SCDS_HASP_NOT_ONLINE;
    scha_str_array_t *list;
    union { void *object; scha_err_t (*function)(scds_handle_t, scds_hasp_status_t *); } found;

    if (scds_initialize(&h, argc, argv) != SCHA_ERR_NOERR)
        return 1;
    found.object = dlsym(RTLD_DEFAULT, "scds_hasp_check");
    check = found.function;
    if (!check || check(h, &hasp) != SCHA_ERR_NOERR)
        return 2;
    printf("%d\n", (int)hasp);
    printf("%d %d %d %d %d\n", scds_get_rs_cheap_probe_interval(h), scds_get_rs_monitor_stop_timeout(h), scds_get_rs_stop_timeout(h),
           scds_get_rs_thorough_probe_interval(h), (int)scds_get_rs_monitored_switch(h));
    printf("%d %d %d\n", (int)scds_get_rs_global_zone_override(h), (int)scds_get_rs_scalable(h), (int)scds_get_rs_failover_mode(h));
    list = scds_get_rs_network_resources_used(h);
    printf("%s %s %s\n", list->str_array[0], scds_get_rs_resource_dependencies_weak(h)->str_array[0],
           scds_get_rs_resource_dependencies_restart(h)->str_array[0]);
    printf("%s %s\n", scds_get_rs_resource_dependencies_offline_restart(h)->str_array[0],
           scds_get_rs_resource_dependencies_Q_restart(h)->str_array[0]);
    printf("%u %u\n", scds_get_rs_resource_dependencies_Q_weak(h)->array_cnt,
           scds_get_rs_resource_dependencies_Q_offline_restart(h)->array_cnt);
    printf("<%s> %s %s\n", scds_get_rs_resource_project_name(h), scds_get_rg_rg_project_name(h), scds_get_rg_rg_slm_type(h));
    printf("%d %d %d %d %d %s\n", scds_get_rg_desired_primaries(h), scds_get_rg_maximum_primaries(h), scds_get_rg_pingpong_interval(h),
           scds_get_rg_rg_slm_cpu_shares(h), scds_get_rg_rg_slm_pset_min(h), scds_get_rg_rg_slm_pset_type(h));
    printf("%d %d %s %s\n", (int)scds_get_rg_implicit_network_dependencies(h), (int)scds_get_rg_global_resources_used(h)->is_ALL_value,
           scds_get_rg_resource_list(h)->str_array[1], scds_get_rg_rg_affinities(h)->str_array[0]);
    printf("%d %d %d %s %s\n", (int)scds_get_rt_init_nodes(h), (int)scds_get_rt_installed_nodes(h)->is_ALL_value,
           (int)scds_get_rt_single_instance(h), scds_get_rt_rt_version(h), scds_get_rt_stop_method(h));
    scds_close(&h);
    return 0;
}
"""
SAID = """0
20 305 301 60 0
0 1 2
web-ip log cache
stor cache{ANY_NODE}
1 1
<> default manual
1 2 3600 7 50 weak
1 1 web-ip ++db-rg
0 1 0 2.1 web_stop
"""


def test_property_functions(tmp_path):
    source = tmp_path / "a.c"
    source.write_text(CALLS)
    got = compiled(["gcc", "-std=gnu17"], source, tmp_path / "a", "-ldsdev")
    assert (got.returncode, got.stderr) == (0, "")
    with ClusterdDouble(tmp_path, ANSWERS):
        done = subprocess.run([tmp_path / "a", "-R", "web", "-T", "ACME.web", "-G", "web-rg"], capture_output=True, text=True,
                              timeout=60, check=False, env={**os.environ, "PARHELION_ROOT": str(tmp_path)})
    assert done.stdout == SAID


@pytest.mark.skipif(not shutil.which("pkg-config"), reason="needs pkg-config")
def test_pkg_config(tmp_path):
    env = {**os.environ, "PKG_CONFIG_PATH": str(PREFIX / "lib/pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(BUILD / "stage")}
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libdsdev"], env=env, capture_output=True, text=True, check=True)
    subprocess.run(["gcc", "-o", tmp_path / "echo", AGENT, *flags.stdout.split()], check=True)


# ---- the ABI ----

def constants():
    text = (PREFIX / "include" / HEADER).read_text()
    literals = [n for block in re.findall(r"typedef enum \{(.*?)\}", text, re.S) for n in
                re.findall(r"\b(SCDS_[A-Z_]+)\b", re.sub(r"/\*.*?\*/", "", block, flags=re.S))]
    return literals + re.findall(r"^#define ((?:SCDS|DBG)_\w+) +\S", text, re.M)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the sizes of the file are those of x86_64")
def test_abi(tmp_path):
    abi.check("libdsdev", HEADER, [f'printf("number {n} %d\\n", (int){n});' for n in constants()], STRUCTS, tmp_path)


def test_exports_are_what_the_header_declares():
    text = re.sub(r"/\*.*?\*/", "", (PREFIX / "include" / HEADER).read_text(), flags=re.S)
    assert set(abi.functions("libdsdev")) == set(re.findall(r"\b(scds_\w+)\(", text))
    assert all("@@SCDS_1" in s for s in abi.symbols("libdsdev"))
