/* Gives Wine's own files the looks of the files of Windows: run once over the guest's root while it is built.
 *
 *     repaint RELAY-LIST DIRECTORY...        (files are changed in place, hard links are kept)
 *
 * In programs and libraries (PE):
 *   - debug sections are cut off (two thirds of the size),
 *   - the mark "Wine builtin DLL" in the DOS stub becomes a DOS stub,
 *   - exported and imported names that begin with wine_ or __wine_ get another prefix of the same length,
 *   - version resources name the vendor, product and version of Windows,
 *   - registry keys, program names and texts that say Wine are replaced by ones of the same length,
 *   - the user's security identifier gets a machine's part,
 *   - mistakes of this version of Wine that scripts stumble over are mended (`fixes`),
 *   - the relay descriptors (from which Wine's API trace makes its thunks, at every load of a library) keep the functions
 *     of RELAY-LIST only. Wine's own filter in the registry does the same, but each process would pay for comparing each
 *     of ten thousand exported names with each entry of the list.
 * In Wine's Unix half (ELF) the same mark, names and keys outside the dynamic string table: both halves must agree,
 * and the symbols of the ELF files stay as they are (the tracer needs them).
 *
 * The new mark must still tell Wine's own files from all others, so it is a DOS stub that no linker writes: the usual
 * instructions, two NOPs and a NUL, then the usual text. Wine compares the first 17 bytes. */
#define _GNU_SOURCE
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK_OFFSET 0x40
#define FIXED_MAGIC 0xfeef04bd
#define ARRAY(a) (sizeof(a) / sizeof(*(a)))

static const unsigned char old_mark[16] = "Wine builtin DLL";
static const unsigned char new_stub[64] =
	"\x0e\x1f\xba\x11\x00\xb4\x09\xcd\x21\xb8\x01\x4c\xcd\x21\x90\x90\x00"
	"This program cannot be run in DOS mode.\r\r\n$";

/* Replaced wherever they occur, as 8-bit and as 16-bit text. Always the same length. "$": the text ends there.
 * Variables by which Wine tells each process where it lies get the name of a vendor's. */
static const struct { const char *from, *to; } texts[] = {
	{"Software\\Wine", "Software\\Dell"}, /* Wine's settings: a vendor's key, as on the machine this pretends to be */
	{"SOFTWARE\\Wine", "SOFTWARE\\Dell"},
	{"software\\wine", "software\\dell"},
	{"winedevice.exe", "SgrmBroker.exe"}, /* processes that are always in the list */
	{"plugplay.exe", "WUDFHost.exe"},
	{"The Wine Project", "Microsoft Corp. "},
	{"the Wine project authors (see the file AUTHORS for a complete list)",
	 "Microsoft Corporation. All rights reserved.                        "},
	{"https://www.winehq.org", "https://www.msn.com/  "},
	{"WINEDATADIR$", "OEM_DATADIR$"},
	{"WINEHOMEDIR$", "OEM_HOMEDIR$"},
	{"WINEBUILDDIR$", "OEM_BUILDDIR$"},
	{"WINECONFIGDIR$", "OEM_CONFIGDIR$"},
	{"WINEDLLDIR", "OEM_DLLDIR"},
	{"WINEUSERNAME$", "OEM_USERNAME$"},
	{"WINEUNIXCP$", "OEM_UNIXCP$"},
	{"WINEUSERLOCALE$", "OEM_USERLOCALE$"},
	{"WINELOADER$", "OEM_LOADER$"},
	{"WINEBOOTSTRAPMODE$", "OEM_BOOTSTRAPMODE$"},
	{"WINEDEBUG$", "OEM_DEBUG$"}, /* from then on that is the name by which tracing is asked for */
	{"PCI\\VEN_%04X&DEV_%04X", "PCI\\VEN_8086&DEV_3E92"}, /* of the display, otherwise zeros */
	{"Wine Adapter", "UHD Graphics"},
	{"Wine Display", "PnP  Monitor"},
};

/* The security identifiers of the machine and its user: Wine's are S-1-5-21-0-0-0-1000 on every machine. */
static const unsigned char old_sid[24] = {1, 5, 0, 0, 0, 0, 0, 5, 21};
static const unsigned char new_sid[24] = {1,    5,    0,    0,    0,    0,    0,    5,    21,   0,    0,    0,
					  0x47, 0xa6, 0xff, 0xd7, 0x9c, 0x92, 0x55, 0xc8, 0x94, 0x56, 0xce, 0x01};

static void replace_sids(unsigned char *start, unsigned char *end)
{
	for (unsigned char *p = start; p + 32 <= end && (p = memmem(p, end - p, old_sid, sizeof(old_sid))); p += 24) {
		static const unsigned char none[4];
		if (p + 32 > end) break;
		if (!memcmp(p + 24, none, 4) && (!memcmp(p + 28, "\x01\x02\0\0", 4) || !memcmp(p + 28, "\xe8\x03\0\0", 4))) {
			/* Not the identifier itself but the two halves from which code makes a copy: its bytes 0-15, and 12-27. */
			memcpy(p + 12, new_sid + 12, 4);
			memcpy(p + 16, new_sid + 12, 12);
			if (p[28] == 0xe8) p[28] = 0xe9;
			continue;
		}
		memcpy(p, new_sid, sizeof(new_sid));
		if (p[24] == 0xe8 && p[25] == 3) p[24] = 0xe9; /* 1000 -> 1001, the first user of a Windows 10 */
	}
}

