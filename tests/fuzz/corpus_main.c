/* Runs a fuzz target over the files of a folder: what the fuzzer once found stays found. */
#include <dirent.h>
#include <stdio.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_file(const char *path)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	FILE *f = fopen(path, "re");
	char part[4096];
	size_t n;

	assert(f);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_add(&text, part, n);
	(void)fclose(f);        /* it was only read */
	(void)LLVMFuzzerTestOneInput((const uint8_t *)text.s, text.len);        /* always 0; a failure aborts */
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	size_t count = 0;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

	if (!dir) {
		(void)fprintf(stderr, "usage: %s folder\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *path = xasprintf("%s/%s", argv[1], entry->d_name);

		if (entry->d_name[0] == '.')
			continue;
		run_file(path);
		count++;
	}
	(void)closedir(dir);
	printf("%zu inputs\n", count);
	return count == 0;
}
