//! Consistent Overhead Byte Stuffing, by Cheshire and Baker: bytes without a zero, so that a zero can end a frame. Of up
//! to 254 bytes, one byte more.

/// The most bytes that take one byte more.
pub(super) const MAX: usize = 254;

/// Appends the form of `bytes`, [`MAX`] at most, to the front of `out`; `None` if there is no room.
pub(super) fn encode(bytes: &[u8], out: &mut [u8]) -> Option<usize> {
    if bytes.len() > MAX {
        return None;
    }
    // Where the byte is that says how far it is to the next zero.
    let mut code = 0usize;
    let mut at = 1usize;
    for &byte in bytes {
        if byte == 0 {
            *out.get_mut(code)? = u8::try_from(at.wrapping_sub(code)).ok()?;
            code = at;
        } else {
            *out.get_mut(at)? = byte;
        }
        at = at.wrapping_add(1);
    }
    *out.get_mut(code)? = u8::try_from(at.wrapping_sub(code)).ok()?;
    Some(at)
}

/// Takes the form back, in place; `None` if it is none that [`encode`] gives.
pub(super) fn decode(buf: &mut [u8]) -> Option<&[u8]> {
    let (mut read, mut written) = (0usize, 0usize);
    while let Some(&code) = buf.get(read) {
        let end = read.wrapping_add(usize::from(code.checked_sub(1)?)).wrapping_add(1);
        for from in read.wrapping_add(1)..end {
            *buf.get_mut(written)? = *buf.get(from)?;
            written = written.wrapping_add(1);
        }
        if end < buf.len() {
            *buf.get_mut(written)? = 0;
            written = written.wrapping_add(1);
        }
        read = end;
    }
    buf.get(..written).filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn encoded(bytes: &[u8]) -> Vec<u8> {
        let mut out = [0; MAX + 1];
        let len = encode(bytes, &mut out).unwrap();
        out[..len].to_vec()
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(encoded(&[0]), [1, 1]);
        assert_eq!(encoded(&[0x11, 0x22, 0, 0x33]), [3, 0x11, 0x22, 2, 0x33]);
        assert_eq!(encoded(&[0x11, 0, 0, 0]), [2, 0x11, 1, 1, 1]);
        assert_eq!(encoded(&[7; MAX]), [&[0xff][..], &[7; MAX]].concat());
        assert_eq!(encode(&[7; MAX + 1], &mut [0; 300]), None);
        assert_eq!(encode(&[7; 5], &mut [0; 5]), None, "no room");
    }

    proptest! {
        #[test]
        fn bytes_come_back_and_have_no_zero_on_the_way(bytes in proptest::collection::vec(any::<u8>(), 1..=MAX)) {
            let mut buf = encoded(&bytes);
            prop_assert_eq!(buf.len(), bytes.len() + 1);
            prop_assert!(!buf.contains(&0));
            prop_assert_eq!(decode(&mut buf), Some(bytes.as_slice()));
        }

        #[test]
        fn any_bytes_are_refused_or_a_form(bytes in proptest::collection::vec(1..=255u8, 0..300)) {
            let mut buf = bytes.clone();
            if let Some(decoded) = decode(&mut buf).map(<[u8]>::to_vec) && decoded.len() <= MAX {
                prop_assert_eq!(encoded(&decoded), bytes);
            }
        }
    }
}
