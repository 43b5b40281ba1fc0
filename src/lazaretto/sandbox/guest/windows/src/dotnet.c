/* Runs a .NET assembly under Mono, on Linux's side:   dotnet OUTPUT EXE [ARGUMENT...]
 *
 * OUTPUT: file for what the program writes ("-": standard output). EXE: C:\... or a path of Linux.
 *
 * Mono's trace of managed calls comes on the same stream as the program's own output. It is taken apart here: lines of the
 * trace go where Wine writes its own trace lines (__wine_dbg_write of ntdll.so, where the tracer takes them), so that they
 * stand in one order with everything else; the rest goes to OUTPUT. A program can print a line that looks like the trace:
 * then it has told something about itself that it did not do.
 *
 * Mono runs as a program of Linux: MONO_IOMAP lets it take C:\users\... for /users/..., which links to the drive. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE (64 * 1024)
#define MOST_TRACE 20000 /* lines; a loop over traced calls would fill the account */
#define NTDLL "/usr/lib/x86_64-linux-gnu/wine/x86_64-unix/ntdll.so"

static int (__attribute__((ms_abi)) *write_trace)(const char *, unsigned);
static int output = 1;
static long traced;

/* ENTER and LEAVE lines only: "[0x7f..: 0.00123 0] ENTER: ..." */
static int is_trace(const char *line)
{
	const char *end = *line == '[' ? strchr(line, ']') : NULL;
	if (!end || end - line > 60 || line[1] != '0' || line[2] != 'x') return 0;
	return !strncmp(end, "] ENTER:", 8) || !strncmp(end, "] LEAVE:", 8);
}

static int is_noise(const char *line)
{
	return (!strncmp(line, "[0x", 3) && strstr(line, ":] EXCEPTION handling:")) || !strncmp(line, "EXCEPTION: ", 11);
}

static void take_line(const char *line, size_t size)
{
	/* Two threads write the heads of their lines at once: the first has lost its text. */
	for (const char *second; *line == '[' && !is_trace(line) && (second = strstr(line + 1, "[0x")) && is_trace(second);) {
		size -= second - line;
		line = second;
	}
	if (is_noise(line)) return;
	if (!is_trace(line)) {
		if (write(output, line, size) < 0) output = 1;
		return;
	}
	/* "[thread: seconds DEPTH] ENTER: ...": what the program called, not what the library then called in turn */
	const char *end = strchr(line, ']'), *depth = end;
	while (depth > line && depth[-1] != ' ') depth--;
	if (atoi(depth) > 1 || strncmp(end, "] ENTER:", 8) || strstr(line, "(wrapper ") || strstr(line, ":.cctor ()")) return;
	if (traced++ < MOST_TRACE && write_trace) write_trace(line, size);
}

static void take_apart(int from)
{
	static char text[LINE + 1];
	size_t have = 0;
	ssize_t got;
	while ((got = read(from, text + have, LINE - have)) > 0) {
		char *start = text, *end;
		have += got;
		while ((end = memchr(start, '\n', text + have - start))) {
			char after = end[1];
			end[1] = 0;
			take_line(start, end + 1 - start);
			end[1] = after;
			start = end + 1;
		}
		have -= start - text;
		memmove(text, start, have);
		if (have == LINE) {
			text[have] = 0;
			take_line(text, have);
			have = 0;
		}
	}
	text[have] = 0;
	if (have) take_line(text, have);
}

/* The entry of a directory that equals `name` but for case. */
static int find_entry(const char *directory, const char *name, char *found, size_t max)
{
	struct dirent *entry;
	DIR *list = opendir(directory);
	if (!list) return 0;
	while ((entry = readdir(list)))
		if (!strcasecmp(entry->d_name, name)) {
			snprintf(found, max, "%s", entry->d_name);
			closedir(list);
			return 1;
		}
	closedir(list);
	return 0;
}

