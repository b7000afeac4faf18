/* The commands of the multi-call binary, one file each.  argv[0] is the name of the command; the result is its exit code. */
#pragma once
#include "base/macros.h"

struct command_entry {
	const char *name;
	int       (*fn)(int argc, char **argv);
	const char *help;
	bool        short_for;  /* another name of a command */
};
extern const struct command_entry command_entries[];
extern const size_t command_entry_count;

int cmd_ccradm(int argc, char **argv);
int cmd_clnode(int argc, char **argv);
int cmd_cldevice(int argc, char **argv);
int cmd_clquorum(int argc, char **argv);
int cmd_clreslogicalhostname(int argc, char **argv);
int cmd_clresource(int argc, char **argv);
int cmd_clresourcegroup(int argc, char **argv);
int cmd_clresourcetype(int argc, char **argv);
int cmd_clressharedaddress(int argc, char **argv);
int cmd_cluster(int argc, char **argv);
int cmd_halockrun(int argc, char **argv);
int cmd_hatimerun(int argc, char **argv);
int cmd_pmfadm(int argc, char **argv);
int cmd_scconf(int argc, char **argv);
int cmd_scdsbuilder(int argc, char **argv);
int cmd_scdsconfig(int argc, char **argv);
int cmd_scdscreate(int argc, char **argv);
int cmd_scds_syslog(int argc, char **argv);
int cmd_scha(int argc, char **argv);            /* all six: by argv[0] */
int cmd_scrgadm(int argc, char **argv);
int cmd_setup(int argc, char **argv);           /* clsetup, scsetup: by argv[0] */
int cmd_scshutdown(int argc, char **argv);
int cmd_scstat(int argc, char **argv);
int cmd_scswitch(int argc, char **argv);
