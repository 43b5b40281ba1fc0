/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What the tracer in the guest writes and lazaretto/sandbox/account/records.py reads.
 *
 * The tracer writes frames to its virtio port:
 *     frame  := u16 magic 0x5a4c, u8 type, u8 flags, u32 length, payload[length]      (little endian, length <= 1 MiB)
 * of type FRAME_RECORDS: payload is records one after the other, never split.
 *     record := struct record_head, u16 string_length[nstrings], bytes of the strings one after the other
 *
 * Kinds and the meaning of a[] are never used again for something else; new ones are added.
 * Paths are absolute in the mount namespace of the process, resolved by the kernel (not the argument of the call),
 * unless FLAG_UNRESOLVED says that the object was not found and the path is the argument as given.
 */
#ifndef LAZARETTO_RECORD_H
#define LAZARETTO_RECORD_H

#define FRAME_MAGIC 0x5a4c
#define FRAME_RECORDS 1 /* tracer: records */
#define FRAME_JSON 2    /* keeper, internet: one JSON message */
#define FRAME_BLOB 3    /* keeper, internet: begin of a blob: JSON {"id": n, "kind": ..., "name": ..., "size": n, ...} */
#define FRAME_DATA 4    /* u32 blob id, bytes */
#define FRAME_END 5     /* u32 blob id */

#define FLAG_UNRESOLVED 1
#define FLAG_CUT 2    /* a string was longer than its bound */
#define FLAG_COMPAT 4 /* a 32-bit process */

enum record_kind {
	R_FORK = 1,         /* a0 child pid (a new process, not a thread), a1 its pid as it sees itself */
	R_EXEC = 2,         /* s0 path, s1 argv (NUL between), s2 environment (NUL between), s3 working directory,
	                       s4 name given to execve (differs from s0 for scripts and links); a0 uid, a1 effective uid,
	                       a2 1 = the file has no name any more (memfd, deleted) */
	R_EXIT = 3,         /* a0 exit status as wait(2) gives it */
	R_OPEN = 4,         /* result 0 or -errno; a0 flags (bit 0x20: opened to be executed), a1 1 = created by this open,
	                       a2 mode_t of the file; s0 path, s1 the directory a relative name starts from (if unresolved) */
	R_WRITE = 5,        /* first write of an open file: a0 offset, a1 count, a2 1 = by a shared mapping (offset and count
	                       are those of the mapping); s0 path, s1 first bytes (64) */
	R_CLOSE_WRITE = 6,  /* last close of a file that was written: a0 bytes written, a1 size, a2 number of writes; s0 path */
	R_UNLINK = 7,       /* a0 1 = directory; s0 path */
	R_RENAME = 8,       /* s0 from, s1 to */
	R_LINK = 9,         /* s0 existing, s1 new */
	R_SYMLINK = 10,     /* s0 target as given, s1 new */
	R_MKDIR = 11,       /* s0 path */
	R_MKNOD = 12,       /* a0 mode, a1 device; s0 path */
	R_CHMOD = 13,       /* a0 mode; s0 path */
	R_CHOWN = 14,       /* a0 uid, a1 gid; s0 path */
	R_UTIMES = 15,      /* s0 path */
	R_XATTR = 16,       /* s0 path, s1 name; a0 1 = no attribute but inode flags (chattr): a1 FS_*_FL */
	R_TRUNCATE = 17,    /* a0 new size; s0 path */
	R_LISTDIR = 18,     /* first listing of an open directory: s0 path */
	R_MODULE_MAP = 19,  /* executable mapping of a file: a0 address, a1 length, a2 protection; s0 path */
	R_MEMORY = 20,      /* memory became executable: a0 address, a1 length, a2 protection, a3 bits: 1 anonymous mmap,
	                       2 mprotect, 4 was or stays writable, 8 private file page, 16 shared; s0 path if of a file */
	R_CONNECT = 21,     /* a0 family, a1 protocol (6, 17, ...), a2 port, a3 local port; s0 address bytes or unix path */
	R_BIND = 22,        /* as R_CONNECT with the local address */
	R_LISTEN = 23,      /* as R_BIND */
	R_ACCEPT = 24,      /* as R_CONNECT with the peer */
	R_SENDTO = 25,      /* first datagram to an address: as R_CONNECT, a4 size */
	R_SOCKET = 26,      /* raw, packet, netlink and other unusual sockets: a0 family, a1 type, a2 protocol */
	R_PTRACE = 27,      /* a0 target pid, a1 request */
	R_PROCESS_VM = 28,  /* a0 target pid, a1 1 = write, a2 size */
	R_SIGNAL = 29,      /* a0 target pid, a1 signal */
	R_SETUID = 30,      /* effective: a0 old uid, a1 new uid, a2 old gid, a3 new gid, a4 old, a5 new capability set */
	R_NAME = 31,        /* prctl(PR_SET_NAME): s0 */
	R_MOUNT = 32,       /* s0 device, s1 path, s2 type; a0 flags */
	R_KMODULE = 33,     /* a0 1 = load, 2 = unload, 3 = asked for on demand by the kernel; s0 name */
	R_BPF = 34,         /* a0 command */
	R_SYSCALL = 35,     /* a0 number, a1..a5 first arguments; FLAG_COMPAT: i386 number; s0 text argument where it has one.
	                       Waits (nanosleep, poll without files, ...) of 1 s and more: a5 ns to wait, written before it.
	                       clone, clone3: a1 flags, if new namespaces are asked for */
	R_VM_FOREIGN = 36,  /* /proc/PID/mem of another process: a0 target pid, a1 bits: 1 opened for writing, 2 written */
	R_WINE_DEBUG = 40,  /* one line that Wine's tracing wrote: s0 */
	R_WINE_NATIVE = 41, /* a native system service of Wine, at its return: a0 enum wine_native, a1..a5 and s0.. as there */
	R_JOIN = 50,        /* this process joined the account other than by fork: a0 enum join_reason */
	R_EMPTY = 51,       /* the last process of the account is gone */
	R_LOST = 60,        /* a0 records lost in the kernel so far */
};

