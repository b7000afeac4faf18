/* Where things are.  PARHELION_ROOT, when set, stands before /etc, /var and /run (tests); the prefix is fixed at build. */
#pragma once
#include "base/macros.h"

#define PREFIX_BIN  PARHELION_PREFIX "/bin"
#define PREFIX_LIB  PARHELION_PREFIX "/lib"
#define PREFIX_SC   PARHELION_PREFIX "/lib/sc"
#define PREFIX_RTREG PARHELION_PREFIX "/lib/rgm/rtreg"

/* "/etc/cluster/ccr/global" -> "$PARHELION_ROOT/etc/cluster/ccr/global".  The result lives until the process ends;
 * for a given argument string it is always the same pointer. */
const char *path_state(const char *absolute);

/* mkdir -p with the given mode for each missing directory.  Negative errno. */
int path_mkdirs(const char *dir, unsigned mode);

/* The name of the member in these functions: gethostname(2). */
const char *path_hostname(void);

/* Tells whoever started this daemon that it serves now: a line to the descriptor that PARHELION_READY_FD names, and
 * READY=1 to systemd. */
void daemon_ready(void);

#define PATH_CLUSTERD_SOCK  "/run/cluster/clusterd.sock"
#define PATH_PMFD_SOCK      "/run/cluster/pmfd.sock"
#define PORT_PMFD           6487        /* TCP, for pmfadm -h */
#define PATH_FAILFAST_SOCK  "/run/cluster/failfastd.sock"
#define PATH_JOURNAL_STDOUT "/run/systemd/journal/stdout"        /* of systemd-journald */
#define PATH_CCR            "/etc/cluster/ccr/global"
#define PATH_JOURNAL        "/var/cluster/journal"
#define PATH_LOGS           "/var/cluster/logs"
