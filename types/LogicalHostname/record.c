/* /run/cluster/logical-hostname/RESOURCE: one address a line. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "LogicalHostname/lh.h"
#include "base/paths.h"
#include "lib/ask.h"

#define RECORD_DIR "/run/cluster/logical-hostname"

static void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static char *record_path(const char *rs)
{
	_cleanup_free_ char *dir = ask_path(RECORD_DIR);

	return xasprintf("%s/%s", dir, rs);
}

int lh_record_read(const char *rs, struct lh_record *ret, struct err *err)
{
	_cleanup_free_ char *path = record_path(rs);
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	char line[128];

	ret->n = 0;
	if (!f && errno == ENOENT)
		return 0;
	if (!f)
		return err_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
	while (ret->n < LH_ADDRESSES_MAX && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		if (net_ip_parse(line, &ret->v[ret->n]))
			ret->n++;
	}
	return 0;
}

/* No fsync: the file is for as long as the addresses live, and both end with the kernel. */
int lh_record_write(const char *rs, const struct lh_record *record, struct err *err)
{
	_cleanup_free_ char *dir = ask_path(RECORD_DIR), *path = record_path(rs), *new = xasprintf("%s.new", path);
	_cleanup_(fclosep) FILE *f = NULL;
	int r = path_mkdirs(dir, 0755);

	if (r < 0)
		return err_set(err, r, "cannot make %s: %s", dir, strerror(-r));
	f = fopen(new, "we");
	if (!f)
		return err_set(err, -errno, "cannot write %s: %s", new, strerror(errno));
	for (size_t i = 0; i < record->n; i++) {
		char text[NET_IP_TEXT];

		fprintf(f, "%s\n", net_ip_text(&record->v[i], text));
	}
	if (fflush(f) != 0 || rename(new, path) < 0)
		return err_set(err, -errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

void lh_record_remove(const char *rs)
{
	_cleanup_free_ char *path = record_path(rs);

	(void)unlink(path);                     /* a record of addresses that are gone does no harm */
}

bool lh_record_has(const struct lh_record *record, const struct net_ip *ip)
{
	for (size_t i = 0; i < record->n; i++)
		if (net_ip_equal(&record->v[i], ip))
			return true;
	return false;
}
