/* The resource management API.  Link with -lscha.
 *
 * A handle is a view of one object.  Values that a get function delivers belong to the handle and live until it is closed.
 * SCHA_ERR_SEQID: the object changed since it was opened; the value was delivered all the same.  Close, open and ask again
 * for values that fit together.  All functions may be called by several threads. */
#ifndef SCHA_H
#define SCHA_H

#include <scha_err.h>
#include <scha_tags.h>
#include <scha_types.h>

#ifdef __cplusplus
extern "C" {
#endif

scha_err_t scha_cluster_open(scha_cluster_t *handle);
scha_err_t scha_cluster_get(scha_cluster_t handle, const char *tag, ...);
scha_err_t scha_cluster_close(scha_cluster_t handle);
scha_err_t scha_cluster_getlogfacility(int *logfacility);
scha_err_t scha_cluster_getnodename(char **nodename);           /* free(3) it */
scha_err_t scha_cluster_getzone(char **zonename);               /* of the node: there are no zones; free(3) it */

/* rgname may be NULL. */
scha_err_t scha_resource_open(const char *rname, const char *rgname, scha_resource_t *handle);
scha_err_t scha_resource_get(scha_resource_t handle, const char *tag, ...);
scha_err_t scha_resource_close(scha_resource_t handle);
scha_err_t scha_resource_setstatus(const char *rname, const char *rgname, scha_rsstatus_t status, const char *status_msg);
scha_err_t scha_resource_setstatus_zone(const char *rname, const char *rgname, const char *zonename,
					scha_rsstatus_t status, const char *status_msg);

scha_err_t scha_resourcegroup_open(const char *rgname, scha_resourcegroup_t *handle);
scha_err_t scha_resourcegroup_get(scha_resourcegroup_t handle, const char *tag, ...);
scha_err_t scha_resourcegroup_close(scha_resourcegroup_t handle);

scha_err_t scha_resourcetype_open(const char *rtname, scha_resourcetype_t *handle);
scha_err_t scha_resourcetype_get(scha_resourcetype_t handle, const char *tag, ...);
scha_err_t scha_resourcetype_close(scha_resourcetype_t handle);

/* Returns when the action is complete; a fault monitor is often stopped before that. */
scha_err_t scha_control(const char *tag, const char *rgname, const char *rname);
scha_err_t scha_control_zone(const char *tag, const char *rgname, const char *rname, const char *zonename);

/* The same of another cluster on these machines.  There is none: cluster is NULL, "global" or the name of this cluster, else
 * the answer is SCHA_ERR_CLUSTER. */
scha_err_t scha_cluster_open_zone(const char *cluster, scha_cluster_t *handle);
scha_err_t scha_cluster_get_zone(const char *cluster, scha_cluster_t handle, const char *tag, ...);
scha_err_t scha_cluster_close_zone(const char *cluster, scha_cluster_t handle);
scha_err_t scha_resource_open_zone(const char *cluster, const char *rname, const char *rgname, scha_resource_t *handle);
scha_err_t scha_resource_get_zone(const char *cluster, scha_resource_t handle, const char *tag, ...);
scha_err_t scha_resource_close_zone(const char *cluster, scha_resource_t handle);
scha_err_t scha_resourcegroup_open_zone(const char *cluster, const char *rgname, scha_resourcegroup_t *handle);
scha_err_t scha_resourcegroup_get_zone(const char *cluster, scha_resourcegroup_t handle, const char *tag, ...);
scha_err_t scha_resourcegroup_close_zone(const char *cluster, scha_resourcegroup_t handle);
scha_err_t scha_resourcetype_open_zone(const char *cluster, const char *rtname, scha_resourcetype_t *handle);
scha_err_t scha_resourcetype_get_zone(const char *cluster, scha_resourcetype_t handle, const char *tag, ...);
scha_err_t scha_resourcetype_close_zone(const char *cluster, scha_resourcetype_t handle);

char *scha_strerror(scha_err_t err);            /* never NULL; not to be freed */
char *scha_strerror_i18n(scha_err_t err);       /* as LC_MESSAGES says, where there is a catalogue */

#ifdef __cplusplus
}
#endif
#endif
