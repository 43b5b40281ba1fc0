/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Sockets. The hooks are the protocols' own functions, under the system calls, io_uring and fast open alike; addresses are
 * the kernel's copies. Families other than AF_UNIX and AF_INET* only show that such a socket was made. */

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define ADDRESS_PATH 2 /* offset of sun_path */
#define ADDRESS_PATH_MAX 108

struct endpoint {
	u16 family;
	u16 port; /* host order */
	u8 bytes[16];
};

/* False: an address of another family. */
static __always_inline bool read_endpoint(struct endpoint *end, const void *address)
{
	struct sockaddr_in in = {};
	struct sockaddr_in6 in6 = {};

	__builtin_memset(end, 0, sizeof(*end));
	bpf_probe_read_kernel(&end->family, sizeof(end->family), address);
	if (end->family == AF_INET) {
		bpf_probe_read_kernel(&in, sizeof(in), address);
		end->port = bpf_ntohs(in.sin_port);
		__builtin_memcpy(end->bytes, &in.sin_addr, 4);
		return true;
	}
	if (end->family == AF_INET6) {
		bpf_probe_read_kernel(&in6, sizeof(in6), address);
		end->port = bpf_ntohs(in6.sin6_port);
		__builtin_memcpy(end->bytes, &in6.sin6_addr, 16);
		return true;
	}
	return false;
}

static __always_inline void peer_of(struct endpoint *end, struct sock *sock)
{
	struct sock_common *c = &sock->__sk_common;

	__builtin_memset(end, 0, sizeof(*end));
	end->family = c->skc_family;
	end->port = bpf_ntohs(c->skc_dport);
	if (end->family == AF_INET)
		bpf_probe_read_kernel(end->bytes, 4, &c->skc_daddr);
	else
		bpf_probe_read_kernel(end->bytes, 16, &c->skc_v6_daddr);
}

static __always_inline void local_of(struct endpoint *end, struct sock *sock)
{
	struct sock_common *c = &sock->__sk_common;

	__builtin_memset(end, 0, sizeof(*end));
	end->family = c->skc_family;
	end->port = c->skc_num;
	if (end->family == AF_INET)
		bpf_probe_read_kernel(end->bytes, 4, &c->skc_rcv_saddr);
	else
		bpf_probe_read_kernel(end->bytes, 16, &c->skc_v6_rcv_saddr);
}

/* ::ffff:a.b.c.d: the IPv6 functions hand these to the IPv4 ones, which report them. */
static __always_inline bool is_mapped(const struct endpoint *end)
{
	const u32 *words = (const u32 *)end->bytes;

	return end->family == AF_INET6 && !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

static __always_inline int report_endpoint(u16 kind, const struct endpoint *end, struct sock *sock, u64 size, long result)
{
	struct member *member = current_member();
	struct scratch *s;

	if (!member)
		return 0;
	s = begin(member, kind, 1);
	if (!s)
		return 0;
	s->head.result = result;
	s->head.a[0] = end->family;
	s->head.a[1] = sock->sk_protocol;
	s->head.a[2] = end->port;
	s->head.a[3] = sock->__sk_common.skc_num;
	s->head.a[4] = size;
	put_bytes(s, end->bytes, end->family == AF_INET ? 4 : 16, 31, KERNEL);
	emit(s);
	return 0;
}

/* --- sockets of Windows programs ---------------------------------------------------------------------------------- */

/* They belong to Wine's server, which binds them and lets them listen while the program waits for its answer
 * (wine.h: native_ioctl()). What a process outside of the account did last: */
struct by_server {
	struct endpoint end;
	u16 kind; /* 0: nothing */
	u16 protocol;
	u16 port; /* local */
	s32 result;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct by_server);
} by_server SEC(".maps");

static __always_inline int keep_by_server(u16 kind, const struct endpoint *end, struct sock *sock, long result)
{
	u32 zero = 0;
	struct by_server *last = bpf_map_lookup_elem(&by_server, &zero);

	if (!last)
		return 0;
	last->end = *end;
	last->kind = kind;
	last->protocol = sock->sk_protocol;
	last->port = sock->__sk_common.skc_num;
	last->result = result;
	return 0;
}

