// Machine code that finds its own way about, and programs hidden in what is none.

rule code_that_finds_libraries {
    meta:
        title = "It carries machine code that looks for the system's functions by itself"
        explanation = "Code that walks the list of loaded libraries needs no imports: it can be put anywhere and run from there."
        benign = "Copy protection and some run-time libraries of compilers do it inside a program."
        malicious = "Code made to be slipped into other programs starts like this."
        weight = "weak"
        family = "unpacking"
        techniques = "T1027.007"
    strings:
        // mov r32, fs:[30h]; mov r32, [r32+0Ch]; then one of the three lists of modules
        $list32 = { 64 (A1 30 00 00 00 | 8B ?? 30 00 00 00 | 8B ?? 30) [0-8] 8B (4? | 5? | 7?) 0C [0-4] 8B (4? | 5? | 7?) (0C | 14 | 1C) }
        // mov r64, gs:[60h]; mov r64, [r64+18h]; mov r64, [r64+10h/20h/30h]
        $list64 = { 65 (48 | 4C) 8B ( ?? 25 60 00 00 00 | ?? 60) [0-8] (48 | 49 | 4C | 4D) 8B ?? 18 [0-4] (48 | 49 | 4C | 4D) 8B ?? (10 | 20 | 30) }
    condition:
        is_pe and any of them
}

rule code_that_finds_libraries_outside_a_program {
    meta:
        title = "A file that is no program carries machine code that looks for the system's functions"
        explanation = "Such code has no place in a document, a picture or a text: it is there to be run through a weakness of the program that opens the file."
        benign = "Documents about such attacks, and collections of samples."
        malicious = "Opening the file runs the code."
        weight = "strong"
        family = "execution"
        techniques = "T1203"
    strings:
        $list32 = { 64 (A1 30 00 00 00 | 8B ?? 30 00 00 00) [0-8] 8B (4? | 5? | 7?) 0C [0-4] 8B (4? | 5? | 7?) (0C | 14 | 1C) }
        $list64 = { 65 (48 | 4C) 8B ?? 25 60 00 00 00 [0-8] (48 | 49 | 4C | 4D) 8B ?? 18 [0-4] (48 | 49 | 4C | 4D) 8B ?? (10 | 20 | 30) }
    condition:
        (is_document or is_image) and any of them
}

rule functions_by_hash {
    meta:
        title = "It looks up functions of the system by the hash of their names"
        explanation = "The names of the functions that it calls do not appear in the file; short codes stand for them."
        benign = "Protected programs hide what they call."
        malicious = "What the code calls is hidden from anyone who reads the file."
        weight = "moderate"
        family = "unpacking"
        techniques = "T1027.007"
    strings:
        // the loop over a name: load a byte, rotate the sum right or left by a constant, add the byte, go on
        $rotate_a = { AC [0-12] C1 (C? | D?) (05 | 07 | 09 | 0B | 0D | 13) [0-6] (01 | 03) ?? [0-8] (E2 | 75 | EB | E0 | E1) }
        $rotate_b = { 41 C1 C? (05 | 07 | 09 | 0B | 0D | 13) 41 01 ?? [0-6] (E2 | 75 | EB) }
        $export_table = { 8B (4? | 5? | 7?) 3C [0-12] 8B ?? [1-3] 78 }
        $export_table64 = { 8B ?? 3C [0-16] 8B ?? 88 00 00 00 }
    condition:
        any of ($rotate_*) and any of ($export_table*) and filesize < 8MB and not is_elf and not is_image
}