/* C:\Users\x -> /home/NAME/.wine/drive_c/users/x, as it is spelled on disk */
static void linux_path(const char *given, char *path, size_t max)
{
	char part[256], entry[256];
	if (!isalpha((unsigned char)given[0]) || given[1] != ':') {
		snprintf(path, max, "%s", given);
		return;
	}
	snprintf(path, max, "%s/.wine/drive_c", getenv("HOME") ? getenv("HOME") : "");
	for (given += 2; *given;) {
		size_t n = 0;
		while (*given == '\\' || *given == '/') given++;
		while (*given && *given != '\\' && *given != '/' && n + 1 < sizeof(part)) part[n++] = *given++;
		part[n] = 0;
		if (!n) continue;
		size_t length = strlen(path);
		snprintf(path + length, max - length, "/%s", find_entry(path, part, entry, sizeof(entry)) ? entry : part);
	}
}

static void set(const char *name, const char *format, const char *value)
{
	char text[1024];
	snprintf(text, sizeof(text), format, value);
	setenv(name, text, 1);
}

static void set_environment(void)
{
	const char *home = getenv("HOME"), *user = home && strrchr(home, '/') ? strrchr(home, '/') + 1 : "user";
	setenv("USER", user, 1);
	set("XDG_CONFIG_HOME", "/users/%s/AppData/Roaming", user);
	set("XDG_DATA_HOME", "/users/%s/AppData/Local", user);
	set("TMPDIR", "/users/%s/AppData/Local/Temp", user);
	set("MONO_REGISTRY_PATH", "/users/%s/AppData/Local/Microsoft/Registry", user);
	set("APPDATA", "C:\\users\\%s\\AppData\\Roaming", user);
	set("LOCALAPPDATA", "C:\\users\\%s\\AppData\\Local", user);
	set("TEMP", "C:\\users\\%s\\AppData\\Local\\Temp", user);
	set("TMP", "C:\\users\\%s\\AppData\\Local\\Temp", user);
	set("USERPROFILE", "C:\\users\\%s", user);
	set("USERNAME", "%s", user);
	set("windir", "%s", "C:\\windows");
	set("SystemRoot", "%s", "C:\\windows");
	set("ProgramData", "%s", "C:\\ProgramData");
	set("MONO_IOMAP", "%s", "all");
	set("LANG", "%s", "en_US.UTF-8");
	set("PATH", "/usr/lib/dotnet/bin:%s", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
}

/* --trace=... from the list of what is worth seeing: one expression a line */
static char *trace_option(void)
{
	static char option[16384] = "--trace=";
	char line[256];
	FILE *list = fopen("/usr/lib/dotnet/trace", "r");
	if (!list) return NULL;
	while (fgets(line, sizeof(line), list)) {
		line[strcspn(line, "#\r\n ")] = 0;
		if (!*line || strlen(option) + strlen(line) + 2 > sizeof(option)) continue;
		if (option[8]) strcat(option, ",");
		strcat(option, line);
	}
	fclose(list);
	return option;
}

int main(int argc, char **argv)
{
	static char path[4096], directory[4096];
	char *command[256] = {"mono"};
	int ends[2], status, n = 1;
	if (argc < 3 || argc > 240 || pipe2(ends, O_CLOEXEC)) return 2;
	linux_path(argv[2], path, sizeof(path));
	if (strcmp(argv[1], "-")) output = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	void *wine = dlopen(NTDLL, RTLD_LAZY | RTLD_LOCAL);
	if (wine) *(void **)&write_trace = dlsym(wine, "__wine_dbg_write");
	if ((command[n] = trace_option())) n++;
	command[n++] = path;
	for (int i = 3; i < argc; i++) command[n++] = argv[i];
	pid_t child = fork();
	if (child < 0) return 1;
	if (!child) {
		snprintf(directory, sizeof(directory), "%s", path);
		char *slash = strrchr(directory, '/');
		if (slash) *slash = 0;
		if (chdir(directory) < 0) _exit(126);
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		set_environment();
		execv("/usr/bin/mono-sgen", command);
		_exit(127);
	}
	close(ends[1]);
	take_apart(ends[0]);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
