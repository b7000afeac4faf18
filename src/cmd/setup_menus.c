/* The menus of clsetup.  An entry is a row: what it is called, what "?" says of it, the first words of its command, and a step for each
 * question, in the order in which they are asked. */
#include "cmd/setup.h"

#define MENU(title, entries) { title, entries, ARRAY_SIZE(entries) }
#define SUBMENU(title, help, name) { title, help, .menu = &(name) }
#define LATER(title, help, why)    { title, help, .later = why }
#define RUN(title, help, command, ...)  { title, help, NULL, NULL, command, { __VA_ARGS__ }, false }
#define SHOW(title, help, command)      { title, help, NULL, NULL, command, { { SETUP_NONE } }, true }

#define GROUPS     { SETUP_GROUP, NULL, "Which resource groups", .many = true }
#define RESOURCES  { SETUP_RESOURCE, NULL, "Which resources", .many = true }
#define PROPERTIES(help_) { SETUP_PROPERTY, "-p", "Property NAME=VALUE", NULL, NULL, help_, .optional = true, .repeat = true }
#define NEEDED_PROPERTY(help_) { SETUP_PROPERTY, "-p", "Property NAME=VALUE", NULL, NULL, help_ }
#define PORTS      { SETUP_NODE, "-n", "Which nodes are connected to it, if not all", .many = true, .optional = true }

/* ---- 1: quorum ---- */

#define DEVICE_NAME { SETUP_DEVICE, NULL, "What is the quorum device to be called", .fresh = true }
static const struct setup_entry add_device_entries[] = {
	RUN("Shared disk", "A disk or a LUN that at least two nodes are connected to.", "clquorum add",
	    { SETUP_CHOICE, "-t", "Which kind of reservation", NULL, "shared_disk,scsi3",
	      "shared_disk keeps the votes in blocks of the disk; scsi3 reserves the disk for the partition that has it." },
	    { SETUP_WORDS, "-p", "What is the path of the disk, the same on all nodes", "path=", NULL, "/dev/disk/by-id/..." },
	    PORTS, DEVICE_NAME),
	RUN("Disk over iSCSI", "A LUN that clusterd speaks to itself, without the kernel.", "clquorum add -t iscsi",
	    { SETUP_WORDS, "-p", "What is the address of the portal", "portal=", NULL, "An address, or ADDRESS:PORT." },
	    { SETUP_WORDS, "-p", "What is the name of the target", "target=", NULL, "iqn...." },
	    { SETUP_NUMBER, "-p", "Which LUN", "lun=", .optional = true }, PORTS, DEVICE_NAME),
	RUN("Quorum server", "A machine outside the cluster on which scqsd runs.", "clquorum add -t quorum_server",
	    { SETUP_WORDS, "-p", "What is the address of the quorum server", "qshost=" },
	    { SETUP_NUMBER, "-p", "Which port, if not the usual one", "port=", .optional = true },
	    { SETUP_WORDS, "-p", "Which file has the secret that it shares with the server", "secret_file=", NULL,
	      "Its path, the same on all nodes; left out, they talk without one.", .optional = true }, DEVICE_NAME),
};
const struct setup_menu setup_add_device = MENU("Add a Quorum Device", add_device_entries);

const struct setup_entry setup_end_installmode =
	RUN("End install mode", "All nodes and quorum devices get their default votes.", "cluster set -p installmode=disabled");

static const struct setup_entry quorum_entries[] = {
	SUBMENU("Add a quorum device", "A disk or a server that has votes, so that a part of the cluster can go on.", setup_add_device),
	RUN("Remove a quorum device", "It loses its votes and is forgotten.", "clquorum remove",
	    { SETUP_DEVICE, NULL, "Which quorum devices", .many = true }),
	RUN("Put a quorum device or a node into maintenance", "It has no vote until its maintenance ends; a node has to be down.",
	    "clquorum disable", { SETUP_VOTER, NULL, "Which quorum device or node", .many = true }),
	RUN("End the maintenance of a quorum device or a node", "It gets its default votes back.", "clquorum enable",
	    { SETUP_VOTER, NULL, "Which quorum device or node", .many = true }),
	RUN("Reset all votes", "All nodes and devices get their default votes; no maintenance is left.", "clquorum reset"),
	RUN("End install mode", "All nodes and quorum devices get their default votes.", "cluster set -p installmode=disabled"),
	SHOW("Show the votes", "Votes that are needed, present and possible.", "clquorum status"),
};
static const struct setup_menu quorum = MENU("Quorum Menu", quorum_entries);

/* ---- 2: resource groups ---- */

