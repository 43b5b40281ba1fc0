// Commands and code whose meaning is in their construction.

rule shell_over_the_network {
    meta:
        title = "It hands a command line over to the network"
        explanation = "A shell's input and output are connected with another computer, so that whoever is there types the commands."
        benign = "Lessons and tools for testing one's own systems."
        malicious = "The attacker gets a command line on the computer."
        weight = "strong"
        family = "control"
        techniques = "T1059.004"
    strings:
        // bash's own way to the network, with the shell's three streams on it
        $device = /\b(ba|z|k|da)?sh\s+-i\s*(>&|&>|[0-9]?<>?|[0-9]?>&?)[^\r\n]{0,20}\/dev\/(tcp|udp)\/[^\s]{3,}/
        $device_exec = /exec\s+[0-9]+<>\s*\/dev\/(tcp|udp)\/[^\r\n]{3,80}[\r\n;].{0,200}\b(ba)?sh\b[^\r\n]{0,30}[<>]&[0-9]/s
        $pipe = /mkfifo\s+(\S+)[^\r\n]{0,80}\|\s*(\/bin\/)?(ba|da)?sh\s+-i[^\r\n]{0,120}>\s*\S+/
    condition:
        is_script and filesize < 256KB and any of them
}

rule socket_becomes_a_shell {
    meta:
        title = "A script makes a network connection the input and output of a shell"
        explanation = "It connects to another computer, puts the connection in the place of keyboard and screen, and starts a shell."
        benign = "Lessons and tools for testing one's own systems."
        malicious = "The attacker gets a command line on the computer."
        weight = "strong"
        family = "control"
        techniques = "T1059.006"
    strings:
        $socket = /\bsocket\s*\(/ nocase
        $connect = /\bconnect\s*\(/ nocase
        $in = /dup2\s*\([^)\n]{1,40}\(?\)?\s*,\s*0\s*\)/
        $out = /dup2\s*\([^)\n]{1,40}\(?\)?\s*,\s*1\s*\)/
        $shell = /["'](\/bin\/)?(ba|z|da)?sh["']/
        $loop = /for\s+\w+\s+in\s+(\(\s*0\s*,\s*1\s*,\s*2\s*\)|\[\s*0\s*,\s*1\s*,\s*2\s*\]|range\(\s*3\s*\)).{0,60}dup2/s
        $spawn = "pty.spawn"
    condition:
        is_script and filesize < 256KB and $socket and $connect and (($in and $out) or $loop) and ($shell or $spawn)
}

rule web_page_runs_what_is_sent {
    meta:
        title = "A page of a web server runs what a visitor sends"
        explanation = "A value of the request goes straight into a function that runs code or commands."
        benign = "Lessons and tools for testing one's own servers."
        malicious = "A door that the attacker left on a web server."
        weight = "strong"
        family = "control"
        techniques = "T1505.003"
    strings:
        $php = /\b(eval|assert|system|passthru|shell_exec|exec|popen|proc_open|pcntl_exec|create_function)\s*\(\s*@?\s*((base64_decode|gzinflate|gzuncompress|str_rot13|stripslashes|trim|urldecode|rawurldecode|strrev|hex2bin)\s*\(\s*@?\s*){0,4}\$_(GET|POST|REQUEST|COOKIE)\s*[\[{]/ nocase
        $php_called = /\$_(GET|POST|REQUEST|COOKIE)\s*\[[^\]\n]{1,40}\]\s*\(\s*\$_(GET|POST|REQUEST|COOKIE)/ nocase
        $java = /getRuntime\s*\(\s*\)\s*\.\s*exec\s*\(\s*request\s*\.\s*getParameter/ nocase
        $net = /\beval\s*\(\s*Request\s*(\.\s*(Item|Form|QueryString)\s*)?[\[(]/ nocase
    condition:
        is_script and any of them
}

rule script_unpacks_and_runs_itself {
    meta:
        title = "A script decodes a text and runs it as code"
        explanation = "What it does cannot be read in it: the real code is packed, and run as soon as it is unpacked."
        benign = "Protected or shortened scripts."
        malicious = "The harmful part is hidden from filters and readers."
        weight = "moderate"
        family = "unpacking"
        techniques = "T1027, T1140"
    strings:
        $python = /\bexec\s*\(\s*(compile\s*\(\s*)?(__import__\s*\(\s*['"](zlib|base64|marshal|codecs|lzma|bz2)['"]\s*\)\s*\.|zlib\.|base64\.|marshal\.|codecs\.|lzma\.|bz2\.|bytes\.fromhex)[a-z0-9_]{0,20}\s*\(/
        $script_a = /\b(eval|Function)\s*\(\s*(window\.)?(atob|unescape|decodeURIComponent)\s*\(\s*['"][^'"\n]{60}/
        $script_b = /\beval\s*\(\s*Buffer\.from\s*\([^)\n]{40,},\s*['"](base64|hex)['"]/
        $php = /\b(eval|assert)\s*\(\s*@?(gzinflate|gzuncompress|base64_decode|str_rot13|hex2bin|strrev)\s*\(/ nocase
        $perl = /\beval\s*\(?\s*(unpack\s*\(?\s*['"]u|pack\s*\(?\s*['"]H\*|decode_base64)/
    condition:
        is_script and any of them
}

rule waits_and_deletes_itself {
    meta:
        title = "It carries a command that waits and then deletes a file"
        explanation = "A program cannot delete itself while it runs, so it leaves a command behind that waits until it has ended."
        benign = "Uninstallers remove themselves in this way."
        malicious = "The program removes its traces after it has done its work."
        weight = "weak"
        family = "concealment"
        techniques = "T1070.004"
    strings:
        $wait = /(ping|timeout|choice|sleep)\b[^\r\n\x00]{1,80}(&|\|\||;)\s*(del|erase|rmdir|rd|rm)\s+["\/\-%]/ nocase ascii wide
    condition:
        is_pe and $wait
}

rule page_carries_a_file {
    meta:
        title = "A page makes a file out of itself and has it saved"
        explanation = "A long encoded text in the page is turned into a file and saved as if it had been downloaded."
        benign = "Pages that export their own data, and documentation that works offline."
        malicious = "The harmful file is never sent over the network as a file, so filters do not see it."
        weight = "moderate"
        family = "concealment"
        techniques = "T1027.006"
    strings:
        $page = /<(html|script|svg|body)\b/ nocase
        $long = /["'`][A-Za-z0-9+\/=]{3000}/
        $decode = /\b(atob|fromCharCode|charCodeAt|Uint8Array)\b/
        $blob = "Blob" fullword
        $save_a = "createObjectURL"
        $save_b = "msSaveOrOpenBlob"
        $save_c = "msSaveBlob"
        $named = /\.download\s*=|setAttribute\s*\(\s*['"]download|download=|saveAs\s*\(/
        $click = /\.click\s*\(|dispatchEvent\s*\(|msSave/
    condition:
        is_script and $page and $long and $decode and $blob and any of ($save_*) and $named and $click
}
