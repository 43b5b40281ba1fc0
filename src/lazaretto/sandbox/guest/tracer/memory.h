/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Memory that programs run from. */

#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_SHARED 1 /* MAP_SHARED_VALIDATE, 3, has this bit too; MAP_PRIVATE, 2, has not */
#define VM_WRITE 2
#define VM_EXEC 4
#define VM_SHARED 8
#define READ_IMPLIES_EXEC 0x0400000

enum memory_bits { MEMORY_MMAP = 1, MEMORY_MPROTECT = 2, MEMORY_WRITABLE = 4, MEMORY_FILE = 8, MEMORY_SHARED = 16 };

/* Code that the process made: what it could write, and no file's. */
static __always_inline void note_made_code(struct member *member, u64 bits)
{
	if (bits & MEMORY_WRITABLE && !(bits & MEMORY_FILE))
		member->code = 1;
}

/* vm_mmap_pgoff(): mmap of 64 and 32 bit, and the kernel's own mapping of programs in exec. Returns address or -errno.
 * A writable shared mapping is a write to the file, of which the kernel sees nothing further. */
SEC("fexit/vm_mmap_pgoff")
int BPF_PROG(on_mmap, struct file *file, unsigned long address, unsigned long length, unsigned long protection,
	     unsigned long flags, unsigned long page, unsigned long result)
{
	struct member *member = current_member();
	struct scratch *s;

	if (!member || IS_ERROR(result))
		return 0;
	if (protection & PROT_READ && bpf_get_current_task_btf()->personality & READ_IMPLIES_EXEC)
		protection |= PROT_EXEC;
	if (file && flags & MAP_SHARED && protection & PROT_WRITE)
		count_write(file, NULL, page << 12, length, true);
	if (!(protection & PROT_EXEC))
		return 0;
	s = begin(member, file ? R_MODULE_MAP : R_MEMORY, file ? 1 : 0);
	if (!s)
		return 0;
	s->head.a[0] = result;
	s->head.a[1] = length;
	s->head.a[2] = protection;
	if (file)
		put_file(s, file);
	else
		s->head.a[3] = MEMORY_MMAP | (protection & PROT_WRITE ? MEMORY_WRITABLE : 0) |
			       (flags & MAP_SHARED ? MEMORY_SHARED : 0);
	note_made_code(member, s->head.a[3]);
	emit(s);
	return 0;
}

/* mprotect_fixup(): one mapping's part of an mprotect, after all checks. Private pages that were once written have an
 * anon_vma, also when the mapping is read-only now. */
SEC("fentry/mprotect_fixup")
int BPF_PROG(on_mprotect, struct mmu_gather *gather, struct vm_area_struct *area, struct vm_area_struct **previous,
	     unsigned long start, unsigned long end, unsigned long flags)
{
	struct member *member = current_member();
	unsigned long old;
	bool becomes_executable, becomes_writable;
	struct file *file;
	struct scratch *s;

	if (!member)
		return 0;
	old = area->vm_flags;
	becomes_executable = !(old & VM_EXEC);
	becomes_writable = flags & VM_WRITE && !(old & VM_WRITE);
	if (!(flags & VM_EXEC) || !(becomes_executable || becomes_writable))
		return 0;
	file = area->vm_file;
	s = begin(member, R_MEMORY, 1);
	if (!s)
		return 0;
	s->head.a[0] = start;
	s->head.a[1] = end - start;
	s->head.a[2] = flags & 7; /* VM_READ, VM_WRITE, VM_EXEC have the values of PROT_* */
	s->head.a[3] = MEMORY_MPROTECT;
	if ((old | flags) & VM_WRITE || (!(old & VM_SHARED) && area->anon_vma))
		s->head.a[3] |= MEMORY_WRITABLE;
	if (old & VM_SHARED)
		s->head.a[3] |= MEMORY_SHARED;
	else if (file)
		s->head.a[3] |= MEMORY_FILE;
	note_made_code(member, s->head.a[3]);
	if (file)
		put_file(s, file);
	else
		put_empty(s);
	emit(s);
	return 0;
}