#define GROUP_NAME { SETUP_GROUP, NULL, "What is the resource group to be called", .fresh = true }
#define GROUP_NODES { SETUP_NODE, "-n", "Which nodes may have it, in the order of preference, if not all", .many = true, .optional = true }
#define GROUP_PROPERTIES PROPERTIES("Such as Failback=TRUE or RG_affinities=++db-rg: rg_properties(5).")
static const struct setup_entry create_group_entries[] = {
	RUN("Failover group", "A group that is online on one node at a time.", "clresourcegroup create", GROUP_NAME, GROUP_NODES,
	    GROUP_PROPERTIES),
	RUN("Scalable group", "A group that is online on all its nodes.", "clresourcegroup create -S", GROUP_NAME, GROUP_NODES,
	    GROUP_PROPERTIES),
};
static const struct setup_menu create_group = MENU("Create a Resource Group", create_group_entries);

static const struct setup_entry switch_entries[] = {
	RUN("Bring groups online", "Managed, their resources and monitors enabled, on the nodes that they prefer.",
	    "clresourcegroup online -e -m -M", GROUPS),
	RUN("Switch groups to nodes", "Online on exactly these nodes.", "clresourcegroup switch", GROUPS,
	    { SETUP_NODE, "-n", "To which nodes", .many = true }),
	RUN("Take groups offline", "On all nodes; they stay offline until they are brought online.", "clresourcegroup offline", GROUPS),
	RUN("Restart groups", "Stopped and started where they are online.", "clresourcegroup restart", GROUPS),
	RUN("Move groups to the nodes that they prefer", "As Failback would.", "clresourcegroup remaster", GROUPS),
	RUN("Evacuate a node", "All its groups move to other nodes.", "clnode evacuate", { SETUP_NODE, NULL, "Which node" }),
	RUN("Manage groups", "The cluster looks after them.", "clresourcegroup manage", GROUPS),
	RUN("Unmanage groups", "They have to be offline, and their resources disabled.", "clresourcegroup unmanage", GROUPS),
};
static const struct setup_menu switching = MENU("Online, Offline, Switchover", switch_entries);

#define RECURSIVE(what) { SETUP_FLAG, "-r", what }
static const struct setup_entry enable_entries[] = {
	RUN("Enable resources", "They are started where their group is online.", "clresource enable", RESOURCES,
	    RECURSIVE("Also those that they depend on")),
	RUN("Disable resources", "They are stopped.", "clresource disable", RESOURCES, RECURSIVE("Also those that depend on them")),
	RUN("Enable monitors", "Their fault monitors are started.", "clresource monitor", RESOURCES),
	RUN("Disable monitors", "Their fault monitors are stopped; the resources run on.", "clresource unmonitor", RESOURCES),
};
static const struct setup_menu enabling = MENU("Enable and Disable Resources", enable_entries);

static const struct setup_entry change_entries[] = {
	RUN("Properties of groups", "rg_properties(5) has them.", "clresourcegroup set", GROUPS, NEEDED_PROPERTY("NAME+=VALUE and "
	    "NAME-=VALUE change a list."), GROUP_PROPERTIES),
	RUN("Properties of resources", "r_properties(5) has the standard ones; clresource list-props -v those of a resource.", "clresource set",
	    RESOURCES, NEEDED_PROPERTY("NAME+=VALUE and NAME-=VALUE change a list; NAME{NODE}=VALUE is of one node."), PROPERTIES(NULL)),
	RUN("Let groups be on more nodes", "At the end of their Nodelist.", "clresourcegroup add-node", GROUPS,
	    { SETUP_NODE, "-n", "Which nodes", .many = true }),
	RUN("Let groups not be on nodes any more", "They go out of the Nodelist.", "clresourcegroup remove-node", GROUPS,
	    { SETUP_NODE, "-n", "Which nodes", .many = true }),
};
static const struct setup_menu changing = MENU("Change Properties", change_entries);

static const struct setup_entry remove_entries[] = {
	RUN("Remove resources", "They have to be disabled.", "clresource delete", RESOURCES,
	    { SETUP_FLAG, "-F", "Even when they are enabled, or others depend on them" }),
	RUN("Remove groups", "They have to be offline and empty.", "clresourcegroup delete", GROUPS,
	    { SETUP_FLAG, "-F", "Even with resources in them" }),
	RUN("Unregister a resource type", "No resource may use it.", "clresourcetype unregister", { SETUP_TYPE, NULL, "Which type" }),
};
static const struct setup_menu removing = MENU("Remove", remove_entries);

