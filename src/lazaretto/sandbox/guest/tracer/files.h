/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Files and directories, mounts. The hooks sit where the system calls and io_uring meet, above the file systems: overlayfs
 * calls vfs_*() again for its layers, and what it does there is not the process' doing. */

#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
#define FMODE_CREATED 0x100000
#define FMODE_NOACCOUNT 0x20000000 /* the open file that overlayfs keeps behind its own */
#define EIOCBQUEUED 529
#define SB_KERNMOUNT (1 << 22)

#define S_IFMT 00170000
#define S_IFBLK 0060000
#define S_IFREG 0100000
#define S_IFCHR 0020000

/* A mount that no namespace shows: a layer of an overlay. memfd and the like live in the kernel's own mounts, which have
 * SB_KERNMOUNT, and are the process' doing. */
static __always_inline bool in_layer(struct file *file)
{
	struct vfsmount *vfsmount = BPF_CORE_READ(file, f_path.mnt);
	struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
	long namespace = (long)BPF_CORE_READ(mount, mnt_ns);

	if (BPF_CORE_READ(file, f_mode) & FMODE_NOACCOUNT)
		return true;
	return (namespace == 0 || namespace == -EINVAL) && !(BPF_CORE_READ(vfsmount, mnt_sb, s_flags) & SB_KERNMOUNT);
}

/* --- open ---------------------------------------------------------------------------------------------------------- */

/* do_filp_open(): openat, openat2, creat, execve's open, io_uring. Returns the file or ERR_PTR(-errno); on failure there
 * is no object, so the name is reported as given, with the directory it starts from if it is relative. */
SEC("fexit/do_filp_open")
int BPF_PROG(on_open, int descriptor, struct filename *name, const struct open_flags *how, struct file *file)
{
	struct member *member = current_member();
	struct scratch *s;
	char first = 0;

	if (!member)
		return 0;
	s = begin(member, R_OPEN, 2);
	if (!s)
		return 0;
	s->head.a[0] = (u32)how->open_flag;
	if (!IS_ERROR(file)) {
		s->head.a[1] = !!(file->f_mode & FMODE_CREATED);
		s->head.a[2] = file->f_inode->i_mode;
		put_file(s, file);
		put_empty(s);
		emit(s);
		return 0;
	}
	s->head.result = (long)file;
	s->head.flags |= FLAG_UNRESOLVED;
	put_text(s, name->name, KERNEL);
	bpf_probe_read_kernel(&first, 1, name->name);
	if (first == '/')
		put_empty(s);
	else
		put_start(s, descriptor);
	emit(s);
	return 0;
}

/* iterate_dir(): getdents. Position 0 is the first of a series. */
SEC("fentry/iterate_dir")
int BPF_PROG(on_list, struct file *file)
{
	struct member *member = current_member();
	struct scratch *s;

	if (!member || file->f_pos != 0 || in_layer(file))
		return 0;
	s = begin(member, R_LISTDIR, 1);
	if (!s)
		return 0;
	put_file(s, file);
	emit(s);
	return 0;
}

/* --- content ------------------------------------------------------------------------------------------------------- */

/* Open files that a member wrote to. The close may be done by anybody, so the writer's identity is kept here. An entry goes
 * with the file in __fput(), which is called for every open file once, so an address cannot be mistaken for an older one. */
struct writing {
	u32 pid, tid, inner_pid, uid;
	u64 bytes, count;
	u8 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64); /* struct file */
	__type(value, struct writing);
} writings SEC(".maps");

static __always_inline bool has_content(struct file *file)
{
	u32 type = BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT;

	return type == S_IFREG || type == S_IFBLK || type == S_IFCHR;
}