/* ---- names exported by Wine ------------------------------------------------------------------------------------ */

#define MAX_NAMES 1024
static char *names[MAX_NAMES];
static unsigned name_count;

static int is_own_name(const char *s)
{
	return !strncmp(s, "wine_", 5) || !strncmp(s, "__wine_", 7);
}

static int known_name(const char *s, size_t len)
{
	for (unsigned i = 0; i < name_count; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], s, len)) return 1;
	return 0;
}

static void remember_name(const char *s)
{
	if (!known_name(s, strlen(s)) && name_count < MAX_NAMES) names[name_count++] = strdup(s);
}

/* "wine" -> "winp": sorts at the same place of an export table, so that the import hints of other files stay right. */
static void rename_at(unsigned char *p)
{
	p[p[0] == '_' ? 5 : 3] = 'p';
}

static int is_word(unsigned char c)
{
	return isalnum(c) || c == '_';
}

/* Every NUL-terminated occurrence of an exported name in [p, end), except in the hole. */
static void rename_all(unsigned char *start, unsigned char *end, const unsigned char *hole, const unsigned char *hole_end)
{
	for (unsigned char *p = start; p + 6 < end; p++) {
		p = memchr(p, 'w', end - p);
		if (!p || p + 6 >= end) return;
		if (memcmp(p, "wine_", 5)) continue;
		unsigned char *s = (p - start >= 2 && p[-1] == '_' && p[-2] == '_') ? p - 2 : p;
		if (s > start && is_word(s[-1])) continue;
		if (hole && s >= hole && s < hole_end) continue;
		size_t len = strnlen((char *)s, end - s);
		if (s + len < end && known_name((char *)s, len)) rename_at(s);
	}
}

static unsigned char text_byte(const char *text, size_t at, int wide)
{
	char c = text[wide ? at / 2 : at];
	return (wide && at & 1) || c == '$' ? 0 : c;
}

static void replace_texts(unsigned char *start, unsigned char *end, const unsigned char *hole, const unsigned char *hole_end)
{
	for (unsigned i = 0; i < ARRAY(texts); i++) {
		size_t len = strlen(texts[i].from);
		unsigned char from[256], to[256];
		for (int wide = 0; wide < 2; wide++) {
			size_t n = wide ? 2 * len : len;
			for (size_t j = 0; j < n; j++) {
				from[j] = text_byte(texts[i].from, j, wide);
				to[j] = text_byte(texts[i].to, j, wide);
			}
			for (unsigned char *p = start; (p = memmem(p, end - p, from, n)); p += n)
				if (!hole || p < hole || p >= hole_end) memcpy(p, to, n);
		}
	}
}

/* The mark in the loader, the server and setupapi: as data, or as two 8-byte constants inside a comparison that the
 * compiler spelled out, hence by halves. */
static void replace_mark(unsigned char *start, unsigned char *end)
{
	for (int half = 0; half < 16; half += 8)
		for (unsigned char *p = start; (p = memmem(p, end - p, old_mark + half, 8)); p += 8)
			memcpy(p, new_stub + half, 8);
}

/* ---- mistakes --------------------------------------------------------------------------------------------------- */

/* Code with the same length, in files of that name. */
static const struct { const char *file; unsigned char times, length; const void *from, *to; } fixes[] = {
	/* WshShell.ExpandEnvironmentStrings counted the NUL as part of the string, so that what a script appended was lost:
	 *     xor ecx,ecx; mov edx,eax; mov esi,eax; call  ->  xchg esi,eax; lea edx,[rsi-1]; xor ecx,ecx; call */
	{"wshom.ocx", 1, 8, "\x31\xc9\x89\xc2\x89\xc6\xff\x15", "\x96\x8d\x56\xff\x31\xc9\xff\x15"},
	/*     sub esp,12; mov edi,eax; mov [esp+4],eax; mov dword [esp],0
	 *  -> sub esp,12; xchg edi,eax; lea eax,[edi-1]; mov [esp+4],eax; and dword [esp],0; nop */
	{"wshom.ocx", 1, 18, "\x83\xec\x0c\x89\xc7\x89\x44\x24\x04\xc7\x04\x24\0\0\0\0\xff\x15",
	 "\x83\xec\x0c\x97\x8d\x47\xff\x89\x44\x24\x04\x83\x24\x24\0\x90\xff\x15"},
	/* A console that has output shows it by a timer of 50 ms: every 2 s will do (and see mend_console).
	 *     mov r8d,50; mov edx,1; jmp SetTimer */
	{"conhost.exe", 2, 14, "\x41\xb8\x32\0\0\0\xba\x01\0\0\0\x48\xff\x25", "\x41\xb8\xd0\x07\0\0\xba\x01\0\0\0\x48\xff\x25"},
	/* In a desktop of its own each process that shows anything wrote the description of the display into the registry anew,
	 * 112 values: the first one's will do. test edi,edi; je -> jmp */
	{"winex11.so", 1, 10, "\x48\x83\xec\x18\x85\xff\x74\x0a\xc7\x05", "\x48\x83\xec\x18\x85\xff\xeb\x0a\xc7\x05"},
	/* mov eax,[esp+32]; test eax,eax; je -> jmp */
	{"winex11.so", 1, 10, "\x8b\x44\x24\x20\x85\xc0\x74\x0a\xc7\x83", "\x8b\x44\x24\x20\x85\xc0\xeb\x0a\xc7\x83"},
	/* The desktop asked the X server every 2 s whether another of its clients holds the clipboard. There is none.
	 *     test eax,eax; je (set a timer); add rsp,56; mov eax,1  ->  the same without the je */
	{"winex11.so", 1, 17, "\x85\xc0\x0f\x84\x50\x01\0\0\x48\x83\xc4\x38\xb8\x01\0\0\0",
	 "\x85\xc0\x66\x0f\x1f\x44\0\0\x48\x83\xc4\x38\xb8\x01\0\0\0"},
	/* The server wakes every 16 ms to keep the time in the page that all processes share, as long as there is one: a
	 * machine that sleeps ten minutes wakes 38,400 times. Once a second will do: each request brings it up to date too, and
	 * who waits without the server does so by himself (machine.c). GetTickCount is made exact below.
	 *     sbb r12d,r12d; movq xmm0,rbp; or r12d,16  ->  mov r12d,1000; movq xmm0,rbp; nop */
	{"wineserver64", 1, 12, "\x45\x19\xe4\x66\x48\x0f\x6e\xc5\x41\x83\xcc\x10", "\x41\xbc\xe8\x03\0\0\x66\x48\x0f\x6e\xc5\x90"},
	/* The version of the system is read from a value that on Windows 10 says 6.3: another one says 10.0. */
	{"ntdll.dll", 2, 32, u"\0CurrentVersion", u"\0OemNtosVersion"},
};
static unsigned fixed[ARRAY(fixes)];

