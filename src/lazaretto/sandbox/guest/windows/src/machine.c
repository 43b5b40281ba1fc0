/* libmachine.so: every program of the guest finds the machine of an office computer, not the small virtual one on which it
 * runs: size of the disk, memory, number of processors. Loaded into all by /etc/ld.so.preload. What Wine reads from files
 * (/proc/meminfo) is covered by files of the session (profile.toml, masks). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
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

/* ---- the shared page ---------------------------------------------------------------------------------------------
 *
 * The time in the page that all processes share is kept by Wine's server, which wakes for it once a second (repaint.c) and
 * for every request. A wait of a process alone, which is select() without files, is none: who comes back from one writes the
 * time itself, before the program can look. */

#define PAGE ((void *)0x7ffe0000)
#define FROM_1601 116444736000000000ull /* 1970, in units of 100 ns */

struct time_parts { /* KSYSTEM_TIME: read high1, low, high2 until both high parts agree */
	uint32_t low, high1, high2;
};

struct shared_page { /* KUSER_SHARED_DATA */
	uint32_t old_ticks, multiplier;
	struct time_parts interrupt_time, system_time;
	char others[0x320 - 0x20];
	struct time_parts ticks;
};

static volatile struct shared_page *page;

static void set_time(volatile struct time_parts *to, uint64_t value)
{
	to->high2 = value >> 32;
	to->low = value;
	to->high1 = value >> 32;
}

static uint64_t now(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return time.tv_sec * 10000000ull + time.tv_nsec / 100;
}

static void keep_time(void)
{
	uint64_t since_start = now(CLOCK_MONOTONIC_RAW); /* as the server has it */
	set_time(&page->system_time, now(CLOCK_REALTIME) + FROM_1601);
	set_time(&page->interrupt_time, since_start);
	set_time(&page->ticks, since_start / 10000);
	page->old_ticks = since_start / 10000;
}

#define REPLACE_SELECT(name, type) \
	int name(int count, fd_set *in, fd_set *out, fd_set *other, type *timeout) \
	{ \
		static int (*real)(int, fd_set *, fd_set *, fd_set *, type *); \
		if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name); \
		int status = real(count, in, out, other, timeout); \
		if (!count && page) keep_time(); \
		return status; \
	}

REPLACE_SELECT(select, struct timeval)
#ifdef __i386__
REPLACE_SELECT(__select64, void) /* with seconds of 64 bits */
#endif

static void *map(void *at, size_t length, int protection, int flags, int file, off64_t offset)
{
	static void *(*real)(void *, size_t, int, int, int, off64_t);
	if (!real) *(void **)&real = dlsym(RTLD_NEXT, "mmap64");
	void *mapped = real(at, length, protection, flags, file, offset);
	if (at == PAGE && mapped == PAGE && file >= 0 && !page) {
		void *own = real(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		if (own != MAP_FAILED) page = own;
	}
	return mapped;
}

void *mmap(void *at, size_t length, int protection, int flags, int file, off_t offset)
{
	return map(at, length, protection, flags, file, offset);
}

void *mmap64(void *at, size_t length, int protection, int flags, int file, off64_t offset)
{
	return map(at, length, protection, flags, file, offset);
}
