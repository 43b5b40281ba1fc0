// What the other rules ask about a file's kind. Private: they report nothing.

private rule is_pe { condition: uint16(0) == 0x5A4D }
private rule is_elf { condition: uint32(0) == 0x464C457F }
private rule is_program { condition: is_pe or is_elf }
private rule is_image {
    condition:
        uint32be(0) == 0x89504E47 or uint32be(0) == 0x47494638 or uint16be(0) == 0xFFD8 or uint16be(0) == 0x424D
}
private rule is_document {
    condition:
        uint32be(0) == 0xD0CF11E0 or uint32be(0) == 0x25504446 or uint32be(0) == 0x7B5C7274
}
private rule is_compressed {
    condition:
        uint32be(0) == 0x504B0304 or uint16be(0) == 0x1F8B or uint32be(0) == 0x377ABCAF or uint32be(0) == 0xFD377A58
}
private rule is_script {
    // text, as far as a rule can see it
    condition:
        not is_program and not is_image and not is_document and not is_compressed and filesize < 4MB
}