static void mend(const char *file, unsigned char *start, unsigned char *end)
{
	for (unsigned i = 0; i < ARRAY(fixes); i++) {
		if (strcmp(file, fixes[i].file)) continue;
		for (unsigned char *p = start; (p = memmem(p, end - p, fixes[i].from, fixes[i].length)); p += fixes[i].length)
			memcpy(p, fixes[i].to, fixes[i].length), fixed[i]++;
	}
}

/* ---- PE -------------------------------------------------------------------------------------------------------- */

struct section { char name[8]; uint32_t vsize, va, rsize, raw, reloc, lines; uint16_t nreloc, nlines; uint32_t flags; } __attribute__((packed));

struct pe {
	unsigned char *base;
	size_t size;
	unsigned char *coff, *opt;
	struct section *sections;
	unsigned count;
	uint32_t *dirs; /* pairs address, size */
	unsigned ndirs;
};

static uint16_t u16(const void *p) { uint16_t v; memcpy(&v, p, 2); return v; }
static uint32_t u32(const void *p) { uint32_t v; memcpy(&v, p, 4); return v; }
static void put16(void *p, uint16_t v) { memcpy(p, &v, 2); }
static void put32(void *p, uint32_t v) { memcpy(p, &v, 4); }

static int parse_pe(struct pe *pe, unsigned char *base, size_t size)
{
	if (size < 0x100 || memcmp(base, "MZ", 2)) return 0;
	uint32_t off = u32(base + 0x3c);
	if (off > size - 0x100 || memcmp(base + off, "PE\0\0", 4)) return 0;
	pe->base = base;
	pe->size = size;
	pe->coff = base + off + 4;
	pe->opt = pe->coff + 20;
	pe->count = u16(pe->coff + 2);
	pe->sections = (struct section *)(pe->opt + u16(pe->coff + 16));
	int wide = u16(pe->opt) == 0x20b;
	pe->ndirs = u32(pe->opt + (wide ? 108 : 92));
	pe->dirs = (uint32_t *)(pe->opt + (wide ? 112 : 96));
	return (unsigned char *)(pe->sections + pe->count) <= base + size;
}

static unsigned char *at_rva(const struct pe *pe, uint32_t rva)
{
	for (unsigned i = 0; i < pe->count; i++) {
		const struct section *s = &pe->sections[i];
		if (rva >= s->va && rva - s->va < s->rsize && s->raw + (rva - s->va) < pe->size)
			return pe->base + s->raw + (rva - s->va);
	}
	return NULL;
}

static unsigned char *directory(const struct pe *pe, unsigned index, uint32_t *size)
{
	if (index >= pe->ndirs || !pe->dirs[2 * index]) return NULL;
	*size = pe->dirs[2 * index + 1];
	return at_rva(pe, pe->dirs[2 * index]);
}

static void collect_exports(const struct pe *pe)
{
	uint32_t size;
	unsigned char *exports = directory(pe, 0, &size);
	if (!exports) return;
	unsigned char *table = at_rva(pe, u32(exports + 32));
	for (uint32_t i = 0; table && i < u32(exports + 24); i++) {
		const char *name = (const char *)at_rva(pe, u32(table + 4 * i));
		if (name && is_own_name(name)) remember_name(name);
	}
}

/* Names must stay sorted: loaders look them up by halving. Insertion sort, since almost nothing moves. */
static void sort_exports(const struct pe *pe)
{
	uint32_t size;
	unsigned char *exports = directory(pe, 0, &size);
	if (!exports) return;
	unsigned char *table = at_rva(pe, u32(exports + 32)), *ordinals = at_rva(pe, u32(exports + 36));
	if (!table || !ordinals) return;
	for (uint32_t i = 1; i < u32(exports + 24); i++) {
		uint32_t name = u32(table + 4 * i), j = i;
		uint16_t ordinal = u16(ordinals + 2 * i);
		const char *text = (const char *)at_rva(pe, name);
		for (; j && strcmp((const char *)at_rva(pe, u32(table + 4 * (j - 1))), text) > 0; j--) {
			put32(table + 4 * j, u32(table + 4 * (j - 1)));
			put16(ordinals + 2 * j, u16(ordinals + 2 * (j - 1)));
		}
		put32(table + 4 * j, name);
		put16(ordinals + 2 * j, ordinal);
	}
}

