/* Which commands there are. */
#include "base/macros.h"
#include "cmd/cmd.h"
#include "cmd/options.h"

#define FAMILY(word)      { #word, .family = &word##_family }
#define SHORT(name, word) { name, .family = &word##_family, .short_for = true }
#define COMMAND(word)     { #word, .command = &word##_command }
#define OWN(word, text)   { #word, .fn = cmd_##word, .help = (text) }

const struct command_entry command_entries[] = {
	FAMILY(ccradm),
	SHORT("cldev", cldevice),
	FAMILY(cldevice),
	SHORT("cln", clnode),
	FAMILY(clnode),
	SHORT("clq", clquorum),
	FAMILY(clquorum),
	FAMILY(clreslogicalhostname),
	FAMILY(clresource),
	FAMILY(clresourcegroup),
	FAMILY(clresourcetype),
	FAMILY(clressharedaddress),
	SHORT("clrg", clresourcegroup),
	SHORT("clrs", clresource),
	SHORT("clrslh", clreslogicalhostname),
	SHORT("clrssa", clressharedaddress),
	SHORT("clrt", clresourcetype),
	COMMAND(clsetup),
	FAMILY(cluster),
	OWN(halockrun, "run a program while holding a file lock"),
	OWN(hatimerun, "run a program under a time limit"),
	OWN(pmfadm, "start, stop and query monitored processes"),
	COMMAND(scconf),
	COMMAND(scds_syslog),
	COMMAND(scdsbuilder),
	COMMAND(scdsconfig),
	COMMAND(scdscreate),
	COMMAND(scha_cluster_get),
	COMMAND(scha_control),
	COMMAND(scha_resource_get),
	COMMAND(scha_resource_setstatus),
	COMMAND(scha_resourcegroup_get),
	COMMAND(scha_resourcetype_get),
	COMMAND(scrgadm),
	COMMAND(scsetup),
	COMMAND(scshutdown),
	COMMAND(scstat),
	COMMAND(scswitch),
};
const size_t command_entry_count = ARRAY_SIZE(command_entries);

const struct command_entry *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(command_entries); i++)
		if (streq(command_entries[i].name, name))
			return &command_entries[i];
	return NULL;
}

const char *command_summary(const struct command_entry *entry)
{
	if (entry->family)
		return entry->family->summary;
	return entry->command ? entry->command->summary : entry->help;
}
