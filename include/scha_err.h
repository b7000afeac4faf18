/* Error codes of the resource management API.  Names as documented; the commands exit with the same integers.  The two of zone
 * clusters are for agents that name them: there are no zone clusters, so nobody returns them.
 * One list gives the enum here and the texts of scha_strerror(). */
#ifndef SCHA_ERR_H
#define SCHA_ERR_H

#define SCHA_ERR_LIST(X) \
	X(SCHA_ERR_NOERR,     0, "no error") \
	X(SCHA_ERR_NOMEM,     1, "not enough memory") \
	X(SCHA_ERR_HANDLE,    2, "invalid handle") \
	X(SCHA_ERR_INVAL,     3, "invalid argument") \
	X(SCHA_ERR_TAG,       4, "unknown tag") \
	X(SCHA_ERR_RECONF,    5, "the cluster is reconfiguring; try again") \
	X(SCHA_ERR_ACCESS,    6, "permission denied") \
	X(SCHA_ERR_SEQID,     7, "the object changed since it was opened") \
	X(SCHA_ERR_DEPEND,    8, "a dependency between objects forbids it") \
	X(SCHA_ERR_STATE,     9, "the object is in the wrong state") \
	X(SCHA_ERR_METHOD,   10, "invalid method") \
	X(SCHA_ERR_NODE,     11, "invalid node") \
	X(SCHA_ERR_RG,       12, "invalid resource group") \
	X(SCHA_ERR_RT,       13, "invalid resource type") \
	X(SCHA_ERR_RSRC,     14, "invalid resource") \
	X(SCHA_ERR_PROP,     15, "invalid property") \
	X(SCHA_ERR_CHECKS,   16, "sanity checks refused the request") \
	X(SCHA_ERR_RSTATUS,  17, "invalid resource status") \
	X(SCHA_ERR_INTERNAL, 18, "internal error") \
	X(SCHA_ERR_TIMEOUT,  31, "the operation timed out") \
	X(SCHA_ERR_FAIL,     32, "the operation failed") \
	X(SCHA_ERR_CLUSTER,  64, "invalid cluster name") \
	X(SCHA_ERR_ZONE_CLUSTER, 65, "invalid zone cluster") \
	X(SCHA_ERR_ZC_DOWN,  66, "the zone cluster is down")

#define SCHA_ERR_ENUM(name, value, text) name = value,
typedef enum { SCHA_ERR_LIST(SCHA_ERR_ENUM) } scha_err_t;
#undef SCHA_ERR_ENUM

#endif