/* The long name of a section stands in the string table behind the symbols. */
static const char *section_name(const struct pe *pe, const struct section *s)
{
	static char name[9];
	memcpy(name, s->name, 8);
	if (name[0] != '/') return name;
	size_t at = u32(pe->coff + 8) + 18ul * u32(pe->coff + 12) + strtoul(name + 1, NULL, 10);
	return at < pe->size && memchr(pe->base + at, 0, pe->size - at) ? (const char *)pe->base + at : "";
}

/* Debug sections are the last ones of a file: drop them with the symbol table. Returns the new size. */
static size_t cut_debug(struct pe *pe)
{
	unsigned keep = 0;
	size_t end = u32(pe->opt + 60);
	for (; keep < pe->count; keep++) {
		const struct section *s = &pe->sections[keep];
		if (!strncmp(section_name(pe, s), ".debug_", 7)) break;
		if (s->rsize && s->raw + s->rsize > end) end = s->raw + s->rsize;
	}
	for (unsigned i = keep; i < pe->count; i++)
		if (strncmp(section_name(pe, &pe->sections[i]), ".debug_", 7) || pe->sections[i].raw < end) return pe->size;
	if (!keep || end > pe->size) return pe->size;
	for (unsigned i = 0; i < keep; i++)
		if (pe->sections[i].name[0] == '/') memcpy(pe->sections[i].name, section_name(pe, &pe->sections[i]), 8);
	uint32_t align = u32(pe->opt + 32);
	const struct section *last = &pe->sections[keep - 1];
	uint32_t image = (last->va + last->vsize + align - 1) / align * align;
	memset(&pe->sections[keep], 0, (pe->count - keep) * sizeof(*pe->sections));
	pe->count = keep;
	put16(pe->coff + 2, keep);
	put32(pe->coff + 8, 0); /* no symbols */
	put32(pe->coff + 12, 0);
	put16(pe->coff + 18, u16(pe->coff + 18) | 0x20c); /* line numbers, symbols and debug information stripped */
	put32(pe->opt + 56, image);
	return pe->size = end;
}

/* ---- relay ----------------------------------------------------------------------------------------------------- */

#define RELAY_MAGIC 0xdeb90002 /* RELAY_DESCR_MAGIC of dlls/ntdll/relay.c */
#define MAX_RELAY 2048
static char relayed[MAX_RELAY][96]; /* module.function, the module in lower case */
static unsigned relay_count, relay_found;
static char relay_seen[MAX_RELAY];

static int read_relay(const char *path)
{
	char line[256];
	FILE *file = fopen(path, "r");
	if (!file) return perror(path), 0;
	while (fgets(line, sizeof(line), file) && relay_count < MAX_RELAY) {
		char word[96];
		if (sscanf(line, "%95[A-Za-z0-9_.]", word) != 1) continue;
		char *dot = strrchr(word, '.');
		for (char *c = word; dot && c < dot; c++) *c = tolower((unsigned char)*c);
		if (dot) strcpy(relayed[relay_count++], word);
	}
	fclose(file);
	return 1;
}

/* A function is exported by the library that has it and by those that programs import it from, each with a thunk of its own:
 * kernel32 and advapi32 pass on to kernelbase, advapi32 to sechost, ole32 to combase. One entry stands for all of them. */
static const char *fronts[][2] = {{"kernelbase", "kernel32"}, {"kernelbase", "advapi32"}, {"sechost", "advapi32"}, {"combase", "ole32"}};

static int is_relayed_as(const char *module, const char *function)
{
	char name[256];
	snprintf(name, sizeof(name), "%s.%s", module, function);
	for (unsigned i = 0; i < relay_count; i++)
		if (!strcmp(relayed[i], name)) {
			relay_found += !relay_seen[i];
			return relay_seen[i] = 1;
		}
	return 0;
}

static int is_relayed(const char *module, const char *function)
{
	int yes = is_relayed_as(module, function);
	for (unsigned i = 0; i < ARRAY(fronts); i++)
		if (!strcmp(module, fronts[i][1])) yes |= is_relayed_as(fronts[i][0], function);
	return yes;
}

/* Messages to window procedures are traced under the same name: hundreds of lines for a window that only opens. The name
 * of the channel is changed in all libraries but ntdll, which traces the calls. Symbols tell where it stands. */
/* Address of a symbol in the file, by its name; 0 if it has none. Only before the symbols are cut off. */
static uint32_t symbol_rva(const struct pe *pe, const char *wanted)
{
	size_t symbols = u32(pe->coff + 8), count = u32(pe->coff + 12), strings = symbols + 18 * count;
	if (!symbols || strings >= pe->size) return 0;
	for (size_t i = 0; i < count; i++) {
		const unsigned char *symbol = pe->base + symbols + 18 * i;
		unsigned section = u16(symbol + 12);
		i += symbol[17];
		if (!section || section > pe->count) continue;
		const char *name = u32(symbol) ? (const char *)symbol : (const char *)pe->base + strings + u32(symbol + 4);
		size_t most = u32(symbol) ? 8 : 256;
		if (!strncmp(name, wanted, most)) return pe->sections[section - 1].va + u32(symbol + 8);
	}
	return 0;
}

