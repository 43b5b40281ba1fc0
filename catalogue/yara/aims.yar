// What a file names shows what it is after. Names of places in a system, not of its enemies.

rule stores_of_passwords {
    meta:
        title = "It names the stores of passwords of several programs"
        explanation = "The places where browsers and mail programs keep passwords and cookies are named in it, of more than one maker."
        benign = "Browsers that take over another browser's data, backup and clean-up programs, password managers."
        malicious = "Passwords are collected from wherever they are kept."
        weight = "moderate"
        family = "credentials"
        techniques = "T1555.003, T1539"
    strings:
        $chrome_logins = "\\Login Data" ascii wide nocase
        $chrome_logins_unix = "/Login Data" ascii wide nocase
        $chrome_key = "\\Local State" ascii wide nocase
        $chrome_key_name = "encrypted_key" ascii wide
        $chrome_query = "password_value" ascii wide
        $fox_logins = "logins.json" ascii wide nocase
        $fox_key = "key4.db" ascii wide nocase
        $fox_profiles = "\\Mozilla\\Firefox\\Profiles" ascii wide nocase
        $mail_profiles = "\\Thunderbird\\Profiles" ascii wide nocase
        $ftp = "\\recentservers.xml" ascii wide nocase
        $ftp_saved = "\\sitemanager.xml" ascii wide nocase
        $shell_keys = "\\Software\\SimonTatham\\PuTTY\\Sessions" ascii wide nocase
        $outlook = "\\Outlook\\9375CFF0413111d3B88A00104B2A6676" ascii wide nocase
    condition:
        filesize < 30MB and not is_compressed and 1 of ($chrome_*) and 1 of ($fox_*, $mail_*) and 5 of them
}

rule wallets_of_several_makers {
    meta:
        title = "It names the folders of several wallets"
        explanation = "The places where programs for digital money keep their keys are named in it, of more than one maker."
        benign = "Backup programs, and wallets that take over another's data."
        malicious = "The keys are copied, and the money with them."
        weight = "moderate"
        family = "collection"
        techniques = "T1005"
    strings:
        $a = "wallet.dat" ascii wide nocase
        $b = /[\\\/]Electrum[\\\/]wallets/ ascii wide nocase
        $c = /[\\\/]Exodus[\\\/]exodus\.wallet/ ascii wide nocase
        $d = /[\\\/]Ethereum[\\\/]keystore/ ascii wide nocase
        $e = /[\\\/]atomic[\\\/]Local Storage[\\\/]leveldb/ ascii wide nocase
        $f = /[\\\/]Armory[\\\/]/ ascii wide nocase
        $g = /[\\\/]Coinomi[\\\/]/ ascii wide nocase
        $h = /[\\\/]Guarda[\\\/]Local Storage/ ascii wide nocase
        $i = "nkbihfbeogaeaoehlefnkodbefgpgknn" ascii wide // identifiers of browser extensions: a wallet's data folder
        $j = "bfnaelmomeimhlpmgjnjophhpkkoljpa" ascii wide
    condition:
        filesize < 30MB and not is_compressed and 4 of them
}

rule demand_for_money {
    meta:
        title = "It contains a demand for money for getting files back"
        explanation = "A text in it says that files were encrypted and what is to be paid, and where."
        benign = "Articles and lessons about such attacks."
        malicious = "The note that is left beside encrypted files."
        weight = "moderate"
        family = "impact"
        techniques = "T1486"
    strings:
        $yours_a = "your files" ascii wide nocase
        $yours_b = "your data" ascii wide nocase
        $yours_c = "your documents" ascii wide nocase
        $yours_d = "your network" ascii wide nocase
        $state_a = "encrypted" ascii wide nocase
        $state_b = "locked" ascii wide nocase fullword
        $cure_a = "decryptor" ascii wide nocase
        $cure_b = "decryption" ascii wide nocase
        $cure_c = "decrypt your" ascii wide nocase
        $cure_d = "recover your" ascii wide nocase
        $cure_e = "restore your" ascii wide nocase
        $money_a = "bitcoin" ascii wide nocase
        $money_b = "monero" ascii wide nocase
        $money_c = "ransom" ascii wide nocase
        $threat_a = "do not rename" ascii wide nocase
        $threat_b = "do not modify" ascii wide nocase
        $threat_c = "do not try" ascii wide nocase
        $threat_d = "third party" ascii wide nocase
        $threat_e = "third-party" ascii wide nocase
        $threat_f = "will be leaked" ascii wide nocase
        $threat_g = "will be published" ascii wide nocase
        $threat_h = "price will" ascii wide nocase
        $threat_i = "be doubled" ascii wide nocase
        $place_a = ".onion" ascii wide nocase
        $place_b = "tor browser" ascii wide nocase
        $place_c = /\bbc1q[a-z0-9]{38}/ ascii wide
        $place_d = "protonmail" ascii wide nocase
        $place_e = "tutanota" ascii wide nocase
    condition:
        filesize < 20MB and any of ($yours_*) and any of ($state_*) and any of ($cure_*) and any of ($money_*)
        and any of ($threat_*) and any of ($place_*)
}

