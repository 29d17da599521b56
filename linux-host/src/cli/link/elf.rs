//! What a microcontroller's firmware is made of: its symbols, and the bytes that its board gets. Of a 32-bit ELF file, low byte
//! first, as all boards have it.

/// Names and values of all symbols; an error in words if it is no such file.
pub(super) fn symbols(elf: &[u8]) -> Result<Vec<(&str, u32)>, String> {
    if !elf.starts_with(b"\x7fELF\x01\x01") {
        return Err("it is not a 32-bit little-endian ELF file".to_owned());
    }
    table(elf)
        .ok_or_else(|| "it has no symbols, or is cut off: give the file as the linker left it".to_owned())
}

/// Whether the bytes that the board gets have this text.
pub(super) fn has_text(elf: &[u8], text: &str) -> bool {
    loaded(elf).any(|bytes| bytes.windows(text.len().max(1)).any(|window| window == text.as_bytes()))
}

/// The kind of segment that a board gets.
const LOAD: u32 = 1;

fn loaded(elf: &[u8]) -> impl Iterator<Item = &[u8]> {
    let heads = (|| Some((word(elf, 0x1C)? as usize, half(elf, 0x2A)?, half(elf, 0x2C)?)))();
    let (heads, size, count) = heads.unwrap_or_default();
    let segment = move |n: u16| elf.get(heads.checked_add(usize::from(n).checked_mul(size.into())?)?..);
    (0..count).filter_map(segment).filter(|head| word(head, 0) == Some(LOAD)).filter_map(|head| {
        let (offset, len) = (word(head, 4)? as usize, word(head, 0x10)? as usize);
        elf.get(offset..offset.checked_add(len)?)
    })
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
pub(super) mod tests {
    use super::*;

    /// A firmware with these symbols and, for its board, these bytes.
    pub(in super::super) fn firmware(symbols: &[(&str, u32)], loaded: &[u8]) -> Vec<u8> {
        let (mut names, mut table) = (vec![0], Vec::new());
        for (name, value) in symbols {
            table.extend([names.len() as u32, *value, 0, 0].map(u32::to_le_bytes).concat());
            names.extend([name.as_bytes(), &[0]].concat());
        }
        let (segment, names_at) = (0x34, 0x34 + 0x20 + 3 * 0x28);
        let table_at = names_at + names.len() as u32;
        let loaded_at = table_at + table.len() as u32;
        let section = |kind, at, len: usize, link| [0, kind, 0, 0, at, len as u32, link, 0, 0, 0];
        let mut elf = b"\x7fELF\x01\x01".to_vec();
        elf.resize(0x1C, 0);
        elf.extend([segment, segment + 0x20, 0].map(u32::to_le_bytes).concat());
        // Behind the flags: the lengths of the heads, of which there are one of a segment and three of sections.
        elf.extend([0x34_u16, 0x20, 1, 0x28, 3, 0].map(u16::to_le_bytes).concat());
        elf.extend([LOAD, loaded_at, 0, 0, loaded.len() as u32, 0, 0, 0].map(u32::to_le_bytes).concat());
        elf.extend([0; 0x28]);
        elf.extend(section(3, names_at, names.len(), 0).map(u32::to_le_bytes).concat());
        elf.extend(section(SYMTAB, table_at, table.len(), 1).map(u32::to_le_bytes).concat());
        [elf, names, table, loaded.to_vec()].concat()
    }

    #[test]
    fn symbols_and_texts_are_found_where_they_are() {
        let elf = firmware(&[("one", 1), ("other", 0xabcd)], b"..microbit..");
        assert_eq!(symbols(&elf).unwrap(), [("one", 1), ("other", 0xabcd)]);
        assert!(has_text(&elf, "microbit") && !has_text(&elf, "hifive1"));
        assert!(!has_text(&elf, "other"), "the board does not get that");
        for cut in 0..elf.len() {
            assert!(!has_text(&elf[..cut], "microbit.."), "{cut} bytes");
        }
    }

    #[test]
    fn what_is_no_firmware_is_refused_in_words() {
        assert!(symbols(b"#!/bin/sh").unwrap_err().contains("not a 32-bit little-endian ELF file"));
        assert!(symbols(b"\x7fELF\x01\x01 and no more").unwrap_err().contains("no symbols"));
    }
}