static unsigned ticks_mended;

/* GetTickCount reads the page that the server keeps (see `fixes`). It gets the performance counter instead, 10 MHz in Wine:
 * code over the body of GetTickCount64 (64 bytes and more), to which GetTickCount jumps. */
static void mend_ticks(const struct pe *pe, const char *file)
{
	static const unsigned char wide[] = {
		0x48, 0x83, 0xec, 0x38,             /* sub rsp,56 */
		0x31, 0xd2,                         /* xor edx,edx */
		0x48, 0x8d, 0x4c, 0x24, 0x20,       /* lea rcx,[rsp+32] */
		0xff, 0x15, 0, 0, 0, 0,             /* call [rip+import] */
		0x48, 0x8b, 0x44, 0x24, 0x20,       /* mov rax,[rsp+32] */
		0xb9, 0x10, 0x27, 0, 0,             /* mov ecx,10000 */
		0x31, 0xd2, 0x48, 0xf7, 0xf1,       /* xor edx,edx; div rcx */
		0x48, 0x83, 0xc4, 0x38, 0xc3,       /* add rsp,56; ret */
	};
	static const unsigned char narrow[] = {
		0x83, 0xec, 0x14,                   /* sub esp,20 */
		0x8d, 0x44, 0x24, 0x0c,             /* lea eax,[esp+12] */
		0x6a, 0x00, 0x50,                   /* push 0; push eax (kernel32's function takes the pointer only) */
		0xe8, 0, 0, 0, 0, 0x59,             /* call next; next: pop ecx */
		0xff, 0x91, 0, 0, 0, 0,             /* call [ecx+import-next] */
		0x8b, 0x44, 0x24, 0x10,             /* mov eax,[esp+16] */
		0x31, 0xd2, 0xb9, 0x10, 0x27, 0, 0, /* xor edx,edx; mov ecx,10000 */
		0xf7, 0xf1, 0x89, 0x04, 0x24,       /* div ecx; mov [esp],eax */
		0x8b, 0x44, 0x24, 0x0c, 0xf7, 0xf1, /* mov eax,[esp+12]; div ecx */
		0x8b, 0x14, 0x24, 0x83, 0xc4, 0x14, 0xc3, /* mov edx,[esp]; add esp,20; ret */
	};
	int base = !strcmp(file, "kernelbase.dll"), is_wide = u16(pe->opt) == 0x20b;
	if (!base && strcmp(file, "kernel32.dll")) return;
	uint32_t import = symbol_rva(pe, is_wide ? (base ? "__imp_NtQueryPerformanceCounter" : "__imp_QueryPerformanceCounter")
						 : (base ? "__imp__NtQueryPerformanceCounter@8" : "__imp__QueryPerformanceCounter@4"));
	uint32_t long_one = symbol_rva(pe, is_wide ? "GetTickCount64" : "_GetTickCount64@0");
	uint32_t short_one = symbol_rva(pe, is_wide ? "GetTickCount" : "_GetTickCount@0");
	unsigned char *code = at_rva(pe, long_one), *jump = at_rva(pe, short_one);
	if (!import || !long_one || !short_one || !code || !jump) return;
	if (is_wide) {
		memcpy(code, wide, sizeof(wide));
		put32(code + 13, import - (long_one + 17));
	} else {
		memcpy(code, narrow, sizeof(narrow));
		put32(code + 18, import - (long_one + 15));
		if (!base) code[7] = 0x90, code[8] = 0x90;
	}
	jump[0] = 0xe9;
	put32(jump + 1, long_one - (short_one + 5));
	ticks_mended++;
}

static unsigned consoles_mended;

/* A console that once had output looks for more for ever, by a timer that is only ever set. Where its window has been brought
 * up to date, or need not be, the timer is put off by code behind the last function; the next output sets it again:
 *     xor eax,eax; jmp return  ->  jmp there */
static void mend_console(const struct pe *pe, const char *file)
{
	static const unsigned char before[] = {0x48, 0x89, 0xf9, 0xe8}, after[] = {0x31, 0xc0, 0xeb, 0x6d, 0x0f, 0x1f, 0x40, 0x00};
	static const unsigned char put_off[] = {
		0x48, 0x8b, 0x87, 0xd0, 0, 0, 0,    /* mov rax,[rdi+208] (console->window) */
		0x48, 0x85, 0xc0, 0x74, 0x1f,       /* test rax,rax; je out */
		0x83, 0x78, 0x7c, 0x00, 0x75, 0x19, /* cmp dword [rax+124],0 (nothing to be shown); jne out */
		0x48, 0x8b, 0x8f, 0, 1, 0, 0,       /* mov rcx,[rdi+256] (console->win) */
		0x45, 0x31, 0xc9,                   /* xor r9d,r9d */
		0x41, 0x83, 0xc8, 0xff,             /* or r8d,-1: the longest there is */
		0x41, 0x8d, 0x51, 0x01,             /* lea edx,[r9+1] */
		0x90,
		0xff, 0x15, 0, 0, 0, 0,             /* call [rip+SetTimer] */
		0x31, 0xc0, 0xe9, 0, 0, 0, 0,       /* out: xor eax,eax; jmp return */
	};
	const struct section *text = pe->sections;
	uint32_t import = strcmp(file, "conhost.exe") ? 0 : symbol_rva(pe, "__imp_SetTimer");
	uint32_t room = text->va + text->vsize;
	unsigned char *code = import ? at_rva(pe, text->va) : NULL, *end = code ? code + text->vsize : NULL, *cave = at_rva(pe, room);
	if (!code || !cave || text->rsize - text->vsize < sizeof(put_off)) return;
	for (unsigned char *p = code; (p = memmem(p, end - p, after, sizeof(after))); p += sizeof(after)) {
		if (p - code < 8 || memcmp(p - 8, before, sizeof(before))) continue;
		uint32_t at = text->va + (p - code);
		memcpy(cave, put_off, sizeof(put_off));
		put32(cave + 39, import - (room + 43));
		put32(cave + 46, at + 4 + 0x6d - (room + 50));
		p[0] = 0xe9;
		put32(p + 1, room - (at + 5));
		pe->sections->vsize += sizeof(put_off);
		consoles_mended++;
		return;
	}
}

