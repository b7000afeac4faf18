#include "quorum/qs_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FILE_MAX (256u << 10)

/* Nothing older than TLS 1.3, and with the secret a key exchange that keeps what was said secret when the secret is lost. */
#define PRIORITY "NONE:+VERS-TLS1.3:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:+AEAD:+SHA384:+SHA256:+SIGN-ALL:" \
		 "+GROUP-ALL:+ECDHE-PSK:+DHE-PSK"

struct qs_credentials {
	gnutls_psk_server_credentials_t server;
	gnutls_psk_client_credentials_t client;
	const struct qs_secrets        *secrets;        /* server */
};

/* ---- the file ---- */

int qs_secret_file_check(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "cannot look at %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return err_set(err, -EINVAL, "%s is no file of secrets", path);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 077))
		return err_set(err, -EPERM, "%s must belong to root and be readable by nobody else (mode 0600)", path);
	return 0;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;

	if (c >= '0' && c <= '9')
		return c - '0';
	return at ? (int)(at - digits) : -1;
}

static int parse_key(const char *hex, struct qs_secret *s)
{
	size_t len = strlen(hex);

	if (len % 2 || len / 2 < QS_SECRET_BYTES_MIN || len / 2 > QS_SECRET_BYTES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		s->key[i / 2] = (uint8_t)(high << 4 | low);
	}
	s->len = (unsigned)(len / 2);
	return 0;
}

static int parse_line(char *line, const char *path, size_t number, struct qs_secrets *secrets, struct err *err)
{
	char *colon = strrchr(line, ':');       /* the name of a cluster may hold one */
	struct qs_secret *s = &secrets->v[secrets->n];

	if (!*line || *line == '#')
		return 0;
	if (secrets->n == QS_SECRETS_MAX)
		return err_set(err, -EINVAL, "%s holds more than %d secrets", path, QS_SECRETS_MAX);
	if (!colon || colon == line || parse_key(colon + 1, s) < 0)
		return err_set(err, -EINVAL, "%s:%zu: a line is CLUSTER:SECRET, the secret %d to %d bytes in hexadecimal", path, number,
			       QS_SECRET_BYTES_MIN, QS_SECRET_BYTES_MAX);
	*colon = '\0';
	if (qs_secrets_find(secrets, line))
		return err_set(err, -EINVAL, "%s:%zu: there is a secret for this cluster already", path, number);
	s->cluster = xstrdup(line);
	secrets->n++;
	return 0;
}

int qs_secrets_load(const char *path, struct qs_secrets *secrets, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_free_ char *text = xcalloc(1, FILE_MAX + 1);
	char *rest = text, *line;
	ssize_t n;
	int r;

	if (fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	r = qs_secret_file_check(fd, path, err);
	if (r < 0)
		return r;
	n = read(fd, text, FILE_MAX);
	if (n < 0)
		return err_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
	for (size_t number = 1; r == 0 && (line = strsep(&rest, "\n")); number++)
		r = parse_line(line, path, number, secrets, err);
	explicit_bzero(text, (size_t)n);
	if (r == 0 && secrets->n == 0)
		r = err_set(err, -EINVAL, "%s holds no secret", path);
	return r;
}

void qs_secrets_done(struct qs_secrets *secrets)
{
	for (size_t i = 0; i < secrets->n; i++)
		free(secrets->v[i].cluster);
	explicit_bzero(secrets, sizeof *secrets);
}

const struct qs_secret *qs_secrets_find(const struct qs_secrets *secrets, const char *cluster)
{
	for (size_t i = 0; i < secrets->n; i++)
		if (streq(secrets->v[i].cluster, cluster))
			return &secrets->v[i];
	return NULL;
}

/* ---- sessions ---- */

static int on_server_key(gnutls_session_t session, const char *name, gnutls_datum_t *ret_key)
{
	const struct qs_credentials *c = gnutls_session_get_ptr(session);
	const struct qs_secret *s = qs_secrets_find(c->secrets, name);

	if (!s)
		return -1;
	ret_key->data = gnutls_malloc(s->len);
	if (!ret_key->data)
		return -1;
	memcpy(ret_key->data, s->key, s->len);
	ret_key->size = s->len;
	return 0;
}

int qs_credentials_server(const struct qs_secrets *secrets, struct qs_credentials **ret, struct err *err)
{
	struct qs_credentials *c = xcalloc(1, sizeof *c);
	int r = gnutls_psk_allocate_server_credentials(&c->server);

	if (r < 0) {
		free(c);
		return err_set(err, -ENOMEM, "cannot prepare TLS: %s", gnutls_strerror(r));
	}
	c->secrets = secrets;
	gnutls_psk_set_server_credentials_function(c->server, on_server_key);
	*ret = c;
	return 0;
}

int qs_credentials_client(const struct qs_secret *secret, struct qs_credentials **ret, struct err *err)
{
	gnutls_datum_t key = { (unsigned char *)secret->key, secret->len };     /* the library copies it */
	struct qs_credentials *c = xcalloc(1, sizeof *c);
	int r = gnutls_psk_allocate_client_credentials(&c->client);

	if (r == 0)
		r = gnutls_psk_set_client_credentials(c->client, secret->cluster, &key, GNUTLS_PSK_KEY_RAW);
	if (r < 0) {
		qs_credentials_free(c);
		return err_set(err, -ENOMEM, "cannot prepare TLS: %s", gnutls_strerror(r));
	}
	*ret = c;
	return 0;
}

void qs_credentials_free(struct qs_credentials *c)
{
	if (c && c->server)
		gnutls_psk_free_server_credentials(c->server);
	if (c && c->client)
		gnutls_psk_free_client_credentials(c->client);
	free(c);
}

int qs_session_new(const struct qs_credentials *c, unsigned flags, gnutls_session_t *ret, struct err *err)
{
	gnutls_session_t session;
	int r = gnutls_init(&session, flags | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS | (c->server ? GNUTLS_SERVER : GNUTLS_CLIENT));

	if (r < 0)
		return err_set(err, -ENOMEM, "cannot begin TLS: %s", gnutls_strerror(r));
	r = gnutls_priority_set_direct(session, PRIORITY, NULL);
	if (r == 0)
		r = gnutls_credentials_set(session, GNUTLS_CRD_PSK, c->server ? (void *)c->server : (void *)c->client);
	if (r < 0) {
		gnutls_deinit(session);
		return err_set(err, -EINVAL, "cannot set up TLS: %s", gnutls_strerror(r));
	}
	gnutls_session_set_ptr(session, (void *)c);     /* only read, in on_server_key() */
	*ret = session;
	return 0;
}
