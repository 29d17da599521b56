//! The symbols of a microcontroller's firmware: of a 32-bit ELF file, low byte first, as all boards have it.

/// Names and values of all symbols; an error in words if it is no such file.
pub(super) fn symbols(elf: &[u8]) -> Result<Vec<(&str, u32)>, String> {
    if !elf.starts_with(b"\x7fELF\x01\x01") {
        return Err("it is not a 32-bit little-endian ELF file".to_owned());
    }
    table(elf)
        .ok_or_else(|| "it has no symbols, or is cut off: give the file as the linker left it".to_owned())
}

/// The kind of section with the symbols.
const SYMTAB: u32 = 2;
const SYMBOL_LEN: usize = 16;

fn table(elf: &[u8]) -> Option<Vec<(&str, u32)>> {
    let (sections, size, count) = (word(elf, 0x20)? as usize, half(elf, 0x2E)?, half(elf, 0x30)?);
    let section = |n: usize| elf.get(sections.checked_add(n.checked_mul(size.into())?)?..);
    let place = |head: &[u8]| -> Option<&[u8]> {
        let (offset, len) = (word(head, 0x10)? as usize, word(head, 0x14)? as usize);
        elf.get(offset..offset.checked_add(len)?)
    };
    let head = (0..usize::from(count)).filter_map(section).find(|head| word(head, 4) == Some(SYMTAB))?;
    let names = place(section(word(head, 0x18)? as usize)?)?;
    let symbol = |symbol: &'_ [u8]| {
        let name = names.get(word(symbol, 0)? as usize..)?.split(|byte| *byte == 0).next()?;
        Some((std::str::from_utf8(name).ok()?, word(symbol, 4)?))
    };
    Some(place(head)?.chunks_exact(SYMBOL_LEN).filter_map(symbol).collect())
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_firmware_is_refused_in_words() {
        assert!(symbols(b"#!/bin/sh").unwrap_err().contains("not a 32-bit little-endian ELF file"));
        assert!(symbols(b"\x7fELF\x01\x01 and no more").unwrap_err().contains("no symbols"));
    }
}