static void quiet_relay(const struct pe *pe, const char *file)
{
	size_t symbols = u32(pe->coff + 8), count = u32(pe->coff + 12), strings = symbols + 18 * count;
	if (!symbols || strings >= pe->size || !strcmp(file, "ntdll.dll")) return;
	for (size_t i = 0; i < count; i++) {
		const unsigned char *symbol = pe->base + symbols + 18 * i;
		unsigned section = u16(symbol + 12);
		i += symbol[17];
		if (u32(symbol) || strings + u32(symbol + 4) >= pe->size || !section || section > pe->count) continue;
		const char *name = (const char *)pe->base + strings + u32(symbol + 4);
		if (!strstr(name, "__wine_dbch_relay")) continue;
		unsigned char *channel = at_rva(pe, pe->sections[section - 1].va + u32(symbol + 8));
		if (channel && !strcmp((char *)channel + 1, "relay")) channel[5] = 'x';
	}
}

static unsigned char *at_address(const struct pe *pe, const unsigned char *pointer, int wide)
{
	uint64_t base, at;
	if (wide) memcpy(&base, pe->opt + 24, 8), memcpy(&at, pointer, 8);
	else base = u32(pe->opt + 28), at = u32(pointer);
	return at > base && at - base < 0xffffffff ? at_rva(pe, at - base) : NULL;
}

/* Before the library's name in the export directory stand a magic number and the address of the descriptor: magic, relay
 * function, private data, base of the thunks, offsets of the thunks from it (0: the function has none), arguments. */
static void thin_relay(const struct pe *pe)
{
	uint32_t size;
	int wide = u16(pe->opt) == 0x20b, width = wide ? 8 : 4;
	unsigned char *exports = directory(pe, 0, &size), *name = exports ? at_rva(pe, u32(exports + 12)) : NULL;
	if (!name || name - pe->base < 8 || u32(name - 8) != RELAY_MAGIC) return;
	unsigned char *descriptor = at_rva(pe, u32(name - 4));
	if (!descriptor || descriptor + 6 * width > pe->base + pe->size || u32(descriptor) != RELAY_MAGIC) return;
	unsigned char *offsets = at_address(pe, descriptor + 4 * width, wide);
	unsigned char *names = at_rva(pe, u32(exports + 32)), *ordinals = at_rva(pe, u32(exports + 36));
	uint32_t count = u32(exports + 20), kept = 0;
	char module[96];
	if (!offsets || offsets + 4ul * count > pe->base + pe->size) return;
	snprintf(module, sizeof(module), "%s", name);
	for (char *c = module; *c; c++) *c = tolower((unsigned char)*c);
	char *dll = strstr(module, ".dll");
	if (dll) *dll = 0;
	unsigned char *keep = calloc(1, count ? count : 1);
	for (uint32_t i = 0; names && i < u32(exports + 24); i++) {
		const char *function = (const char *)at_rva(pe, u32(names + 4 * i));
		uint16_t ordinal = u16(ordinals + 2 * i);
		if (function && ordinal < count && is_relayed(module, function)) keep[ordinal] = 1;
	}
	for (uint32_t i = 0; i < count; i++)
		if (keep[i]) kept++;
		else put32(offsets + 4 * i, 0);
	free(keep);
	if (!kept) put32(name - 8, 0);
}

static void set_checksum(const struct pe *pe)
{
	uint64_t sum = 0;
	put32(pe->opt + 64, 0);
	for (size_t i = 0; i + 1 < pe->size; i += 2) sum += u16(pe->base + i);
	if (pe->size & 1) sum += pe->base[pe->size - 1];
	while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
	put32(pe->opt + 64, (uint32_t)sum + pe->size);
}

/* ---- version resources ----------------------------------------------------------------------------------------- */

/* A node is: length, value length, type (0 binary, 1 text), key, padding to 4, value, padding to 4, children. */
struct writer { unsigned char *start, *p, *end; int full; };

static void emit(struct writer *w, const void *data, size_t n)
{
	if (w->p + n > w->end) { w->full = 1; return; }
	memcpy(w->p, data, n);
	w->p += n;
}

static void pad(struct writer *w)
{
	static const char zero[4];
	emit(w, zero, -(w->p - w->start) & 3);
}

