/* labnode: the part of clusterlab that has to be C, namely namespaces, mounts, the keeper and pid 1 of a node. */
#pragma once
#include <stddef.h>
#include <sys/types.h>

/* One line on stderr, `clusterlab: WHO: text: strerror(errno)`, then _exit(1).  It never unwinds: every process
 * here is short-lived or has a keeper that notices its end. */
_Noreturn void die_errno(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- ports.c: the switch's side of a node's cables ---- */
#define PORTS_MAX 8
struct ports {
	int rtnl; /* rtnetlink socket that lives in the switch's network namespace */
	size_t count;
	int ifindex[PORTS_MAX]; /* chosen by clusterlab when it plugs the cable, so known before the port exists */
};
void ports_open(struct ports *ports, pid_t switch_pid);
/* From the return of this call on no frame passes, either way.  Ports that do not exist are ignored. */
void ports_disable(const struct ports *ports);
/* The names and indices are free again on return; the kernel itself would get round to it later. */
void ports_delete(const struct ports *ports);

/* ---- boot.c: bring a node, or the switch, to life ---- */
int verb_boot(int argc, char **argv);
int verb_switch(int argc, char **argv);

/* ---- enter.c: act in a node that lives ---- */
int verb_exec(int argc, char **argv);
int verb_spawn(int argc, char **argv);
int verb_net(int argc, char **argv);
int verb_signal(int argc, char **argv);
int verb_crash(int argc, char **argv);

/* ---- labnode.c ---- */
/* Moves the calling process into the cgroup whose directory was opened by cgroup_open(); -1: there is none. */
int cgroup_open(const char *dir);
void cgroup_join(int procs_fd);
pid_t parse_pid(const char *text);
long long now_ns(void);
