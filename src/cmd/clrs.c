/* clresource, clreslogicalhostname and clressharedaddress: resources.  Every subcommand is a table of its own; those that the
 * families share are rows of one macro. */
#include "cmd/clrs.h"

#include "cmd/cmd.h"
#include "cmd/xml.h"

#define VERBOSE  { 'v', "verbose", NULL, "say more; of a change, what was done" }
#define JSON     { OPT_JSON, "json", NULL, "print as JSON" }
#define GROUP    { 'g', "resourcegroup", "RG[,..]", "only resources of these groups" }
#define TYPE     { 't', "type", "TYPE[,..]", "only resources of these types" }
#define STATE    { 's', "state", "STATE[,..]", "only resources in one of these states" }
#define ON       { 'n', "node", "NODE[,..]", "only resources whose groups may be on these nodes; of status only these nodes" }
#define PROPERTY { 'p', "property", "NAME=VALUE", "a property; NAME{NODE} of one node; += and -= change a list", true }
#define INPUT    { 'i', "input", "FILE", "configuration as XML" }
#define SINGLE   { 'n', "node", "NODE[,..]", "on these nodes only" }
#define ANY      .operands = { "resource", 0, OPERANDS_MANY, .all = true }
#define SOME     .operands = { "resource", 1, OPERANDS_MANY, .all = true }
#define ONE      .operands = { "resource", 1, 1 }

/* ---- what all have ---- */

static const struct option_info list_options[] = { GROUP, TYPE, STATE, ON, VERBOSE, JSON };
static const struct form list_forms[] = {
	{ "", "gtsnv2", NULL, PRIVILEGE_NONE, "the names of resources", clrs_list, ANY },
};
static const struct form status_forms[] = {
	{ "", "gtsnv2", NULL, PRIVILEGE_NONE, "the state of resources, and what they say of it", clrs_status, ANY },
};
static const struct option_info show_options[] = {
	GROUP, TYPE, ON, { 'p', "property", "NAME[,..]", "only these properties" }, VERBOSE, JSON,
};
static const struct form show_forms[] = {
	{ "", "gtnpv2", NULL, PRIVILEGE_NONE, "the configuration of resources; with -v all properties", clrs_show, ANY },
};
static const struct option_info props_options[] = {
	{ 'l', "listtype", "KIND", "extension (the default), standard or all" },
	{ 'p', "property", "NAME", "only this property", true },
	{ 'x', "extension-property", "NAME", "only this extension property", true },
	{ 'y', "standard-property", "NAME", "only this standard property", true },
	{ 'v', "verbose", NULL, "what they are for, too" }, JSON,
};
static const struct form props_forms[] = {
	{ "", "lpxyv2", NULL, PRIVILEGE_NONE, "the properties of resources", clrs_list_props, ANY },
};
static const struct option_info delete_options[] = {
	{ 'F', "force", NULL, "also when they are enabled, or others depend on them" }, VERBOSE,
};
static const struct form delete_forms[] = {
	{ "", "v", NULL, PRIVILEGE_CHANGE, "delete resources that are disabled", clrs_delete, SOME },
	{ "F", "v", NULL, PRIVILEGE_CHANGE, "delete resources all the same", clrs_delete_forced, SOME },
};
static const struct option_info clear_options[] = {
	{ 'f', "flag", "FLAG", "STOP_FAILED (the default)" },
	{ 'n', "node", "NODE[,..]", "on these nodes (default: wherever it is set)" }, VERBOSE,
};
static const struct form clear_forms[] = {
	{ "", "fnv", NULL, PRIVILEGE_CHANGE, "clear STOP_FAILED, after the processes were ended by hand", clrs_clear, SOME },
};
static const struct option_info monitor_options[] = { GROUP, TYPE, SINGLE, VERBOSE };
static const struct form monitor_forms[] = {
	{ "", "gtv", NULL, PRIVILEGE_CHANGE, "monitor resources", clrs_monitor, SOME },
	{ "n", "gtv", NULL, PRIVILEGE_CHANGE, "monitor resources on single nodes", clrs_monitor, SOME },
};
static const struct form unmonitor_forms[] = {
	{ "", "gtv", NULL, PRIVILEGE_CHANGE, "do not monitor resources", clrs_unmonitor, SOME },
	{ "n", "gtv", NULL, PRIVILEGE_CHANGE, "do not monitor resources on single nodes", clrs_unmonitor, SOME },
};