static const struct setup_entry recovery_entries[] = {
	RUN("Suspend the automatic recovery of groups", "They do not move or start by themselves until they are resumed.",
	    "clresourcegroup suspend", GROUPS),
	RUN("Resume the automatic recovery of groups", "They are looked after again.", "clresourcegroup resume", GROUPS),
	RUN("Bring groups to rest", "What is under way ends, and nothing begins.", "clresourcegroup quiesce", GROUPS,
	    { SETUP_FLAG, "-k", "Kill methods that are running" }),
};
static const struct setup_menu recovery = MENU("Suspend and Resume", recovery_entries);

static const struct setup_entry group_entries[] = {
	SUBMENU("Create a resource group", "A failover or a scalable group, empty and unmanaged.", create_group),
	RUN("Add a logical host", "An address that moves with its group.", "clreslogicalhostname create",
	    { SETUP_GROUP, "-g", "Which resource group" },
	    { SETUP_WORDS, "-h", "Which host names or addresses", NULL, NULL, "Every node has to know the names.", .many = true },
	    { SETUP_WORDS, "-N", "Which adapters, each ADAPTER@NODE", NULL, NULL, "Left out, the adapters with that subnet.", .many = true,
	      .optional = true },
	    { SETUP_RESOURCE, NULL, "What is the resource to be called", .fresh = true }),
	LATER("Add a shared address", "An address through which the clients of a scalable service come.",
	      "packets to scalable services are not distributed"),
	RUN("Register a resource type", "Before a first resource of it; its registration file is found by its name.", "clresourcetype register",
	    { SETUP_WORDS, NULL, "What is the name of the type", NULL, NULL, "Such as SUNW.gds." },
	    { SETUP_WORDS, "-f", "What is the path of its registration file, if it is elsewhere", .optional = true }),
	RUN("Add a data service resource", "It is enabled and monitored at once.", "clresource create",
	    { SETUP_GROUP, "-g", "Which resource group" }, { SETUP_TYPE, "-t", "Which resource type" },
	    { SETUP_RESOURCE, NULL, "What is the resource to be called", .fresh = true },
	    PROPERTIES("Such as Start_command=/opt/web/run, Port_list=80/tcp or Resource_dependencies=web-ip."),
	    { SETUP_FLAG, "-d", "Disabled at first" }),
	SUBMENU("Bring groups online or offline, or switch them", "Where groups run.", switching),
	SUBMENU("Enable or disable resources", "And their fault monitors.", enabling),
	RUN("Clear STOP_FAILED", "After the processes of the resource were ended by hand.", "clresource clear -f STOP_FAILED",
	    { SETUP_STOP_FAILED, NULL, "Which resources", .many = true }),
	SUBMENU("Change properties of groups and resources", "And the nodes that groups may be on.", changing),
	SUBMENU("Remove groups, resources, types", "From the configuration.", removing),
	SUBMENU("Suspend or resume recovery", "Of groups.", recovery),
	RUN("Explain why a group is where it is", "And why not elsewhere, and what it waits for.", "clresourcegroup explain", GROUPS),
	SHOW("Show the state of groups", "On each node.", "clresourcegroup status"),
	SHOW("Show the state of resources", "On each node.", "clresource status"),
};
static const struct setup_menu groups = MENU("Resource Group Menu", group_entries);

/* ---- 3 to 5 ---- */

#define NO_TRANSPORT "the interconnect gets its links when nodes are made (cluster create, clnode add) and keeps them"
static const struct setup_entry interconnect_entries[] = {
	LATER("Add a cable", "A link between adapters of nodes, or a switch.", NO_TRANSPORT),
	LATER("Add an adapter", "Of a node, for the interconnect.", NO_TRANSPORT),
	LATER("Add a switch", "Between the nodes.", NO_TRANSPORT),
	LATER("Remove a cable, an adapter, a switch", "From the configuration.", NO_TRANSPORT),
	LATER("Enable or disable a cable", "For repair.", NO_TRANSPORT),
	SHOW("Show the paths between the nodes", "And whether they are online.", "cluster status -t intr"),
};
static const struct setup_menu interconnect = MENU("Cluster Interconnect Menu", interconnect_entries);

#define FENCING { SETUP_CHOICE, "-p", "How is it to be fenced", "default_fencing=", "global,prefer3,scsi3,pathcount,nofencing,nofencing-noscrub", \
		  "global: as global_fencing of the cluster says." }