/* `data` is in user memory or NULL. */
static __noinline int count_write(struct file *file, const void *data, u64 offset, u64 size, bool mapped)
{
	struct member *member = current_member();
	u64 key = (u64)file, id = bpf_get_current_pid_tgid();
	struct writing *known, new = {};
	struct scratch *s;

	if (!member || !file || !has_content(file) || in_layer(file))
		return 0;
	known = bpf_map_lookup_elem(&writings, &key);
	if (known) {
		known->bytes += mapped ? 0 : size;
		known->count += !mapped;
		return 0;
	}
	new.pid = id >> 32;
	new.tid = (u32)id;
	new.inner_pid = member->inner_pid;
	new.uid = (u32)bpf_get_current_uid_gid();
	new.bytes = mapped ? 0 : size;
	new.count = !mapped;
	new.flags = member->flags;
	if (bpf_map_update_elem(&writings, &key, &new, BPF_ANY)) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	s = begin(member, R_WRITE, 2);
	if (!s)
		return 0;
	s->head.a[0] = offset;
	s->head.a[1] = size;
	s->head.a[2] = mapped;
	put_file(s, file);
	put_bytes(s, data, size < 64 ? size : 64, 127, USER);
	emit(s);
	return 0;
}

static __always_inline u64 position_before(loff_t *position, u64 written)
{
	s64 after = 0;

	if (position)
		bpf_probe_read_kernel(&after, sizeof(after), position);
	return after >= (s64)written ? after - written : 0;
}

/* vfs_write(): write, pwrite64. *position was moved past what was written. */
SEC("fexit/vfs_write")
int BPF_PROG(on_write, struct file *file, const char *buffer, size_t count, loff_t *position, long result)
{
	if (result > 0 && current_member())
		count_write(file, buffer, position_before(position, result), result, false);
	return 0;
}

/* The data of the first element of a user's iovec. */
static __always_inline const void *first_of_vector(const struct iovec *vector, bool compat)
{
	u32 base32 = 0;
	u64 base = 0;

	if (!compat) {
		bpf_probe_read_user(&base, sizeof(base), vector);
		return (void *)base;
	}
	bpf_probe_read_user(&base32, sizeof(base32), vector);
	return (void *)(u64)base32;
}

/* vfs_writev(): writev, pwritev, pwritev2. */
SEC("fexit/vfs_writev")
int BPF_PROG(on_writev, struct file *file, const struct iovec *vector, unsigned long elements, loff_t *position, int flags,
	     long result)
{
	struct member *member = current_member();

	if (result > 0 && member)
		count_write(file, first_of_vector(vector, member->flags & FLAG_COMPAT), position_before(position, result), result,
			    false);
	return 0;
}

/* io_uring's write. First it is tried without waiting, which may give -EAGAIN, then by a worker thread of the process. 0: it
 * is done and the position moved on; -EIOCBQUEUED: it goes on in the background, and the size asked for is all that is known. */
SEC("fexit/io_write")
int BPF_PROG(on_uring_write, struct io_kiocb *request, unsigned int flags, int result)
{
	struct io_rw *write = (void *)request;
	u64 size, position;

	if ((result && result != -EIOCBQUEUED) || !current_member())
		return 0;
	size = BPF_CORE_READ(write, len);
	position = BPF_CORE_READ(write, kiocb.ki_pos);
	if (!result && position >= size)
		position -= size;
	count_write(request->file, (void *)BPF_CORE_READ(write, addr), position, size, false);
	return 0;
}

/* splice, tee's kin: from a pipe. */
SEC("fexit/do_splice")
int BPF_PROG(on_splice, struct file *in, loff_t *in_offset, struct file *out, loff_t *out_offset, size_t length,
	     unsigned int flags, long result)
{
	if (result > 0 && current_member())
		count_write(out, NULL, out_offset ? position_before(out_offset, result) : 0, result, false);
	return 0;
}

/* sendfile, and copy_file_range on file systems that have none of their own. */
SEC("fexit/do_splice_direct")
int BPF_PROG(on_sendfile, struct file *in, loff_t *in_offset, struct file *out, loff_t *out_offset, size_t length,
	     unsigned int flags, long result)
{
	if (result > 0 && current_member())
		count_write(out, NULL, position_before(out_offset, result), result, false);
	return 0;
}

