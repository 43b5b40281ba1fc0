"""The closed list of file types: what each is called, which category it has, and what starts it in which guest.

A type's name reaches reports and policies: it is never renamed or used again for something else.
"""

from __future__ import annotations

import msgspec

from lazaretto.domain.sample import Category


class FileType(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the bytes are.

    `profile` and `launch` say which guest runs it and how; both are None where nothing can be run. `extensions` are
    those under which people know the type, the usual first, lower case without the dot. `traits` are facts that the
    bytes show beside the type (gui, console, encrypted, macros, ...). `mismatch` is the extension of the file's name
    where that belongs to another type, else empty.
    """

    name: str
    title: str
    category: Category
    profile: str | None = None
    launch: str | None = None
    extensions: tuple[str, ...] = ()
    machine: str = ""
    traits: tuple[str, ...] = ()
    mismatch: str = ""

    @property
    def platform(self) -> str:
        """The system it is made for: windows, linux, macos, android, ios, java, office; empty where that is open."""
        if self.profile in {"windows", "office"}:
            return self.profile
        known = (platform for start, platform in _PLATFORMS if self.name.startswith(start))
        return next(known, self.profile or "")

    @property
    def detonable(self) -> bool:
        """Whether a guest can start it."""
        return self.profile is not None and self.launch is not None


_PLATFORMS = (
    ("pe-", "windows"), ("dos-exe", "windows"), ("coff-", "windows"), ("ms", "windows"), ("scf", "windows"),
    ("settings-", "windows"), ("inf", "windows"), ("clickonce", "windows"), ("rdp", "windows"), ("url", "windows"),
    ("chm", "windows"), ("appx", "windows"), ("autoit", "windows"), ("autohotkey", "windows"), ("vba", "office"),
    ("elf-", "linux"), ("rpm", "linux"), ("desktop", "linux"), ("mach-o", "macos"), ("dmg", "macos"), ("xar", "macos"),
    ("applescript", "macos"), ("ipa", "ios"), ("apk", "android"), ("dex", "android"), ("jar", "java"),
    ("java-class", "java"), ("jnlp", "java"),
)  # fmt: skip
_E, _A, _S, _D, _O = Category.EXECUTABLE, Category.ARCHIVE, Category.SCRIPT, Category.DOCUMENT, Category.OTHER

# name, title, category, "profile:launch" or "", extensions
_TABLE: tuple[tuple[str, str, Category, str, str], ...] = (
    ("pe-exe", "Windows program", _E, "windows:exe", "exe scr com pif"),
    ("pe-dll", "Windows library", _E, "windows:dll", "dll ocx cpl ax drv"),
    ("pe-driver", "Windows driver", _E, "windows:sys", "sys"),
    ("pe-dotnet", ".NET program", _E, "windows:dotnet", "exe dll scr"),
    ("pe-efi", "UEFI program", _E, "", "efi"),
    ("pe-foreign", "Windows program for another processor", _E, "", "exe dll sys"),
    ("dos-exe", "DOS or 16-bit Windows program", _E, "", "exe com dll"),
    ("elf-exe", "Linux program", _E, "linux:elf", "elf bin out run"),
    ("elf-foreign", "Linux program for another processor", _E, "linux:elf-foreign", "elf bin out run"),
    ("elf-so", "Linux library", _E, "", "so"),
    ("elf-object", "Linux object file or kernel module", _E, "", "o ko"),
    ("coff-object", "Windows object file", _E, "", "obj o"),
    ("elf-core", "Linux memory dump", _O, "", "core"),
    ("mach-o", "macOS program", _E, "", "macho dylib"),
    ("java-class", "Java class", _E, "", "class"),
    ("wasm", "WebAssembly module", _E, "", "wasm"),
    ("dex", "Android code", _E, "", "dex"),
    ("msi", "Windows installer package", _O, "windows:msi", "msi"),
    ("msp", "Windows installer patch", _O, "", "msp mst"),
    ("lnk", "Windows shortcut", _O, "windows:lnk", "lnk"),
    ("scf", "Windows shell command", _O, "", "scf"),
    ("settings-shortcut", "Windows settings shortcut", _O, "", "settingcontent-ms library-ms search-ms"),
    ("msc", "Windows management console", _O, "", "msc"),
    ("inf", "Windows set-up information", _O, "", "inf"),
    ("clickonce", "ClickOnce program", _O, "", "application appref-ms"),
    ("jnlp", "Java Web Start program", _O, "", "jnlp"),
    ("msbuild", "MSBuild project", _O, "", "csproj vbproj proj targets vcxproj"),
    ("rdp", "Remote Desktop connection", _O, "", "rdp"),
    ("desktop", "Linux launcher", _O, "", "desktop"),
    ("url", "Internet shortcut", _O, "", "url website"),
    ("reg", "registry file", _O, "windows:reg", "reg"),
    ("jar", "Java program", _O, "linux:jar", "jar war"),
    ("apk", "Android program", _O, "", "apk"),
    ("deb", "Debian package", _O, "linux:deb", "deb udeb"),
    ("rpm", "RPM package", _O, "", "rpm"),
    ("dmg", "macOS disk image", _O, "", "dmg"),
    ("xar", "macOS installer package", _O, "", "pkg xar xip"),
    ("ipa", "iOS program", _O, "", "ipa"),
    ("npm-package", "Node.js package", _O, "", "tgz gz"),
    ("python-sdist", "Python source package", _O, "", "gz bz2 xz tgz"),
    ("python-sdist-zip", "Python source package", _O, "", "zip"),
    ("nuget", ".NET package", _O, "", "nupkg"),
    ("appx", "Windows app package", _O, "", "appx msix appxbundle msixbundle"),
    ("chm", "compiled help", _O, "", "chm"),
    ("swf", "Flash film", _O, "", "swf"),
    ("jscript", "script for the Windows script host", _S, "windows:js", "js jse"),
    ("vbscript", "VBScript", _S, "windows:vbs", "vbs vbe"),
    ("script-encoded", "encoded Windows script", _S, "windows:vbs", "vbe jse"),
    ("wsf", "Windows script file", _S, "windows:wsf", "wsf wsc"),
    ("scriptlet", "Windows scriptlet", _S, "windows:wsf", "sct wsc"),
    ("batch", "batch file", _S, "windows:bat", "bat cmd"),
    ("powershell", "PowerShell script", _S, "windows:ps1", "ps1 psm1 psd1"),
    ("hta", "HTML application", _S, "windows:hta", "hta"),
    ("shell", "shell script", _S, "linux:sh", "sh"),
    ("bash", "bash script", _S, "linux:bash", "sh bash"),
    ("python", "Python script", _S, "linux:python", "py pyw"),
    ("python-compiled", "compiled Python", _S, "", "pyc pyo"),
    ("perl", "Perl script", _S, "linux:perl", "pl pm"),
    ("node", "Node.js script", _S, "linux:node", "js mjs cjs"),
    ("php", "PHP script", _S, "linux:php", "php phtml phar"),
    ("ruby", "Ruby script", _S, "", "rb"),
    ("lua", "Lua script", _S, "", "lua"),
    ("tcl", "Tcl script", _S, "", "tcl tk"),
    ("script-other", "script for another interpreter", _S, "", "awk csh fish"),
    ("autoit", "AutoIt script", _S, "", "au3"),
    ("autohotkey", "AutoHotkey script", _S, "", "ahk"),
    ("applescript", "compiled AppleScript", _S, "", "scpt"),
    ("vba", "Visual Basic for Applications module", _S, "", "bas cls frm"),
    ("server-page", "page that a web server runs", _S, "", "asp aspx jsp ashx asmx"),
    ("doc", "Word document (97-2003)", _D, "office:doc", "doc dot"),
    ("xls", "Excel workbook (97-2003)", _D, "office:xls", "xls xlt xla"),
    ("ppt", "PowerPoint presentation (97-2003)", _D, "office:ppt", "ppt pps pot"),
    ("ole-other", "OLE compound file", _D, "", "ole"),
    ("visio", "Visio drawing", _D, "", "vsd vsdx vsdm"),
    ("docx", "Word document", _D, "office:doc", "docx dotx"),
    ("docm", "Word document with macros", _D, "office:doc", "docm dotm"),
    ("xlsx", "Excel workbook", _D, "office:xls", "xlsx xltx"),
    ("xlsm", "Excel workbook with macros", _D, "office:xls", "xlsm xltm xlam"),
    ("xlsb", "Excel binary workbook", _D, "office:xls", "xlsb"),
    ("pptx", "PowerPoint presentation", _D, "office:ppt", "pptx ppsx potx"),
    ("pptm", "PowerPoint presentation with macros", _D, "office:ppt", "pptm ppsm potm ppam"),
    ("ooxml-other", "Office Open XML file", _D, "", ""),
    ("ooxml-encrypted", "encrypted Office document", _D, "", "docx xlsx pptx docm xlsm pptm"),
    ("odt", "OpenDocument text", _D, "office:odf", "odt ott"),
    ("ods", "OpenDocument spreadsheet", _D, "office:odf", "ods ots"),
    ("odp", "OpenDocument presentation", _D, "office:odf", "odp otp"),
    ("odf-other", "OpenDocument file", _D, "office:odf", "odg otg odf odb odc"),
    ("rtf", "rich text document", _D, "office:rtf", "rtf doc"),
    ("pdf", "PDF document", _D, "office:pdf", "pdf"),
    ("onenote", "OneNote section", _D, "", "one"),
    ("access", "Access database", _D, "", "mdb accdb accde mde"),
    ("xps", "XPS document", _D, "", "xps oxps"),
    ("slk", "symbolic link spreadsheet", _D, "", "slk"),
    ("iqy", "Excel web query", _D, "", "iqy"),
    ("djvu", "DjVu document", _D, "", "djvu djv"),
    ("epub", "electronic book", _D, "", "epub"),
    ("hwp", "Hangul document", _D, "", "hwp"),
    ("postscript", "PostScript document", _D, "", "ps eps"),
    ("html", "web page", _O, "office:html", "html htm xhtml shtml mht mhtml"),
    ("svg", "vector image", _O, "office:html", "svg"),
    ("zip", "ZIP archive", _A, "", "zip"),
    ("wheel", "Python package", _A, "", "whl"),
    ("browser-extension", "browser extension", _A, "", "crx xpi"),
    ("7z", "7-Zip archive", _A, "", "7z"),
    ("rar", "RAR archive", _A, "", "rar"),
    ("gzip", "gzip file", _A, "", "gz tgz svgz"),
    ("bzip2", "bzip2 file", _A, "", "bz2 tbz tbz2"),
    ("xz", "xz file", _A, "", "xz txz"),
    ("lzma", "lzma file", _A, "", "lzma"),
    ("zstd", "Zstandard file", _A, "", "zst"),
    ("lz4", "LZ4 file", _A, "", "lz4"),
    ("compress", "compress file", _A, "", "z"),
    ("tar", "tar archive", _A, "", "tar"),
    ("cpio", "cpio archive", _A, "", "cpio"),
    ("ar", "ar archive", _A, "", "a lib"),
    ("cab", "cabinet archive", _A, "", "cab"),
    ("iso", "disc image", _A, "", "iso img udf"),
    ("disk", "disk image", _A, "", "img ima dd raw vfd flp"),
    ("wim", "Windows image", _A, "", "wim esd swm"),
    ("lzip", "lzip file", _A, "", "lz"),
    ("lzop", "lzop file", _A, "", "lzo"),
    ("zpaq", "ZPAQ archive", _A, "", "zpaq"),
    ("stuffit", "StuffIt archive", _A, "", "sit sitx"),
    ("warc", "web archive", _A, "", "warc"),
    ("binhex", "BinHex file", _A, "", "hqx"),
    ("vhd", "virtual disk", _A, "", "vhd vhdx vmdk qcow2"),
    ("arj", "ARJ archive", _A, "", "arj"),
    ("ace", "ACE archive", _A, "", "ace"),
    ("lha", "LHA archive", _A, "", "lzh lha"),
    ("uue", "uuencoded file", _A, "", "uu uue"),
    ("squashfs", "file system image", _A, "", "squashfs sfs snap sqsh"),
    ("eml", "mail message", Category.SPAM, "", "eml"),
    ("mbox", "mail folder", Category.SPAM, "", "mbox"),
    ("tnef", "Outlook attachment container", Category.SPAM, "", "dat tnef"),
    ("pst", "Outlook mail store", Category.SPAM, "", "pst ost"),
    ("msg", "Outlook message", Category.SPAM, "", "msg"),
    ("png", "image", _O, "", "png"),
    ("jpeg", "image", _O, "", "jpg jpeg jpe"),
    ("gif", "image", _O, "", "gif"),
    ("bmp", "image", _O, "", "bmp dib"),
    ("tiff", "image", _O, "", "tif tiff"),
    ("webp", "image", _O, "", "webp"),
    ("ico", "icon", _O, "", "ico cur"),
    ("audio-video", "sound or film", _O, "", "mp3 mp4 m4a m4v avi mkv wav flac ogg mov webm wmv wma"),
    ("psd", "image", _O, "", "psd"),
    ("heic", "image", _O, "", "heic heif avif"),
    ("registry-hive", "Windows registry", _O, "", "dat hve"),
    ("event-log", "Windows event log", _O, "", "evtx"),
    ("capture", "network capture", _O, "", "pcap pcapng cap"),
    ("dump", "Windows memory dump", _O, "", "dmp mdmp"),
    ("key-or-certificate", "key or certificate", _O, "", "pem crt cer key asc p7b"),
    ("torrent", "torrent", _O, "", "torrent"),
    ("font", "font", _O, "", "ttf otf woff woff2"),
    ("sqlite", "database", _O, "", "sqlite sqlite3 db"),
    ("xml", "XML text", _O, "", "xml xsl xsd"),
    ("json", "JSON text", _O, "", "json"),
    ("text", "text", _O, "", "txt log md csv ini cfg conf rst markdown"),
    ("data", "data", _O, "", ""),
    ("empty", "empty file", _O, "", ""),
)  # fmt: skip


def _make(name: str, title: str, category: Category, start: str, extensions: str) -> FileType:
    profile, _, launch = start.partition(":")
    return FileType(
        name=name,
        title=title,
        category=category,
        profile=profile or None,
        launch=launch or None,
        extensions=tuple(extensions.split()),
    )


TYPES: dict[str, FileType] = {row[0]: _make(*row) for row in _TABLE}

KNOWN_EXTENSIONS: frozenset[str] = frozenset(ext for kind in TYPES.values() for ext in kind.extensions)


def of(name: str, *traits: str, machine: str = "") -> FileType:
    """The type of this name with what the bytes showed beside it."""
    return msgspec.structs.replace(TYPES[name], traits=tuple(sorted(traits)), machine=machine)
