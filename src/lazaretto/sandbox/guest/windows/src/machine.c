/* libmachine.so: every program of the guest finds the machine of an office computer, not the small virtual one on which it
 * runs: size of the disk, memory, number of processors. Loaded into all by /etc/ld.so.preload. What Wine reads from files
 * (/proc/meminfo) is covered by files of the session (profile.toml, masks). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SIZE 499099103232ull /* bytes: a disk of 500 GB with its other partitions */
#define FREE 312849174528ull
#define SMALL (64ull << 30)  /* what is smaller is a memory layer; proc, sys and the like have none */

#define MEMORY (8245304ull << 10)
#define PROCESSORS 6

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

long sysconf(int name)
{
	static long (*real)(int);
	if (name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF) return PROCESSORS;
	if (!real) *(void **)&real = dlsym(RTLD_NEXT, "sysconf");
	return name == _SC_PHYS_PAGES ? (long)(MEMORY / 4096) : name == _SC_AVPHYS_PAGES ? (long)(MEMORY / 2 / 4096) : real(name);
}

/* as the kernel has it; the header wants more than the 32-bit compiler of the builder has */
struct sysinfo {
	long uptime;
	unsigned long loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	unsigned short procs, pad;
	unsigned long totalhigh, freehigh;
	unsigned int mem_unit;
};

int sysinfo(struct sysinfo *about)
{
	static int (*real)(struct sysinfo *);
	if (!real) *(void **)&real = dlsym(RTLD_NEXT, "sysinfo");
	int status = real(about);
	if (status) return status;
	about->mem_unit = 4096;
	about->totalram = MEMORY / 4096;
	about->freeram = MEMORY / 2 / 4096;
	about->sharedram = about->bufferram = MEMORY / 64 / 4096;
	about->totalswap = about->freeswap = MEMORY / 8 / 4096;
	return 0;
}
