/* Messages of agents: the debug level, which is of the process, as scds_syslog() takes no handle. */
#pragma once
/* The log keeps the tag by reference, and agents log after scds_close(), too: here is a copy that stays. */
void log_tag_keep(const char *tag);
/* From the file of the type on this node. */
void debug_level_read(const char *rt);
int  debug_level(void);                 /* 0: off */