static void narrow(char *out, size_t max, const unsigned char *wide, size_t chars)
{
	size_t n = 0;
	for (; n < chars && n + 1 < max && u16(wide + 2 * n); n++) {
		uint16_t c = u16(wide + 2 * n);
		out[n] = c < 0x80 ? c : '?';
	}
	out[n] = 0;
}

static void emit_text(struct writer *w, const char *text) /* Latin-1 */
{
	do {
		uint16_t c = (unsigned char)*text;
		emit(w, &c, 2);
	} while (*text++);
}

#define VERSION_TEXT "10.0.19041.3636"
static int system_version(const unsigned char *fixed) /* versions of Windows itself, not of a component with its own count */
{
	unsigned major = u16(fixed + 10), minor = u16(fixed + 8), build = u16(fixed + 14);
	return (major == 5 && minor >= 1 && build >= 2600) || (major == 6 && build >= 6000) || major == 10 ||
	       (major == 4 && build == 0) || (major <= 1 && build <= 1);
}

/* The text Windows would have under a key, or NULL to keep what is there. */
static const char *version_text(const char *key, const char *old, int is_system, char *room, size_t max)
{
	if (!strcmp(key, "CompanyName")) return "Microsoft Corporation";
	if (!strcmp(key, "ProductName")) return "Microsoft\xae Windows\xae Operating System";
	if (!strcmp(key, "LegalCopyright")) return "\xa9 Microsoft Corporation. All rights reserved.";
	if (is_system && (!strcmp(key, "FileVersion") || !strcmp(key, "ProductVersion"))) return VERSION_TEXT;
	const char *wine = strcasestr(old, "wine");
	if (!wine) return NULL;
	const char *rest = wine + 4;
	while (*rest == ' ' || *rest == '-') rest++;
	if (wine > old || !*rest) return "Microsoft Windows component";
	snprintf(room, max, "%s", rest);
	room[0] = toupper((unsigned char)room[0]);
	return room;
}

static void copy_node(struct writer *w, const unsigned char *node, const unsigned char *limit, int depth, int *is_system)
{
	unsigned length = u16(node), value_length = u16(node + 2), type = u16(node + 4);
	const unsigned char *end = node + length, *key = node + 6, *p = key;
	if (length < 8 || end > limit || depth > 4) { w->full = 1; return; }
	while (p + 2 <= end && u16(p)) p += 2;
	p += 2;
	char name[64], old[512], room[512];
	narrow(name, sizeof(name), key, (p - key) / 2);
	p = node + ((p - node + 3) & ~3);
	size_t bytes = type ? 2 * value_length : value_length;
	if (p + bytes > end) bytes = p < end ? end - p : 0;
	size_t at = w->p - w->start;
	emit(w, node, 6);
	emit_text(w, name);
	pad(w);
	if (depth == 3 && type) { /* a string */
		narrow(old, sizeof(old), p, bytes / 2);
		const char *text = version_text(name, old, *is_system, room, sizeof(room));
		if (text) {
			emit_text(w, text);
			if (!w->full) put16(w->start + at + 2, strlen(text) + 1);
		} else emit(w, p, bytes);
	} else if (value_length) {
		unsigned char *copy = w->p;
		emit(w, p, bytes);
		if (depth == 0 && bytes >= 52 && u32(p) == FIXED_MAGIC && !w->full && (*is_system = system_version(p))) {
			static const uint32_t version[4] = {10 << 16, (19041u << 16) | 3636, 10 << 16, (19041u << 16) | 3636};
			memcpy(copy + 8, version, 16);
		}
	}
	const unsigned char *child = node + ((p + bytes - node + 3) & ~3);
	while (child + 6 < end && u16(child) && !w->full) {
		pad(w);
		copy_node(w, child, end, depth + 1, is_system);
		child += (u16(child) + 3) & ~3;
	}
	if (!w->full) put16(w->start + at, w->p - w->start - at);
}

static void repaint_version(unsigned char *data, size_t size)
{
	unsigned char *copy = calloc(1, size + 8);
	struct writer w = {copy, copy, copy + size, 0};
	int is_system = 0;
	if (size > 64 && u16(data) <= size) copy_node(&w, data, data + size, 0, &is_system);
	else w.full = 1;
	if (!w.full) memcpy(data, copy, size);
	free(copy);
}

static void walk_resources(const struct pe *pe, unsigned char *root, size_t size, uint32_t offset, int depth, int is_version)
{
	unsigned char *dir = root + offset;
	if (offset + 16 > size) return;
	unsigned count = u16(dir + 12) + u16(dir + 14);
	for (unsigned i = 0; i < count && offset + 16 + 8 * (i + 1) <= size; i++) {
		uint32_t id = u32(dir + 16 + 8 * i), to = u32(dir + 20 + 8 * i);
		int version = depth ? is_version : id == 16;
		if (to >> 31) {
			if (depth < 3 && version) walk_resources(pe, root, size, to & 0x7fffffff, depth + 1, version);
		} else if (version && to + 16 <= size) {
			unsigned char *data = at_rva(pe, u32(root + to));
			uint32_t length = u32(root + to + 4);
			if (data && data + length <= pe->base + pe->size) repaint_version(data, length);
		}
	}
}