rule program_in_an_image {
    meta:
        title = "A picture has a Windows program in it"
        explanation = "The file shows a picture, and the bytes of a whole program lie behind or inside it."
        benign = "Self-made archives, and pictures joined with an installer."
        malicious = "The program passes filters as a picture and is taken out again by a small loader."
        weight = "moderate"
        family = "concealment"
        techniques = "T1027.003"
    strings:
        $program = "This program cannot be run in DOS mode"
        $mz = { 4D 5A ?? 00 0? 00 00 00 04 00 ?? 00 FF FF }
    condition:
        is_image and $program and $mz and for any i in (1..#mz) :
            (uint32(@mz[i] + 0x3C) < 4096 and uint32(@mz[i] + uint32(@mz[i] + 0x3C)) == 0x00004550)
}

rule program_spelt_as_text {
    meta:
        title = "A text carries a Windows program, spelt in letters and digits"
        explanation = "The bytes of a program are written as text, so that a script can make a file or running code of them."
        benign = "Installers and test data that are kept as one text file."
        malicious = "A script carries the harmful program along, invisible to whoever looks for programs."
        weight = "moderate"
        family = "unpacking"
        techniques = "T1027.009"
    strings:
        $base64_a = /TV[oqpr][QAJBK]AA[MIEAQ]AAAA[EI]A[A-Za-z0-9\/+]{400}/
        $hex = /4d5a[0-9a-f]{2}000[0-9a-f]000000(04|02)00[0-9a-f]{2}00ffff0000[0-9a-f]{400}/ nocase
        $hex_list = /0x4d, ?0x5a, ?0x[0-9a-f]{2}, ?0x00, ?0x0[0-9a-f], ?0x00, ?0x00, ?0x00, ?0x0[24], ?0x00/ nocase
        $decimal = /77, ?90, ?(144|128|80), ?0, ?[0-9]{1,2}, ?0, ?0, ?0, ?[24], ?0, ?[0-9]{1,2}, ?0, ?255, ?255/
    condition:
        is_script and any of them
}

rule program_spelt_backwards {
    meta:
        title = "A text carries a Windows program, spelt backwards"
        explanation = "The bytes of a program are written as text from its end to its beginning; nothing needs that but hiding."
        benign = "None that is usual."
        malicious = "A script turns the text round and runs it; who looks for the usual beginning of a program finds nothing."
        weight = "strong"
        family = "unpacking"
        techniques = "T1027.009"
    strings:
        $base64 = /[A-Za-z0-9\/+]{400}A[EI]AAAA[MIEAQ]AA[QAJBK][oqpr]VT/
        $hex = /[0-9a-f]{400}0000ffff00[0-9a-f]{2}00(40|20)000000[0-9a-f]000[0-9a-f]{2}a5d4/ nocase
    condition:
        is_script and any of them
}

rule script_runs_machine_code {
    meta:
        title = "A script puts machine code into memory and runs it"
        explanation = "It asks for memory that may be run, copies bytes there and starts them as a thread: a script has no ordinary need of that."
        benign = "Debugging tools written as scripts, and lessons about it."
        malicious = "The harmful code never lies on the disk as a file of its own."
        weight = "strong"
        family = "injection"
        techniques = "T1055, T1106"
    strings:
        $memory_a = "VirtualAlloc" ascii wide nocase
        $memory_b = "NtAllocateVirtualMemory" ascii wide nocase
        $memory_c = "VirtualProtect" ascii wide nocase
        $copy_a = "RtlMoveMemory" ascii wide nocase
        $copy_b = "WriteProcessMemory" ascii wide nocase
        $copy_c = "Marshal]::Copy" ascii wide nocase
        $copy_d = "ctypes.memmove" ascii nocase
        $run_a = "CreateThread" ascii wide nocase
        $run_b = "CreateRemoteThread" ascii wide nocase
        $run_c = "EnumSystemLocales" ascii wide nocase
        $run_d = "QueueUserAPC" ascii wide nocase
        $run_e = "GetDelegateForFunctionPointer" ascii wide nocase
        $rights = /\b(0x40|&H40|64)\b/ nocase
    condition:
        is_script and filesize < 1MB and any of ($memory_*) and any of ($copy_*) and any of ($run_*) and $rights
}
