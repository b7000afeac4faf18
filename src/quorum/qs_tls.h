/* TLS with a secret that both sides know (PSK), and the file that holds it. */
#pragma once
#include <gnutls/gnutls.h>

#include "base/err.h"

#define QS_SECRETS_MAX      256
#define QS_SECRET_BYTES_MIN 16
#define QS_SECRET_BYTES_MAX 64

/* One for each cluster.  The file is as psktool(1) writes it: lines "CLUSTER:HEX", blank ones and those with # are skipped. */
struct qs_secret  { char *cluster; uint8_t key[QS_SECRET_BYTES_MAX]; unsigned len; };
struct qs_secrets { struct qs_secret v[QS_SECRETS_MAX]; size_t n; };

/* -EPERM: the file may be read or written by others than its owner, who must be root or us; -EINVAL; other errno.  No text
 * of an error quotes the file.  secrets must be empty. */
int  qs_secrets_load(const char *path, struct qs_secrets *secrets, struct err *err);
void qs_secrets_done(struct qs_secrets *secrets);              /* overwrites them */
/* The rule for any file with a secret: regular, ours or root's, nobody else's. */
int  qs_secret_file_check(int fd, const char *path, struct err *err);
const struct qs_secret *qs_secrets_find(const struct qs_secrets *secrets, const char *cluster);

struct qs_credentials;                  /* for any number of sessions; secrets must live as long */
int  qs_credentials_server(const struct qs_secrets *secrets, struct qs_credentials **ret, struct err *err);
int  qs_credentials_client(const struct qs_secret *secret, struct qs_credentials **ret, struct err *err);
void qs_credentials_free(struct qs_credentials *credentials);   /* NULL is fine */
/* A session without a transport yet.  flags: GNUTLS_NONBLOCK and the like. */
int  qs_session_new(const struct qs_credentials *credentials, unsigned flags, gnutls_session_t *ret, struct err *err);