static __always_inline void forget_by_server(void)
{
	u32 zero = 0;
	struct by_server *last = bpf_map_lookup_elem(&by_server, &zero);

	if (last)
		last->kind = 0;
}

/* What the server did of that kind since then, it did for this process. */
static __always_inline void report_by_server(struct member *member, u16 kind)
{
	u32 zero = 0;
	struct by_server *last = bpf_map_lookup_elem(&by_server, &zero);
	struct scratch *s;

	if (!last || last->kind != kind)
		return;
	last->kind = 0;
	s = begin(member, kind, 1);
	if (!s)
		return;
	s->head.result = last->result;
	s->head.a[0] = last->end.family;
	s->head.a[1] = last->protocol;
	s->head.a[2] = last->end.port;
	s->head.a[3] = last->port;
	put_bytes(s, last->end.bytes, last->end.family == AF_INET ? 4 : 16, 31, KERNEL);
	emit(s);
}

/* --- connect ------------------------------------------------------------------------------------------------------- */

static __always_inline int connected(struct sock *sock, struct sockaddr *address, long result)
{
	struct endpoint end;

	if (!current_member() || !read_endpoint(&end, address) || is_mapped(&end))
		return 0;
	return report_endpoint(R_CONNECT, &end, sock, 0, result);
}

/* tcp_v4_connect(): the first packet is out when it returns 0; the answer may still be a refusal. */
SEC("fexit/tcp_v4_connect")
int BPF_PROG(on_tcp4, struct sock *sock, struct sockaddr *address, int length, int result)
{
	return connected(sock, address, result);
}

SEC("fexit/tcp_v6_connect")
int BPF_PROG(on_tcp6, struct sock *sock, struct sockaddr *address, int length, int result)
{
	return connected(sock, address, result);
}

/* Datagram and raw sockets: sets where to send, sends nothing. */
SEC("fexit/ip4_datagram_connect")
int BPF_PROG(on_datagram4, struct sock *sock, struct sockaddr *address, int length, int result)
{
	return connected(sock, address, result);
}

SEC("fexit/ip6_datagram_connect")
int BPF_PROG(on_datagram6, struct sock *sock, struct sockaddr *address, int length, int result)
{
	return connected(sock, address, result);
}

/* A name that begins with NUL is an abstract one, of the length given; else it is a path, which the kernel has ended with NUL. */
static __always_inline int report_unix(u16 kind, struct sock *sock, struct sockaddr *address, int length, long result)
{
	struct member *member = current_member();
	struct scratch *s;
	u16 family = 0;
	char first = 0;

	if (!member)
		return 0;
	bpf_probe_read_kernel(&family, sizeof(family), address);
	bpf_probe_read_kernel(&first, 1, (void *)address + ADDRESS_PATH);
	if (family != AF_UNIX || length < ADDRESS_PATH || length > ADDRESS_PATH + ADDRESS_PATH_MAX)
		return 0;
	s = begin(member, kind, 1);
	if (!s)
		return 0;
	s->head.result = result;
	s->head.a[0] = AF_UNIX;
	if (first)
		put_text(s, (void *)address + ADDRESS_PATH, KERNEL);
	else
		put_bytes(s, (void *)address + ADDRESS_PATH, length - ADDRESS_PATH, 127, KERNEL);
	emit(s);
	return 0;
}

SEC("fexit/unix_stream_connect")
int BPF_PROG(on_unix_stream, struct socket *socket, struct sockaddr *address, int length, int flags, int result)
{
	return report_unix(R_CONNECT, socket->sk, address, length, result);
}

SEC("fexit/unix_dgram_connect")
int BPF_PROG(on_unix_datagram, struct socket *socket, struct sockaddr *address, int length, int flags, int result)
{
	return report_unix(R_CONNECT, socket->sk, address, length, result);
}

/* --- bind, listen, accept ------------------------------------------------------------------------------------------ */

/* Bound to port 0: the port that was chosen is in a3. */
static __always_inline int bound(struct socket *socket, struct sockaddr *address, long result)
{
	struct endpoint end;

	if (!read_endpoint(&end, address))
		return 0;
	if (!result)
		end.port = socket->sk->__sk_common.skc_num;
	if (!current_member())
		return keep_by_server(R_BIND, &end, socket->sk, result);
	return report_endpoint(R_BIND, &end, socket->sk, 0, result);
}

