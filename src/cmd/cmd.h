/* The commands of the multi-call binary.  A command is a table (options.h), in a file of its own; those that the manual of Sun
 * Cluster gives no getopt-like line read their arguments themselves. */
#pragma once
#include "base/macros.h"

struct command_family;
struct command_info;

/* One of family, command and fn.  argv[0] of fn is the name of the command; the result is its exit code. */
struct command_entry {
	const char *name;
	const struct command_family *family;
	const struct command_info   *command;
	int       (*fn)(int argc, char **argv);
	const char *help;       /* of fn; the others have a summary */
	bool        short_for;  /* another name of a family */
};
extern const struct command_entry command_entries[];
extern const size_t command_entry_count;

const struct command_entry *command_find(const char *name);     /* NULL: there is none */
/* What it is for, in a few words. */
const char *command_summary(const struct command_entry *entry);

extern const struct command_family ccradm_family, cldevice_family, clnode_family, clquorum_family, clreslogicalhostname_family,
	clresource_family, clresourcegroup_family, clresourcetype_family, clressharedaddress_family, cluster_family;
extern const struct command_info clsetup_command, scconf_command, scds_syslog_command, scdsbuilder_command, scdsconfig_command,
	scdscreate_command, scha_cluster_get_command, scha_control_command, scha_resource_get_command,
	scha_resource_setstatus_command, scha_resourcegroup_get_command, scha_resourcetype_get_command, scrgadm_command,
	scsetup_command, scshutdown_command, scstat_command, scswitch_command;

int cmd_halockrun(int argc, char **argv);
int cmd_hatimerun(int argc, char **argv);
int cmd_pmfadm(int argc, char **argv);