/* Some of Wine's files have room for half of the stub only. */
static void repaint_stub(unsigned char *base)
{
	size_t room = u32(base + 0x3c) - MARK_OFFSET;
	memcpy(base + MARK_OFFSET, new_stub, room < sizeof(new_stub) ? room : sizeof(new_stub));
}

/* iexplore.exe registers nothing unless the description of browseui.dll says that it is Wine's. */
static void keep_registration(unsigned char *start, unsigned char *end)
{
	static const char question[] = "Native IE detected", from[] = "W\0i\0n\0e\0\0", to[] = "C\0o\0r\0e\0\0";
	if (!memmem(start, end - start, question, sizeof(question) - 1)) return;
	for (unsigned char *p = start; (p = memmem(p, end - p, from, sizeof(from))); p += sizeof(from)) memcpy(p, to, sizeof(to));
}

static size_t repaint_pe(struct pe *pe, const char *file)
{
	int own = !memcmp(pe->base + MARK_OFFSET, old_mark, sizeof(old_mark));
	if (own) quiet_relay(pe, file), mend_ticks(pe, file), mend_console(pe, file);
	size_t size = own ? cut_debug(pe) : pe->size;
	uint32_t length;
	unsigned char *resources = directory(pe, 2, &length);
	if (resources) walk_resources(pe, resources, pe->base + pe->size - resources, 0, 0, 0);
	if (own) thin_relay(pe), mend(file, pe->base, pe->base + size);
	keep_registration(pe->base, pe->base + size);
	rename_all(pe->base, pe->base + size, NULL, NULL);
	sort_exports(pe);
	replace_texts(pe->base, pe->base + size, NULL, NULL);
	if (own) repaint_stub(pe->base);
	replace_mark(pe->base, pe->base + size);
	replace_sids(pe->base, pe->base + size);
	set_checksum(pe);
	return size;
}

/* ---- ELF ------------------------------------------------------------------------------------------------------- */

static int dynstr_of(unsigned char *base, size_t size, unsigned char **from, unsigned char **to)
{
	if (size < sizeof(Elf64_Ehdr) || memcmp(base, ELFMAG, SELFMAG)) return 0;
	*from = *to = NULL;
	if (base[EI_CLASS] == ELFCLASS64) {
		Elf64_Ehdr *e = (Elf64_Ehdr *)base;
		Elf64_Shdr *s = (Elf64_Shdr *)(base + e->e_shoff);
		if (e->e_shoff + e->e_shnum * sizeof(*s) > size) return 0;
		for (int i = 0; i < e->e_shnum; i++)
			if (s[i].sh_type == SHT_DYNSYM) {
				*from = base + s[s[i].sh_link].sh_offset;
				*to = *from + s[s[i].sh_link].sh_size;
			}
	} else {
		Elf32_Ehdr *e = (Elf32_Ehdr *)base;
		Elf32_Shdr *s = (Elf32_Shdr *)(base + e->e_shoff);
		if (e->e_shoff + e->e_shnum * sizeof(*s) > size) return 0;
		for (int i = 0; i < e->e_shnum; i++)
			if (s[i].sh_type == SHT_DYNSYM) {
				*from = base + s[s[i].sh_link].sh_offset;
				*to = *from + s[s[i].sh_link].sh_size;
			}
	}
	return 1;
}

/* ---- files ----------------------------------------------------------------------------------------------------- */

static int collecting;
static unsigned changed;

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type != FTW_F || st->st_size < 0x100) return 0;
	int fd = open(path, collecting ? O_RDONLY : O_RDWR);
	if (fd < 0) { perror(path); return 1; }
	unsigned char *base = mmap(NULL, st->st_size, collecting ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED) { perror(path); return 1; }
	struct pe pe;
	unsigned char *hole, *hole_end;
	size_t size = st->st_size;
	if (parse_pe(&pe, base, st->st_size)) {
		if (collecting) collect_exports(&pe);
		else size = repaint_pe(&pe, path + ftw->base), changed++;
	} else if (!collecting && dynstr_of(base, st->st_size, &hole, &hole_end)) {
		mend(path + ftw->base, base, base + size);
		rename_all(base, base + size, hole, hole_end);
		replace_texts(base, base + size, hole, hole_end);
		replace_mark(base, base + size);
		replace_sids(base, base + size);
		changed++;
	}
	munmap(base, st->st_size);
	if (size != (size_t)st->st_size && ftruncate(fd, size)) { perror(path); return 1; }
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3) return fprintf(stderr, "usage: repaint RELAY-LIST DIRECTORY...\n"), 2;
	if (!read_relay(argv[1])) return 1;
	for (collecting = 1; collecting >= 0; collecting--)
		for (int i = 2; i < argc; i++)
			if (nftw(argv[i], visit, 16, FTW_PHYS)) return 1;
	printf("repaint: %u files, %u names, %u of %u traced functions\n", changed, name_count, relay_found, relay_count);
	for (unsigned i = 0; i < relay_count; i++)
		if (!relay_seen[i]) printf("repaint: no function %s\n", relayed[i]);
	if (consoles_mended != 1) printf("repaint: the console's timer mended in %u of 1 files\n", consoles_mended);
	if (ticks_mended != 4) printf("repaint: GetTickCount mended in %u of 4 files\n", ticks_mended);
	for (unsigned i = 0; i < ARRAY(fixes); i++)
		if (fixed[i] != fixes[i].times) printf("repaint: fix %u of %s fits %u times\n", i, fixes[i].file, fixed[i]);
	return 0;
}