/* R_MEMORY's a3: memory that was filled first and made executable then (2 and 4), and is no file's (8): loaders do that to
 * every library. What is mapped executable from the beginning holds nothing yet. */
#define MEMORY_KEPT (2 | 4 | 8)
#define MEMORY_FILLED (2 | 4)

/* What the tracer does, as its programs in the kernel must know: a record wakes it when it is asleep, and only one that cannot
 * wait while it gathers. */
enum asleep { AWAKE, ASLEEP, GATHERING };

enum join_reason { JOIN_SAMPLE = 1, JOIN_SERVICE = 2, JOIN_TASK = 3, JOIN_SESSION = 4, JOIN_INJECTED = 5 };

/* Services without an output (N_CLOSE, N_TERMINATE, N_DELAY, N_SHUTDOWN, N_RESUME) are reported at their entry, result 0:
 * they may take long or never return.
 *
 * a1.. of R_WINE_NATIVE; handles are numbers that only mean something inside one process (pid).
 * Object names: a1 = root handle, s0 = object name (UTF-16LE) of OBJECT_ATTRIBUTES. result = NTSTATUS. */
enum wine_native {
	N_CREATE_KEY = 1,    /* a1 root, a2 handle returned, a3 disposition (1 new, 2 existed); s0 name */
	N_OPEN_KEY = 2,      /* a1 root, a2 handle returned; s0 name */
	N_SET_VALUE = 3,     /* a1 key, a2 type, a3 size; s0 value name (UTF-16LE), s1 data (first 512 bytes) */
	N_DELETE_KEY = 4,    /* a1 key */
	N_DELETE_VALUE = 5,  /* a1 key; s0 value name */
	N_QUERY_VALUE = 6,   /* a1 key; s0 value name */
	N_CLOSE = 7,         /* a1 handle; only for handles that N_CREATE_KEY, N_OPEN_KEY or N_OPEN_PROCESS gave out */
	N_OPEN_PROCESS = 8,  /* a1 access mask, a2 handle returned, a3 Windows pid */
	N_CREATE_PROCESS = 9,/* a2 process handle, a3 thread handle, a4 Windows pid of the new; s0 image (UTF-16LE), s1 command line, s2 directory */
	N_WRITE_MEMORY = 10, /* a1 process handle, a2 address, a3 size; s0 first 64 bytes */
	N_READ_MEMORY = 11,  /* a1 process handle, a2 address, a3 size */
	N_PROTECT = 12,      /* a1 process handle, a2 address, a3 size, a4 new PAGE_*, a5 old PAGE_*: only if the new is
	                        executable, or another process */
	N_ALLOCATE = 13,     /* a1 process handle, a2 address, a3 size, a4 type, a5 PAGE_* : only if executable or another process */
	N_CREATE_THREAD = 14,/* a1 process handle, a2 start address, a3 thread handle, a4 flags: only if another process */
	N_QUEUE_APC = 15,    /* a1 thread handle, a2 function */
	N_SET_CONTEXT = 16,  /* a1 thread handle */
	N_RESUME = 17,       /* a1 thread handle */
	N_MAP_SECTION = 18,  /* a1 process handle, a2 address, a3 size, a5 PAGE_*: only if another process */
	N_UNMAP_SECTION = 19,/* a1 process handle, a2 address: only if another process */
	N_TERMINATE = 20,    /* a1 process handle, a2 exit code */
	N_CREATE_MUTANT = 21,/* s0 name */
	N_LOAD_DRIVER = 22,  /* s0 service key */
	N_DELAY = 23,        /* a1 100 ns units: only 1 s and more */
	N_PRIVILEGE = 24,    /* a1 count, a2 LUID of the first, a3 attributes */
	N_SET_FILE = 25,     /* NtSetInformationFile: a1 handle, a2 class (rename, disposition, basic): s0 new name */
	N_SHUTDOWN = 26,
	N_OPEN_THREAD = 27,  /* a1 access mask, a2 handle returned, a3 Windows pid, a4 Windows tid */
	N_QUERY_SYSTEM = 28, /* a1 class: only process, module, firmware and debugger classes */
	N_QUERY_PROCESS = 29,/* a1 process handle, a2 class: only debugger classes */
	N_HIDE_THREAD = 30,  /* NtSetInformationThread(ThreadHideFromDebugger): a1 thread handle */
	N_OPEN_MUTANT = 31,  /* s0 name */
	N_CREATE_FILE = 32,  /* NtCreateFile, NtOpenFile: a1 root, a2 handle returned, a3 access mask, a4 disposition in the
				lower half and options in the upper, a5 what was done (1 opened, 2 created, 3 emptied); s0 name */
};

/* Every field lies on its natural boundary, so the structure has no gaps. */
struct record_head {
	unsigned int size; /* of the whole record */
	unsigned short kind;
	unsigned char nstrings;
	unsigned char flags;
	unsigned long long time; /* CLOCK_MONOTONIC of the guest's first time namespace, ns */
	unsigned int pid;        /* thread group, in the guest's first pid namespace */
	unsigned int tid;
	unsigned int inner_pid; /* thread group as the process itself sees it */
	unsigned int uid;
	long long result;
	unsigned long long a[6];
};

_Static_assert(sizeof(struct record_head) == 88, "the head of a record has no gaps");

#endif
