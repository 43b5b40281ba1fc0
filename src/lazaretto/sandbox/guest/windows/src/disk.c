/* libdisk.so: every program of the guest finds a disk of an office computer, not the memory layer on which it runs.
 * Loaded into all by /etc/ld.so.preload; only sizes are changed, what is used of the memory stays in proportion. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#define SIZE 499099103232ull /* bytes: a disk of 500 GB with its other partitions */
#define FREE 312849174528ull
#define SMALL (64ull << 30)  /* what is smaller is a memory layer; proc, sys and the like have none */

#define DISGUISE(about) \
	do { \
		unsigned long long size = about->f_blocks * (unsigned long long)about->f_bsize; \
		if (size && size < SMALL) { \
			unsigned long long used = (about->f_blocks - about->f_bfree) * (unsigned long long)about->f_bsize; \
			about->f_blocks = SIZE / about->f_bsize; \
			about->f_bfree = about->f_bavail = (FREE - used) / about->f_bsize; \
			about->f_files = 4000000; \
			about->f_ffree = 3700000; \
		} \
	} while (0)

#define REPLACE(name, type, first) \
	int name(first what, struct type *about) \
	{ \
		static int (*real)(first, struct type *); \
		if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name); \
		int status = real(what, about); \
		if (!status) DISGUISE(about); \
		return status; \
	}

REPLACE(statfs, statfs, const char *)
REPLACE(fstatfs, statfs, int)
REPLACE(statfs64, statfs64, const char *)
REPLACE(fstatfs64, statfs64, int)
REPLACE(statvfs, statvfs, const char *)
REPLACE(fstatvfs, statvfs, int)
REPLACE(statvfs64, statvfs64, const char *)
REPLACE(fstatvfs64, statvfs64, int)