SEC("fexit/vfs_copy_file_range")
int BPF_PROG(on_copy_range, struct file *in, loff_t in_offset, struct file *out, loff_t out_offset, size_t length,
	     unsigned int flags, long result)
{
	if (result > 0 && current_member() && BPF_CORE_READ(out, f_op, copy_file_range))
		count_write(out, NULL, out_offset, result, false);
	return 0;
}

/* The last reference to an open file is gone; called for every file of the guest, so the look-up comes first. */
SEC("fentry/__fput")
int BPF_PROG(on_last_close, struct file *file)
{
	u64 key = (u64)file;
	struct writing *writing = bpf_map_lookup_elem(&writings, &key);
	struct member writer;
	struct scratch *s;

	if (!writing)
		return 0;
	writer.inner_pid = writing->inner_pid;
	writer.flags = writing->flags;
	s = begin(&writer, R_CLOSE_WRITE, 1);
	if (s) {
		s->head.pid = writing->pid;
		s->head.tid = writing->tid;
		s->head.uid = writing->uid;
		s->head.a[0] = writing->bytes;
		s->head.a[1] = file->f_inode->i_size;
		s->head.a[2] = writing->count;
		put_file(s, file);
		emit(s);
	}
	bpf_map_delete_elem(&writings, &key);
	return 0;
}

static __always_inline int truncated_file(struct file *file, loff_t size, long result)
{
	struct member *member = current_member();
	struct scratch *s;

	if (!member)
		return 0;
	s = begin(member, R_TRUNCATE, 1);
	if (!s)
		return 0;
	s->head.result = result;
	s->head.a[0] = size;
	put_file(s, file);
	emit(s);
	return 0;
}

#define ATTR_OPEN (1 << 15) /* O_TRUNC, which R_OPEN's flags tell */

/* do_truncate() with a file is ftruncate(); without, vfs_truncate() has the path. */
SEC("fexit/do_truncate")
int BPF_PROG(on_ftruncate, struct user_namespace *ns, struct dentry *dentry, loff_t length, unsigned int attributes,
	     struct file *file, int result)
{
	if (file && !(attributes & ATTR_OPEN) && current_member())
		truncated_file(file, length, result);
	return 0;
}

SEC("fexit/vfs_truncate")
int BPF_PROG(on_truncate, const struct path *path, loff_t length, long result)
{
	struct member *member = current_member();
	struct scratch *s;

	if (!member)
		return 0;
	s = begin(member, R_TRUNCATE, 1);
	if (!s)
		return 0;
	s->head.result = result;
	s->head.a[0] = length;
	put_path(s, path);
	emit(s);
	return 0;
}

/* --- names --------------------------------------------------------------------------------------------------------- */

/* unlink, rename and their kin: do_*() has the names as given and the result; security_path_*(), which it calls once the
 * names are found, has the objects. The record is made in the second and sent at the end of the first. When the second is
 * never reached the names were not found. do_*() frees its struct filename: the user's pointers are noted at its entry. */
#define CALL_RECORD 8448

