/* Validate and Monitor_check: could the server run on this node?  Changes nothing.  The disk is mounted on one node at most, so what is on
 * it is looked at by Start. */
#include "agent.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A full path without what mount tables and command lines of others do not like. */
static int path_property(const struct agent *a, const char *name, char *value)
{
	if (property(a, name, value, TEXT_MAX) != 0)
		return fail("%s: not given", name);
	if (value[0] != '/' || strpbrk(value, " \t\n\\") || (strlen(value) > 1 && value[strlen(value) - 1] == '/'))
		return fail("%s=%s: must be a full path, without blanks, and without / at its end", name, value);
	return 0;
}

static int check_programs(const struct agent *a)
{
	static const char *const programs[] = { "postgres", "pg_ctl", "pg_isready", "psql" };
	char bin[TEXT_MAX], path[2 * TEXT_MAX];

	if (path_property(a, "Bin_dir", bin) != 0)
		return 1;
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", bin, programs[i]);
		if (access(path, X_OK) != 0)
			return fail("cannot execute %s: install the package postgresql, or correct Bin_dir", path);
	}
	return 0;
}

static int check_disk(const struct agent *a)
{
	char disk[TEXT_MAX], mount_point[TEXT_MAX];
	struct stat st;

	if (path_property(a, "Disk", disk) != 0 || path_property(a, "Mount_point", mount_point) != 0)
		return 1;
	if (stat(disk, &st) != 0)
		return fail("Disk=%s: %s", disk, strerror(errno));
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return fail("Disk=%s: must be a block device, or a file that is the image of one", disk);
	if (stat(mount_point, &st) != 0 || !S_ISDIR(st.st_mode))
		return fail("Mount_point=%s: must be a directory; make it on each node", mount_point);
	return 0;
}

int validate(const struct agent *a)
{
	char user[TEXT_MAX], names[TEXT_MAX];

	if (check_programs(a) != 0 || check_disk(a) != 0)
		return 1;
	if (property(a, "Db_user", user, sizeof user) != 0 || !getpwnam(user))
		return fail("Db_user=%s: there is no such user on this node", user);
	if (strcmp(user, "root") == 0)
		return fail("Db_user=root: the server refuses to run as root");
	if (port(a) == 0)
		return fail("Port_list must have one port, for example 5432/tcp");
	if (hosts(a, names, sizeof names) != 0)
		return fail("there is no address resource in group %s: add a logical host name first", a->group);
	return 0;
}