SEC("fexit/inet_bind")
int BPF_PROG(on_bind4, struct socket *socket, struct sockaddr *address, int length, int result)
{
	return bound(socket, address, result);
}

SEC("fexit/inet6_bind")
int BPF_PROG(on_bind6, struct socket *socket, struct sockaddr *address, int length, int result)
{
	return bound(socket, address, result);
}

SEC("fexit/unix_bind")
int BPF_PROG(on_bind_unix, struct socket *socket, struct sockaddr *address, int length, int result)
{
	return report_unix(R_BIND, socket->sk, address, length, result);
}

SEC("fexit/inet_listen")
int BPF_PROG(on_listen, struct socket *socket, int backlog, int result)
{
	struct endpoint end;

	local_of(&end, socket->sk);
	if (!current_member())
		return keep_by_server(R_LISTEN, &end, socket->sk, result);
	return report_endpoint(R_LISTEN, &end, socket->sk, 0, result);
}

/* Returns the new connection or NULL. */
SEC("fexit/inet_csk_accept")
int BPF_PROG(on_accept, struct sock *listener, int flags, int *error, bool kernel, struct sock *sock)
{
	struct endpoint end;

	if (!sock || !current_member())
		return 0;
	peer_of(&end, sock);
	return report_endpoint(R_ACCEPT, &end, sock, 0, 0);
}

/* --- datagrams ----------------------------------------------------------------------------------------------------- */

/* The destination is the message's or, without one, the socket's. Once for a process and an address. */
static __always_inline int sent(struct sock *sock, struct msghdr *message, size_t size, long result)
{
	struct once key = {.kind = R_SENDTO};
	struct endpoint end;

	if (!current_member())
		return 0;
	if (!message->msg_name)
		peer_of(&end, sock);
	else if (!read_endpoint(&end, message->msg_name))
		return 0;
	if (end.family != AF_INET && sock->__sk_common.skc_family == AF_INET)
		return 0;
	if (is_mapped(&end))
		return 0;
	key.tgid = current_tgid();
	key.port = end.port;
	__builtin_memcpy(&key.a, end.bytes, 8);
	__builtin_memcpy(&key.b, end.bytes + 8, 8);
	if (!first_time(&key))
		return 0;
	return report_endpoint(R_SENDTO, &end, sock, size, result < 0 ? result : 0);
}

SEC("fexit/udp_sendmsg")
int BPF_PROG(on_udp4, struct sock *sock, struct msghdr *message, size_t size, int result)
{
	return sent(sock, message, size, result);
}

/* For a mapped address it changes the message to an IPv4 one and calls udp_sendmsg(), which reported it. */
SEC("fexit/udpv6_sendmsg")
int BPF_PROG(on_udp6, struct sock *sock, struct msghdr *message, size_t size, int result)
{
	return sent(sock, message, size, result);
}

SEC("fexit/raw_sendmsg")
int BPF_PROG(on_raw4, struct sock *sock, struct msghdr *message, size_t size, int result)
{
	return sent(sock, message, size, result);
}

SEC("fexit/rawv6_sendmsg")
int BPF_PROG(on_raw6, struct sock *sock, struct msghdr *message, size_t size, int result)
{
	return sent(sock, message, size, result);
}

SEC("fexit/ping_v4_sendmsg")
int BPF_PROG(on_ping4, struct sock *sock, struct msghdr *message, size_t size, int result)
{
	return sent(sock, message, size, result);
}

/* --- sockets that are not everyday ones ---------------------------------------------------------------------------- */

/* __sock_create(): also the attempts that fail for want of a privilege. */
SEC("fexit/__sock_create")
int BPF_PROG(on_socket, struct net *net, int family, int type, int protocol, struct socket **made, int kernel, int result)
{
	struct member *member = current_member();
	struct scratch *s;
	bool usual;

	if (!member || kernel)
		return 0;
	usual = family == AF_UNIX || ((family == AF_INET || family == AF_INET6) &&
				      ((type == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP)) ||
				       (type == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP))));
	if (usual)
		return 0;
	s = begin(member, R_SOCKET, 0);
	if (!s)
		return 0;
	s->head.result = result;
	s->head.a[0] = family;
	s->head.a[1] = type;
	s->head.a[2] = protocol;
	emit(s);
	return 0;
}