struct call {
	u16 kind; /* 0: none is under way */
	u32 size; /* of the record; 0: not found yet */
	int descriptor[2];
	const char *name[2]; /* user memory */
	u8 record[CALL_RECORD];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline struct call *current_call(u64 flags)
{
	return bpf_task_storage_get(&calls, bpf_get_current_task_btf(), NULL, flags);
}

static __always_inline int begin_call(u16 kind, struct filename *first, struct filename *second)
{
	struct call *call;

	if (!current_member())
		return 0;
	call = current_call(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call)
		return 0;
	call->kind = kind;
	call->size = 0;
	call->name[0] = IS_ERROR(first) ? NULL : BPF_CORE_READ(first, uptr);
	call->name[1] = IS_ERROR(second) ? NULL : BPF_CORE_READ(second, uptr);
	return 0;
}

/* The record for the call under way, if it is of this kind. security_path_*() has other callers too. */
static __always_inline struct scratch *begin_found(u16 kind, u8 nstrings)
{
	struct member *member = current_member();
	struct call *call;

	if (!member)
		return NULL;
	call = current_call(0);
	return call && call->kind == kind && !call->size ? begin(member, kind, nstrings) : NULL;
}

static __always_inline void keep_found(struct scratch *s)
{
	struct call *call = current_call(0);
	u64 size = s->used;

	barrier_var(size);
	if (!call || size > CALL_RECORD)
		return;
	s->head.size = size;
	if (!bpf_probe_read_kernel(call->record, size, s->bytes))
		call->size = size;
}

static __always_inline int end_call(u16 kind, u8 nstrings, long result)
{
	struct member *member = current_member();
	struct record_head *head;
	struct scratch *s;
	struct call *call;
	u64 size;

	if (!member)
		return 0;
	call = current_call(0);
	if (!call || call->kind != kind)
		return 0;
	call->kind = 0;
	size = call->size;
	barrier_var(size);
	if (size > CALL_RECORD)
		return 0;
	barrier_var(size);
	if (size) {
		head = (struct record_head *)call->record;
		head->result = result;
		head->time = bpf_ktime_get_ns();
		send(call->record, size);
		return 0;
	}
	s = begin(member, kind, nstrings);
	if (!s)
		return 0;
	s->head.result = result;
	s->head.flags |= FLAG_UNRESOLVED;
	put_text(s, call->name[0], USER);
	if (nstrings > 1)
		put_text(s, call->name[1], USER);
	emit(s);
	return 0;
}

SEC("fentry/do_unlinkat")
int BPF_PROG(on_unlink, int descriptor, struct filename *name)
{
	return begin_call(R_UNLINK, name, NULL);
}

SEC("fentry/security_path_unlink")
int BPF_PROG(on_unlink_found, const struct path *directory, struct dentry *dentry)
{
	struct scratch *s = begin_found(R_UNLINK, 1);

	if (!s)
		return 0;
	put_path_of(s, directory->mnt, dentry);
	keep_found(s);
	return 0;
}

SEC("fexit/do_unlinkat")
int BPF_PROG(on_unlink_done, int descriptor, struct filename *name, int result)
{
	return end_call(R_UNLINK, 1, result);
}

SEC("fentry/do_rmdir")
int BPF_PROG(on_rmdir, int descriptor, struct filename *name)
{
	return begin_call(R_UNLINK, name, NULL);
}

SEC("fentry/security_path_rmdir")
int BPF_PROG(on_rmdir_found, const struct path *directory, struct dentry *dentry)
{
	struct scratch *s = begin_found(R_UNLINK, 1);

	if (!s)
		return 0;
	s->head.a[0] = 1;
	put_path_of(s, directory->mnt, dentry);
	keep_found(s);
	return 0;
}

SEC("fexit/do_rmdir")
int BPF_PROG(on_rmdir_done, int descriptor, struct filename *name, int result)
{
	return end_call(R_UNLINK, 1, result);
}

SEC("fentry/do_renameat2")
int BPF_PROG(on_rename, int old_descriptor, struct filename *from, int new_descriptor, struct filename *to)
{
	return begin_call(R_RENAME, from, to);
}

SEC("fentry/security_path_rename")
int BPF_PROG(on_rename_found, const struct path *old_directory, struct dentry *old, const struct path *new_directory,
	     struct dentry *new)
{
	struct scratch *s = begin_found(R_RENAME, 2);