#define ROWS(o, f) o, ARRAY_SIZE(o), f, ARRAY_SIZE(f)
#define COMMON_ROWS(family) \
	XML_EXPORT(family, "resource"), \
	{ family " delete",     "delete resources",               ROWS(delete_options, delete_forms) }, \
	{ family " list",       "the names of resources",         ROWS(list_options, list_forms) }, \
	{ family " list-props", "the properties of resources",    ROWS(props_options, props_forms) }, \
	{ family " monitor",    "monitor resources",              ROWS(monitor_options, monitor_forms) }, \
	{ family " show",       "the configuration of resources", ROWS(show_options, show_forms) }, \
	{ family " status",     "the state of resources",         ROWS(list_options, status_forms) }, \
	{ family " unmonitor",  "do not monitor resources",       ROWS(monitor_options, unmonitor_forms) }

/* ---- clresource ---- */

static const struct option_info create_options[] = {
	{ 'g', "resourcegroup", "RG", "its group" },
	{ 't', "type", "TYPE", "its type" },
	{ 'd', "disable", NULL, "disabled at first" },
	PROPERTY,
	{ 'x', "extension-property", "NAME=VALUE", "an extension property", true },
	{ 'y', "standard-property", "NAME=VALUE", "a standard property", true },
	INPUT, { 'a', "automatic", NULL, "with -i: also what the resource needs" }, VERBOSE,
};
static const struct form create_forms[] = {
	{ "gt", "dpxyv", NULL, PRIVILEGE_CHANGE, "make a resource; it is enabled and monitored", clrs_create, ONE },
	{ "i", "gtdpxyv", NULL, PRIVILEGE_CHANGE, "make resources from a file", xml_input, ANY },
	{ "ia", "gtdpxyv", NULL, PRIVILEGE_CHANGE, "make resources from a file, and what they need", xml_input_needed, ANY },
};
#define SET_OPTIONS PROPERTY, { 'x', "extension-property", "NAME=VALUE", "an extension property", true }, \
	{ 'y', "standard-property", "NAME=VALUE", "a standard property", true }
static const struct option_info set_options[] = { SET_OPTIONS, VERBOSE };
static const struct form set_forms[] = {
	{ "", "pxyv", "pxy", PRIVILEGE_CHANGE, "change the properties of resources", clrs_set, SOME },
};
#define DRY_RUN   { OPT_REHEARSE, "dry-run", NULL, "do nothing; show what would happen" }
#define SUSPENDED { 'u', "suspended", NULL, "with +: also resources of groups whose recovery is suspended" }
static const struct option_info enable_options[] = {
	{ 'r', "recursive", NULL, "also what they need" }, GROUP, TYPE, SUSPENDED, SINGLE, VERBOSE, DRY_RUN,
};
static const struct option_info disable_options[] = {
	{ 'r', "recursive", NULL, "also what needs them" }, GROUP, TYPE, SUSPENDED, SINGLE, VERBOSE, DRY_RUN,
};
static const struct form enable_forms[] = {
	{ "", "rgtuv7", NULL, PRIVILEGE_CHANGE, "enable resources", clrs_enable, SOME },
	{ "n", "rgtuv7", NULL, PRIVILEGE_CHANGE, "enable resources on single nodes", clrs_enable, SOME },
};
static const struct form disable_forms[] = {
	{ "", "rgtuv7", NULL, PRIVILEGE_CHANGE, "disable resources", clrs_disable, SOME },
	{ "n", "rgtuv7", NULL, PRIVILEGE_CHANGE, "disable resources on single nodes", clrs_disable, SOME },
};
static const struct command_info clrs_commands[] = {
	{ "clresource clear",   "clear STOP_FAILED",    ROWS(clear_options, clear_forms) },
	{ "clresource create",  "make a resource",      ROWS(create_options, create_forms) },
	{ "clresource disable", "disable resources",    ROWS(disable_options, disable_forms) },
	{ "clresource enable",  "enable resources",     ROWS(enable_options, enable_forms) },
	{ "clresource set",     "change the properties of resources", ROWS(set_options, set_forms) },
	COMMON_ROWS("clresource"),
};
const struct command_family clresource_family = {
	"clresource", "resources", clrs_commands, ARRAY_SIZE(clrs_commands), NULL, 0,
};

