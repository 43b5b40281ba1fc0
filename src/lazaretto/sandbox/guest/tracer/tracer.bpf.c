/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The programs that watch the guest's kernel for the processes of the account. Only records leave; nothing is decided.
 *
 * Most are fentry/fexit programs on the kernel's own functions below the system calls, so that 64-bit, i386 and io_uring
 * callers are seen by the same eyes, arguments are the kernel's copies (which the caller can change no more), and the
 * result is known. tracer.c loads and attaches them all; what it reads of them is declared in account.h.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "record.h"

#include "account.h"

#include "files.h"
#include "memory.h"
#include "network.h"
#include "processes.h"
#include "syscalls.h"
#include "wine.h"

