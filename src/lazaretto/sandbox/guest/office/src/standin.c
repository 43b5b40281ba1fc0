/* A system program of Windows: one real program for each name, so that the kernel sees it started as itself, whose
 * work is done by standin.py in the same process. Python's library is found at run time; its interface is stable. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char own[4096], *base;
	ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
	void *python = dlopen("libpython3.11.so.1.0", RTLD_NOW | RTLD_GLOBAL);
	int (*run)(int, char **) = python ? (int (*)(int, char **))dlsym(python, "Py_BytesMain") : NULL;
	char **words = calloc(argc + 6, sizeof *words);

	if (n < 0 || !run || !words) {
		fprintf(stderr, "%s is not recognized as an internal or external command.\n", argv[0]);
		return 1;
	}
	own[n] = 0;
	base = strrchr(own, '/') + 1;
	words[0] = "/usr/bin/python3";
	words[1] = "-ES";
	words[2] = "/usr/lib/win/standin.py";
	words[3] = base;
	for (int i = 1; i < argc; i++)
		words[i + 3] = argv[i];
	return run(argc + 3, words);
}