/* ---- clreslogicalhostname ---- */

#define ADDRESS_OPTIONS(host) \
	{ 'g', "resourcegroup", "RG", "its group" }, \
	{ 'h', host, "HOST[,..]", "host names or addresses (default: the name of the resource)" }, \
	{ 'N', "netiflist", "NETIF@NODE[,..]", "group or adapter of each node" }, \
	{ 'd', "disable", NULL, "disabled at first" }, PROPERTY, INPUT
static const struct option_info lh_create_options[] = { ADDRESS_OPTIONS("logicalhost"), VERBOSE };
static const struct form lh_create_forms[] = {
	{ "g", "hNdpv", NULL, PRIVILEGE_CHANGE, "make a logical host: addresses that move with their group", clrs_create_address, ONE },
	{ "i", "ghNdpv", NULL, PRIVILEGE_CHANGE, "make logical hosts from a file", xml_input, ANY },
};
static const struct option_info address_set_options[] = { PROPERTY, INPUT, VERBOSE };
static const struct form address_set_forms[] = {
	{ "p", "v", NULL, PRIVILEGE_CHANGE, "change the properties of resources", clrs_set, SOME },
	{ "i", "pv", NULL, PRIVILEGE_CHANGE, "change resources from a file", xml_input, ANY },
};
static const struct option_info address_enable_options[] = { { 'R', "recursive", NULL, "also what they need" }, GROUP, SINGLE, VERBOSE, DRY_RUN };
static const struct option_info address_disable_options[] = { { 'R', "recursive", NULL, "also what needs them" }, GROUP, SINGLE, VERBOSE, DRY_RUN };
static const struct form address_enable_forms[] = {
	{ "", "Rgv7", NULL, PRIVILEGE_CHANGE, "enable resources", clrs_enable, SOME },
	{ "n", "Rgv7", NULL, PRIVILEGE_CHANGE, "enable resources on single nodes", clrs_enable, SOME },
};
static const struct form address_disable_forms[] = {
	{ "", "Rgv7", NULL, PRIVILEGE_CHANGE, "disable resources", clrs_disable, SOME },
	{ "n", "Rgv7", NULL, PRIVILEGE_CHANGE, "disable resources on single nodes", clrs_disable, SOME },
};

#define ADDRESS_ROWS(family, create_options, create_forms) \
	{ family " create",  "make a resource",      ROWS(create_options, create_forms) }, \
	{ family " disable", "disable resources",    ROWS(address_disable_options, address_disable_forms) }, \
	{ family " enable",  "enable resources",     ROWS(address_enable_options, address_enable_forms) }, \
	{ family " reset",   "clear STOP_FAILED",    ROWS(clear_options, clear_forms) }, \
	{ family " set",     "change the properties of resources", ROWS(address_set_options, address_set_forms) }, \
	COMMON_ROWS(family)
static const struct command_info clrslh_commands[] = {
	ADDRESS_ROWS("clreslogicalhostname", lh_create_options, lh_create_forms),
};
const struct command_family clreslogicalhostname_family = {
	"clreslogicalhostname", "logical hosts: addresses that move with their group", clrslh_commands, ARRAY_SIZE(clrslh_commands),
	NULL, 0,
};

/* ---- clressharedaddress ---- */

static const struct option_info sa_create_options[] = {
	ADDRESS_OPTIONS("sharedhost"), { 'X', "auxnode", "NODE[,..]", "nodes that only may send from it" }, VERBOSE,
};
static const struct form sa_create_forms[] = {
	{ "g", "hNXdpv", NULL, PRIVILEGE_CHANGE, "make a shared address", clrs_create_address, ONE },
	{ "i", "ghNXdpv", NULL, PRIVILEGE_CHANGE, "make shared addresses from a file", xml_input, ANY },
};
static const struct command_info clrssa_commands[] = {
	ADDRESS_ROWS("clressharedaddress", sa_create_options, sa_create_forms),
};
const struct command_family clressharedaddress_family = {
	"clressharedaddress", "shared addresses, of scalable services", clrssa_commands, ARRAY_SIZE(clrssa_commands),
	NULL, 0,
};
