/* Opens documents in the LibreOffice that is already running, as a second `soffice FILE...` does, without loading it.
 *
 * The running program listens on a socket whose name has the account's number and a sum over the path of its settings;
 * it greets with "InternalIPC::SendArguments", takes "InternalIPC::Arguments1CWD,ARG,ARG" (commas and backslashes
 * escaped), and answers "InternalIPC::ProcessingDone" (desktop/source/app/officeipcthread.cxx).
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char message[65536];
static size_t used;

static void put(char c)
{
	if (used < sizeof message - 1)
		message[used++] = c;
}

static void escaped(const char *text)
{
	for (; *text; text++) {
		if (*text == ',' || *text == '\\')
			put('\\');
		if (*text)
			put(*text);
	}
}

static void url(const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	char byte[4];
	escaped("file://");
	for (; *path; path++)
		if (strchr(plain, *path))
			put(*path);
		else {
			snprintf(byte, sizeof byte, "%%%02X", (unsigned char)*path);
			escaped(byte);
		}
}

static int until_nul(int fd, const char *expected)
{
	char text[128];
	size_t n = 0;
	while (n < sizeof text) {
		ssize_t got = read(fd, text + n, 1);
		if (got <= 0)
			return -1;
		if (!text[n++])
			break;
	}
	return strncmp(text, expected, sizeof text) ? -1 : 0;
}

int main(int argc, char **argv)
{
	char pattern[64], cwd[4096];
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	glob_t found;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(pattern, sizeof pattern, "/tmp/OSL_PIPE_%u_SingleOfficeIPC_*", getuid());
	if (glob(pattern, 0, NULL, &found) || fd < 0) {
		fprintf(stderr, "soffice: no running office\n");
		return 77;
	}
	strncpy(to.sun_path, found.gl_pathv[0], sizeof to.sun_path - 1);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) || until_nul(fd, "InternalIPC::SendArguments")) {
		fprintf(stderr, "soffice: %s: %s\n", to.sun_path, strerror(errno));
		return 77;
	}
	for (const char *head = "InternalIPC::Arguments1"; *head; head++)
		put(*head);
	url(getcwd(cwd, sizeof cwd) ? cwd : "/");
	for (int i = 1; i < argc; i++) {
		put(',');
		if (*argv[i] == '/')
			url(argv[i]);
		else
			escaped(argv[i]);
	}
	used++;
	for (size_t at = 0; at < used;) {
		ssize_t n = write(fd, message + at, used - at);
		if (n <= 0)
			return 1;
		at += n;
	}
	return until_nul(fd, "InternalIPC::ProcessingDone") ? 1 : 0;
}