	if (!s)
		return 0;
	put_path_of(s, old_directory->mnt, old);
	put_path_of(s, new_directory->mnt, new);
	keep_found(s);
	return 0;
}

SEC("fexit/do_renameat2")
int BPF_PROG(on_rename_done, int old_descriptor, struct filename *from, int new_descriptor, struct filename *to,
	     unsigned int flags, int result)
{
	return end_call(R_RENAME, 2, result);
}

SEC("fentry/do_linkat")
int BPF_PROG(on_link, int old_descriptor, struct filename *old, int new_descriptor, struct filename *new)
{
	return begin_call(R_LINK, old, new);
}

/* Both names of a hard link lie in one mount. */
SEC("fentry/security_path_link")
int BPF_PROG(on_link_found, struct dentry *old, const struct path *new_directory, struct dentry *new)
{
	struct scratch *s = begin_found(R_LINK, 2);

	if (!s)
		return 0;
	put_path_of(s, new_directory->mnt, old);
	put_path_of(s, new_directory->mnt, new);
	keep_found(s);
	return 0;
}

SEC("fexit/do_linkat")
int BPF_PROG(on_link_done, int old_descriptor, struct filename *old, int new_descriptor, struct filename *new, int flags,
	     int result)
{
	return end_call(R_LINK, 2, result);
}

SEC("fentry/do_symlinkat")
int BPF_PROG(on_symlink, struct filename *target, int descriptor, struct filename *new)
{
	return begin_call(R_SYMLINK, target, new);
}

SEC("fentry/security_path_symlink")
int BPF_PROG(on_symlink_found, const struct path *directory, struct dentry *dentry, const char *target)
{
	struct scratch *s = begin_found(R_SYMLINK, 2);

	if (!s)
		return 0;
	put_text(s, target, KERNEL);
	put_path_of(s, directory->mnt, dentry);
	keep_found(s);
	return 0;
}

SEC("fexit/do_symlinkat")
int BPF_PROG(on_symlink_done, struct filename *target, int descriptor, struct filename *new, int result)
{
	return end_call(R_SYMLINK, 2, result);
}

SEC("fentry/do_mkdirat")
int BPF_PROG(on_mkdir, int descriptor, struct filename *name)
{
	return begin_call(R_MKDIR, name, NULL);
}

SEC("fentry/security_path_mkdir")
int BPF_PROG(on_mkdir_found, const struct path *directory, struct dentry *dentry)
{
	struct scratch *s = begin_found(R_MKDIR, 1);

	if (!s)
		return 0;
	put_path_of(s, directory->mnt, dentry);
	keep_found(s);
	return 0;
}

SEC("fexit/do_mkdirat")
int BPF_PROG(on_mkdir_done, int descriptor, struct filename *name, umode_t mode, int result)
{
	return end_call(R_MKDIR, 1, result);
}

SEC("fentry/do_mknodat")
int BPF_PROG(on_mknod, int descriptor, struct filename *name)
{
	return begin_call(R_MKNOD, name, NULL);
}

SEC("fentry/security_path_mknod")
int BPF_PROG(on_mknod_found, const struct path *directory, struct dentry *dentry, umode_t mode, unsigned int device)
{
	struct scratch *s = begin_found(R_MKNOD, 1);

	if (!s)
		return 0;
	s->head.a[0] = mode;
	s->head.a[1] = device;
	put_path_of(s, directory->mnt, dentry);
	keep_found(s);
	return 0;
}

SEC("fexit/do_mknodat")
int BPF_PROG(on_mknod_done, int descriptor, struct filename *name, umode_t mode, unsigned int device, int result)
{
	return end_call(R_MKNOD, 1, result);
}

/* --- attributes ---------------------------------------------------------------------------------------------------- */

/* A record that is a path, a result and up to two numbers. */
static __always_inline int report_path(u16 kind, const struct path *path, u64 a0, u64 a1, long result)
{
	struct member *member = current_member();
	struct scratch *s;

	if (!member)
		return 0;
	s = begin(member, kind, 1);
	if (!s)
		return 0;
	s->head.result = result;
	s->head.a[0] = a0;
	s->head.a[1] = a1;
	put_path(s, path);
	emit(s);
	return 0;
}

SEC("fexit/chmod_common")
int BPF_PROG(on_chmod, const struct path *path, umode_t mode, int result)
{
	return report_path(R_CHMOD, path, mode, 0, result);
}

/* -1 leaves the owner or the group as it is. */
SEC("fexit/chown_common")
int BPF_PROG(on_chown, const struct path *path, u32 user, u32 group, int result)
{
	return report_path(R_CHOWN, path, user, group, result);
}

SEC("fexit/vfs_utimes")
int BPF_PROG(on_utimes, const struct path *path, struct timespec64 *times, int result)
{
	return report_path(R_UTIMES, path, 0, 0, result);
}

/* Attribute calls have a dentry and no mount. The mount is looked for among those of the file system: one in the
 * process' namespace. None: it is a layer of an overlay, not the process' doing. */
struct mount_search {
	struct list_head *node, *end;
	struct mnt_namespace *namespace;
	struct mount *found;
};

static long next_mount(u32 step, struct mount_search *search)
{
	struct list_head *node = search->node;
	struct mount *mount = (void *)node - bpf_core_field_offset(struct mount, mnt_instance);

	if (node == search->end || !node)
		return 1;
	if (BPF_CORE_READ(mount, mnt_ns) == search->namespace) {
		search->found = mount;
		return 1;
	}
	search->node = BPF_CORE_READ(node, next);
	return 0;
}

static __always_inline struct vfsmount *mount_of(struct dentry *dentry)
{
	struct super_block *super = BPF_CORE_READ(dentry, d_sb);
	struct task_struct *task = (void *)bpf_get_current_task();
	struct mount_search search = {
		.node = BPF_CORE_READ(super, s_mounts.next),
		.end = (void *)super + bpf_core_field_offset(struct super_block, s_mounts),
		.namespace = BPF_CORE_READ(task, nsproxy, mnt_ns),
	};

	bpf_loop(100, next_mount, &search, 0);
	return search.found ? (void *)search.found + bpf_core_field_offset(struct mount, mnt) : NULL;
}

/* do_setxattr(): setxattr and its kin, io_uring. */
SEC("fexit/do_setxattr")
int BPF_PROG(on_xattr, struct user_namespace *ns, struct dentry *dentry, struct xattr_ctx *attribute, int result)
{
	struct member *member = current_member();
	struct vfsmount *mount;
	struct scratch *s;

	if (!member)
		return 0;
	mount = mount_of(dentry);
	s = begin(member, R_XATTR, 2);
	if (!s)
		return 0;
	s->head.result = result;
	put_path_of(s, mount, dentry);
	put_text(s, BPF_CORE_READ(attribute, kname), KERNEL);
	emit(s);
	return 0;
}

/* chattr: FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR. Overlayfs calls it again for its upper layer. */
SEC("fexit/vfs_fileattr_set")
int BPF_PROG(on_inode_flags, struct user_namespace *ns, struct dentry *dentry, struct fileattr *attributes, int result)
{
	struct member *member = current_member();
	struct vfsmount *mount;
	struct scratch *s;

	if (!member)
		return 0;
	mount = mount_of(dentry);
	if (!mount)
		return 0;
	s = begin(member, R_XATTR, 2);
	if (!s)
		return 0;
	s->head.result = result;
	s->head.a[0] = 1;
	s->head.a[1] = attributes->flags;
	put_path_of(s, mount, dentry);
	put_empty(s);
	emit(s);
	return 0;
}

/* --- mounts -------------------------------------------------------------------------------------------------------- */

SEC("fexit/path_mount")
int BPF_PROG(on_mount, const char *device, struct path *path, const char *type, unsigned long flags, void *data, int result)
{
	struct member *member = current_member();
	struct scratch *s;

	if (!member)
		return 0;
	s = begin(member, R_MOUNT, 3);
	if (!s)
		return 0;
	s->head.result = result;
	s->head.a[0] = flags;
	put_text(s, device, KERNEL);
	put_path(s, path);
	put_text(s, type, KERNEL);
	emit(s);
	return 0;
}
