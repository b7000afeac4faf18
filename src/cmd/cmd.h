/* The commands of the multi-call binary, one file each.  argv[0] is the name of the command; the result is its exit code. */
#pragma once

int cmd_ccradm(int argc, char **argv);
int cmd_cluster(int argc, char **argv);
int cmd_halockrun(int argc, char **argv);
int cmd_hatimerun(int argc, char **argv);
int cmd_pmfadm(int argc, char **argv);
int cmd_scrgadm(int argc, char **argv);
int cmd_scstat(int argc, char **argv);
int cmd_scswitch(int argc, char **argv);