static const struct setup_entry device_entries[] = {
	RUN("Add a disk that is fenced", "A shared disk with data, from which a lost node is kept.", "cldevice add -t scsi3",
	    { SETUP_WORDS, "-p", "What is the path of the disk, the same on all nodes", "path=", NULL, "/dev/disk/by-id/..." }, FENCING,
	    { SETUP_DISK, NULL, "What is the disk to be called", .fresh = true }),
	RUN("Remove a disk that is fenced", "Its keys are removed.", "cldevice remove", { SETUP_DISK, NULL, "Which disk" }),
	RUN("Change how a disk is fenced", "cldevice(1m) has the ways.", "cldevice set", { SETUP_DISK, NULL, "Which disk" }, FENCING),
	SHOW("Show the disks that are fenced", "And the nodes' ways to them.", "cldevice status"),
	LATER("Register, change or remove a device group", "Disks that move with a primary node.", "device groups and global devices"),
	LATER("Add or remove a volume", "Of a device group.", "device groups and global devices"),
};
static const struct setup_menu devices = MENU("Device Groups and Volumes Menu", device_entries);

static const struct setup_entry private_entries[] = {
	RUN("Change the private host name of a node", "Its name on the interconnect.", "clnode set", { SETUP_NODE, NULL, "Which node" },
	    { SETUP_WORDS, "-p", "What is its private host name", "privatehostname=" }),
};
static const struct setup_menu private_names = MENU("Private Hostname Menu", private_entries);

/* ---- 6, 7 ---- */

#define LIMIT_NAME { SETUP_NAME, "-p", "What is the load limit called", "limitname=" }
#define LIMIT_NODES { SETUP_NODE, NULL, "Of which nodes", .many = true }
static const struct setup_entry node_entries[] = {
	RUN("Add a node to the configuration", "It prints what to do on the new machine then. All nodes have to be members.", "clnode add",
	    { SETUP_NODE, NULL, "What is the new node called", .fresh = true },
	    { SETUP_WORDS, "-e", "What are its addresses on the interconnect, each ADDRESS or ADAPTER=ADDRESS", .many = true,
	      .help = "As many as the other nodes have." },
	    { SETUP_NUMBER, "--id", "Which id, if not the lowest that is free", .optional = true }),
	RUN("Remove nodes from the configuration", "They have to be down, and in no Nodelist.", "clnode remove",
	    { SETUP_NODE, NULL, "Which nodes", .many = true }),
	RUN("Evacuate a node", "All its groups move to other nodes, before it is shut down.", "clnode evacuate", { SETUP_NODE, NULL, "Which node" }),
	RUN("Let a quarantined node join again", "Given on the node itself.", "clnode unquarantine", { SETUP_NODE, NULL, "Which node" }),
	RUN("Give nodes a load limit", "Groups count against it by their Load_factors.", "clnode create-loadlimit", LIMIT_NAME,
	    { SETUP_NUMBER, "-p", "Soft limit", "softlimit=", .optional = true }, { SETUP_NUMBER, "-p", "Hard limit", "hardlimit=", .optional = true },
	    LIMIT_NODES),
	RUN("Take a load limit away from nodes", "Groups do not count against it any more.", "clnode delete-loadlimit", LIMIT_NAME, LIMIT_NODES),
	SHOW("Show the nodes", "And whether they are members.", "clnode status"),
};
static const struct setup_menu nodes = MENU("New Nodes Menu", node_entries);

static const struct setup_entry other_entries[] = {
	RUN("Change the name of the cluster", "Nothing else changes with it.", "cluster rename", { SETUP_NAME, "-c", "What is its new name" }),
	RUN("Change properties of the cluster", "cluster(1m) has them.", "cluster set",
	    NEEDED_PROPERTY("Such as takeover_time=640, global_fencing=prefer3, fencing_policy=lease, quarantine_deaths=5."), PROPERTIES(NULL)),
	LATER("Change the private network", "Its address and netmask.", "changing the private network"),
	LATER("Configure the authentication of new nodes", "The list of machines that may add themselves.", "joining without being added first"),
	SHOW("Show the configuration of the cluster", "Its properties.", "cluster show -t global"),
	SHOW("Show the state of the cluster on one screen", "Nodes, votes, groups.", "cluster status --short"),
};
static const struct setup_menu other = MENU("Other Cluster Properties Menu", other_entries);

static const struct setup_entry main_entries[] = {
	SUBMENU("Quorum", "Quorum devices, votes, install mode.", quorum),
	SUBMENU("Resource groups", "Groups, logical hosts, data services.", groups),
	SUBMENU("Cluster interconnect", "The paths between the nodes.", interconnect),
	SUBMENU("Device groups and volumes", "Disks that are fenced.", devices),
	SUBMENU("Private hostnames", "Names of nodes on the interconnect.", private_names),
	SUBMENU("New nodes", "Nodes that come and go, and what they may carry.", nodes),
	SUBMENU("Other cluster properties", "The name and the properties of the cluster.", other),
};
const struct setup_menu setup_main = MENU("Main Menu", main_entries);