rule switches_protection_off {
    meta:
        title = "It names the settings that switch the system's protection off"
        explanation = "Several settings with which Windows' own protection is switched off are named in it."
        benign = "Programs for administrators, and templates of policies."
        malicious = "Protection is switched off before the harmful part begins."
        weight = "moderate"
        family = "defences"
        techniques = "T1562.001"
    strings:
        $a = "DisableRealtimeMonitoring" ascii wide nocase
        $b = "DisableAntiSpyware" ascii wide nocase
        $c = "DisableBehaviorMonitoring" ascii wide nocase
        $d = "DisableIOAVProtection" ascii wide nocase
        $e = "DisableOnAccessProtection" ascii wide nocase
        $f = "DisableScanOnRealtimeEnable" ascii wide nocase
        $g = /Add-MpPreference.{1,40}-Exclusion(Path|Process|Extension)/ ascii wide nocase
        $h = "DisableScriptScanning" ascii wide nocase
    condition:
        filesize < 10MB and 2 of them
}

rule removes_the_ways_back {
    meta:
        title = "It carries commands that remove the system's ways back"
        explanation = "Shadow copies, backups and the repair at start-up are what files are restored with after damage."
        benign = "Scripts of administrators that make room, and instructions for that."
        malicious = "What is encrypted or deleted next cannot be got back."
        weight = "moderate"
        family = "impact"
        techniques = "T1490"
    strings:
        $a = /\bdelete\s+shadows\b[^\r\n\x00]{0,20}\/(all|quiet|oldest|for)/ ascii wide nocase
        $b = /\bshadowcopy\b[^\r\n\x00]{0,80}\bdelete\b/ ascii wide nocase
        $c = /Win32_ShadowCopy.{0,200}(\.Delete\(|Remove-WmiObject|Remove-CimInstance|Delete_)/s ascii wide nocase
        $d = /\brecoveryenabled\b["',\s]+no\b/ ascii wide nocase
        $e = /\bbootstatuspolicy\b["',\s]+ignoreallfailures/ ascii wide nocase
        $f = /\bdelete\s+(catalog|systemstatebackup)\b/ ascii wide nocase
        $g = /\bresize\s+shadowstorage\b/ ascii wide nocase
    condition:
        filesize < 10MB and 2 of them
}

rule mines_with_a_pool {
    meta:
        title = "It is set up to compute digital money for a pool"
        explanation = "It names a server that hands out such work, and how and for whom it is to be done."
        benign = "A miner that the user wants."
        malicious = "The computer works for somebody else, and its owner pays the electricity."
        weight = "moderate"
        family = "impact"
        techniques = "T1496"
    strings:
        $pool = /stratum\+(tcp|ssl|udp|tls):\/\/[a-z0-9.-]{4,100}:[0-9]{2,5}/ ascii wide nocase
        $method = "mining.subscribe" ascii wide
        $login = /"method"\s*:\s*"(login|submit|keepalived)"/ ascii wide
        $way_a = /"?(algo|coin)"?\s*[:=]\s*"?(rx\/|randomx|cn\/|cryptonight|argon2|kawpow|ethash|monero)/ ascii wide nocase
        $way_b = /(--|-)(algo|coin|donate-level|cpu-priority|max-cpu-usage|cpu-max-threads-hint)\b/ ascii wide
        $whom = /\b4[0-9AB][1-9A-HJ-NP-Za-km-z]{93}\b/ ascii wide
    condition:
        filesize < 30MB and ($pool or $method or $login) and 2 of ($way_*, $whom, $pool)
}

rule logins_of_many_devices {
    meta:
        title = "A program carries the factory passwords of many devices"
        explanation = "Passwords with which cameras, routers and recorders leave the factory are in it, of many makers."
        benign = "Tools with which one's own network is tested."
        malicious = "It logs in to devices in the network and goes on from there."
        weight = "strong"
        family = "spreading"
        techniques = "T1110.001"
    strings:
        $a = "xc3511" fullword
        $b = "vizxv" fullword
        $c = "7ujMko0admin" fullword
        $d = "hi3518" fullword
        $e = "juantech" fullword
        $f = "jvbzd" fullword
        $g = "zlxx." fullword
        $h = "Zte521" fullword
        $i = "klv1234" fullword
        $j = "ikwb" fullword
        $k = "GM8182" fullword
        $l = "7ujMko0vizxv" fullword
    condition:
        is_program and 5 of them
}

rule hides_in_every_program {
    meta:
        title = "A Linux library is made to be loaded into every program and to hide things"
        explanation = "It takes the place of the functions that list files and names the file that has a library loaded everywhere."
        benign = "Tools that keep a program in a make-believe folder tree."
        malicious = "Files and connections of the attacker become invisible."
        weight = "moderate"
        family = "concealment"
        techniques = "T1574.006, T1014"
    strings:
        $preload = "/etc/ld.so.preload"
        $list_a = "readdir64"
        $list_b = "readdir"
        $next = "dlsym"
        $network = "/proc/net/tcp"
        $open_a = "fopen64"
        $open_b = "__xstat"
        $open_c = "unlinkat"
    condition:
        is_elf and $preload and $next and any of ($list_*) and any of ($network, $open_a, $open_b, $open_c)
}
